#![doc = include_str!("../README.md")]

mod config;
mod error;
mod server;

mod tools;

mod knowledge;
mod plan;

mod catalog;
mod document;
mod graph;
mod store;

mod memory;
mod moment;
mod text;

pub use config::Config;
pub use error::{Error, Quota};
pub use server::Server;
