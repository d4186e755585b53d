//! AU-10 and -11: words that a server gave one caller, in the hands of another, altered, or out of place.

use mcp_core::McpServer;
use serde_json::{Value, json};

use super::{
    Outcome,
    identity::{self, ask},
    upstream::{Double, Held, Scene},
};
use crate::{TestResult, binary::HttpServer, ensure};

const NOTHING: Outcome = Outcome::NotApplicable(
    "gives no word for later; tokens, tasks, handles and cursors are tested in the core",
);

/// A cursor or handle of another is as unknown as one that was made up.
pub async fn au_10<S: McpServer>(scene: &'static Scene) -> TestResult<Outcome> {
    for held in scene.held {
        let stage = Stage::<S>::open(scene).await?;
        let word = stage.give(held).await?;
        let theirs = stage.refused("another", held.taken_by, &word).await?;
        let made_up = altered(&word, word.len() - 1);
        let unknown = stage.refused("another", held.taken_by, &made_up).await?;
        ensure!(theirs == unknown, "{}: {theirs}, but {unknown}", held.taken_by.0);
        let answer = stage.call("tester", held.taken_by, &word).await?;
        ensure!(
            answer["isError"] != true,
            "{}: its own caller is refused: {answer}",
            held.taken_by.0
        );
    }
    Ok(if scene.held.is_empty() { NOTHING } else { Outcome::Run })
}

/// A word that was altered, or is for something else, is refused.
pub async fn au_11<S: McpServer>(scene: &'static Scene) -> TestResult<Outcome> {
    for held in scene.held {
        let stage = Stage::<S>::open(scene).await?;
        let word = stage.give(held).await?;
        for at in [0, word.len() / 2, word.len() - 1] {
            stage.refused("tester", held.taken_by, &altered(&word, at)).await?;
        }
        for call in held.refused_by {
            stage.refused("tester", *call, &word).await?;
        }
    }
    Ok(if scene.held.is_empty() { NOTHING } else { Outcome::Run })
}

/// One character exchanged for another of the same alphabet.
fn altered(word: &str, at: usize) -> String {
    let exchange = |(index, sign)| match sign {
        sign if index != at => sign,
        'A' | '0' => '1',
        _ => '0',
    };
    word.chars().enumerate().map(exchange).collect()
}

/// A server that asks for tokens, and the double behind it.
struct Stage<S> {
    server: HttpServer,
    _double: Option<Double>,
    of: std::marker::PhantomData<S>,
}

impl<S: McpServer> Stage<S> {
    async fn open(scene: &'static Scene) -> TestResult<Self> {
        let mut variables = Vec::new();
        let mut double = None;
        if let Some(upstream) = &scene.upstream {
            let started = Double::start(upstream, false).await?;
            variables = (upstream.variables)(started.address);
            double = Some(started);
        }
        let mut all = identity::settings().to_vec();
        all.extend(variables.iter().map(|(name, value)| (*name, value.as_str())));
        let server = HttpServer::start(&S::FACTS.member.binary(), &all).await?;
        Ok(Self { server, _double: double, of: std::marker::PhantomData })
    }

    /// The result of a call by a subject.
    async fn call(
        &self,
        subject: &str,
        (tool, arguments): (&str, &str),
        word: &str,
    ) -> TestResult<Value> {
        let credential = format!("Bearer {}", identity::token_of::<S>(subject));
        let arguments: Value = serde_json::from_str(&arguments.replace("HERE", word))?;
        let params = json!({"name": tool, "arguments": arguments});
        let answer =
            ask(self.server.address, Some(&credential), "tools/call", &params).await?.json()?;
        Ok(answer["result"].clone())
    }

    async fn give(&self, held: &Held) -> TestResult<String> {
        for call in held.before {
            let answer = self.call("tester", *call, "").await?;
            ensure!(answer["isError"] != true, "{}: {answer}", call.0);
        }
        let answer = self.call("tester", held.given_by, "").await?;
        let word = answer["structuredContent"].pointer(held.place).and_then(Value::as_str);
        Ok(word
            .ok_or_else(|| format!("{}: no word at {}: {answer}", held.given_by.0, held.place))?
            .to_owned())
    }

    /// Code and message of the refusal that this call must get.
    async fn refused(&self, subject: &str, call: (&str, &str), word: &str) -> TestResult<Value> {
        let answer = self.call(subject, call, word).await?;
        ensure!(answer["isError"] == true, "{} took {word}: {answer}", call.0);
        let text = answer["content"][0]["text"].as_str().unwrap_or_default();
        let error: Value = serde_json::from_str(text)?;
        // What was asked for may be repeated.
        let message = error["message"].as_str().unwrap_or_default().replace(word, "HERE");
        Ok(json!([error["code"], message]))
    }
}
