//! Points that fill the box without learning from it: at random, by Latin hypercubes (`McKay`, Beckman
//! & Conover 1979), or by Sobol's sequence with a random shift of its bits. For a first look, and
//! as a baseline.

mod sobol;

use crate::{
    Algorithm, Error, Result, Seed,
    codec::{Reader, Writer},
    method::Method,
    parameter::{Integer, Parameter, ParameterKind},
    stream::Stream,
};

const BLOCK: Integer = Integer { min: 1, max: 10_000, default: 64 };
/// Number of the stream that draws what all points share.
const SHARED: u64 = u64::MAX;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "design",
    title: "Space-filling design",
    summary: "Points spread over the box, without learning: Sobol, Latin hypercube, random",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "A first look at a problem, and a baseline for others; evaluations that all run at \
                    once. Sobol has up to 256 coordinates",
    parameters: &[
        Parameter {
            name: "sampling",
            description: "how points are spread; lhs spreads each block over every axis",
            kind: ParameterKind::Choice(Sampling::NAMES),
            only_with: None,
        },
        Parameter {
            name: "block",
            description: "points that are asked together",
            kind: ParameterKind::Integer(BLOCK),
            only_with: None,
        },
    ],
    sources: &["Joe & Kuo (2008)", "McKay, Beckman & Conover (1979)"],
    revision: 1,
};

/// How points are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sampling {
    /// Sobol's sequence, its bits shifted by the seed.
    #[default]
    Sobol,
    /// Latin hypercubes.
    Lhs,
    /// Uniformly at random.
    Random,
}

impl Sampling {
    /// Names on the wire, the default first.
    pub const NAMES: &'static [&'static str] = &["sobol", "lhs", "random"];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sobol => "sobol",
            Self::Lhs => "lhs",
            Self::Random => "random",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sobol, Self::Lhs, Self::Random].into_iter().find(|one| one.name() == name)
    }
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DesignOptions {
    /// How points are spread.
    pub sampling: Option<Sampling>,
    /// Points that are asked together.
    pub block: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesignSettings {
    /// How points are spread.
    pub sampling: Sampling,
    /// Points that are asked together.
    pub block: u32,
}

impl DesignOptions {
    /// Fill in the defaults for a number of variables, and check.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range, or for Sobol with more than 256
    /// coordinates; without a word for the sampling these take Latin hypercubes.
    pub fn resolve(self, dimension: usize) -> Result<DesignSettings> {
        let fits = dimension <= sobol::MAX_DIMENSION;
        let usual = if fits { Sampling::Sobol } else { Sampling::Lhs };
        let sampling = self.sampling.unwrap_or(usual);
        if sampling == Sampling::Sobol && !fits {
            let reason = format!("sobol is for at most {} coordinates", sobol::MAX_DIMENSION);
            return Err(Error::InvalidParameter { field: "sampling", reason });
        }
        Ok(DesignSettings { sampling, block: BLOCK.resolve("block", self.block)? })
    }
}

/// A design in the unit cube.
#[derive(Debug)]
pub(crate) struct Design {
    dimension: usize,
    settings: DesignSettings,
    seed: Seed,
    generation: u64,
}

impl Design {
    pub(crate) fn new(dimension: usize, settings: DesignSettings, seed: Seed) -> Self {
        Self { dimension, settings, seed, generation: 0 }
    }

    fn hypercube(&self, rows: &mut [f64]) {
        let (count, mut stream) =
            (self.settings.block, Stream::new(self.seed, self.generation, SHARED));
        for gene in 0..self.dimension {
            let mut cells: Vec<u32> = (0..count).collect();
            for left in (1..count).rev() {
                cells.swap(left as usize, stream.index(left + 1));
            }
            for (row, cell) in rows.chunks_exact_mut(self.dimension).zip(cells) {
                row[gene] = (f64::from(cell) + stream.unit()) / f64::from(count);
            }
        }
    }

    fn sobol(&self, rows: &mut [f64]) {
        let mut stream = Stream::new(self.seed, 0, SHARED);
        let shifts: Vec<u32> = (0..self.dimension).map(|_| (stream.bits() >> 32) as u32).collect();
        let first = self.generation.wrapping_mul(self.settings.block.into());
        for (number, row) in (0_u64..).zip(rows.chunks_exact_mut(self.dimension)) {
            // Longer than 2^32 points it begins again: no budget is that long.
            let point = (first.wrapping_add(number) & 0xffff_ffff) as u32;
            for ((gene, x), shift) in row.iter_mut().enumerate().zip(&shifts) {
                *x = sobol::coordinate(point, gene, *shift);
            }
        }
    }
}

impl Method for Design {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        rows.resize(self.settings.block as usize * self.dimension, 0.0);
        match self.settings.sampling {
            Sampling::Sobol => self.sobol(rows),
            Sampling::Lhs => self.hypercube(rows),
            Sampling::Random => {
                for (individual, row) in (0_u64..).zip(rows.chunks_exact_mut(self.dimension)) {
                    let mut stream = Stream::new(self.seed, self.generation, individual);
                    for x in row {
                        *x = stream.unit();
                    }
                }
            }
        }
    }

    fn tell(&mut self, _rows: &[f64], _costs: &[f64]) {
        self.generation += 1;
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(sampling: Sampling, block: u32) -> Vec<f64> {
        let options = DesignOptions { sampling: Some(sampling), block: Some(block) };
        let mut design = Design::new(5, options.resolve(5).unwrap(), Seed::new(8).unwrap());
        let mut rows = Vec::new();
        design.tell(&[], &[]);
        design.ask(&mut rows);
        rows
    }

    /// Warnock's formula for the squared L2 star discrepancy.
    fn discrepancy(rows: &[f64]) -> f64 {
        let points: Vec<&[f64]> = rows.chunks_exact(5).collect();
        let n = f64::from(u32::try_from(points.len()).unwrap());
        let single = points.iter().map(|x| x.iter().map(|x| (1.0 - x * x) / 2.0).product::<f64>());
        let pairs = points.iter().flat_map(|x| points.iter().map(move |y| (x, y)));
        let double =
            pairs.map(|(x, y)| x.iter().zip(*y).map(|(x, y)| 1.0 - x.max(*y)).product::<f64>());
        let third: f64 = (0..5).map(|_| 1.0 / 3.0).product();
        third - 2.0 / n * single.sum::<f64>() + double.sum::<f64>() / (n * n)
    }

    #[test]
    fn designs_fill_more_evenly_than_chance() {
        let [sobol, lhs, random] = [Sampling::Sobol, Sampling::Lhs, Sampling::Random]
            .map(|sampling| discrepancy(&block(sampling, 256)));
        assert!(sobol < 0.25 * random && lhs < 0.8 * random, "{sobol} {lhs} {random}");
    }

    #[test]
    fn a_hypercube_has_one_point_in_every_slice() {
        let rows = block(Sampling::Lhs, 50);
        for gene in 0..5 {
            let mut xs: Vec<f64> = rows.chunks_exact(5).map(|row| row[gene]).collect();
            xs.sort_by(f64::total_cmp);
            for (slice, x) in (0_u32..).zip(xs) {
                assert!((f64::from(slice) / 50.0..f64::from(slice + 1) / 50.0).contains(&x));
            }
        }
    }

    #[test]
    fn sobol_knows_its_bounds() {
        let sobol = DesignOptions { sampling: Some(Sampling::Sobol), block: None };
        assert!(sobol.resolve(257).is_err());
        assert_eq!(DesignOptions::default().resolve(257).unwrap().sampling, Sampling::Lhs);
    }
}
