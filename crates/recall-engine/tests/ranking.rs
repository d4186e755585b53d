//! What holds for any order of texts, parents and removals.

use proptest::prelude::*;
use recall_engine::{Bm25, Lsa, Query, Ranked, Recall, Weights};

const WORDS: [&str; 12] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "fooBar",
    "東京都",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..8)
        .prop_map(|words| words.join(" "))
}

fn empty() -> Recall {
    Recall::new(Bm25::default(), Lsa { least_texts: 4, rank: 6, ..Lsa::default() })
}

fn refit(index: &mut Recall) {
    if let Some(fitted) = index.refit().run(&|| false) {
        index.install(fitted);
    }
}

/// Bits of scores, by the position a text has among those that live.
fn scores(index: &Recall, query: &Query<'_>, live: &[u32]) -> Vec<(usize, u64)> {
    let place = |hit: &Ranked| live.iter().position(|&doc| doc == hit.doc).unwrap_or(usize::MAX);
    index.search(query).iter().map(|hit| (place(hit), hit.score.to_bits())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn shares_add_up_and_order_holds(
        texts in prop::collection::vec((text(), prop::option::of(0u32..4)), 1..30), query in text(),
        graph in prop::collection::vec((0u32..40, 0.0f64..2.0), 0..5), late in text(),
    ) {
        let mut index = empty();
        for _ in 0..4 {
            index.open_parent();
        }
        for (text, parent) in &texts {
            index.insert(text, *parent);
        }
        refit(&mut index);
        index.insert(&late, Some(1));
        let factor = |doc: u32| 1.0 + f64::from(doc % 3) / 10.0;
        let query = Query { graph: &graph, factor: &factor, ..Query::new(&query, 20) };
        let hits = index.search(&query);
        for hit in &hits {
            prop_assert!((hit.shares.sum() - hit.score).abs() < 1e-12 && hit.score.is_finite());
            let shares = hit.shares;
            prop_assert!([shares.words, shares.meaning, shares.before, shares.after, shares.parent, shares.graph]
                .iter().all(|share| (0.0..=1.0).contains(share)));
        }
        prop_assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
        let fewer = index.search(&Query { limit: 3, ..query });
        prop_assert_eq!(&hits[..hits.len().min(3)], &fewer[..]);
        let even = index.search(&Query { accept: &|doc| doc % 2 == 0, ..query });
        prop_assert!(even.iter().all(|hit| hit.doc % 2 == 0));
        for parent in index.search_parents(&query) {
            prop_assert!((parent.words + parent.best + parent.meaning - parent.score).abs() < 1e-12);
        }
    }

    /// After a new model nothing tells that there once were more texts.
    #[test]
    fn removed_texts_do_not_matter(
        texts in prop::collection::vec((text(), prop::option::of(0u32..3), any::<bool>()), 1..30),
        query in text(), before: bool, compact: bool,
    ) {
        let (mut index, mut fresh) = (empty(), empty());
        for _ in 0..3 {
            index.open_parent();
            fresh.open_parent();
        }
        let (mut live, mut fresh_live, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (text, parent, keep) in &texts {
            let doc = index.insert(text, *parent);
            if *keep {
                live.push(doc);
                fresh_live.push(fresh.insert(text, *parent));
            } else {
                gone.push(doc);
            }
        }
        if before {
            refit(&mut index);
        }
        for doc in gone {
            prop_assert!(index.remove(doc) && !index.remove(doc));
        }
        if compact {
            index.compact();
        }
        refit(&mut index);
        refit(&mut fresh);
        prop_assert_eq!(index.wants_refit(), fresh.wants_refit());
        let query = Query::new(&query, 100);
        prop_assert_eq!(scores(&index, &query, &live), scores(&fresh, &query, &fresh_live));
        let words = Query { weights: Weights { meaning: 0.0, parent_meaning: 0.0, ..query.weights }, ..query };
        prop_assert_eq!(scores(&index, &words, &live), scores(&fresh, &words, &fresh_live));
    }

    /// To forget a parent is to forget each of its texts.
    #[test]
    fn a_parent_goes_with_its_texts(
        texts in prop::collection::vec((text(), prop::option::of(0u32..3)), 1..30),
        query in text(), again in text(), model: bool,
    ) {
        let mut whole = empty();
        for _ in 0..3 {
            whole.open_parent();
        }
        let mut of_one = Vec::new();
        for (text, parent) in &texts {
            let doc = whole.insert(text, *parent);
            if *parent == Some(1) {
                of_one.push(doc);
            }
        }
        if model {
            refit(&mut whole);
        }
        let mut single = whole.clone();
        for &doc in &of_one {
            single.remove(doc);
        }
        prop_assert_eq!(whole.remove_parent(1), of_one.len());
        prop_assert_eq!((whole.remove_parent(1), whole.remove_parent(9)), (0, 0));
        for index in [&mut whole, &mut single] {
            index.insert(&again, Some(2));
        }
        let query = Query::new(&query, 100);
        prop_assert_eq!(whole.search(&query), single.search(&query));
        prop_assert_eq!(whole.search_parents(&query), single.search_parents(&query));
        prop_assert_eq!(whole.wants_refit(), single.wants_refit());
    }

    /// A model that was made while texts came and went is as good as one into which they came later.
    #[test]
    fn a_model_may_be_made_while_texts_come_and_go(
        texts in prop::collection::vec(text(), 6..20), more in prop::collection::vec(text(), 0..6),
        remove in 0u32..20, query in text(),
    ) {
        let mut at_once = empty();
        let parent = at_once.open_parent();
        for text in &texts {
            at_once.insert(text, Some(parent));
        }
        let mut meanwhile = at_once.clone();
        let fitted = meanwhile.refit().run(&|| false);
        for text in &more {
            meanwhile.insert(text, Some(parent));
        }
        meanwhile.remove(remove);
        if let Some(fitted) = fitted {
            meanwhile.install(fitted);
        }
        refit(&mut at_once);
        for text in &more {
            at_once.insert(text, Some(parent));
        }
        at_once.remove(remove);
        let query = Query::new(&query, 100);
        prop_assert_eq!(at_once.search(&query), meanwhile.search(&query));
        prop_assert_eq!(at_once.wants_refit(), meanwhile.wants_refit());
    }
}

#[test]
fn context_lifts_a_text_that_shares_no_word() {
    let mut index = Recall::default();
    let (trip, work) = (index.open_parent(), index.open_parent());
    index.insert("where did you go with the boat?", Some(trip));
    let answer = index.insert("to the lighthouse, twice", Some(trip));
    index.insert("the meeting was long", Some(work));
    index.insert("and the coffee cold", Some(work));
    let query = Query::new("where did the boat go", 10);
    let hits = index.search(&query);
    assert_eq!((hits.len(), hits[1].doc), (2, answer));
    assert!(hits[1].shares.before > 0.2 && hits[1].shares.parent > 0.1);
    let alone = index.search(&Query { weights: Weights::flat(), ..query });
    assert_eq!(alone.len(), 1);
    let near = [(3, 0.5)];
    let hits = index.search(&Query { graph: &near, ..query });
    assert_eq!(
        (hits.len(), hits[2].doc, hits[2].shares.graph.to_bits()),
        (3, 3, 0.15f64.to_bits())
    );
    assert_eq!(index.search_parents(&Query::new("coffee", 10))[0].parent, work);
    assert_eq!(index.search(&Query { stop: &|| true, ..Query::new("boat", 10) }), []);
}

#[test]
fn a_new_model_is_wanted_when_a_fifth_has_changed() {
    let mut index = Recall::default();
    for number in 0..63 {
        index.insert(&format!("word{} shared{}", number % 7, number % 5), None);
    }
    assert!(!index.wants_refit());
    for number in 63..100 {
        index.insert(&format!("word{} shared{}", number % 7, number % 5), None);
    }
    assert!(index.wants_refit());
    refit(&mut index);
    assert!(!index.wants_refit() && index.rank() > 0);
    for number in 0..20 {
        index.remove(number);
    }
    assert!(!index.wants_refit());
    index.insert("one more", None);
    assert!(index.wants_refit());
}
