#![doc = include_str!("../README.md")]

mod config;
mod error;
mod label;
mod server;
mod tools;

pub use config::Config;
pub use error::Error;
pub use server::Server;
