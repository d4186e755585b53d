//! Univariate marginal distributions (Mühlenbein & Paaß 1996): each coordinate is drawn from what the
//! better part of the last generation has there. Words and short ranges of whole numbers have a
//! probability each, all else a normal distribution.

use crate::{
    Algorithm, Problem, Result, Seed,
    codec::{Reader, Writer},
    method::{Method, ranking},
    normal::standard_normal,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
    space::{Gene, Layout},
    stream::Stream,
};

const POPULATION: Integer = Integer { min: 10, max: 2000, default: 200 };
const SELECTED: Real = Real { min: 0.05, max: 0.9, default: Fallback::Fixed(0.3) };
/// Longer ranges of whole numbers are drawn as normal numbers.
const MOST_VALUES: usize = 64;
/// Smallest deviation, as a share of the range.
const LEAST: f64 = 1e-13;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "umda",
    title: "Univariate marginal distribution algorithm",
    summary: "Learns how often each value of each variable is among the better points, and draws from that",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Many booleans, categories and small whole numbers that act mostly by themselves; \
                    no operators to choose. Not where variables act together: ga, or cma_es for real ones",
    parameters: &[
        Parameter {
            name: "population",
            description: "points of a generation",
            kind: ParameterKind::Integer(POPULATION),
            only_with: None,
        },
        Parameter {
            name: "selected",
            description: "share of them that is learnt from",
            kind: ParameterKind::Real(SELECTED),
            only_with: None,
        },
    ],
    sources: &["Mühlenbein & Paaß (1996)", "Larrañaga & Lozano (2002)"],
    revision: 2,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct UmdaOptions {
    /// Points of a generation.
    pub population: Option<u32>,
    /// Share of them that is learnt from.
    pub selected: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct UmdaSettings {
    /// Points of a generation.
    pub population: u32,
    /// Share of them that is learnt from.
    pub selected: f64,
}

impl UmdaOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self) -> Result<UmdaSettings> {
        Ok(UmdaSettings {
            population: POPULATION.resolve("population", self.population)?,
            selected: SELECTED.resolve("selected", self.selected, 1)?,
        })
    }
}

/// Distributions in the unit cube.
#[derive(Debug)]
pub(crate) struct Umda {
    /// Values of each coordinate; 0 for one that is drawn as a normal number.
    values: Vec<usize>,
    settings: UmdaSettings,
    seed: Seed,
    generation: u64,
    /// One after the other: probabilities, or mean and deviation. Empty before the first generation.
    model: Vec<f64>,
}

impl Umda {
    pub(crate) fn new(problem: &Problem, settings: UmdaSettings, seed: Seed) -> Self {
        let layout = problem.space().and_then(Layout::of);
        let values = layout.map_or_else(
            || vec![0; problem.bounds().dimension()],
            |layout| layout.genes.iter().map(|gene| values_of(*gene)).collect(),
        );
        Self { values, settings, seed, generation: 0, model: Vec::new() }
    }

    fn width(values: usize) -> usize {
        if values == 0 { 2 } else { values }
    }

    /// A coordinate from its part of the model.
    fn draw(values: usize, part: &[f64], stream: &mut Stream) -> f64 {
        if values == 0 {
            return mirrored(part[0] + part[1] * standard_normal(stream));
        }
        let mut left = stream.unit();
        let place = part.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        middle(place.unwrap_or(values - 1), values)
    }

    /// A coordinate's part of the model, from the better points.
    ///
    /// A deviation is taken around the old mean: around the new one it would shrink by half while the
    /// mean moves by as much, and both would come to rest on a slope before they reach its end.
    #[expect(clippy::cast_precision_loss, reason = "populations are small")]
    fn learn(values: usize, chosen: &[f64], before: f64, model: &mut Vec<f64>) {
        let count = chosen.len() as f64;
        if values == 0 {
            let mean = chosen.iter().sum::<f64>() / count;
            let squares: f64 = chosen.iter().map(|x| (x - before) * (x - before)).sum();
            model.extend([mean, (squares / count).sqrt().max(LEAST)]);
            return;
        }
        // No value is lost for good: together they keep the weight of one point.
        let mut shares = vec![1.0 / values as f64; values];
        for x in chosen {
            shares[place(*x, values)] += 1.0;
        }
        model.extend(shares.into_iter().map(|share| share / (count + 1.0)));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be small and not negative"
)]
fn values_of(gene: Gene) -> usize {
    let count = match gene {
        Gene::Word { last } => last + 1.0,
        Gene::Whole { lo, hi, step } => libm::rint((hi - lo) / step) + 1.0,
        Gene::Real | Gene::Order(_) => 0.0,
    };
    let few = (0.0..=f64::from(u16::MAX)).contains(&count);
    let count = if few { count as usize } else { 0 };
    let is_word = matches!(gene, Gene::Word { .. });
    if count <= MOST_VALUES || is_word { count } else { 0 }
}

/// The middle of a value's part of 0..1.
#[expect(clippy::cast_precision_loss, reason = "values are few")]
fn middle(place: usize, values: usize) -> f64 {
    (place as f64 + 0.5) / values as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values are few, x is in 0..=1"
)]
fn place(x: f64, values: usize) -> usize {
    ((x * values as f64) as usize).min(values - 1)
}

fn mirrored(x: f64) -> f64 {
    let within = x - 2.0 * libm::floor(x / 2.0);
    if within > 1.0 { 2.0 - within } else { within }.clamp(0.0, 1.0)
}

impl Method for Umda {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        for individual in 0..u64::from(self.settings.population) {
            let mut stream = Stream::new(self.seed, self.generation, individual);
            let mut rest = &self.model[..];
            for values in &self.values {
                if self.model.is_empty() {
                    let x = stream.unit();
                    rows.push(if *values == 0 { x } else { middle(place(x, *values), *values) });
                } else {
                    let (part, after) = rest.split_at(Self::width(*values));
                    rows.push(Self::draw(*values, part, &mut stream));
                    rest = after;
                }
            }
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small number"
    )]
    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        let n = self.values.len();
        let mut best = ranking(costs);
        best.truncate(((costs.len() as f64 * self.settings.selected) as usize).max(2));
        let mut model = Vec::new();
        for (coordinate, values) in self.values.iter().enumerate() {
            let before = self.model.get(model.len()).copied().unwrap_or(0.5);
            let chosen: Vec<f64> = best.iter().map(|one| rows[one * n + coordinate]).collect();
            Self::learn(*values, &chosen, before, &mut model);
        }
        self.model = model;
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.reals(&self.model);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        self.model = reader.reals()?;
        let full: usize = self.values.iter().map(|values| Self::width(*values)).sum();
        reader.check(self.model.is_empty() || self.model.len() == full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_places() {
        for values in [2, 3, 10, 64] {
            assert!((0..values).all(|at| place(middle(at, values), values) == at));
        }
        assert_eq!((place(0.0, 3), place(1.0, 3)), (0, 2));
        let long = Gene::Whole { lo: 0.0, hi: 1e9, step: 1.0 };
        assert_eq!((values_of(long), values_of(Gene::Word { last: 99.0 })), (0, 100));
        assert!((mirrored(1.25) - 0.75).abs() < 1e-15 && (mirrored(-0.25) - 0.25).abs() < 1e-15);
    }
}
