//! What every engine counts, and how all of them evaluate.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{
    Cancelled, Executor, LANES, Result,
    codec::{Reader, Writer},
    ga::{Chunk, lay_out},
};

/// Generations and evaluations so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Generations completed after the initial sample.
    pub(crate) generation: u64,
    /// Evaluations.
    pub(crate) evals: u64,
    /// Evaluations whose value was not finite.
    pub(crate) non_finite: u64,
}

impl Tally {
    /// Number of the generation that comes next; 0 is the initial sample.
    pub(crate) fn next(&self) -> u64 {
        self.generation + u64::from(self.evals > 0)
    }

    /// Count a generation.
    pub(crate) fn add(&mut self, evals: u64, non_finite: u64) {
        self.generation = self.next();
        self.evals += evals;
        self.non_finite += non_finite;
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        for number in [self.generation, self.evals, self.non_finite] {
            writer.int(number);
        }
    }

    pub(crate) fn load(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { generation: reader.int()?, evals: reader.int()?, non_finite: reader.int()? })
    }
}

/// How many points of `wanted` the room leaves.
pub(crate) fn cut(wanted: usize, room: u64) -> usize {
    usize::try_from(room).map_or(wanted, |room| room.min(wanted))
}

/// Rows in chunks, as many as they take.
fn spread<'a>(chunks: &'a mut Vec<Chunk>, dimension: usize, rows: &[f64]) -> &'a mut [Chunk] {
    let count = rows.len() / dimension;
    let used = count.div_ceil(LANES);
    while chunks.len() < used {
        chunks.push(Chunk::new(dimension));
    }
    let chunks = &mut chunks[..used];
    lay_out(chunks, count);
    for (chunk, rows) in chunks.iter_mut().zip(rows.chunks(LANES * dimension)) {
        chunk.load(rows);
    }
    chunks
}

/// Work on every chunk; false, and not all of them worked on, when cancelled. Work may ask too: what
/// is told that it is cancelled need not end.
pub(crate) fn on_all(
    chunks: &mut [Chunk],
    executor: &Executor<'_>,
    cancelled: Cancelled<'_>,
    work: impl Fn(&mut Chunk, Cancelled<'_>) + Sync,
) -> bool {
    let interrupted = AtomicBool::new(false);
    let ask = || {
        let now = cancelled();
        if now {
            interrupted.store(true, Ordering::Relaxed);
        }
        now
    };
    executor.for_each(chunks, |chunk| {
        if !ask() {
            work(chunk, &ask);
        }
    });
    !interrupted.into_inner()
}

/// Rows in chunks, worked on, and how many of them have no finite value; none when cancelled.
pub(crate) fn evaluated<'a>(
    (chunks, dimension): (&'a mut Vec<Chunk>, usize),
    rows: &[f64],
    executor: &Executor<'_>,
    cancelled: Cancelled<'_>,
    work: impl Fn(&mut Chunk, Cancelled<'_>) + Sync,
) -> Option<(&'a [Chunk], u64)> {
    let chunks = spread(chunks, dimension, rows);
    on_all(chunks, executor, cancelled, work).then(|| {
        let bad = chunks.iter().map(Chunk::non_finite).sum();
        (&*chunks, bad)
    })
}

/// What was found for each point of chunks, in order; see [`Chunk::vector`].
pub(crate) fn vectors(chunks: &[Chunk]) -> impl Iterator<Item = Vec<f64>> {
    chunks.iter().flat_map(|chunk| (0..chunk.len()).map(|lane| chunk.vector(lane)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_sample_is_no_generation() {
        let mut tally = Tally::default();
        assert_eq!(tally.next(), 0);
        tally.add(10, 1);
        assert_eq!((tally.generation, tally.next()), (0, 1));
        tally.add(10, 0);
        assert_eq!(tally, Tally { generation: 1, evals: 20, non_finite: 1 });
    }

    #[test]
    fn work_that_is_told_to_stop_counts_as_cancelled() {
        let mut chunks = vec![Chunk::new(1), Chunk::new(1)];
        let asked = std::sync::atomic::AtomicU64::new(0);
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) == 2;
        let whole = on_all(&mut chunks, &Executor::default(), &cancelled, |_, stop| {
            stop();
        });
        // Before the first, within it, before the second.
        assert!(!whole && asked.into_inner() == 3);
    }

    #[test]
    fn rows_fill_chunks_from_the_front() {
        let mut chunks = Vec::new();
        let rows = vec![0.5; 70 * 2];
        assert_eq!(
            spread(&mut chunks, 2, &rows).iter().map(Chunk::len).collect::<Vec<_>>(),
            [64, 6]
        );
        assert_eq!(spread(&mut chunks, 2, &rows[..4]).len(), 1);
        assert_eq!((cut(5, 3), cut(5, u64::MAX)), (3, 5));
    }
}
