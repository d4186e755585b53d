//! Mutation of a row in place, within the bounds.

use crate::{Bounds, math::Exponent, normal::standard_normal, stream::Stream};

/// How a gene changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mutation {
    /// Polynomial mutation, bounded form: Deb & Goyal (1996), Deb (2001) 4.3.
    Polynomial {
        /// Distribution index: larger means smaller steps.
        eta: f64,
    },
    /// A normal step, reflected at the bounds.
    Gaussian {
        /// Standard deviation as a share of the variable's range.
        sigma: f64,
    },
    /// A step that is Cauchy's, mostly small and now and then far, reflected at the bounds: Yao, Liu &
    /// Lin (1999).
    Cauchy {
        /// Half of the steps are smaller than this share of the variable's range.
        scale: f64,
    },
    /// Any value.
    Uniform,
}

impl Mutation {
    /// Change each gene with `probability`; with `must_change`, at least one if that is not 0.
    pub(crate) fn apply(
        self,
        stream: &mut Stream,
        bounds: &Bounds,
        probability: f64,
        row: &mut [f64],
        must_change: bool,
    ) {
        for_some_genes(stream, probability, row.len(), must_change, |stream, gene| {
            row[gene] = self.changed(stream, bounds, gene, row[gene]);
        });
    }

    /// Another value of a gene.
    pub(super) fn changed(self, stream: &mut Stream, bounds: &Bounds, gene: usize, x: f64) -> f64 {
        let (lo, hi) = (bounds.lo()[gene], bounds.hi()[gene]);
        match self {
            Self::Polynomial { eta } => polynomial(stream, Exponent::new(eta + 1.0), lo, hi, x),
            Self::Gaussian { sigma } => {
                reflected(lo, hi, x + sigma * (hi - lo) * standard_normal(stream))
            }
            Self::Cauchy { scale } => {
                let angle = std::f64::consts::PI * (stream.unit() - 0.5);
                reflected(lo, hi, x + scale * (hi - lo) * libm::tan(angle))
            }
            Self::Uniform => stream.between(lo, hi),
        }
    }
}

/// Call `act` for each gene with `probability`; with `must_change`, for at least one if that is
/// not 0.
#[inline]
pub(super) fn for_some_genes(
    stream: &mut Stream,
    probability: f64,
    genes: usize,
    must_change: bool,
    mut act: impl FnMut(&mut Stream, usize),
) {
    if probability <= 0.0 {
        return;
    }
    let rate = libm::log1p(-probability);
    let mut gene = gap(stream, rate);
    if must_change && gene >= genes {
        #[expect(clippy::cast_possible_truncation, reason = "dimensions are small")]
        let any = stream.index(genes as u32);
        act(stream, any);
    }
    while gene < genes {
        act(stream, gene);
        gene = gene.saturating_add(1).saturating_add(gap(stream, rate));
    }
}

/// Genes left alone before the next change: geometric, one draw instead of one per gene.
/// `rate` is ln(1 - probability).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and a saturated cast means: none in this row"
)]
fn gap(stream: &mut Stream, rate: f64) -> usize {
    if rate == f64::NEG_INFINITY {
        return 0;
    }
    (libm::log(1.0 - stream.unit()) / rate) as usize
}

fn polynomial(stream: &mut Stream, power: Exponent, lo: f64, hi: f64, x: f64) -> f64 {
    let range = hi - lo;
    let u = stream.unit();
    let step = if u < 0.5 {
        let far = power.raise(1.0 - (x - lo) / range);
        power.root(2.0 * u + (1.0 - 2.0 * u) * far) - 1.0
    } else {
        let far = power.raise(1.0 - (hi - x) / range);
        1.0 - power.root(2.0 * (1.0 - u) + (2.0 * u - 1.0) * far)
    };
    (x + step * range).clamp(lo, hi)
}

/// What went beyond a bound comes back from it, as far as there is room.
fn reflected(lo: f64, hi: f64, moved: f64) -> f64 {
    let back = if moved < lo {
        lo + (lo - moved)
    } else if moved > hi {
        hi - (moved - hi)
    } else {
        moved
    };
    back.clamp(lo, hi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const ALL: [Mutation; 4] = [
        Mutation::Polynomial { eta: 20.0 },
        Mutation::Gaussian { sigma: 0.1 },
        Mutation::Cauchy { scale: 0.05 },
        Mutation::Uniform,
    ];

    fn stream() -> Stream {
        Stream::new(Seed::new(21).unwrap(), 0, 0)
    }

    /// Whether a gene that was 0.25 has changed by as much as a bit.
    fn moved(gene: f64) -> bool {
        gene.to_bits() != 0.25_f64.to_bits()
    }

    #[test]
    fn stays_within_the_bounds_from_anywhere() {
        let bounds = Bounds::cube(1, -2.0, 3.0).unwrap();
        let mut stream = stream();
        for mutation in ALL.into_iter().chain([Mutation::Gaussian { sigma: 1.0 }]) {
            for x in [-2.0, -1.9, 0.5, 3.0] {
                for _ in 0..5000 {
                    let mut row = [x];
                    mutation.apply(&mut stream, &bounds, 1.0, &mut row, false);
                    assert!((-2.0..=3.0).contains(&row[0]), "{mutation:?} {x}");
                }
            }
        }
    }

    #[test]
    fn changes_the_asked_share_of_genes() {
        let bounds = Bounds::cube(40, -1.0, 1.0).unwrap();
        let mut stream = stream();
        for mutation in ALL {
            for probability in [0.0, 0.025, 0.1, 0.5, 1.0] {
                let mut changed = 0_u32;
                for _ in 0..2000 {
                    let mut row = [0.25; 40];
                    mutation.apply(&mut stream, &bounds, probability, &mut row, false);
                    changed += row.iter().map(|gene| u32::from(moved(*gene))).sum::<u32>();
                }
                let share = f64::from(changed) / 80_000.0;
                assert!((share - probability).abs() < 0.01, "{mutation:?} {probability}: {share}");
            }
        }
    }

    #[test]
    fn a_child_that_must_change_does() {
        let bounds = Bounds::cube(5, -1.0, 1.0).unwrap();
        let mut stream = stream();
        for _ in 0..2000 {
            let mut row = [0.25; 5];
            ALL[0].apply(&mut stream, &bounds, 0.01, &mut row, true);
            assert!(row.iter().any(|gene| moved(*gene)));
        }
        let mut row = [0.25; 5];
        ALL[0].apply(&mut stream, &bounds, 0.0, &mut row, true);
        assert!(!row.iter().any(|gene| moved(*gene)));
    }

    #[test]
    fn steps_have_the_size_of_their_law() {
        let bounds = Bounds::cube(1, -0.5, 0.5).unwrap();
        let mut stream = stream();
        // In the middle of the range the polynomial law has E|step| = 1 / (eta + 2).
        for (mutation, expected) in [
            (Mutation::Polynomial { eta: 20.0 }, 1.0 / 22.0),
            (Mutation::Gaussian { sigma: 0.05 }, 0.05 * 0.797_884_560_8),
            (Mutation::Uniform, 0.25),
        ] {
            let mut sum = 0.0;
            for _ in 0..100_000 {
                let mut row = [0.0];
                mutation.apply(&mut stream, &bounds, 1.0, &mut row, false);
                sum += row[0].abs();
            }
            let seen = sum / 100_000.0;
            assert!((seen / expected - 1.0).abs() < 0.02, "{mutation:?}: {seen} {expected}");
        }
        let far = |least: f64, stream: &mut Stream| {
            let mut steps = 0_u32;
            for _ in 0..100_000 {
                let mut row = [0.0];
                Mutation::Cauchy { scale: 0.05 }.apply(stream, &bounds, 1.0, &mut row, false);
                steps += u32::from(row[0].abs() > least);
            }
            f64::from(steps) / 100_000.0
        };
        // Half lie beyond the scale, one in eight beyond five of it, less what comes back to the middle.
        assert!((far(0.05, &mut stream) - 0.5).abs() < 0.01);
        assert!((far(0.25, &mut stream) - 0.1087).abs() < 0.01);
    }
}
