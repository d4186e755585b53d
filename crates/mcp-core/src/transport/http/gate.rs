//! F6, F8 and F9: who calls, whether they may, whether there is room.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Front, listener::Peer};
use crate::{
    Principal, Scope,
    auth::{Denied, WELL_KNOWN},
    envelope::Envelope,
    limits::{Busy, Slot},
    metrics::Reason,
    transport::{rest::problem::Problem, why::Why},
};

/// Methods that tell a client how to begin: they need a caller, but no scope.
const OPENING: [&str; 4] = ["initialize", "notifications/initialized", "ping", "server/discover"];

/// A refusal, before its form is chosen.
#[derive(Debug)]
pub(in crate::transport) struct Refused {
    reason: Reason,
    /// The tool that was asked for, if it is one.
    tool: Option<Arc<str>>,
    status: StatusCode,
    /// JSON-RPC code: 1000 and the status, but for what JSON-RPC names itself.
    pub(super) code: i32,
    word: &'static str,
    message: String,
    authenticate: Option<HeaderValue>,
    retry_after: Option<Duration>,
}

impl Refused {
    pub(super) fn new(
        status: StatusCode,
        (reason, word): (Reason, &'static str),
        message: impl Into<String>,
    ) -> Self {
        let code = 1000 + i32::from(status.as_u16());
        let message = message.into();
        let (tool, authenticate, retry_after) = (None, None, None);
        Self { reason, tool, status, code, word, message, authenticate, retry_after }
    }

    /// As an answer to a JSON-RPC message.
    pub(super) fn json_rpc(self, id: Option<&Value>) -> Response {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(after) = self.retry_after {
            error["data"] = json!({"retry_after_ms": millis(after)});
        }
        let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
        let mut response = (self.status, axum::Json(body)).into_response();
        self.why().mark(&mut response);
        self.with_headers(response)
    }

    /// As a problem (RFC 9457), for the other routes.
    pub(in crate::transport) fn problem(self) -> Problem {
        let why = self.why();
        let problem = Problem::new(self.status, self.word, self.message).because(why);
        let problem = match self.retry_after {
            Some(after) => problem.with_retry_after(after),
            None => problem,
        };
        match self.authenticate {
            Some(value) => problem.with_header(header::WWW_AUTHENTICATE, value),
            None => problem,
        }
    }

    fn why(&self) -> Why {
        Why { reason: self.reason, tool: self.tool.clone() }
    }

    fn with_headers(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if let Some(value) = self.authenticate {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(after)));
        }
        response
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Whole seconds, rounded up: `Retry-After` knows no parts.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

impl Front {
    /// F6: the caller of a request.
    pub(super) async fn identify(
        &self,
        path: &str,
        headers: &HeaderMap,
        peer: Option<Peer>,
    ) -> Result<Principal, Refused> {
        if self.is_open(path, peer) {
            return Ok(Principal::anonymous());
        }
        let address = peer.map(|Peer(address)| address.ip());
        self.auth.identify(headers, address).await.map_err(|denied| self.denied(denied))
    }

    /// Liveness and the metadata are for everyone; what an operator polls is open on this machine.
    fn is_open(&self, path: &str, peer: Option<Peer>) -> bool {
        let here = self.loopback || peer.is_some_and(|Peer(address)| address.ip().is_loopback());
        match path {
            "/health" => true,
            "/health/ready" | "/metrics" => here,
            _ => path.starts_with(WELL_KNOWN),
        }
    }

    fn denied(&self, denied: Denied) -> Refused {
        match denied {
            Denied::Unknown { given } => {
                let message = if given {
                    "the credential is not accepted"
                } else {
                    "a credential is needed: Authorization: Bearer"
                };
                let authenticate = self.auth.challenge(given);
                let labels = (Reason::Credential, "unauthorized");
                Refused { authenticate, ..Refused::new(StatusCode::UNAUTHORIZED, labels, message) }
            }
            Denied::TooMany => Refused {
                retry_after: Some(Duration::from_secs(60)),
                ..Refused::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    (Reason::Credential, "too_many_failures"),
                    "too many wrong credentials from this address",
                )
            },
            Denied::Unavailable => Refused {
                retry_after: Some(Duration::from_secs(60)),
                ..Refused::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    (Reason::Credential, "issuer_unavailable"),
                    "the issuer's keys cannot be had",
                )
            },
        }
    }

    /// F8 and F9 of a JSON-RPC message.
    pub(super) async fn admit(
        &self,
        caller: &Principal,
        envelope: &Envelope<'_>,
    ) -> Result<Arc<Slot>, Refused> {
        let method = envelope.method.as_deref().unwrap_or_default();
        match envelope.tool.as_deref().filter(|_| method == "tools/call") {
            Some(tool) => self.admit_call(caller, tool).await,
            None if OPENING.contains(&method) => self.enter(caller, Scope::Read, None).await,
            None => {
                self.check_scope(caller.holds(Scope::Read), Scope::Read)?;
                self.enter(caller, Scope::Read, None).await
            }
        }
    }

    /// F8 and F9 of a call of a tool, whatever form it came in.
    pub(super) async fn admit_call(
        &self,
        caller: &Principal,
        tool: &str,
    ) -> Result<Arc<Slot>, Refused> {
        let Some(entry) = self.server.catalogue().find(tool) else {
            self.check_scope(caller.holds(Scope::Read), Scope::Read)?;
            return self.enter(caller, Scope::Read, None).await;
        };
        let admitted = async {
            self.check_scope(caller.may_call(tool, entry.scope), entry.scope)?;
            self.enter(caller, entry.scope, entry.policy.weight).await
        };
        let named = |refused| Refused { tool: Some(Arc::clone(&entry.name)), ..refused };
        admitted.await.map_err(named)
    }

    fn check_scope(&self, may: bool, needed: Scope) -> Result<(), Refused> {
        if may {
            return Ok(());
        }
        let name = needed.name(self.server.facts().member.name);
        Err(Refused {
            authenticate: self.auth.step_up(needed),
            ..Refused::new(
                StatusCode::FORBIDDEN,
                (Reason::Scope, "insufficient_scope"),
                format!("the credential does not allow this: {name} is needed"),
            )
        })
    }

    async fn enter(
        &self,
        caller: &Principal,
        class: Scope,
        weight: Option<NonZeroU32>,
    ) -> Result<Arc<Slot>, Refused> {
        let limits = self.server.limits();
        limits.count(caller, class, weight.unwrap_or(NonZeroU32::MIN)).map_err(busy)?;
        limits.enter(caller).await.map(Arc::new).map_err(busy)
    }
}

fn busy(busy: Busy) -> Refused {
    match busy {
        Busy::Quota(after) => Refused {
            retry_after: Some(after),
            ..Refused::new(
                StatusCode::TOO_MANY_REQUESTS,
                (Reason::Quota, "rate_limited"),
                "the caller's quota is used up",
            )
        },
        Busy::Full(after) => Refused {
            retry_after: Some(after),
            ..Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                (Reason::Full, "overloaded"),
                "too many calls are in flight",
            )
        },
    }
}
