//! Tests of the whole server: the fleet's suite, then every tool through the pipeline.

mod compare;
mod data;
mod distribution;
mod evidence;
mod model;
mod repair;
mod restart;
mod run;
mod scene;
mod support;
mod task;
mod tools;
mod workflow;

mcp_testkit::suite!(machina_bayes::Server);
mcp_testkit::attacks!(machina_bayes::Server, scene::SCENE);
