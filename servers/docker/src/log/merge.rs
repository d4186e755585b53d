//! Several sources as one list, by time.

use super::{Entry, Position, Query, collect::Collector};
use crate::timestamp::Timestamp;

/// What one source gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collected {
    pub(crate) entries: Vec<Entry>,
    /// Where the read began.
    pub(crate) resume: Position,
    pub(crate) scanned: Position,
    pub(crate) scanned_at: Timestamp,
    pub(crate) lines: u64,
    pub(crate) matched: u64,
    pub(crate) truncated: bool,
}

impl Collected {
    pub(crate) fn new(mut collector: Collector<'_>, resume: Position) -> Self {
        collector.trim();
        Self {
            resume,
            scanned: collector.scanned,
            scanned_at: collector.scanned_at,
            lines: collector.lines,
            matched: collector.matched,
            truncated: collector.truncated,
            entries: collector.kept.into(),
        }
    }
}

/// One list, and where each source goes on.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) entries: Vec<Entry>,
    pub(crate) positions: Vec<Position>,
    pub(crate) lines: u64,
    pub(crate) matched: u64,
    pub(crate) truncated: bool,
}

/// Merge by time; equal times keep the order of the sources. Reading forward, the oldest lines
/// that fit stay and each source goes on behind its last one; else the newest stay.
pub(crate) fn merge(sources: Vec<Collected>, query: &Query) -> Merged {
    let mut positions: Vec<Position> = sources.iter().map(|source| source.scanned).collect();
    let resumes: Vec<Position> = sources.iter().map(|source| source.resume).collect();
    let mut truncated = sources.iter().any(|source| source.truncated);
    let lines = sources.iter().map(|source| source.lines).sum();
    let matched = sources.iter().map(|source| source.matched).sum();
    // Behind the end of a source that stopped early the order is not known.
    let horizon =
        sources.iter().filter(|source| source.truncated).map(|source| source.scanned_at).min();
    let mut entries: Vec<Entry> = sources.into_iter().flat_map(|source| source.entries).collect();
    entries.sort_by_key(|entry| (entry.at, entry.source, entry.number));
    if query.newest.is_some() {
        let cut = entries.len() - fitting(entries.iter().rev(), query);
        entries.drain(..cut);
        truncated |= cut > 0;
    } else {
        let mut keep = fitting(entries.iter(), query);
        if let Some(horizon) = horizon {
            keep = keep.min(entries.partition_point(|entry| entry.at <= horizon));
        }
        for dropped in entries.drain(keep..).collect::<Vec<_>>() {
            truncated = true;
            positions[dropped.source] = resumes[dropped.source];
        }
        for entry in &entries {
            let position = &mut positions[entry.source];
            *position = (*position).max(entry.position);
        }
    }
    Merged { entries, positions, lines, matched, truncated }
}

/// How many of the first entries fit: one at least, or no page would end.
fn fitting<'a>(entries: impl Iterator<Item = &'a Entry>, query: &Query) -> usize {
    let mut spent = 0;
    entries
        .take_while(|entry| {
            let is_first = spent == 0;
            spent += query.cost(entry);
            is_first || spent <= query.max_bytes
        })
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::log::Channel;

    fn entry(source: usize, number: u64, at: i64) -> Entry {
        Entry {
            at: Timestamp(at),
            position: Position { at: Timestamp(at), ordinal: 1 },
            source,
            number,
            channel: Channel::Stdout,
            text: format!("{source}:{number}"),
            is_match: true,
        }
    }

    fn query(newest: Option<usize>, max_bytes: usize) -> Query {
        Query {
            pattern: None,
            invert: false,
            context: 0,
            channel: None,
            since: None,
            until: None,
            newest,
            max_bytes,
            overhead: 64,
        }
    }

    fn source(index: usize, times: &[i64], resume: Position) -> Collected {
        let entries: Vec<_> = (0..).zip(times).map(|(n, at)| entry(index, n, *at)).collect();
        let entries: Vec<_> = entries.into_iter().filter(|entry| entry.position > resume).collect();
        let scanned = entries.last().map_or(resume, |entry| entry.position);
        let scanned_at = scanned.at;
        Collected { entries, resume, scanned, scanned_at, ..Collected::default() }
    }

    #[test]
    fn sources_interleave_by_time() {
        let start = Position::default();
        let merged = merge(
            vec![source(0, &[1, 4], start), source(1, &[2, 3], start)],
            &query(Some(9), 9999),
        );
        let order: Vec<_> = merged.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(order, ["0:0", "1:0", "1:1", "0:1"]);
        assert!(!merged.truncated);
    }

    #[test]
    fn nothing_is_shown_behind_the_end_of_a_source_that_stopped_early() {
        let start = Position::default();
        let early = Collected { truncated: true, ..source(0, &[1, 5], start) };
        let merged = merge(vec![early, source(1, &[2, 9], start)], &query(None, 9999));
        assert_eq!(merged.entries.len(), 3);
        assert_eq!(merged.positions[1].at, Timestamp(2));
    }

    #[test]
    fn the_newest_survive_a_cut() {
        let merged = merge(
            vec![source(0, &[1, 3], Position::default()), source(1, &[2], Position::default())],
            &query(Some(9), 67),
        );
        assert_eq!(merged.entries[0].text, "0:1");
        assert!(merged.truncated);
    }

    proptest! {
        #[test]
        fn pages_read_forward_lose_and_repeat_nothing(
            times in vec(vec(1_i64..50, 0..12), 1..4),
            per_page in 1_usize..4,
        ) {
            let times: Vec<Vec<i64>> = times
                .into_iter()
                .map(|mut one| { one.sort_unstable(); one.dedup(); one })
                .collect();
            let query = query(None, per_page * 67 + 3 * per_page);
            let mut positions = vec![Position::default(); times.len()];
            let mut seen = Vec::new();
            for _page in 0..60 {
                let sources = times.iter().enumerate().map(|(n, one)| source(n, one, positions[n])).collect();
                let merged = merge(sources, &query);
                seen.extend(merged.entries.iter().map(|entry| (entry.at.0, entry.source)));
                positions = merged.positions;
                if !merged.truncated { break; }
            }
            let mut expected: Vec<_> = times
                .iter()
                .enumerate()
                .flat_map(|(n, one)| one.iter().map(move |at| (*at, n)))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
    }
}
