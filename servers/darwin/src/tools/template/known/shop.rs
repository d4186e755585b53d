//! The job shop, by operations in the order in which they are begun.

use mcp_core::prelude::*;
use serde_json::{Value, json};

use super::{Input, Inputs, Kind, Template};

/// Most operations: each needs four lets and looks at all before it.
const MOST: usize = 20;

pub(super) const JOB_SHOP: Template = Template {
    name: "job_shop",
    kind: Kind::Order,
    summary: "Shortest time for jobs whose steps need machines in a given order",
    inputs: &[
        Input {
            name: "jobs",
            description: "For each job its steps in order, each a machine (from 0) and a time; at most 20 \
                          steps in all",
            default: "[[[0, 3], [1, 2], [2, 2]], [[0, 2], [2, 1], [1, 4]], [[1, 4], [2, 3]]]",
        },
        Input { name: "machines", description: "Machines, 1 to 20", default: "3" },
    ],
    build,
};

/// A step: job, machine, time.
type Step = [f64; 3];

fn steps(inputs: &Inputs<'_>) -> Result<Vec<Step>> {
    let machines = inputs.count("machines", (1, 20))?;
    let wrong = |reason: &str| inputs.wrong("jobs", reason);
    let jobs = inputs.raw("jobs")?;
    let jobs = jobs.as_array().ok_or_else(|| wrong("must be a list of jobs"))?;
    let mut steps = Vec::new();
    for (job, list) in (0_u32..).zip(jobs) {
        let list = list.as_array().ok_or_else(|| wrong("must be a list of lists of steps"))?;
        for step in list {
            let machine = step.get(0).and_then(Value::as_u64).filter(|one| *one < machines);
            let time = step.get(1).and_then(Value::as_f64).filter(|one| (0.0..=1e9).contains(one));
            let pair = step.as_array().is_some_and(|pair| pair.len() == 2);
            let (Some(machine), Some(time), true) = (machine, time, pair) else {
                return Err(wrong(
                    "need steps of a machine that there is and a time of at least 0",
                ));
            };
            let machine = u32::try_from(machine).unwrap_or_default();
            steps.push([f64::from(job), f64::from(machine), time]);
        }
    }
    if !(2..=MOST).contains(&steps.len()) {
        return Err(wrong("must have 2 to 20 steps in all"));
    }
    Ok(steps)
}

/// Whatever the order of the tokens, the k-th of a job stands for its k-th step: every order is a plan.
fn build(inputs: &Inputs<'_>) -> Result<Value> {
    let steps = steps(inputs)?;
    let count = steps.len();
    let row = |value: &dyn Fn(&Step) -> f64| -> Vec<f64> { steps.iter().map(value).collect() };
    let mut lets = Vec::new();
    let mut first = Vec::new();
    for step in &steps {
        let of_job = steps.iter().position(|one| one[0].total_cmp(&step[0]).is_eq());
        first.push(of_job.unwrap_or_default());
    }
    for k in 0..count {
        lets.push(json!({"name": format!("j{k}"), "expr": format!("at(job,p[{k}])")}));
        let before: Vec<String> = (0..k).map(|i| format!("(j{i} == j{k})")).collect();
        let place = if before.is_empty() { "0".to_owned() } else { before.join(" + ") };
        lets.push(json!({"name": format!("s{k}"), "expr": format!("at(first,p[{k}]) + {place}")}));
        lets.push(json!({"name": format!("m{k}"), "expr": format!("at(machine,s{k})")}));
        let ends: Vec<String> =
            (0..k).map(|i| format!("if(j{i} == j{k} or m{i} == m{k}, e{i}, 0)")).collect();
        let begin = match ends.as_slice() {
            [] => "0".to_owned(),
            [one] => one.clone(),
            many => format!("max({})", many.join(", ")),
        };
        lets.push(json!({"name": format!("e{k}"), "expr": format!("{begin} + at(time,s{k})")}));
    }
    let ends: Vec<String> = (0..count).map(|k| format!("e{k}")).collect();
    Ok(json!({
        "variables": [{"name": "p", "kind": "permutation", "length": count}],
        "lets": lets,
        "objectives": [{"expr": format!("max({})", ends.join(", "))}],
        "tables": [
            {"name": "job", "rows": [row(&|step| step[0])]},
            {"name": "first", "rows": [first]},
            {"name": "machine", "rows": [row(&|step| step[1])]},
            {"name": "time", "rows": [row(&|step| step[2])]},
        ],
    }))
}
