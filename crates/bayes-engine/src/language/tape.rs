//! A straight-line program of array steps with its reverse sweep.
//!
//! Everything lies in one arena: free parameters, then what the steps compute, then constants. A value is
//! a list of cells, so indexing, slicing, reshaping and assignment cost nothing when the tape runs. Equal
//! scalar steps on the same level become one array step: a loop over observations runs as fast as the
//! vectorised statement.

mod affine;
mod builder;
mod density;
mod design;
mod fuse;
mod kernel;
mod linear;
mod op;
mod quadratic;
mod run;
mod schedule;
mod total;

pub(crate) use builder::{Builder, Cell, Step};
pub(crate) use fuse::fused;
pub(crate) use linear::{cholesky, product, solve_lower, solve_upper_transposed};
pub(crate) use op::Op;
pub(crate) use run::{Tape, Workspace};
pub(crate) use schedule::tape;

/// Most steps of a tape.
pub(crate) const MAX_STEPS: usize = 2_000_000;
