//! Arguments and answers of `create_backup`, `restore_backup` and `run_maintenance`.

use std::{collections::BTreeMap, time::Duration};

use mcp_core::{Preview, Principal, deadline, prelude::*};

use crate::{
    Error,
    backup::Manifest,
    jobs::{End, Job, JobState, Standing, Ticket, kept},
    knowledge::{Kept, Tell, Upkeep},
    receipt::{Gone, Receipt},
    server::Server,
    text::is_zero,
};

/// Left to answer in when the time of a call is up.
const MARGIN: Duration = Duration::from_secs(5);

/// When to answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBackupArgs {
    /// Answer after this time at the latest; the job goes on, see `list_jobs`.
    #[schemars(range(min = 0, max = 60_000))]
    #[serde(default = "default_wait")]
    wait_ms: u64,
    /// Namespace; your home if absent.
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

fn default_wait() -> u64 {
    10_000
}

/// A backup, or the job that makes it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreateBackupOutput {
    /// Job that makes it.
    job_id: String,
    /// Whether it goes on.
    state: JobState,
    /// Rows that are written down.
    done: usize,
    /// The backup, once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<Manifest>,
}

/// What to restore.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreBackupArgs {
    /// Id of the backup.
    #[schemars(length(min = 1, max = 100))]
    id: String,
    /// Let all that is stored give way to it; a backup of that is made first. Without this only an
    /// empty store is filled.
    #[serde(default)]
    replace: bool,
    /// Namespace; your home if absent.
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

/// What was restored.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RestoreBackupOutput {
    /// Journal position now: behind that of the backup, and of what was there before.
    seq: u64,
    /// The backup.
    backup: Manifest,
    /// Id of the backup of what was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_backup: Option<String>,
}

/// What to do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunMaintenanceArgs {
    /// `verify` compares every row of the store with the index; `rebuild_index` reads the index anew;
    /// `vacuum` copies what is there into a new store, so that deleted bytes leave the disk;
    /// `verify_receipt` looks for what a receipt says was purged.
    action: Action,
    /// Of `verify_receipt`: as `forget_items` gave it.
    #[serde(default)]
    receipt: Option<serde_json::Map<String, serde_json::Value>>,
    /// Answer after this time at the latest; the job goes on, see `list_jobs`.
    #[schemars(range(min = 0, max = 60_000))]
    #[serde(default = "default_wait")]
    wait_ms: u64,
    /// Namespace; your home if absent.
    #[serde(default)]
    pub(super) namespace: Option<String>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Verify,
    RebuildIndex,
    Vacuum,
    VerifyReceipt,
}

impl Action {
    const fn label(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::RebuildIndex => "rebuild_index",
            Self::Vacuum => "vacuum",
            Self::VerifyReceipt => "verify_receipt",
        }
    }
}

/// What was done, or the job that does it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RunMaintenanceOutput {
    /// Job that does it.
    #[serde(default)]
    job_id: String,
    /// Whether it goes on.
    #[serde(default)]
    state: JobState,
    /// Journal position.
    seq: u64,
    /// Rows looked at, by table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rows: BTreeMap<String, usize>,
    /// Rows that are not as they should be, up to 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    /// Those there are; `rebuild_index` mends what concerns the index.
    #[serde(default, skip_serializing_if = "is_zero")]
    findings_total: usize,
}

/// A row that is not as it should be.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Finding {
    /// Its table.
    table: String,
    /// Its id; empty when it is about the table.
    id: String,
    /// What is wrong.
    what: String,
}

pub(super) async fn back_up(
    server: &Server,
    args: &CreateBackupArgs,
    caller: &Principal,
) -> Result<CreateBackupOutput> {
    let space = server.writes(caller, args.namespace.as_deref()).await?;
    let (knowledge, backups) = (space.knowledge().clone(), space.backups().clone());
    let work = move |ticket: Ticket| async move {
        match knowledge.back_up(&backups, tell(&ticket)).await? {
            Some(manifest) => Ok(End::Whole(kept(&manifest)?)),
            None => Ok(End::Cut(serde_json::Map::new())),
        }
    };
    let job = server.jobs().start("backup", caller, None, work)?;
    let standing = waited(&job, args.wait_ms).await?;
    let manifest = standing.result.filter(|_| standing.state == JobState::Done);
    let manifest = manifest.map(|result| serde_json::from_value(result.into()));
    Ok(CreateBackupOutput {
        job_id: job.id.to_string(),
        state: standing.state,
        done: standing.done,
        backup: manifest.transpose().map_err(|error| unreadable(&error))?,
    })
}

pub(super) async fn restore(
    server: &Server,
    args: RestoreBackupArgs,
    caller: &Principal,
) -> Result<RestoreBackupOutput> {
    let space = server.writes(caller, args.namespace.as_deref()).await?;
    let (knowledge, backups) = (space.knowledge().clone(), space.backups().clone());
    let manifest = backups.manifest(&args.id)?;
    let (boxed, replace) = (Box::new(manifest.clone()), args.replace);
    let work = move |ticket: Ticket| async move {
        let upkeep = Upkeep::Restore { backups, manifest: boxed, replace };
        let kept = knowledge.keep_up(upkeep, tell(&ticket)).await?;
        Ok(End::Whole(output_of(kept)?))
    };
    let job = server.jobs().start("restore", caller, None, work)?;
    let standing = waited(&job, u64::from(u32::MAX)).await?;
    let Some(result) = standing.result else {
        return Err(ToolError::new(
            Kind::Timeout,
            "deadline_exceeded",
            "the backup is still being restored",
        )
        .with_hint("the job goes on: list_jobs tells when it has ended"));
    };
    Ok(RestoreBackupOutput {
        seq: result.get("seq").and_then(serde_json::Value::as_u64).unwrap_or_default(),
        backup: manifest,
        previous_backup: result
            .get("previous")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned),
    })
}

/// What a restore would do.
pub(crate) async fn preview(
    server: &Server,
    arguments: &serde_json::Map<String, serde_json::Value>,
    caller: &Principal,
) -> Result<Preview> {
    let text = |name: &str| arguments.get(name).and_then(serde_json::Value::as_str);
    let space = server.writes(caller, text("namespace")).await?;
    let id = text("id").unwrap_or_default();
    let manifest = space.backups().manifest(id)?;
    let rows: usize = manifest.rows.values().sum();
    let empty = space.knowledge().is_empty().await?;
    let effect = if empty {
        format!("Fills the empty namespace {} with the {rows} rows of backup {id}.", space.name())
    } else {
        format!(
            "Replaces everything stored in the namespace {} by the {rows} rows of backup {id}, made at \
             {}. A backup of what is stored now is made first.",
            space.name(),
            manifest.created_at
        )
    };
    Ok(Preview { effect, state: format!("{} {empty}", manifest.sha256) })
}

pub(super) async fn maintain(
    server: &Server,
    args: &RunMaintenanceArgs,
    caller: &Principal,
) -> Result<RunMaintenanceOutput> {
    let space = server.writes(caller, args.namespace.as_deref()).await?;
    let knowledge = space.knowledge().clone();
    let action = args.action;
    let matter = Matter::of(server, args)?;
    let work = move |ticket: Ticket| async move {
        let kept = match matter {
            Matter::Keep(upkeep) => knowledge.keep_up(upkeep, tell(&ticket)).await?,
            Matter::Look(gone) => {
                let is_gone = move |table, id| gone.has(table, id);
                knowledge.look_for(is_gone, tell(&ticket)).await?
            }
        };
        Ok(End::Whole(output_of(kept)?))
    };
    let job = server.jobs().start(action.label(), caller, None, work)?;
    let standing = waited(&job, args.wait_ms).await?;
    let result = standing.result.map(serde_json::Value::Object);
    let output: Option<RunMaintenanceOutput> =
        result.map(serde_json::from_value).transpose().map_err(|error| unreadable(&error))?;
    Ok(RunMaintenanceOutput {
        job_id: job.id.to_string(),
        state: standing.state,
        ..output.unwrap_or_default()
    })
}

/// What a maintenance is about.
enum Matter {
    Keep(Upkeep),
    /// Rows that a receipt says are gone.
    Look(Gone),
}

impl Matter {
    fn of(server: &Server, args: &RunMaintenanceArgs) -> Result<Self> {
        let wrong = |message: &str| Err(Error::invalid("/receipt", message).into());
        Ok(match (args.action, &args.receipt) {
            (Action::VerifyReceipt, Some(receipt)) => {
                let read = serde_json::from_value::<Receipt>(receipt.clone().into());
                let Ok(receipt) = read else { return wrong("must be a receipt, as it was given") };
                Self::Look(server.seal().open(&receipt)?)
            }
            (Action::VerifyReceipt, None) => return wrong("must be given with verify_receipt"),
            (_, Some(_)) => return wrong("must be absent but with verify_receipt"),
            (Action::Verify, None) => Self::Keep(Upkeep::Verify),
            (Action::RebuildIndex, None) => Self::Keep(Upkeep::Rebuild),
            (Action::Vacuum, None) => Self::Keep(Upkeep::Vacuum),
        })
    }
}

/// What was done, as a job keeps it.
fn output_of(done: Kept) -> Result<serde_json::Map<String, serde_json::Value>> {
    let findings = done.findings.into_iter().map(|finding| Finding {
        table: finding.table,
        id: finding.id,
        what: finding.what.to_owned(),
    });
    let output = RunMaintenanceOutput {
        seq: done.seq,
        rows: done.rows,
        findings: findings.collect(),
        findings_total: done.wrong,
        ..RunMaintenanceOutput::default()
    };
    let mut output = kept(&output)?;
    output.remove("job_id");
    output.remove("state");
    if let Some(previous) = done.previous {
        output.insert("previous".to_owned(), previous.into());
    }
    Ok(output)
}

fn tell(ticket: &Ticket) -> Tell {
    let ticket = ticket.clone();
    Box::new(move |done| {
        ticket.report(done, None);
        !ticket.token().is_cancelled()
    })
}

/// The standing of a job after a while; its error if it failed.
async fn waited(job: &Job, wait_ms: u64) -> Result<Standing> {
    let wait = Duration::from_millis(wait_ms);
    let standing = job.wait(deadline::leaving(MARGIN, wait)).await;
    match standing.error {
        Some(error) => Err(error),
        None => Ok(standing),
    }
}

fn unreadable(error: &serde_json::Error) -> ToolError {
    Error::Internal(format!("the answer of a job is not readable: {error}")).into()
}
