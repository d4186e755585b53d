//! Everything that needs the whole server.

mod generated;
mod kill;
mod python;
mod rust;
mod speed;
mod tools;
mod typescript;

mcp_testkit::suite!(machina_scaffold::Server);
mcp_testkit::attacks!(machina_scaffold::Server);
