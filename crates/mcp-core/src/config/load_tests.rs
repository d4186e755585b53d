use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::{SecretString, fleet};

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Sample {
    /// A key.
    #[schemars(extend("x-env" = "SAMPLE_API_KEY"))]
    api_key: Option<SecretString>,
    /// Threads to use.
    #[schemars(range(min = 1, max = 64))]
    threads: Option<u32>,
    /// Directories.
    roots: Vec<String>,
    /// A share.
    share: f64,
}

impl ServerConfig for Sample {}

fn loaded(variables: &[(&str, &str)]) -> Result<Loaded<Sample>, ConfigError> {
    let environment = variables.iter().copied().collect();
    load(&fleet::BAYES, &Flags::default(), &environment)
}

fn refused(variables: &[(&str, &str)]) -> String {
    loaded(variables).expect_err("refused").to_string()
}

#[test]
fn defaults_stand_when_nothing_is_set() {
    let config = loaded(&[]).unwrap();
    assert_eq!(config.core.toolset, "core");
    assert!(config.entries.iter().all(|entry| entry.source == "default"));
    assert!(config.notes.is_empty());
}

#[test]
fn the_servers_own_variable_wins_over_the_shared_one() {
    let config = loaded(&[("MACHINA_PORT", "6000"), ("MACHINA_BAYES_PORT", "6004")]).unwrap();
    assert_eq!(config.core.port, Some(6004));
    let entry = config.entries.iter().find(|entry| entry.key == "core.port").unwrap();
    assert_eq!(entry.source, "variable MACHINA_BAYES_PORT");
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("machina.toml");
    std::fs::write(&path, "[core]\nport = 1\ndeadline = 7\n[bayes]\nthreads = 2\n").unwrap();
    let flags = Flags {
        config: Some(path),
        core: Map::from_iter([("toolset".to_owned(), Value::from("all"))]),
    };
    let environment = [("MACHINA_PORT", "2"), ("MACHINA_TOOLSET", "core")].into_iter().collect();
    let config: Loaded<Sample> = load(&fleet::BAYES, &flags, &environment).unwrap();
    assert_eq!(config.core.toolset, "all");
    assert_eq!(config.core.port, Some(2));
    assert_eq!(config.core.deadline, 7);
    assert_eq!(config.server.threads, Some(2));
}

#[test]
fn text_gets_the_type_of_its_setting() {
    let config = loaded(&[
        ("MACHINA_BAYES_ROOTS", "/a, /b,"),
        ("MACHINA_BAYES_SHARE", "0.5"),
        ("MACHINA_READ_ONLY", "yes"),
    ])
    .unwrap();
    assert_eq!(config.server.roots, ["/a", "/b"]);
    assert!((config.server.share - 0.5).abs() < f64::EPSILON);
    assert!(config.core.read_only);
}

#[test]
fn a_wrong_type_or_bound_names_the_variable_and_the_bound() {
    assert_eq!(
        refused(&[("MACHINA_PORT", "http")]),
        "MACHINA_PORT: must be a whole number, was `http`"
    );
    let bound = refused(&[("MACHINA_BAYES_THREADS", "65")]);
    assert!(bound.starts_with("MACHINA_BAYES_THREADS: "), "{bound}");
    assert!(bound.contains("64"), "{bound}");
    let enumerated = refused(&[("MACHINA_LOG_FORMAT", "xml")]);
    assert!(enumerated.starts_with("MACHINA_LOG_FORMAT: "), "{enumerated}");
}

#[test]
fn an_unknown_variable_has_a_suggestion_and_a_foreign_one_is_left_alone() {
    assert_eq!(
        refused(&[("MACHINA_TOOLSETT", "all")]),
        "MACHINA_TOOLSETT: unknown variable (did you mean `MACHINA_TOOLSET`?)"
    );
    assert!(loaded(&[("MACHINA_STRIPE_ANYTHING", "1"), ("MACHINA_BENCH_DATA", "x")]).is_ok());
}

#[test]
fn an_unknown_key_in_the_file_has_a_suggestion() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("machina.toml");
    std::fs::write(&path, "[bayes]\nthread = 2\n").unwrap();
    let flags = Flags { config: Some(path), core: Map::new() };
    let error = load::<Sample>(&fleet::BAYES, &flags, &Environment::default()).unwrap_err();
    assert!(error.to_string().contains("did you mean `threads`"), "{error}");
}

#[test]
fn a_secret_is_read_from_its_file_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "hunter2\n").unwrap();
    let path = path.to_str().unwrap();
    let config = loaded(&[("SAMPLE_API_KEY_FILE", path)]).unwrap();
    assert_eq!(config.server.api_key.as_ref().unwrap().expose(), "hunter2");
    let shown = serde_json::to_string(&config.entries).unwrap();
    assert!(!shown.contains("hunter2") && shown.contains(REDACTED), "{shown}");

    let both = refused(&[("SAMPLE_API_KEY_FILE", path), ("SAMPLE_API_KEY", "x")]);
    assert_eq!(both, "SAMPLE_API_KEY: SAMPLE_API_KEY and SAMPLE_API_KEY_FILE are both set");
}

#[test]
fn an_older_name_is_taken_and_noted() {
    let config = loaded(&[("MCP_PORT", "7000")]).unwrap();
    assert_eq!(config.core.port, Some(7000));
    assert_eq!(config.notes, ["MCP_PORT is the older name of MACHINA_PORT: please rename it"]);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let config = loaded(&[("SAMPLE_API_KEY", ""), ("MACHINA_PORT", "")]).unwrap();
    assert!(config.server.api_key.is_none());
    assert_eq!(config.core.port, None);
}

#[test]
fn strangers_reach_no_open_server_by_accident() {
    let bound = |extra: &[(&str, &str)]| {
        let mut variables = vec![("MACHINA_BIND", "0.0.0.0")];
        variables.extend_from_slice(extra);
        loaded(&variables).unwrap().core.check_bind()
    };
    assert!(bound(&[]).unwrap_err().to_string().starts_with("MACHINA_BIND: 0.0.0.0"));
    assert!(bound(&[("MACHINA_ALLOW_UNAUTHENTICATED", "1")]).is_ok());
    assert!(bound(&[("MACHINA_AUTH", "api_key")]).is_ok());
}

#[test]
fn no_setting_has_the_name_of_the_file_of_another() {
    let settings = crate::config::settings_of::<CoreConfig>("MACHINA_");
    for secret in settings.iter().filter(|setting| setting.secret) {
        let twin = format!("{}_FILE", secret.variable);
        assert!(settings.iter().all(|setting| setting.variable != twin), "{twin}");
    }
}
