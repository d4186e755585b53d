#![doc = include_str!("../README.md")]

mod config;
mod data;
mod error;
mod job;
mod label;
mod plot;
mod prompt;
mod resource;
mod run;
mod server;
mod store;
mod tools;

pub use config::Config;
pub use error::Error;
pub use server::Server;
