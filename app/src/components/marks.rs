//! The marks of the trade: does it tie, where is the document, which gates stand open.

use super::icon::{Icon, Shape};
use domain::{checkpoint::Tie, stage::Stage};
use leptos::prelude::*;

/// The colour family of a mark; always beside a shape and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Ties,
    Timing,
    Off,
    None,
    Calm,
    Unknown,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Ties => "is-ties",
            Self::Timing => "is-timing",
            Self::Off => "is-off",
            Self::None => "is-none",
            Self::Calm => "is-calm",
            Self::Unknown => "is-unknown",
        }
    }
}

impl From<Tie> for Tone {
    fn from(tie: Tie) -> Self {
        match tie {
            Tie::Ties => Self::Ties,
            Tie::Timing => Self::Timing,
            Tie::Off => Self::Off,
            Tie::None => Self::None,
        }
    }
}

fn tie_shape(tie: Tie) -> Shape {
    match tie {
        Tie::Ties => Shape::Ties,
        Tie::Timing => Shape::Timing,
        Tie::Off => Shape::Off,
        Tie::None => Shape::Dash,
    }
}

/// Nothing to compare is said in words: never the same as a tie.
fn tie_word(tie: Tie) -> &'static str {
    match tie {
        Tie::None => "not assessed",
        other => other.as_str(),
    }
}

/// A judgement in shape, words and colour.
#[component]
pub fn Verdict(tone: Tone, shape: Shape, children: Children) -> impl IntoView {
    view! { <span class=format!("tie {}", tone.class())><Icon shape/>{children()}</span> }
}

/// A state in shape, word and colour; the word stays in the ink of the text.
#[component]
pub fn Badge(tone: Tone, shape: Shape, text: &'static str) -> impl IntoView {
    view! { <span class=format!("badge {}", tone.class())><Icon shape/>{text}</span> }
}

/// The tie mark with its words: "ties", "off by 12.40", "2,722 = 2,722".
#[component]
pub fn TieMark(tie: Tie, #[prop(into, optional)] text: Option<String>) -> impl IntoView {
    let text = text.unwrap_or_else(|| tie_word(tie).to_owned());
    view! { <Verdict tone=tie.into() shape=tie_shape(tie)>{text}</Verdict> }
}

/// Where a document is, as the screen tells it: the stages, and a queued one that is waiting for its next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    At(Stage),
    Retrying,
}

impl From<Stage> for Place {
    fn from(stage: Stage) -> Self {
        Self::At(stage)
    }
}

impl Place {
    pub fn label(self) -> &'static str {
        match self {
            Self::At(stage) => stage.label(),
            Self::Retrying => "retrying",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::At(Stage::Confirmed | Stage::Posted) => Tone::Ties,
            Self::At(Stage::InFlight | Stage::Queued) => Tone::Calm,
            Self::Retrying | Self::At(Stage::Held) => Tone::Timing,
            Self::At(Stage::Unknown) => Tone::Unknown,
            Self::At(Stage::Exception | Stage::Mismatch | Stage::Rejected) => Tone::Off,
            Self::At(Stage::Finalized | Stage::Resolved | Stage::Voided | Stage::Superseded) => Tone::None,
        }
    }

    pub fn shape(self) -> Shape {
        match self {
            Self::Retrying => Shape::Again,
            Self::At(stage) => match stage {
                Stage::Finalized => Shape::Ring,
                Stage::Held => Shape::Pause,
                Stage::Rejected | Stage::Voided => Shape::Cross,
                Stage::Queued => Shape::Dots,
                Stage::InFlight => Shape::Arrow,
                Stage::Unknown => Shape::Question,
                Stage::Exception => Shape::Alert,
                Stage::Posted => Shape::Ties,
                Stage::Confirmed => Shape::TwiceTicked,
                Stage::Mismatch => Shape::Off,
                Stage::Resolved => Shape::Flag,
                Stage::Superseded => Shape::Layers,
            },
        }
    }
}

/// Shape, word and colour of a stage.
#[component]
pub fn StageBadge(#[prop(into)] place: Place) -> impl IntoView {
    view! { <Badge tone=place.tone() shape=place.shape() text=place.label()/> }
}

/// A word that qualifies a row: "blocks close", "clears by itself".
#[component]
pub fn Pill(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! { <span class=format!("pill {}", tone.class())>{text}</span> }
}

/// The five checkpoints in their fixed order.
pub const GATES: [&str; 5] = ["Usage", "Rated", "ERP", "Cash", "GL"];

#[component]
pub fn Gates(gates: [Tie; 5]) -> impl IntoView {
    let cells = gates.into_iter().zip(GATES).map(|(tie, name)| {
        let words = format!("{name}: {}", tie_word(tie));
        let title = words.clone();
        view! { <li class=Tone::from(tie).class() title=title><Icon shape=tie_shape(tie)/><span class="vh">{words}</span></li> }
    });
    view! { <ol class="gates">{cells.collect_view()}</ol> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_shape_of_its_own_within_its_colour() {
        let places: Vec<Place> = Stage::ALL.iter().map(|stage| Place::At(*stage)).chain([Place::Retrying]).collect();
        for (index, left) in places.iter().enumerate() {
            for right in &places[index + 1..] {
                assert!(left.tone() != right.tone() || left.shape() != right.shape(), "{left:?} and {right:?} look the same");
            }
        }
    }

    #[test]
    fn a_gate_says_its_name_and_its_state_in_words() {
        let html = view! { <Gates gates=[Tie::Ties, Tie::Ties, Tie::Off, Tie::Timing, Tie::None]/> }.to_html();
        assert!(html.contains("ERP: off") && html.contains("Cash: timing") && html.contains("GL: not assessed"), "{html}");
    }
}
