//! What several test programs share.

use darwin_engine::Outcome;

/// FNV-1a over every bit of an outcome.
pub(crate) fn digest(outcome: &Outcome) -> u64 {
    let best = outcome.best.iter().flat_map(|best| best.x.iter().chain([&best.f, &best.violation]));
    let front = outcome.front.iter().flat_map(|one| one.x.iter().chain(&one.values));
    let history = outcome
        .history
        .iter()
        .flat_map(|point| [point.generation, point.evals, point.f.map_or(u64::MAX, f64::to_bits)]);
    let counts = [outcome.evals, outcome.generations, outcome.non_finite_evals];
    best.chain(front)
        .map(|x| x.to_bits())
        .chain(history)
        .chain(counts)
        .flat_map(u64::to_le_bytes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
