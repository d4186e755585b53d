//! Random numbers of one individual in one generation.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::Seed;

/// Tells this crate's streams from any other use of the same seed.
const DOMAIN: [u8; 16] = *b"machina.darwin.1";

/// A `ChaCha8` stream keyed by (seed, generation, individual).
///
/// Streams are independent, so individuals can be made in any order on any thread.
#[derive(Debug)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    pub(crate) fn new(seed: Seed, generation: u64, individual: u64) -> Self {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = seed.get().to_le_bytes();
        let [g0, g1, g2, g3, g4, g5, g6, g7] = generation.to_le_bytes();
        let mut key = [0; 32];
        let (numbers, domain) = key.split_at_mut(16);
        numbers.copy_from_slice(&[s0, s1, s2, s3, s4, s5, s6, s7, g0, g1, g2, g3, g4, g5, g6, g7]);
        domain.copy_from_slice(&DOMAIN);
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(individual);
        Self(rng)
    }

    /// 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    #[inline]
    pub(crate) fn unit(&mut self) -> f64 {
        unit_from_bits(self.bits())
    }

    /// Uniform in `lo..hi`, or up to and with `hi` by rounding.
    #[inline]
    pub(crate) fn between(&mut self, lo: f64, hi: f64) -> f64 {
        let u = self.unit();
        (lo + u * (hi - lo)).clamp(lo, hi)
    }

    /// Uniform in `0..n` by multiplication; the bias is below n / 2^32.
    #[inline]
    pub(crate) fn index(&mut self, n: u32) -> usize {
        let product = u64::from(self.0.next_u32()) * u64::from(n);
        (product >> 32) as usize
    }

    /// True with probability `p`.
    #[inline]
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// The upper 53 bits as a number in [0, 1).
#[inline]
#[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
pub(crate) fn unit_from_bits(bits: u64) -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
    (bits >> 11) as f64 * SCALE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, generation: u64, individual: u64) -> u64 {
        Stream::new(Seed::new(seed).unwrap(), generation, individual).bits()
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let base = first(1, 2, 3);
        assert_eq!(base, first(1, 2, 3));
        assert!(
            [first(0, 2, 3), first(1, 0, 3), first(1, 2, 0), first(2, 1, 3)]
                .iter()
                .all(|other| *other != base)
        );
    }

    #[test]
    fn numbers_keep_their_ranges() {
        let mut stream = Stream::new(Seed::new(9).unwrap(), 0, 0);
        let mut seen = [0_u32; 7];
        let mut sum = 0.0;
        for _ in 0..14_000 {
            let u = stream.unit();
            assert!((0.0..1.0).contains(&u));
            assert!((-3.0..=-2.5).contains(&stream.between(-3.0, -2.5)));
            seen[stream.index(7)] += 1;
            sum += u;
        }
        assert!((sum / 14_000.0 - 0.5).abs() < 0.01, "mean {sum}");
        assert!(seen.iter().all(|count| (1800..2200).contains(count)), "{seen:?}");
    }

    #[test]
    fn certain_and_impossible_chances() {
        let mut stream = Stream::new(Seed::new(1).unwrap(), 0, 0);
        assert!((0..1000).all(|_| stream.chance(1.0) && !stream.chance(0.0)));
    }
}
