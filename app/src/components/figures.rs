//! Figures: the few numbers a page opens with, each a link to what is behind it.

use super::marks::Tone;
use leptos::prelude::*;

#[component]
pub fn Figures(children: Children) -> AnyView {
    view! { <section class="figures" aria-label="Key figures">{children()}</section> }.into_any()
}

/// One figure. The value is whatever is loud (an `Amount`, a count); unit and note are quiet; the trend is drawn, newest at the right.
#[component]
pub fn Figure(
    #[prop(into)] label: String,
    #[prop(into)] href: String,
    #[prop(into, optional)] unit: Option<String>,
    #[prop(into, optional)] note: Option<String>,
    #[prop(optional)] tone: Option<Tone>,
    #[prop(optional)] trend: Vec<i64>,
    /// What exactly is counted; shown on hover.
    #[prop(into, optional)]
    definition: Option<String>,
    children: Children,
) -> AnyView {
    let note_class = tone.map_or("note".to_owned(), |tone| format!("note tone {}", tone.class()));
    let points = spark(&trend);
    view! {
        <a class="figure" href=href title=definition>
            <span class="label">{label}</span>
            <span class="value">{children()}{unit.map(|unit| view! { " "<span class="unit">{unit}</span> })}</span>
            {note.map(|note| view! { <span class=note_class>{note}</span> })}
            {points.map(|points| view! {
                <svg class="spark" viewBox="0 0 100 26" preserveAspectRatio="none" aria-hidden="true"><polyline points=points></polyline></svg>
            })}
        </a>
    }
    .into_any()
}

/// The points of a trend in a box of 100 × 26, in tenths; nothing to draw with fewer than two values.
fn spark(trend: &[i64]) -> Option<String> {
    let (low, high) = (*trend.iter().min()?, *trend.iter().max()?);
    let last = i128::try_from(trend.len()).ok()?.checked_sub(1).filter(|last| *last > 0)?;
    let span = (i128::from(high) - i128::from(low)).max(1);
    let tenths = |n: i128| format!("{}.{}", n / 10, n % 10);
    let points = (0i128..).zip(trend).map(|(index, value)| {
        let y = 230 - (i128::from(*value) - i128::from(low)) * 200 / span;
        format!("{},{}", tenths(index * 1000 / last), tenths(y))
    });
    Some(points.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::spark;

    #[test]
    fn a_trend_spans_its_box() {
        assert_eq!(spark(&[0, 5, 10]).unwrap(), "0.0,23.0 50.0,13.0 100.0,3.0");
        assert_eq!(spark(&[7, 7]).unwrap(), "0.0,23.0 100.0,23.0");
        assert_eq!(spark(&[7]), None);
        assert!(spark(&[i64::MIN, i64::MAX]).is_some());
    }
}
