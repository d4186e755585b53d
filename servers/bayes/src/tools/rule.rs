//! `apply_bayes_rule`.

use bayes_engine::rule::{self, Diagnosis, Hypothesis, Test, Weighing};
use mcp_core::prelude::*;

use super::engine_version;
use crate::{Error, Server, label::label};

/// Either hypotheses or a test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleArgs {
    /// Competing explanations, exhaustive and exclusive. Or give `test`.
    #[schemars(length(min = 2, max = 100))]
    hypotheses: Option<Vec<HypothesisArg>>,
    /// A diagnostic test for a condition. Or give `hypotheses`.
    test: Option<TestArg>,
    /// Priors are relative weights; otherwise they must sum to 1 within 1e-6.
    #[serde(default)]
    normalize: bool,
}

/// One explanation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HypothesisArg {
    /// Default h0, h1, ..
    #[schemars(length(max = 64))]
    name: Option<String>,
    /// Probability before the evidence.
    #[schemars(range(min = 0.0))]
    prior: f64,
    /// Probability (or density) of each observation under it, independent given it.
    #[schemars(length(max = 1000), inner(range(min = 0.0)))]
    likelihoods: Vec<f64>,
}

/// A diagnostic test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TestArg {
    /// P(condition) before testing.
    #[schemars(range(min = 0.0, max = 1.0))]
    prevalence: f64,
    /// P(positive | condition).
    #[schemars(range(min = 0.0, max = 1.0))]
    sensitivity: f64,
    /// P(negative | no condition).
    #[schemars(range(min = 0.0, max = 1.0))]
    specificity: f64,
    /// Results seen, in order, independent given the condition.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    results: Vec<Outcome>,
}

/// A test result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Positive,
    Negative,
}

/// Beliefs after the evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RuleOutput {
    /// In the order given; of a test: `condition`, `no_condition`.
    posterior: Vec<Posterior>,
    /// Natural log of the probability of all evidence.
    log_evidence: f64,
    /// P(condition) after each of several results.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_each: Option<Vec<f64>>,
    /// P(condition | one positive).
    #[serde(skip_serializing_if = "Option::is_none")]
    ppv: Option<f64>,
    /// P(no condition | one negative).
    #[serde(skip_serializing_if = "Option::is_none")]
    npv: Option<f64>,
    /// Likelihood ratio of a positive result; absent when infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    lr_positive: Option<f64>,
    /// Likelihood ratio of a negative result; absent when infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    lr_negative: Option<f64>,
    /// Whether the figures can be used as they are.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

/// Belief in one hypothesis.
#[derive(Debug, Serialize, JsonSchema)]
struct Posterior {
    /// Its name.
    name: String,
    /// Posterior probability.
    probability: f64,
    /// Natural log of the likelihood of all evidence against the first hypothesis; absent when infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_lr: Option<f64>,
}

#[tool_router(router = rule_tools, vis = "pub(crate)")]
impl Server {
    /// Update probabilities by Bayes' rule: weigh competing hypotheses by their likelihoods, or read the
    /// results of a diagnostic test (PPV, NPV, likelihood ratios). Works in logs, so many small
    /// likelihoods do not underflow.
    #[tool(
        title = "Apply Bayes' rule",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn apply_bayes_rule(
        &self,
        Parameters(args): Parameters<RuleArgs>,
    ) -> Result<Json<RuleOutput>> {
        Ok(Json(args.answer()?))
    }
}

impl RuleArgs {
    fn answer(self) -> Result<RuleOutput, Error> {
        match (self.hypotheses, self.test) {
            (Some(hypotheses), None) => weigh(hypotheses, self.normalize),
            (None, Some(test)) => diagnose(&test),
            (hypotheses, _) => Err(Error::OneOf {
                given: if hypotheses.is_some() { "both" } else { "none" },
                first: "hypotheses",
                second: "test",
                path: "",
            }),
        }
    }
}

fn weigh(given: Vec<HypothesisArg>, normalize: bool) -> Result<RuleOutput, Error> {
    let (names, hypotheses): (Vec<_>, Vec<_>) = given
        .into_iter()
        .enumerate()
        .map(|(index, HypothesisArg { name, prior, likelihoods })| {
            (label(name, || format!("h{index}")), Hypothesis { prior, likelihoods })
        })
        .unzip();
    let Weighing { posterior, ln_evidence, ln_ratio } = rule::weigh(&hypotheses, normalize)?;
    let posterior = names
        .into_iter()
        .zip(posterior)
        .zip(ln_ratio)
        .map(|((name, probability), ratio)| Posterior {
            name,
            probability,
            log_lr: Some(ratio).filter(|ratio| ratio.is_finite()),
        })
        .collect();
    Ok(RuleOutput::new(posterior, ln_evidence))
}

fn diagnose(given: &TestArg) -> Result<RuleOutput, Error> {
    let &TestArg { prevalence, sensitivity, specificity, ref results } = given;
    let results: Vec<bool> = results.iter().map(|result| *result == Outcome::Positive).collect();
    let Diagnosis { posterior, absent, path, ppv, npv, lr_positive, lr_negative, ln_evidence } =
        rule::diagnose(Test { prevalence, sensitivity, specificity }, &results)?;
    let belief =
        |name: &str, probability| Posterior { name: name.to_owned(), probability, log_lr: None };
    let beliefs = vec![belief("condition", posterior), belief("no_condition", absent)];
    let mut output = RuleOutput {
        after_each: Some(path).filter(|path| path.len() > 1),
        ppv,
        npv,
        lr_positive,
        lr_negative,
        ..RuleOutput::new(beliefs, ln_evidence)
    };
    if sensitivity + specificity < 1.0 {
        output.reasons.push(
            "inverted_test: sensitivity + specificity is below 1, a positive result speaks against \
             the condition; check that they are not exchanged"
                .to_owned(),
        );
    }
    Ok(output)
}

impl RuleOutput {
    fn new(posterior: Vec<Posterior>, log_evidence: f64) -> Self {
        Self {
            posterior,
            log_evidence,
            after_each: None,
            ppv: None,
            npv: None,
            lr_positive: None,
            lr_negative: None,
            reliable: true,
            reasons: Vec::new(),
            engine_version: engine_version(),
        }
    }
}
