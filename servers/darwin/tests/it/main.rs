//! Tests of the server as a whole.

mod chart;
mod computed;
mod define;
mod elites;
mod explain;
mod files;
mod fit;
mod front;
mod kill;
mod lab;
mod population;
mod runs;
mod scene;
mod task;
mod template;
mod tools;
mod trials;

mcp_testkit::suite!(machina_darwin::Server);
mcp_testkit::attacks!(machina_darwin::Server, scene::SCENE);
