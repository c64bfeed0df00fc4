//! What pages are told while they stand open: server-sent events, fed by what the database tells. Everybody is told within his
//! own scope, because a message says only that something came in.

use super::AppState;
use crate::session_store::Sessions;
use app::api::{
    exceptions::{ExceptionQuery, count},
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

/// What a page knows of those after its place in the list.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
struct Known {
    #[serde(default)]
    known: i64,
}

/// How many exceptions of a filter came after its place in the list beside those that the page knows, as often as that changes.
async fn exceptions(
    State(state): State<AppState>,
    session: Session,
    Query(query): Query<ExceptionQuery>,
    Query(Known { known }): Query<Known>,
) -> Response {
    let (Some(id), Ok(Some(user))) = (session.id(), session.get::<UserId>(USER).await) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let opened = state.live.opened.subscribe();
    let watching = Watching { state, id, user, query, known: known.max(0), opened, told: 0, look: true, ended: false };
    let events = stream::unfold(watching, async |mut watching| Some((Ok::<_, Infallible>(watching.next().await?), watching)));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// One open page.
struct Watching {
    state: AppState,
    id: Id,
    user: UserId,
    query: ExceptionQuery,
    known: i64,
    opened: watch::Receiver<()>,
    told: i64,
    /// Something may have come: what came between the page and this connection is new already.
    look: bool,
    ended: bool,
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        // without a word when the server stops: the browser comes back to the one that takes its place
        let stop = self.state.live.stop.clone();
        stop.run_until_cancelled(self.told_next()).await.flatten()
    }

    async fn told_next(&mut self) -> Option<Event> {
        loop {
            if !self.look {
                tokio::select! {
                    changed = self.opened.changed() => { changed.ok()?; sleep(self.gather()).await; self.look = true }
                    () = sleep(LOOK) => {}
                }
            }
            self.opened.mark_unchanged();
            match self.count(self.look).await {
                Ok(Some(count)) => {
                    self.look = false;
                    if count != self.told {
                        self.told = count;
                        return Some(Event::default().event("new").data(words(count)));
                    }
                }
                Ok(None) => return Some(self.end()),
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "cannot tell what is new for now");
                    self.look = true;
                    sleep(RETRY).await;
                }
            }
        }
    }

    /// How long what comes in is gathered: spread, because every page hears of it at the same moment, and long where the exact
    /// number is not told any more.
    fn gather(&self) -> Duration {
        let gather = if self.told < COUNTED { GATHER } else { LOOK };
        gather * rand::random_range(50..150) / 100
    }

    /// `None`: the page's reader is signed out, or may read no more.
    async fn count(&self, came: bool) -> anyhow::Result<Option<i64>> {
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
        let after = count(context, &scope, &self.query, self.known.saturating_add(COUNTED)).await?;
        Ok(Some((after - self.known).max(0)))
    }

    /// Signed out, or nothing to read any more: the browser closes and does not come back.
    fn end(&mut self) -> Event {
        self.ended = true;
        Event::default().event("end").data("")
    }
}

fn words(count: i64) -> String {
    if count < COUNTED { count.to_string() } else { format!("{}+", COUNTED - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_not_counted_to_the_end() {
        assert_eq!((words(0).as_str(), words(12).as_str(), words(100).as_str()), ("0", "12", "99+"));
    }
}
