//! Standard normal numbers by the ziggurat method.

use std::sync::LazyLock;

use crate::stream::{Stream, unit_from_bits};

/// Layers of equal area; constants from Doornik (2005), "An improved ziggurat method to generate
/// normal random samples" (ZIGNOR).
const LAYERS: usize = 128;
/// Start of the tail.
const TAIL: f64 = 3.442_619_855_899;
/// Area of one layer.
const AREA: f64 = 9.912_563_035_262_17e-3;

static ZIGGURAT: LazyLock<Ziggurat> = LazyLock::new(Ziggurat::new);

struct Ziggurat {
    /// Right edge of each layer, from the base (a virtual one, wider than the tail's start) up.
    edge: [f64; LAYERS + 1],
    /// Density at each edge, without its factor.
    density: [f64; LAYERS + 1],
    /// Share of a layer's width that lies wholly under the curve.
    inner: [f64; LAYERS],
}

impl Ziggurat {
    fn new() -> Self {
        let mut edge = [0.0; LAYERS + 1];
        let mut below = density(TAIL);
        edge[0] = AREA / below;
        edge[1] = TAIL;
        for layer in 2..LAYERS {
            edge[layer] = libm::sqrt(-2.0 * libm::log(AREA / edge[layer - 1] + below));
            below = density(edge[layer]);
        }
        let inner = std::array::from_fn(|layer| edge[layer + 1] / edge[layer]);
        Self { edge, density: edge.map(density), inner }
    }
}

fn density(x: f64) -> f64 {
    libm::exp(-0.5 * x * x)
}

/// A standard normal number.
pub(crate) fn standard_normal(stream: &mut Stream) -> f64 {
    let table = &*ZIGGURAT;
    loop {
        let bits = stream.bits();
        let layer = usize::from(bits.to_le_bytes()[0]) % LAYERS;
        let u = 2.0 * unit_from_bits(bits) - 1.0;
        let x = u * table.edge[layer];
        if u.abs() < table.inner[layer] {
            return x;
        }
        if layer == 0 {
            return tail(stream, u < 0.0);
        }
        let (low, high) = (table.density[layer], table.density[layer + 1]);
        if low + stream.unit() * (high - low) < density(x) {
            return x;
        }
    }
}

/// Beyond [`TAIL`], by Marsaglia (1964).
fn tail(stream: &mut Stream, negative: bool) -> f64 {
    loop {
        // 1 - u keeps the argument of the logarithm above zero.
        let x = libm::log(1.0 - stream.unit()) / TAIL;
        let y = libm::log(1.0 - stream.unit());
        if -2.0 * y >= x * x {
            return if negative { x - TAIL } else { TAIL - x };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn sample(n: u32) -> Vec<f64> {
        let mut stream = Stream::new(Seed::new(11).unwrap(), 0, 0);
        (0..n).map(|_| standard_normal(&mut stream)).collect()
    }

    #[test]
    fn layers_close_at_the_mode() {
        let table = Ziggurat::new();
        let top = table.edge[LAYERS - 1];
        assert!((top * (1.0 - density(top)) - AREA).abs() < 1e-9, "{top}");
        assert!(table.edge.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn moments_are_those_of_the_normal() {
        let n = 400_000;
        let xs = sample(n);
        let moment = |power: u32| {
            xs.iter().map(|x| crate::math::power_chain(*x, power)).sum::<f64>() / f64::from(n)
        };
        assert!(moment(1).abs() < 0.006, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.01, "{}", moment(2));
        assert!(moment(3).abs() < 0.03, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.06, "{}", moment(4));
    }

    #[test]
    fn shares_follow_the_distribution_function() {
        let n = 400_000;
        let xs = sample(n);
        for at in [-3.6, -2.0, -0.5, 0.0, 0.7, 1.96, 3.5] {
            let expected = 0.5 * libm::erfc(-at / std::f64::consts::SQRT_2);
            let below = xs.iter().filter(|x| **x <= at).count();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let share = below as f64 / f64::from(n);
            let slack = 4.5 * libm::sqrt(expected * (1.0 - expected) / f64::from(n));
            assert!((share - expected).abs() < slack, "{at}: {share} {expected}");
        }
    }
}
