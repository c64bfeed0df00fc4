//! Webhooks on their way: at least once, in no order that one could rely on, and sometimes not from us.

use super::{FaultKind, FaultRule};
use crate::lock;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::VecDeque, sync::Mutex, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Where webhooks go, and the secret they are signed with, in the gateway's own notation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    pub url: String,
    pub secret: String,
}

/// How a forged webhook is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgery {
    WrongSecret,
    AlteredBody,
    OldTimestamp,
    OtherScheme,
}

/// A signed webhook.
pub(crate) struct Dressed {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

pub(crate) struct Outbox {
    http: reqwest::Client,
    pub(crate) target: Mutex<Option<Target>>,
    queue: Mutex<VecDeque<Value>>,
    /// Sent with the next delivery.
    held: Mutex<Vec<Value>>,
    sending: tokio::sync::Mutex<()>,
}

/// What one delivery did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Delivered {
    accepted: u32,
    /// Not answered with 2xx; a genuine one is sent again with the next delivery.
    refused: u32,
    held: u32,
    lost: u32,
}

impl Outbox {
    pub(crate) fn new() -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { http, target: Mutex::default(), queue: Mutex::default(), held: Mutex::default(), sending: tokio::sync::Mutex::default() })
    }

    /// Without a target there is nobody to tell.
    pub(crate) fn push(&self, events: Vec<Value>) {
        if lock(&self.target).is_some() {
            lock(&self.queue).extend(events);
        }
    }

    /// Sends everything there is, one after the other.
    pub(crate) async fn deliver(
        &self,
        dress: impl Fn(&Value, &str, Option<Forgery>) -> Dressed,
        mut fault: impl FnMut() -> Option<FaultRule>,
    ) -> Delivered {
        let _one_at_a_time = self.sending.lock().await;
        let mut delivered = Delivered::default();
        let Some(target) = lock(&self.target).clone() else { return delivered };
        let released = std::mem::take(&mut *lock(&self.held));
        lock(&self.queue).extend(released);
        while let Some(event) = self.next() {
            let mut times = 1;
            match fault().map(|rule| rule.kind) {
                Some(FaultKind::Doubled) => times = 2,
                Some(FaultKind::Late) => {
                    self.hold(event, &mut delivered);
                    continue;
                }
                Some(FaultKind::Lost) => {
                    delivered.lost += 1;
                    continue;
                }
                Some(FaultKind::OutOfOrder) => {
                    self.after_the_next(event, &mut delivered);
                    continue;
                }
                Some(kind) => {
                    if let Some(forgery) = forgery(kind) {
                        let forged = dress(&event, &target.secret, Some(forgery));
                        self.send(&target, forged, &mut delivered).await;
                    }
                }
                None => {}
            }
            for _ in 0..times {
                let genuine = dress(&event, &target.secret, None);
                if !self.send(&target, genuine, &mut delivered).await {
                    lock(&self.held).push(event.clone());
                }
            }
        }
        delivered
    }

    fn next(&self) -> Option<Value> {
        lock(&self.queue).pop_front()
    }

    fn hold(&self, event: Value, delivered: &mut Delivered) {
        delivered.held += 1;
        lock(&self.held).push(event);
    }

    fn after_the_next(&self, event: Value, delivered: &mut Delivered) {
        let mut queue = lock(&self.queue);
        if queue.is_empty() {
            drop(queue);
            self.hold(event, delivered);
        } else {
            queue.insert(1, event);
        }
    }

    async fn send(&self, target: &Target, webhook: Dressed, delivered: &mut Delivered) -> bool {
        let mut request = self.http.post(&target.url).header("Content-Type", "application/json").body(webhook.body);
        for (name, value) in webhook.headers {
            request = request.header(name, value);
        }
        let is_accepted = request.send().await.is_ok_and(|response| response.status().is_success());
        if is_accepted {
            delivered.accepted += 1;
        } else {
            delivered.refused += 1;
        }
        is_accepted
    }
}

fn forgery(kind: FaultKind) -> Option<Forgery> {
    match kind {
        FaultKind::WrongSecret => Some(Forgery::WrongSecret),
        FaultKind::AlteredBody => Some(Forgery::AlteredBody),
        FaultKind::OldTimestamp => Some(Forgery::OldTimestamp),
        FaultKind::OtherScheme => Some(Forgery::OtherScheme),
        _ => None,
    }
}
