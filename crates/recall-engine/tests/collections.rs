//! Ranking quality on public collections, where they are.

use std::{io, path::PathBuf};

use recall_engine::Weights;

#[path = "support/collection.rs"]
mod collection;
use collection::Collection;
use collection::metric::Figures;

#[test]
fn quality_on_scifact_and_cranfield_does_not_fall() -> io::Result<()> {
    let Some(root) = data() else {
        println!("skipped: MACHINA_BENCH_DATA is not set");
        return Ok(());
    };
    // Texts, least nDCG@10 of words, least of words and meaning.
    for (name, texts, words, both) in
        [("scifact", 5_183, 0.685, 0.70), ("cranfield", 1_400, 0.385, 0.415)]
    {
        let dir = root.join("ir").join(name);
        if !dir.exists() {
            println!("skipped: {name} is not in MACHINA_BENCH_DATA");
            continue;
        }
        let collection = Collection::read(&dir)?;
        assert_eq!(collection.texts.len(), texts, "{name} is not the whole set");
        let (index, _) = collection.index();
        for (weights, least) in [(Weights::words_only(), words), (Weights::default(), both)] {
            let ndcg = Figures::mean(&collection.rank_texts(&index, weights)).ndcg_10;
            println!("{name}: nDCG@10 {ndcg:.4}");
            assert!(ndcg >= least, "{name}: nDCG@10 {ndcg:.4} < {least}");
        }
    }
    Ok(())
}

/// Turns are found with the help of what stands beside and around them, sessions by what is in them.
#[test]
fn quality_on_conversations_does_not_fall() -> io::Result<()> {
    let Some(root) = data() else {
        println!("skipped: MACHINA_BENCH_DATA is not set");
        return Ok(());
    };
    let path = root.join("locomo/locomo-dev.jsonl.gz");
    if !path.exists() {
        println!("skipped: the conversations are not in MACHINA_BENCH_DATA");
        return Ok(());
    }
    let all = Collection::conversations(&path)?;
    assert_eq!(all.iter().map(|set| set.questions.len()).sum::<usize>(), 996);
    let (mut turns, mut sessions) = (Vec::new(), Vec::new());
    for set in &all {
        let (index, groups) = set.index();
        turns.extend(set.rank_texts(&index, Weights::default()));
        sessions.extend(set.rank_groups(&index, &groups, Weights::default()));
    }
    let (turns, sessions) = (Figures::mean(&turns), Figures::mean(&sessions));
    println!("turns {turns:?}\nsessions {sessions:?}");
    assert!(turns.recall_10 >= 0.69 && sessions.recall_5 >= 0.86 && sessions.recall_10 >= 0.925);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an engine has no configuration; data for a test")]
fn data() -> Option<PathBuf> {
    std::env::var_os("MACHINA_BENCH_DATA").map(PathBuf::from)
}
