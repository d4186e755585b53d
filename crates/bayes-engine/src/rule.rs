//! Bayes' rule over a finite set of hypotheses, and for a diagnostic test.

use crate::error::{self, Error, ErrorKind, Result};

/// How far the priors may be from 1 in sum before they are refused.
pub const PRIOR_TOLERANCE: f64 = 1e-6;

/// One hypothesis and how likely it makes each piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Probability before the evidence.
    pub prior: f64,
    /// Probability (or density) of each observation under it, independent given the hypothesis.
    pub likelihoods: Vec<f64>,
}

/// Belief after the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighing {
    /// Posterior probability of each hypothesis, in the order given; their sum is 1.
    pub posterior: Vec<f64>,
    /// Log of the probability of all evidence.
    pub ln_evidence: f64,
    /// `ln` of the likelihood of all evidence under each hypothesis against the first; infinite where
    /// one of the two is 0.
    pub ln_ratio: Vec<f64>,
}

/// Weighs hypotheses in log space: a thousand small likelihoods do not underflow.
///
/// Priors must sum to 1 within [`PRIOR_TOLERANCE`], or `normalize` says that they are relative weights.
pub fn weigh(hypotheses: &[Hypothesis], normalize: bool) -> Result<Weighing> {
    let total = check(hypotheses, normalize)?;
    let ln_likelihoods: Vec<f64> = hypotheses
        .iter()
        .map(|hypothesis| hypothesis.likelihoods.iter().map(|value| value.ln()).sum())
        .collect();
    let joint: Vec<f64> = hypotheses
        .iter()
        .zip(&ln_likelihoods)
        .map(|(hypothesis, ln)| (hypothesis.prior / total).ln() + ln)
        .collect();
    let highest = joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return Err(impossible("/hypotheses"));
    }
    let weights: Vec<f64> = joint.iter().map(|ln| (ln - highest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    Ok(Weighing {
        posterior: weights.iter().map(|weight| weight / sum).collect(),
        ln_evidence: highest + sum.ln(),
        ln_ratio: ln_likelihoods.iter().map(|ln| ln - ln_likelihoods[0]).collect(),
    })
}

fn impossible(path: &str) -> Error {
    Error::new(
        ErrorKind::Constraint,
        path,
        "the evidence has probability 0 under every hypothesis with a prior above 0",
    )
    .with_hint("give some hypothesis likelihoods above 0, or add one that explains the evidence")
}

/// Checks every value; the sum to divide priors by.
fn check(hypotheses: &[Hypothesis], normalize: bool) -> Result<f64> {
    if hypotheses.len() < 2 {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/hypotheses",
            format!("{} hypotheses are fewer than 2", hypotheses.len()),
        )
        .with_hint("add the alternative, for example its negation"));
    }
    let expected = hypotheses[0].likelihoods.len();
    for (index, hypothesis) in hypotheses.iter().enumerate() {
        let path = format!("/hypotheses/{index}");
        let prior = error::finite(&format!("{path}/prior"), hypothesis.prior)?;
        if prior < 0.0 || (prior > 1.0 && !normalize) {
            error::probability(&format!("{path}/prior"), prior)?;
        }
        if hypothesis.likelihoods.len() != expected {
            let found = hypothesis.likelihoods.len();
            return Err(Error::new(
                ErrorKind::Constraint,
                format!("{path}/likelihoods"),
                format!("{found} likelihoods where hypothesis 0 has {expected}"),
            )
            .with_hint("give each hypothesis one likelihood for every observation"));
        }
        for (position, value) in hypothesis.likelihoods.iter().enumerate() {
            likelihood(&format!("{path}/likelihoods/{position}"), *value)?;
        }
    }
    let total: f64 = hypotheses.iter().map(|hypothesis| hypothesis.prior).sum();
    if total <= 0.0 {
        return Err(Error::new(ErrorKind::Improper, "/hypotheses", "all priors are 0")
            .with_hint("give at least one hypothesis a prior above 0"));
    }
    if normalize {
        return error::finite("/hypotheses", total);
    }
    if (total - 1.0).abs() > PRIOR_TOLERANCE {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/hypotheses",
            format!("priors sum to {total}, not to 1 (tolerance {PRIOR_TOLERANCE:e})"),
        )
        .with_hint(
            "make the priors sum to 1, or set normalize to true to scale relative weights",
        ));
    }
    Ok(total)
}

fn likelihood(path: &str, value: f64) -> Result<f64> {
    if error::finite(path, value)? < 0.0 {
        return Err(Error::new(
            ErrorKind::Constraint,
            path,
            format!("likelihood = {value} is below 0"),
        )
        .with_hint("give the probability (or density) of the observation under the hypothesis"));
    }
    Ok(value)
}

/// A test for a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Probability of the condition before testing.
    pub prevalence: f64,
    /// Probability of a positive result with the condition.
    pub sensitivity: f64,
    /// Probability of a negative result without it.
    pub specificity: f64,
}

/// What results of a test say.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Probability of the condition after all results, equal to the prevalence when there are none.
    pub posterior: f64,
    /// Its complement, exact even where the posterior rounds to 1.
    pub absent: f64,
    /// Probability after each result in turn.
    pub path: Vec<f64>,
    /// Probability of the condition after one positive result; absent if none can be positive.
    pub ppv: Option<f64>,
    /// Probability of no condition after one negative result; absent if none can be negative.
    pub npv: Option<f64>,
    /// `sensitivity / (1 - specificity)`; absent when infinite or undefined.
    pub lr_positive: Option<f64>,
    /// `(1 - sensitivity) / specificity`; absent when infinite or undefined.
    pub lr_negative: Option<f64>,
    /// Log of the probability of all results.
    pub ln_evidence: f64,
}

/// Reads results (`true` = positive) of repeated tests, independent given the condition.
pub fn diagnose(test: Test, results: &[bool]) -> Result<Diagnosis> {
    let Test { prevalence, sensitivity, specificity } = test;
    error::probability("/test/prevalence", prevalence)?;
    error::probability("/test/sensitivity", sensitivity)?;
    error::probability("/test/specificity", specificity)?;
    let positive = [sensitivity, 1.0 - specificity];
    let negative = [1.0 - sensitivity, specificity];
    // [with, without] the condition, in logs
    let mut joint = [prevalence.ln(), (-prevalence).ln_1p()];
    let mut path = Vec::with_capacity(results.len());
    for (index, is_positive) in results.iter().enumerate() {
        let likelihood = if *is_positive { positive } else { negative };
        joint = [joint[0] + likelihood[0].ln(), joint[1] + likelihood[1].ln()];
        path.push(share(joint).ok_or_else(|| impossible(&format!("/test/results/{index}")))?);
    }
    let after = |[with, without]: [f64; 2]| {
        let (with, without) = (prevalence * with, (1.0 - prevalence) * without);
        (with + without > 0.0).then(|| (with / (with + without), without / (with + without)))
    };
    let ratio = |[with, without]: [f64; 2]| (without > 0.0).then(|| with / without);
    Ok(Diagnosis {
        posterior: path.last().copied().unwrap_or(prevalence),
        absent: share([joint[1], joint[0]]).unwrap_or(1.0 - prevalence),
        path,
        ppv: after(positive).map(|(with, _)| with),
        npv: after(negative).map(|(_, without)| without),
        lr_positive: ratio(positive),
        lr_negative: ratio(negative),
        ln_evidence: ln_sum(joint),
    })
}

/// `e^a / (e^a + e^b)`; none when both are zero.
fn share([a, b]: [f64; 2]) -> Option<f64> {
    (a > f64::NEG_INFINITY || b > f64::NEG_INFINITY).then(|| 1.0 / (1.0 + (b - a).exp()))
}

fn ln_sum([a, b]: [f64; 2]) -> f64 {
    let high = a.max(b);
    if high == f64::NEG_INFINITY { high } else { high + (-(a - b).abs()).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_positive_mammogram_is_one_in_six() {
        let test = Test { prevalence: 0.01, sensitivity: 0.99, specificity: 0.95 };
        let diagnosis = diagnose(test, &[true]).expect("valid");
        let ppv = diagnosis.ppv.expect("defined");
        assert!((ppv * 6.0 - 1.0).abs() < 2e-15, "{ppv}");
        assert!((diagnosis.posterior * 6.0 - 1.0).abs() < 2e-15);
        assert!((diagnosis.ln_evidence - 0.0594_f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn likelihoods_far_below_the_smallest_number_are_weighed() {
        let hypotheses = [
            Hypothesis { prior: 0.5, likelihoods: vec![1e-300; 1000] },
            Hypothesis { prior: 0.5, likelihoods: [vec![1e-300; 999], vec![3e-300]].concat() },
        ];
        let weighing = weigh(&hypotheses, false).expect("valid");
        assert!((weighing.posterior[1] - 0.75).abs() < 1e-9, "{weighing:?}");
    }

    #[test]
    fn certain_beliefs_stay_certain_and_impossible_evidence_is_refused() {
        let sure = Test { prevalence: 0.0, sensitivity: 0.9, specificity: 0.9 };
        assert!(diagnose(sure, &[true]).expect("valid").posterior <= 0.0);
        let perfect = Test { prevalence: 0.0, sensitivity: 0.9, specificity: 1.0 };
        let error = diagnose(perfect, &[false, true]).expect_err("cannot be positive");
        assert_eq!(error.path, "/test/results/1");
        assert_eq!(diagnose(perfect, &[]).expect("valid").ppv, None);
    }

    #[test]
    fn priors_are_scaled_only_when_asked() {
        let hypotheses: Vec<_> =
            [2.0, 6.0].map(|prior| Hypothesis { prior, likelihoods: vec![1.0] }).into();
        assert_eq!(weigh(&hypotheses, false).expect_err("not 1").path, "/hypotheses/0/prior");
        let posterior = weigh(&hypotheses, true).expect("weights").posterior;
        assert!((posterior[1] - 0.75).abs() < 1e-15, "{posterior:?}");
    }
}
