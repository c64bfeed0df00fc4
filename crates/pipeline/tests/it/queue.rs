//! The exception queue shows exactly what its filters say, one by one and in pairs, page by page.

use crate::{
    invoices::invoice,
    world::{Company, refusal},
};
use domain::{exception::ExceptionKind, view::ExceptionRow};
use store::views::exceptions::{Filter, list};

/// One filter, and what it lets through.
type Narrow<'a> = (Box<dyn Fn(&mut Filter) + 'a>, Box<dyn Fn(&ExceptionRow) -> bool + 'a>);

async fn shown(company: &Company, filter: &Filter, limit: i64) -> Vec<ExceptionRow> {
    list(&company.world.db.pool, &company.scope(), filter, limit).await.unwrap()
}

/// Thirty open exceptions: two entities, three causes, amounts from 100 up, every third one Ann's.
async fn company() -> Company {
    let company = Company::new().await;
    for (entity, offset) in [("US", 0), ("DE", 15)] {
        let numbers = (offset..offset + 15).map(|n| (n, format!("I-{n:02}"))).collect::<Vec<_>>();
        for (n, number) in &numbers {
            company.erp.answers(number, [refusal(["CLOSED_TRAN_PRD", "DUP_ITEM", "USER_ERROR"][n % 3])]);
        }
        let documents: Vec<_> = numbers.iter().map(|(n, number)| invoice(number, 100 + i64::try_from(*n).unwrap())).collect();
        company.import(entity, &format!("B-{entity}"), &documents).await;
        company.drain_after(60).await;
    }
    let anns = "update exception x set owner = 'ann@lumen.example' from document d
        where d.document_id = x.document_id and right(d.number, 1)::integer % 3 = 0";
    company.execute(anns).await;
    company
}

#[tokio::test]
async fn every_filter_and_every_pair_of_filters_shows_what_it_says() {
    let company = company().await;
    let all = shown(&company, &Filter::default(), 100).await;
    assert_eq!(all.len(), 30);
    let (fingerprint, opened) = (all[0].fingerprint.clone(), all[20].opened_at);
    let filters: Vec<Narrow<'_>> = vec![
        (Box::new(|f| f.entity_id = Some(company.de)), Box::new(|row| row.entity_code == "DE")),
        (Box::new(|f| f.connection_id = Some(company.us_connection)), Box::new(|row| row.entity_code == "US")),
        (Box::new(|f| f.currency = Some("USD".into())), Box::new(|row| row.currency == "USD")),
        (Box::new(|f| f.kind = Some(ExceptionKind::Period)), Box::new(|row| row.kind == ExceptionKind::Period)),
        (Box::new(|f| f.opened_before = Some(opened)), Box::new(|row| row.opened_at < opened)),
        (Box::new(|f| f.amount_min = Some(120.into())), Box::new(|row| row.amount >= 120.into())),
        (Box::new(|f| f.owner = Some("ann@lumen.example".into())), Box::new(|row| row.owner.is_some())),
        (Box::new(|f| f.period = Some("2026-10".parse().unwrap())), Box::new(|row| row.period == "2026-10".parse().unwrap())),
        (Box::new(|f| f.fingerprint = Some(fingerprint.clone())), Box::new(|row| row.fingerprint == fingerprint)),
    ];
    for (narrow, lets) in &filters {
        for (other, other_lets) in &filters {
            let mut filter = Filter::default();
            narrow(&mut filter);
            other(&mut filter);
            let expected: Vec<_> = all.iter().filter(|row| lets(row) && other_lets(row)).map(|row| &row.number).collect();
            let found = shown(&company, &filter, 100).await;
            assert_eq!(found.iter().map(|row| &row.number).collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_also_among_a_few_large_ones() {
    let company = company().await;
    for amount_min in [None, Some(110.into())] {
        let mut filter = Filter { amount_min, ..Filter::default() };
        let all = shown(&company, &filter, 100).await;
        let mut paged = Vec::new();
        loop {
            let page = shown(&company, &filter, 7).await;
            let Some(last) = page.last() else { break };
            filter.after = Some((last.opened_at, last.exception_id));
            paged.extend(page);
        }
        assert_eq!(paged, all);
    }
}
