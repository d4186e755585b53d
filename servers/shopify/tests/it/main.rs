//! The shared suite, and this server against the twin.

mod scene;
mod support;
mod tools;
mod upstream;

mcp_testkit::suite!(machina_shopify::Server);
mcp_testkit::attacks!(machina_shopify::Server, scene::SCENE);
