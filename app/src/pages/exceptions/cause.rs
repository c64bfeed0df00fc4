//! A cause in words, and the forms that fix it: shared by the queue and the page of one exception.

use crate::{
    api::{exceptions::Fix, form_error, reach::Reach},
    components::{Field, Icon, Notice, Shape, Submit, Tone, money_text, use_query},
};
use domain::{access::Action, exception::ExceptionKind, mapping::MappingKind, view::StageMoney};
use leptos::prelude::*;

/// `Item mapping missing`, or what the kind is called.
pub fn title(kind: ExceptionKind, missing: Option<MappingKind>) -> String {
    missing.map_or_else(|| kind.label().to_owned(), |missing| format!("{} mapping missing", missing.label()))
}

/// `312 · 148,220.15 EUR`: what a press does, in count and money; currencies are never added.
pub fn extent(money: &[StageMoney]) -> String {
    let count: i64 = money.iter().map(|sum| sum.count).sum();
    let amounts = money.iter().map(|sum| money_text(sum.amount, &sum.currency));
    std::iter::once(domain::money::grouped(count.into())).chain(amounts).collect::<Vec<_>>().join(" · ")
}

/// Why a kind is never sent again; `None` when a replay may help.
pub fn never_replayed(kind: ExceptionKind) -> Option<&'static str> {
    match kind {
        ExceptionKind::Mismatch => Some("it is in the ERP already"),
        ExceptionKind::Rejected => Some("it comes again as a new version"),
        _ => None,
    }
}

/// A replay before the mapping is in force would only find it missing again.
pub fn unmapped(fixes: &[Fix]) -> Option<String> {
    let wanted = !fixes.is_empty() && fixes.iter().all(|fix| fix.in_force.is_none());
    wanted.then(|| "once the mapping is in force".to_owned())
}

/// Where a form of this page leads back to: the page as it is, nothing ticked.
#[component]
pub fn Back() -> impl IntoView {
    view! { <input type="hidden" name="back" value=use_query().here_without("select").here_without("part").href()/> }
}

/// Watches an exception or a cause, or ends it. `name` and `value` are the field that names it.
#[component]
pub fn WatchForm(name: &'static str, value: String, watched: bool) -> AnyView {
    view! {
        <form method="post" action="/fn/watch">
            <Back/>
            <input type="hidden" name=name value=value/>
            <input type="hidden" name="on" value=(!watched).to_string()/>
            <button type="submit" class="quiet" aria-pressed=watched.to_string()>
                <Icon shape=Shape::Bell/>{if watched { "Watching" } else { "Watch" }}
            </button>
        </form>
    }
    .into_any()
}

/// The mapping that is wanted: its code is given, the ERP's reference is asked for. What it releases is measured on
/// the server, which decides whether a second person is needed.
#[component]
pub fn FixForm(fix: Fix, reach: Reach) -> AnyView {
    let error = form_error("propose_mapping");
    let of_field = error.as_ref().and_then(|error| error.of_field("target_ref"));
    let of_form = error.as_ref().and_then(|error| error.of_form(&["target_ref"]));
    let id = format!("target-{}-{}", fix.connection_code, fix.kind);
    let why_not = reach.why_not(Action::EditMapping, &fix.entities);
    let label = format!("{} at {}", fix.kind.label(), fix.connection_code);
    let state = match (&fix.in_force, &fix.proposed) {
        (Some(target), _) => Some((Tone::Ties, format!("{} is mapped to {target} now. Replay.", fix.code))),
        (None, Some((target, by))) => Some((Tone::Timing, format!("{target}, proposed by {by}, waits for an approver."))),
        (None, None) => None,
    };
    let wanted = state.is_none();
    view! {
        {of_form.map(|text| view! { <Notice tone=Tone::Off title=text/> })}
        {state.map(|(tone, title)| view! { <Notice tone title/> })}
        {wanted.then(|| view! {
            <form class="form row fix" method="post" action="/fn/propose_mapping">
                <Back/>
                <input type="hidden" name="connection" value=fix.connection_id.to_string()/>
                <input type="hidden" name="kind" value=fix.kind.as_str()/>
                <input type="hidden" name="source_code" value=fix.code.clone()/>
                <div class="field"><span class="label">"Our code"</span><code class="fixed">{fix.code}</code></div>
                <Field id name="target_ref" label autocomplete="off" required=true error=of_field/>
                <div class="actions"><Submit text="Map" why_not/></div>
            </form>
        })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(currency: &str, count: i64, amount: &str) -> StageMoney {
        StageMoney { currency: currency.into(), count, amount: amount.parse().unwrap() }
    }

    #[test]
    fn the_extent_of_an_act_never_adds_currencies() {
        assert_eq!(extent(&[sum("EUR", 1300, "148220.15"), sum("JPY", 12, "90000")]), "1,312 · 148,220.15 EUR · 90,000 JPY");
        assert_eq!(extent(&[sum("EUR", 1, "-10")]), "1 · (10.00) EUR");
    }

    #[test]
    fn a_missing_mapping_is_called_by_what_is_missing() {
        assert_eq!(title(ExceptionKind::Mapping, Some(MappingKind::TaxCode)), "Tax code mapping missing");
        assert_eq!(title(ExceptionKind::Period, None), "Period closed");
    }

    #[test]
    fn what_is_in_the_erp_is_never_sent_again() {
        assert!(never_replayed(ExceptionKind::Mismatch).is_some() && never_replayed(ExceptionKind::Mapping).is_none());
    }
}
