//! The side of the process that has the store: it runs what others ask.

use std::{io, sync::Arc, time::Duration};

use mcp_core::{
    Principal,
    prelude::{CancellationToken, Result, StartContext, ToolError},
    relay::{Call, Outcome, Routes},
};
use serde_json::{Value, json};
use tokio::{
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::{Instant, MissedTickBehavior},
};

use super::{
    place::Place,
    wire::{Ask, Hello, Probe, Say, read, write},
};
use crate::server::Server;

/// Questions at a time; more wait at the door.
const CONNECTIONS: usize = 1_024;
/// How often a question that takes long is told that it is not forgotten.
const ALIVE: Duration = Duration::from_secs(1);
/// What a process that asks may take to say a word, or to hear one.
const WORD: Duration = Duration::from_secs(30);
/// What a call may take to end that nobody wants any more.
const GRACE: Duration = Duration::from_secs(2);
/// Reports that wait to be told.
const REPORTS: usize = 16;

/// What answers.
#[derive(Debug)]
pub(super) struct Inlet {
    pub(super) server: Arc<Server>,
    pub(super) routes: Arc<Routes<Server>>,
    pub(super) place: Arc<Place>,
    pub(super) context: StartContext,
    /// Cancelled when this process leaves.
    pub(super) leaving: CancellationToken,
}

impl Inlet {
    /// Answer until this process leaves.
    pub(super) async fn run(self, listener: UnixListener) {
        let inlet = Arc::new(self);
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async {
                let room = Arc::clone(&room).acquire_owned().await;
                (listener.accept().await, room)
            };
            let (accepted, room) = tokio::select! {
                next = next => next,
                () = inlet.leaving.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let own = Arc::clone(&inlet);
                    inlet.context.spawn("asked-by-a-process", async move {
                        if let Err(error) = own.answer(stream).await {
                            tracing::debug!(%error, "a process that asked was not answered");
                        }
                        drop(room);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a process that asks was not let in");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn answer(&self, stream: UnixStream) -> io::Result<()> {
        self.place.admit(&stream)?;
        let (mut from, mut to) = stream.into_split();
        say(&mut to, &Hello::ours()).await?;
        let asked = tokio::time::timeout(WORD, read(&mut from));
        let ask = tokio::select! {
            ask = asked => ask??,
            () = self.leaving.cancelled() => return say(&mut to, &Say::Leaving).await,
        };
        let outcome = match ask {
            Ask::Watch => {
                tokio::select! {
                    () = self.leaving.cancelled() => {}
                    () = silence(&mut from) => return Ok(()),
                }
                return say(&mut to, &Say::Leaving).await;
            }
            Ask::Call(call) => return self.call(call, from, to).await,
            Ask::Effect { tool, arguments, caller } => {
                let effect = self.server.effect(&tool, &arguments, &Principal::from(caller)).await;
                outcome(effect.map(|it| json!({"effect": it.effect, "state": it.state})))
            }
            Ask::Document { uri, caller } => {
                let text = self.server.document(&uri, &Principal::from(caller)).await;
                outcome(text.map(Value::from))
            }
            Ask::Reports => {
                let probes = self.server.reports().into_iter().map(|report| Probe {
                    name: report.name.to_owned(),
                    required: report.required,
                    state: report.state.label().to_owned(),
                    detail: report.detail,
                });
                outcome(Ok(json!(probes.collect::<Vec<_>>())))
            }
        };
        say(&mut to, &Say::Outcome(outcome)).await
    }

    /// Run a call. Whoever asked may stop asking; when this process leaves, another one is asked: a
    /// write that was begun is finished all the same, and found by its name.
    async fn call(
        &self,
        call: Call,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) -> io::Result<()> {
        let (sender, mut reports) = mpsc::channel(REPORTS);
        let token = CancellationToken::new();
        let _stop = token.clone().drop_guard();
        let work = self.routes.run(&self.server, call, token.clone(), sender);
        let mut work = std::pin::pin!(work);
        let mut alive = tokio::time::interval_at(Instant::now() + ALIVE, ALIVE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let word = tokio::select! {
                biased;
                () = self.leaving.cancelled() => return say(&mut to, &Say::Leaving).await,
                Some(report) = reports.recv() => Say::Report(report),
                outcome = &mut work => return say(&mut to, &Say::Outcome(outcome)).await,
                _ = alive.tick() => Say::Alive,
                () = silence(&mut from) => break,
            };
            say(&mut to, &word).await?;
        }
        token.cancel();
        match tokio::time::timeout(GRACE, work).await {
            Ok(outcome) => say(&mut to, &Say::Outcome(outcome)).await,
            Err(_) => Ok(()),
        }
    }
}

/// Until the other end asks no more.
async fn silence(from: &mut OwnedReadHalf) {
    // Nothing follows a question: whatever comes ends it.
    drop(read::<Value, _>(from).await);
}

async fn say(to: &mut OwnedWriteHalf, word: &impl serde::Serialize) -> io::Result<()> {
    tokio::time::timeout(WORD, write(to, word)).await?
}

fn outcome(answer: Result<Value, ToolError>) -> Outcome {
    match answer {
        Ok(value) => Outcome::Done(value),
        Err(error) => error.into(),
    }
}
