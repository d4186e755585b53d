//! Records that survive a crash, as bytes: what a run was told, in order.
//!
//! A record is its length, kind, sequence number, payload and a CRC-32 over all of these. Sequence
//! numbers count from 0 without gaps. [`scan`] reads a journal back: a last record that was cut off
//! by a crash is left out, as it was never acknowledged; damage anywhere else is an error, since
//! what came after it would be lost in silence. Files and syncing are the caller's.

use crate::{Error, Result};

/// Longest payload: what a length claims is not believed blindly.
pub const MAX_PAYLOAD: usize = 1 << 28;

/// Bytes before the payload: length, kind, sequence number.
const HEAD: usize = 4 + 1 + 8;
/// Bytes around a payload.
const FRAME: usize = HEAD + 4;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// What fixes the run; the first record.
    Header,
    /// Trials that were handed out.
    Ask,
    /// Values that were told.
    Tell,
    /// A change of the budget.
    Update,
    /// A change of what the run does.
    Status,
    /// State of the algorithm after all records up to this number.
    Snapshot,
    /// Points that were put in from elsewhere.
    Inject,
}

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is about.
    pub kind: RecordKind,
    /// Its place in the journal.
    pub sequence: u64,
    /// Its content.
    pub payload: &'a [u8],
}

/// A journal that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan<'a> {
    /// All whole records.
    pub records: Vec<Record<'a>>,
    /// Bytes that they take: whatever lies behind was cut off by a crash and is to be removed.
    pub whole: usize,
}

impl RecordKind {
    const ALL: [Self; 7] = [
        Self::Header,
        Self::Ask,
        Self::Tell,
        Self::Update,
        Self::Status,
        Self::Snapshot,
        Self::Inject,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Header => 1,
            Self::Ask => 2,
            Self::Tell => 3,
            Self::Update => 4,
            Self::Status => 5,
            Self::Snapshot => 6,
            Self::Inject => 7,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// The bytes of a record; the payload holds at most [`MAX_PAYLOAD`] bytes.
pub fn encode(kind: RecordKind, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + FRAME);
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.push(kind.code());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Read a journal that begins with record `first`.
///
/// # Errors
/// [`Error::DamagedJournal`] when a record that is not the last one is not as it was written.
pub fn scan(bytes: &[u8], first: u64) -> Result<Scan<'_>> {
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let expected = first + records.len() as u64;
        match read(rest).filter(|(record, _)| record.sequence == expected) {
            Some((record, length)) => {
                records.push(record);
                at += length;
            }
            // Cut off only if nothing that was written later stands behind it.
            None if is_followed(rest, expected) => {
                return Err(Error::DamagedJournal { offset: at as u64 });
            }
            None => break,
        }
    }
    Ok(Scan { records, whole: at })
}

/// The record at the start of the bytes, and its length, if it is whole.
fn read(bytes: &[u8]) -> Option<(Record<'_>, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (code, rest) = rest.split_first()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (payload, rest) = rest.split_at_checked(length.min(MAX_PAYLOAD + 1))?;
    let sum = rest.first_chunk::<4>()?;
    let body = bytes.get(..HEAD + payload.len())?;
    if length > MAX_PAYLOAD || crc32fast::hash(body).to_le_bytes() != *sum {
        return None;
    }
    let record = Record {
        kind: RecordKind::from_code(*code)?,
        sequence: u64::from_le_bytes(*sequence),
        payload,
    };
    Some((record, length + FRAME))
}

/// Whether a later record than `broken` stands anywhere behind the start. The numbers of records
/// that could follow are few, so that nearly every place is dismissed without a checksum.
fn is_followed(bytes: &[u8], broken: u64) -> bool {
    let most = (bytes.len() / FRAME) as u64;
    (1..bytes.len()).any(|at| {
        let Some(rest) = bytes.get(at..) else { return false };
        let number = rest.get(5..HEAD).and_then(|number| number.first_chunk::<8>());
        let follows = number.is_some_and(|number| {
            let number = u64::from_le_bytes(*number);
            number > broken && number - broken <= most
        });
        follows && read(rest).is_some()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn journal(payloads: &[Vec<u8>], first: u64) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for (number, payload) in payloads.iter().enumerate() {
            let kind = RecordKind::ALL[number % RecordKind::ALL.len()];
            bytes.extend(encode(kind, first + number as u64, payload));
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..12)
    }

    proptest! {
        #[test]
        fn a_cut_journal_keeps_every_whole_record(
            payloads in payloads(), first in 0_u64..1000, cut in any::<proptest::sample::Index>(),
        ) {
            let (bytes, ends) = journal(&payloads, first);
            let cut = cut.index(bytes.len() + 1);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            let scan = scan(&bytes[..cut], first).unwrap();
            prop_assert_eq!(scan.whole, ends[whole]);
            let seen: Vec<&[u8]> = scan.records.iter().map(|record| record.payload).collect();
            prop_assert_eq!(seen, payloads[..whole].iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn a_changed_bit_is_found_where_it_is(
            payloads in payloads(), place in any::<proptest::sample::Index>(), bit in 0_u8..8,
        ) {
            let (mut bytes, ends) = journal(&payloads, 0);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let record = ends.iter().filter(|end| **end <= place).count() - 1;
            match scan(&bytes, 0) {
                Ok(scan) => {
                    // The last record alone may be taken for cut off.
                    prop_assert_eq!(record, payloads.len() - 1);
                    prop_assert_eq!(scan.whole, ends[record]);
                }
                Err(Error::DamagedJournal { offset }) => {
                    prop_assert_eq!(usize::try_from(offset).unwrap(), ends[record]);
                }
                Err(other) => panic!("{other:?}"),
            }
        }

        #[test]
        fn leftovers_of_the_disk_are_cut_off(payloads in payloads(), zeros in 1_usize..4096) {
            let (mut bytes, ends) = journal(&payloads, 3);
            bytes.resize(bytes.len() + zeros, 0);
            let scan = scan(&bytes, 3).unwrap();
            prop_assert_eq!((scan.records.len(), scan.whole), (payloads.len(), ends[payloads.len()]));
        }
    }

    #[test]
    fn a_gap_in_the_numbers_is_damage() {
        let mut bytes = encode(RecordKind::Header, 0, b"a");
        bytes.extend(encode(RecordKind::Tell, 2, b"c"));
        bytes.extend(encode(RecordKind::Tell, 3, b"d"));
        assert_eq!(scan(&bytes, 0), Err(Error::DamagedJournal { offset: 18 }));
    }
}
