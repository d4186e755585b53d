//! Tests of the whole server: the fleet's suite, engine doubles, a real engine.

mod scene;
mod tools;
mod upstream;

mcp_testkit::suite!(machina_docker::Server);
mcp_testkit::attacks!(machina_docker::Server, scene::SCENE);
