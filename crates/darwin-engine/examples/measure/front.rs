//! ZDT1 to ZDT3 with 30 variables, DTLZ2 with 12 and three objectives: population 100, 25,000
//! evaluations, hypervolume with all of the reference point 1.1.

use std::io::{Error, Result};

use darwin_engine::{
    Budget, Controls, FrontKind, FrontOptions, Problem, Seed, hypervolume, optimize,
};

use super::{Row, compile, cpu_seconds, vector};

fn problem(name: &str) -> Result<Problem> {
    let zdt = |second| {
        let lets = [("g", "1 + 9*sum(i,1,n-1,x[i])/(n-1)")];
        compile(vec![vector("x", 30, [0.0, 1.0])], &lets, &["x[0]", second])
    };
    match name {
        "zdt1" => zdt("g*(1-sqrt(x[0]/g))"),
        "zdt2" => zdt("g*(1-(x[0]/g)^2)"),
        "zdt3" => zdt("g*(1-sqrt(x[0]/g)-x[0]/g*sin(10*pi*x[0]))"),
        "dtlz2" => {
            let lets =
                [("g", "1 + sum(i,2,n-1,(x[i]-0.5)^2)"), ("a", "x[0]*pi/2"), ("b", "x[1]*pi/2")];
            let objectives = ["g*cos(a)*cos(b)", "g*cos(a)*sin(b)", "g*sin(a)"];
            compile(vec![vector("x", 12, [0.0, 1.0])], &lets, &objectives)
        }
        _ => Err(Error::other("no such problem")),
    }
}

pub(super) fn row(kind: FrontKind, name: &str, seed: Seed) -> Result<Row> {
    let problem = problem(name)?;
    let objectives = problem.senses().len();
    let budget = Budget::evals(25_000).map_err(Error::other)?;
    let settings = FrontOptions::default().resolve(kind, objectives).map_err(Error::other)?;
    let before = cpu_seconds();
    let outcome = optimize(&problem, settings, &budget, seed, &mut Controls::default());
    let cpu_s = cpu_seconds() - before;
    let values: Vec<Vec<f64>> = outcome.front.into_iter().map(|one| one.values).collect();
    Ok(Row { value: hypervolume(&values, &vec![1.1; objectives]), evals: outcome.evals, cpu_s })
}
