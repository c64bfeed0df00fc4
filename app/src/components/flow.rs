//! The flow bar: where every document of a batch is now, in one line whose segments always add up to what came in.

use super::marks::Place;
use domain::{money::grouped, stage::Stage};
use leptos::prelude::*;

/// How many documents are in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub place: Place,
    pub count: i64,
}

impl Segment {
    pub fn new(place: impl Into<Place>, count: i64) -> Self {
        Self { place: place.into(), count }
    }
}

/// From done to in trouble; the bar and the legend are read in this order.
const ORDER: [Place; 14] = [
    Place::At(Stage::Confirmed),
    Place::At(Stage::Resolved),
    Place::At(Stage::Posted),
    Place::At(Stage::InFlight),
    Place::At(Stage::Queued),
    Place::Retrying,
    Place::At(Stage::Finalized),
    Place::At(Stage::Held),
    Place::At(Stage::Unknown),
    Place::At(Stage::Mismatch),
    Place::At(Stage::Exception),
    Place::At(Stage::Rejected),
    Place::At(Stage::Voided),
    Place::At(Stage::Superseded),
];

/// The whole bar, in hundredths of a percent.
const WHOLE: i64 = 10_000;
/// One document among a million still shows.
const NARROWEST: i64 = 150;

/// Uncertain and waiting places are hatched: a print-out and a colour-blind eye keep them apart.
fn hatch(place: Place) -> Option<&'static str> {
    match place {
        Place::Retrying => Some("url(#hatch-retry)"),
        Place::At(Stage::Unknown) => Some("url(#hatch-unknown)"),
        Place::At(Stage::Mismatch) => Some("url(#hatch-mismatch)"),
        Place::At(Stage::Held) => Some("url(#hatch-held)"),
        Place::At(_) => None,
    }
}

fn fill_class(place: Place) -> Option<String> {
    match place {
        Place::At(stage) if hatch(place).is_none() => Some(format!("at-{stage}")),
        _ => None,
    }
}

/// Counts per place in reading order, empty places left out.
fn in_order(segments: &[Segment]) -> Vec<Segment> {
    ORDER
        .iter()
        .map(|place| Segment {
            place: *place,
            count: segments.iter().filter(|segment| segment.place == *place).map(|segment| segment.count).sum(),
        })
        .filter(|segment| segment.count > 0)
        .collect()
}

/// Shares of `WHOLE`; the narrow ones are widened at the expense of the widest.
fn widths(counts: &[i64]) -> Vec<i64> {
    let total: i128 = counts.iter().map(|count| i128::from(*count)).sum();
    if total <= 0 {
        return vec![0; counts.len()];
    }
    let share = |count: i64| i64::try_from(i128::from(count) * i128::from(WHOLE) / total).unwrap_or(WHOLE);
    let mut widths: Vec<i64> = counts.iter().map(|count| share(*count).max(NARROWEST)).collect();
    let excess = widths.iter().sum::<i64>() - WHOLE;
    if let Some(widest) = widths.iter_mut().max() {
        *widest -= excess;
    }
    widths
}

fn percent_text(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// "1,423: 980 confirmed, 326 exception".
fn in_words(segments: &[Segment]) -> String {
    let total: i64 = segments.iter().map(|segment| segment.count).sum();
    let parts: Vec<String> =
        segments.iter().map(|segment| format!("{} {}", grouped(segment.count.into()), segment.place.label())).collect();
    format!("{}: {}", grouped(total.into()), parts.join(", "))
}

#[component]
pub fn FlowBar(segments: Vec<Segment>) -> AnyView {
    let segments = in_order(&segments);
    let counts: Vec<i64> = segments.iter().map(|segment| segment.count).collect();
    let mut left = 0;
    let rects: Vec<_> = segments
        .iter()
        .zip(widths(&counts))
        .map(|(segment, width)| {
            let (x, title) = (percent_text(left), format!("{} {}", segment.place.label(), grouped(segment.count.into())));
            left += width;
            view! {
                <rect x=x y="0" width=percent_text(width) height="12" class=fill_class(segment.place) fill=hatch(segment.place)>
                    <title>{title}</title>
                </rect>
            }
        })
        .collect();
    view! { <svg class="flow" role="img" aria-label=in_words(&segments)>{rects}</svg> }.into_any()
}

/// What the colours and hatches of the bars on this page mean, with the sums.
#[component]
pub fn FlowLegend(segments: Vec<Segment>) -> AnyView {
    let items = in_order(&segments).into_iter().map(|segment| {
        view! {
            <li>
                <svg class="swatch" viewBox="0 0 11 11" aria-hidden="true">
                    <rect width="11" height="11" rx="2" class=fill_class(segment.place) fill=hatch(segment.place)></rect>
                </svg>
                {segment.place.label()}
                <b>{grouped(segment.count.into())}</b>
            </li>
        }
    });
    view! { <ul class="legend">{items.collect_view()}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segments_always_add_up_and_none_is_invisible() {
        for counts in [vec![1], vec![1, 1, 1], vec![1_000_000, 1, 1, 5], vec![980, 38, 8, 51, 15, 5, 326], vec![i64::MAX / 2, 1]] {
            let widths = widths(&counts);
            assert_eq!(widths.iter().sum::<i64>(), WHOLE, "{counts:?}");
            assert!(widths.iter().all(|width| *width >= NARROWEST), "{counts:?} {widths:?}");
        }
    }

    #[test]
    fn every_place_is_in_the_reading_order() {
        for stage in Stage::ALL {
            assert!(ORDER.contains(&Place::At(*stage)), "{stage}");
        }
    }

    #[test]
    fn the_bar_says_in_words_what_it_draws() {
        let segments = vec![Segment::new(Stage::Exception, 326), Segment::new(Stage::Confirmed, 1097), Segment::new(Place::Retrying, 0)];
        let html = view! { <FlowBar segments=segments/> }.to_html();
        assert!(html.contains("aria-label=\"1,423: 1,097 confirmed, 326 exception\""), "{html}");
        assert!(!html.contains("style="), "inline styles are refused by the content security policy");
    }
}
