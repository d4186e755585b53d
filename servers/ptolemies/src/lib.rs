#![doc = include_str!("../README.md")]

mod backup;
mod config;
mod error;
mod server;
mod shared;
mod space;

mod tools;

mod jobs;
mod knowledge;
mod plan;

mod catalog;
mod document;
mod graph;
mod guard;
mod neo4j;
mod query;
mod receipt;
mod record;
mod store;

mod memory;
mod moment;
mod text;
mod web;

pub use config::Config;
pub use error::{Error, Quota};
pub use shared::Shared as Server;
pub use space::{Access, Allowance};
