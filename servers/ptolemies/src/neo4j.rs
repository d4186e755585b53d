//! Neo4j: a mirror of entities and facts that can be queried in Cypher. Derived from the store and
//! droppable: without it, or when it is down, everything else works.

mod address;
mod batch;
mod bolt;
mod packstream;
mod structure;

use std::{
    sync::{
        RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mcp_core::{SecretString, prelude::CancellationToken};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::bolt::{Access, Connection, Login};
use crate::{
    Error,
    guard::{Judged, Refusal},
    query::{Bounds, Found, Params},
};

pub(crate) use self::{address::Address, batch::Batch, bolt::Failure};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest run of a batch of the mirror.
const WRITE: Duration = Duration::from_secs(60);
/// What a query's way there and back may add to its time.
const SLACK: Duration = Duration::from_secs(1);
/// Connections kept open.
const KEPT: usize = 2;
/// Rows asked for at a time.
const PULL: i64 = 100;

const CONSTRAINT: &str =
    "CREATE CONSTRAINT ptolemies_entity IF NOT EXISTS FOR (n:Entity) REQUIRE n.uid IS UNIQUE";

/// A Neo4j server.
#[derive(Debug)]
pub(crate) struct Neo4j {
    address: Address,
    user: String,
    password: SecretString,
    database: String,
    kept: Mutex<Vec<Connection>>,
    /// Changes that it holds.
    seq: AtomicU64,
    state: RwLock<Result<(), String>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Neo4j {
    pub(crate) fn new(
        address: Address,
        user: String,
        password: SecretString,
        database: String,
    ) -> Self {
        let state = RwLock::new(Err("not asked yet".to_owned()));
        let (kept, seq) = (Mutex::default(), AtomicU64::new(0));
        Self { address, user, password, database, kept, seq, state }
    }

    /// The last change that the mirror holds.
    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::Relaxed)
    }

    /// Whether it answered when it was last asked; else why not.
    pub(crate) fn state(&self) -> Result<(), String> {
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn tell<T>(&self, outcome: &Result<T, Failure>) {
        let now = match outcome {
            // Of a statement, not of the server.
            Ok(_) | Err(Failure::Refused { .. }) => Ok(()),
            Err(failure) => Err(failure.to_string()),
        };
        *self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// A connection that answers.
    async fn connection(&self) -> Result<Connection, Failure> {
        while let Some(mut kept) = self.take().await {
            // It may have died unseen.
            if timed(SLACK, kept.reset()).await.is_ok() {
                return Ok(kept);
            }
        }
        let login = Login {
            host: self.address.host(),
            port: self.address.port(),
            user: &self.user,
            password: self.password.expose(),
        };
        let opened = timed(CONNECT, Connection::open(&login)).await;
        self.tell(&opened);
        opened
    }

    async fn take(&self) -> Option<Connection> {
        self.kept.lock().await.pop()
    }

    /// Remember how it went; keep the connection if it went well.
    async fn settle<T>(&self, connection: Connection, outcome: &Result<T, Failure>) {
        self.tell(outcome);
        if !matches!(outcome, Ok(_) | Err(Failure::Refused { .. })) {
            return;
        }
        let mut kept = self.kept.lock().await;
        if kept.len() < KEPT {
            kept.push(connection);
        } else {
            drop(kept);
            connection.close().await;
        }
    }

    /// Rows of a query that the guard let through: planned first, since only the planner knows that
    /// it reads, then run where nothing can be written.
    pub(crate) async fn select(
        &self,
        judged: &Judged,
        params: &Params,
        bounds: Bounds,
        token: &CancellationToken,
    ) -> Result<Found, Error> {
        let work = async {
            let mut connection = self.connection().await?;
            let read = self.read(&mut connection, judged, params, bounds);
            let outcome = timed(bounds.within + SLACK, read).await;
            self.settle(connection, &outcome).await;
            outcome
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = token.cancelled() => return Err(Error::Cancelled),
        };
        match outcome {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(Error::from(Refusal::whole(&judged.text))),
            Err(failure) => Err(error_of(failure, &judged.text, bounds)),
        }
    }

    /// `None` of what is no read.
    async fn read(
        &self,
        connection: &mut Connection,
        judged: &Judged,
        params: &Params,
        bounds: Bounds,
    ) -> Result<Option<Found>, Failure> {
        connection.begin(Access::Read, &self.database, bounds.within).await?;
        connection.run(&format!("EXPLAIN {}", judged.text), json!(params)).await?;
        let (_, plan) = connection.pull(-1).await?;
        if plan.get("type").and_then(Value::as_str) != Some("r") {
            connection.roll_back().await?;
            return Ok(None);
        }
        let mut found = Found::of(&connection.run(&judged.text, json!(params)).await?);
        loop {
            let (rows, said) = connection.pull(PULL).await?;
            if rows.into_iter().any(|row| found.add_row(row, bounds)) {
                // Not at its end: a reset drops what is left.
                connection.reset().await?;
                return Ok(Some(found));
            }
            if said.get("has_more") != Some(&Value::Bool(true)) {
                connection.roll_back().await?;
                return Ok(Some(found));
            }
        }
    }

    /// The last change that it holds of a store; `None` when it has none, and is prepared then.
    pub(crate) async fn held(&self, store: &str) -> Result<Option<u64>, Failure> {
        const MARKED: &str = "MATCH (m:_Ptolemies {store: $store}) RETURN max(m.seq)";
        let mut connection = self.connection().await?;
        let asked = timed(WRITE, async {
            connection.begin(Access::Read, &self.database, WRITE).await?;
            connection.run(MARKED, json!({"store": store})).await?;
            let held = first_number(&connection.pull(-1).await?.0);
            connection.roll_back().await?;
            if held.is_none() {
                connection.begin(Access::Write, &self.database, WRITE).await?;
                connection.execute(CONSTRAINT, json!({})).await?;
                connection.commit().await?;
            }
            Ok(held)
        });
        let asked = asked.await;
        self.settle(connection, &asked).await;
        let held = asked?;
        self.seq.store(held.unwrap_or(0), Ordering::Relaxed);
        Ok(held)
    }

    /// Forget what it holds of a store.
    pub(crate) async fn wipe(&self, store: &str) -> Result<(), Failure> {
        const SOME: &str = "MATCH (n:Entity|_Ptolemies {store: $store}) WITH n LIMIT 2000 \
                            DETACH DELETE n RETURN count(*)";
        let mut connection = self.connection().await?;
        let wiped = timed(WRITE, async {
            loop {
                connection.begin(Access::Write, &self.database, WRITE).await?;
                connection.run(SOME, json!({"store": store})).await?;
                let gone = first_number(&connection.pull(-1).await?.0);
                connection.commit().await?;
                if gone.unwrap_or(0) == 0 {
                    return Ok(());
                }
            }
        });
        let wiped = wiped.await;
        self.settle(connection, &wiped).await;
        wiped?;
        self.seq.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Write a batch, all of it or nothing; doing it again changes nothing.
    pub(crate) async fn write(&self, batch: &Batch) -> Result<(), Failure> {
        let statements = batch.statements();
        let mut connection = self.connection().await?;
        let written = timed(WRITE, async {
            connection.begin(Access::Write, &self.database, WRITE).await?;
            for (query, params) in &statements {
                connection.execute(query, params.clone()).await?;
            }
            connection.commit().await
        });
        let written = written.await;
        self.settle(connection, &written).await;
        written?;
        self.seq.store(batch.seq, Ordering::Relaxed);
        Ok(())
    }
}

async fn timed<T>(
    within: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(within, work).await.unwrap_or(Err(Failure::TimedOut(within)))
}

fn first_number(rows: &[Vec<Value>]) -> Option<u64> {
    rows.first()?.first()?.as_u64()
}

/// What a caller is told of a failure.
fn error_of(failure: Failure, query: &str, bounds: Bounds) -> Error {
    match failure {
        Failure::Refused { code, .. } if code.contains("AccessMode") => {
            Refusal::whole(query).into()
        }
        Failure::Refused { code, .. } if code.contains("TransactionTimedOut") => {
            Error::QueryTimeout(bounds.within)
        }
        Failure::Refused { code, message } if code.starts_with("Neo.ClientError.") => {
            Error::QueryFailed(mcp_core::untrusted::show(&message, 600))
        }
        Failure::TimedOut(within) if within > bounds.within => Error::QueryTimeout(bounds.within),
        failure => Error::BackendUnavailable(format!("Neo4j: {failure}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_their_codes() {
        let bounds = Bounds { rows: 1, room: 1, within: Duration::from_secs(2) };
        let refused =
            |code: &str| Failure::Refused { code: code.to_owned(), message: "m".to_owned() };
        for (failure, wanted) in [
            (refused("Neo.ClientError.Statement.AccessMode"), "query_rejected"),
            (
                refused("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"),
                "query_timeout",
            ),
            (refused("Neo.ClientError.Statement.SyntaxError"), "invalid_argument"),
            (refused("Neo.TransientError.General.OutOfMemoryError"), "backend_unavailable"),
            (Failure::Denied, "backend_unavailable"),
            (Failure::TimedOut(Duration::from_secs(3)), "query_timeout"),
            (Failure::Unreachable("x".to_owned()), "backend_unavailable"),
        ] {
            let error = mcp_core::prelude::ToolError::from(error_of(failure, "q", bounds));
            assert_eq!(error.code(), wanted, "{error:?}");
        }
    }
}
