//! Tests of the whole server: the fleet's suite, then every tool through the pipeline.

mod tools;

mcp_testkit::suite!(machina_bayes::Server);
mcp_testkit::attacks!(machina_bayes::Server);
