//! Bank statements: each is proved by its own balances before its lines count.

use crate::{invoices::World, world::person};
use domain::{
    access::{Actor, Scope},
    id::EntityId,
    statement::{Sequence, StatementState, StatementView, StatementsReport},
    view::ImportOutcome,
};
use pipeline::{cash, workbench::WorkError};
use std::io::Cursor;
use store::views::statements::{self, Filter};

const ANN: &str = "ann@lumen.example";
const BOB: &str = "bob@lumen.example";
const ACCOUNT: &str = "000123456789";

/// A statement of one credit and one debit on the first two days of October.
fn mt940(number: u32, day: &str, opening: &str, closing: &str) -> String {
    format!(
        ":20:ST{number}\r\n:25:{ACCOUNT}\r\n:28C:{number}/1\r\n:60F:C2610{day}USD{opening}\r\n\
        :61:2610{day}10{day}C480,00NTRFNONREF//B{number}\r\n:86:/NAME/Acme Inc/REMI/INV-1\r\n\
        :61:2610{day}10{day}D30,00NCHGNONREF//F{number}\r\n:86:/REMI/Fee\r\n:62F:C2610{day}USD{closing}\r\n-\r\n"
    )
}

struct Bank {
    world: World,
    scope: Scope,
}

impl Bank {
    async fn new() -> Self {
        let world = World::new().await;
        let scope = Scope::of_system(vec![world.us]);
        cash::open_account(&world.cx, &person(ANN), &scope, world.us, "0001 2345 6789", "USD", "Operating").await.unwrap();
        Self { world, scope }
    }

    async fn hand_over(&self, file: &str) -> StatementsReport {
        self.hand_over_table(file, None).await
    }

    async fn hand_over_table(&self, file: &str, account: Option<&str>) -> StatementsReport {
        let file = Cursor::new(file.as_bytes().to_vec());
        cash::import_file(&self.world.cx, &Actor::User(ANN.into()), &self.scope, "october.sta", account, file).await.unwrap()
    }

    async fn all(&self) -> Vec<StatementView> {
        statements::list(&self.world.db.pool, &self.scope, &Filter::default(), 10).await.unwrap()
    }
}

#[tokio::test]
async fn a_statement_that_adds_up_comes_in_with_its_lines_and_once() {
    let bank = Bank::new().await;
    let file = mt940(1, "01", "1000,00", "1450,00");
    let report = bank.hand_over(&file).await;
    assert_eq!((report.outcome, report.statements[0].state), (ImportOutcome::Imported, StatementState::Imported), "{report:?}");
    assert_eq!(report.summary, "1 statement is in, with 2 lines.");
    let lines = bank.world.text("select string_agg(amount::text || ' ' || text, '; ' order by ordinal) from statement_line").await;
    assert_eq!(lines, "480.0000 INV-1; -30.0000 Fee");
    assert_eq!(bank.world.text("select credits || ' ' || debits || ' ' || difference from statement").await, "480.0000 30.0000 0.0000");
    let again = bank.hand_over(&file).await;
    assert_eq!(again.outcome, ImportOutcome::Unchanged, "{again:?}");
    assert_eq!(bank.world.text("select count(*)::text from statement_line").await, "2");
    assert_eq!(bank.world.text("select count(*)::text from intake").await, "2", "every file is kept");
}

#[tokio::test]
async fn the_same_statement_with_other_content_is_a_conflict() {
    let bank = Bank::new().await;
    bank.hand_over(&mt940(1, "01", "1000,00", "1450,00")).await;
    let other = bank.hand_over(&mt940(1, "01", "1000,00", "1450,00").replace("Acme", "Other")).await;
    assert_eq!(other.outcome, ImportOutcome::Conflict);
    assert!(other.errors[0].rule.contains("other content"), "{other:?}");
    assert_eq!(bank.world.text("select count(*)::text from statement").await, "1");
}

#[tokio::test]
async fn what_does_not_add_up_waits_until_a_second_person_takes_it_with_a_reason() {
    let bank = Bank::new().await;
    let report = bank.hand_over(&mt940(1, "01", "1000,00", "1451,00")).await;
    let (id, cx) = (report.statements[0].statement_id, &bank.world.cx);
    assert_eq!(report.statements[0].state, StatementState::Waiting);
    assert!(report.statements[0].doubt.as_deref().unwrap().contains('1'), "{report:?}");
    let own = cash::accept(cx, &person(ANN), &bank.scope, id, "looks fine").await;
    assert!(matches!(own, Err(WorkError::Conflict(_))), "{own:?}");
    let silent = cash::accept(cx, &person(BOB), &bank.scope, id, " ").await;
    assert!(matches!(silent, Err(WorkError::Invalid { field: "reason", .. })));
    let foreign = Scope::of_system(vec![EntityId(uuid::Uuid::from_u128(2))]);
    assert!(matches!(cash::accept(cx, &person(BOB), &foreign, id, "mine").await, Err(WorkError::NotFound)));
    cash::accept(cx, &person(BOB), &bank.scope, id, "the bank corrects it tomorrow").await.unwrap();
    assert_eq!(bank.all().await[0].state, StatementState::Imported);
    assert!(matches!(cash::refuse(cx, &person(BOB), &bank.scope, id, "no").await, Err(WorkError::NotFound)), "it was decided");
    assert_eq!(bank.world.text("select actor from audit_event where action = 'statement.decide'").await, BOB);
}

#[tokio::test]
async fn the_banks_correction_takes_the_place_of_a_refused_statement() {
    let bank = Bank::new().await;
    let wrong = bank.hand_over(&mt940(1, "01", "1000,00", "1451,00")).await.statements[0].statement_id;
    cash::refuse(&bank.world.cx, &person(BOB), &bank.scope, wrong, "the bank sends it again").await.unwrap();
    let right = bank.hand_over(&mt940(1, "01", "1000,00", "1450,00")).await;
    assert_eq!((right.outcome, right.statements[0].state), (ImportOutcome::Imported, StatementState::Imported), "{right:?}");
    assert_eq!(bank.world.text("select string_agg(state, ' ' order by state) from statement").await, "imported refused");
}

#[tokio::test]
async fn a_missing_statement_shows_as_a_gap_and_closes_when_it_comes() {
    let bank = Bank::new().await;
    bank.hand_over(&mt940(1, "01", "1000,00", "1450,00")).await;
    bank.hand_over(&mt940(3, "05", "1900,00", "2350,00")).await;
    assert_eq!(bank.all().await[0].sequence(), Sequence::Gap("statement 2 is missing".into()));
    bank.hand_over(&mt940(2, "02", "1450,00", "1900,00")).await;
    let all = bank.all().await;
    assert_eq!(all.iter().map(StatementView::sequence).collect::<Vec<_>>(), [Sequence::Follows, Sequence::Follows, Sequence::First]);
}

#[tokio::test]
async fn days_that_are_told_of_again_wait() {
    let bank = Bank::new().await;
    bank.hand_over(&mt940(1, "05", "1000,00", "1450,00")).await;
    let file = mt940(2, "06", "2000,00", "2450,00").replace(":60F:C261006", ":60F:C261002");
    let report = bank.hand_over(&file).await;
    assert_eq!(report.statements[0].state, StatementState::Waiting, "{report:?}");
    assert!(report.statements[0].doubt.as_deref().unwrap().contains("2026-10-02"), "{report:?}");
}

#[tokio::test]
async fn an_account_that_nobody_knows_refuses_the_file_and_keeps_it() {
    let bank = Bank::new().await;
    let two = format!("{}{}", mt940(1, "01", "1000,00", "1450,00"), mt940(2, "02", "1450,00", "1900,00").replace(ACCOUNT, "999"));
    let report = bank.hand_over(&two).await;
    assert_eq!(report.outcome, ImportOutcome::Refused, "{report:?}");
    assert_eq!((report.errors[0].field.as_str(), report.errors[0].value.as_str()), ("account", "999 USD"));
    assert_eq!(bank.world.text("select outcome || ' ' || jsonb_array_length(errors) from intake").await, "refused 1");
    assert_eq!(bank.world.text("select count(*)::text from statement").await, "0", "all of a file, or nothing");
}

#[tokio::test]
async fn an_unreadable_file_is_refused_with_line_and_rule() {
    let bank = Bank::new().await;
    let report = bank.hand_over(&mt940(1, "01", "1000,00", "1450,00").replace("C480,00", "C4x0,00")).await;
    assert_eq!(report.outcome, ImportOutcome::Refused);
    assert!(report.errors[0].line > 1 && !report.errors[0].rule.is_empty(), "{report:?}");
}

#[tokio::test]
async fn a_report_of_the_day_never_counts() {
    let bank = Bank::new().await;
    let file = format!(
        ":20:X\r\n:25:{ACCOUNT}\r\n:28C:1/1\r\n:34F:USD0,00\r\n:13D:2610011200+0100\r\n:61:2610011001C480,00NTRFNONREF//B1\r\n:86:/REMI/INV-1\r\n:90D:0USD0,00\r\n:90C:1USD480,00\r\n-\r\n"
    );
    let report = bank.hand_over(&file).await;
    assert_eq!(report.statements[0].state, StatementState::Interim, "{report:?}");
}

#[tokio::test]
async fn a_table_is_read_by_what_a_person_confirmed() {
    let bank = Bank::new().await;
    let table = "Date,Amount,Currency,Description,Name\n2026-10-01,480.00,USD,INV-1,Acme Inc\n2026-10-02,-30.00,USD,Fee,\n";
    let unknown = bank.hand_over_table(table, Some(ACCOUNT)).await;
    assert_eq!(unknown.outcome, ImportOutcome::Refused);
    assert!(unknown.errors[0].rule.contains("no column profile"), "{unknown:?}");
    let proposal = cash::suggest(&mut Cursor::new(table.as_bytes().to_vec()), "Harbor").unwrap().unwrap().unwrap();
    let account = store::statements::accounts(&mut bank.world.db.pool.acquire().await.unwrap(), &bank.scope).await.unwrap().remove(0);
    let profile = serde_json::to_string(&proposal.profile).unwrap();
    cash::learn_table(&bank.world.cx, &person(ANN), &bank.scope, account.bank_account_id, &profile).await.unwrap();
    let report = bank.hand_over_table(table, Some("0001 2345 6789")).await;
    assert_eq!(report.outcome, ImportOutcome::Imported, "{report:?}");
    assert_eq!(bank.world.text("select coalesce(difference::text, 'not proved') from statement").await, "not proved");
    assert_eq!(bank.world.text("select string_agg(amount::text, ' ' order by ordinal) from statement_line").await, "480.0000 -30.0000");
}

#[tokio::test]
async fn files_left_in_the_drop_folder_come_in_and_move_aside() {
    let bank = Bank::new().await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    put("1.sta", &mt940(1, "01", "1000,00", "1450,00"));
    put("2.sta", "hello");
    put(".hidden", "being written");
    assert_eq!(
        pipeline::folder::take_all(&bank.world.cx, folder.path(), std::time::Duration::from_secs(3600)).await.unwrap(),
        0,
        "too young"
    );
    assert_eq!(pipeline::folder::take_all(&bank.world.cx, folder.path(), std::time::Duration::ZERO).await.unwrap(), 2);
    assert_eq!(bank.world.text("select string_agg(received_by || ' ' || state, ', ') from statement").await, "system:drop-folder imported");
    let names = |aside: &str| {
        let mut names: Vec<String> =
            std::fs::read_dir(folder.path().join(aside)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert!(names("done").len() == 1 && names("done")[0].ends_with("-1.sta"), "{:?}", names("done"));
    assert!(names("refused").len() == 2 && names("refused")[1].ends_with("-2.sta.errors.json"), "{:?}", names("refused"));
    assert_eq!(pipeline::folder::take_all(&bank.world.cx, folder.path(), std::time::Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
async fn statements_stay_within_the_callers_entities() {
    let bank = Bank::new().await;
    let id = bank.hand_over(&mt940(1, "01", "1000,00", "1450,00")).await.statements[0].statement_id;
    let (pool, foreign) = (&bank.world.db.pool, Scope::of_system(vec![EntityId(uuid::Uuid::from_u128(2))]));
    assert!(statements::find(pool, &foreign, id).await.unwrap().is_none());
    assert!(statements::lines(pool, &foreign, id, None, 0, 10).await.unwrap().is_empty());
    assert!(statements::accounts(pool, &foreign).await.unwrap().is_empty());
    assert!(statements::list(pool, &foreign, &Filter::default(), 10).await.unwrap().is_empty());
    let file = Cursor::new(mt940(2, "02", "1450,00", "1900,00").into_bytes());
    let report = cash::import_file(&bank.world.cx, &Actor::User(ANN.into()), &foreign, "x", None, file).await.unwrap();
    assert_eq!(report.outcome, ImportOutcome::Refused, "an account of another entity is as good as unknown");
}

#[tokio::test]
async fn what_a_bank_wrote_is_never_changed() {
    let bank = Bank::new().await;
    bank.hand_over(&mt940(1, "01", "1000,00", "1450,00")).await;
    for sql in ["update statement set closing = 1", "update statement_line set amount = 1", "delete from statement_line"] {
        let refused = sqlx::raw_sql(sql).execute(&bank.world.db.pool).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"), "{sql}");
    }
}
