//! Where evaluations run.

use std::marker::PhantomData;

use crate::ga::Chunk;

/// Below this many coordinates per generation a pool is not used: waking threads costs more than it
/// gives.
#[cfg(feature = "rayon")]
pub const MIN_PARALLEL_GENES: usize = 16_384;

/// Where the chunks of a generation are made and evaluated: by default, on the calling thread.
///
/// It never influences a result.
#[derive(Debug, Clone, Copy, Default)]
pub struct Executor<'a> {
    #[cfg(feature = "rayon")]
    pool: Option<(&'a rayon::ThreadPool, usize)>,
    lifetime: PhantomData<&'a ()>,
}

impl<'a> Executor<'a> {
    /// On at most `threads` threads of a pool, when a generation is large enough to gain from it.
    #[cfg(feature = "rayon")]
    pub fn pool(pool: &'a rayon::ThreadPool, threads: usize) -> Self {
        Self { pool: (threads > 1).then_some((pool, threads)), lifetime: PhantomData }
    }

    /// Run `work` on every chunk, in any order.
    #[cfg(feature = "rayon")]
    pub(crate) fn for_each(&self, chunks: &mut [Chunk], work: impl Fn(&mut Chunk) + Sync) {
        use rayon::prelude::*;
        let genes: usize = chunks.iter().map(Chunk::genes).sum();
        match self.pool {
            Some((pool, threads)) if genes >= MIN_PARALLEL_GENES => {
                let share = chunks.len().div_ceil(threads);
                pool.install(|| {
                    chunks.par_chunks_mut(share).for_each(|part| part.iter_mut().for_each(&work));
                });
            }
            _ => chunks.iter_mut().for_each(work),
        }
    }

    /// Run `work` on every item with its number, in any order; items are large pieces of work.
    #[cfg(feature = "rayon")]
    pub(crate) fn for_items<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        use rayon::prelude::*;
        match self.pool {
            Some((pool, threads)) if items.len() > 1 => {
                let share = items.len().div_ceil(8 * threads);
                pool.install(|| {
                    items.par_iter_mut().with_min_len(share).enumerate().for_each(
                        |(number, item)| {
                            work(number, item);
                        },
                    );
                });
            }
            _ => items.iter_mut().enumerate().for_each(|(number, item)| work(number, item)),
        }
    }

    /// Run `work` on every item with its number.
    #[cfg(not(feature = "rayon"))]
    #[expect(clippy::unused_self, reason = "the same signature with and without threads")]
    pub(crate) fn for_items<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        items.iter_mut().enumerate().for_each(|(number, item)| work(number, item));
    }

    /// Run `work` on every chunk.
    #[cfg(not(feature = "rayon"))]
    #[expect(clippy::unused_self, reason = "the same signature with and without threads")]
    pub(crate) fn for_each(&self, chunks: &mut [Chunk], work: impl Fn(&mut Chunk) + Sync) {
        chunks.iter_mut().for_each(work);
    }
}
