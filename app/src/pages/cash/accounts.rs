//! Bank accounts: up to which day each is here, what of its statements waits for a second person, and the way in for statements.

use super::{CashTab, CashTabs, account::StatementLines};
use crate::{
    api::{
        cash::{CashView, get_cash},
        form_error,
        reach::Reach,
    },
    components::{Amount, Column, Count, DataTable, Empty, Failure, Field, Fold, GroupRow, Notice, Page, Submit, Tone, use_query},
    pages::{batch::Violations, upload::trouble},
};
use domain::{
    access::Action,
    statement::BankAccountView,
    view::{CallerView, ImportOutcome, IntakeView},
};
use leptos::prelude::*;

const UPLOAD: &str = "/cash/upload";

#[component]
pub fn BankAccountsPage() -> impl IntoView {
    let query = use_query();
    let key = |name: &str| query.get(name).map(str::to_owned);
    let asked = (key("entity"), key("intake"));
    let trouble = query.get("error").map(trouble);
    let cash = Resource::new_blocking(move || asked.clone(), |(entity, intake)| get_cash(entity, intake));
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Accounts/>
            <Suspense>
                {move || {
                    let trouble = trouble.clone();
                    Suspend::new(async move {
                        match cash.await {
                            Ok(view) => view! { <Cash view trouble/> }.into_any(),
                            Err(error) => view! { <Failure error/> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Page>
    }
}

#[component]
fn Cash(view: CashView, trouble: Option<String>) -> AnyView {
    let CashView { accounts, waiting, intake, reach } = view;
    let caller = expect_context::<CallerView>();
    let may_open = caller.actions.contains(&Action::ManageBankAccounts);
    let none = accounts.is_empty();
    view! {
        {intake.map(|intake| view! { <Outcome intake/> })}
        {(!none).then(|| view! { <div class="intro"><p>{in_short(&accounts)}</p></div> })}
        {(!waiting.is_empty()).then(|| view! { <StatementLines caption="Waiting for a second person" statements=waiting with_account=true/> })}
        {if none {
            view! { <Empty title="No bank account is known yet" text="A statement comes in for an account that is known. Make one known below."/> }
                .into_any()
        } else {
            view! { <Accounts accounts/> }.into_any()
        }}
        {(!none).then(|| view! { <Upload trouble caller=caller.clone()/> })}
        {may_open.then(|| view! { <OpenAccount caller reach open=none/> })}
    }
    .into_any()
}

/// One sentence: does every statement add up, and what needs a person?
fn in_short(accounts: &[BankAccountView]) -> String {
    let waiting: i64 = accounts.iter().map(|account| account.waiting).sum();
    let silent = accounts.iter().filter(|account| account.last_day.is_none()).count();
    let proved = match waiting {
        0 => "Every statement that is in adds up from its opening to its closing balance, or was taken by a second person.".to_owned(),
        1 => "One statement does not add up or repeats others; a second person decides.".to_owned(),
        many => format!("{many} statements do not add up or repeat others; a second person decides."),
    };
    match silent {
        0 => proved,
        1 => format!("{proved} One account has no statement yet."),
        many => format!("{proved} {many} accounts have no statement yet."),
    }
}

#[component]
fn Accounts(accounts: Vec<BankAccountView>) -> AnyView {
    let groups = accounts.chunk_by(|left, right| left.entity_code == right.entity_code).map(|group| {
        let lines = group.iter().map(|account| view! { <AccountLine account=account.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=5 title=group[0].entity_code.clone()/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![
        Column::text("Account"),
        Column::number("Statements"),
        Column::text("Up to"),
        Column::number("Closing balance"),
        Column::number("Waiting"),
    ];
    view! { <DataTable caption="Bank accounts" note="by entity; balances as the banks gave them" columns cards=true>{groups}</DataTable> }
        .into_any()
}

#[component]
fn AccountLine(account: BankAccountView) -> AnyView {
    let day = account.last_day.map_or_else(|| "no statement yet".to_owned(), |day| day.to_string());
    view! {
        <tr class="two-line">
            <th scope="row">
                <a href=format!("/cash/accounts/{}", account.bank_account_id)>{account.name}</a>
                <small class="below">{account.number}" · "{account.currency.clone()}</small>
            </th>
            <td class="num" data-label="Statements"><Count value=account.imported/></td>
            <td data-label="Up to" class="nowrap">{day}</td>
            <td class="num" data-label="Closing balance"><Amount value=account.closing currency=account.currency code=true/></td>
            <td class="num" data-label="Waiting"><Count value=account.waiting/></td>
        </tr>
    }
    .into_any()
}

#[component]
fn Upload(trouble: Option<String>, caller: CallerView) -> AnyView {
    let may = caller.actions.contains(&Action::ImportBatch);
    view! {
        <section class="card pane record">
            <h2>"Hand over statements"</h2>
            <p>
                "camt.053, MT940 or BAI2, as the bank gave it. A statement comes in when its lines add up from the opening to the closing balance; \
                otherwise it waits for a second person. The same statement again changes nothing."
            </p>
            <form class="form" method="post" action=UPLOAD enctype="multipart/form-data">
                <Field name="file" label="Statement file" kind="file" hint="At most 256 MB; larger ones with tieout import" required=true error=trouble/>
                <div class="actions">
                    <Submit text="Import" primary=true why_not=(!may).then(|| "Your roles do not allow imports.".to_owned())/>
                </div>
            </form>
        </section>
    }
    .into_any()
}

#[component]
fn OpenAccount(caller: CallerView, reach: Reach, open: bool) -> AnyView {
    let error = form_error("open_bank_account");
    let of = |name: &str| error.as_ref().and_then(|error| error.of_field(name));
    let [of_entity, of_number, of_currency, of_name] = ["entity", "number", "currency", "name"].map(of);
    let of_form = error.as_ref().and_then(|error| error.of_form(&["number", "currency", "name", "entity"]));
    let expanded = open || error.is_some();
    let codes: Vec<String> = caller.entities.iter().map(|entity| entity.code.clone()).collect();
    let mine = reach.within(Action::ManageBankAccounts, &codes);
    let entities = caller.entities.iter().filter(|entity| mine.contains(&entity.code.as_str()));
    let options = entities.map(|entity| (entity.entity_id.to_string(), format!("{} · {}", entity.code, entity.name))).collect();
    view! {
        <Fold summary="Make a bank account known" open=expanded>
            {of_form.map(|text| view! { <Notice tone=Tone::Off title="The account was not made known" text/> })}
            <form class="form" method="post" action="/fn/open_bank_account">
                <crate::components::Choice name="entity" label="Entity" options error=of_entity/>
                <Field name="number" label="IBAN or account number" hint="as its statements write it" autocomplete="off" required=true error=of_number/>
                <Field name="currency" label="Currency" hint="three letters" autocomplete="off" required=true error=of_currency/>
                <Field name="name" label="Name" hint="what you call it" autocomplete="off" required=true error=of_name/>
                <div class="actions"><Submit text="Make it known" primary=true/></div>
            </form>
        </Fold>
    }
    .into_any()
}

/// What became of the file that was just handed over.
#[component]
fn Outcome(intake: IntakeView) -> AnyView {
    let (tone, title) = match intake.outcome {
        ImportOutcome::Imported => (Tone::Ties, "The statements of the file are in."),
        ImportOutcome::Unchanged => (Tone::None, "These statements are here already with the same content; nothing was changed."),
        ImportOutcome::Conflict => (Tone::Off, "A statement of the file is here already with other content; nothing was changed."),
        ImportOutcome::Refused => (Tone::Off, "The file was refused; nothing of it came in."),
    };
    let errors = intake.errors;
    view! {
        <Notice tone title text=intake.file_name/>
        {(!errors.is_empty()).then(|| view! { <Violations violations=errors/> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::BankAccountId;

    fn account(waiting: i64, last_day: Option<&str>) -> BankAccountView {
        BankAccountView {
            bank_account_id: BankAccountId(uuid::Uuid::nil()),
            entity_code: "DE".into(),
            number: "DE89 … 3000".into(),
            currency: "EUR".into(),
            name: "Operating".into(),
            last_day: last_day.map(|day| day.parse().unwrap()),
            closing: None,
            imported: 1,
            waiting,
        }
    }

    #[test]
    fn the_sentence_says_what_waits_and_which_accounts_are_silent() {
        assert!(in_short(&[account(0, Some("2026-10-31"))]).starts_with("Every statement that is in adds up"));
        assert!(in_short(&[account(1, Some("2026-10-31"))]).starts_with("One statement does not add up"));
        assert!(in_short(&[account(0, None)]).ends_with("One account has no statement yet."));
    }

    #[test]
    fn a_balance_that_no_bank_gave_is_no_zero() {
        let html = view! { <table><tbody><AccountLine account=account(0, None)/></tbody></table> }.to_html();
        assert!(html.contains("n/a") && html.contains("no statement yet"), "{html}");
    }
}
