//! A trend of few days as small as a word: bars, and the same in words.

use domain::money::grouped;
use leptos::prelude::*;

/// Units of the drawing: a day, its bar, and the height.
const STEP: i64 = 6;
const BAR: i64 = 4;
const HEIGHT: i64 = 18;

/// `what` says what is counted: opened a day. Nothing is drawn of nothing.
#[component]
pub fn Sparkline(values: Vec<i64>, what: &'static str) -> AnyView {
    if values.is_empty() {
        return ().into_any();
    }
    let width = STEP * i64::try_from(values.len()).unwrap_or_default();
    let words = words(&values, what);
    let title = words.clone();
    view! {
        <span class="bars" title=title>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") width=width height=HEIGHT aria-hidden="true"><path d=bars(&values)></path></svg>
            <small aria-hidden="true">{short(&values)}</small>
            <span class="vh">{words}</span>
        </span>
    }
    .into_any()
}

/// One outline for all bars; what is not zero has at least a line, and zero has a dot of the base.
fn bars(values: &[i64]) -> String {
    let most = values.iter().copied().max().unwrap_or_default().max(1);
    let bar = |(x, value): (i64, &i64)| {
        let height = if *value > 0 { (value * (HEIGHT - 1) / most).max(2) } else { 1 };
        format!("M{x} {HEIGHT}v-{height}h{BAR}v{height}z")
    };
    (0..).step_by(usize::try_from(STEP).unwrap_or(1)).zip(values).map(bar).collect()
}

fn short(values: &[i64]) -> String {
    format!("{} in {} d", grouped(values.iter().sum::<i64>().into()), values.len())
}

fn words(values: &[i64], what: &str) -> String {
    let listed: Vec<String> = values.iter().map(|value| grouped((*value).into())).collect();
    format!("{what} over {} days, today last: {}", values.len(), listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_drawn_to_its_largest_day_and_said_in_words() {
        assert_eq!(bars(&[0, 1, 4000]), "M0 18v-1h4v1zM6 18v-2h4v2zM12 18v-17h4v17z");
        let html = view! { <Sparkline values=vec![0, 1, 4000] what="opened a day"/> }.to_html();
        assert!(html.contains("opened a day over 3 days, today last: 0, 1, 4,000") && html.contains("4,001 in 3 d"), "{html}");
        assert!(!view! { <Sparkline values=Vec::new() what="opened a day"/> }.to_html().contains("svg"));
    }
}
