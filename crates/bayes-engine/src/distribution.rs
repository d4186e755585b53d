//! Distributions: a library by name, and those that conjugate updates speak of.
//!
//! [`Distribution`] is a member of one of [`FAMILIES`]. Both tails are relatively exact, so that
//! `P(X > x)` of 1e-200 has as many digits as one of 0.5.

mod bounded;
mod continuous;
mod count;
mod discrete;
mod family;
mod law;
mod named;
mod numeric;
mod positive;
mod real;
mod unknowns;

pub use continuous::{Beta, Gamma, InverseGamma, Normal, StudentT};
pub use discrete::{BetaBinomial, NegativeBinomial};
pub(crate) use discrete::{ln_beta_binomial, ln_binomial};
pub use family::{FAMILIES, Family, Role};
pub use law::Moments;
pub use named::Distribution;
pub(crate) use unknowns::Unknowns;
