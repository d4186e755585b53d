//! Which process has the store, as this one knows it, and how a call comes to it.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use mcp_core::{
    Principal,
    prelude::*,
    relay::{Call, Caller, Outcome, Routes},
    state_dir::{StateLock, Taken},
};
use serde_json::{Map, Value};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    inlet::Inlet,
    outlet::{Asker, Lost, Outlet},
    place::Place,
    repeat::Repeat,
    wire::{Ask, Probe},
};
use crate::{Config, Error, server::Server};

/// How long a call waits while no process has the store: to open it takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a call, or this process, looks whether one has it now.
const LOOK: Duration = Duration::from_millis(10);
/// Processes that race for it start within this time.
const JITTER_MS: u64 = 50;
/// Rest after a failure that the next moment does not mend.
const REST: Duration = Duration::from_secs(1);
/// How often one call is handed over: it may be what ends the processes that run it.
const HANDOVERS: u32 = 5;
/// Longest wait for what another process says of its health.
const GLANCE: Duration = Duration::from_secs(1);

/// Who has the store.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// This process.
    Owner(Arc<Server>),
    /// Another one, which is asked.
    Proxy {
        /// Its number.
        process: u32,
    },
    /// None that is known.
    Seeking {
        /// Why.
        why: String,
    },
}

impl Role {
    /// For an operator.
    pub(super) fn told(&self) -> (ProbeState, String) {
        match self {
            Self::Owner(_) => (ProbeState::Up, "owner: this process has the store".to_owned()),
            Self::Proxy { process } => {
                (ProbeState::Up, format!("proxy: process {process} has the store"))
            }
            Self::Seeking { why } => (ProbeState::Down, format!("no process has the store: {why}")),
        }
    }
}

/// This process's seat among those on a directory.
pub(super) struct Seat {
    config: Config,
    context: StartContext,
    place: Arc<Place>,
    routes: Arc<Routes<Server>>,
    role: watch::Sender<Role>,
    /// Cancelled when this process leaves.
    leaving: CancellationToken,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("role", &*self.role.borrow()).finish_non_exhaustive()
    }
}

impl Seat {
    /// Have the store if nobody has it, else follow who has it until it is free.
    pub(super) async fn take(
        config: Config,
        context: StartContext,
        dir: &Path,
    ) -> Result<Arc<Self>, StartError> {
        let place = Place::of(dir).map_err(|error| {
            StartError::unavailable(format!("no place to meet other processes: {error}"))
                .with_hint("name a state directory with a shorter path by --state-dir")
        })?;
        let leaving = context.shutdown.child_token();
        let seat = Arc::new(Self {
            config,
            context,
            place: Arc::new(place),
            routes: Arc::new(Routes::new(crate::tools::router())),
            role: watch::Sender::new(Role::Seeking { why: "it was just started".to_owned() }),
            leaving,
        });
        match seat.context.try_lock_state_dir()? {
            Taken::Ours(lock) => seat.own(lock).await?,
            Taken::Held(by) => {
                tracing::info!(process = by, "another process has the store");
                let own = Arc::clone(&seat);
                seat.context.spawn("seat", async move {
                    let leaving = own.leaving.clone();
                    tokio::select! {
                        () = own.follow() => {}
                        () = leaving.cancelled() => {}
                    }
                });
            }
        }
        Ok(seat)
    }

    pub(super) fn role(&self) -> Role {
        self.role.borrow().clone()
    }

    pub(super) fn here(&self) -> Option<Arc<Server>> {
        match &*self.role.borrow() {
            Role::Owner(server) => Some(Arc::clone(server)),
            _ => None,
        }
    }

    /// Open the store, and let others ask.
    async fn own(&self, lock: StateLock) -> Result<(), StartError> {
        // Boxed: whoever starts, or waits to, would hold all of its state.
        let server = Server::open(self.config.clone(), self.context.clone(), lock);
        let server = Arc::new(Box::pin(server).await?);
        match self.place.listen() {
            Ok(listener) => {
                let inlet = Inlet {
                    server: Arc::clone(&server),
                    routes: Arc::clone(&self.routes),
                    place: Arc::clone(&self.place),
                    context: self.context.clone(),
                    leaving: self.leaving.clone(),
                };
                self.context.spawn("inlet", inlet.run(listener));
            }
            Err(error) => tracing::warn!(%error, "other processes on this directory cannot ask"),
        }
        self.role.send_replace(Role::Owner(server));
        Ok(())
    }

    /// Until this process has the store.
    async fn follow(&self) {
        loop {
            match self.context.try_lock_state_dir() {
                Ok(Taken::Ours(lock)) => match self.own(lock).await {
                    Ok(()) => {
                        tracing::info!("this process has the store now");
                        return;
                    }
                    Err(error) => {
                        tracing::error!(%error, "the store was not taken over");
                        self.seek(error.to_string());
                        tokio::time::sleep(REST).await;
                    }
                },
                Ok(Taken::Held(by)) => self.watch(by).await,
                Err(error) => {
                    self.seek(error.to_string());
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Until the process that has the store leaves or ends.
    async fn watch(&self, holder: Option<u32>) {
        match Outlet::open(&self.place).await {
            Ok(outlet) => {
                self.role.send_replace(Role::Proxy { process: outlet.process });
                outlet.watch().await;
                self.seek("the one that had it has left".to_owned());
                tokio::time::sleep(jitter()).await;
            }
            // It begins, or ends.
            Err(Lost::Nobody) => {
                let holder = holder.map(|id| format!(" {id}")).unwrap_or_default();
                self.seek(format!("process{holder} has the directory and does not listen"));
                tokio::time::sleep(LOOK).await;
            }
            Err(lost) => {
                self.seek(lost.error(holder).message().to_owned());
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    fn seek(&self, why: String) {
        self.role.send_replace(Role::Seeking { why });
    }

    /// Have a call answered by whoever has the store.
    pub(super) async fn carry(
        &self,
        call: Call,
        repeat: &Repeat,
        token: CancellationToken,
        told: Progress,
    ) -> Outcome {
        let mut handed = 0;
        let mut until = Instant::now() + PATIENCE;
        let mut ask = Ask::Call(call);
        loop {
            if let Some(server) = self.here() {
                let Ask::Call(call) = ask else { return unheard().into() };
                return self.run(&server, call, token, told).await;
            }
            let asker = Asker { told: &told, token: &token };
            let lost = match Outlet::open(&self.place).await {
                Ok(outlet) => outlet.ask(&ask, Some(asker)).await,
                Err(lost) => Err(lost),
            };
            match lost {
                Ok(outcome) => return outcome,
                Err(Lost::Gone) if !repeat.is_allowed() => return repeat.unknown().into(),
                Err(Lost::Gone) => {
                    handed += 1;
                    if handed == HANDOVERS && repeat.is_write() {
                        return repeat.unknown().into();
                    }
                    if handed == HANDOVERS {
                        return self.nobody().into();
                    }
                    until = Instant::now() + PATIENCE;
                }
                Err(Lost::Silent { asked: true, .. }) if repeat.is_write() => {
                    return repeat.unknown().into();
                }
                Err(Lost::Nobody) if Instant::now() >= until => {
                    // It may have come to be while this call was at another's door.
                    return match (handed > 0 && repeat.is_write(), self.here()) {
                        (_, Some(_)) => continue,
                        (true, None) => repeat.unknown().into(),
                        (false, None) => self.nobody().into(),
                    };
                }
                Err(Lost::Nobody) => {}
                Err(lost) => return lost.error(None).into(),
            }
            left(&mut ask);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Run a call here that came to this process before it had the store.
    async fn run(
        &self,
        server: &Server,
        call: Call,
        token: CancellationToken,
        told: Progress,
    ) -> Outcome {
        let (sender, mut reports) = mpsc::channel(16);
        let work = self.routes.run(server, call, token, sender);
        let tell = async {
            while let Some(report) = reports.recv().await {
                told.report(report.done, report.total, &report.message).await;
            }
        };
        tokio::join!(work, tell).0
    }

    pub(super) async fn effect(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        caller: &Principal,
    ) -> Result<Preview> {
        let (tool, arguments) = (tool.to_owned(), arguments.clone());
        let ask = Ask::Effect { tool, arguments, caller: Caller::from(caller) };
        let effect = self.ask(&ask).await?;
        let part = |name: &str| effect[name].as_str().unwrap_or_default().to_owned();
        Ok(Preview { effect: part("effect"), state: part("state") })
    }

    pub(super) async fn document(&self, uri: &str, caller: &Principal) -> Result<Option<String>> {
        let ask = Ask::Document { uri: uri.to_owned(), caller: Caller::from(caller) };
        match self.ask(&ask).await? {
            Value::String(text) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// What the process that has the store says of it.
    pub(super) async fn reports(&self) -> Vec<ProbeReport> {
        let told = async { Outlet::open(&self.place).await?.ask(&Ask::Reports, None).await };
        let Ok(Ok(Outcome::Done(told))) = tokio::time::timeout(GLANCE, told).await else {
            return Vec::new();
        };
        let probes: Vec<Probe> = serde_json::from_value(told).unwrap_or_default();
        probes.into_iter().filter_map(probe).collect()
    }

    /// Ask what changes nothing, again if need be.
    async fn ask(&self, ask: &Ask) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let asked = match Outlet::open(&self.place).await {
                Ok(outlet) => outlet.ask(ask, None).await,
                Err(lost) => Err(lost),
            };
            match asked {
                Ok(outcome) => return outcome.into_value(),
                Err(Lost::Nobody | Lost::Gone) if self.here().is_some() => return Err(unheard()),
                Err(Lost::Nobody | Lost::Gone) if Instant::now() >= until => {
                    return Err(self.nobody());
                }
                Err(Lost::Nobody | Lost::Gone) => tokio::time::sleep(LOOK).await,
                Err(lost) => return Err(lost.error(None)),
            }
        }
    }

    /// Why no process has the store.
    fn nobody(&self) -> ToolError {
        let why = match self.role() {
            Role::Seeking { why } => why,
            _ => "it does not listen".to_owned(),
        };
        Error::OwnerUnavailable(format!("no process has the store: {why}")).into()
    }

    /// Close the store, if it is here, and let the next process have it.
    pub(super) async fn leave(&self) {
        self.leaving.cancel();
        let why = "this process is stopping".to_owned();
        if let Role::Owner(server) = self.role.send_replace(Role::Seeking { why }) {
            self.place.clear();
            server.close().await;
        }
    }
}

impl Lost {
    /// For a call of which nothing was done; `holder` is the process that has the lock, if known.
    fn error(&self, holder: Option<u32>) -> ToolError {
        let named = |process: Option<u32>| {
            process.map_or_else(|| "the process".to_owned(), |id| format!("process {id}"))
        };
        let unavailable = |why: String| ToolError::from(Error::OwnerUnavailable(why));
        match self {
            Self::Nobody | Self::Gone => unavailable("no process has the store".to_owned()),
            Self::Silent { process, .. } => unavailable(format!(
                "{} that has the store does not answer: it may be stopped",
                named(process.or(holder))
            )),
            Self::Denied(why) => unavailable(format!("the process that has the store: {why}")),
            Self::Other(hello) => Error::OwnerVersion {
                process: hello.process,
                theirs: mcp_core::untrusted::line(&hello.version, 40),
            }
            .into(),
            Self::TooLong => Error::TooLarge {
                field: String::new(),
                message: "the call is too long to be handed to another process".to_owned(),
                hint: "ask for less in one call",
            }
            .into(),
        }
    }
}

/// The store came here between two looks.
fn unheard() -> ToolError {
    Error::OwnerUnavailable("the store was taken over meanwhile".to_owned()).into()
}

/// Count down what is left of a call that is handed over once more.
fn left(ask: &mut Ask) {
    if let Ask::Call(Call { left_ms: Some(left), .. }) = ask {
        let now = mcp_core::deadline::remaining();
        *left = now.map_or(*left, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    }
}

/// A check under a name that is known here.
fn probe(probe: Probe) -> Option<ProbeReport> {
    let name = ["index", "neo4j"].into_iter().find(|name| *name == probe.name)?;
    let states = [ProbeState::Up, ProbeState::Down, ProbeState::NotConfigured];
    let state = states.into_iter().find(|state| state.label() == probe.state)?;
    Some(ProbeReport { name, required: probe.required, state, detail: probe.detail })
}

fn jitter() -> Duration {
    let mut random = [0u8; 8];
    if getrandom::fill(&mut random).is_err() {
        // All start at once: one of them wins all the same.
        return Duration::ZERO;
    }
    Duration::from_millis(u64::from_le_bytes(random) % (JITTER_MS + 1))
}
