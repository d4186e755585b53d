//! The templates.

mod shop;

use serde_json::{Value, json};

use super::{Input, Inputs, Kind, Template};
use mcp_core::prelude::*;

const DIMENSION: Input =
    Input { name: "dimension", description: "Variables, 1 to 1000", default: "10" };

/// All of them.
pub(super) const TEMPLATES: &[Template] = &[
    Template {
        name: "sphere",
        kind: Kind::Function,
        summary: "Smooth, separable, one minimum of 0 at 0: a first check",
        inputs: &[DIMENSION],
        build: |inputs| function("sphere", inputs),
    },
    Template {
        name: "rastrigin",
        kind: Kind::Function,
        summary: "Separable, about 10^dimension minima, the least 0 at 0",
        inputs: &[DIMENSION],
        build: |inputs| function("rastrigin", inputs),
    },
    Template {
        name: "knapsack",
        kind: Kind::Selection,
        summary: "Most value of things whose weight is limited",
        inputs: &[
            Input {
                name: "values",
                description: "Value of each thing, 1 to 500 numbers",
                default: "[6, 5, 4, 3, 7, 1]",
            },
            Input {
                name: "weights",
                description: "Weight of each thing, as many as values",
                default: "[5, 4, 3, 2, 6, 1]",
            },
            Input { name: "capacity", description: "Most weight", default: "10" },
        ],
        build: knapsack,
    },
    Template {
        name: "tsp",
        kind: Kind::Order,
        summary: "Shortest round trip through points of a plane",
        inputs: &[Input {
            name: "points",
            description: "Rows of x and y, 3 to 300",
            default: "[[0, 0], [3, 0], [3, 2], [1, 3], [0, 2], [2, 1]]",
        }],
        build: tsp,
    },
    Template {
        name: "portfolio",
        kind: Kind::Finance,
        summary: "Weights of assets, none negative, sum 1: most return less risk, or both as a front",
        inputs: &[
            Input {
                name: "returns",
                description: "Expected return of each asset, 2 to 100 numbers",
                default: "[0.08, 0.12, 0.05]",
            },
            Input {
                name: "covariance",
                description: "Rows of covariances, as many as returns",
                default: "[[0.04, 0.006, 0], [0.006, 0.09, 0.001], [0, 0.001, 0.01]]",
            },
            Input {
                name: "risk_aversion",
                description: "What a unit of variance costs; negative: return and risk as a front",
                default: "3",
            },
        ],
        build: portfolio,
    },
    Template {
        name: "neural_topology",
        kind: Kind::Learning,
        summary: "Layers, width, activation, learning rate and dropout of a network that you train: \
                  ask_trials gives settings, tell_trials takes the loss",
        inputs: &[
            Input { name: "layers", description: "Most layers, 1 to 20", default: "5" },
            Input {
                name: "width",
                description: "Most units of a layer, 2 to 65536",
                default: "512",
            },
        ],
        build: topology,
    },
    shop::JOB_SHOP,
    Template {
        name: "feature_selection",
        kind: Kind::Selection,
        summary: "Columns that say much of the target and little of each other: mean relevance less \
                  mean redundancy",
        inputs: &[
            Input {
                name: "relevance",
                description: "What each column says of the target, 2 to 100 numbers",
                default: "[0.9, 0.8, 0.7, 0.2]",
            },
            Input {
                name: "redundancy",
                description: "Rows: what each column says of each other one",
                default: "[[1, 0.9, 0.1, 0], [0.9, 1, 0.1, 0], [0.1, 0.1, 1, 0], [0, 0, 0, 1]]",
            },
            Input { name: "most", description: "Most columns that may be taken", default: "2" },
        ],
        build: features,
    },
    Template {
        name: "zdt1",
        kind: Kind::Front,
        summary: "Two objectives whose front is 1 - sqrt(f1)",
        inputs: &[Input { name: "dimension", description: "Variables, 2 to 1000", default: "30" }],
        build: zdt1,
    },
    Template {
        name: "pressure_vessel",
        kind: Kind::Engineering,
        summary: "Cheapest vessel for a volume: walls in sixteenths of an inch, radius, length. Least \
                  known cost 6059.714335",
        inputs: &[Input {
            name: "volume",
            description: "Cubic inches to hold, 1e5 to 1e7",
            default: "1296000",
        }],
        build: vessel,
    },
    Template {
        name: "welded_beam",
        kind: Kind::Engineering,
        summary: "Cheapest weld and beam under a load. Least known cost 1.724852",
        inputs: &[],
        build: |_| Ok(beam()),
    },
    Template {
        name: "arm_repertoire",
        kind: Kind::Behaviour,
        summary: "For map_elites: joints of an arm that reach everywhere, evenly bent",
        inputs: &[
            Input { name: "joints", description: "Joints, 2 to 50", default: "6" },
            Input { name: "cells", description: "Cells along each side, 2 to 100", default: "10" },
        ],
        build: arm,
    },
];

fn function(name: &str, inputs: &Inputs<'_>) -> Result<Value> {
    let dimension = inputs.count("dimension", (1, 1000))?;
    Ok(json!({ "name": name, "dimension": dimension }))
}

fn knapsack(inputs: &Inputs<'_>) -> Result<Value> {
    let values = inputs.numbers("values", (1, 500))?;
    let count = values.len();
    let weights = inputs.numbers("weights", (count, count))?;
    let capacity = inputs.number("capacity", (0.0, 1e12))?;
    Ok(json!({
        "variables": [{"name": "take", "kind": "bool", "length": count}],
        "objectives": [{"expr": "sum(i,0,n-1,take[i]*at(value,i))", "sense": "max"}],
        "constraints": [{"expr": "sum(i,0,n-1,take[i]*at(weight,i))", "op": "<=", "rhs": capacity}],
        "tables": [{"name": "value", "rows": [values]}, {"name": "weight", "rows": [weights]}],
    }))
}

fn tsp(inputs: &Inputs<'_>) -> Result<Value> {
    let points = inputs.rows("points", (3, 300), 2)?;
    let apart = |a: &[f64], b: &[f64]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let rows: Vec<Vec<f64>> =
        points.iter().map(|a| points.iter().map(|b| apart(a, b)).collect()).collect();
    Ok(json!({
        "variables": [{"name": "p", "kind": "permutation", "length": points.len()}],
        "objectives": [{"expr": "sum(i,0,n-2,at(d,p[i],p[i+1])) + at(d,p[n-1],p[0])"}],
        "tables": [{"name": "d", "rows": rows}, {"name": "points", "rows": points}],
    }))
}

fn portfolio(inputs: &Inputs<'_>) -> Result<Value> {
    let returns = inputs.numbers("returns", (2, 100))?;
    let count = returns.len();
    let covariance = inputs.rows("covariance", (count, count), count)?;
    let aversion = inputs.number("risk_aversion", (-1.0, 1e6))?;
    let risk = "sum(i,0,n-1,sum(j,0,n-1,w[i]*w[j]*at(cov,i,j)))/total^2";
    let gain = "sum(i,0,n-1,w[i]*at(expected,i))/total";
    let objectives = if aversion < 0.0 {
        json!([{"expr": gain, "sense": "max"}, {"expr": risk}])
    } else {
        json!([{"expr": format!("{gain} - {aversion:?}*{risk}"), "sense": "max"}])
    };
    Ok(json!({
        "variables": [{"name": "w", "lo": 0, "hi": 1, "length": count}],
        "lets": [{"name": "total", "expr": "sum(w) + 1e-12"}],
        "objectives": objectives,
        "tables": [{"name": "expected", "rows": [returns]}, {"name": "cov", "rows": covariance}],
    }))
}

fn topology(inputs: &Inputs<'_>) -> Result<Value> {
    let layers = inputs.count("layers", (1, 20))?.max(2);
    let width = inputs.count("width", (2, 65_536))?;
    Ok(json!({
        "variables": [
            {"name": "layers", "kind": "int", "lo": 1, "hi": layers},
            {"name": "width", "kind": "int", "lo": 1, "hi": width},
            {"name": "activation", "kind": "cat", "values": ["relu", "gelu", "tanh"]},
            {"name": "learning_rate", "kind": "log", "lo": 1e-5, "hi": 0.1},
            {"name": "dropout", "lo": 0, "hi": 0.6},
        ],
        "objectives": [{"sense": "min"}],
    }))
}

fn features(inputs: &Inputs<'_>) -> Result<Value> {
    let relevance = inputs.numbers("relevance", (2, 100))?;
    let count = relevance.len();
    let redundancy = inputs.rows("redundancy", (count, count), count)?;
    let most = inputs.count("most", (1, count as u64))?;
    Ok(json!({
        "variables": [{"name": "take", "kind": "bool", "length": count}],
        "lets": [{"name": "taken", "expr": "sum(take)"}],
        "objectives": [{
            "expr": "if(taken < 1, -1, sum(i,0,n-1,take[i]*at(relevance,i))/max(taken,1) \
                     - sum(i,0,n-1,sum(j,0,n-1,(i != j)*take[i]*take[j]*at(redundancy,i,j))) \
                       /max(taken,1)^2)",
            "sense": "max",
        }],
        "constraints": [{"expr": "taken", "op": "<=", "rhs": most}],
        "tables": [
            {"name": "relevance", "rows": [relevance]},
            {"name": "redundancy", "rows": redundancy},
        ],
    }))
}

fn zdt1(inputs: &Inputs<'_>) -> Result<Value> {
    let dimension = inputs.count("dimension", (2, 1000))?;
    Ok(json!({
        "variables": [{"name": "x", "lo": 0, "hi": 1, "length": dimension}],
        "lets": [{"name": "g", "expr": "1 + 9*sum(i,1,n-1,x[i])/(n-1)"}],
        "objectives": [{"expr": "x[0]"}, {"expr": "g*(1 - sqrt(x[0]/g))"}],
    }))
}

fn vessel(inputs: &Inputs<'_>) -> Result<Value> {
    let volume = inputs.number("volume", (1e5, 1e7))?;
    let wall = |name: &str| json!({"name": name, "lo": 0.0625, "hi": 6.1875, "step": 0.0625});
    Ok(json!({
        "variables": [
            wall("shell"), wall("head"),
            {"name": "radius", "lo": 10, "hi": 200}, {"name": "length", "lo": 10, "hi": 200},
        ],
        "objectives": [{
            "expr": "0.6224*shell*radius*length + 1.7781*head*radius^2 \
                     + 3.1661*shell^2*length + 19.84*shell^2*radius",
        }],
        "constraints": [
            {"expr": "0.0193*radius - shell", "op": "<="},
            {"expr": "0.00954*radius - head", "op": "<="},
            {"expr": format!("1 - (pi*radius^2*length + 4/3*pi*radius^3)/{volume:?}"), "op": "<="},
        ],
    }))
}

/// Coello's (2000) form of Rao's beam.
fn beam() -> Value {
    json!({
        "variables": [
            {"name": "h", "lo": 0.1, "hi": 2}, {"name": "l", "lo": 0.1, "hi": 10},
            {"name": "t", "lo": 0.1, "hi": 10}, {"name": "b", "lo": 0.1, "hi": 2},
        ],
        "lets": [
            {"name": "load", "expr": "6000"},
            {"name": "moment", "expr": "load*(14 + l/2)"},
            {"name": "radius", "expr": "sqrt(l^2/4 + ((h + t)/2)^2)"},
            {"name": "polar", "expr": "2*sqrt(2)*h*l*(l^2/12 + ((h + t)/2)^2)"},
            {"name": "direct", "expr": "load/(sqrt(2)*h*l)"},
            {"name": "turned", "expr": "moment*radius/polar"},
            {"name": "shear", "expr": "sqrt(direct^2 + direct*turned*l/radius + turned^2)"},
            {"name": "buckling",
             "expr": "4.013*30e6*sqrt(t^2*b^6/36)/14^2*(1 - t/28*sqrt(30e6/(4*12e6)))"},
        ],
        "objectives": [{"expr": "1.10471*h^2*l + 0.04811*t*b*(14 + l)"}],
        "constraints": [
            {"expr": "shear/13600 - 1", "op": "<="},
            {"expr": "6*load*14/(b*t^2)/30000 - 1", "op": "<="},
            {"expr": "h - b", "op": "<="},
            {"expr": "0.10471*h^2 + 0.04811*t*b*(14 + l) - 5", "op": "<="},
            {"expr": "0.125 - h", "op": "<="},
            {"expr": "4*load*14^3/(30e6*t^3*b) - 0.25", "op": "<="},
            {"expr": "1 - buckling/load", "op": "<="},
        ],
    })
}

fn arm(inputs: &Inputs<'_>) -> Result<Value> {
    let joints = inputs.count("joints", (2, 50))?;
    let cells = inputs.count("cells", (2, 100))?;
    let reach = |turn: &str| format!("sum(i,0,n-1,{turn}(sum(j,0,i,a[j])))/n");
    Ok(json!({
        "variables": [{"name": "a", "lo": -3.2, "hi": 3.2, "length": joints}],
        "lets": [
            {"name": "east", "expr": reach("cos"), "range": [-1, 1], "cells": cells},
            {"name": "north", "expr": reach("sin"), "range": [-1, 1], "cells": cells},
        ],
        "objectives": [{"expr": "sum(i,0,n-1,(a[i] - mean(a))^2)"}],
    }))
}
