//! Receipts of purges, on a real store.

use machina_ptolemies::Server;
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::{
    operate::confirmed,
    transfer::{ask, start},
};

async fn verify(server: &InProcess<Server>, receipt: &Value) -> TestResult<Value> {
    ask(server, "run_maintenance", json!({"action": "verify_receipt", "receipt": receipt})).await
}

#[tokio::test]
async fn a_purge_gives_a_receipt_that_tells_when_something_comes_back() -> TestResult {
    let server = start().await?;
    let items = json!({"items": [{"text": "the secret of the pyramid", "key": "pyramid"}]});
    let id = ask(&server, "store_memory", items).await?["results"][0]["id"].clone();
    let items = json!({"items": [{"text": "the secret was another", "key": "pyramid"}]});
    ask(&server, "store_memory", items).await?;
    let document = json!({"uri": "pyramid.md", "text": "# Pyramid\n\nits secret"});
    ask(&server, "ingest_documents", document).await?;
    let facts = json!({"items": [{"from": "Cheops", "type": "built", "to": "Pyramid"}]});
    ask(&server, "upsert_facts", facts).await?;
    let read = json!({"names": ["Cheops"]});
    let cheops = ask(&server, "get_entities", read).await?["entities"][0]["id"].clone();
    let backup = ask(&server, "create_backup", json!({})).await?["backup"]["id"].clone();

    let hidden = ask(&server, "forget_items", json!({"keys": ["no_such"]})).await?;
    assert!(hidden.get("receipt").is_none(), "{hidden}");
    let gone = json!({"ids": [id, cheops], "mode": "purge"});
    let receipt = ask(&server, "forget_items", gone).await?["receipt"].clone();
    assert_eq!(receipt["rows"], json!({"memory": 2, "entity": 1, "fact": 1}));
    assert_eq!((&receipt["found_after"], &receipt["left_out"]), (&json!(0), &json!(0)));
    assert_eq!(receipt["ids"].as_array().map(Vec::len), Some(4));
    assert_eq!(receipt["backups"], json!([backup]));
    let told = receipt.to_string();
    for secret in ["secret", "pyramid", "Cheops", id.as_str().unwrap_or("?")] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    let document = json!({"document": "pyramid.md", "mode": "purge"});
    let other = ask(&server, "forget_items", document).await?["receipt"].clone();
    assert_eq!(
        (&other["rows"], &other["ids"][1]),
        (&json!({"document": 1, "chunk": 1}), &json!(null))
    );

    for receipt in [&receipt, &other] {
        let looked = verify(&server, receipt).await?;
        assert!(looked.get("findings").is_none(), "{looked}");
    }
    let mut changed = receipt.clone();
    changed["found_after"] = json!(1);
    let refused = json!({"action": "verify_receipt", "receipt": changed});
    let refused = server.call("run_maintenance", refused).await?.error();
    assert_eq!(refused["field"], "/receipt/signature");
    for wrong in [
        json!({"action": "verify_receipt"}),
        json!({"action": "verify_receipt", "receipt": {}}),
        json!({"action": "verify", "receipt": receipt}),
    ] {
        let refused = server.call("run_maintenance", wrong).await?.error();
        assert_eq!(refused["field"], "/receipt");
    }
    // The backup from before brings back what was purged, and the receipt tells of it.
    confirmed(&server, json!({"id": backup, "replace": true})).await?.structured();
    let looked = verify(&server, &receipt).await?;
    assert_eq!(looked["findings_total"], 4, "{looked}");
    assert_eq!(verify(&server, &other).await?["findings"][0]["table"], "document");
    server.stop().await;
    Ok(())
}
