//! Evolution strategies: (1+1) with the 1/5 success rule (Rechenberg 1973), and (mu, lambda) whose
//! individuals carry a step size for each variable (Schwefel 1981; Beyer & Schwefel 2002).

use crate::{
    Algorithm, Result, Seed,
    codec::{Reader, Writer},
    method::{Method, ranking},
    normal::standard_normal,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
    stream::Stream,
};

const POPULATION: Integer = Integer { min: 4, max: 10_000, default: 100 };
const PARENTS: Integer = Integer { min: 1, max: 5000, default: 15 };
const SIGMA: Real = Real { min: 1e-6, max: 1.0, default: Fallback::Fixed(0.2) };
/// Smallest step, as a share of the range.
const LEAST: f64 = 1e-15;

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "es",
    title: "Evolution strategy",
    summary: "Normal steps whose sizes are learnt: self-adaptive (mu, lambda), or (1+1)",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "self_adaptive: separable and noisy functions of real variables; one_plus_one: \
                    smooth ones with one minimum, and small budgets. CMA-ES learns more",
    parameters: &[
        Parameter {
            name: "scheme",
            description: "which strategy",
            kind: ParameterKind::Choice(Scheme::NAMES),
            only_with: None,
        },
        Parameter {
            name: "population",
            description: "children of a generation",
            kind: ParameterKind::Integer(POPULATION),
            only_with: Some(("scheme", "self_adaptive")),
        },
        Parameter {
            name: "parents",
            description: "best children that are recombined; at most half of them",
            kind: ParameterKind::Integer(PARENTS),
            only_with: Some(("scheme", "self_adaptive")),
        },
        Parameter {
            name: "sigma",
            description: "First step, as a share of each range",
            kind: ParameterKind::Real(SIGMA),
            only_with: None,
        },
    ],
    sources: &["Rechenberg (1973)", "Beyer & Schwefel (2002)"],
    revision: 1,
};

/// Which strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Children of the best children, each with its own step sizes.
    #[default]
    SelfAdaptive,
    /// One child of one parent.
    OnePlusOne,
}

impl Scheme {
    /// Names on the wire, the default first.
    pub const NAMES: &'static [&'static str] = &["self_adaptive", "one_plus_one"];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfAdaptive => "self_adaptive",
            Self::OnePlusOne => "one_plus_one",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SelfAdaptive, Self::OnePlusOne].into_iter().find(|one| one.name() == name)
    }
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EsOptions {
    /// Which strategy.
    pub scheme: Option<Scheme>,
    /// Children of a generation.
    pub population: Option<u32>,
    /// Best children that are recombined.
    pub parents: Option<u32>,
    /// First step, as a share of each range.
    pub sigma: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EsSettings {
    /// Which strategy.
    pub scheme: Scheme,
    /// Children of a generation.
    pub population: u32,
    /// Best children that are recombined.
    pub parents: u32,
    /// First step, as a share of each range.
    pub sigma: f64,
}

impl EsOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range, with more parents than half of the
    /// children, or for a number of the other scheme.
    pub fn resolve(self) -> Result<EsSettings> {
        let invalid = |field, reason: String| crate::Error::InvalidParameter { field, reason };
        let scheme = self.scheme.unwrap_or_default();
        if scheme == Scheme::OnePlusOne {
            for (field, given) in [("population", self.population), ("parents", self.parents)] {
                if given.is_some() {
                    return Err(invalid(field, "applies to scheme self_adaptive only".to_owned()));
                }
            }
        }
        let population = POPULATION.resolve("population", self.population)?;
        let usual = PARENTS.default.min(population / 2);
        let parents = PARENTS.resolve("parents", Some(self.parents.unwrap_or(usual)))?;
        if parents > population / 2 {
            let reason = format!("must be at most half of the population of {population}");
            return Err(invalid("parents", reason));
        }
        let sigma = SIGMA.resolve("sigma", self.sigma, 1)?;
        Ok(EsSettings { scheme, population, parents, sigma })
    }
}

impl From<EsSettings> for EsOptions {
    fn from(settings: EsSettings) -> Self {
        let adaptive = settings.scheme == Scheme::SelfAdaptive;
        Self {
            scheme: Some(settings.scheme),
            population: adaptive.then_some(settings.population),
            parents: adaptive.then_some(settings.parents),
            sigma: Some(settings.sigma),
        }
    }
}

/// A strategy in the unit cube.
#[derive(Debug)]
pub(crate) struct Es {
    dimension: usize,
    settings: EsSettings,
    seed: Seed,
    generation: u64,
    /// Parents, best first, and their step sizes.
    rows: Vec<f64>,
    sigmas: Vec<f64>,
    /// Cost of the one parent of (1+1).
    cost: f64,
    /// Step sizes of the children that are asked, remade at will.
    next: Vec<f64>,
}

impl Es {
    pub(crate) fn new(dimension: usize, settings: EsSettings, seed: Seed) -> Self {
        let cost = f64::INFINITY;
        let (rows, sigmas, next) = (Vec::new(), Vec::new(), Vec::new());
        Self { dimension, settings, seed, generation: 0, rows, sigmas, cost, next }
    }

    fn children(&self) -> usize {
        match self.settings.scheme {
            Scheme::SelfAdaptive => self.settings.population as usize,
            Scheme::OnePlusOne => 1,
        }
    }

    /// Variables of one of two parents each, step sizes of both, then a step.
    #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
    fn child(&mut self, stream: &mut Stream, rows: &mut Vec<f64>) {
        let n = self.dimension;
        let count = u32::try_from(self.rows.len() / n).unwrap_or(u32::MAX);
        let [a, b] = [0, 1].map(|_| stream.index(count) * n);
        let common = standard_normal(stream) / libm::sqrt(2.0 * n as f64);
        let own = 1.0 / libm::sqrt(2.0 * libm::sqrt(n as f64));
        for j in 0..n {
            let x = if stream.chance(0.5) { self.rows[a + j] } else { self.rows[b + j] };
            let sigma = f64::midpoint(self.sigmas[a + j], self.sigmas[b + j]);
            let factor = libm::exp(common + own * standard_normal(stream));
            let sigma = (sigma * factor).clamp(LEAST, 1.0);
            rows.push(folded(x + sigma * standard_normal(stream)));
            self.next.push(sigma);
        }
    }
}

/// Mirrored at the walls.
fn folded(x: f64) -> f64 {
    let within = x - 2.0 * libm::floor(x / 2.0);
    if within > 1.0 { 2.0 - within } else { within }.clamp(0.0, 1.0)
}

impl Method for Es {
    fn ask(&mut self, rows: &mut Vec<f64>) {
        rows.clear();
        self.next.clear();
        for individual in 0..self.children() as u64 {
            let mut stream = Stream::new(self.seed, self.generation, individual);
            if self.rows.is_empty() {
                rows.extend((0..self.dimension).map(|_| stream.unit()));
                self.next.extend((0..self.dimension).map(|_| self.settings.sigma));
            } else if self.settings.scheme == Scheme::OnePlusOne {
                let sigma = self.sigmas[0];
                rows.extend(
                    self.rows.iter().map(|x| folded(x + sigma * standard_normal(&mut stream))),
                );
            } else {
                self.child(&mut stream, rows);
            }
        }
    }

    fn tell(&mut self, rows: &[f64], costs: &[f64]) {
        self.generation += 1;
        let n = self.dimension;
        if self.settings.scheme == Scheme::SelfAdaptive {
            let mut best = ranking(costs);
            best.truncate(self.settings.parents as usize);
            let of =
                |list: &[f64]| best.iter().flat_map(|one| list[one * n..][..n].to_vec()).collect();
            (self.rows, self.sigmas) = (of(rows), of(&self.next));
            return;
        }
        let cost = costs.first().copied().unwrap_or(f64::INFINITY);
        if self.rows.is_empty() {
            self.sigmas = vec![self.settings.sigma];
        } else {
            // In balance when one of five steps succeeds.
            #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
            let speed = 1.0 / libm::sqrt(n as f64 + 1.0);
            let factor = if cost <= self.cost { 0.8 } else { -0.2 };
            self.sigmas[0] = (self.sigmas[0] * libm::exp(factor * speed)).clamp(LEAST, 1.0);
        }
        if self.rows.is_empty() || cost <= self.cost {
            self.rows = rows.to_vec();
            self.cost = cost;
        }
    }

    /// Of the strategies only (1+1) compares with what it had.
    fn held(&mut self, visit: &mut dyn FnMut(&[f64], &mut f64)) {
        if self.settings.scheme == Scheme::OnePlusOne && !self.rows.is_empty() {
            visit(&self.rows, &mut self.cost);
        }
    }

    fn admit(&mut self, row: &[f64], cost: f64) -> bool {
        let alone = self.settings.scheme == Scheme::OnePlusOne && !self.rows.is_empty();
        if alone && cost < self.cost {
            self.rows.copy_from_slice(row);
            self.cost = cost;
            return true;
        }
        false
    }

    fn save(&self, writer: &mut Writer) {
        writer.int(self.generation);
        writer.real(self.cost);
        writer.reals(&self.rows);
        writer.reals(&self.sigmas);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.generation = reader.int()?;
        self.cost = reader.real()?;
        (self.rows, self.sigmas) = (reader.reals()?, reader.reals()?);
        let (rows, sigmas) = match self.settings.scheme {
            Scheme::OnePlusOne => (self.dimension, 1),
            Scheme::SelfAdaptive => {
                let full = self.settings.parents as usize * self.dimension;
                (full, full)
            }
        };
        let begun = self.rows.len() == rows && self.sigmas.len() == sigmas;
        reader.check(begun || self.rows.is_empty() && self.sigmas.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_mirrored_into_the_cube() {
        for (x, expected) in [(0.25, 0.25), (-0.25, 0.25), (1.25, 0.75), (2.5, 0.5), (-3.0, 1.0)] {
            assert!((folded(x) - expected).abs() < 1e-15, "{x}");
        }
    }
}
