//! The lexical leg on public collections, where they are.

use std::{io, path::PathBuf};

use recall_engine::Bm25;

#[path = "support/collection.rs"]
mod collection;

#[test]
fn ndcg_on_scifact_and_cranfield_does_not_fall() -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an engine has no configuration; data for a test"
    )]
    let Some(root) = std::env::var_os("MACHINA_BENCH_DATA").map(PathBuf::from) else {
        println!("skipped: MACHINA_BENCH_DATA is not set");
        return Ok(());
    };
    for (name, texts, least) in [("scifact", 5_183, 0.68), ("cranfield", 1_400, 0.38)] {
        let dir = root.join("ir").join(name);
        if !dir.exists() {
            println!("skipped: {name} is not in MACHINA_BENCH_DATA");
            continue;
        }
        let collection = collection::Collection::read(&dir)?;
        assert_eq!(collection.len(), texts, "{name} is not the whole set");
        let ndcg = collection.ndcg_at_10(&collection.index(Bm25::default()));
        println!("{name}: nDCG@10 {ndcg:.4}");
        assert!(ndcg >= least, "{name}: nDCG@10 {ndcg:.4} < {least}");
    }
    Ok(())
}
