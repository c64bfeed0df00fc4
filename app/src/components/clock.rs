//! The clock of an exception: due in so long, or breached since.

use super::marks::Tone;
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

/// From here on it is soon.
const SOON: TimeDelta = TimeDelta::hours(4);

/// In words and colour; the due time itself in the title. Nothing where no clock runs.
#[component]
pub fn Due(at: Option<DateTime<Utc>>, as_of: DateTime<Utc>) -> AnyView {
    let Some(at) = at else { return ().into_any() };
    let (tone, words) = due(at, as_of);
    let title = at.format("due %Y-%m-%d %H:%M UTC").to_string();
    view! { <span class=format!("due {}", tone.class()) title=title>{words}</span> }.into_any()
}

fn due(at: DateTime<Utc>, as_of: DateTime<Utc>) -> (Tone, String) {
    let left = at - as_of;
    if left <= TimeDelta::zero() {
        (Tone::Off, format!("breached {} ago", span(-left)))
    } else {
        (if left <= SOON { Tone::Timing } else { Tone::None }, format!("due in {}", span(left)))
    }
}

fn span(time: TimeDelta) -> String {
    match (time.num_minutes(), time.num_hours()) {
        (minutes, 0) => format!("{minutes} min"),
        (_, hours @ ..48) => format!("{hours} h"),
        (_, hours) => format!("{} d", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_how_long_is_left_or_since_when_it_is_late() {
        let now = DateTime::UNIX_EPOCH;
        let said = |minutes| due(now + TimeDelta::minutes(minutes), now);
        assert_eq!(said(30), (Tone::Timing, "due in 30 min".to_owned()));
        assert_eq!(said(241), (Tone::None, "due in 4 h".to_owned()));
        assert_eq!(said(0), (Tone::Off, "breached 0 min ago".to_owned()));
        assert_eq!(said(-60 * 50).1, "breached 2 d ago");
    }
}
