//! Test collections outside the repository, and nDCG.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use flate2::read::GzDecoder;
use recall_engine::{Bm25, LexicalIndex};

/// Texts, queries and judgements.
pub(crate) struct Collection {
    texts: Vec<(String, String)>,
    queries: Vec<(String, String)>,
    judged: HashMap<String, HashMap<String, f64>>,
}

impl Collection {
    /// Read `corpus.jsonl.gz`, `queries.tsv`, `qrels.tsv`.
    pub(crate) fn read(dir: &Path) -> io::Result<Self> {
        let corpus = BufReader::new(GzDecoder::new(File::open(dir.join("corpus.jsonl.gz"))?));
        let mut texts = Vec::new();
        for line in corpus.lines() {
            let row: serde_json::Value = serde_json::from_str(&line?)?;
            let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            texts.push((field("id"), format!("{}\n{}", field("title"), field("text"))));
        }
        let mut queries = Vec::new();
        for line in BufReader::new(File::open(dir.join("queries.tsv"))?).lines() {
            let line = line?;
            let (id, query) = line.split_once('\t').unwrap_or((&line, ""));
            queries.push((id.to_owned(), query.to_owned()));
        }
        let mut judged: HashMap<String, HashMap<String, f64>> = HashMap::new();
        for line in BufReader::new(File::open(dir.join("qrels.tsv"))?).lines() {
            let line = line?;
            let mut parts = line.split('\t');
            let (Some(query), Some(text), Some(grade)) = (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let relevant = f64::from(u8::from(grade.trim().parse::<i32>().unwrap_or(0) >= 1));
            judged.entry(query.to_owned()).or_default().insert(text.to_owned(), relevant);
        }
        Ok(Self { texts, queries, judged })
    }

    /// Number of texts.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// An index of all texts; document numbers are positions.
    pub(crate) fn index(&self, bm25: Bm25) -> LexicalIndex {
        let mut index = LexicalIndex::new(bm25);
        for (_, text) in &self.texts {
            index.insert(text);
        }
        index
    }

    /// Mean nDCG@10 over the judged queries, grades 0 and 1.
    pub(crate) fn ndcg_at_10(&self, index: &LexicalIndex) -> f64 {
        let mut sum = 0.0;
        let mut count = 0.0;
        for (id, query) in &self.queries {
            let Some(judged) =
                self.judged.get(id).filter(|judged| judged.values().any(|&g| g > 0.0))
            else {
                continue;
            };
            let hits = index.search(query, 10, |_| true, &|| false);
            let gains = hits.iter().map(|hit| {
                self.texts
                    .get(hit.doc as usize)
                    .and_then(|(id, _)| judged.get(id))
                    .copied()
                    .unwrap_or(0.0)
            });
            let mut ideal: Vec<f64> = judged.values().copied().collect();
            ideal.sort_by(|a, b| b.total_cmp(a));
            sum += discounted(gains) / discounted(ideal.into_iter().take(10));
            count += 1.0;
        }
        sum / count
    }
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    gains.zip(2u32..).map(|(gain, rank)| gain / f64::from(rank).log2()).sum()
}
