//! The form that proposes the next version: every number of the one that is looked at, to be changed.

use super::GROUPS;
use crate::{
    api::{form_error, reach::Reach},
    components::{Choice, Field, Fold, Notice, Submit, TextField, Tone},
};
use domain::{
    access::Action,
    rules::{RuleEntry, RuleGroup},
};
use leptos::prelude::*;

#[component]
pub fn Propose(entity: String, version: i32, entries: Vec<RuleEntry>, reach: Reach) -> AnyView {
    let error = form_error("propose_rules");
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).chain(["reason"]).collect();
    let of_form = error.as_ref().and_then(|error| error.of_form(&names));
    let of_field = |name: &str| error.as_ref().and_then(|error| error.of_field(name));
    let why_not = reach.why_not_in(Action::EditRules, &entity);
    let (is_wrong, of_reason) = (error.is_some(), of_field("reason"));
    let faulty = entries.iter().find(|entry| of_field(&entry.name).is_some()).map(|entry| entry.label.clone());
    let groups = GROUPS.map(|group| {
        let fields = entries.iter().filter(|entry| entry.group == group).map(|entry| {
            let error = of_field(&entry.name);
            view! { <EntryField entry=entry.clone() error/> }
        });
        let fields = fields.collect_view();
        view! { <fieldset class="rule-fields"><legend>{group.label()}</legend>{fields}</fieldset> }
    });
    view! {
        <Fold summary=format!("Propose a version that begins with rule table {version}") open=is_wrong>
            <form class="form card pane" method="post" action="/fn/propose_rules">
                {of_form.map(|title| view! { <Notice tone=Tone::Off title/> })}
                {faulty.map(|label| view! { <Notice tone=Tone::Off title="Nothing was proposed" text=format!("{label} is not what it has to be: see there.")/> })}
                <input type="hidden" name="entity" value=entity/>
                <input type="hidden" name="from" value=version.to_string()/>
                {Vec::from(groups)}
                <TextField id="rules-reason" name="reason" label="What this is to achieve" required=true error=of_reason/>
                <div class="actions"><Submit text="Propose and back-test" why_not primary=true/></div>
            </form>
            <p class="muted">"A worker holds it against the payments of the last 90 days. Then you may ask for approval, and somebody else decides with the figures before him."</p>
        </Fold>
    }
    .into_any()
}

#[component]
fn EntryField(entry: RuleEntry, #[prop(optional_no_strip)] error: Option<String>) -> AnyView {
    let RuleEntry { name, group, label, means, value, .. } = entry;
    let field = format!("values[{name}]");
    if value == "yes" || value == "no" {
        let options = ["no", "yes"].map(|word| (word.to_owned(), word.to_owned())).to_vec();
        return view! { <Choice name=field id=name label options selected=value hint=means error/> }.into_any();
    }
    if group == RuleGroup::Points {
        return view! { <Field name=field id=name label value autocomplete="off" error/> }.into_any();
    }
    view! { <Field name=field id=name label value hint=means autocomplete="off" error/> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, group: RuleGroup, value: &str, error: Option<&str>) -> String {
        let entry =
            RuleEntry { name: name.into(), group, label: "L".into(), means: "it means".into(), value: value.into(), forbids: false };
        view! { <EntryField entry error=error.map(str::to_owned)/> }.to_html()
    }

    #[test]
    fn a_value_is_sent_under_its_name_and_its_error_stands_beside_it() {
        let html = field("amount_exact", RuleGroup::Points, "30", Some("speaks for a proposal"));
        assert!(html.contains("name=\"values[amount_exact]\"") && html.contains("value=\"30\""), "{html}");
        assert!(html.contains("id=\"amount_exact-error\"") && html.contains("speaks for a proposal"), "{html}");
        let html = field("confirm_without_reference", RuleGroup::Sureness, "no", None);
        assert!(html.contains("<select") && html.contains("it means"), "{html}");
    }
}
