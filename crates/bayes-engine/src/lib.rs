//! Bayesian inference, pure: no I/O, no clock, no threads.
//!
//! [`rule`] weighs hypotheses, [`conjugate`] updates closed-form models, [`ab`] compares success rates.
//! [`compare`] tests groups by Bayes factors. [`elicit`] and [`fit`] find members of the families in [`distribution`], [`sample`] draws from them.
//! [`language`] reads models, [`sampler`] draws from them, [`posterior`] keeps the draws, [`diagnose`] judges them
//! [`elpd`] says how well a model foretells and [`evidence`] how probable it made the data.
//! All stand on [`special`], whose functions are relatively exact in both tails. Everything is a
//! function of its arguments; long work takes a closure that says whether the caller gave up.
#![expect(
    clippy::cast_precision_loss,
    clippy::many_single_char_names,
    reason = "formulas keep the letters of their papers; counts stay below 2^53"
)]

pub mod ab;
pub mod approximate;
pub mod calibrate;
pub mod check;
pub mod compare;
pub mod conjugate;
pub mod diagnose;
pub mod distribution;
pub mod elicit;
pub mod elpd;
mod error;
pub mod evidence;
pub mod fit;
mod interval;
pub mod language;
mod optimize;
pub mod posterior;
pub mod psis;
mod quadrature;
pub mod regression;
mod root;
pub mod rule;
pub mod sample;
pub mod sampler;
pub mod special;

pub use error::{Error, ErrorKind, Result, SHAPE_RANGE};
pub use interval::Summary;

/// Version of the algorithms; it changes whenever a figure may.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
