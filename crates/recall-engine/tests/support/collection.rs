//! Test collections outside the repository.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use flate2::read::GzDecoder;
use metric::Figures;
use recall_engine::{Query, Recall, Refit, Weights};
use serde_json::Value;

#[path = "metric.rs"]
pub(crate) mod metric;

/// Answers looked at.
const DEPTH: usize = 100;

/// Texts in order, some in groups, and questions with what answers them.
pub(crate) struct Collection {
    pub(crate) texts: Vec<Text>,
    pub(crate) questions: Vec<Question>,
}

/// A text; those of one group stand beside each other.
pub(crate) struct Text {
    pub(crate) id: String,
    pub(crate) group: Option<String>,
    pub(crate) body: String,
}

/// A question with the ids of the texts that answer it, each once.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) relevant: Vec<String>,
}

impl Collection {
    /// Read `corpus.jsonl.gz`, `queries.tsv`, `qrels.tsv`; grades from 1 on are relevant, questions
    /// without any are left out.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        let mut texts = Vec::new();
        for row in rows(&dir.join("corpus.jsonl.gz"))? {
            let row = row?;
            let body = format!("{}\n{}", field(&row, "title"), field(&row, "text"));
            texts.push(Text { id: field(&row, "id").to_owned(), group: None, body });
        }
        let mut judged: HashMap<String, Vec<String>> = HashMap::new();
        for line in BufReader::new(File::open(dir.join("qrels.tsv"))?).lines() {
            let line = line?;
            let mut parts = line.split('\t');
            let (Some(query), Some(text), Some(grade)) = (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            if grade.trim().parse::<i32>().unwrap_or(0) >= 1 {
                judged.entry(query.to_owned()).or_default().push(text.to_owned());
            }
        }
        let mut questions = Vec::new();
        for line in BufReader::new(File::open(dir.join("queries.tsv"))?).lines() {
            let line = line?;
            let (id, text) = line.split_once('\t').unwrap_or((&line, ""));
            if let Some(relevant) = judged.remove(id) {
                questions.push(Question { text: text.to_owned(), relevant });
            }
        }
        Ok(Self { texts, questions })
    }

    /// Read conversations, one collection each: texts are turns, groups are sessions.
    pub(crate) fn conversations(path: &Path) -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for row in rows(path)? {
            let row = row?;
            let mut texts = Vec::new();
            for session in list(&row, "sessions") {
                for turn in list(session, "turns") {
                    let spoken = format!("{}: {}", field(turn, "speaker"), field(turn, "text"));
                    let caption = field(turn, "caption");
                    texts.push(Text {
                        id: field(turn, "id").to_owned(),
                        group: Some(field(session, "id").to_owned()),
                        body: if caption.is_empty() {
                            spoken
                        } else {
                            format!("{spoken} [{caption}]")
                        },
                    });
                }
            }
            let mut questions = Vec::new();
            for question in list(&row, "qa") {
                let mut relevant: Vec<String> = list(question, "evidence")
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .filter(|id| texts.iter().any(|text| text.id == *id))
                    .collect();
                relevant.sort_unstable();
                relevant.dedup();
                if !relevant.is_empty() {
                    questions
                        .push(Question { text: field(question, "question").to_owned(), relevant });
                }
            }
            all.push(Self { texts, questions });
        }
        Ok(all)
    }

    /// Figures of each question over texts.
    pub(crate) fn rank_texts(&self, index: &Recall, weights: Weights) -> Vec<Figures> {
        let answer = |question: &Question| {
            let hits = index.search(&Query { weights, ..Query::new(&question.text, DEPTH) });
            let ids: Vec<&str> = hits
                .iter()
                .filter_map(|hit| Some(self.texts.get(hit.doc as usize)?.id.as_str()))
                .collect();
            Figures::of(&ids, &question.relevant)
        };
        self.questions.iter().map(answer).collect()
    }

    /// Figures of each question over groups.
    pub(crate) fn rank_groups(
        &self,
        index: &Recall,
        groups: &[String],
        weights: Weights,
    ) -> Vec<Figures> {
        let answer = |question: &Question| {
            let hits =
                index.search_parents(&Query { weights, ..Query::new(&question.text, DEPTH) });
            let ids: Vec<&str> = hits
                .iter()
                .filter_map(|hit| Some(groups.get(hit.parent as usize)?.as_str()))
                .collect();
            let relevant = self.texts.iter().filter(|text| question.relevant.contains(&text.id));
            let mut relevant: Vec<String> =
                relevant.filter_map(|text| text.group.clone()).collect();
            relevant.dedup();
            Figures::of(&ids, &relevant)
        };
        self.questions.iter().map(answer).collect()
    }

    /// An index of all texts, with meaning; numbers of texts are positions. The groups come second.
    pub(crate) fn index(&self) -> (Recall, Vec<String>) {
        let mut index = Recall::default();
        let mut groups: Vec<String> = Vec::new();
        for text in &self.texts {
            let parent = text.group.as_ref().map(|group| {
                let known = groups.iter().position(|known| known == group);
                let number = known.unwrap_or_else(|| {
                    groups.push(group.clone());
                    index.open_parent();
                    groups.len() - 1
                });
                u32::try_from(number).unwrap_or(u32::MAX)
            });
            index.insert(&text.body, parent);
        }
        if let Some(fitted) = Refit::run(index.refit(), &|| false) {
            index.install(fitted);
        }
        (index, groups)
    }
}

fn rows(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Value>> + use<>> {
    let lines = BufReader::new(GzDecoder::new(File::open(path)?)).lines();
    Ok(lines.map(|line| Ok(serde_json::from_str(&line?)?)))
}

fn field<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn list<'a>(row: &'a Value, name: &str) -> &'a [Value] {
    row[name].as_array().map(Vec::as_slice).unwrap_or_default()
}
