//! Account numbers in full: the form that asks for them with a reason, and the page that shows them once.

use super::{CashTab, CashTabs};
use crate::{
    api::{ApiError, form_error, unmask::get_unmasked},
    components::{Column, DataTable, Empty, Failure, Field, Fold, Notice, Page, Submit, TextField, Time, Tone},
};
use domain::{access::Action, unmask::Unmasked, view::CallerView};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// `subject` as domain::unmask writes it; `by_line`: without the line of the statement, which is asked for.
#[component]
pub fn Unmask(subject: String, #[prop(optional)] by_line: bool) -> AnyView {
    let may = expect_context::<CallerView>().actions.contains(&Action::Unmask);
    let may_not = (!may).then(|| "needs Controller or AR specialist role".to_owned());
    let error = form_error("unmask").map(|error| error.to_string());
    let failed = error.is_some();
    let summary = if by_line { "Show an account number in full" } else { "Show the account number in full" };
    view! {
        {error.map(|text| view! { <Notice tone=Tone::Off title="No number is shown" text/> })}
        <Fold summary open=failed>
            <form class="form" method="post" action="/fn/unmask">
                <input type="hidden" name="subject" value=subject/>
                {by_line.then(|| view! { <Field id="unmask-line" name="line" label="No. of the line" autocomplete="off" required=true/> })}
                <TextField id="unmask-because" name="reason" label="What do you need it for" required=true/>
                <div class="actions"><Submit text="Show it once" why_not=may_not/><small>"You and your reason are written to the audit log."</small></div>
            </form>
        </Fold>
    }
    .into_any()
}

#[component]
pub fn UnmaskedPage() -> impl IntoView {
    let params = use_params_map();
    let unmasked = Resource::new_blocking(move || params.read().get("id").unwrap_or_default(), get_unmasked);
    view! {
        <Page title="Account number" crumbs=vec![("Bank accounts".to_owned(), super::ACCOUNTS.to_owned())] scoped=false>
            <CashTabs current=CashTab::Accounts/>
            <Suspense>
                {move || Suspend::new(async move {
                    match unmasked.await {
                        Ok(unmasked) => view! { <Numbers unmasked/> }.into_any(),
                        Err(ApiError::NotFound) => {
                            view! { <Empty title="It was shown once" text="An account number is gone with its page. Ask for it again where it is masked, and say why."/> }.into_any()
                        }
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Numbers(unmasked: Unmasked) -> AnyView {
    let rows = unmasked.numbers.into_iter().map(|account| {
        view! { <tr><th scope="row">{account.holder}</th><td data-label="Number"><code class="id">{account.number}</code></td></tr> }
    });
    let columns = vec![Column::text("Account of"), Column::text("Number")];
    view! {
        <DataTable caption="Shown once" note="it is gone with this page" columns cards=true><tbody>{rows.collect_view()}</tbody></DataTable>
        <p class="muted">"Asked for at "<Time at=unmasked.shown_at/>" because: "{unmasked.reason}</p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::unmask::AccountNumber;

    #[test]
    fn the_page_shows_the_whole_number_with_the_reason() {
        let numbers = vec![AccountNumber { holder: "Acme".into(), number: "DE89370400440532013000".into() }];
        let unmasked = Unmasked { numbers, reason: "refund by transfer".into(), shown_at: DateTime::UNIX_EPOCH };
        let html = view! { <Numbers unmasked/> }.to_html();
        for part in ["Acme", "DE89370400440532013000", "refund by transfer"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
