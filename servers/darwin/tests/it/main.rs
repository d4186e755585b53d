//! Tests of the server as a whole.

mod define;
mod explain;
mod files;
mod fit;
mod kill;
mod lab;
mod runs;
mod scene;
mod task;
mod tools;
mod trials;

mcp_testkit::suite!(machina_darwin::Server);
mcp_testkit::attacks!(machina_darwin::Server, scene::SCENE);
