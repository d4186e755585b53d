//! Approximations that cost seconds where sampling costs minutes, and what they are worth.
//!
//! Each is judged by itself: draws are weighed by the model's own density, and the tail of the weights
//! ([`crate::psis`]) says whether the approximation can stand in for the posterior.

mod climb;
mod laplace;
mod pathfinder;
mod pool;

use crate::diagnose::{Reason, Verdict};
use crate::language::{Code, Diagnostic, Model};
use crate::posterior::{Chain, Posterior, Step, no_start};
use crate::psis;
use crate::sampler::{Ended, Random, Settings, first_point};
use climb::{Climb, Place, climb};
use pool::{Cloud, Weighed};

/// Difference of log densities above which two tops are two.
const OTHER_TOP: f64 = 1e-3;
/// Fewest effective draws.
const MIN_EFFECTIVE: f64 = 100.0;

/// How to approximate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The most probable point.
    Map,
    /// A normal distribution with the curvature at the most probable point of the free parameters.
    Laplace,
    /// The best of the normal distributions met on several ways up.
    Pathfinder,
}

/// An approximation.
#[derive(Debug, Clone, PartialEq)]
pub struct Approximation {
    /// Its draws, one chain; for [`Method::Map`] one draw, the mode.
    pub posterior: Posterior,
    /// Highest log density met.
    pub log_density: f64,
    /// Shape of the tail of the weights; minus infinity where all are equal. NaN for a mode.
    pub shape: f64,
    /// Effective draws by the weights.
    pub effective: f64,
    /// Ways up that ended at a top, and all that were begun.
    pub converged: [usize; 2],
    /// Gradients computed.
    pub gradients: u64,
    /// Whether it can be used.
    pub verdict: Verdict,
}

/// Approximates a model from `paths` starts by `settings.draws` draws.
pub fn approximate(
    model: &Model,
    method: Method,
    settings: &Settings,
    paths: u32,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Approximation, Diagnostic> {
    if method == Method::Laplace && model.dim() > laplace::MAX_DIM {
        let message = format!(
            "{} free parameters are more than {}, the most of a Laplace approximation",
            model.dim(),
            laplace::MAX_DIM
        );
        return Err(Diagnostic::plain(Code::Limit, message, "use pathfinder or sampling"));
    }
    let mut random = Random::new(settings.seed, u32::MAX);
    let run = Run { model, settings, is_cancelled, gradients: 0, reasons: Vec::new() };
    match method {
        Method::Map => run.map(paths),
        Method::Laplace => run.laplace(paths, &mut random),
        Method::Pathfinder => run.pathfinder(paths, &mut random),
    }
}

/// What all methods share.
struct Run<'run> {
    model: &'run Model,
    settings: &'run Settings,
    is_cancelled: &'run dyn Fn() -> bool,
    gradients: u64,
    reasons: Vec<Reason>,
}

impl Run<'_> {
    fn start(&self, number: u32) -> Result<Place, Diagnostic> {
        let mut density = self.model.density();
        let start = first_point(&mut density, self.settings, number, self.is_cancelled);
        let (x, value, gradient) = start.ok_or_else(|| {
            if (self.is_cancelled)() { given_up() } else { no_start(self.model, self.settings) }
        })?;
        Ok(Place { x, value, gradient })
    }

    /// The highest top of all ways up.
    fn tops(&mut self, paths: u32) -> Result<(Place, [usize; 2]), Diagnostic> {
        let mut ends: Vec<Climb> = Vec::new();
        for number in 0..paths {
            let start = self.start(number)?;
            let mut density = self.model.density();
            ends.push(climb(&mut density, start, &mut |_, _| {}, self.is_cancelled));
        }
        if (self.is_cancelled)() {
            return Err(given_up());
        }
        self.gradients += ends.iter().map(|end| end.gradients).sum::<u64>();
        let converged = ends.iter().filter(|end| end.is_converged).count();
        ends.sort_by(|a, b| b.top.value.total_cmp(&a.top.value));
        let best = ends[0].top.value;
        let others =
            ends.iter().filter(|end| end.is_converged && best - end.top.value > OTHER_TOP).count();
        if !ends[0].is_converged {
            self.reasons.push(Reason {
                code: "not_converged",
                message: "the way up did not end at a top".to_owned(),
                fix: "give every parameter a proper prior, scale predictors; a scale may run to 0",
            });
        }
        if others > 0 {
            self.reasons.push(Reason {
                code: "several_tops",
                message: format!("{others} of {paths} starts ended at a lower top"),
                fix: "the posterior has several tops: sample it by fit_model",
            });
        }
        Ok((ends.swap_remove(0).top, [converged, paths as usize]))
    }

    fn map(mut self, paths: u32) -> Result<Approximation, Diagnostic> {
        let (top, converged) = self.tops(paths)?;
        let value = top.value;
        let posterior = self.posterior(&[(&top.x, value)])?;
        self.reasons.push(Reason {
            code: "point_estimate",
            message: "a mode says nothing about uncertainty, and need not be near the mean"
                .to_owned(),
            fix: "use laplace for a first idea of it, fit_model for figures to rely on",
        });
        let found = Weighed { shape: f64::NAN, effective: f64::NAN };
        Ok(self.ended(posterior, value, found, converged))
    }

    fn laplace(mut self, paths: u32, random: &mut Random) -> Result<Approximation, Diagnostic> {
        let (top, converged) = self.tops(paths)?;
        let mut density = self.model.density();
        let Some(normal) = laplace::normal(&mut density, top) else {
            let message =
                "the density has no curvature like a normal distribution's at its top".to_owned();
            let fix = "give every parameter a proper prior, or sample the model by fit_model";
            return Err(Diagnostic::plain(Code::Numeric, message, fix));
        };
        self.gradients += normal.gradients;
        let cloud = normal.draw(&mut density, self.settings.draws, random, self.is_cancelled);
        let value = normal.top.value;
        self.weighed(&cloud, value, converged, random)
    }

    fn pathfinder(mut self, paths: u32, random: &mut Random) -> Result<Approximation, Diagnostic> {
        let mut pooled = Cloud::default();
        let (mut converged, mut most) = (0, f64::NEG_INFINITY);
        for number in 0..paths {
            let start = self.start(number)?;
            let mut density = self.model.density();
            let count = self.settings.draws;
            let found = pathfinder::path(&mut density, start, count, random, self.is_cancelled);
            let Some(path) = found else { continue };
            self.gradients += path.gradients;
            converged += usize::from(path.is_converged);
            most = most.max(path.bound);
            pooled.append(path.cloud);
        }
        if (self.is_cancelled)() {
            return Err(given_up());
        }
        if pooled.points.is_empty() {
            let message = "no way up met a place with a normal approximation".to_owned();
            return Err(Diagnostic::plain(Code::Numeric, message, "sample the model by fit_model"));
        }
        self.weighed(&pooled, most, [converged, paths as usize], random)
    }

    /// Draws chosen by their weights, and what the weights say.
    fn weighed(
        mut self,
        cloud: &Cloud,
        value: f64,
        converged: [usize; 2],
        random: &mut Random,
    ) -> Result<Approximation, Diagnostic> {
        if (self.is_cancelled)() || cloud.points.is_empty() {
            return Err(given_up());
        }
        let (places, found) = cloud.resampled(self.settings.draws, random);
        let chosen: Vec<(&[f64], f64)> = places
            .iter()
            .map(|place| (cloud.points[*place].as_slice(), cloud.log_p[*place]))
            .collect();
        let bound = psis::max_shape(cloud.points.len());
        let is_short = found.shape <= bound;
        if !is_short {
            self.reasons.push(Reason {
                code: "pareto_k",
                message: format!(
                    "Pareto k of the weights is {:.2}, above {bound:.2}: the approximation misses parts of the \
                     posterior, and its figures can be far off",
                    found.shape
                ),
                fix: "use it as a first look only; sample the model by fit_model",
            });
        } else if found.effective < MIN_EFFECTIVE {
            self.reasons.push(Reason {
                code: "few_effective",
                message: format!(
                    "the weights leave {:.0} effective draws, fewer than {MIN_EFFECTIVE}",
                    found.effective
                ),
                fix: "ask for more draws, or sample the model by fit_model",
            });
        }
        let posterior = self.posterior(&chosen)?;
        Ok(self.ended(posterior, value, found, converged))
    }

    /// Points as draws of one chain, transformed parameters and generated quantities included.
    fn posterior(&self, points: &[(&[f64], f64)]) -> Result<Posterior, Diagnostic> {
        let width = self.model.width();
        let mut density = self.model.density();
        let mut numbers = vec![f64::NAN; width * points.len()];
        let mut steps = Vec::with_capacity(points.len());
        let mut refused = 0;
        for (at, (point, log_density)) in (0_u32..).zip(points) {
            let first = at as usize * width;
            let slots = &mut numbers[first..first + width];
            density.outputs(point, slots);
            refused += usize::from(!self.model.generate(1, at, slots)?);
            let (energy, acceptance) = (f64::NAN, f64::NAN);
            let log_density = *log_density;
            steps.push(Step { log_density, energy, depth: 0, is_divergent: false, acceptance });
        }
        let ended = Ended { draws: steps.len(), is_complete: true, ..Ended::default() };
        let chain = Chain { numbers, steps, ended, refused };
        Ok(Posterior::new(self.model, self.settings, vec![chain]))
    }

    fn ended(
        self,
        posterior: Posterior,
        log_density: f64,
        found: Weighed,
        converged: [usize; 2],
    ) -> Approximation {
        let (reasons, warnings) = (self.reasons, Vec::new());
        let verdict = Verdict { is_reliable: reasons.is_empty(), reasons, warnings };
        let Weighed { shape, effective } = found;
        let gradients = self.gradients;
        Approximation { posterior, log_density, shape, effective, converged, gradients, verdict }
    }
}

fn given_up() -> Diagnostic {
    Diagnostic::plain(
        Code::Cancelled,
        "cancelled, or out of time, before the approximation was found".to_owned(),
        "give it more time, or a smaller model",
    )
}
