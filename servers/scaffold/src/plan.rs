//! A plan: the files of a project, and the id that says they are the same.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_core::path_root::{RelativePath, case_collision};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    Error, literal,
    project::{Project, Warning},
    render::render,
    spec::{Language, ProjectSpec},
    template::TEMPLATE_VERSION,
};

/// Largest project.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Where a project says what it was made from.
const MARKER: &str = ".machina/project.json";
/// Plans kept, for how long, and how many ids of dropped plans are remembered.
const MAX_PLANS: usize = 64;
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
const MAX_DROPPED: usize = 1024;

/// What [`crate::Server`] would write.
#[derive(Debug)]
pub(crate) struct Plan {
    /// SHA-256 over spec, template version and file hashes, in hex.
    pub(crate) id: String,
    /// Name of the project.
    pub(crate) name: String,
    /// Language of the project.
    pub(crate) language: Language,
    /// Files by path, sorted.
    pub(crate) files: Vec<PlanFile>,
    /// What the caller should know.
    pub(crate) warnings: Vec<Warning>,
}

/// A file of a plan.
#[derive(Debug)]
pub(crate) struct PlanFile {
    /// Where it goes.
    pub(crate) path: RelativePath,
    /// What is in it.
    pub(crate) text: String,
    /// SHA-256 of the text, in hex.
    pub(crate) sha256: String,
}

impl Plan {
    /// Work out the files of a project. The same spec gives the same plan.
    pub(crate) fn new(spec: ProjectSpec) -> Result<Self, Error> {
        let project = Project::from_spec(spec)?;
        let mut texts = render(&project)?;
        let hashes: serde_json::Map<_, _> =
            texts.iter().map(|(path, text)| (path.clone(), sha256(text).into())).collect();
        let marker = marker(&project, &hashes);
        texts.insert(MARKER.to_owned(), literal::json(&marker) + "\n");
        if texts.values().map(String::len).sum::<usize>() > MAX_BYTES {
            return Err(Error::TooLarge { what: "the project".to_owned(), bound: "8 MiB" });
        }
        if let Some((first, second)) = case_collision(texts.keys().map(String::as_str)) {
            let message = format!("{first} and {second} are one file where case does not count");
            return Err(Error::invalid_spec("/spec/tools", message));
        }
        let files = texts.into_iter().map(PlanFile::new).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            id: plan_id(&marker),
            name: project.spec.name,
            language: project.spec.language,
            files,
            warnings: project.warnings,
        })
    }

    /// Size of all files in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }
}

impl PlanFile {
    fn new((path, text): (String, String)) -> Result<Self, Error> {
        Ok(Self { path: path.parse()?, sha256: sha256(&text), text })
    }
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn marker(project: &Project, hashes: &serde_json::Map<String, Value>) -> Value {
    json!({
        "format": 1,
        "generator": "machina-scaffold",
        "template_version": TEMPLATE_VERSION,
        "spec": project.spec,
        "files": hashes,
    })
}

/// The marker holds the spec, the template version and the hash of every other file.
fn plan_id(marker: &Value) -> String {
    sha256(&literal::json(marker))
}

/// The plans of this process, bounded in number and age.
#[derive(Debug, Default)]
pub(crate) struct PlanStore(Mutex<Plans>);

#[derive(Debug, Default)]
struct Plans {
    kept: HashMap<String, (Instant, Arc<Plan>)>,
    /// Ids by age, oldest first.
    order: BTreeSet<(Instant, String)>,
    dropped: VecDeque<String>,
}

impl PlanStore {
    /// Keep a plan; the oldest gives way. Planning the same again makes it young.
    pub(crate) fn insert(&self, plan: Plan, now: Instant) -> Arc<Plan> {
        let plan = Arc::new(plan);
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, _)) = plans.kept.insert(plan.id.clone(), (now, Arc::clone(&plan))) {
            plans.order.remove(&(since, plan.id.clone()));
        }
        plans.order.insert((now, plan.id.clone()));
        plans.dropped.retain(|id| *id != plan.id);
        plans.expire(now);
        plan
    }

    /// The plan of an id.
    pub(crate) fn get(&self, id: &str, now: Instant) -> Result<Arc<Plan>, Error> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.expire(now);
        match plans.kept.get(id) {
            Some((_, plan)) => Ok(Arc::clone(plan)),
            None if plans.dropped.iter().any(|dropped| dropped == id) => Err(Error::PlanStale),
            None => Err(Error::PlanNotFound),
        }
    }
}

impl Plans {
    fn expire(&mut self, now: Instant) {
        while let Some((since, id)) = self.order.pop_first() {
            let is_young = now.duration_since(since) < MAX_AGE;
            if is_young && self.kept.len() <= MAX_PLANS {
                self.order.insert((since, id));
                return;
            }
            self.kept.remove(&id);
            self.dropped.push_back(id);
            if self.dropped.len() > MAX_DROPPED {
                self.dropped.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, language: &str) -> ProjectSpec {
        serde_json::from_value(json!({
            "name": name, "description": "Weather.", "language": language,
            "transports": ["stdio", "http"],
            "tools": [{
                "name": "get_forecast", "description": "Forecast of a city.",
                "parameters": [
                    {"name": "city", "type": "string", "description": "Where."},
                    {"name": "days", "type": "integer", "minimum": 1, "maximum": 14, "required": false},
                ],
                "annotations": {"read_only": true},
            }],
        }))
        .expect("spec")
    }

    #[test]
    fn the_same_spec_gives_the_same_plan() {
        for language in ["rust", "python", "typescript"] {
            let plan = Plan::new(spec("weather", language)).expect("plan");
            assert_eq!(plan.id, Plan::new(spec("weather", language)).expect("plan").id);
            assert_ne!(plan.id, Plan::new(spec("other", language)).expect("plan").id);
            let listing: Vec<_> =
                plan.files.iter().map(|file| format!("{} {}", file.sha256, file.path)).collect();
            insta::assert_snapshot!(
                format!("plan_{language}"),
                format!("{}\n{}", plan.id, listing.join("\n"))
            );
        }
    }

    #[test]
    fn the_marker_holds_the_spec_and_every_hash() {
        let plan = Plan::new(spec("weather", "rust")).expect("plan");
        let file =
            |path: &str| plan.files.iter().find(|file| file.path.as_str() == path).expect("file");
        let marker: Value = serde_json::from_str(&file(MARKER).text).expect("JSON");
        assert_eq!(marker["files"].as_object().expect("object").len(), plan.files.len() - 1);
        assert_eq!(marker["files"]["Cargo.toml"], file("Cargo.toml").sha256.as_str());
        let spec: ProjectSpec = serde_json::from_value(marker["spec"].clone()).expect("spec");
        assert_eq!(
            Plan::new(spec).expect("plan").id,
            plan.id,
            "the marker's spec gives the plan again"
        );
    }

    #[test]
    fn plans_are_bounded_in_age_and_number() {
        let store = PlanStore::default();
        let named = |name: &str| Plan {
            id: name.to_owned(),
            name: name.to_owned(),
            language: Language::Rust,
            files: Vec::new(),
            warnings: Vec::new(),
        };
        let start = Instant::now();
        let second = |number: usize| start + Duration::from_secs(number as u64);
        store.insert(named("first"), start);
        assert!(store.get("first", start).is_ok());
        assert!(matches!(store.get("never", start), Err(Error::PlanNotFound)));
        for number in 0..MAX_PLANS {
            store.insert(named(&format!("p{number}")), second(1 + number));
        }
        assert!(matches!(store.get("first", second(65)), Err(Error::PlanStale)));
        store.insert(named("p0"), second(66));
        assert!(store.get("p1", second(67)).is_ok(), "planning again pushes nothing out");
        assert!(matches!(store.get("p63", second(64) + MAX_AGE), Err(Error::PlanStale)));
        assert!(store.get("p0", second(64) + MAX_AGE).is_ok(), "planning again made it young");
    }
}
