//! Tests of the whole server.

mod crash;
mod documents;
mod graph;
mod house;
mod jobs;
mod leaks;
mod neo4j;
mod network;
mod operate;
mod process;
mod proxy;
mod query;
mod receipts;
mod scene;
mod shared;
mod spaces;
mod storm;
mod tools;
mod transfer;

mcp_testkit::suite!(machina_ptolemies::Server);
mcp_testkit::attacks!(machina_ptolemies::Server, scene::SCENE);
