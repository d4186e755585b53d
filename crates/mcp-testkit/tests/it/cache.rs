//! The response cache, through the whole pipeline.

use mcp_testkit::suite::drive;
use serde_json::{Value, json};

use crate::peer::{Client, Peer, ask_as, failure, in_process, text};

const READ: &str = "test_register_read";
const WRITE: &str = "test_register_write";

fn mark(answer: &Value) -> &str {
    answer["result"]["_meta"]["machina/cache"].as_str().unwrap_or("none")
}

#[test]
fn answers_are_kept_until_something_is_written() {
    drive(async {
        for mut peer in Peer::both().await? {
            let mut call = async |tool: &str, arguments: Value| {
                peer.call(Client::Plain, tool, &arguments, &json!({})).await
            };
            let first = call(READ, json!({})).await?;
            let second = call(READ, json!({})).await?;
            assert_eq!((mark(&first), mark(&second)), ("miss", "hit"), "{first} {second}");
            assert_eq!((text(&first), text(&second)), ("0 after 1", "0 after 1"));
            assert_eq!(mark(&call(READ, json!({"label": "x"})).await?), "miss");
            let wrong = call(READ, json!({"labels": "x"})).await?;
            assert_eq!(
                (failure(&wrong)["code"].as_str(), mark(&wrong)),
                (Some("invalid_argument"), "none")
            );
            let written = call(WRITE, json!({"number": 5})).await?;
            assert_eq!((text(&written), mark(&written)), ("written", "none"));
            let third = call(READ, json!({})).await?;
            assert_eq!((mark(&third), text(&third)), ("miss", "5 after 3"));
        }
        Ok(())
    });
}

#[test]
fn every_read_after_a_write_sees_it() {
    drive(async {
        let fixture = in_process().await?;
        let call = async |tool: &str, arguments: Value| {
            let params = json!({"name": tool, "arguments": arguments});
            ask_as(&fixture, "a", Client::Plain, "tools/call", &params).await
        };
        for number in 0..500 {
            assert_eq!(text(&call(WRITE, json!({"number": number})).await), "written");
            for expected in ["miss", "hit"] {
                let read = call(READ, json!({})).await;
                assert_eq!(mark(&read), expected, "{read}");
                assert!(text(&read).starts_with(&format!("{number} ")), "{read}");
            }
        }
        let metrics = fixture.guarded().metrics().encode();
        for result in ["hit", "miss"] {
            let line = format!(
                "machina_cache_total{{gen_ai_tool_name=\"{READ}\",result=\"{result}\"}} 500"
            );
            assert!(metrics.contains(&line), "{metrics}");
        }
        Ok(())
    });
}

#[test]
fn nobody_gets_an_answer_kept_for_another() {
    drive(async {
        let fixture = in_process().await?;
        let params = json!({"name": READ, "arguments": {}});
        for who in ["a", "b", "c"] {
            let read = ask_as(&fixture, who, Client::Plain, "tools/call", &params).await;
            assert_eq!(mark(&read), "miss", "{who}: {read}");
        }
        let read = ask_as(&fixture, "b", Client::Plain, "tools/call", &params).await;
        assert_eq!((mark(&read), text(&read)), ("hit", "0 after 2"));
        Ok(())
    });
}
