#![doc = include_str!("../README.md")]

mod config;
mod create;
mod error;
#[cfg(test)]
mod injection;
mod literal;
mod name;
mod plan;
mod project;
mod render;
mod sample;
mod schema;
mod server;
mod spec;
mod template;
mod tools;

pub use config::Config;
pub use error::Error;
pub use server::Server;
