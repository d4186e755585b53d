//! What a journal says, record by record, and what it comes to.

use darwin_engine::{
    Seed,
    journal::{Record, RecordKind},
};
use mcp_core::prelude::*;
use serde_json::Value;

use super::{Rules, RunError, TIME};
use crate::{
    Error,
    job::Job,
    tools::{
        found::Stop,
        optimize::{BudgetArgs, OptimizeProblemArgs},
    },
};

/// What fixes a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Layout of the payloads.
    pub(crate) layout: u32,
    pub(crate) name: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) created_ms: u64,
    /// Version of the engine, and revision of the algorithm.
    pub(crate) engine: String,
    pub(crate) revision: u32,
    /// Why `auto` chose the algorithm.
    pub(crate) reason: Option<String>,
    /// The run, with nothing left to a default.
    pub(crate) spec: OptimizeProblemArgs,
    /// The run that it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
}

impl Header {
    /// All of it, ready to run.
    pub(crate) fn job(&self, rules: Rules) -> Result<Job, RunError> {
        if self.spec.problem.is_wasm() && !rules.wasm {
            return Err(Error::Disabled.into());
        }
        let seed = Seed::new(self.spec.seed.unwrap_or_default()).map_err(Error::from)?;
        Ok(self.spec.job(seed, rules.threads, TIME, true)?)
    }
}

/// Where a fork begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Origin {
    /// The run that was forked.
    pub(crate) run_id: String,
    /// Its generation then.
    pub(crate) generation: u64,
    /// Its evaluations then.
    pub(crate) evals: u64,
}

/// Newest layout of the payloads that this version reads: that of forks, which older versions would
/// begin anew.
pub(crate) const LAYOUT: u32 = 2;
/// Layout of all other runs.
pub(crate) const PLAIN: u32 = 1;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Status {
    Created,
    Running,
    WaitingTell,
    Paused,
    Done,
    Failed,
    Cancelled,
}

impl Status {
    /// Whether nothing can follow.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// Name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::WaitingTell => "waiting_tell",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A change of what a run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusEntry {
    pub(crate) status: Status,
    /// Where it pauses by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_reason: Option<Stop>,
    /// What it found, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Fault>,
}

impl StatusEntry {
    pub(crate) const fn of(status: Status) -> Self {
        Self { status, until: None, stop_reason: None, result: None, fault: None }
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Fault {
    /// Stable code.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
}

/// Another budget, from a number of evaluations on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpdateEntry {
    pub(crate) at_evals: u64,
    pub(crate) budget: BudgetArgs,
}

/// Trials that were handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskEntry {
    pub(crate) first: u64,
    pub(crate) count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// Values that were told together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TellEntry {
    pub(crate) trials: Vec<Told>,
}

/// What was told of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) id: u64,
    /// Objective values; `None` when it could not be evaluated.
    pub(crate) values: Option<Vec<f64>>,
    #[serde(default)]
    pub(crate) violation: f64,
}

/// Points that were put in, after a number of evaluations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InjectEntry {
    pub(crate) at_evals: u64,
    /// Genes.
    pub(crate) rows: Vec<Vec<f64>>,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Header(Box<Header>),
    Ask(AskEntry),
    Tell(TellEntry),
    Update(UpdateEntry),
    Status(Box<StatusEntry>),
    Inject(InjectEntry),
}

impl Entry {
    /// Its kind and payload.
    pub(crate) fn encode(&self) -> std::io::Result<(RecordKind, Vec<u8>)> {
        let (kind, bytes) = match self {
            Self::Header(one) => (RecordKind::Header, serde_json::to_vec(one)),
            Self::Ask(one) => (RecordKind::Ask, serde_json::to_vec(one)),
            Self::Tell(one) => (RecordKind::Tell, serde_json::to_vec(one)),
            Self::Update(one) => (RecordKind::Update, serde_json::to_vec(one)),
            Self::Status(one) => (RecordKind::Status, serde_json::to_vec(one)),
            Self::Inject(one) => (RecordKind::Inject, serde_json::to_vec(one)),
        };
        Ok((kind, bytes?))
    }

    fn decode(record: &Record<'_>) -> Option<Self> {
        let bytes = record.payload;
        Some(match record.kind {
            RecordKind::Header => Self::Header(serde_json::from_slice(bytes).ok()?),
            RecordKind::Ask => Self::Ask(serde_json::from_slice(bytes).ok()?),
            RecordKind::Tell => Self::Tell(serde_json::from_slice(bytes).ok()?),
            RecordKind::Update => Self::Update(serde_json::from_slice(bytes).ok()?),
            RecordKind::Status => Self::Status(serde_json::from_slice(bytes).ok()?),
            RecordKind::Inject => Self::Inject(serde_json::from_slice(bytes).ok()?),
            RecordKind::Snapshot => return None,
        })
    }
}

/// A journal, folded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) header: Header,
    pub(crate) last: StatusEntry,
    pub(crate) updates: Vec<UpdateEntry>,
    pub(crate) injections: Vec<InjectEntry>,
    pub(crate) asks: Vec<AskEntry>,
    /// By number of the trial; a gap has not been told.
    pub(crate) told: Vec<Option<Told>>,
}

impl Ledger {
    /// That of a new run.
    pub(crate) fn new(header: Header, last: StatusEntry) -> Self {
        Self {
            header,
            last,
            updates: Vec::new(),
            injections: Vec::new(),
            asks: Vec::new(),
            told: Vec::new(),
        }
    }

    /// The records of a new run.
    pub(crate) fn entries(&self) -> [Entry; 2] {
        [Entry::Header(Box::new(self.header.clone())), Entry::Status(Box::new(self.last.clone()))]
    }

    /// Fold the records of a journal.
    ///
    /// # Errors
    /// [`RunError::Unreadable`] when they do not begin with a header, or are of another version.
    pub(crate) fn of(records: &[Record<'_>]) -> Result<Self, RunError> {
        let mut records = records.iter();
        let first = records.next().and_then(Entry::decode);
        let Some(Entry::Header(header)) = first else { return Err(RunError::Unreadable) };
        if header.layout > LAYOUT {
            return Err(RunError::Unreadable);
        }
        let mut ledger = Self::new(*header, StatusEntry::of(Status::Created));
        for record in records {
            ledger.apply(Entry::decode(record).ok_or(RunError::Unreadable)?);
        }
        Ok(ledger)
    }

    /// Take one more record.
    pub(crate) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Header(_) => {}
            Entry::Ask(ask) => self.asks.push(ask),
            Entry::Update(update) => self.updates.push(update),
            Entry::Inject(inject) => self.injections.push(inject),
            Entry::Status(status) => self.last = *status,
            Entry::Tell(tell) => {
                for told in tell.trials {
                    let Ok(place) = usize::try_from(told.id) else { continue };
                    if self.told.len() <= place {
                        self.told.resize(place + 1, None);
                    }
                    self.told[place] = Some(told);
                }
            }
        }
    }

    /// What it does.
    pub(crate) fn status(&self) -> Status {
        self.last.status
    }

    /// The budget after all updates.
    pub(crate) fn budget(&self) -> &BudgetArgs {
        self.updates.last().map_or(&self.header.spec.budget, |update| &update.budget)
    }

    /// The trial behind the last that was handed out.
    pub(crate) fn handed_out(&self) -> u64 {
        self.asks.iter().map(|ask| ask.first + ask.count).max().unwrap_or(0)
    }

    /// What was told of a trial.
    pub(crate) fn told(&self, id: u64) -> Option<&Told> {
        self.told.get(usize::try_from(id).ok()?)?.as_ref()
    }
}
