//! The state of a run between generations, replaced as a whole.

use std::{fs, io, path::Path};

use darwin_engine::journal::{RecordKind, encode, scan};
use mcp_core::{durable, prelude::*};

use crate::tools::found::HistoryPoint;

const FILE: &str = "checkpoint";
/// What a fork begins with: never replaced.
const ORIGIN: &str = "origin";

/// How far a run is, and the state of its algorithm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) seen: Seen,
    pub(crate) state: Vec<u8>,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) generation: u64,
    pub(crate) evals: u64,
    pub(crate) best_f: Option<f64>,
    /// Time it has computed, ms.
    pub(crate) active_ms: u64,
    pub(crate) history: Vec<HistoryPoint>,
    /// Injections that are in it.
    #[serde(default)]
    pub(crate) injections: usize,
}

impl Checkpoint {
    /// Put it on disk in place of the last one; `number` counts the journal's records by then.
    pub(crate) fn write(&self, dir: &Path, number: u64) -> io::Result<()> {
        self.write_as(dir, FILE, number)
    }

    /// Keep it as that which a fork begins with.
    pub(crate) fn write_origin(&self, dir: &Path) -> io::Result<()> {
        self.write_as(dir, ORIGIN, 0)
    }

    /// What a fork begins with. It cannot be computed anew.
    pub(crate) fn read_origin(dir: &Path) -> io::Result<Self> {
        let bytes = fs::read(dir.join(ORIGIN))?;
        Self::decode(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn write_as(&self, dir: &Path, file: &str, number: u64) -> io::Result<()> {
        let seen = serde_json::to_vec(&self.seen)?;
        let mut payload = Vec::with_capacity(8 + seen.len() + self.state.len());
        payload.extend_from_slice(&(seen.len() as u64).to_le_bytes());
        payload.extend_from_slice(&seen);
        payload.extend_from_slice(&self.state);
        durable::replace(&dir.join(file), &encode(RecordKind::Snapshot, number, &payload))
    }

    /// The last one; `None` when there is none, or it is not whole: then the run begins anew and
    /// comes to the same state.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let bytes = fs::read(dir.join(FILE)).ok()?;
        let read = Self::decode(&bytes);
        if read.is_none() {
            tracing::warn!("a checkpoint is damaged: its run is computed anew");
        }
        read
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let number = u64::from_le_bytes(*bytes.get(5..13)?.first_chunk()?);
        let found = scan(bytes, number).ok()?;
        let record = found.records.first().filter(|one| one.kind == RecordKind::Snapshot)?;
        let (length, rest) = record.payload.split_first_chunk::<8>()?;
        let (seen, state) =
            rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        Some(Self { seen: serde_json::from_slice(seen).ok()?, state: state.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_changed_bit_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Checkpoint::read(dir.path()), None);
        let seen = Seen { generation: 3, evals: 40, best_f: Some(0.1), ..Seen::default() };
        let checkpoint = Checkpoint { seen, state: vec![1, 2, 3] };
        checkpoint.write(dir.path(), 7).unwrap();
        assert_eq!(Checkpoint::read(dir.path()), Some(checkpoint));
        let bytes = fs::read(dir.path().join(FILE)).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 4;
            assert_eq!(Checkpoint::decode(&changed), None, "{place}");
            assert_eq!(Checkpoint::decode(&bytes[..place]), None, "{place}");
        }
    }
}
