//! `up`: the fleet without Docker.

use futures_util::future::{join_all, try_join_all};
use mcp_core::{StartError, fleet::Member, server::Exit, shutdown::Signals};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    child::{self, Plan},
    output, sibling, status,
};

/// Start servers, show them, keep them running until a signal.
pub(crate) async fn up(
    members: Vec<&'static Member>,
    log_level: Option<&str>,
) -> Result<Exit, StartError> {
    let signals = Signals::take()?;
    let plans = child::plan(&members, log_level).await?;
    for plan in &plans {
        plan.check_port().await?;
    }
    let stopping = CancellationToken::new();
    let (tell, told): (Vec<_>, Vec<_>) = plans.iter().map(|_| oneshot::channel()).unzip();
    let keep = plans.iter().zip(tell).map(|(plan, live)| keep(plan, &stopping, live));
    let fleet = async {
        let (kept, shown) = tokio::join!(join_all(keep), show(&plans, told, &stopping));
        kept.into_iter().collect::<Result<Vec<()>, _>>().and(shown)
    };
    tokio::select! {
        outcome = fleet => outcome.map(|()| Exit::Ok),
        exit = signals.watch(stopping.clone()) => Ok(exit),
    }
}

/// One server that cannot start stops the others: half a fleet surprises later.
async fn keep(
    plan: &Plan,
    stopping: &CancellationToken,
    live: oneshot::Sender<()>,
) -> Result<(), StartError> {
    let outcome = plan.keep(stopping, live).await;
    if outcome.is_err() {
        stopping.cancel();
    }
    outcome
}

/// The table, once every server answers.
async fn show(
    plans: &[Plan],
    told: Vec<oneshot::Receiver<()>>,
    stopping: &CancellationToken,
) -> Result<(), StartError> {
    let all = try_join_all(told);
    tokio::select! {
        all = all => if all.is_err() { return Ok(()) },
        () = stopping.cancelled() => return Ok(()),
    }
    let rows = join_all(plans.iter().map(|plan| async {
        let row = status::of(plan.member, plan.address).await;
        let tools = sibling::json(plan.member, &["tools", "--json"]).await;
        let tools = tools.ok().as_ref().and_then(Value::as_array).map(Vec::len);
        let tools = tools.map_or_else(|| "?".to_owned(), |count| count.to_string());
        [
            row.server.to_owned(),
            row.port.to_string(),
            row.state,
            tools,
            plan.member.purpose.to_owned(),
        ]
    }));
    output::table(["server", "port", "state", "tools", "what it is for"], &rows.await)?;
    output::line("Ctrl-C ends all of them. MCP is at http://127.0.0.1:<port>/mcp")
}
