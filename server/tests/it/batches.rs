//! A batch from the upload page to its documents, with plain forms and links.

use crate::world::{Answer, World};
use axum::http::StatusCode;
use domain::access::Role;

const PAGE: &str = "/batches/upload";
const EXAMPLE: &str = include_str!("../../../examples/invoice-batch.json");

/// The text of a page without the marks that leptos leaves between pieces.
fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(!answer.body.contains(" style="), "inline styles are refused by the content security policy");
    answer.body.replace("<!>", "").replace("&amp;", "&")
}

/// The first address on a page that begins like this.
fn link<'a>(page: &'a str, beginning: &str) -> &'a str {
    let at = page.find(&format!("href=\"{beginning}")).unwrap_or_else(|| panic!("no link to {beginning} in {page}"));
    page[at + 6..].split('"').next().unwrap()
}

#[tokio::test]
async fn an_uploaded_batch_is_accounted_for_down_to_its_documents() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let empty = text(&browser.get("/batches").await);
    assert!(empty.contains("No batch has come in yet") && empty.contains("tieout import") && empty.contains(PAGE), "{empty}");
    let form = text(&browser.get(PAGE).await);
    assert!(form.contains("multipart/form-data") && form.contains("name=\"file\""), "{form}");

    let answer = browser.upload(PAGE, "october.json", EXAMPLE).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let batch = text(&browser.get(answer.location()).await);
    for part in ["The batch is in: 3 in = 3 accounted for.", "october.json", "2 = 2", "1 = 1", "3,290.00", "Credit memos", "Intake:"] {
        assert!(batch.contains(part), "{part}: {batch}");
    }
    assert!(!batch.contains("is-off"), "everything ties: {batch}");

    let batches = text(&browser.get("/batches?period=2026-10").await);
    let cell = link(&batches, "/documents?entity=US&batch_period=2026-10&currency=USD&kind=invoice").to_owned();
    let documents = text(&browser.get(&cell).await);
    assert!(
        documents.contains("Total: 2 invoices") && documents.contains("INV-2026-1002") && !documents.contains("CM-2026-0009"),
        "{documents}"
    );
    let document = text(&browser.get(link(&documents, "/documents/")).await);
    for part in ["Invoice INV-2026-1001", "0.0007", "imported with batch 2026-10-US-1", "controller@example.com", "1,100.00"] {
        assert!(document.contains(part), "{part}: {document}");
    }
    assert!(text(&browser.get("/batches?period=2026-09").await).contains("No such batch has come in"));

    let csv = browser.get(link(&documents, "/export/documents.csv")).await;
    assert_eq!(csv.body.lines().count(), 3, "{}", csv.body);
    assert!(csv.body.contains(",US,invoice,INV-2026-1001,1,\"Acme, Inc.\",2026-10-31,2026-10,USD,1100.00"), "{}", csv.body);
}

#[tokio::test]
async fn a_refused_upload_comes_back_with_every_figure() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let answer = browser.upload(PAGE, "off.json", &EXAMPLE.replace("\"3290.00\"", "\"3290.01\"")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(answer.location().starts_with("/batches/upload?intake="), "{}", answer.location());
    let page = text(&browser.get(answer.location()).await);
    assert!(page.contains("The batch was refused; nothing of it came in.") && page.contains("3290.01"), "{page}");
    assert!(text(&browser.get("/batches").await).contains("No batch has come in yet"));

    let mut other = world.signed_in(Role::ArSpecialist).await;
    assert_eq!(other.get(answer.location()).await.status, StatusCode::NOT_FOUND, "another person's file");
}

#[tokio::test]
async fn sending_it_again_changes_nothing_and_other_content_is_a_conflict() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    browser.upload(PAGE, "october.json", EXAMPLE).await;
    let again = browser.upload(PAGE, "october.json", EXAMPLE).await;
    assert!(text(&browser.get(again.location()).await).contains("with the same content; nothing was changed"));
    let other = browser.upload(PAGE, "october.json", &EXAMPLE.replace("Globex", "Globex AG")).await;
    assert!(text(&browser.get(other.location()).await).contains("taken by other content"));
}

#[tokio::test]
async fn an_upload_needs_a_role_a_file_and_our_own_page() {
    let world = World::new().await;
    let mut executive = world.signed_in(Role::Executive).await;
    assert_eq!(executive.upload(PAGE, "october.json", EXAMPLE).await.status, StatusCode::FORBIDDEN);
    assert_eq!(executive.post_from("http://evil.example", PAGE).await.status, StatusCode::FORBIDDEN);
    let mut controller = world.signed_in(Role::Controller).await;
    let answer = controller.upload(PAGE, "", "").await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/batches/upload?error=none"));
    assert!(text(&controller.get(answer.location()).await).contains("Choose a file."));
    let signed_out = world.browser().upload(PAGE, "october.json", EXAMPLE).await;
    assert!(signed_out.location().starts_with("/login"), "{}", signed_out.location());
}

#[tokio::test]
async fn what_is_another_entitys_is_not_there() {
    let world = World::new().await;
    let mut browser = world.signed_in(Role::Controller).await;
    let german = EXAMPLE.replace("\"entity\": \"US\"", "\"entity\": \"DE\"");
    let refused = browser.upload(PAGE, "de.json", &german).await;
    assert!(text(&browser.get(refused.location()).await).contains("is not an entity that you import for"));
    for path in ["/batches/0198c0de-0000-7000-8000-000000000000", "/documents/0198c0de-0000-7000-8000-000000000000", "/documents?entity=DE"]
    {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(browser.get("/export/documents.csv?stage=nonsense").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
