//! One raw read: parsed by the engine, bounded, run as a viewer in a transaction that cannot write.

use std::{pin::pin, sync::Arc, time::Duration};

use mcp_core::prelude::CancellationToken;
use surrealdb::types::{SurrealValue, ToSql, Value, Variables};
use surrealdb_core::{ctx::CancelHandle, dbs::Session, kvs::QueryRequest};
use surrealdb_kvs::TransactionType;
use surrealdb_rpc::{
    QueryStreamItem,
    capabilities::{Capabilities, FuncTarget, Targets},
};
use surrealdb_sql::{
    Ast, Expr, Limit, Literal, TopLevelExpr,
    statements::{InfoStatement, SelectStatement},
};

use super::{DATABASE, NAMESPACE, SurrealStore};
use crate::{
    Error,
    guard::{self, Judged},
    query::{Bounds, Found, Params},
};

/// How long a query may take to notice that it is to stop.
const SETTLE: Duration = Duration::from_secs(2);

/// What any statement of this process may use: no network, no scripts, functions that compute.
pub(super) fn capabilities() -> Capabilities {
    let families = guard::FAMILIES.iter().chain(&["count", "not"]);
    let functions = families.map(|family| FuncTarget((*family).to_owned(), None)).collect();
    Capabilities::default()
        .with_functions(Targets::Some(functions))
        .with_network_targets(Targets::None)
        .with_scripting(false)
        .with_live_query_notifications(false)
}

impl SurrealStore {
    /// Rows of a query that the guard let through.
    pub(crate) async fn select(
        &self,
        judged: &Judged,
        params: &Params,
        bounds: Bounds,
        token: &CancellationToken,
    ) -> Result<Found, Error> {
        let ast = read_only(&judged.text, bounds.rows)?;
        let transaction = self.datastore.transaction(TransactionType::Read).await;
        let transaction = Arc::new(transaction.map_err(|error| failed(&format!("{error:#}")))?);
        let stop = StopOnDrop(CancelHandle::new());
        let session = Session::viewer().with_ns(NAMESPACE).with_db(DATABASE);
        let variables: Variables =
            params.iter().map(|(name, value)| (name.clone(), value.clone().into_value())).collect();
        let request = QueryRequest::new(ast, &session)
            .with_variables(Some(variables))
            .with_transaction(Arc::clone(&transaction))
            .with_cancel(stop.0.clone());
        let (items, incoming) = surrealdb::channel::bounded(1);
        let job = self.datastore.run_streaming(request, items);
        let job = job.map_err(|error| failed(error.message()))?;
        let gather = async {
            let mut gathered = Gathered::new(bounds);
            while let Ok(item) = incoming.recv().await {
                if gathered.take(item) {
                    stop.0.trip();
                    incoming.close();
                    break;
                }
            }
            gathered
        };
        let mut work = pin!(async { tokio::join!(job.run, gather) });
        let ended = tokio::select! {
            ended = &mut work => Ok(ended),
            () = tokio::time::sleep(bounds.within) => Err(Error::QueryTimeout(bounds.within)),
            () = token.cancelled() => Err(Error::Cancelled),
        };
        if ended.is_err() {
            stop.0.trip();
            // It ends at its next pause; who waits for it no longer gets what it found.
            drop(tokio::time::timeout(SETTLE, &mut work).await);
        }
        if let Err(error) = transaction.cancel().await {
            tracing::debug!(%error, "a read transaction did not end cleanly");
        }
        let (run, gathered) = ended?;
        match (gathered.failure, run) {
            (Some(message), _) => Err(failed(&message)),
            (None, Err(error)) if !gathered.found.truncated => Err(failed(error.message())),
            (None, _) => Ok(gathered.found),
        }
    }
}

/// Ends the query when its caller goes away.
struct StopOnDrop(CancelHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.trip();
    }
}

/// The statement as the engine understands it: it must be the one read that the guard took it for,
/// and its own spelling of it must pass the guard again.
fn read_only(text: &str, rows: usize) -> Result<Ast, Error> {
    let mut ast =
        surrealdb_core::syn::parse(text).map_err(|error| failed(&format!("{error:#}")))?;
    let refused = || Error::from(guard::Refusal::whole(text));
    let [TopLevelExpr::Expr(expr)] = ast.expressions.as_mut_slice() else { return Err(refused()) };
    let known = match expr {
        Expr::Select(select) => {
            bound(select, rows);
            true
        }
        Expr::Return(_) => true,
        Expr::Info(info) => matches!(**info, InfoStatement::Tb(..)),
        _ => false,
    };
    if !known || !expr.read_only() {
        return Err(refused());
    }
    let spelt = expr.to_sql();
    guard::judge_spelt(&spelt).map_err(|refusal| {
        let rule = refusal.rule.code();
        tracing::warn!(rule, "the engine reads a query otherwise than the guard");
        refused()
    })?;
    Ok(ast)
}

/// One row more than will be shown, so that it is known whether there are more.
fn bound(select: &mut SelectStatement, rows: usize) {
    if select.limit.is_none() && !select.only {
        let most = i64::try_from(rows).unwrap_or(i64::MAX).saturating_add(1);
        select.limit = Some(Limit(Expr::Literal(Literal::Integer(most))));
    }
}

/// Rows as they come.
struct Gathered {
    bounds: Bounds,
    found: Found,
    failure: Option<String>,
}

impl Gathered {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, found: Found::default(), failure: None }
    }

    /// Whether it is enough.
    fn take(&mut self, item: QueryStreamItem) -> bool {
        match item {
            QueryStreamItem::Rows { values, .. } => {
                values.into_iter().any(|value| self.found.add(json(value), self.bounds))
            }
            QueryStreamItem::Value { value: Value::None, .. } => false,
            QueryStreamItem::Value { value, .. } => self.found.add(json(value), self.bounds),
            QueryStreamItem::Finished { error, .. } => {
                self.failure = error.map(|error| error.message().to_owned());
                false
            }
        }
    }
}

fn json(value: Value) -> serde_json::Value {
    value.into_json_value()
}

/// What the engine says of a query it does not run; the caller's own text, cut.
fn failed(message: &str) -> Error {
    Error::QueryFailed(mcp_core::untrusted::show(message, 600))
}

#[cfg(test)]
mod tests {
    use surrealdb_core::dbs::Session;

    use super::*;
    use crate::{Config, moment::Moment};

    /// Statements that both judges let through, as it were.
    const WRITES: [&str; 7] = [
        "CREATE rule:x SET one = true",
        "DELETE meta",
        "UPDATE meta:store SET store_id = 'x'",
        "DEFINE TABLE x",
        "REMOVE TABLE memory",
        "RETURN (DELETE meta)",
        "DEFINE USER x ON ROOT PASSWORD 'x' ROLES OWNER",
    ];

    async fn run(
        store: &SurrealStore,
        text: &str,
        session: Session,
        kind: TransactionType,
    ) -> bool {
        let transaction = Arc::new(store.datastore.transaction(kind).await.unwrap());
        let session = session.with_ns(NAMESPACE).with_db(DATABASE);
        let request = QueryRequest::new(text, &session).with_transaction(Arc::clone(&transaction));
        let answer = store.datastore.run(request).await;
        transaction.cancel().await.unwrap();
        answer.is_ok_and(|results| results.iter().all(|result| result.result.is_ok()))
    }

    #[tokio::test]
    async fn a_read_transaction_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store =
            SurrealStore::open(dir.path(), &Config::default(), Moment::now()).await.unwrap();
        for text in WRITES {
            assert!(
                run(&store, text, Session::owner(), TransactionType::Write).await,
                "{text} is sound"
            );
            assert!(!run(&store, text, Session::owner(), TransactionType::Read).await, "{text}");
        }
        for text in [
            "RETURN http::get('http://127.0.0.1:9')",
            "RETURN rand::int()",
            "RETURN crypto::md5('x')",
        ] {
            assert!(!run(&store, text, Session::owner(), TransactionType::Write).await, "{text}");
        }
        for text in WRITES.into_iter().chain(["INFO FOR DB", "SELECT * FROM meta; RETURN 1"]) {
            assert!(read_only(text, 5).is_err(), "{text}");
        }
        store.datastore.shutdown().await.unwrap();
    }
}
