//! The suite that every server passes: definitions, stdio (X1–X12), HTTP (the probes G1–G22 that
//! need no identity), command line.

pub mod command_line;
pub mod definition;
pub mod fault;
pub mod http;
pub mod rest;
pub mod seeing;
pub mod stdio;
pub mod ways;

/// All shared tests of a server. Call it once, in `tests/it/main.rs`.
///
/// The snapshot of the definitions is kept beside the caller.
#[macro_export]
macro_rules! suite {
    ($server:ty) => {
        mod suite {
            #[test]
            fn definitions_are_complete() {
                $crate::suite::definition::complete::<$server>();
            }

            #[test]
            fn definitions_match_the_snapshot() {
                let definitions = $crate::suite::definition::all::<$server>();
                $crate::insta::with_settings!({prepend_module_to_snapshot => false}, {
                    $crate::insta::assert_json_snapshot!("definitions", definitions);
                });
            }

            $crate::__suite_tests! { $server;
                definition: prompts_and_documents_are_served, arguments_are_checked, first_tool_is_safe_without_arguments,
                    a_name_that_is_not_on_offer_is_repaired;
                stdio: x1_discover_and_call, x2_initialize_at_each_older_revision, x3_both_eras_on_one_connection,
                    x4_stdout_is_protocol_only_at_every_log_level, x5_garbage_does_not_stop_it, x7_end_of_input_and_signals,
                    x9_each_id_gets_one_answer, x10_without_metadata_an_answer_not_a_hang, x11_same_tools_everywhere;
                fault: x6_a_cancelled_call_is_silent, x8_a_panic_is_an_answer_on_both_transports, a_call_past_its_deadline_is_answered,
                    a_result_too_large_says_how_to_ask_for_less, a_client_that_leaves_stops_the_work,
                    faults_are_problems_over_plain_http;
                http: hosts_and_origins_are_checked, envelopes_are_checked, content_types_are_negotiated, sizes_are_bounded,
                    undeclared_methods_are_refused, both_eras_answer_on_one_endpoint, answers_name_the_server_and_may_be_kept,
                    health_readiness_and_metrics, a_signal_lets_calls_end;
                ways: both_ways_of_a_call_answer_alike;
                rest: tools_are_served_over_plain_http, plain_http_requests_are_checked, the_api_description_is_valid;
                seeing: every_call_leaves_one_audit_line, status_is_the_same_by_every_door, the_log_level_changes_at_run_time,
                    foreign_text_is_one_escaped_line_and_no_series;
                command_line: tools_config_version, mistakes_are_named, calls_from_the_shell, a_busy_port_is_named;
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __suite_tests {
    ($server:ty; $($module:ident: $($name:ident),+;)+) => {
        $($(
            #[test]
            fn $name() {
                $crate::suite::drive($crate::suite::$module::$name::<$server>());
            }
        )+)+
    };
}

/// Run one test on a runtime of its own.
///
/// # Panics
/// When the test fails.
pub fn drive(test: impl Future<Output = crate::TestResult>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome = runtime.expect("a runtime").block_on(test);
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Fail with a message unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+).into());
        }
    };
}
