//! Simulation-based calibration (Talts et al. 1804.06788): parameters from the prior, data from the model, a fit,
//! and the rank of each true value among its draws. If model and sampler are right, ranks are uniform.

mod uniform;

pub use uniform::{Judged, judge};

use crate::diagnose;
use crate::language::ast::Program;
use crate::language::{Data, Diagnostic, Model, Variable, Wanted};
use crate::posterior::{Chain, run_chain};
use crate::sampler::Settings;

/// Draws that a true value is ranked among.
pub const DRAWS: usize = 99;
/// Draws of a first chain for each of those; thrice as many while they depend on each other.
const FIRST_THIN: usize = 4;
const THINS: usize = 3;
/// Most numbers of one chain.
const MAX_NUMBERS: usize = 8_000_000;
/// Adapting draws.
const TUNE: usize = 500;
/// The quantity that is the log density of the data; catches what single parameters hide.
pub const LOG_LIK: &str = "log_lik";

/// What is calibrated.
#[derive(Debug)]
pub struct Study<'run> {
    /// Draws parameters and data.
    pub simulator: &'run Model,
    /// Is fitted to them, with its text.
    pub fitted: (&'run Program, &'run str),
    /// Sizes and predictors; outcomes are replaced.
    pub data: &'run Data,
    /// Labels of the parameters that are ranked.
    pub quantities: &'run [String],
    /// Parameters of every simulation, where the simulator's text does not show how to draw them.
    pub truths: &'run [Vec<f64>],
    /// Equal seeds give equal ranks.
    pub seed: u64,
}

/// One simulation.
#[derive(Debug, Clone, PartialEq)]
pub enum Simulation {
    /// The rank of every quantity, 0 to [`DRAWS`], then that of [`LOG_LIK`] where the models agree on
    /// parameters; divergent draws; whether draws depended on each other to the end.
    Ranked {
        /// Ranks.
        ranks: Vec<usize>,
        /// Share of divergent draws.
        divergent: f64,
        /// Whether draws were still dependent when the longest chain ended.
        is_sticky: bool,
    },
    /// The simulator refused its own draw, or its data broke a bound.
    Refused(String),
    /// No chain could start or end.
    Failed(String),
}

impl Study<'_> {
    /// Runs simulation `number`; none if the caller gave up.
    pub fn simulate(
        &self,
        number: u32,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Simulation>, Diagnostic> {
        let given = usize::try_from(number).ok().and_then(|at| self.truths.get(at)).cloned();
        let refused = |text: &str| Ok(Some(Simulation::Refused(text.to_owned())));
        let Some(truth) = given.or_else(|| self.simulator.draw_prior(number)) else {
            return refused("the prior gave a number that is not finite");
        };
        let wanted = Wanted { draws: true, means: false };
        let replay = self.simulator.foretell(number + 1, 0, &truth, wanted)?;
        let Some(replay) = replay else { return refused("the model refused its own parameters") };
        let mut data = self.data.clone();
        for outcome in &replay.outcomes {
            if !outcome.replace(&mut data) {
                return refused(
                    "its statements do not draw whole variables of data in their order",
                );
            }
        }
        let (program, text) = self.fitted;
        let model = match Model::bind(program, text, &data, self.seed, is_cancelled) {
            Ok(model) => model,
            Err(_) if is_cancelled() => return Ok(None),
            Err(error) => return Ok(Some(Simulation::Refused(error.message))),
        };
        let Some(places) = self.places(&model) else {
            return refused("a quantity is no parameter of both models");
        };
        self.ranked(&model, number, &truth, &places, is_cancelled)
    }

    /// Fits, longer while draws depend on each other, and ranks.
    fn ranked(
        &self,
        model: &Model,
        number: u32,
        truth: &[f64],
        places: &[(usize, usize)],
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Simulation>, Diagnostic> {
        let mut thin = FIRST_THIN;
        for round in 1..=THINS {
            let settings = Settings {
                tune: TUNE,
                draws: DRAWS * thin,
                seed: mixed(self.seed, number),
                ..Settings::default()
            };
            let chain = match run_chain(model, &settings, 0, &mut |_| {}, is_cancelled) {
                Ok(chain) => chain,
                Err(error) => return Ok(Some(Simulation::Failed(error.message))),
            };
            if is_cancelled() {
                return Ok(None);
            }
            let width = model.width().max(1);
            let is_sticky = places.iter().any(|(_, place)| {
                let draws: Vec<f64> =
                    chain.numbers.iter().skip(*place).step_by(width).copied().collect();
                diagnose::ess_bulk(&[&draws]) < DRAWS as f64
            });
            let fits = 3 * thin * DRAWS * width <= MAX_NUMBERS;
            if is_sticky && fits && round < THINS {
                thin *= 3;
                continue;
            }
            let ranks = self.ranks(model, &chain, truth, (places, thin))?;
            let count = chain.steps.iter().filter(|step| step.is_divergent).count();
            let divergent = count as f64 / chain.steps.len().max(1) as f64;
            return Ok(Some(Simulation::Ranked { ranks, divergent, is_sticky }));
        }
        Ok(None)
    }

    fn ranks(
        &self,
        model: &Model,
        chain: &Chain,
        truth: &[f64],
        (places, thin): (&[(usize, usize)], usize),
    ) -> Result<Vec<usize>, Diagnostic> {
        let width = model.width().max(1);
        let kept: Vec<&[f64]> =
            chain.numbers.chunks(width).skip(thin - 1).step_by(thin).take(DRAWS).collect();
        let below =
            |place: usize, value: f64| kept.iter().filter(|numbers| numbers[place] < value).count();
        let mut ranks: Vec<usize> =
            places.iter().map(|(own, place)| below(*place, truth[*own])).collect();
        if let Some(truth) = self.same_parameters(model, truth) {
            let log_lik = |numbers: &[f64]| -> Result<f64, Diagnostic> {
                let replay = model.foretell(1, 0, numbers, Wanted::default())?;
                let logs = replay.into_iter().flat_map(|replay| replay.outcomes);
                Ok(logs.flat_map(|outcome| outcome.log_lik).sum())
            };
            let true_one = log_lik(&truth)?;
            let mut rank = 0;
            for numbers in &kept {
                rank += usize::from(log_lik(numbers)? < true_one);
            }
            ranks.push(rank);
        }
        Ok(ranks)
    }

    /// Places of every quantity in a truth and in a draw.
    fn places(&self, model: &Model) -> Option<Vec<(usize, usize)>> {
        let find = |variables: &[Variable], label: &str| {
            let name = label.split('[').next();
            let is_own = |one: &&Variable| one.block == 0 && Some(one.name.as_str()) == name;
            variables.iter().filter(is_own).find_map(|variable| {
                let at = (0..variable.len()).find(|at| variable.label(*at) == label)?;
                Some(variable.start + at)
            })
        };
        let both = |label: &String| {
            Some((find(self.simulator.variables(), label)?, find(model.variables(), label)?))
        };
        self.quantities.iter().map(both).collect()
    }

    /// The truth as parameters of the fitted model; none if it has others.
    fn same_parameters(&self, model: &Model, truth: &[f64]) -> Option<Vec<f64>> {
        fn own(variables: &[Variable]) -> impl Iterator<Item = (&str, &[usize])> {
            let parameters = variables.iter().filter(|variable| variable.block == 0);
            parameters.map(|variable| (variable.name.as_str(), variable.dims.as_slice()))
        }
        own(self.simulator.variables()).eq(own(model.variables())).then(|| truth.to_vec())
    }
}

/// A seed of its own for every simulation.
fn mixed(seed: u64, number: u32) -> u64 {
    (seed ^ u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(31)
}
