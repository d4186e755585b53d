//! The side of a process that asks the one that has the store.

use std::{io, time::Duration};

use mcp_core::{
    prelude::{CancellationToken, Progress},
    relay::Outcome,
};
use tokio::{
    io::AsyncWriteExt,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
};

use super::{
    place::Place,
    wire::{self, Ask, Hello, Say},
};

/// Longest silence of a process that runs.
const SILENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Lost {
    /// No process listens; nothing was asked.
    Nobody,
    /// The process ended, or leaves, after it was asked.
    Gone,
    /// A process has the store, and does not say a word.
    Silent {
        process: Option<u32>,
        /// Whether it was asked.
        asked: bool,
    },
    /// It is of another version; nothing was asked.
    Other(Hello),
    /// The question is longer than a frame may be; nothing was asked.
    TooLong,
    /// The other end may not be trusted; nothing was asked.
    Denied(String),
}

/// A process that has the store, ready to be asked.
pub(super) struct Outlet {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    pub(super) process: u32,
}

/// Who listens to what is heard before an answer.
pub(super) struct Asker<'a> {
    pub(super) told: &'a Progress,
    /// Cancelled when the answer is not wanted any more.
    pub(super) token: &'a CancellationToken,
}

impl Outlet {
    pub(super) async fn open(place: &Place) -> Result<Self, Lost> {
        let silent = |_| Lost::Silent { process: None, asked: false };
        let stream = tokio::time::timeout(SILENCE, place.connect()).await.map_err(silent)?;
        let stream = stream.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Lost::Denied(error.to_string()),
            // As many wait at the door as the system lets.
            io::ErrorKind::WouldBlock => Lost::Silent { process: None, asked: false },
            _ => Lost::Nobody,
        })?;
        let (mut from, to) = stream.into_split();
        let hello: Hello = tokio::time::timeout(SILENCE, wire::read(&mut from))
            .await
            .map_err(silent)?
            .map_err(|_| Lost::Nobody)?;
        if hello.fits() {
            Ok(Self { from, to, process: hello.process })
        } else {
            Err(Lost::Other(hello))
        }
    }

    /// Wait until the process leaves or ends.
    pub(super) async fn watch(mut self) {
        if wire::write(&mut self.to, &Ask::Watch).await.is_ok() {
            // A word or the end: both say that it leaves.
            drop(wire::read::<Say, _>(&mut self.from).await);
        }
    }

    /// Ask, and wait for the answer.
    pub(super) async fn ask(
        mut self,
        ask: &Ask,
        asker: Option<Asker<'_>>,
    ) -> Result<Outcome, Lost> {
        let frame = wire::frame(ask).map_err(|_| Lost::TooLong)?;
        let silent = Lost::Silent { process: Some(self.process), asked: true };
        match tokio::time::timeout(SILENCE, self.to.write_all(&frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Lost::Gone),
            Err(_) => return Err(silent),
        }
        let token = asker.as_ref().map(|asker| asker.token.clone());
        let mut cancelled = std::pin::pin!(async {
            match token {
                Some(token) => token.cancelled_owned().await,
                None => std::future::pending().await,
            }
        });
        let mut wanted = true;
        loop {
            let word = tokio::time::timeout(SILENCE, wire::read::<Say, _>(&mut self.from));
            let mut word = std::pin::pin!(word);
            let word = tokio::select! {
                word = &mut word => word,
                () = &mut cancelled, if wanted => {
                    // It hears that nobody asks any more, and may still say what it has.
                    wanted = false;
                    drop(self.to.shutdown().await);
                    word.await
                }
            };
            match word {
                Ok(Ok(Say::Outcome(outcome))) => return Ok(outcome),
                Ok(Ok(Say::Report(report))) => {
                    if let Some(asker) = &asker {
                        asker.told.report(report.done, report.total, &report.message).await;
                    }
                }
                Ok(Ok(Say::Alive)) => {}
                Ok(Ok(Say::Leaving) | Err(_)) => return Err(Lost::Gone),
                Err(_) => return Err(silent),
            }
        }
    }
}
