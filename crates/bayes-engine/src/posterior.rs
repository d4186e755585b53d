//! A model sampled: chains, their draws, and whether they can be trusted.

use crate::diagnose::{self, Estimate, Trust, Verdict};
use crate::error::Result;
use crate::language::{Code, Diagnostic, Model, Variable};
use crate::sampler::{self, Ended, Settings};

/// What happened to a draw besides its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Log density with the log Jacobian.
    pub log_density: f64,
    /// Energy of its trajectory.
    pub energy: f64,
    /// Doublings of its trajectory.
    pub depth: usize,
    /// Whether its trajectory went off.
    pub is_divergent: bool,
    /// Mean acceptance along it.
    pub acceptance: f64,
}

/// The draws of one chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Numbers of every draw, one draw after another.
    pub numbers: Vec<f64>,
    /// One for each draw.
    pub steps: Vec<Step>,
    /// How it ended.
    pub ended: Ended,
    /// Draws whose generated quantities the model refused.
    pub refused: usize,
}

/// Runs one chain of a model, generated quantities included.
///
/// `progress` hears the number of kept draws so far.
pub fn run_chain(
    model: &Model,
    settings: &Settings,
    number: u32,
    progress: &mut dyn FnMut(usize),
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Chain, Diagnostic> {
    let width = model.width();
    let mut numbers: Vec<f64> = Vec::with_capacity(width * settings.draws);
    let mut steps = Vec::with_capacity(settings.draws);
    let mut points: Vec<f64> = Vec::with_capacity(model.dim() * settings.draws);
    let mut density = model.density();
    let mut observe = |draw: sampler::Draw<'_>| {
        points.extend_from_slice(draw.point);
        steps.push(Step {
            log_density: draw.log_density,
            energy: draw.energy,
            depth: draw.depth,
            is_divergent: draw.is_divergent,
            acceptance: draw.acceptance,
        });
        progress(steps.len());
    };
    let ended = sampler::chain(&mut density, settings, number, &mut observe, is_cancelled);
    let Some(ended) = ended else {
        if is_cancelled() {
            let ended = Ended::default();
            return Ok(Chain { numbers, steps, ended, refused: 0 });
        }
        return Err(no_start(model, settings));
    };
    let mut refused = 0;
    for (at, draw) in (0_u32..).zip(points.chunks(model.dim().max(1)).take(steps.len())) {
        let start = numbers.len();
        numbers.resize(start + width, f64::NAN);
        let slots = &mut numbers[start..];
        density.outputs(draw, slots);
        refused += usize::from(!model.generate(number + 1, at, slots)?);
    }
    Ok(Chain { numbers, steps, ended, refused })
}

pub(crate) fn no_start(model: &Model, settings: &Settings) -> Diagnostic {
    let message = format!(
        "no start with a finite log density was found within {} of 0 in the free parameters{}",
        settings.radius,
        model.first_failure()
    );
    Diagnostic::plain(
        Code::InitFailed,
        message,
        "declare the bounds that the distributions need (a scale takes real<lower=0>), check the data for \
         outcomes outside the support, or give a smaller init radius",
    )
}

/// All chains of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    /// What the numbers of a draw are.
    pub variables: Vec<Variable>,
    /// Numbers of a draw.
    pub width: usize,
    /// The chains.
    pub chains: Vec<Chain>,
    /// Deepest trajectory allowed.
    pub max_depth: usize,
    /// Share of divergent draws in the first attempt.
    pub first_divergent: f64,
}

impl Posterior {
    /// Puts chains together.
    pub fn new(model: &Model, settings: &Settings, chains: Vec<Chain>) -> Self {
        let mut posterior = Self {
            variables: model.variables().to_vec(),
            width: model.width(),
            chains,
            max_depth: settings.max_depth,
            first_divergent: 0.0,
        };
        posterior.first_divergent =
            posterior.divergent() as f64 / (posterior.draws() as f64).max(1.0);
        posterior
    }

    /// Kept draws of all chains.
    pub fn draws(&self) -> usize {
        self.chains.iter().map(|chain| chain.steps.len()).sum()
    }

    /// Divergent draws.
    pub fn divergent(&self) -> usize {
        self.chains.iter().flat_map(|chain| &chain.steps).filter(|step| step.is_divergent).count()
    }

    /// The draws of one number by chain.
    pub fn column(&self, place: usize) -> Vec<Vec<f64>> {
        let of = |chain: &Chain| {
            chain.numbers.iter().skip(place).step_by(self.width.max(1)).copied().collect()
        };
        self.chains.iter().map(of).collect()
    }

    /// Summarises one number.
    pub fn estimate(&self, place: usize, prob: f64) -> Result<Estimate> {
        let columns = self.column(place);
        let lists: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        diagnose::estimate(&lists, prob)
    }

    /// Every number's name and place, those of `block` and before.
    pub fn labels(&self, block: u8) -> impl Iterator<Item = (String, usize)> + '_ {
        self.variables.iter().filter(move |variable| variable.block <= block).flat_map(|variable| {
            (0..variable.len()).map(|place| (variable.label(place), variable.start + place))
        })
    }

    /// Effective draws of a mean by draws, averaged over parameters and transformed parameters.
    pub fn efficiency(&self) -> f64 {
        let shares: Vec<f64> = self
            .labels(1)
            .map(|(_, place)| {
                let columns = self.column(place);
                let lists: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                diagnose::ess_mean(&lists) / self.draws() as f64
            })
            .filter(|share| share.is_finite() && *share > 0.0)
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        if self.chains.len() > 1 && mean.is_finite() { mean } else { 1.0 }
    }

    /// Judges the fit by parameters, transformed parameters and the log density.
    pub fn verdict(&self) -> Verdict {
        let mut trust = Trust {
            chains: self.chains.len(),
            draws: self.draws(),
            divergent: self.divergent(),
            first_divergent: self.first_divergent,
            is_complete: self.chains.iter().all(|chain| chain.ended.is_complete),
            ..Trust::default()
        };
        for (name, place) in self.labels(1) {
            let columns = self.column(place);
            if columns.iter().flatten().any(|x| !x.is_finite()) {
                trust.non_finite.push(name);
                continue;
            }
            if is_constant(&columns) {
                continue;
            }
            worst(&mut trust, &name, &columns);
        }
        let log_density: Vec<Vec<f64>> = self
            .chains
            .iter()
            .map(|chain| chain.steps.iter().map(|step| step.log_density).collect())
            .collect();
        if !is_constant(&log_density) {
            worst(&mut trust, "lp__", &log_density);
        }
        for chain in &self.chains {
            let energies: Vec<f64> = chain.steps.iter().map(|step| step.energy).collect();
            trust.energy_fractions.push(diagnose::energy_fraction(&energies));
            trust.saturated += chain
                .steps
                .iter()
                .filter(|step| step.depth >= self.max_depth && !step.is_divergent)
                .count();
        }
        diagnose::verdict(&trust)
    }
}

/// Entries of a correlation factor may be fixed.
fn is_constant(columns: &[Vec<f64>]) -> bool {
    let mut all = columns.iter().flatten();
    let Some(first) = all.next() else { return true };
    all.all(|x| x.to_bits() == first.to_bits())
}

fn worst(trust: &mut Trust, name: &str, columns: &[Vec<f64>]) {
    let lists: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let r_hat = diagnose::r_hat(&lists);
    // NaN is worse than any number
    if trust.r_hat.as_ref().is_none_or(|(_, worst)| r_hat.is_nan() || r_hat > *worst) {
        trust.r_hat = Some((name.to_owned(), r_hat));
    }
    let found = [diagnose::ess_bulk(&lists), diagnose::ess_tail(&lists)];
    for (slot, ess) in trust.ess.iter_mut().zip(found) {
        if slot.as_ref().is_none_or(|(_, least)| ess.is_nan() || ess < *least) {
            *slot = Some((name.to_owned(), ess));
        }
    }
}
