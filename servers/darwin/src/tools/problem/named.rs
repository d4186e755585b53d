//! Coordinates by the names of their variables.

use darwin_engine::{Kind as VariableKind, Problem, Space};
use serde_json::{Map, Value};

/// Coordinates by the names of their variables: words for categories, true or false for bools.
pub(crate) fn by_name(space: &Space, x: &[f64]) -> Map<String, Value> {
    let mut rest = x.iter();
    let mut named = Map::new();
    for variable in space.variables() {
        let mut one = || value_of(&variable.kind, rest.next().copied().unwrap_or_default());
        let value = match variable.length {
            None => one(),
            Some(length) => (0..length).map(|_| one()).collect(),
        };
        named.insert(variable.name.clone(), value);
    }
    named
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "decoded whole numbers are within 2^53, places in a list not negative"
)]
fn value_of(kind: &VariableKind, x: f64) -> Value {
    match kind {
        VariableKind::Int { .. } | VariableKind::Permutation => (x as i64).into(),
        VariableKind::Bool => (x > 0.5).into(),
        VariableKind::Cat { values } => values.get(x as usize).cloned().into(),
        _ => x.into(),
    }
}

/// What each coordinate is called in expressions; those of a built-in function `x[0]`, `x[1]`, ..
pub(crate) fn coordinates(problem: &Problem) -> Vec<String> {
    let Some(space) = problem.space() else {
        return (0..problem.bounds().dimension()).map(|place| format!("x[{place}]")).collect();
    };
    let mut names = Vec::new();
    for variable in space.variables() {
        match variable.length {
            None => names.push(variable.name.clone()),
            Some(length) => {
                names.extend((0..length).map(|place| format!("{}[{place}]", variable.name)));
            }
        }
    }
    names
}

/// What a coordinate is at a value: a word, a whole number, true or false.
pub(crate) fn value_at(problem: &Problem, coordinate: usize, x: f64) -> Value {
    let mut before = 0;
    for variable in problem.space().map_or(&[][..], Space::variables) {
        before += variable.length.unwrap_or(1);
        if coordinate < before {
            return value_of(&variable.kind, x);
        }
    }
    x.into()
}
