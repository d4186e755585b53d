//! Crossover and mutation of genes that are whole numbers or words.

use crate::{ga::crossover::for_half_of_genes, stream::Stream};

/// How two rows of words exchange them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exchange {
    /// Each with probability 1/2: Syswerda (1989).
    #[default]
    Uniform,
    /// Every second piece between so many random places: Holland (1975), De Jong (1975).
    Points(u32),
}

/// How a whole number changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WholeMutation {
    /// By a step of which every magnitude is equally likely, after Doerr, Le, Makhmara & Nguyen
    /// (2017).
    #[default]
    Power,
    /// To any other value.
    Reset,
}

impl Exchange {
    /// Exchange some of the genes of these numbers.
    pub(crate) fn apply(
        self,
        stream: &mut Stream,
        genes: &[usize],
        first: &mut [f64],
        second: &mut [f64],
    ) {
        match self {
            Self::Uniform => for_half_of_genes(stream, genes.len(), |_, place| {
                std::mem::swap(&mut first[genes[place]], &mut second[genes[place]]);
            }),
            Self::Points(points) => {
                let mut cuts: Vec<usize> =
                    (0..points).map(|_| index(stream, genes.len())).collect();
                cuts.push(genes.len());
                cuts.sort_unstable();
                for piece in cuts.chunks_exact(2) {
                    for gene in &genes[piece[0]..piece[1]] {
                        std::mem::swap(&mut first[*gene], &mut second[*gene]);
                    }
                }
            }
        }
    }
}

impl WholeMutation {
    /// Another of the values from `lo` to `hi`.
    pub(crate) fn apply(self, stream: &mut Stream, (lo, hi, step): (f64, f64, f64), x: f64) -> f64 {
        let last = libm::rint((hi - lo) / step);
        let place = libm::rint((x - lo) / step).clamp(0.0, last);
        if last < 1.0 {
            return x;
        }
        let moved = match self {
            Self::Reset => other(stream, place, last),
            Self::Power => {
                let length = libm::floor(libm::exp(stream.unit() * libm::log(last + 1.0)));
                let length = length.clamp(1.0, last);
                let sign = if stream.bits() & 1 == 1 { 1.0 } else { -1.0 };
                let ways = [place + sign * length, place - sign * length];
                let inside = ways.into_iter().find(|way| (0.0..=last).contains(way));
                inside.unwrap_or_else(|| other(stream, place, last))
            }
        };
        (lo + moved * step).clamp(lo, hi)
    }
}

/// Any of 0 to `last` but `place`.
pub(crate) fn other(stream: &mut Stream, place: f64, last: f64) -> f64 {
    let drawn = libm::floor(stream.unit() * last).min(last - 1.0);
    if drawn >= place { drawn + 1.0 } else { drawn }
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    fn stream() -> Stream {
        Stream::new(Seed::new(17).unwrap(), 0, 0)
    }

    #[test]
    fn exchanging_keeps_every_gene_in_its_place() {
        let mut stream = stream();
        let genes: Vec<usize> = (0..20).filter(|gene| gene % 3 != 0).collect();
        for exchange in
            [Exchange::Uniform, Exchange::Points(1), Exchange::Points(2), Exchange::Points(5)]
        {
            let mut exchanged = 0_u32;
            for _ in 0..2000 {
                let (mut first, mut second) = ([0.0; 20], [1.0; 20]);
                exchange.apply(&mut stream, &genes, &mut first, &mut second);
                for (gene, (a, b)) in first.iter().zip(&second).enumerate() {
                    assert!((a + b - 1.0).abs() < f64::EPSILON);
                    assert!(genes.contains(&gene) || *a < 0.5);
                    exchanged += u32::from(*a > 0.5);
                }
            }
            let share = f64::from(exchanged) / 2000.0 / 13.0;
            assert!((0.3..0.7).contains(&share), "{exchange:?}: {share}");
        }
    }

    #[test]
    fn pieces_are_whole() {
        let mut stream = stream();
        let genes: Vec<usize> = (0..30).collect();
        for points in [1, 2, 3] {
            for _ in 0..500 {
                let (mut first, mut second) = ([0.0; 30], [1.0; 30]);
                Exchange::Points(points).apply(&mut stream, &genes, &mut first, &mut second);
                let changes = first.windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 0.5);
                assert!(changes.count() <= points as usize);
            }
        }
    }

    #[test]
    fn whole_numbers_change_to_others_on_their_grid_and_reach_all() {
        let mut stream = stream();
        for mutation in [WholeMutation::Power, WholeMutation::Reset] {
            for (lo, hi, step) in [(0.0, 1.0, 1.0), (-3.0, 4.0, 1.0), (1.0, 2.5, 0.5)] {
                let last = libm::rint((hi - lo) / step);
                let mut x = lo;
                let mut seen = std::collections::BTreeSet::new();
                for _ in 0..3000 {
                    let next = mutation.apply(&mut stream, (lo, hi, step), x);
                    assert!((lo..=hi).contains(&next) && (next - x).abs() > 0.4 * step);
                    let place = (next - lo) / step;
                    assert!((place - libm::rint(place)).abs() < 1e-9);
                    seen.insert(next.to_bits());
                    x = next;
                }
                let all = (0..=100_u32).filter(|k| f64::from(*k) <= last).count();
                assert_eq!(seen.len(), all);
            }
        }
    }
}
