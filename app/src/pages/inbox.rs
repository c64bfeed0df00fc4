//! The inbox: what happened to what one watches or owns, and what was said to one; newest first.

use super::exceptions::cause::{Back, title};
use crate::{
    api::inbox::{InboxView, list_inbox},
    components::{Empty, Failure, Page, Pager, Pill, Query, Time, Tone, use_query},
};
use domain::notice::{NoticeKind, NoticeView};
use leptos::prelude::*;

#[component]
pub fn InboxPage() -> impl IntoView {
    let after = use_query().get("after").map(str::to_owned);
    let inbox = Resource::new_blocking(move || after.clone(), list_inbox);
    view! {
        <Page title="Inbox" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match inbox.await {
                        Ok(view) => view! { <Inbox view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Inbox(view: InboxView) -> AnyView {
    let query = use_query();
    if view.notices.rows.is_empty() {
        let text = "Watch an exception or a cause, and what happens to it is told here; so is what others say to you with @ and your name.";
        return view! { <Empty title="Nothing was told" text/> }.into_any();
    }
    let unread = view.notices.rows.iter().any(|row| row.unread);
    let shown = format!("{} on this page", view.notices.rows.len());
    let older = view.notices.next.map(|next| query.with("after", next).href());
    let newest = query.get("after").map(|_| query.without("after").href());
    let lines = view.notices.rows.into_iter().map(|notice| view! { <Line notice/> }).collect_view();
    view! {
        {unread.then(|| view! {
            <form class="actions all-read" method="post" action="/fn/read_notices"><Back/><button type="submit">"Mark all as read"</button></form>
        })}
        <ol class="card inbox" aria-label="Notices, newest first">{lines}</ol>
        <Pager shown newer=newest older/>
    }
    .into_any()
}

/// Where a notice leads: to the one it is about, or to what is open of the cause.
fn href(notice: &NoticeView) -> String {
    if notice.count == 1 {
        format!("/exceptions/{}", notice.exception_id)
    } else {
        Query::new("/exceptions", &[("cause", &notice.fingerprint)]).href()
    }
}

#[component]
fn Line(notice: NoticeView) -> AnyView {
    let cause = title(notice.kind, notice.missing.as_ref().map(|(kind, _)| *kind));
    let subject = notice.missing.as_ref().map_or_else(String::new, |(_, code)| format!(": {code}"));
    let about = if notice.count == 1 { format!("{} · {cause}{subject}", notice.number) } else { format!("{cause}{subject}") };
    let tone = if notice.what == NoticeKind::Breached { Tone::Off } else { Tone::Calm };
    let (href, words, label) = (href(&notice), notice.what.words(notice.count), format!("Mark as read: {about}"));
    view! {
        <li class:unread=notice.unread>
            <div class="line">
                <span>{notice.unread.then(|| view! { <Pill tone text="new"/>" " })}<b>{words}</b>{notice.actor.map(|by| format!(", by {by}"))}</span>
                <small><Time at=notice.at/></small>
            </div>
            <div class="line">
                <span><a href=href>{about}</a>" · "{notice.entity_code}</span>
                {notice.unread.then(|| view! {
                    <form method="post" action="/fn/read_notices">
                        <Back/>
                        <input type="hidden" name="notice" value=notice.notice_id.to_string()/>
                        <button type="submit" class="quiet" aria-label=label>"Mark as read"</button>
                    </form>
                })}
            </div>
            {notice.body.map(|body| view! { <p class="note-body">{body}</p> })}
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{exception::ExceptionKind, id::ExceptionId};

    #[test]
    fn a_notice_of_one_leads_to_it_and_of_many_to_their_cause() {
        let mut notice = NoticeView {
            notice_id: uuid::Uuid::nil(),
            what: NoticeKind::Replayed,
            count: 1,
            exception_id: ExceptionId(uuid::Uuid::nil()),
            number: "INV-1".into(),
            entity_code: "US".into(),
            kind: ExceptionKind::Period,
            missing: None,
            fingerprint: "a|b".into(),
            actor: None,
            body: None,
            at: chrono::DateTime::UNIX_EPOCH,
            unread: true,
        };
        assert_eq!(href(&notice), "/exceptions/00000000-0000-0000-0000-000000000000");
        notice.count = 9;
        assert_eq!(href(&notice), "/exceptions?cause=a%7Cb");
    }
}
