//! The distributions that conjugate updates speak of.

mod continuous;
mod discrete;

pub use continuous::{Beta, Gamma, InverseGamma, Normal, StudentT};
pub(crate) use discrete::ln_beta_binomial;
pub use discrete::{BetaBinomial, NegativeBinomial};
