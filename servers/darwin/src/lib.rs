#![doc = include_str!("../README.md")]

mod config;
mod error;
mod server;
mod tools;

mod controls;
mod data;
mod files;
mod job;
mod plot;
mod pool;
mod problem;
mod quota;
mod run;
mod seed;
mod wasm;

pub use config::Config;
pub use error::Error;
pub use server::Server;
