//! How a run holds its problem.

use std::{ops::Deref, sync::Arc};

use super::Problem;

/// A problem that is borrowed, or shared with others so that a run may outlive its maker.
#[derive(Debug, Clone)]
pub enum ProblemRef<'p> {
    /// Another's.
    Borrowed(&'p Problem),
    /// Everyone's who holds it.
    Shared(Arc<Problem>),
}

impl Deref for ProblemRef<'_> {
    type Target = Problem;

    fn deref(&self) -> &Problem {
        match self {
            Self::Borrowed(problem) => problem,
            Self::Shared(problem) => problem,
        }
    }
}

impl<'p> From<&'p Problem> for ProblemRef<'p> {
    fn from(problem: &'p Problem) -> Self {
        Self::Borrowed(problem)
    }
}

impl From<Arc<Problem>> for ProblemRef<'_> {
    fn from(problem: Arc<Problem>) -> Self {
        Self::Shared(problem)
    }
}
