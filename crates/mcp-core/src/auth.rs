//! Who calls, and how far they may go.

mod principal;

pub use principal::{Principal, Scope};
