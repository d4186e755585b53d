//! Tests of the server as a whole.

mod fake;
mod mock;
mod pages;
mod scene;
mod session;
mod tools;
mod upstream;

mcp_testkit::suite!(machina_stripe::Server);
mcp_testkit::attacks!(machina_stripe::Server, scene::SCENE);
