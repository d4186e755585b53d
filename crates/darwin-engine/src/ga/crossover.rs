//! Crossover of two rows in place, within the bounds.

use crate::{Bounds, math::Exponent, stream::Stream};

/// How two parents become two children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crossover {
    /// Simulated binary crossover, bounded form: Deb & Agrawal (1995), as in the published
    /// NSGA-II program. Each gene is crossed with probability 1/2.
    Sbx {
        /// Distribution index: larger keeps children nearer to their parents.
        eta: f64,
    },
    /// Blend crossover BLX-alpha: Eshelman & Schaffer (1993).
    BlxAlpha {
        /// How far beyond the parents, as a share of their distance.
        alpha: f64,
    },
    /// One random weight for all genes: Michalewicz (1992).
    Arithmetic,
    /// Each gene is exchanged with probability 1/2: Syswerda (1989).
    Uniform,
}

impl Crossover {
    pub(crate) fn apply(
        self,
        stream: &mut Stream,
        bounds: &Bounds,
        first: &mut [f64],
        second: &mut [f64],
    ) {
        match self {
            Self::Sbx { eta } => sbx(stream, bounds, Exponent::new(eta + 1.0), first, second),
            Self::BlxAlpha { alpha } => blend(stream, bounds, alpha, first, second),
            Self::Arithmetic => arithmetic(stream, bounds, first, second),
            Self::Uniform => for_half_of_genes(stream, first.len(), |_, gene| {
                std::mem::swap(&mut first[gene], &mut second[gene]);
            }),
        }
    }
}

/// Call `act` for each gene with probability 1/2, 64 coins at a time.
#[inline]
pub(super) fn for_half_of_genes(
    stream: &mut Stream,
    genes: usize,
    mut act: impl FnMut(&mut Stream, usize),
) {
    for start in (0..genes).step_by(64) {
        let count = (genes - start).min(64);
        let mut coins = stream.bits() & (u64::MAX >> (64 - count));
        while coins != 0 {
            act(stream, start + coins.trailing_zeros() as usize);
            coins &= coins - 1;
        }
    }
}

fn sbx(
    stream: &mut Stream,
    bounds: &Bounds,
    power: Exponent,
    first: &mut [f64],
    second: &mut [f64],
) {
    for_half_of_genes(stream, first.len(), |stream, gene| {
        let (a, b) = (first[gene], second[gene]);
        let (low, high) = (a.min(b), a.max(b));
        let (sum, distance) = (low + high, high - low);
        if distance <= 0.0 {
            return;
        }
        let (lo, hi) = (bounds.lo()[gene], bounds.hi()[gene]);
        let (u, exchange) = unit_and_coin(stream);
        let cut = |room: f64| cut_mass(1.0 + 2.0 * room / distance, power);
        let (cut_low, cut_high) = (cut(low - lo), cut(hi - high));
        let spread_low = spread(u, cut_low, power);
        // Far from both bounds, where most crossings happen, the two are one and the same.
        let spread_high = if cut_high.to_bits() == cut_low.to_bits() {
            spread_low
        } else {
            spread(u, cut_high, power)
        };
        let below = (0.5 * (sum - spread_low * distance)).clamp(lo, hi);
        let above = (0.5 * (sum + spread_high * distance)).clamp(lo, hi);
        (first[gene], second[gene]) = if exchange { (above, below) } else { (below, above) };
    });
}

/// A uniform number and a coin from one draw: the number uses the upper 53 bits.
#[inline]
fn unit_and_coin(stream: &mut Stream) -> (f64, bool) {
    let bits = stream.bits();
    (crate::stream::unit_from_bits(bits), bits & 1 == 1)
}

/// Twice the probability that is left when the distribution of the spread factor is cut where the
/// child would leave the bounds; `reach` >= 1 is the factor that just arrives there.
#[inline]
fn cut_mass(reach: f64, power: Exponent) -> f64 {
    2.0 - 1.0 / power.raise(reach)
}

/// The spread factor at quantile `u` of the cut distribution.
#[inline]
fn spread(u: f64, mass: f64, power: Exponent) -> f64 {
    let scaled = u * mass;
    let base = if scaled <= 1.0 { scaled } else { 1.0 / (2.0 - scaled) };
    power.root(base)
}

fn blend(stream: &mut Stream, bounds: &Bounds, alpha: f64, first: &mut [f64], second: &mut [f64]) {
    let sides = bounds.lo().iter().zip(bounds.hi());
    for ((a, b), (lo, hi)) in first.iter_mut().zip(second).zip(sides) {
        let margin = alpha * (*a - *b).abs();
        let low = (a.min(*b) - margin).max(*lo);
        let high = (a.max(*b) + margin).min(*hi);
        *a = stream.between(low, high);
        *b = stream.between(low, high);
    }
}

fn arithmetic(stream: &mut Stream, bounds: &Bounds, first: &mut [f64], second: &mut [f64]) {
    let weight = stream.unit();
    let sides = bounds.lo().iter().zip(bounds.hi());
    for ((a, b), (lo, hi)) in first.iter_mut().zip(second).zip(sides) {
        let (x, y) = (*a, *b);
        // Rounding may step over a bound by one ulp.
        *a = (weight * x + (1.0 - weight) * y).clamp(*lo, *hi);
        *b = (weight * y + (1.0 - weight) * x).clamp(*lo, *hi);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const N: u32 = 40_000;

    fn children(crossover: Crossover, a: f64, b: f64) -> Vec<(f64, f64)> {
        let bounds = Bounds::cube(1, -1.0, 1.0).unwrap();
        let mut stream = Stream::new(Seed::new(5).unwrap(), 0, 0);
        (0..N)
            .map(|_| {
                let (mut first, mut second) = ([a], [b]);
                crossover.apply(&mut stream, &bounds, &mut first, &mut second);
                (first[0], second[0])
            })
            .collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        values.sum::<f64>() / f64::from(N)
    }

    #[test]
    fn all_keep_the_bounds_and_the_middle() {
        for crossover in [
            Crossover::Sbx { eta: 15.0 },
            Crossover::Sbx { eta: 0.5 },
            Crossover::BlxAlpha { alpha: 0.5 },
            Crossover::Arithmetic,
            Crossover::Uniform,
        ] {
            let pairs = children(crossover, -0.2, 0.4);
            assert!(pairs.iter().all(|(a, b)| a.abs() <= 1.0 && b.abs() <= 1.0));
            let middle = mean(pairs.iter().map(|(a, b)| (a + b) / 2.0));
            assert!((middle - 0.1).abs() < 0.01, "{crossover:?}: {middle}");
        }
    }

    #[test]
    fn sbx_spread_follows_its_distribution() {
        // Far from the bounds P(beta <= 1) = 1/2, and P(beta <= b) = b^(eta+1) / 2 below 1.
        let power = Exponent::new(3.0);
        let mut stream = Stream::new(Seed::new(8).unwrap(), 0, 0);
        let spreads: Vec<f64> =
            (0..N).map(|_| spread(stream.unit(), cut_mass(1e9, power), power)).collect();
        for (at, expected) in [(0.5, 0.0625), (0.8, 0.256), (1.0, 0.5), (2.0, 1.0 - 0.0625)] {
            let share = mean(spreads.iter().map(|beta| f64::from(u8::from(*beta <= at))));
            assert!((share - expected).abs() < 0.012, "{at}: {share}");
        }
    }

    #[test]
    fn sbx_at_a_bound_reaches_it_and_no_further() {
        let pairs = children(Crossover::Sbx { eta: 1.0 }, -1.0, -0.9);
        let least = pairs.iter().fold(f64::MAX, |least, (a, b)| least.min(*a).min(*b));
        assert!(least >= -1.0);
        let all = pairs.iter().map(|(a, b)| a.max(*b));
        assert!(all.fold(f64::MIN, f64::max) > -0.9);
    }

    #[test]
    fn blend_fills_its_interval_evenly() {
        let pairs = children(Crossover::BlxAlpha { alpha: 0.5 }, 0.0, 0.4);
        let (low, high) = pairs
            .iter()
            .fold((f64::MAX, f64::MIN), |(low, high), (a, _)| (low.min(*a), high.max(*a)));
        assert!((low + 0.2).abs() < 0.001 && (high - 0.6).abs() < 0.001, "{low} {high}");
        let square = mean(pairs.iter().map(|(a, _)| (a - 0.2) * (a - 0.2)));
        assert!((square - 0.64 / 12.0).abs() < 0.002, "{square}");
    }

    #[test]
    fn arithmetic_children_add_up_to_their_parents() {
        assert!(
            children(Crossover::Arithmetic, -0.3, 0.5)
                .iter()
                .all(|(a, b)| (a + b - 0.2).abs() < 1e-15 && (-0.3..=0.5).contains(a))
        );
    }

    #[test]
    fn uniform_exchanges_half_of_the_genes() {
        let bounds = Bounds::cube(100, -1.0, 1.0).unwrap();
        let mut stream = Stream::new(Seed::new(5).unwrap(), 0, 0);
        let mut exchanged = 0_usize;
        for _ in 0..1000 {
            let (mut first, mut second) = (vec![0.0; 100], vec![1.0; 100]);
            Crossover::Uniform.apply(&mut stream, &bounds, &mut first, &mut second);
            exchanged += first.iter().filter(|gene| **gene > 0.5).count();
        }
        assert!((49_000..51_000).contains(&exchanged), "{exchanged}");
    }
}
