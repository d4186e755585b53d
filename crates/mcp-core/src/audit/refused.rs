//! Lines of requests that the front refused, at a bounded rate: a flood leaves its number, not its
//! lines.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::{
    Audit, Message,
    object::Object,
    writer::{name_of, time_of},
};
use crate::{Principal, metrics::Reason, pipeline::call::RequestId, trace::TraceId};

/// Lines a second of one reason, after a burst. Who floods the front with one kind of request can
/// neither fill the log nor hide refusals of another kind.
const A_SECOND: u32 = 1;
/// Lines of one reason that may come at once.
pub(super) const BURST: u32 = 60;

/// A request that ended before any call began: nothing in it is the caller's text, but for the
/// name of a tool that does not exist.
#[derive(Debug)]
pub(crate) struct Refused {
    /// `None` for a connection that was closed unheard.
    pub(crate) id: Option<RequestId>,
    pub(crate) trace: Option<TraceId>,
    /// Who asked, where that was known by then.
    pub(crate) principal: Option<Principal>,
    pub(crate) address: Option<IpAddr>,
    /// One of the served paths, or `other`.
    pub(crate) route: &'static str,
    /// Status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    pub(crate) reason: Reason,
    pub(crate) tool: Option<Arc<str>>,
}

/// How many lines of each reason may still be written, and how many were not.
pub(super) struct Refusals([Budget; Reason::ALL.len()]);

struct Budget {
    limiter: DefaultDirectRateLimiter,
    unlogged: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        let [second, burst] = [A_SECOND, BURST].map(|n| n.try_into().expect("it is not zero"));
        let quota = Quota::per_second(second).allow_burst(burst);
        Self(
            Reason::ALL.map(|_| Budget {
                limiter: RateLimiter::direct(quota),
                unlogged: AtomicU64::new(0),
            }),
        )
    }
}

/// What the writer gets.
pub(super) struct Line {
    at: SystemTime,
    /// `None` at the end, for what was left unwritten.
    refused: Option<Refused>,
    reason: Reason,
    unlogged: u64,
}

impl Audit {
    /// Write down a refusal, or count that it was not.
    pub(crate) fn refused(&self, refused: Refused) {
        let reason = refused.reason;
        let budget = &self.0.refusals.0[reason as usize];
        if budget.limiter.check().is_err() {
            self.leave_out(budget, 1);
            return;
        }
        let unlogged = budget.unlogged.swap(0, Relaxed);
        let line = Line { at: SystemTime::now(), refused: Some(refused), reason, unlogged };
        if self.0.queue.try_send(Message::Refused(line)).is_err() {
            budget.unlogged.fetch_add(unlogged, Relaxed);
            self.leave_out(budget, 1);
        }
    }

    fn leave_out(&self, budget: &Budget, lines: u64) {
        budget.unlogged.fetch_add(lines, Relaxed);
        self.0.metrics.audit_refusals_dropped().inc_by(lines);
    }

    /// What no line has told yet, a line for each reason.
    pub(super) fn unlogged(&self) -> Vec<Message> {
        let line = |reason: Reason| {
            let unlogged = self.0.refusals.0[reason as usize].unlogged.swap(0, Relaxed);
            let line = Line { at: SystemTime::now(), refused: None, reason, unlogged };
            (unlogged > 0).then_some(Message::Refused(line))
        };
        Reason::ALL.into_iter().filter_map(line).collect()
    }
}

impl Line {
    pub(super) fn write(&self, server: &str, text: &mut Vec<u8>) {
        let mut line = Object::begin(text);
        line.text("audit", "refused");
        line.text("time", &time_of(self.at));
        line.text("server", server);
        if let Some(refused) = &self.refused {
            line.text_if("request_id", refused.id.as_ref().map(RequestId::as_str));
            line.text_if("trace_id", refused.trace.map(|trace| trace.to_string()).as_deref());
            line.text_if("principal", refused.principal.as_ref().map(name_of));
            line.text_if("address", refused.address.map(|address| address.to_string()).as_deref());
            line.text("route", refused.route);
            line.text_if("tool", refused.tool.as_deref());
            if let Some(status) = refused.status {
                line.plain("status", status);
            }
        }
        line.text("reason", self.reason.label());
        if self.unlogged > 0 {
            line.plain("unlogged", self.unlogged);
        }
        line.end();
    }
}
