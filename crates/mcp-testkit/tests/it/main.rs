//! The parts of the shared suite that suit the fixture: it keeps sessions, declares everything, and
//! its tools take any argument. The official suite speaks for the rest.

mod cache;
mod canary;
mod confirm;
mod drain;
mod figures;
mod image;
mod observability;
mod peer;
mod refused;
mod stale;
mod start;
mod task;
mod traced;

use mcp_core::pipeline::catalogue::Catalogue;
use mcp_testkit::{
    everything::Everything,
    in_process::all_tools,
    suite::{command_line, drive, fault, rest, seeing, stdio},
};

/// The one tool that every server has from the core; the servers' snapshots leave it out.
#[test]
fn the_shared_tool_matches_the_snapshot() {
    let catalogue = Catalogue::new::<Everything>(&all_tools()).expect("every schema compiles");
    let tool = catalogue.tool(mcp_core::status::TOOL).expect("it is in the set `all`");
    mcp_testkit::insta::assert_json_snapshot!("shared_tool", tool);
}

macro_rules! shared {
    ($($module:ident::$name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                drive($module::$name::<Everything>());
            }
        )+
    };
}

shared! {
    stdio::x1_discover_and_call,
    stdio::x3_both_eras_on_one_connection,
    stdio::x4_stdout_is_protocol_only_at_every_log_level,
    stdio::x5_garbage_does_not_stop_it,
    stdio::x7_end_of_input_and_signals,
    stdio::x9_each_id_gets_one_answer,
    stdio::x10_without_metadata_an_answer_not_a_hang,
    fault::x6_a_cancelled_call_is_silent,
    fault::x8_a_panic_is_an_answer_on_both_transports,
    fault::a_call_past_its_deadline_is_answered,
    fault::a_result_too_large_says_how_to_ask_for_less,
    fault::a_client_that_leaves_stops_the_work,
    fault::faults_are_problems_over_plain_http,
    rest::tools_are_served_over_plain_http,
    rest::plain_http_requests_are_checked,
    rest::the_api_description_is_valid,
    seeing::status_is_the_same_by_every_door,
    seeing::the_log_level_changes_at_run_time,
    command_line::tools_config_version,
    command_line::mistakes_are_named,
    command_line::a_busy_port_is_named,
}

mcp_testkit::attacks!(mcp_testkit::everything::Everything);
