//! The families by name, with Stan's names and parameters where Stan has them.

use super::law::{Count, Standard};
use super::numeric::VonMises;
use super::{bounded, count, positive, real};
use crate::error::{self, Error, ErrorKind, Result};
use crate::special::Unit;

/// What a parameter is, hence what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Any finite number, in the unit of the variable.
    Location,
    /// Positive, in the unit of the variable.
    Scale,
    /// Positive, in its inverse.
    Rate,
    /// Positive, without unit, within [`SHAPE_RANGE`](crate::SHAPE_RANGE).
    Shape,
    /// Any finite number without unit.
    Real,
    /// Strictly between 0 and 1.
    Unit,
    /// A whole number from 0 up.
    Count,
    /// A finite number at which the support ends: data cannot teach it smoothly.
    Edge,
}

/// A distribution with its parameters filled in.
#[derive(Debug)]
pub(super) enum Law {
    /// `location + scale * standard`.
    Continuous { location: f64, scale: f64, standard: Box<dyn Standard> },
    /// Of whole numbers.
    Count(Box<dyn Count>),
}

/// A named family.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its parameters in their order.
    pub parameters: &'static [(&'static str, Role)],
    /// Whether it is of whole numbers.
    pub is_discrete: bool,
    pub(super) build: fn(&[f64]) -> Result<Law>,
}

impl Family {
    /// The family of that name.
    pub fn named(name: &str) -> Result<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name).ok_or_else(|| {
            let known: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
            Error::new(ErrorKind::Constraint, "/dist", "this distribution is not known")
                .with_hint(format!("give one of {}", known.join(", ")))
        })
    }

    /// Checks each value by its role.
    pub(super) fn check(&self, values: &[f64]) -> Result<()> {
        for ((name, role), value) in self.parameters.iter().zip(values) {
            role.check(&format!("/params/{name}"), name, *value)?;
        }
        Ok(())
    }
}

/// Largest count that a parameter may be.
const MAX_COUNT: f64 = 1e9;

impl Role {
    fn check(self, path: &str, name: &str, value: f64) -> Result<()> {
        match self {
            Self::Location | Self::Real | Self::Edge => error::finite(path, value).map(|_| ()),
            Self::Scale | Self::Rate => {
                error::positive(path, value)?;
                error::within_limits(path, value, 1e-150..=1e150).map(|_| ())
            }
            Self::Shape => error::shape(path, value).map(|_| ()),
            Self::Unit if error::probability(path, value)? > 0.0 && value < 1.0 => Ok(()),
            Self::Unit => Err(Error::new(
                ErrorKind::Constraint,
                path,
                format!("{name} = {value} leaves nothing to chance: not strictly within 0..1"),
            )
            .with_hint(format!("give a {name} above 0 and below 1"))),
            Self::Count if (0.0..=MAX_COUNT).contains(&value) && value.fract() <= 0.0 => Ok(()),
            Self::Count => Err(Error::new(
                ErrorKind::Constraint,
                path,
                format!("{name} = {value} is not a whole number in 0..{MAX_COUNT:e}"),
            )
            .with_hint(format!("give {name} as a count"))),
        }
    }
}

type Built = Result<Law>;

#[expect(clippy::unnecessary_wraps, reason = "every family builds with the same signature")]
fn scaled(location: f64, scale: f64, standard: impl Standard + 'static) -> Built {
    Ok(Law::Continuous { location, scale, standard: Box::new(standard) })
}

#[expect(clippy::unnecessary_wraps, reason = "every family builds with the same signature")]
fn counted(law: impl Count + 'static) -> Built {
    Ok(Law::Count(Box::new(law)))
}

/// The edges of a range must rise.
fn rising([low_name, high_name]: [&str; 2], low: f64, high: f64) -> Result<()> {
    if low < high {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Constraint,
        format!("/params/{high_name}"),
        format!("{high_name} = {high} is not above {low_name} = {low}"),
    )
    .with_hint("exchange the two ends, or set them apart"))
}

fn continuous(
    name: &'static str,
    parameters: &'static [(&'static str, Role)],
    build: fn(&[f64]) -> Built,
) -> Family {
    Family { name, parameters, is_discrete: false, build }
}

fn discrete(
    name: &'static str,
    parameters: &'static [(&'static str, Role)],
    build: fn(&[f64]) -> Built,
) -> Family {
    Family { name, parameters, is_discrete: true, build }
}

/// All families, by name.
pub static FAMILIES: std::sync::LazyLock<Vec<Family>> = std::sync::LazyLock::new(|| {
    let mut families = Vec::with_capacity(64);
    families.extend(on_the_line());
    families.extend(above_zero());
    families.extend(powers());
    families.extend(within_bounds());
    families.extend(of_counts());
    families.sort_by_key(|family| family.name);
    families
});

use Role::{Count as N, Edge, Location, Rate, Real, Scale, Shape, Unit as P};

fn on_the_line() -> [Family; 11] {
    use real::{Cauchy, ExpModNormal, Gumbel, Laplace, Logistic, Normal, SkewNormal, StudentT};
    [
        continuous("std_normal", &[], |_| scaled(0.0, 1.0, Normal)),
        continuous("normal", &[("mu", Location), ("sigma", Scale)], |p| scaled(p[0], p[1], Normal)),
        continuous("student_t", &[("nu", Shape), ("mu", Location), ("sigma", Scale)], |p| {
            scaled(p[1], p[2], StudentT::new(error::shape("/params/nu", p[0])?))
        }),
        continuous("cauchy", &[("mu", Location), ("sigma", Scale)], |p| scaled(p[0], p[1], Cauchy)),
        continuous("double_exponential", &[("mu", Location), ("sigma", Scale)], |p| {
            scaled(p[0], p[1], Laplace::SYMMETRIC)
        }),
        continuous(
            "skew_double_exponential",
            &[("mu", Location), ("sigma", Scale), ("tau", P)],
            |p| scaled(p[0], p[1], Laplace::skewed(p[2])),
        ),
        continuous("logistic", &[("mu", Location), ("sigma", Scale)], |p| {
            scaled(p[0], p[1], Logistic)
        }),
        continuous("gumbel", &[("mu", Location), ("beta", Scale)], |p| scaled(p[0], p[1], Gumbel)),
        continuous(
            "exp_mod_normal",
            &[("mu", Location), ("sigma", Scale), ("lambda", Rate)],
            |p| {
                let rate = error::within_limits("/params/lambda", p[1] * p[2], 1e-3..=1e3)?;
                scaled(p[0], p[1], ExpModNormal { rate })
            },
        ),
        continuous("skew_normal", &[("xi", Location), ("omega", Scale), ("alpha", Real)], |p| {
            let alpha = error::within_limits("/params/alpha", p[2], -1e3..=1e3)?;
            scaled(p[0], p[1], SkewNormal { alpha })
        }),
        continuous("von_mises", &[("mu", Location), ("kappa", Shape)], |p| {
            let kappa = error::within_limits("/params/kappa", p[1], 1e-3..=1e6)?;
            scaled(p[0], 1.0, VonMises::new(kappa))
        }),
    ]
}

fn above_zero() -> [Family; 14] {
    use positive::{BetaOdds, GammaPower, Half};
    [
        continuous("gamma", &[("alpha", Shape), ("beta", Rate)], |p| {
            scaled(0.0, 1.0 / p[1], GammaPower::new(p[0], 1.0))
        }),
        continuous("inv_gamma", &[("alpha", Shape), ("beta", Scale)], |p| {
            scaled(0.0, p[1], GammaPower::new(p[0], -1.0))
        }),
        continuous("chi_square", &[("nu", Shape)], |p| {
            scaled(0.0, 2.0, GammaPower::new(0.5 * p[0], 1.0))
        }),
        continuous("inv_chi_square", &[("nu", Shape)], |p| {
            scaled(0.0, 0.5, GammaPower::new(0.5 * p[0], -1.0))
        }),
        continuous("scaled_inv_chi_square", &[("nu", Shape), ("sigma", Scale)], |p| {
            scaled(0.0, 0.5 * p[0] * p[1] * p[1], GammaPower::new(0.5 * p[0], -1.0))
        }),
        continuous("chi", &[("nu", Shape)], |p| {
            scaled(0.0, 2_f64.sqrt(), GammaPower::new(0.5 * p[0], 0.5))
        }),
        continuous("maxwell", &[("sigma", Scale)], |p| {
            scaled(0.0, 2_f64.sqrt() * p[0], GammaPower::new(1.5, 0.5))
        }),
        continuous("nakagami", &[("m", Shape), ("omega", Scale)], |p| {
            scaled(0.0, (p[1] / p[0]).sqrt(), GammaPower::new(p[0], 0.5))
        }),
        continuous("half_normal", &[("sigma", Scale)], |p| scaled(0.0, p[0], Half::Normal)),
        continuous("half_student_t", &[("nu", Shape), ("sigma", Scale)], |p| {
            scaled(0.0, p[1], Half::StudentT(real::StudentT::new(p[0])))
        }),
        continuous("half_cauchy", &[("sigma", Scale)], |p| {
            scaled(0.0, p[0], Half::StudentT(real::StudentT::new(1.0)))
        }),
        continuous("beta_prime", &[("alpha", Shape), ("beta", Shape)], |p| {
            scaled(0.0, 1.0, BetaOdds::new(p[0], p[1]))
        }),
        continuous("f", &[("d1", Shape), ("d2", Shape)], |p| {
            scaled(0.0, p[1] / p[0], BetaOdds::new(0.5 * p[0], 0.5 * p[1]))
        }),
        continuous("levy", &[("mu", Edge), ("c", Scale)], |p| scaled(p[0], p[1], positive::Levy)),
    ]
}

fn powers() -> [Family; 10] {
    use positive::{
        Exponential, Frechet, Gompertz, InverseGaussian, LogLogistic, LogNormal, Pareto, Weibull,
    };
    [
        continuous("exponential", &[("beta", Rate)], |p| scaled(0.0, 1.0 / p[0], Exponential)),
        continuous("weibull", &[("alpha", Shape), ("sigma", Scale)], |p| {
            scaled(0.0, p[1], Weibull { shape: p[0] })
        }),
        continuous("rayleigh", &[("sigma", Scale)], |p| {
            scaled(0.0, 2_f64.sqrt() * p[0], Weibull { shape: 2.0 })
        }),
        continuous("frechet", &[("alpha", Shape), ("sigma", Scale)], |p| {
            scaled(0.0, p[1], Frechet { shape: p[0] })
        }),
        continuous("lognormal", &[("mu", Real), ("sigma", Shape)], |p| {
            error::within_limits("/params/mu", p[0], -300.0..=300.0)?;
            scaled(0.0, p[0].exp(), LogNormal { sigma: p[1] })
        }),
        continuous("loglogistic", &[("alpha", Scale), ("beta", Shape)], |p| {
            scaled(0.0, p[0], LogLogistic { shape: p[1] })
        }),
        continuous("pareto", &[("y_min", Edge), ("alpha", Shape)], |p| {
            let scale = error::positive("/params/y_min", p[0])?;
            scaled(0.0, scale, Pareto { alpha: p[1], is_shifted: false })
        }),
        continuous("pareto_type_2", &[("mu", Edge), ("lambda", Scale), ("alpha", Shape)], |p| {
            scaled(p[0], p[1], Pareto { alpha: p[2], is_shifted: true })
        }),
        continuous("inv_gaussian", &[("mu", Scale), ("lambda", Scale)], |p| {
            let shape = error::within_limits("/params/lambda", p[1] / p[0], 1e-3..=1e6)?;
            scaled(0.0, p[0], InverseGaussian { shape })
        }),
        continuous("gompertz", &[("eta", Shape), ("b", Rate)], |p| {
            scaled(0.0, 1.0 / p[1], Gompertz { eta: p[0] })
        }),
    ]
}

fn within_bounds() -> [Family; 5] {
    [
        continuous("beta", &[("alpha", Shape), ("beta", Shape)], |p| {
            scaled(0.0, 1.0, bounded::Beta::new(p[0], p[1]))
        }),
        continuous("beta_proportion", &[("mu", P), ("kappa", Shape)], |p| {
            let a = error::shape("/params/kappa", p[0] * p[1])?;
            let b = error::shape("/params/kappa", (1.0 - p[0]) * p[1])?;
            scaled(0.0, 1.0, bounded::Beta::new(a, b))
        }),
        continuous("kumaraswamy", &[("a", Shape), ("b", Shape)], |p| {
            scaled(0.0, 1.0, bounded::Kumaraswamy { a: p[0], b: p[1] })
        }),
        continuous("uniform", &[("alpha", Edge), ("beta", Edge)], |p| {
            rising(["alpha", "beta"], p[0], p[1])?;
            scaled(p[0], p[1] - p[0], bounded::Uniform)
        }),
        continuous("triangular", &[("low", Edge), ("mode", Edge), ("high", Edge)], |p| {
            rising(["low", "high"], p[0], p[2])?;
            let mode = (p[1] - p[0]) / (p[2] - p[0]);
            if !(0.0..=1.0).contains(&mode) {
                let message = format!("mode = {} is outside low..high", p[1]);
                return Err(Error::new(ErrorKind::Constraint, "/params/mode", message)
                    .with_hint("give a mode between low and high"));
            }
            scaled(p[0], p[2] - p[0], bounded::Triangular { mode })
        }),
    ]
}

fn of_counts() -> [Family; 10] {
    use count::{
        BetaBinomial, BetaNegBinomial, Binomial, Hypergeometric, NegBinomial, Poisson, Range,
    };
    [
        discrete("bernoulli", &[("theta", P)], |p| {
            counted(Binomial { n: 1.0, p: Unit::new(p[0]) })
        }),
        discrete("binomial", &[("N", N), ("theta", P)], |p| {
            counted(Binomial { n: p[0], p: Unit::new(p[1]) })
        }),
        discrete("poisson", &[("lambda", Rate)], |p| {
            counted(Poisson { rate: error::within_limits("/params/lambda", p[0], 1e-150..=1e12)? })
        }),
        discrete("neg_binomial", &[("alpha", Shape), ("beta", Rate)], |p| {
            let total = p[1] + 1.0;
            counted(NegBinomial { shape: p[0], p: Unit { x: p[1] / total, y: 1.0 / total } })
        }),
        discrete("neg_binomial_2", &[("mu", Rate), ("phi", Shape)], |p| {
            let total = p[0] + p[1];
            counted(NegBinomial { shape: p[1], p: Unit { x: p[1] / total, y: p[0] / total } })
        }),
        discrete("geometric", &[("theta", P)], |p| {
            counted(NegBinomial { shape: 1.0, p: Unit::new(p[0]) })
        }),
        discrete("beta_binomial", &[("N", N), ("alpha", Shape), ("beta", Shape)], |p| {
            error::within_limits("/params/alpha", p[1], crate::ab::PRIOR_RANGE)?;
            error::within_limits("/params/beta", p[2], crate::ab::PRIOR_RANGE)?;
            counted(BetaBinomial { n: p[0], a: p[1], b: p[2] })
        }),
        discrete("beta_neg_binomial", &[("r", Shape), ("alpha", Shape), ("beta", Shape)], |p| {
            for (path, value) in ["/params/r", "/params/alpha", "/params/beta"].iter().zip(p) {
                error::within_limits(path, *value, crate::ab::PRIOR_RANGE)?;
            }
            counted(BetaNegBinomial { r: p[0], a: p[1], b: p[2] })
        }),
        discrete("hypergeometric", &[("N", N), ("a", N), ("b", N)], |p| {
            if p[0] > p[1] + p[2] {
                let message = format!("N = {} draws exceed a + b = {}", p[0], p[1] + p[2]);
                return Err(Error::new(ErrorKind::Constraint, "/params/N", message)
                    .with_hint("N counts draws without replacement: at most a + b"));
            }
            counted(Hypergeometric { draws: p[0], marked: p[1], others: p[2] })
        }),
        discrete("discrete_range", &[("lower", Edge), ("upper", Edge)], |p| {
            rising(["lower", "upper"], p[0], p[1] + 1.0)?;
            for (path, value) in ["/params/lower", "/params/upper"].iter().zip(p) {
                error::within_limits(path, *value, -MAX_COUNT..=MAX_COUNT)?;
                if value.fract().abs() > 0.0 {
                    let message = format!("{value} is not a whole number");
                    return Err(Error::new(ErrorKind::Constraint, *path, message)
                        .with_hint("give whole numbers"));
                }
            }
            counted(Range { low: p[0], high: p[1] })
        }),
    ]
}
