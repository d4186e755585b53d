//! What can be set: as a caller gives it, and checked.

use super::{
    Exchange, Operators, OrderCrossover, OrderMutation, SelectionKind, WholeMutation, crossover,
    mutation,
    table::{
        BLX_ALPHA, CROSSOVER_ETA, CROSSOVER_PROBABILITY, ELITES, EXCHANGE_POINTS, MUTATION_ETA,
        MUTATION_PROBABILITY, MUTATION_SIGMA, POPULATION, TOURNAMENT, TRUNCATION,
    },
};
pub use crossover::Crossover;
pub use mutation::Mutation;

use crate::{Error, Result};

/// Most coordinates in a population: 16 MB of genes.
pub const MAX_GENES: u64 = 2_000_000;

/// Settings as a caller gives them; what is absent takes its default.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GaOptions {
    /// Individuals.
    pub population: Option<u32>,
    /// How two parents become two children.
    pub crossover: Option<CrossoverKind>,
    /// Share of pairs that are crossed.
    pub crossover_probability: Option<f64>,
    /// Distribution index of [`Crossover::Sbx`].
    pub crossover_eta: Option<f64>,
    /// Reach of [`Crossover::BlxAlpha`].
    pub blx_alpha: Option<f64>,
    /// How a gene changes.
    pub mutation: Option<MutationKind>,
    /// Chance of each gene to change.
    pub mutation_probability: Option<f64>,
    /// Distribution index of [`Mutation::Polynomial`].
    pub mutation_eta: Option<f64>,
    /// Step of [`Mutation::Gaussian`].
    pub mutation_sigma: Option<f64>,
    /// Scale of [`Mutation::Cauchy`].
    pub mutation_scale: Option<f64>,
    /// How categories and booleans are exchanged.
    pub exchange: Option<ExchangeKind>,
    /// Places between which [`ExchangeKind::KPoint`] exchanges.
    pub exchange_points: Option<u32>,
    /// How a whole number changes.
    pub whole_mutation: Option<WholeMutation>,
    /// How two orders become two.
    pub order_crossover: Option<OrderCrossover>,
    /// How an order changes.
    pub order_mutation: Option<OrderMutation>,
    /// How parents are chosen.
    pub selection: Option<SelectionKind>,
    /// Individuals that compete to be a parent.
    pub tournament: Option<u32>,
    /// Share of the best that may be parents under [`SelectionKind::Truncation`].
    pub truncation: Option<f64>,
    /// Who lives on.
    pub replacement: Option<ReplacementKind>,
    /// Best parents that live on under [`Replacement::Generational`].
    pub elites: Option<u32>,
}

/// [`Crossover`] without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as the operators of the same name")]
pub enum CrossoverKind {
    #[default]
    Sbx,
    BlxAlpha,
    Arithmetic,
    Uniform,
}

/// [`Exchange`] by the names of its usual forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as the operators of the same name")]
pub enum ExchangeKind {
    #[default]
    Uniform,
    OnePoint,
    TwoPoint,
    KPoint,
}

/// Operators are chosen by these words; the first is the default.
macro_rules! names {
    ($kind:ident: $($variant:ident = $name:literal),+) => {
        impl $kind {
            /// Names on the wire, the default first.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }

            /// The one of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

names!(CrossoverKind: Sbx = "sbx", BlxAlpha = "blx_alpha", Arithmetic = "arithmetic", Uniform = "uniform");
names!(ExchangeKind: Uniform = "uniform", OnePoint = "one_point", TwoPoint = "two_point", KPoint = "k_point");
names!(WholeMutation: Power = "power", Reset = "reset");
names!(OrderCrossover: Ox = "ox", Pmx = "pmx", Cx = "cx", Erx = "erx");
names!(OrderMutation: Inversion = "inversion", Swap = "swap", Insert = "insert", Scramble = "scramble");
names!(SelectionKind: Tournament = "tournament", Rank = "rank", Roulette = "roulette", Sus = "sus", Truncation = "truncation");
names!(MutationKind: Polynomial = "polynomial", Gaussian = "gaussian", Cauchy = "cauchy", Uniform = "uniform");
names!(ReplacementKind: Plus = "plus", Generational = "generational");

/// [`Mutation`] without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as the operators of the same name")]
pub enum MutationKind {
    #[default]
    Polynomial,
    Gaussian,
    Cauchy,
    Uniform,
}

/// [`Replacement`] without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "as the schemes of the same name")]
pub enum ReplacementKind {
    #[default]
    Plus,
    Generational,
}

/// Who lives on after a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// The best of parents and children; of equals, the older.
    Plus,
    /// The children, and the best parents.
    Generational {
        /// How many parents.
        elites: u32,
    },
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GaSettings {
    /// Individuals.
    pub population: u32,
    /// How two parents become two children.
    pub crossover: Crossover,
    /// Share of pairs that are crossed.
    pub crossover_probability: f64,
    /// How a gene changes.
    pub mutation: Mutation,
    /// Chance of each gene to change.
    pub mutation_probability: f64,
    /// How categories and booleans are exchanged.
    pub exchange: Exchange,
    /// How a whole number changes.
    pub whole_mutation: WholeMutation,
    /// How two orders become two.
    pub order_crossover: OrderCrossover,
    /// How an order changes.
    pub order_mutation: OrderMutation,
    /// How parents are chosen.
    pub selection: SelectionKind,
    /// Individuals that compete to be a parent.
    pub tournament: u32,
    /// Share of the best that may be parents under [`SelectionKind::Truncation`].
    pub truncation: f64,
    /// Who lives on.
    pub replacement: Replacement,
}

impl GaOptions {
    /// Fill in the defaults for a number of variables, and check.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range, or for a number of an operator that is
    /// not chosen; [`Error::LimitExceeded`] above [`MAX_GENES`].
    pub fn resolve(self, dimension: usize) -> Result<GaSettings> {
        let population = POPULATION.resolve("population", self.population)?;
        if u64::from(population) * dimension as u64 > MAX_GENES {
            let reason =
                format!("x dimension must be at most {MAX_GENES}, not {population} x {dimension}");
            return Err(Error::LimitExceeded { field: "population", reason });
        }
        Ok(GaSettings {
            population,
            crossover: self.resolve_crossover(dimension)?,
            crossover_probability: CROSSOVER_PROBABILITY.resolve(
                "crossover_probability",
                self.crossover_probability,
                dimension,
            )?,
            mutation: self.resolve_mutation(dimension)?,
            mutation_probability: MUTATION_PROBABILITY.resolve(
                "mutation_probability",
                self.mutation_probability,
                dimension,
            )?,
            exchange: self.resolve_exchange()?,
            whole_mutation: self.whole_mutation.unwrap_or_default(),
            order_crossover: self.order_crossover.unwrap_or_default(),
            order_mutation: self.order_mutation.unwrap_or_default(),
            selection: self.resolve_selection()?,
            tournament: TOURNAMENT.resolve("tournament", self.tournament)?,
            truncation: TRUNCATION.resolve("truncation", self.truncation, dimension)?,
            replacement: self.resolve_replacement(population)?,
        })
    }

    fn resolve_crossover(self, dimension: usize) -> Result<Crossover> {
        let kind = self.crossover.unwrap_or_default();
        if kind != CrossoverKind::Sbx {
            refuse("crossover_eta", self.crossover_eta, "crossover sbx")?;
        }
        if kind != CrossoverKind::BlxAlpha {
            refuse("blx_alpha", self.blx_alpha, "crossover blx_alpha")?;
        }
        Ok(match kind {
            CrossoverKind::Sbx => Crossover::Sbx {
                eta: CROSSOVER_ETA.resolve("crossover_eta", self.crossover_eta, dimension)?,
            },
            CrossoverKind::BlxAlpha => Crossover::BlxAlpha {
                alpha: BLX_ALPHA.resolve("blx_alpha", self.blx_alpha, dimension)?,
            },
            CrossoverKind::Arithmetic => Crossover::Arithmetic,
            CrossoverKind::Uniform => Crossover::Uniform,
        })
    }

    fn resolve_mutation(self, dimension: usize) -> Result<Mutation> {
        let kind = self.mutation.unwrap_or_default();
        for (own, field, given, of) in [
            (MutationKind::Polynomial, "mutation_eta", self.mutation_eta, "mutation polynomial"),
            (MutationKind::Gaussian, "mutation_sigma", self.mutation_sigma, "mutation gaussian"),
            (MutationKind::Cauchy, "mutation_scale", self.mutation_scale, "mutation cauchy"),
        ] {
            if kind != own {
                refuse(field, given, of)?;
            }
        }
        Ok(match kind {
            MutationKind::Polynomial => {
                let eta = MUTATION_ETA.resolve("mutation_eta", self.mutation_eta, dimension)?;
                Mutation::Polynomial { eta }
            }
            MutationKind::Gaussian => {
                let sigma =
                    MUTATION_SIGMA.resolve("mutation_sigma", self.mutation_sigma, dimension)?;
                Mutation::Gaussian { sigma }
            }
            MutationKind::Cauchy => {
                let scale =
                    MUTATION_SIGMA.resolve("mutation_scale", self.mutation_scale, dimension)?;
                Mutation::Cauchy { scale }
            }
            MutationKind::Uniform => Mutation::Uniform,
        })
    }

    fn resolve_exchange(self) -> Result<Exchange> {
        let kind = self.exchange.unwrap_or_default();
        if kind != ExchangeKind::KPoint {
            refuse("exchange_points", self.exchange_points, "exchange k_point")?;
        }
        Ok(match kind {
            ExchangeKind::Uniform => Exchange::Uniform,
            ExchangeKind::OnePoint => Exchange::Points(1),
            ExchangeKind::TwoPoint => Exchange::Points(2),
            ExchangeKind::KPoint => {
                Exchange::Points(EXCHANGE_POINTS.resolve("exchange_points", self.exchange_points)?)
            }
        })
    }

    fn resolve_selection(self) -> Result<SelectionKind> {
        let kind = self.selection.unwrap_or_default();
        if kind != SelectionKind::Tournament {
            refuse("tournament", self.tournament, "selection tournament")?;
        }
        if kind != SelectionKind::Truncation {
            refuse("truncation", self.truncation, "selection truncation")?;
        }
        Ok(kind)
    }

    fn resolve_replacement(self, population: u32) -> Result<Replacement> {
        if self.replacement.unwrap_or_default() == ReplacementKind::Plus {
            refuse("elites", self.elites, "replacement generational")?;
            return Ok(Replacement::Plus);
        }
        let elites = ELITES.resolve("elites", self.elites)?;
        if elites >= population {
            let reason = format!("must be less than the population of {population}, not {elites}");
            return Err(Error::InvalidParameter { field: "elites", reason });
        }
        Ok(Replacement::Generational { elites })
    }
}

impl GaSettings {
    /// The operators of each kind of gene.
    pub(crate) fn operators(&self) -> Operators {
        Operators {
            crossover: self.crossover,
            mutation: self.mutation,
            exchange: self.exchange,
            whole: self.whole_mutation,
            order_crossover: self.order_crossover,
            order_mutation: self.order_mutation,
        }
    }
}

/// A number of an operator that is not chosen would be ignored in silence.
fn refuse<T: Copy>(field: &'static str, given: Option<T>, only_with: &str) -> Result<()> {
    if given.is_none() {
        return Ok(());
    }
    Err(Error::InvalidParameter { field, reason: format!("applies to {only_with} only") })
}

impl From<GaSettings> for GaOptions {
    /// The same settings with nothing left to a default.
    fn from(settings: GaSettings) -> Self {
        let mut options = Self {
            population: Some(settings.population),
            crossover_probability: Some(settings.crossover_probability),
            mutation_probability: Some(settings.mutation_probability),
            whole_mutation: Some(settings.whole_mutation),
            order_crossover: Some(settings.order_crossover),
            order_mutation: Some(settings.order_mutation),
            selection: Some(settings.selection),
            ..Self::default()
        };
        match settings.selection {
            SelectionKind::Tournament => options.tournament = Some(settings.tournament),
            SelectionKind::Truncation => options.truncation = Some(settings.truncation),
            _ => {}
        }
        options.exchange = Some(match settings.exchange {
            Exchange::Uniform => ExchangeKind::Uniform,
            Exchange::Points(1) => ExchangeKind::OnePoint,
            Exchange::Points(2) => ExchangeKind::TwoPoint,
            Exchange::Points(points) => {
                options.exchange_points = Some(points);
                ExchangeKind::KPoint
            }
        });
        options.crossover = Some(match settings.crossover {
            Crossover::Sbx { eta } => {
                options.crossover_eta = Some(eta);
                CrossoverKind::Sbx
            }
            Crossover::BlxAlpha { alpha } => {
                options.blx_alpha = Some(alpha);
                CrossoverKind::BlxAlpha
            }
            Crossover::Arithmetic => CrossoverKind::Arithmetic,
            Crossover::Uniform => CrossoverKind::Uniform,
        });
        options.mutation = Some(match settings.mutation {
            Mutation::Polynomial { eta } => {
                options.mutation_eta = Some(eta);
                MutationKind::Polynomial
            }
            Mutation::Gaussian { sigma } => {
                options.mutation_sigma = Some(sigma);
                MutationKind::Gaussian
            }
            Mutation::Cauchy { scale } => {
                options.mutation_scale = Some(scale);
                MutationKind::Cauchy
            }
            Mutation::Uniform => MutationKind::Uniform,
        });
        options.replacement = Some(match settings.replacement {
            Replacement::Plus => ReplacementKind::Plus,
            Replacement::Generational { elites } => {
                options.elites = Some(elites);
                ReplacementKind::Generational
            }
        });
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: GaOptions) -> String {
        options.resolve(20).unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_those_of_the_literature() {
        let settings = GaOptions::default().resolve(20).unwrap();
        assert_eq!(settings.population, 100);
        assert_eq!(settings.crossover, Crossover::Sbx { eta: 15.0 });
        assert_eq!(settings.mutation, Mutation::Polynomial { eta: 20.0 });
        assert!((settings.mutation_probability - 0.05).abs() < 1e-15);
        assert_eq!((settings.tournament, settings.replacement), (3, Replacement::Plus));
    }

    #[test]
    fn refusals_name_field_and_bound() {
        let base = GaOptions::default();
        assert_eq!(
            message(GaOptions { population: Some(3), ..base }),
            "population must be in 4..=10000, not 3"
        );
        assert_eq!(
            message(GaOptions { blx_alpha: Some(0.3), ..base }),
            "blx_alpha applies to crossover blx_alpha only"
        );
        let generational = GaOptions { replacement: Some(ReplacementKind::Generational), ..base };
        assert_eq!(
            message(GaOptions { population: Some(10), elites: Some(10), ..generational }),
            "elites must be less than the population of 10, not 10"
        );
        let large = GaOptions { population: Some(10_000), ..base }.resolve(1000);
        assert!(matches!(large, Err(Error::LimitExceeded { field: "population", .. })));
    }

    #[test]
    fn the_default_operators_are_listed_first() {
        assert_eq!(CrossoverKind::default().name(), CrossoverKind::NAMES[0]);
        assert_eq!(MutationKind::default().name(), MutationKind::NAMES[0]);
        assert_eq!(ReplacementKind::default().name(), ReplacementKind::NAMES[0]);
        assert_eq!(ExchangeKind::default().name(), ExchangeKind::NAMES[0]);
        assert_eq!(WholeMutation::default().name(), WholeMutation::NAMES[0]);
        assert_eq!(OrderCrossover::default().name(), OrderCrossover::NAMES[0]);
        assert_eq!(OrderMutation::default().name(), OrderMutation::NAMES[0]);
        assert_eq!(SelectionKind::default().name(), SelectionKind::NAMES[0]);
        assert_eq!(CrossoverKind::from_name("blx_alpha"), Some(CrossoverKind::BlxAlpha));
        assert_eq!(CrossoverKind::from_name("SBX"), None);
    }

    #[test]
    fn settings_survive_the_way_through_options() {
        for options in [
            GaOptions::default(),
            GaOptions {
                crossover: Some(CrossoverKind::BlxAlpha),
                mutation: Some(MutationKind::Gaussian),
                replacement: Some(ReplacementKind::Generational),
                ..GaOptions::default()
            },
            GaOptions { crossover: Some(CrossoverKind::Uniform), ..GaOptions::default() },
            GaOptions {
                exchange: Some(ExchangeKind::TwoPoint),
                selection: Some(SelectionKind::Truncation),
                truncation: Some(0.25),
                ..GaOptions::default()
            },
            GaOptions { selection: Some(SelectionKind::Sus), ..GaOptions::default() },
        ] {
            let settings = options.resolve(7).unwrap();
            assert_eq!(GaOptions::from(settings).resolve(900).unwrap(), settings);
        }
    }
}
