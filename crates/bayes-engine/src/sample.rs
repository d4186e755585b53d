//! Draws from one distribution.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::distribution::Distribution;
use crate::error::{Error, Result};
use crate::special::Mass;

/// Most draws at once.
pub const MAX_DRAWS: usize = 10_000;

/// `n` independent draws: the quantile function at uniform numbers of a `ChaCha8` stream, hence equal for
/// equal seeds on every machine.
pub fn sample(
    law: &Distribution,
    n: usize,
    seed: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<f64>> {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut draws = Vec::with_capacity(n);
    for _ in 0..n {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        // strictly within 0..1, and symmetric
        let uniform = ((stream.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
        draws.push(law.quantile(Mass::below(uniform)));
    }
    Ok(draws)
}
