//! What limited a run and what to try, by rules over its figures. A sentence is there only when its
//! figures show it.

use darwin_engine::{Kind, MAX_EVALS, Relation, Wall};
use serde_json::{Value, json};

use super::{
    Advice, LimitItem, LimitKind,
    evidence::{Evidence, number, short},
};
use crate::{
    run::TIME,
    tools::{found::Stop, optimize::MAX_TOLD, problem::value_at},
};

/// Below this share of all that was gained, a doubling gained nothing worth telling.
const WORTH: f64 = 1e-6;
/// From this share on evaluations without a finite value are told.
const MANY: f64 = 0.05;
/// Names in a sentence.
const NAMED: usize = 5;

/// What was found so far.
#[derive(Default)]
struct Told {
    limits: Vec<LimitItem>,
    next: Vec<Advice>,
}

/// The limits of a run, and what to try.
pub(super) fn of(seen: &Evidence) -> (Vec<LimitItem>, Vec<Advice>) {
    let mut told = Told::default();
    if seen.looked.run.last.stop_reason == Some(Stop::Target) {
        return (told.limits, told.next);
    }
    told.infeasible(seen);
    told.bounds(seen);
    told.neighbours(seen);
    told.doublings(seen);
    told.time(seen);
    told.non_finite(seen);
    told.idle(seen);
    (told.limits, told.next)
}

impl Told {
    fn limit(&mut self, limit: LimitKind, evidence: String) {
        self.limits.push(LimitItem { limit, evidence });
    }

    /// Equal advice is given once, with all reasons.
    fn advise(&mut self, tool: &'static str, arguments: Value, because: String) {
        let Value::Object(arguments) = arguments else { return };
        match self.next.iter_mut().find(|one| one.tool == tool && one.arguments == arguments) {
            Some(same) => same.because = format!("{}; {because}", same.because),
            None => self.next.push(Advice { tool, arguments, because }),
        }
    }

    /// Go on from where it is, with twice of what ended it.
    fn go_on(&mut self, seen: &Evidence, because: String) {
        let (run, budget) = (&seen.looked.run, &seen.looked.job.budget);
        let longer = match run.last.stop_reason {
            // Once more by the same rule would end at once.
            Some(Stop::Converged) => return self.otherwise(seen, because),
            Some(Stop::Stagnation) => {
                json!({"stagnation_generations": budget.stagnation().saturating_mul(2)})
            }
            // Said with the time.
            Some(Stop::MaxTime) => return,
            _ => {
                let told = seen.looked.job.problem.is_external();
                let most = if told { MAX_TOLD } else { MAX_EVALS };
                let max_evals = budget.max_evals().saturating_mul(2).min(most);
                if max_evals <= budget.max_evals() {
                    return;
                }
                json!({ "max_evals": max_evals })
            }
        };
        let tool = if run.last.status.is_final() { "fork_run" } else { "update_run" };
        self.advise(tool, json!({"run_id": run.id, "budget": longer}), because);
    }

    fn infeasible(&mut self, seen: &Evidence) {
        let outcome = &seen.looked.outcome;
        let in_front = outcome.front.iter().map(|point| point.violation).reduce(f64::min);
        let best = outcome.best.as_ref().map(|best| best.violation).or(in_front);
        let Some(violation) = best.filter(|violation| *violation > 0.0) else { return };
        let exprs = seen.looked.run.header.spec.problem.constraints();
        let broken = (0..).zip(seen.constraints.iter().zip(exprs));
        let worst = broken.max_by(|a, b| a.1.0.2.total_cmp(&b.1.0.2));
        let mut evidence = format!(
            "none of {} evaluations broke no constraint; the least broken point breaks them by {}",
            outcome.evals,
            number(violation)
        );
        if let Some((place, ((value, limit, excess), expr))) = worst {
            let relation = if limit.relation == Relation::Equal { "==" } else { "<=" };
            let text = format!(
                ", most of it constraint {place}: `{}` is {}, to be {relation} {}, broken by {}",
                short(expr),
                number(*value),
                number(limit.rhs),
                number(*excess)
            );
            evidence.push_str(&text);
        }
        self.limit(LimitKind::Infeasible, evidence);
        let (plan, equal) = (seen.looked.job.settings, Relation::Equal);
        let equality =
            seen.constraints.iter().position(|one| one.1.relation == equal && one.2 > 0.0);
        if let Some(place) = equality
            && plan.handling.is_rules()
            && plan.algorithm().parameter("constraints").is_some()
        {
            let because =
                format!("constraint {place} is a broken equality: points beside it lead there");
            self.advise("create_run", json!({"params": {"constraints": "epsilon"}}), because);
        }
        self.go_on(seen, format!("the violation left is {}", number(violation)));
    }

    fn bounds(&mut self, seen: &Evidence) {
        let place = |wall: &Wall| {
            let side = if wall.upper { "upper" } else { "lower" };
            format!("{} is at its {side} bound {}", seen.name(wall.coordinate), number(wall.bound))
        };
        let holding: Vec<&Wall> = seen.walls.iter().filter(|wall| seen.is_held(wall)).collect();
        if holding.is_empty() {
            return;
        }
        let inwards = |wall: &&&Wall| {
            let rise = seen
                .inwards(wall)
                .map(|rise| format!(", and a step inwards is worse by {}", number(rise)));
            format!("{}{}", place(wall), rise.unwrap_or_default())
        };
        let shown: Vec<String> = holding.iter().take(NAMED).map(|wall| inwards(&wall)).collect();
        let more = holding.len() - shown.len();
        let more = if more > 0 { format!("; {more} more are at bounds") } else { String::new() };
        self.limit(LimitKind::Bounds, format!("{}{more}", shown.join("; ")));
        if let Some(wall) = holding.iter().find(|wall| seen.inwards(wall).is_some()) {
            let change = json!({ "problem": wider(seen, wall) });
            let because = format!(
                "{}; if larger ranges make sense, what is beyond was never tried",
                inwards(&wall)
            );
            self.advise("create_run", change, because);
        }
    }

    fn neighbours(&mut self, seen: &Evidence) {
        let Some(around) = &seen.around else { return };
        let better: Vec<_> = (0..)
            .zip(&around.axes)
            .filter_map(|(place, axis)| Some((place, axis.better?)))
            .collect();
        let sense = seen.looked.job.problem.sense();
        let cost = |f: f64| if sense == darwin_engine::Sense::Max { -f } else { f };
        let best = better.iter().min_by(|a, b| {
            a.1.violation.total_cmp(&b.1.violation).then(cost(a.1.f).total_cmp(&cost(b.1.f)))
        });
        let Some((place, best)) = best else { return };
        let from = around.here.values.first().copied().unwrap_or(f64::NAN);
        let evidence = format!(
            "{} of {} steps along single coordinates would better the best point, from {}: {} = {} \
             gives {}",
            better.len(),
            around.axes.iter().map(|axis| axis.tried).sum::<usize>(),
            number(from),
            seen.name(*place),
            shown(seen, *place, best.value),
            number(best.f)
        );
        self.limit(LimitKind::NotLocal, evidence);
        self.go_on(seen, format!("{} still betters by a step", seen.name(*place)));
    }

    fn doublings(&mut self, seen: &Evidence) {
        let Some(progress) = &seen.progress else { return };
        let (Some(last), Some(first)) = (progress.steps.first(), progress.steps.last()) else {
            return;
        };
        let (Some(gain), Some(half)) = (progress.last_gain, progress.steps.get(1)) else { return };
        let outcome = &seen.looked.outcome;
        if gain > WORTH * (first.f - last.f).abs() {
            let text = format!(
                "from {} to {} evaluations the best value went from {} to {}",
                half.evals,
                last.evals,
                number(half.f),
                number(last.f)
            );
            if seen.looked.run.last.stop_reason == Some(Stop::MaxEvals) {
                self.limit(LimitKind::Evaluations, text.clone());
            }
            let next = progress.next_gain.map(|next| {
                format!(", and as much again would gain about {} at that pace", number(next))
            });
            self.go_on(seen, format!("{text}{}", next.unwrap_or_default()));
            return;
        }
        let text = format!(
            "nothing better was found since generation {} of {}: {} was reached within {} of {} \
             evaluations",
            seen.looked.improved_at,
            outcome.generations,
            number(last.f),
            progress.reached_by,
            outcome.evals
        );
        self.limit(LimitKind::Standstill, text.clone());
        self.otherwise(seen, text);
    }

    /// Where more of the same gains nothing.
    fn otherwise(&mut self, seen: &Evidence, text: String) {
        let used = seen.looked.job.settings.algorithm().name;
        if used != seen.auto.0 {
            let because =
                format!("{text}; for this problem auto takes {}: {}", seen.auto.0, seen.auto.1);
            self.advise("create_run", json!({"algorithm": seen.auto.0}), because);
        }
        let seed = seen.looked.job.seed.get();
        let other = if seed < darwin_engine::MAX_SEED { seed + 1 } else { 0 };
        self.advise("create_run", json!({"seed": other}), text);
    }

    fn time(&mut self, seen: &Evidence) {
        let (run, evals) = (&seen.looked.run, seen.looked.outcome.evals);
        if run.last.stop_reason != Some(Stop::MaxTime) || evals == 0 {
            return;
        }
        let left = seen.max_evals().saturating_sub(evals);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day, 1e9 evaluations")]
        let (seconds, rate) = {
            let rate = evals as f64 / (run.seen.active_ms.max(1) as f64 / 1000.0);
            (left as f64 / rate, rate)
        };
        let text = format!(
            "at {} evaluations a second the {left} that are left take {} s",
            number(rate),
            number(seconds)
        );
        self.limit(LimitKind::Time, text.clone());
        let max_time_s = (1.2 * seconds).ceil().clamp(1.0, TIME.longest);
        let arguments = json!({"run_id": run.id, "budget": {"max_time_s": max_time_s}});
        self.advise("fork_run", arguments, text);
    }

    fn non_finite(&mut self, seen: &Evidence) {
        let outcome = &seen.looked.outcome;
        #[expect(clippy::cast_precision_loss, reason = "at most 1e9 evaluations")]
        let share = outcome.non_finite_evals as f64 / outcome.evals.max(1) as f64;
        if share >= MANY {
            let (bad, all) = (outcome.non_finite_evals, outcome.evals);
            let percent = number((share * 1000.0).round() / 10.0);
            let text = format!("{bad} of {all} evaluations, {percent} %, gave no finite value");
            self.limit(LimitKind::NonFinite, text);
        }
    }

    fn idle(&mut self, seen: &Evidence) {
        let Some(around) = &seen.around else { return };
        let idle: Vec<usize> = (0..)
            .zip(&around.axes)
            .filter_map(|(place, axis)| (axis.tried > 0 && !axis.matters).then_some(place))
            .collect();
        if idle.is_empty() {
            return;
        }
        let names: Vec<&str> = idle.iter().take(NAMED).map(|place| seen.name(*place)).collect();
        let tried: usize = idle.iter().map(|place| around.axes[*place].tried).sum();
        let text = format!(
            "{} of {} coordinates change nothing at the best point, in {tried} steps: {}",
            idle.len(),
            around.axes.len(),
            names.join(", ")
        );
        self.limit(LimitKind::Idle, text);
    }
}

/// The part of the problem that puts a bound half a range further out.
fn wider(seen: &Evidence, wall: &Wall) -> Value {
    let problem = &seen.looked.job.problem;
    let side = if wall.upper { "hi" } else { "lo" };
    let out = if wall.upper { 0.5 } else { -0.5 };
    let Some(space) = problem.space() else {
        let (bounds, place) = (problem.bounds(), wall.coordinate);
        let range = bounds.hi()[place] - bounds.lo()[place];
        return json!({ side: wall.bound + out * range });
    };
    let mut before = 0;
    let at = space.variables().iter().find(|variable| {
        before += variable.length.unwrap_or(1);
        wall.coordinate < before
    });
    let Some(variable) = at else { return Value::Null };
    let bound = match variable.kind {
        Kind::Int { lo, hi } => wall.bound + (out * (hi - lo)).round(),
        Kind::Log { lo, hi } => wall.bound * (hi / lo).powf(out),
        Kind::Real { lo, hi, .. } => wall.bound + out * (hi - lo),
        _ => wall.bound,
    };
    json!({"variables": [{"name": variable.name, side: bound}]})
}

/// A coordinate's value for a sentence.
fn shown(seen: &Evidence, coordinate: usize, x: f64) -> String {
    match value_at(&seen.looked.job.problem, coordinate, x) {
        Value::String(word) => short(&word),
        Value::Bool(is) => is.to_string(),
        _ => number(x),
    }
}
