//! The three tools, called as a client calls them.

use machina_scaffold::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::generated::spec;

async fn server(root: &std::path::Path) -> TestResult<InProcess<Server>> {
    InProcess::start(Config::with_roots([root.display().to_string()])).await
}

#[tokio::test]
async fn templates_are_those_that_can_be_planned() -> TestResult {
    let root = tempfile::tempdir()?;
    let server = server(root.path()).await?;
    let answer = server.call("list_templates", json!({})).await?;
    let listed = answer.structured();
    assert_eq!(listed["roots"], json!([root.path().display().to_string()]));
    for template in listed["templates"].as_array().ok_or("templates")? {
        for language in listed["languages"].as_array().ok_or("languages")? {
            for transport in listed["transports"].as_array().ok_or("transports")? {
                let mut spec = spec("rust", &["stdio"]);
                spec["template"] = template["name"].clone();
                spec["language"] = language["name"].clone();
                spec["transports"] = json!([transport]);
                let plan = server.call("plan_project", json!({"spec": spec})).await?;
                assert!(plan.structured()["file_count"].as_u64() > Some(5));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_shows_as_much_as_was_asked_for() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let spec = spec("python", &["stdio"]);
    let plan = |content: &'static str| {
        server.call("plan_project", json!({"spec": spec, "content": content}))
    };
    let none = plan("none").await?.structured().clone();
    let paths = plan("paths").await?.structured().clone();
    let full = plan("full").await?.structured().clone();
    assert_eq!(none["plan_id"], full["plan_id"]);
    assert!(none.get("files").is_none());
    assert!(paths["files"][0].get("text").is_none());
    let sizes: u64 = full["files"]
        .as_array()
        .ok_or("files")?
        .iter()
        .filter_map(|file| file["text"].as_str().map(|text| text.len() as u64))
        .sum();
    assert_eq!(full["bytes"], sizes);
    Ok(())
}

#[tokio::test]
async fn a_project_is_created_once() -> TestResult {
    let root = tempfile::tempdir()?;
    let server = server(root.path()).await?;
    let plan = server.call("plan_project", json!({"spec": spec("rust", &["stdio"])})).await?;
    let plan_id = &plan.structured()["plan_id"];
    let create = |target: Value| {
        server.call("create_project", json!({"plan_id": plan_id, "target": target}))
    };
    let first = create(json!("a/weather")).await?;
    assert_eq!(first.structured()["state"], "created");
    assert_eq!(first.structured()["file_count"], plan.structured()["file_count"]);
    assert_eq!(create(json!("a/weather")).await?.structured()["state"], "unchanged");
    std::fs::write(root.path().join("a/weather/README.md"), "mine")?;
    let refused = create(json!("a/weather")).await?.error();
    assert_eq!(refused["code"], "target_not_empty");
    assert_eq!(refused["details"]["differing"], json!(["README.md"]));
    let by_name = server.call("create_project", json!({"plan_id": plan_id})).await?;
    assert_eq!(by_name.structured()["target"], "sample-server");
    Ok(())
}

#[tokio::test]
async fn mistakes_say_how_to_repair_them() -> TestResult {
    let root = tempfile::tempdir()?;
    let server = server(root.path()).await?;
    let plan = server.call("plan_project", json!({"spec": spec("rust", &["stdio"])})).await?;
    let plan_id = plan.structured()["plan_id"].clone();
    let mut reserved = spec("rust", &["stdio"]);
    reserved["name"] = json!("serde-json");
    let mut unbound = spec("rust", &["stdio"]);
    unbound["tools"][0]["input_schema"]["properties"]["text"] =
        json!({"$ref": "https://example.com/x"});
    for (tool, arguments, code, field) in [
        ("plan_project", json!({"spec": reserved}), "name_reserved", "/spec/name"),
        ("plan_project", json!({"spec": unbound}), "invalid_spec", "/spec/tools/0/input_schema"),
        ("create_project", json!({"plan_id": "0".repeat(64)}), "plan_not_found", "/plan_id"),
        (
            "create_project",
            json!({"plan_id": plan_id, "target": "../x"}),
            "path_outside_root",
            "/target",
        ),
        (
            "create_project",
            json!({"plan_id": plan_id, "root": "/nowhere"}),
            "invalid_argument",
            "/root",
        ),
        ("create_project", json!({"plan_id": "x"}), "invalid_argument", "/plan_id"),
    ] {
        let error = server.call(tool, arguments).await?.error();
        assert_eq!(
            (error["code"].as_str(), error["field"].as_str()),
            (Some(code), Some(field)),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_dir(root.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn without_a_root_plans_are_made_and_not_written() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let plan = server.call("plan_project", json!({"spec": spec("rust", &["stdio"])})).await?;
    let plan_id = &plan.structured()["plan_id"];
    let error = server.call("create_project", json!({"plan_id": plan_id})).await?.error();
    assert_eq!(error["code"], "not_configured");
    assert!(error["hint"].as_str().ok_or("hint")?.contains("MACHINA_SCAFFOLD_ROOTS"));
    Ok(())
}

#[tokio::test]
async fn documents_can_be_read() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    for (uri, part) in
        [("scaffold://schema/project-spec", "\"transports\""), ("scaffold://versions", "rmcp")]
    {
        let answer = server.request("resources/read", json!({"uri": uri})).await;
        let text = answer["result"]["contents"][0]["text"].as_str().ok_or(format!("{answer}"))?;
        assert!(text.contains(part), "{uri}");
    }
    Ok(())
}

/// SCA-01 through the tool: the corpus of paths as targets.
#[tokio::test]
async fn no_target_leaves_the_root() -> TestResult {
    let outer = tempfile::tempdir()?;
    let root = outer.path().join("root");
    std::fs::create_dir(&root)?;
    let server = server(&root).await?;
    let plan = server.call("plan_project", json!({"spec": spec("python", &["stdio"])})).await?;
    let plan_id = &plan.structured()["plan_id"];
    let corpus: Value =
        serde_json::from_str(include_str!("../../../../crates/mcp-core/data/paths.json"))?;
    for case in corpus.as_array().ok_or("corpus")? {
        // The corpus' links and files are not made here: those names are free.
        let is_trap =
            ["link", "link-inside", "dangling", "file", "fifo", "dir"].iter().any(|trap| {
                case["path"].as_str().is_some_and(|path| path.split('/').next() == Some(*trap))
            });
        let answer = server
            .call("create_project", json!({"plan_id": plan_id, "target": case["path"]}))
            .await?;
        if case["expect"] == "accepted" || is_trap {
            assert!(!answer.is_error(), "{case}: {:?}", answer.response());
        } else {
            let code = answer.error_code();
            assert!(
                matches!(code.as_str(), "path_outside_root" | "invalid_argument"),
                "{case}: {code}"
            );
        }
        assert_eq!(std::fs::read_dir(outer.path())?.count(), 1, "{case}");
    }
    Ok(())
}
