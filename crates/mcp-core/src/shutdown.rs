//! Signals: the first asks, the second insists.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{StartError, server::Exit};

/// How long calls may finish after the first signal.
pub const GRACE: Duration = Duration::from_secs(10);

/// The signals of this process. From its making on they no longer end it by themselves.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Take over SIGINT and SIGTERM.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    #[cfg(unix)]
    pub fn take() -> Result<Self, StartError> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| {
            signal(kind).map_err(|error| {
                StartError::internal(format!("signals cannot be watched: {error}"))
            })
        };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
        })
    }

    /// Take over Ctrl-C.
    ///
    /// # Errors
    /// None on this system.
    #[cfg(not(unix))]
    pub fn take() -> Result<Self, StartError> {
        Ok(Self {})
    }

    /// Cancel `asked` at the first signal; return at the second.
    pub async fn watch(mut self, asked: CancellationToken) -> Exit {
        let first = self.next().await;
        tracing::info!(signal = first.name(), "stopping: calls may finish");
        asked.cancel();
        let second = self.next().await;
        tracing::warn!(signal = second.name(), "stopping now");
        second.exit()
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        Signal::Interrupt
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            #[cfg(unix)]
            Self::Terminate => "SIGTERM",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            #[cfg(unix)]
            Self::Terminate => Exit::Terminated,
        }
    }
}
