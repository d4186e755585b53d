//! One directory, many processes: one of them has the store, the others ask it.
//!
//! Each process does all that its client sees: arguments, confirmations, deadlines, limits, audit. Only
//! the handler of a call runs where the store is. Which process that is, the kernel's lock on the
//! directory decides; when it ends, however it ends, another one takes its place.

mod mount;
mod repeat;
#[cfg(unix)]
mod seat;
#[cfg(not(unix))]
#[path = "shared/alone.rs"]
mod seat;

#[cfg(unix)]
mod inlet;
#[cfg(unix)]
mod outlet;
#[cfg(unix)]
mod place;
#[cfg(unix)]
mod wire;

use std::sync::Arc;

use mcp_core::{
    prelude::*,
    relay::{Call, Outcome, Relay},
};

use self::{repeat::Repeats, seat::Seat};
use crate::{Config, server::Server};

/// Durable memory for agents, for all processes on one directory.
#[derive(Debug)]
pub struct Shared {
    seat: Arc<Seat>,
    repeats: Repeats,
}

impl Shared {
    /// Take the place of the one that has the store, or follow the one that has it.
    pub(crate) async fn open(config: Config, context: StartContext) -> Result<Self, StartError> {
        let dir = context.state_dir()?;
        mount::refuse_network(&dir)?;
        let seat = Seat::take(config, context, &dir).await?;
        Ok(Self { seat, repeats: Repeats::of(&crate::tools::router()) })
    }

    /// What a call of a tool that asks would do.
    pub(crate) async fn effect(
        &self,
        tool: &str,
        arguments: &serde_json::Map<String, serde_json::Value>,
        caller: &Principal,
    ) -> Result<Preview> {
        match self.here() {
            Some(server) => server.effect(tool, arguments, caller).await,
            None => self.seat.effect(tool, arguments, caller).await,
        }
    }

    /// A document of the server's.
    pub(crate) async fn document(&self, uri: &str, caller: &Principal) -> Result<Option<String>> {
        match self.here() {
            Some(server) => server.document(uri, caller).await,
            None => self.seat.document(uri, caller).await,
        }
    }

    /// How the store is, and whose it is.
    pub(crate) async fn reports(&self) -> Vec<ProbeReport> {
        let (state, detail) = self.seat.role().told();
        let report = ProbeReport { name: "process", required: true, state, detail: Some(detail) };
        let mut reports = vec![report];
        match self.here() {
            Some(server) => reports.extend(server.reports()),
            None => reports.extend(self.seat.reports().await),
        }
        reports
    }

    /// Leave: whoever waits takes the place.
    pub(crate) async fn leave(&self) {
        self.seat.leave().await;
    }
}

impl Relay for Shared {
    type Behind = Server;

    fn here(&self) -> Option<Arc<Server>> {
        self.seat.here()
    }

    async fn relay(&self, mut call: Call, token: CancellationToken, told: Progress) -> Outcome {
        let repeat = self.repeats.prepare(&mut call);
        let outcome = self.seat.carry(call, &repeat, token, told).await;
        repeat.present(outcome)
    }
}
