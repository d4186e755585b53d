//! Documents of this server: its language, and models to begin with.

use bayes_engine::language;
use mcp_core::prelude::*;

const LANGUAGE: &str = "bayes://language";

/// An example's document.
macro_rules! example {
    ($name:literal, $title:literal, $description:literal) => {
        (
            Resource {
                uri: concat!("bayes://examples/", $name),
                name: $name,
                title: $title,
                description: $description,
                mime_type: "text/x-stan",
            },
            include_str!(concat!("examples/", $name, ".stan")),
        )
    };
}

/// Models; the second line of each holds data that fit.
const EXAMPLES: &[(Resource, &str)] = &[
    example!("eight_schools", "Eight schools", "groups with known errors, non-centred"),
    example!("linear_regression", "Linear regression", "a line, predictors centred"),
    example!("robust_regression", "Robust regression", "outliers: Student-t errors"),
    example!("logistic_regression", "Logistic regression", "yes or no by predictors"),
    example!("count_regression", "Count regression", "overdispersed counts with exposure"),
    example!("varying_slopes", "Varying slopes", "intercepts and slopes by group, correlated"),
    example!("mixture", "Mixture", "two groups nobody labelled, as a density of its own"),
    example!("beta_binomial_groups", "Rates by group", "success rates that learn from each other"),
    example!("autoregression", "Autoregression", "a series, and its next values"),
    example!("gaussian_process", "Gaussian process", "a smooth curve of unknown shape"),
    example!("horseshoe", "Horseshoe", "many predictors of which few matter"),
];

const COUNT: usize = EXAMPLES.len() + 1;

/// All documents.
pub(crate) const ALL: &[Resource] = &all();

const fn all() -> [Resource; COUNT] {
    let mut list = [Resource {
        uri: LANGUAGE,
        name: "language",
        title: "The language",
        description: "What of Stan there is, what is refused, all functions and distributions",
        mime_type: "text/markdown",
    }; COUNT];
    let mut at = 0;
    while at < EXAMPLES.len() {
        list[at + 1] = EXAMPLES[at].0;
        at += 1;
    }
    list
}

pub(crate) fn read(uri: &str) -> Option<String> {
    if uri == LANGUAGE {
        let functions: Vec<&str> = language::functions().collect();
        return Some(include_str!("language.md").replace("{functions}", &functions.join(", ")));
    }
    EXAMPLES.iter().find(|(one, _)| one.uri == uri).map(|(_, text)| (*text).to_owned())
}

#[cfg(test)]
mod tests {
    use bayes_engine::language::{Model, parse};

    use super::*;

    /// Each is bound to the data it comes with, has a density, and says what is data and what prior.
    #[test]
    fn every_example_runs_on_its_data() {
        for (resource, text) in EXAMPLES {
            let line = text.lines().nth(1).and_then(|line| line.strip_prefix("// data: "));
            let values = serde_json::from_str(line.unwrap_or_default()).unwrap();
            let data = crate::tools::engine_data(values).unwrap();
            let program = parse(text).unwrap();
            let model = Model::bind(&program, text, &data, 1, &|| false)
                .unwrap_or_else(|error| panic!("{}: {error}", resource.name));
            let mut gradient = vec![0.0; model.dim()];
            let value = model.density().gradient(&vec![0.1; model.dim()], &mut gradient);
            assert!(value.is_some_and(f64::is_finite), "{}", resource.name);
            assert!(model.has_data_terms() && model.mixed_lines().is_empty(), "{}", resource.name);
            assert!(model.improper().is_empty(), "{}: {:?}", resource.name, model.improper());
            assert_eq!(read(resource.uri).as_deref(), Some(*text));
        }
        let language = read(LANGUAGE).unwrap();
        assert!(language.contains("cholesky_decompose") && !language.contains("{functions}"));
        assert_eq!(read("bayes://examples/none"), None);
    }
}
