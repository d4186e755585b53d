//! Confirmation of a call that destroys something, both ways, on both transports.

use mcp_testkit::{TestResult, suite::drive};
use serde_json::{Value, json};

use crate::peer::{Client, Peer, ask_as, failure, in_process, text};

const RESET: &str = "test_register_reset";

async fn write(peer: &mut Peer, number: u64) -> TestResult {
    let arguments = json!({"number": number});
    let written = peer.call(Client::Plain, "test_register_write", &arguments, &json!({})).await?;
    assert_eq!(text(&written), "written");
    Ok(())
}

async fn holds(peer: &mut Peer, number: u64) -> TestResult {
    let read = peer.call(Client::Plain, "test_register_read", &json!({}), &json!({})).await?;
    assert!(text(&read).starts_with(&format!("{number} ")), "{read}");
    Ok(())
}

#[test]
fn a_token_confirms_one_call_once() {
    drive(async {
        for mut peer in Peer::both().await? {
            write(&mut peer, 7).await?;
            let asked = peer.call(Client::Plain, RESET, &json!({}), &json!({})).await?;
            let asked = failure(&asked);
            assert_eq!(asked["code"], "confirmation_required", "{asked}");
            assert_eq!(asked["details"]["effect"], "forget 7");
            let token = asked["details"]["confirm_token"].as_str().unwrap_or_default().to_owned();
            let with = |token: &str, extra: Value| {
                let mut arguments = extra;
                arguments["confirm_token"] = token.into();
                arguments
            };
            let changed = token.replacen('A', "B", 1);
            write(&mut peer, 8).await?;
            for (arguments, code) in [
                (with(&changed, json!({})), "confirmation_invalid"),
                (with("", json!({})), "confirmation_invalid"),
                (with(&token, json!({})), "confirmation_invalid"), // the number is another
                (with(&token, json!({"x": 1})), "confirmation_invalid"),
            ] {
                let refused = peer.call(Client::Plain, RESET, &arguments, &json!({})).await?;
                assert_eq!(failure(&refused)["code"], code, "{refused}");
                assert!(failure(&refused)["hint"].is_string());
            }
            holds(&mut peer, 8).await?;
            write(&mut peer, 7).await?;
            let confirmed = with(&token, json!({}));
            let done = peer.call(Client::Plain, RESET, &confirmed, &json!({})).await?;
            assert_eq!(text(&done), "reset, token unseen: true", "{done}");
            holds(&mut peer, 0).await?;
            write(&mut peer, 7).await?;
            let again = peer.call(Client::Plain, RESET, &confirmed, &json!({})).await?;
            assert_eq!(failure(&again)["code"], "confirmation_used", "{again}");
            holds(&mut peer, 7).await?;
        }
        Ok(())
    });
}

fn answered(answer: &Value, state: &str) -> Value {
    json!({"requestState": state, "inputResponses": {"confirm": answer, "never_asked": {"x": 1}}})
}

#[test]
fn a_user_confirms_one_call_once() {
    let yes = || json!({"action": "accept", "content": {"confirm": true}});
    drive(async {
        for mut peer in Peer::both().await? {
            write(&mut peer, 7).await?;
            let asked = peer.call(Client::Elicits, RESET, &json!({}), &json!({})).await?;
            let result = &asked["result"];
            assert_eq!(result["resultType"], "input_required", "{asked}");
            let form = &result["inputRequests"]["confirm"]["params"];
            assert_eq!(form["message"], "Confirm: forget 7");
            let state = result["requestState"].as_str().unwrap_or_default().to_owned();
            // No answer, or none that fits: asked again.
            for nothing in [json!(null), json!("yes"), json!({"action": "accept"})] {
                let more = answered(&nothing, &state);
                let again = peer.call(Client::Elicits, RESET, &json!({}), &more).await?;
                assert_eq!(again["result"]["resultType"], "input_required", "{again}");
            }
            for (arguments, state) in [
                (json!({}), state.replacen('A', "B", 1)),
                (json!({"x": 1}), state.clone()),
                (json!({}), "x".repeat(1_000_000)),
            ] {
                let more = answered(&yes(), &state);
                let refused = peer.call(Client::Elicits, RESET, &arguments, &more).await?;
                assert_eq!(refused["error"]["code"], -32_602, "{refused}");
                assert_eq!(failure(&refused)["code"], "confirmation_invalid");
            }
            holds(&mut peer, 7).await?;
            // A state confirms nothing as an argument.
            let arguments = json!({"confirm_token": state});
            let refused = peer.call(Client::Elicits, RESET, &arguments, &json!({})).await?;
            assert_eq!(failure(&refused)["code"], "confirmation_invalid");
            let done =
                peer.call(Client::Elicits, RESET, &json!({}), &answered(&yes(), &state)).await?;
            assert!(text(&done).starts_with("reset"), "{done}");
            write(&mut peer, 7).await?;
            let again =
                peer.call(Client::Elicits, RESET, &json!({}), &answered(&yes(), &state)).await?;
            assert_eq!(failure(&again)["code"], "confirmation_used", "{again}");
            let asked = peer.call(Client::Elicits, RESET, &json!({}), &json!({})).await?;
            let state = asked["result"]["requestState"].as_str().unwrap_or_default();
            let no = answered(&json!({"action": "decline"}), state);
            let declined = peer.call(Client::Elicits, RESET, &json!({}), &no).await?;
            assert_eq!(failure(&declined)["code"], "confirmation_declined", "{declined}");
            holds(&mut peer, 7).await?;
        }
        Ok(())
    });
}

#[test]
fn a_confirmation_of_one_caller_is_nothing_to_another() {
    drive(async {
        let fixture = in_process().await?;
        let call = async |who: &str, client, more: Value| {
            let mut params = more;
            params["name"] = RESET.into();
            ask_as(&fixture, who, client, "tools/call", &params).await
        };
        let asked = call("a", Client::Plain, json!({})).await;
        let token = failure(&asked)["details"]["confirm_token"].clone();
        let with_token = || json!({"arguments": {"confirm_token": token}});
        let refused = call("b", Client::Plain, with_token()).await;
        assert_eq!(failure(&refused)["code"], "confirmation_invalid", "{refused}");
        assert!(text(&call("a", Client::Plain, with_token()).await).starts_with("reset"));

        let asked = call("a", Client::Elicits, json!({})).await;
        let state = asked["result"]["requestState"].as_str().unwrap_or_default();
        let yes = json!({"action": "accept", "content": {"confirm": true}});
        let refused = call("b", Client::Elicits, answered(&yes, state)).await;
        assert_eq!(refused["error"]["code"], -32_602, "{refused}");
        assert!(
            text(&call("a", Client::Elicits, answered(&yes, state)).await).starts_with("reset")
        );
        Ok(())
    });
}

#[test]
fn only_a_tool_that_asks_advertises_the_token() {
    drive(async {
        let fixture = in_process().await?;
        for tool in fixture.guarded().catalogue().tools() {
            let properties = tool.input_schema.get("properties");
            let has = properties.is_some_and(|names| names.get("confirm_token").is_some());
            assert_eq!(has, tool.name == RESET, "{}", tool.name);
        }
        Ok(())
    });
}
