#![doc = include_str!("../README.md")]

mod config;
mod server;
mod tools;

mod client;
mod envelope;
mod error;
mod filter;
mod form;
mod key;
mod listing;
mod money;
mod present;
mod privacy;
mod projection;
mod resource;

pub use config::Config;
pub use error::Error;
pub use server::Server;
