//! The mirror in a real Neo4j, and Cypher on it. `MACHINA_TEST_NEO4J` names the launcher that
//! `scripts/ci-tools neo4j` installs; as a start takes a while, the stage `neo4j` of `scripts/test`
//! turns these on.

use std::{path::PathBuf, process::Stdio, time::Duration};

use machina_ptolemies::{Config, Server};
use mcp_core::config::Environment;
use mcp_testkit::{InProcess, TestResult, binary::free_port};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::Instant,
};

const GOOD: &str = include_str!("../../src/guard/corpus/cypher-good.txt");
const BAD: &str = include_str!("../../src/guard/corpus/cypher-bad.txt");
const PASSWORD: &str = "test-password";
/// Longest wait for a start, or for the mirror to be where the journal is.
const LIMIT: Duration = Duration::from_secs(300);

/// A server that loses everything when it ends, and ends when dropped.
struct Neo4j {
    launcher: PathBuf,
    home: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Neo4j {
    async fn start() -> TestResult<Option<Self>> {
        let environment = Environment::of_process();
        let launcher = match (
            environment.get("MACHINA_TEST_WITH_NEO4J"),
            environment.get("MACHINA_TEST_NEO4J"),
        ) {
            (Some(_), Some(launcher)) => PathBuf::from(launcher),
            (Some(_), None) => return Err("MACHINA_TEST_NEO4J must name the launcher".into()),
            (None, _) => return Ok(None),
        };
        let (home, port) = (tempfile::tempdir()?, free_port()?);
        let process = launch(&launcher, &home, port).await?;
        Ok(Some(Self { launcher, home, port, process }))
    }

    async fn kill(&mut self) -> TestResult {
        Ok(self.process.kill().await?)
    }

    /// Another server, with nothing in it, at the same place.
    async fn start_again(&mut self) -> TestResult {
        self.home = tempfile::tempdir()?;
        self.process = launch(&self.launcher, &self.home, self.port).await?;
        Ok(())
    }

    fn config(&self, password: &str) -> Config {
        let mut config = Config::default();
        config.neo4j_uri = Some(format!("bolt://127.0.0.1:{}", self.port));
        config.neo4j_password = Some(password.to_owned().into());
        config
    }
}

async fn launch(launcher: &PathBuf, home: &tempfile::TempDir, port: u16) -> TestResult<Child> {
    let mut process = Command::new(launcher)
        .arg(home.path())
        .args([&port.to_string(), PASSWORD])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("READY") {
                return Ok(());
            }
        }
        Err::<(), Box<dyn std::error::Error + Send + Sync>>("Neo4j did not start".into())
    };
    tokio::time::timeout(LIMIT, ready).await??;
    Ok(process)
}

async fn cypher(server: &InProcess<Server>, query: &str, params: Value) -> TestResult<Value> {
    let arguments = json!({"language": "cypher", "query": query, "params": params, "max_rows": 1_000, "timeout_s": 20});
    Ok(server.call("query_graph", arguments).await?.structured().clone())
}

async fn mirror(server: &InProcess<Server>) -> TestResult<Value> {
    Ok(server.call("get_schema", json!({})).await?.structured()["mirror"].clone())
}

/// Wait until the mirror says so.
async fn until(server: &InProcess<Server>, what: impl Fn(&Value) -> bool) -> TestResult<Value> {
    let limit = Instant::now() + LIMIT;
    loop {
        let now = mirror(server).await?;
        if what(&now) {
            return Ok(now);
        }
        if Instant::now() > limit {
            return Err(format!("the mirror stays at {now}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn caught_up(server: &InProcess<Server>) -> TestResult<Value> {
    until(server, |mirror| mirror["up"] == true && mirror["lag"] == 0).await
}

async fn tell(server: &InProcess<Server>) -> TestResult {
    let facts = json!({"cardinalities": {"lives_in": "one"}, "items": [
        {"from": "Ada", "type": "lives_in", "to": "London", "source": "letter", "valid_from": "1835-07-08T00:00:00Z"},
        {"from": "Ada", "type": "knows", "to": "Charles", "weight": 2.5, "props": {"since": 1833}},
        {"from": "Charles", "type": "built by hand", "to": "Engine"},
    ]});
    server.call("upsert_facts", facts).await?.structured();
    let moved = json!({"items": [{"from": "Ada", "type": "lives_in", "to": "Ockham", "valid_from": "1838-01-01T00:00:00Z"}]});
    server.call("upsert_facts", moved).await?.structured();
    Ok(())
}

/// Both times, types that are no names, merges, purges: as the store has them.
async fn the_mirror_is_right(server: &InProcess<Server>) -> TestResult {
    let at = "MATCH (:Entity {name: $name})-[r:lives_in]->(b) WHERE r.valid_from <= $at \
              AND ($at < r.valid_to OR r.valid_to IS NULL) AND r.retracted_at IS NULL RETURN b.name";
    for (year, wanted) in [(1836_i64, "London"), (1840, "Ockham")] {
        let millis = (year - 1970) * 31_556_952_000;
        let found = cypher(server, at, json!({"name": "Ada", "at": millis})).await?;
        assert_eq!(
            (&found["rows"], &found["backend"]),
            (&json!([[wanted]]), &json!("neo4j")),
            "{year}"
        );
    }
    let known = "MATCH (:Entity {name: 'Ada'})-[r:lives_in]->(b:Entity {name: 'London'}) \
                 RETURN r.valid_to IS NULL AS open, r.retracted_at IS NULL AS held ORDER BY r.version";
    let known = cypher(server, known, json!({})).await?;
    assert_eq!(
        known["rows"],
        json!([[true, false], [false, true]]),
        "what was believed, then what is"
    );
    let fact = "MATCH (a)-[r:knows]->(b) RETURN a.name, b.name, r.weight, r.props";
    let fact = cypher(server, fact, json!({})).await?;
    assert_eq!(fact["rows"], json!([["Ada", "Charles", 2.5, "{\"since\":1833}"]]));
    let odd =
        cypher(server, "MATCH (a)-[r:FACT]->(b) RETURN a.name, r.type, b.name", json!({})).await?;
    assert_eq!(odd["rows"], json!([["Charles", "built by hand", "Engine"]]));
    let path = "MATCH p = shortestPath((a:Entity {name: 'Ada'})-[*..5]->(b:Entity {name: 'Engine'})) RETURN p, length(p)";
    let path = cypher(server, path, json!({})).await?;
    assert_eq!(path["rows"][0][1], 2);
    assert_eq!(path["rows"][0][0]["nodes"][1]["properties"]["name"], "Charles");
    Ok(())
}

async fn merges_and_purges_arrive(server: &InProcess<Server>) -> TestResult {
    server
        .call("upsert_entities", json!({"items": [{"name": "Countess"}, {"name": "Nobody"}]}))
        .await?
        .structured();
    server
        .call("merge_entities", json!({"keep": "Ada", "merge": ["Countess"]}))
        .await?
        .structured();
    let nobody =
        server.call("get_entities", json!({"names": ["Nobody"]})).await?.structured()["entities"]
            [0]["id"]
            .clone();
    caught_up(server).await?;
    let count = "MATCH (n:Entity {name: 'Nobody'}) RETURN count(n)";
    assert_eq!(cypher(server, count, json!({})).await?["rows"], json!([[1]]));
    let merged =
        "MATCH (a)-[r:MERGED_INTO]->(b) WHERE r.retracted_at IS NULL RETURN a.name, b.name";
    assert_eq!(cypher(server, merged, json!({})).await?["rows"], json!([["Countess", "Ada"]]));
    server.call("forget_items", json!({"ids": [nobody], "mode": "purge"})).await?.structured();
    caught_up(server).await?;
    assert_eq!(cypher(server, count, json!({})).await?["rows"], json!([[0]]));
    Ok(())
}

/// Everything in the database.
async fn sums(server: &InProcess<Server>) -> TestResult<Value> {
    let nodes = "MATCH (n) RETURN count(n), count(n.uid), sum(size(keys(n)))";
    let facts = "MATCH ()-[r]->() RETURN count(r), count(r.uid), sum(size(keys(r)))";
    let (nodes, facts) =
        (cypher(server, nodes, json!({})).await?, cypher(server, facts, json!({})).await?);
    Ok(json!([nodes["rows"], facts["rows"]]))
}

async fn the_corpora_run(server: &InProcess<Server>) -> TestResult {
    let before = sums(server).await?;
    for line in BAD.lines() {
        let (_, query) = line.split_once(" | ").ok_or("a rule and a query")?;
        let arguments = json!({"language": "cypher", "query": query.replace('␤', "\n")});
        assert_eq!(
            server.call("query_graph", arguments).await?.error_code(),
            "query_rejected",
            "{query}"
        );
    }
    let params = json!({"name": "Ada", "names": ["Ada"], "uid": "x", "from": "Ada", "to": "Engine", "a": "x", "b": "y",
        "at": 0, "alias": "ada", "q": "Ada", "vector": [1.0], "ms": 0, "skip": 0, "limit": 3});
    // An index that is not there, and a name that is quoted to be looked at, are the server's to refuse.
    let odd = ["db.index.", "MATCH (a), (b)"];
    for query in GOOD.lines() {
        let arguments = json!({"language": "cypher", "query": query.replace('␤', "\n"), "params": params, "timeout_s": 30});
        let answer = server.call("query_graph", arguments).await?;
        let allowed = odd.iter().any(|odd| query.contains(odd));
        assert!(!answer.is_error() || allowed, "{query}: {}", answer.error());
    }
    assert_eq!(sums(server).await?, before, "nothing was written");
    Ok(())
}

async fn bounds_hold(server: &InProcess<Server>) -> TestResult {
    let few = json!({"language": "cypher", "query": "UNWIND range(1, 1000000) AS x RETURN x", "max_rows": 5});
    let few = server.call("query_graph", few).await?;
    let few = few.structured();
    assert_eq!(
        (&few["rows"], &few["truncated"]),
        (&json!([[1], [2], [3], [4], [5]]), &json!(true))
    );
    let union = json!({"language": "cypher", "max_rows": 2,
        "query": "UNWIND range(1, 9) AS x RETURN x UNION UNWIND range(5, 12) AS x RETURN x"});
    let union = server.call("query_graph", union).await?;
    assert_eq!(union.structured()["truncated"], true);
    let slow = json!({"language": "cypher", "timeout_s": 1,
        "query": "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a * b < 0 RETURN count(*)"});
    assert_eq!(server.call("query_graph", slow).await?.error_code(), "query_timeout");
    assert_eq!(cypher(server, "RETURN 1 AS one", json!({})).await?["rows"], json!([[1]]));
    let wrong = json!({"language": "cypher", "query": "MATCH (n) RETURN m"});
    assert_eq!(server.call("query_graph", wrong).await?.error_code(), "invalid_argument");
    Ok(())
}

#[tokio::test]
async fn neo4j_mirrors_and_answers() -> TestResult {
    let Some(neo4j) = Neo4j::start().await? else {
        println!("skipped: run by `scripts/test neo4j`");
        return Ok(());
    };
    let wrong = InProcess::<Server>::start(neo4j.config("wrong")).await?;
    tell(&wrong).await?;
    let refused =
        until(&wrong, |mirror| mirror["reason"].is_string() && mirror["reason"] != "not asked yet")
            .await?;
    assert_eq!(refused["reason"], "it refuses the user and password");
    let query = json!({"language": "cypher", "query": "RETURN 1"});
    let error = wrong.call("query_graph", query).await?.error();
    assert_eq!(error["code"], "backend_unavailable");
    assert!(!error.to_string().contains("wrong"), "{error}");
    wrong.stop().await;

    let server = InProcess::<Server>::start(neo4j.config(PASSWORD)).await?;
    tell(&server).await?;
    caught_up(&server).await?;
    the_mirror_is_right(&server).await?;
    merges_and_purges_arrive(&server).await?;
    the_corpora_run(&server).await?;
    bounds_hold(&server).await?;
    server.stop().await;
    Ok(())
}

async fn many(server: &InProcess<Server>, from: usize) -> TestResult {
    for batch in (from..from + 1_000).collect::<Vec<_>>().chunks(50) {
        let items: Vec<Value> = batch
            .iter()
            .map(|n| json!({"from": format!("thing {n}"), "type": "before", "to": format!("thing {}", n + 1)}))
            .collect();
        server.call("upsert_facts", json!({"items": items})).await?.structured();
    }
    Ok(())
}

#[tokio::test]
async fn a_dead_neo4j_holds_nothing_up_and_is_filled_again() -> TestResult {
    let Some(mut neo4j) = Neo4j::start().await? else {
        println!("skipped: run by `scripts/test neo4j`");
        return Ok(());
    };
    let state = tempfile::tempdir()?;
    let server = InProcess::<Server>::start_in(state.path(), neo4j.config(PASSWORD)).await?;
    many(&server, 0).await?;
    // Killed in a batch, or between two.
    let torn = until(&server, |mirror| mirror["seq"].as_u64() > Some(0)).await?;
    neo4j.kill().await?;
    println!("killed at {torn}");
    many(&server, 1_000).await?;
    until(&server, |mirror| mirror["up"] == false).await?;
    let query = json!({"language": "cypher", "query": "RETURN 1"});
    assert_eq!(server.call("query_graph", query).await?.error_code(), "backend_unavailable");
    server.stop().await;

    neo4j.start_again().await?;
    let server = InProcess::<Server>::start_in(state.path(), neo4j.config(PASSWORD)).await?;
    many(&server, 2_000).await?;
    caught_up(&server).await?;
    let chain = "MATCH (a:Entity)-[r:before]->(b:Entity) RETURN count(r), count(DISTINCT r.uid), count(DISTINCT a.name)";
    assert_eq!(cypher(&server, chain, json!({})).await?["rows"], json!([[3_000, 3_000, 3_000]]));
    let before = sums(&server).await?;
    // Restarted beside a running mirror: filled anew, the same as before.
    neo4j.kill().await?;
    neo4j.start_again().await?;
    server
        .call(
            "upsert_facts",
            json!({"items": [{"from": "thing 0", "type": "after", "to": "thing 3000"}]}),
        )
        .await?
        .structured();
    caught_up(&server).await?;
    assert_eq!(cypher(&server, chain, json!({})).await?["rows"], json!([[3_000, 3_000, 3_000]]));
    assert_ne!(sums(&server).await?, before, "one fact more");
    server.stop().await;
    Ok(())
}
