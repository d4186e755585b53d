//! Calls made at random from the tools' own schemas, of words that both tenants use and of names,
//! ids and cursors that either was given.

use std::collections::VecDeque;

use mcp_testkit::TestResult;
use serde_json::{Map, Value, json};

/// A small generator: the same seed makes the same calls.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % most.max(1)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    fn is_one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// Marks a place that each server fills with what it gave itself.
const SLOT: &str = "\u{1}";
/// In a slot: of the backups.
const BACKUP: &str = "b";
/// Given values that are remembered.
const MEMORY: usize = 300;

const WORDS: [&str; 12] =
    ["Ada", "Bob", "Eve", "k1", "k2", "work", "home", "t1", "knows", "notes.md", "crane", "lunch"];
const TIMES: [&str; 3] = ["1999-01-01T00:00:00Z", "2400-01-01T00:00:00Z", "no time"];
const TEXTS: [&str; 6] = [
    "lunch is at noon",
    "the crane is yellow",
    "Ada knows Bob",
    "# Notes\n\nof the crane",
    "{\"type\":\"entity\",\"name\":\"Eve\",\"entityType\":\"\",\"observations\":[\"sings\"]}",
    "Bob eats lunch",
];
const QUERIES: [&str; 12] = [
    "SELECT * FROM memory",
    "SELECT * FROM fact, entity, observation",
    "SELECT * FROM document",
    "SELECT text FROM chunk",
    "SELECT * FROM change",
    "INFO FOR TABLE memory",
    "SELECT count() FROM memory GROUP ALL",
    "RETURN [1, 2]",
    "SELECT * FROM meta, head, written",
    "SELECT * FROM memory WHERE text CONTAINS 'zq'",
    "USE NS machina DB ptolemies",
    "MATCH (n) RETURN n LIMIT 5",
];
/// Arguments that would bring time in, or files and hosts there are none of.
const LEFT_OUT: [&str; 8] =
    ["ttl_s", "expires_at", "wait_ms", "timeout_s", "older_than_days", "paths", "path", "urls"];
/// Work that takes long, done now and then.
const HEAVY: [&str; 4] = ["create_backup", "restore_backup", "run_maintenance", "create_namespace"];

/// Tools that compare names by their letters: ids differ from server to server, so that likeness would.
const BY_LETTERS: [&str; 5] =
    ["get_entities", "import_knowledge", "store_memory", "upsert_entities", "upsert_facts"];

/// Arguments that a call is of little use without: every second one has them.
const USUAL: [(&str, &[&str]); 6] = [
    ("ingest_documents", &["text"]),
    ("import_knowledge", &["text"]),
    ("get_document", &["uri"]),
    ("merge_entities", &["keep", "merge"]),
    ("get_timeline", &["entity"]),
    ("forget_items", &["keys"]),
];

/// What a tenant knows, and the tools it may call.
pub(super) struct Caller {
    tools: Vec<(String, Value)>,
    /// Of the other tenant, and names of namespaces.
    known: VecDeque<String>,
    /// Given to it, by each server.
    given: VecDeque<[String; 2]>,
    /// Of those, ids of backups.
    backups: Vec<[String; 2]>,
}

impl Caller {
    pub(super) fn new(listed: &Value) -> TestResult<Self> {
        let tools = listed["result"]["tools"].as_array().ok_or("no tools")?;
        let named =
            |tool: &Value| Some((tool["name"].as_str()?.to_owned(), tool["inputSchema"].clone()));
        let tools = tools.iter().filter_map(named).collect();
        Ok(Self { tools, known: VecDeque::new(), given: VecDeque::new(), backups: Vec::new() })
    }

    pub(super) fn tools(&self) -> usize {
        self.tools.len()
    }

    pub(super) fn knows(&mut self, names: impl IntoIterator<Item = String>) {
        self.known.extend(names);
        // The names of homes stay.
        while self.known.len() > MEMORY {
            self.known.remove(2);
        }
    }

    /// The next call: method and parameters, with slots.
    pub(super) fn next(&self, random: &mut Random) -> (String, Value) {
        if random.is_one_in(40) {
            let uri = ["ptolemies://schema", "ptolemies://stats"][random.below(2)];
            return ("resources/read".to_owned(), json!({"uri": uri}));
        }
        loop {
            let Some((name, schema)) = random.pick(&self.tools) else { continue };
            if HEAVY.contains(&name.as_str()) && !random.is_one_in(12) {
                continue;
            }
            let maker = Maker { caller: self, tool: name, root: schema };
            let arguments = maker.object(schema, random);
            return ("tools/call".to_owned(), json!({"name": name, "arguments": arguments}));
        }
    }

    /// Parameters as one of the servers gets them.
    pub(super) fn filled(&self, params: &Value, server: usize) -> Value {
        match params {
            Value::String(text) => match text.strip_prefix(SLOT) {
                Some(slot) => {
                    let at = |text: &str| text.parse::<usize>().ok();
                    let given = match slot.strip_prefix(BACKUP) {
                        Some(slot) => at(slot).and_then(|at| self.backups.get(at)),
                        None => at(slot).and_then(|at| self.given.get(at)),
                    };
                    json!(given.map_or("", |given| given[server].as_str()))
                }
                None => params.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.filled(item, server)).collect(),
            Value::Object(map) => {
                let filled =
                    map.iter().map(|(name, value)| (name.clone(), self.filled(value, server)));
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    /// The same call with the token that it asks for.
    pub(super) fn confirmed(
        &self,
        params: &Value,
        answers: [&String; 2],
    ) -> TestResult<Option<[Value; 2]>> {
        let mut calls = [self.filled(params, 0), self.filled(params, 1)];
        for (call, answer) in calls.iter_mut().zip(answers) {
            let answer: Value = serde_json::from_str(answer)?;
            let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
            let error: Value = serde_json::from_str(text).unwrap_or_default();
            if error["code"] != "confirmation_required" {
                return Ok(None);
            }
            call["arguments"]["confirm_token"] = error["details"]["confirm_token"].clone();
        }
        Ok(Some(calls))
    }

    /// Remember what both servers gave.
    pub(super) fn heard(&mut self, told: &Value, said: &Value) {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        let ids = [told, said].map(|answer| {
            let id = answer["result"]["structuredContent"]["backup"]["id"].as_str();
            id.unwrap_or_default().to_owned()
        });
        if ids.iter().all(|id| !id.is_empty()) {
            self.backups.push(ids);
        }
        names(&told["result"]["structuredContent"], &mut one);
        names(&said["result"]["structuredContent"], &mut other);
        if one.len() == other.len() {
            self.given.extend(one.into_iter().zip(other).map(|(one, other)| [one, other]).take(20));
        }
        while self.given.len() > MEMORY {
            self.given.pop_front();
        }
    }
}

/// Values by which what an answer tells of can be asked for.
pub(super) fn names(answer: &Value, into: &mut Vec<String>) {
    const NAMES: [&str; 8] = [
        "id",
        "job_id",
        "merge_id",
        "previous_id",
        "next_cursor",
        "created_entities",
        "closed",
        "entities",
    ];
    match answer {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if NAMES.contains(&name.as_str()) => {
                        into.push(text.clone());
                    }
                    Value::Array(items) if NAMES.contains(&name.as_str()) => {
                        into.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
                        for item in items {
                            names(item, into);
                        }
                    }
                    other => names(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        _ => {}
    }
}

/// Makes the arguments of one call.
struct Maker<'a> {
    caller: &'a Caller,
    tool: &'a str,
    root: &'a Value,
}

impl Maker<'_> {
    fn object(&self, schema: &Value, random: &mut Random) -> Value {
        let Some(properties) = schema["properties"].as_object() else { return json!({}) };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let optional: Vec<&String> = properties
            .keys()
            .filter(|name| !required.contains(&name.as_str()) && !LEFT_OUT.contains(&name.as_str()))
            .collect();
        let mut chosen: Vec<&str> = required;
        let usual = USUAL.iter().find(|(tool, _)| *tool == self.tool);
        let usual = usual.filter(|_| std::ptr::eq(schema, self.root) && random.is_one_in(2));
        chosen.extend(usual.into_iter().flat_map(|(_, usual)| usual.iter().copied()));
        let more = if usual.is_some() { random.below(2) } else { random.below(4) };
        for _ in 0..more {
            chosen.extend(random.pick(&optional).map(|name| name.as_str()));
        }
        let mut made = Map::new();
        for name in chosen {
            made.insert(name.to_owned(), self.value(name, &properties[name], random));
        }
        if self.tool == "ingest_documents" && made.contains_key("text") {
            made.insert("uri".to_owned(), json!(WORDS[random.below(WORDS.len())]));
        }
        Value::Object(made)
    }

    fn value(&self, name: &str, schema: &Value, random: &mut Random) -> Value {
        if let Some(at) = schema["$ref"].as_str() {
            let found = self.root.pointer(at.trim_start_matches('#')).cloned().unwrap_or_default();
            return self.value(name, &found, random);
        }
        for several in ["anyOf", "oneOf"] {
            if let Some(one) = schema[several].as_array().and_then(|of| random.pick(of)) {
                return self.value(name, one, random);
            }
        }
        if let Some(fixed) = schema.get("const") {
            return fixed.clone();
        }
        if let Some(of) = schema["enum"].as_array() {
            return random.pick(of).cloned().unwrap_or_default();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
            kind => kind.as_str().unwrap_or("object"),
        };
        match kind {
            "boolean" => json!(random.is_one_in(2)),
            "integer" => {
                let least = schema["minimum"].as_u64().unwrap_or(0);
                json!(least + random.below(4) as u64)
            }
            "number" => json!([0.0, 0.5, 1.0][random.below(3)]),
            "array" => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let count = usize::try_from(least).unwrap_or(0).max(1) + random.below(2);
                (0..count).map(|_| self.value(name, &schema["items"], random)).collect()
            }
            "object" => self.object(schema, random),
            _ => self.text(name, random),
        }
    }

    fn text(&self, name: &str, random: &mut Random) -> Value {
        let is_time = matches!(name, "as_of" | "known_at" | "valid_from" | "valid_to")
            || name.starts_with("recorded_")
            || (self.tool == "get_timeline" && matches!(name, "from" | "to"));
        if is_time {
            return json!(TIMES[random.below(TIMES.len())]);
        }
        match (self.tool, name) {
            ("query_graph", "query") => return json!(QUERIES[random.below(QUERIES.len())]),
            (_, "text" | "observations" | "query") => {
                return json!(TEXTS[random.below(TEXTS.len())]);
            }
            ("create_namespace", "name") => return self.namespace(random),
            (_, "namespace" | "namespaces") => return self.namespace(random),
            _ => {}
        }
        if self.tool == "restore_backup" && name == "id" && !self.caller.backups.is_empty() {
            return json!(format!("{SLOT}{BACKUP}{}", random.below(self.caller.backups.len())));
        }
        let is_id = matches!(name, "id" | "ids" | "cursor" | "undo");
        let by_letters = BY_LETTERS.contains(&self.tool) && !is_id;
        match random.below(if is_id { 2 } else { 5 }) {
            0 | 1 if by_letters => self.known(random),
            0 => self.given(random),
            1 if random.is_one_in(2) => self.known(random),
            1 => self.given(random),
            _ => json!(WORDS[random.below(WORDS.len())]),
        }
    }

    /// A name of its own, of the other tenant's, of nobody's.
    fn namespace(&self, random: &mut Random) -> Value {
        let home = |at: usize| self.caller.known.get(at).map_or("", String::as_str);
        let (theirs, own) = (home(0), home(1));
        json!(match random.below(8) {
            0 | 1 => own.to_owned(),
            2 | 3 => format!("{own}/x"),
            4 => theirs.to_owned(),
            5 => format!("{theirs}/x"),
            6 => "default".to_owned(),
            _ => "no_such".to_owned(),
        })
    }

    fn known(&self, random: &mut Random) -> Value {
        json!(self.caller.known.get(random.below(self.caller.known.len())))
    }

    fn given(&self, random: &mut Random) -> Value {
        if self.caller.given.is_empty() {
            return json!("nothing");
        }
        json!(format!("{SLOT}{}", random.below(self.caller.given.len())))
    }
}
