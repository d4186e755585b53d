//! How far a log has been read, so that a later read goes on without loss or repetition.
//!
//! The engine copies a container's two streams side by side: their lines may lie in the log a
//! little out of order, while its `since` looks at each line's own time stamp. A position is
//! therefore not "the last time stamp" but a time a while before it, and how many of the lines
//! since then were read. All that read is a prefix of the log, so the count finds its end again.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::Position;
use crate::timestamp::Timestamp;

/// How far out of order lines may lie, in nanoseconds: one second.
const SLACK: i64 = 1_000_000_000;
/// Lines counted at most: a log that is faster than this per second gets less slack.
const MAX_COUNTED: usize = 1 << 17;

/// Counts the lines of one source.
#[derive(Debug)]
pub(crate) struct Tracker {
    resume: Position,
    /// Lines of the earlier reads that are still to be passed over.
    to_skip: u32,
    newest: Timestamp,
    base: Timestamp,
    /// Times of the lines read since `base`, oldest first.
    counted: BinaryHeap<Reverse<Timestamp>>,
}

impl Tracker {
    pub(crate) fn new(resume: Position) -> Self {
        Self {
            resume,
            to_skip: resume.ordinal,
            newest: Timestamp::default(),
            base: resume.at,
            counted: BinaryHeap::new(),
        }
    }

    /// Time of the newest line so far.
    pub(crate) fn newest(&self) -> Timestamp {
        self.newest
    }

    /// Count a line that has been read. Whether it is new.
    pub(crate) fn is_new(&mut self, at: Timestamp) -> bool {
        if at < self.resume.at {
            return false;
        }
        self.newest = self.newest.max(at);
        self.base = self.base.max(Timestamp(self.newest.0.saturating_sub(SLACK)));
        self.counted.push(Reverse(at));
        while let Some(Reverse(oldest)) = self.counted.peek().copied() {
            if self.counted.len() > MAX_COUNTED {
                self.base = self.base.max(Timestamp(oldest.0.saturating_add(1)));
            }
            if oldest >= self.base {
                break;
            }
            self.counted.pop();
        }
        let is_new = self.to_skip == 0;
        self.to_skip = self.to_skip.saturating_sub(1);
        is_new
    }

    /// Behind the last line counted.
    pub(crate) fn position(&self) -> Position {
        if self.to_skip > 0 || self.counted.is_empty() {
            return self.resume;
        }
        Position { at: self.base, ordinal: u32::try_from(self.counted.len()).unwrap_or(u32::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// What the engine sends for a position: each line that is not before it.
    fn sent(log: &[i64], position: Position) -> Vec<(usize, i64)> {
        log.iter().copied().enumerate().filter(|(_, at)| *at >= position.at.0).collect()
    }

    #[test]
    fn equal_times_are_told_apart_by_their_number() {
        let mut tracker = Tracker::new(Position::default());
        for at in [5, 5, 5] {
            assert!(tracker.is_new(Timestamp(at)));
        }
        let position = tracker.position();
        let mut next = Tracker::new(position);
        let new: Vec<bool> = [5, 5, 5, 5].map(|at| next.is_new(Timestamp(at))).into();
        assert_eq!(new, [false, false, false, true]);
    }

    #[test]
    fn nothing_read_is_where_it_began() {
        let resume = Position { at: Timestamp(9), ordinal: 2 };
        let mut tracker = Tracker::new(resume);
        assert_eq!(tracker.position(), resume);
        assert!(!tracker.is_new(Timestamp(9)));
        assert_eq!(tracker.position(), resume);
    }

    #[test]
    fn a_fast_log_is_counted_within_bounds() {
        let mut tracker = Tracker::new(Position::default());
        for at in 0..300_000 {
            assert!(tracker.is_new(Timestamp(at)));
        }
        assert!(tracker.counted.len() <= MAX_COUNTED);
        let mut next = Tracker::new(tracker.position());
        let new = (0..300_001).filter(|at| next.is_new(Timestamp(*at))).count();
        assert_eq!(new, 1);
    }

    proptest! {
        #[test]
        fn a_log_out_of_order_is_read_once_however_it_is_cut(
            steps in vec((0_i64..400_000_000, -900_000_000_i64..0), 0..40),
            sizes in vec(1_usize..6, 1..8),
        ) {
            // Time goes on; each line may be stamped up to 0.9 s early.
            let mut now = 2_000_000_000;
            let log: Vec<i64> = steps.iter().map(|(step, early)| { now += step; now + early }).collect();
            let mut position = Position::default();
            let mut seen = Vec::new();
            for size in sizes.iter().cycle().take(100) {
                let mut tracker = Tracker::new(position);
                let mut left = *size;
                for (index, at) in sent(&log, position) {
                    if left == 0 { break; }
                    if tracker.is_new(Timestamp(at)) {
                        seen.push(index);
                        left -= 1;
                    }
                }
                position = tracker.position();
            }
            prop_assert_eq!(seen, (0..log.len()).collect::<Vec<_>>());
        }
    }
}
