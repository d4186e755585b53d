//! Tests of the server as a whole.

mod kill;
mod runs;
mod tools;

mcp_testkit::suite!(machina_darwin::Server);
mcp_testkit::attacks!(machina_darwin::Server);
