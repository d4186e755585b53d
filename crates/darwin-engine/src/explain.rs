//! What can be told of a run from what it found: how it gained, and what lies around its best point.

mod neighbourhood;
mod progress;

pub use neighbourhood::{Axis, Better, Neighbourhood, Wall, look_around, walls};
pub use progress::{Progress, Step, progress};
