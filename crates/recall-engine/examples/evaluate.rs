//! Ranking quality on public collections, each leg beside the lexical baseline.
//!
//! `cargo run --release -p recall-engine --example evaluate -- DIR [ROWS.csv]`, where `DIR` holds
//! `ir/<set>` in BEIR's form and `locomo/locomo-dev.jsonl.gz`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use recall_engine::{Recall, Weights};

#[path = "../tests/support/collection.rs"]
mod collection;
use collection::{
    Collection,
    metric::{Figures, count},
};

/// One row of the table: what is ranked, on which set, by what.
struct Row {
    set: &'static str,
    level: &'static str,
    method: &'static str,
    figures: Vec<Figures>,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let Some(root) = arguments.next() else {
        return Err(io::Error::other("usage: evaluate DIR [ROWS.csv]"));
    };
    let mut rows = Vec::new();
    for set in ["scifact", "cranfield"] {
        rows.extend(flat(set, &root.join("ir").join(set))?);
    }
    rows.extend(conversations(&root.join("locomo/locomo-dev.jsonl.gz"))?);
    let lines = table(&rows);
    if let Some(path) = arguments.next() {
        fs::write(path, lines.join("\n") + "\n")?;
    }
    let mut out = io::stdout().lock();
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Single texts, no groups.
fn flat(set: &'static str, dir: &Path) -> io::Result<Vec<Row>> {
    let collection = Collection::read(dir)?;
    let (index, _) = collection.index();
    let only_meaning = Weights { words: 0.0, meaning: 1.0, ..Weights::flat() };
    Ok([
        ("bm25", Weights::words_only()),
        ("lsa", only_meaning),
        ("words+meaning", Weights::flat()),
        ("default", Weights::default()),
    ]
    .map(|(method, weights)| {
        let figures = collection.rank_texts(&index, weights);
        Row { set, level: "text", method, figures }
    })
    .into())
}

/// Turns in sessions, an index for each conversation.
fn conversations(path: &Path) -> io::Result<Vec<Row>> {
    let all: Vec<(Collection, (Recall, Vec<String>))> = Collection::conversations(path)?
        .into_iter()
        .map(|collection| {
            let index = collection.index();
            (collection, index)
        })
        .collect();
    let mut rows = Vec::new();
    let flat = Weights::flat();
    for (method, weights) in [
        ("bm25", Weights::words_only()),
        ("words+meaning", flat),
        ("+parent", Weights { neighbour: 0.0, ..Weights::default() }),
        ("+neighbours", Weights { parent: 0.0, ..Weights::default() }),
        ("default", Weights::default()),
    ] {
        let figures =
            all.iter().flat_map(|(set, (index, _))| set.rank_texts(index, weights)).collect();
        rows.push(Row { set: "locomo-dev", level: "turn", method, figures });
    }
    for (method, weights) in [
        ("bm25", Weights::words_only()),
        (
            "words+meaning",
            Weights { parent_words: 0.7, parent_best: 0.0, parent_meaning: 0.3, ..flat },
        ),
        ("default", Weights::default()),
    ] {
        let figures = all
            .iter()
            .flat_map(|(set, (index, groups))| set.rank_groups(index, groups, weights))
            .collect();
        rows.push(Row { set: "locomo-dev", level: "session", method, figures });
    }
    Ok(rows)
}

/// CSV: means, and the gain over BM25 with its 95 % interval.
fn table(rows: &[Row]) -> Vec<String> {
    let mut lines = vec![
        "set,level,method,questions,ndcg10,recall5,recall10,recall100,mrr10,gain_ndcg10,gain_low,gain_high"
            .to_owned(),
    ];
    for row in rows {
        let base = rows
            .iter()
            .find(|base| (base.set, base.level, base.method) == (row.set, row.level, "bm25"));
        let gains: Vec<f64> = base
            .into_iter()
            .flat_map(|base| row.figures.iter().zip(&base.figures))
            .map(|(figures, base)| figures.ndcg_10 - base.ndcg_10)
            .collect();
        let (mean, low, high) = interval(&gains);
        let Figures { ndcg_10, recall_5, recall_10, recall_100, mrr_10 } =
            Figures::mean(&row.figures);
        lines.push(format!(
            "{},{},{},{},{ndcg_10:.4},{recall_5:.4},{recall_10:.4},{recall_100:.4},{mrr_10:.4},{mean:+.4},{low:+.4},{high:+.4}",
            row.set, row.level, row.method, row.figures.len()
        ));
    }
    lines
}

/// Mean with its 95 % interval by the paired t statistic, whose quantile is 1.96 here.
fn interval(gains: &[f64]) -> (f64, f64, f64) {
    let number = count(gains.len());
    let mean = gains.iter().sum::<f64>() / number;
    let square = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (number - 1.0);
    let half = 1.96 * (square / number).sqrt();
    (mean, mean - half, mean + half)
}
