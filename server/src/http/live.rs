//! What pages are told while they stand open: server-sent events, fed by what the database tells. Everybody is told within his
//! own scope, because a message says only that something came in.

use super::AppState;
use crate::session_store::Sessions;
use app::api::{
    exceptions::{ExceptionQuery, matching},
    session::USER,
};
use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use domain::{access::Action, id::UserId};
use futures::stream;
use std::{convert::Infallible, sync::Arc, time::Duration};
use store::{Pool, access::users, live::Listener};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tower_sessions::{Session, session::Id};

/// More new ones than anybody wants to know exactly.
const COUNTED: i64 = 100;
/// What comes in together is told together.
const GATHER: Duration = Duration::from_millis(500);
/// How soon a session that ended elsewhere is noticed.
const LOOK: Duration = Duration::from_secs(15);
/// Before the database is asked again for messages.
const RETRY: Duration = Duration::from_secs(5);

/// What tells the streams of this process: that something came in, and that it stops.
#[derive(Debug, Clone, Default)]
pub struct Live {
    opened: Arc<watch::Sender<()>>,
    stop: CancellationToken,
}

impl Live {
    /// Listens until `stop`, on one connection whatever the number of pages.
    pub fn start(pool: Pool, stop: CancellationToken) -> Self {
        let live = Self { stop: stop.clone(), ..Self::default() };
        let opened = live.opened.clone();
        tokio::spawn(async move {
            stop.run_until_cancelled(async {
                loop {
                    let Err(error) = listen(&pool, &opened).await;
                    tracing::warn!(%error, "nothing is told about new exceptions for now");
                    sleep(RETRY).await;
                }
            })
            .await
        });
        live
    }
}

async fn listen(pool: &Pool, opened: &watch::Sender<()>) -> Result<Infallible, store::Error> {
    let mut listener = Listener::new(pool).await?;
    loop {
        listener.opened().await?;
        opened.send_replace(());
    }
}

pub fn router() -> Router<AppState> {
    Router::new().route("/live/exceptions", get(exceptions))
}

/// How many exceptions of a filter came after its place in the list, as often as that changes.
async fn exceptions(State(state): State<AppState>, session: Session, Query(query): Query<ExceptionQuery>) -> Response {
    let (Some(id), Ok(Some(user))) = (session.id(), session.get::<UserId>(USER).await) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let opened = state.live.opened.subscribe();
    let watching = Watching { state, id, user, query, opened, told: 0, first: true, ended: false };
    let events = stream::unfold(watching, async |mut watching| Some((Ok::<_, Infallible>(watching.next().await?), watching)));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// One open page.
struct Watching {
    state: AppState,
    id: Id,
    user: UserId,
    query: ExceptionQuery,
    opened: watch::Receiver<()>,
    told: usize,
    /// What came between the page and this connection is new already.
    first: bool,
    ended: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        loop {
            let stop = self.state.live.stop.clone();
            let came = std::mem::take(&mut self.first)
                || tokio::select! {
                    () = stop.cancelled() => return Some(self.end()),
                    changed = self.opened.changed() => { if changed.is_err() { return Some(self.end()) } sleep(GATHER).await; true }
                    () = sleep(LOOK) => false,
                };
            self.opened.mark_unchanged();
            let count = match self.count(came).await {
                Ok(Some(count)) => count,
                Ok(None) => return Some(self.end()),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "cannot tell what is new");
                    return Some(self.end());
                }
            };
            if count != self.told {
                self.told = count;
                return Some(Event::default().event("new").data(words(count)));
            }
        }
    }

    /// `None`: the page's reader is signed out, or may read no more.
    async fn count(&self, came: bool) -> anyhow::Result<Option<usize>> {
        let context = &self.state.context;
        if !Sessions::new(context.clone(), self.state.settings.session_limits()).lives(&self.id).await? {
            return Ok(None);
        }
        if !came {
            return Ok(Some(self.told));
        }
        let mut conn = context.pool.acquire().await?;
        let Some(caller) = users::caller(&mut conn, self.user).await? else { return Ok(None) };
        drop(conn);
        let scope = caller.scope(Action::ReadFinance);
        if scope.is_empty() {
            return Ok(None);
        }
        Ok(Some(matching(context, &scope, &self.query, COUNTED).await?.len()))
    }

    /// The browser closes and does not come back.
    fn end(&mut self) -> Event {
        self.ended = true;
        Event::default().event("end").data("")
    }
}

fn words(count: usize) -> String {
    if i64::try_from(count).is_ok_and(|count| count < COUNTED) { count.to_string() } else { format!("{}+", COUNTED - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_not_counted_to_the_end() {
        assert_eq!((words(0).as_str(), words(12).as_str(), words(100).as_str()), ("0", "12", "99+"));
    }
}
