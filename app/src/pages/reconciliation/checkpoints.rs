//! The five hand-offs side by side, in the order of the way from usage to the ledger; one of them is open below.

use crate::components::{Query, TieMark};
use domain::{
    checkpoint::{Checkpoint, Tie},
    reconciliation::CheckpointState,
};
use leptos::prelude::*;

/// What its tie mark says.
fn words(state: &CheckpointState) -> String {
    let of_cells = |count: i64| format!("{count} of {} cells", state.cells());
    match state.tie() {
        Tie::Ties => format!("{} cells tie", state.cells()),
        Tie::Timing => format!("{} on the way", of_cells(state.timing)),
        Tie::Off => format!("{} off", of_cells(state.off)),
        Tie::None => "no data yet".to_owned(),
    }
}

#[component]
pub fn Checkpoints(states: Vec<CheckpointState>, chosen: Checkpoint, query: Query) -> AnyView {
    let steps = states.into_iter().map(|state| {
        let (left, right) = state.checkpoint.sides();
        let href = query.without("kind").without("batch").without("after").with("checkpoint", state.checkpoint).href();
        let current = (state.checkpoint == chosen).then_some("page");
        let ran = state.ran_at.map(|at| view! { <small>{format!("compared {}", at.format("%Y-%m-%d %H:%M UTC"))}</small> });
        view! {
            <li>
                <a href=href aria-current=current>
                    <span class="checkpoint-sides">{format!("{} {left} → {right}", state.checkpoint)}</span>
                    <TieMark tie=state.tie() text=words(&state)/>
                    {ran}
                </a>
            </li>
        }
    });
    view! { <nav class="checkpoints" aria-label="Checkpoints"><ol>{steps.collect_view()}</ol></nav> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_data_says_so_and_is_never_a_tie() {
        let state = |ties, timing, off| CheckpointState { checkpoint: Checkpoint::Cash, ties, timing, off, ran_at: None };
        assert_eq!((state(0, 0, 0).tie(), words(&state(0, 0, 0))), (Tie::None, "no data yet".to_owned()));
        assert_eq!((state(3, 0, 0).tie(), words(&state(3, 0, 0))), (Tie::Ties, "3 cells tie".to_owned()));
        assert_eq!((state(3, 1, 0).tie(), words(&state(3, 1, 0))), (Tie::Timing, "1 of 4 cells on the way".to_owned()));
        assert_eq!((state(3, 1, 2).tie(), words(&state(3, 1, 2))), (Tie::Off, "2 of 6 cells off".to_owned()));
    }
}
