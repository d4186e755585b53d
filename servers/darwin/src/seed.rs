//! Seeds for those who give none.

use darwin_engine::Seed;

use crate::Error;

/// A seed from the system's entropy.
pub(crate) fn draw() -> Result<Seed, Error> {
    getrandom::u64().map(Seed::from_entropy).map_err(|_| Error::NoEntropy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_seeds_differ() {
        assert_ne!(draw().unwrap(), draw().unwrap());
    }
}
