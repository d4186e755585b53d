//! How messages come in and answers go out.

pub mod hosts;
pub mod http;
pub mod local;
mod rest;
pub mod stdio;
mod why;
