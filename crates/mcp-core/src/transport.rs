//! How messages come in and answers go out.

pub mod hosts;
pub mod http;
pub mod local;
pub mod stdio;
