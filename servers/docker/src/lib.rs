#![doc = include_str!("../README.md")]

mod config;
mod error;
mod server;
mod tools;

mod detail;
mod engine;
mod listing;
mod log;
mod pattern;
mod redaction;
mod timestamp;
mod usage;
mod wait;

pub use config::Config;
pub use error::Error;
pub use server::Server;
