//! Tests of the whole server.

mod crash;
mod documents;
mod graph;
mod network;
mod process;
mod scene;
mod tools;

mcp_testkit::suite!(machina_ptolemies::Server);
mcp_testkit::attacks!(machina_ptolemies::Server, scene::SCENE);
