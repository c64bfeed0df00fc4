//! The document around every page, and the route table: the site map in one screen.

use crate::{
    api::shell::signed_in,
    components::{Layout, Query, Sprite, Theme, use_query},
    pages::{
        ApprovalsPage, AuditPage, BankAccountPage, BankAccountsPage, BatchPage, BatchesPage, CalendarsPage, CashPage, ClearingPage,
        CollectionsPage, ConnectionsPage, CustomerPage, DailyPage, DocumentPage, DocumentsPage, ExceptionPage, ExceptionsPage, HomePage,
        InboxPage, JobsPage, LoginPage, MappingsPage, MovementsPage, NotFound, OpenItemsPage, ReceivablesPage, ReconciliationPage,
        ReplayPage, ReplaysPage, RulesPage, StatementPage, UnmaskedPage, UploadPage, UsersPage, WorkbenchPage,
    },
};
use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Outlet, ParentRoute, Redirect, Route, Router, Routes},
    path,
};

/// The HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = theme_of_request();
    provide_context(theme);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="preload" href="/fonts/inter.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href="/pkg/tieout.css"/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <Sprite/>
                <App/>
            </body>
        </html>
    }
}

#[cfg(not(feature = "ssr"))]
fn theme_of_request() -> Theme {
    Theme::default()
}

#[cfg(feature = "ssr")]
fn theme_of_request() -> Theme {
    let parts = use_context::<axum::http::request::Parts>();
    let cookies = parts.as_ref().and_then(|parts| parts.headers.get(axum::http::header::COOKIE)?.to_str().ok());
    cookies.map(Theme::from_cookies).unwrap_or_default()
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title| format!("{title} · Tieout")/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Framed ssr=SsrMode::Async>
                    <Route path=path!("") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("batches") view=BatchesPage ssr=SsrMode::Async/>
                    <Route path=path!("batches/upload") view=UploadPage ssr=SsrMode::Async/>
                    <Route path=path!("batches/:id") view=BatchPage ssr=SsrMode::Async/>
                    <Route path=path!("documents") view=DocumentsPage ssr=SsrMode::Async/>
                    <Route path=path!("documents/:id") view=DocumentPage ssr=SsrMode::Async/>
                    <Route path=path!("exceptions") view=ExceptionsPage ssr=SsrMode::Async/>
                    <Route path=path!("exceptions/:id") view=ExceptionPage ssr=SsrMode::Async/>
                    <Route path=path!("cash") view=CashPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/workbench") view=WorkbenchPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/workbench/:id") view=WorkbenchPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/receivables") view=ReceivablesPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/collections") view=CollectionsPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/items") view=OpenItemsPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/customer") view=CustomerPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/clearing") view=ClearingPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/clearing/movements") view=MovementsPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/rules") view=RulesPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/accounts") view=BankAccountsPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/accounts/:id") view=BankAccountPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/daily") view=DailyPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/statements/:id") view=StatementPage ssr=SsrMode::Async/>
                    <Route path=path!("cash/unmasked/:id") view=UnmaskedPage ssr=SsrMode::Async/>
                    <Route path=path!("inbox") view=InboxPage ssr=SsrMode::Async/>
                    <Route path=path!("replays") view=ReplaysPage ssr=SsrMode::Async/>
                    <Route path=path!("replays/:id") view=ReplayPage ssr=SsrMode::Async/>
                    <Route path=path!("approvals") view=ApprovalsPage ssr=SsrMode::Async/>
                    <Route path=path!("connections") view=ConnectionsPage ssr=SsrMode::Async/>
                    <Route path=path!("mappings") view=MappingsPage ssr=SsrMode::Async/>
                    <Route path=path!("reconciliation") view=ReconciliationPage ssr=SsrMode::Async/>
                    <Route path=path!("jobs") view=JobsPage ssr=SsrMode::Async/>
                    <Route path=path!("audit") view=AuditPage ssr=SsrMode::Async/>
                    <Route path=path!("calendars") view=CalendarsPage ssr=SsrMode::Async/>
                    <Route path=path!("users") view=UsersPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Pages for people who are signed in; others are asked to do so and come back.
#[component]
fn Framed() -> AnyView {
    let query = use_query();
    let Some(caller) = signed_in() else {
        let login = Query::new("/login", &[("next", &query.href())]).href();
        return view! { <Redirect path=login/> }.into_any();
    };
    provide_context(caller.clone());
    view! { <Layout caller query><Outlet/></Layout> }.into_any()
}
