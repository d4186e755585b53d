//! What charts show of runs.

use darwin_engine::{
    ArchiveKind, Sense, Settings,
    expression::{self, FaultKind, Node},
    look_around,
};
use mcp_core::prelude::*;
use serde_json::json;

use super::{Chart, Drawn};
use crate::{
    Error, Server,
    plot::{self, Bar, Cells, Series, Size},
    run::{Looked, Overview, Report},
    tools::{found::thinned, problem::coordinates},
};

/// What is drawn, before its size is known to matter.
#[derive(Debug)]
pub(super) enum Picture {
    Convergence(Vec<Series>),
    Reached(Vec<Series>),
    Front(Vec<Series>),
    Parallel(Vec<(String, Vec<Vec<f64>>)>),
    Strips(Vec<String>, Vec<(String, Vec<Vec<f64>>)>),
    Diversity(Vec<Series>),
    Bars(Vec<Bar>),
    Cells(Cells),
    Tour(String, Vec<(f64, f64)>),
    Tree(String, Vec<Node>),
}

/// Points of one front, of one population, and of a line over the generations: an answer is bounded.
const POINTS: usize = 100;
const GENERATIONS: u64 = 40;
/// Targets between the worst first value and the best of all, evenly by logarithm over eight decades.
const TARGETS: u32 = 41;
const DECADES: f64 = 8.0;
/// Probes for each coordinate.
const PROBES: u64 = 4;

impl Picture {
    pub(super) fn svg(&self, size: Size) -> String {
        match self {
            Self::Convergence(lines) => plot::convergence(size, lines),
            Self::Reached(lines) => plot::reached(size, lines),
            Self::Front(lines) => plot::front(size, lines),
            Self::Parallel(sets) => {
                let most = sets.iter().flat_map(|(_, rows)| rows).map(Vec::len).max();
                let name = |k: usize| format!("objective {k}");
                let names: Vec<String> = (1..=most.unwrap_or(0)).map(name).collect();
                plot::parallel(size, &names, sets)
            }
            Self::Strips(names, sets) => plot::strips(size, names, sets),
            Self::Diversity(lines) => plot::diversity(size, lines),
            Self::Bars(bars) => {
                plot::bars(size, bars, "largest change by a step of 0.1 % of the range")
            }
            Self::Cells(cells) => plot::cells(size, cells),
            Self::Tour(name, trip) => plot::tour(size, name, trip),
            Self::Tree(name, nodes) => plot::tree(size, name, nodes),
        }
    }
}

fn refused(id: &str, reason: &'static str) -> ToolError {
    Error::Plot { id: id.to_owned(), reason }.into()
}

fn label(run: &Overview, label: &str) -> String {
    run.header.name.as_ref().map_or(label.to_owned(), |own| format!("{own} ({label})"))
}

fn label_of(looked: &Looked) -> String {
    let job = &looked.job;
    let words = format!("{}, seed {}", job.settings.algorithm().name, job.seed.get());
    label(&looked.run, &words)
}

/// Runs of one algorithm, and how its line is called.
struct Timed {
    algorithm: String,
    maximised: bool,
    history: Vec<(f64, f64)>,
}

impl Server {
    async fn reported(&self, principal: &Principal, id: &str) -> Result<(Overview, Report)> {
        let (run, report) = self.report_of(principal, id).await?;
        let report = report.ok_or_else(|| refused(id, "failed: it has nothing to show"))?;
        Ok((run, report))
    }

    pub(super) async fn over_time(
        &self,
        principal: &Principal,
        chart: Chart,
        ids: &[String],
    ) -> Result<(Picture, Vec<Drawn>)> {
        let (mut lines, mut timed, mut summary) = (Vec::new(), Vec::new(), Vec::new());
        for id in ids {
            let (run, report) = self.reported(principal, id).await?;
            let history: Vec<(f64, f64)> = report.history().collect();
            if history.is_empty() {
                return Err(refused(id, "has no best value over time: use chart front"));
            }
            let label = label(&run, &report.label());
            summary.push(Drawn {
                run_id: id.clone(),
                label: label.clone(),
                points: history.len(),
                last: history.last().map(|point| point.1),
            });
            // A history improves; which way says which way is better.
            let ends = (history.first().map(|p| p.1), history.last().map(|p| p.1));
            let algorithm = run.header.spec.algorithm.unwrap_or_default();
            timed.push(Timed { algorithm, maximised: ends.1 > ends.0, history: history.clone() });
            lines.push(Series { name: label, points: history });
        }
        let picture = match chart {
            Chart::Ecdf => Picture::Reached(reached(&timed)),
            _ => Picture::Convergence(lines),
        };
        Ok((picture, summary))
    }

    pub(super) async fn fronts(
        &self,
        principal: &Principal,
        chart: Chart,
        ids: &[String],
    ) -> Result<(Picture, Vec<Drawn>)> {
        let (mut lines, mut sets, mut summary) = (Vec::new(), Vec::new(), Vec::new());
        for id in ids {
            let (run, report) = self.reported(principal, id).await?;
            let front = thinned(report.front(), POINTS);
            if front.is_empty() {
                return Err(refused(id, "has no front: use chart convergence"));
            }
            let label = label(&run, &report.label());
            let points =
                front.iter().map(|row| (row[0], row.get(1).copied().unwrap_or_default())).collect();
            lines.push(Series { name: label.clone(), points });
            let (run_id, points) = (id.clone(), front.len());
            summary.push(Drawn { run_id, label: label.clone(), points, last: None });
            sets.push((label, front));
        }
        let picture = match chart {
            Chart::Front => Picture::Front(lines),
            _ => Picture::Parallel(sets),
        };
        Ok((picture, summary))
    }

    pub(super) async fn populations(
        &self,
        principal: &Principal,
        ids: &[String],
        ct: &CancellationToken,
    ) -> Result<(Picture, Vec<Drawn>)> {
        let (mut names, mut sets, mut summary) = (Vec::new(), Vec::new(), Vec::new());
        for id in ids {
            let crew = self.runs().crew(principal, id, None, ct).await?;
            let (problem, job) = (&crew.job.problem, &crew.job);
            let own: Vec<String> = coordinates(problem).into_iter().take(plot::MOST).collect();
            if names.is_empty() {
                names = own;
            } else if names != own {
                return Err(refused(id, "has other variables than the first"));
            }
            let bounds = problem.bounds();
            let share = |genes: &[f64]| -> Vec<f64> {
                let sides = bounds.lo().iter().zip(bounds.hi());
                let share = |(gene, (lo, hi)): (&f64, (&f64, &f64))| (gene - lo) / (hi - lo);
                genes.iter().zip(sides).take(plot::MOST).map(share).collect()
            };
            let rows: Vec<Vec<f64>> = crew.members.iter().map(|one| share(&one.genes)).collect();
            let rows = thinned(rows, POINTS);
            let label = format!(
                "{}, seed {}, generation {}",
                job.settings.algorithm().name,
                job.seed.get(),
                crew.at.generation
            );
            let (run_id, points) = (id.clone(), rows.len());
            summary.push(Drawn { run_id, label: label.clone(), points, last: None });
            sets.push((label, rows));
        }
        Ok((Picture::Strips(names, sets), summary))
    }

    pub(super) async fn spreads(
        &self,
        principal: &Principal,
        ids: &[String],
        ct: &CancellationToken,
    ) -> Result<(Picture, Vec<Drawn>)> {
        let (mut lines, mut summary) = (Vec::new(), Vec::new());
        for id in ids {
            let looked = self.runs().look(principal, id).await?;
            let points = self.runs().diversity(principal, id, GENERATIONS, ct).await?;
            if points.is_empty() {
                return Err(refused(id, "has one point at a time, and so no diversity"));
            }
            let (label, last) = (label_of(&looked), points.last().map(|point| point.1));
            let count = points.len();
            lines.push(Series { name: label.clone(), points });
            summary.push(Drawn { run_id: id.clone(), label, points: count, last });
        }
        Ok((Picture::Diversity(lines), summary))
    }

    pub(super) async fn one_run(
        &self,
        principal: &Principal,
        chart: Chart,
        ids: &[String],
        ct: &CancellationToken,
    ) -> Result<(Picture, Vec<Drawn>)> {
        let [id] = ids else {
            return Err(ToolError::invalid("/run_ids", "must name one run for this chart")
                .with_hint("draw one run after the other"));
        };
        let looked = self.runs().look(principal, id).await?;
        let (label, last) = (label_of(&looked), looked.outcome.best.as_ref().map(|best| best.f));
        let (own, name) = (id.clone(), label.clone());
        let drawn = task::compute(ct, move |cancel| {
            let cancelled = || cancel.is_cancelled();
            match chart {
                Chart::Archive => archive(&looked),
                Chart::Tour => tour(&looked, name),
                _ => importance(&looked, &cancelled),
            }
            .map_err(|reason| refused(&own, reason))
        });
        let (picture, points) = drawn.await??;
        let last = last.filter(|f| f.is_finite());
        Ok((picture, vec![Drawn { run_id: id.clone(), label, points, last }]))
    }
}

/// An expression as a tree.
pub(super) fn tree(source: &str) -> Result<(Picture, Vec<Drawn>)> {
    let nodes = expression::tree(source).map_err(|fault| {
        let (code, reason) = match fault.kind {
            FaultKind::Syntax(reason) => ("invalid_expression", reason),
            FaultKind::Limit(reason) => ("limit_exceeded", reason),
            FaultKind::UnknownName { name, .. } => {
                ("unknown_name", format!("uses `{name}`, which is no function"))
            }
        };
        ToolError::new(Kind::InvalidInput, code, format!("expr {reason} (byte {})", fault.offset))
            .with_field("/expr")
            .with_hint("give one expression as define_problem takes it, without tables")
            .with_details(json!({ "offset": fault.offset }))
    })?;
    let points = nodes.len();
    let mut label: String = source.chars().take(56).collect();
    if label.len() < source.len() {
        label.push_str(" ..");
    }
    let drawn = Drawn { run_id: String::new(), label: label.clone(), points, last: None };
    Ok((Picture::Tree(label, nodes), vec![drawn]))
}

/// For each algorithm, which share of the targets its runs have reached after how many evaluations.
fn reached(runs: &[Timed]) -> Vec<Series> {
    let maximised = runs.iter().any(|run| run.maximised);
    let cost = |f: f64| if maximised { -f } else { f };
    let costs = || runs.iter().flat_map(|run| run.history.iter().map(|point| cost(point.1)));
    let best = costs().fold(f64::INFINITY, f64::min);
    let worst = costs().fold(f64::NEG_INFINITY, f64::max);
    let span = if worst > best { worst - best } else { 1.0 };
    let target = |k: u32| {
        let share = f64::from(k) / f64::from(TARGETS - 1);
        best + span * 10_f64.powf(-DECADES * share)
    };
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        if !names.contains(&run.algorithm.as_str()) {
            names.push(&run.algorithm);
        }
    }
    let most = runs.iter().filter_map(|run| run.history.last()).map(|p| p.0).fold(1.0, f64::max);
    let line = |name: &str| {
        let own: Vec<&Timed> = runs.iter().filter(|run| run.algorithm == name).collect();
        let mut hits: Vec<f64> = own
            .iter()
            .flat_map(|run| (0..TARGETS).map(move |k| (*run, target(k))))
            .filter_map(|(run, target)| {
                run.history.iter().find(|point| cost(point.1) <= target).map(|point| point.0)
            })
            .collect();
        hits.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "ten runs of 41 targets")]
        let share = |count: usize| count as f64 / (own.len() * TARGETS as usize) as f64;
        let mut points: Vec<(f64, f64)> =
            hits.iter().enumerate().map(|(count, evals)| (*evals, share(count + 1))).collect();
        points.push((most, share(hits.len())));
        Series { name: format!("{name} ({} runs)", own.len()), points }
    };
    names.into_iter().map(line).collect()
}

fn importance(
    looked: &Looked,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Picture, usize), &'static str> {
    let problem = &looked.job.problem;
    let best = looked.outcome.best.as_ref().ok_or("has no best point: use chart parallel")?;
    if problem.is_external() {
        return Err("is evaluated by you: nothing can be tried here");
    }
    let most = PROBES * problem.bounds().dimension() as u64;
    let around = look_around(problem, &best.x, most, cancelled);
    let names = coordinates(problem).into_iter().zip(around.axes);
    let mut bars: Vec<Bar> = names
        .filter_map(|(name, axis)| axis.effect.map(|value| Bar { name, value }))
        .filter(|bar| bar.value.is_finite())
        .collect();
    if bars.is_empty() {
        return Err("has no variable whose step has a finite value");
    }
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    bars.truncate(plot::MOST);
    let count = bars.len();
    Ok((Picture::Bars(bars), count))
}

fn archive(looked: &Looked) -> Result<(Picture, usize), &'static str> {
    let archive = looked.outcome.archive.as_ref().ok_or("has no archive: use map_elites")?;
    let problem = &looked.job.problem;
    let [one, two, rest @ ..] = problem.descriptors() else {
        return Err("has one behaviour only, and no plane to draw");
    };
    let grid = match looked.job.settings.settings {
        Settings::Elites(settings) => settings.archive == ArchiveKind::Grid && rest.is_empty(),
        _ => false,
    };
    let side = |d: &darwin_engine::Descriptor| (d.lo, d.hi, if grid { d.cells } else { 0 });
    let elites: Vec<([f64; 2], f64)> = archive
        .elites
        .iter()
        .filter(|elite| elite.report.violation <= 0.0)
        .map(|elite| ([elite.behaviour[0], elite.behaviour[1]], elite.report.values[0]))
        .collect();
    if elites.is_empty() {
        return Err("has no point yet that breaks no constraint");
    }
    let count = elites.len();
    let cells = Cells {
        names: [one.name.clone(), two.name.clone()],
        sides: [side(one), side(two)],
        elites,
        maximised: problem.sense() == Sense::Max,
    };
    Ok((Picture::Cells(cells), count))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "items of an order are small whole numbers"
)]
fn tour(looked: &Looked, name: String) -> Result<(Picture, usize), &'static str> {
    let best = looked.outcome.best.as_ref().ok_or("has no best point")?;
    let problem = &looked.job.problem;
    if !problem.is_permutation() || problem.space().is_none_or(|s| s.variables().len() != 1) {
        return Err("is no single permutation");
    }
    let places = looked.run.header.spec.problem.places(best.x.len());
    let places = places.ok_or("has no table with a row of x and y for each item")?;
    let trip: Vec<(f64, f64)> =
        best.x.iter().filter_map(|item| places.get(*item as usize).copied()).collect();
    let count = trip.len();
    Ok((Picture::Tour(name, trip), count))
}
