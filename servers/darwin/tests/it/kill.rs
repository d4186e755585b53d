//! kill -9 at random moments: nothing that was acknowledged is lost, and every run comes to the same
//! bytes as one that nobody disturbed.

use std::{collections::BTreeMap, path::Path, time::Duration};

use machina_darwin::{Config, Server};
use mcp_testkit::{
    InProcess, TestResult,
    binary::{StdioServer, command},
    wire,
};
use serde_json::{Value, json};

/// Kills in an ordinary test; `MACHINA_DARWIN_KILLS` sets more.
const KILLS: u64 = 20;

#[expect(clippy::disallowed_methods, reason = "a size of a test, not a setting")]
fn kills() -> u64 {
    std::env::var("MACHINA_DARWIN_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

/// Runs that compute by themselves, by name.
fn computing(kills: u64) -> Vec<(&'static str, Value)> {
    // Long enough that kills find them at work.
    let evals = |each: u64| each * kills;
    let builtin = |algorithm: &str, evals: u64| {
        json!({"problem": {"name": "rastrigin", "dimension": 20}, "algorithm": algorithm,
               "budget": {"max_evals": evals, "stagnation_generations": 0}, "seed": 11,
               "name": algorithm})
    };
    let front = json!({
        "problem": {
            "variables": [{"name": "x", "length": 12, "lo": 0, "hi": 1}],
            "lets": [{"name": "g", "expr": "1 + sum(i,1,n-1,x[i])"}],
            "objectives": [{"expr": "x[0]"}, {"expr": "g*(1-sqrt(x[0]/g))"}],
        },
        "budget": {"max_evals": evals(800)}, "seed": 5, "name": "nsga2",
    });
    vec![
        ("cma_es", builtin("cma_es", evals(800))),
        ("portfolio", builtin("portfolio", evals(800))),
        ("lshade", builtin("lshade", evals(10_000))),
        ("ga", builtin("ga", evals(40_000))),
        ("nsga2", front),
    ]
}

/// A run that is advanced in steps, and one whose values are told.
fn stepped(kills: u64) -> Value {
    json!({"problem": {"name": "ackley", "dimension": 10}, "algorithm": "cma_es", "seed": 3,
           "budget": {"max_evals": 200 * kills}, "name": "stepped"})
}

fn told(kills: u64) -> Value {
    json!({"problem": {
               "variables": [{"name": "x", "length": 3, "lo": -2, "hi": 5}, {"name": "b", "kind": "bool"}],
               "objectives": [{}]},
           "algorithm": "ga", "params": {"population": 8}, "seed": 2, "start": true,
           "budget": {"max_evals": 12 * kills, "stagnation_generations": 0}, "name": "told"})
}

/// What the caller of `told` evaluates.
fn value_of(values: &Value) -> f64 {
    let x = values["x"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    let offset = if values["b"] == true { 0.5 } else { 0.0 };
    x.map(|x| (x - 1.0) * (x - 1.0)).sum::<f64>() + offset
}

/// xorshift64*: enough to choose moments.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

/// A process, and its number of requests.
struct Life(StdioServer, u64);

impl Life {
    fn begin(state: &Path) -> TestResult<Self> {
        Ok(Self(StdioServer::spawn(command("machina-darwin", state)?)?, 0))
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> TestResult<Value> {
        self.1 += 1;
        let params = json!({"name": tool, "arguments": arguments});
        let answer = self.0.ask(&wire::modern(self.1, "tools/call", &params)).await?;
        match answer["result"].get("structuredContent") {
            Some(content) => Ok(content.clone()),
            None => Err(format!("{tool}: {answer}").into()),
        }
    }

    async fn kill(mut self) -> TestResult {
        self.0.child().start_kill()?;
        self.0.child().wait().await?;
        Ok(())
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Known {
    /// Runs by name.
    ids: BTreeMap<String, String>,
    generation: u64,
    paused: bool,
    key: u64,
    /// Trials that were given and not told.
    open: BTreeMap<u64, Value>,
    /// Trials whose values were taken.
    taken: BTreeMap<u64, f64>,
}

impl Known {
    /// Work on the runs until it is killed.
    async fn live(&mut self, life: &mut Life, dice: &mut Dice) -> TestResult {
        let nth = usize::try_from(dice.roll(self.ids.len() as u64))?;
        let (name, id) = self.ids.iter().nth(nth).ok_or("no run")?;
        let run = life.call("get_run", json!({"run_id": id})).await?;
        assert_eq!(run["name"], **name, "an acknowledged run is another: {run}");
        assert_ne!(run["status"], "failed", "{run}");
        loop {
            self.step(life, dice).await?;
            self.trial(life, dice).await?;
        }
    }

    /// Steps that were acknowledged are not taken back.
    async fn step(&mut self, life: &mut Life, dice: &mut Dice) -> TestResult {
        let id = self.ids["stepped"].clone();
        let run = life.call("get_run", json!({"run_id": id, "wait_ms": 5000})).await?;
        let at = run["generation"].as_u64().ok_or("no generation")?;
        assert!(at >= self.generation, "{at} < {}: {run}", self.generation);
        if run["status"] == "done" {
            return Ok(());
        }
        let idle = run["status"] == "paused" || run["status"] == "created";
        assert!(idle, "neither stepping nor paused: {run}");
        assert!(!self.paused || run["status"] == "paused", "{run}");
        if dice.roll(4) == 0 {
            let run = life.call("update_run", json!({"run_id": id, "state": "paused"})).await?;
            assert_eq!(run["status"], "paused");
            self.paused = true;
            return Ok(());
        }
        self.paused = false;
        let arguments =
            json!({"run_id": id, "generations": 1 + dice.roll(4), "expected_generation": at});
        let run = life.call("step_run", arguments).await?;
        self.generation = run["generation"].as_u64().ok_or("no generation")?;
        assert!(self.generation > at || run["status"] == "done", "{run}");
        Ok(())
    }

    /// Trials that were given come again by their key; values that were taken stay taken.
    async fn trial(&mut self, life: &mut Life, dice: &mut Dice) -> TestResult {
        let id = self.ids["told"].clone();
        if life.call("get_run", json!({"run_id": id})).await?["status"] == "done" {
            return Ok(());
        }
        if !self.taken.is_empty() {
            let nth = usize::try_from(dice.roll(self.taken.len() as u64))?;
            let (trial, value) = self.taken.iter().nth(nth).ok_or("no trial")?;
            let again = json!({"run_id": id, "trials": [{"id": trial, "values": [value]}]});
            let answer = life.call("tell_trials", again).await?;
            assert_eq!(answer["duplicates"], 1, "trial {trial} was lost: {answer}");
        }
        if self.open.is_empty() {
            let arguments = json!({"run_id": id, "count": 1 + dice.roll(5), "request_key": self.key.to_string()});
            let answer = life.call("ask_trials", arguments).await?;
            for trial in answer["trials"].as_array().ok_or("no trials")? {
                self.open.insert(trial["id"].as_u64().ok_or("no id")?, trial["values"].clone());
            }
            if self.open.is_empty() {
                self.key += 1;
            }
            return Ok(());
        }
        let some = usize::try_from(1 + dice.roll(self.open.len() as u64))?;
        let tell: Vec<(u64, f64)> =
            self.open.iter().rev().take(some).map(|(id, x)| (*id, value_of(x))).collect();
        let trials: Vec<Value> =
            tell.iter().map(|(id, f)| json!({"id": id, "values": [f]})).collect();
        let answer = life.call("tell_trials", json!({"run_id": id, "trials": trials})).await?;
        // What a killed process took without saying so is a duplicate now.
        let taken = [&answer["accepted"], &answer["duplicates"]].map(|n| n.as_u64().unwrap_or(0));
        assert_eq!(taken.iter().sum::<u64>(), tell.len() as u64, "{answer}");
        for (trial, value) in tell {
            self.open.remove(&trial);
            self.taken.insert(trial, value);
        }
        Ok(())
    }
}

/// What every run comes to when nobody disturbs it.
async fn undisturbed(kills: u64) -> TestResult<BTreeMap<String, Value>> {
    let mut config = Config::default();
    config.threads = Some(2);
    let server = InProcess::<Server>::start(config).await?;
    let mut results = BTreeMap::new();
    let mut all = computing(kills);
    all.push(("stepped", stepped(kills)));
    for (name, mut arguments) in all {
        arguments["start"] = true.into();
        arguments["wait_ms"] = 60_000.into();
        let run = server.call("create_run", arguments).await?;
        let id = run.structured()["run_id"].clone();
        results.insert(
            name.to_owned(),
            server.call("get_run_result", json!({"run_id": id})).await?.structured()["result"]
                .clone(),
        );
    }
    let run = server.call("create_run", told(kills)).await?;
    let id = run.structured()["run_id"].clone();
    loop {
        let asked = server.call("ask_trials", json!({"run_id": id, "count": 3})).await?;
        let trials: Vec<Value> = asked.structured()["trials"]
            .as_array()
            .ok_or("no trials")?
            .iter()
            .map(|one| json!({"id": one["id"], "values": [value_of(&one["values"])]}))
            .collect();
        let answer = server.call("tell_trials", json!({"run_id": id, "trials": trials})).await?;
        if answer.structured()["status"] == "done" {
            break;
        }
    }
    results.insert(
        "told".to_owned(),
        server.call("get_run_result", json!({"run_id": id})).await?.structured()["result"].clone(),
    );
    server.stop().await;
    Ok(results)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_every_result_is_the_same() -> TestResult {
    let kills = kills();
    let expected = undisturbed(kills).await?;
    let state = tempfile::tempdir()?;
    let mut dice = Dice(u64::from(std::process::id()) | 1 << 40);
    let mut known = Known::default();
    let mut life = Life::begin(state.path())?;
    for (name, mut arguments) in computing(kills) {
        arguments["start"] = true.into();
        let run = life.call("create_run", arguments).await?;
        known.ids.insert(name.to_owned(), run["run_id"].as_str().ok_or("no id")?.to_owned());
    }
    for (name, arguments) in [("stepped", stepped(kills)), ("told", told(kills))] {
        let run = life.call("create_run", arguments).await?;
        known.ids.insert(name.to_owned(), run["run_id"].as_str().ok_or("no id")?.to_owned());
    }
    let mut interrupted = 0;
    for _ in 0..kills {
        let moment = Duration::from_micros(1_000 + dice.roll(200_000));
        if let Ok(ended) = tokio::time::timeout(moment, known.live(&mut life, &mut dice)).await {
            ended?;
        }
        life.kill().await?;
        life = Life::begin(state.path())?;
        let running = life.call("list_runs", json!({"status": "running"})).await?;
        interrupted += running["items"].as_array().map_or(0, Vec::len);
    }
    assert!(interrupted > 0, "no kill found a run at work");
    for (name, id) in &known.ids {
        if name == "stepped" {
            life.call("update_run", json!({"run_id": id, "state": "running"})).await.ok();
        }
    }
    let id = known.ids["told"].clone();
    while life.call("get_run", json!({"run_id": id})).await?["status"] != "done" {
        known.trial(&mut life, &mut dice).await?;
    }
    for (name, id) in &known.ids {
        let mut run = life.call("get_run", json!({"run_id": id, "wait_ms": 60_000})).await?;
        for _ in 0..20 {
            if run["status"] == "running" {
                run = life.call("get_run", json!({"run_id": id, "wait_ms": 15_000})).await?;
            }
        }
        assert_eq!(run["status"], "done", "{run}");
        let result = life.call("get_run_result", json!({"run_id": id})).await?;
        assert_eq!(result["result"].to_string(), expected[name].to_string(), "{name}");
    }
    let (_, status) = life.0.close().await?;
    assert!(status.success());
    Ok(())
}
