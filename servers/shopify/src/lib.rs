#![doc = include_str!("../README.md")]

mod server;
mod tools;

mod client;
mod config;
mod envelope;
mod error;
mod extra;
mod gid;
mod operation;
mod product;
mod shop;
mod text;
mod variant;

pub use config::Config;
pub use error::Error;
pub use server::Server;
