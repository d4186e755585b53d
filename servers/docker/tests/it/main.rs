//! Tests of the whole server: the fleet's suite, engine doubles, a real engine.

mod tools;
mod upstream;

mcp_testkit::suite!(machina_docker::Server);
mcp_testkit::attacks!(machina_docker::Server);
