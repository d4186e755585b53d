//! nDCG@10 of the lexical leg on collections in BEIR's form.
//!
//! `cargo run --release -p recall-engine --example evaluate -- DIR/ir/scifact DIR/ir/cranfield`

use std::{
    io::{self, Write},
    path::PathBuf,
};

use recall_engine::Bm25;

#[path = "../tests/support/collection.rs"]
mod collection;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for dir in std::env::args().skip(1).map(PathBuf::from) {
        let collection = collection::Collection::read(&dir)?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(out, "{name}: {} texts", collection.len())?;
        for (what, bm25) in [
            ("words", Bm25 { pairs: 0.0, ..Bm25::default() }),
            ("words + 0.2 pairs", Bm25::default()),
        ] {
            let index = collection.index(bm25);
            let ndcg = collection.ndcg_at_10(&index);
            writeln!(out, "  {what:<18} nDCG@10 {ndcg:.4}  {:?}", index.stats())?;
        }
    }
    Ok(())
}
