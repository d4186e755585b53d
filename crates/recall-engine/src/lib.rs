//! Ranking of memories and documents.
//!
//! Pure: no clock, no randomness but a fixed seed, no I/O, no threads. A [`LexicalIndex`] takes
//! texts, ranks them for a query by BM25 over words and neighbouring word pairs, and forgets them
//! again; what is inserted is searchable when the call returns. Its scores are a function of the
//! live texts alone, whatever the order in which texts came and went.
//!
//! A [`Recall`] adds meaning (latent semantic analysis), what stands beside a text, what it is part
//! of, and nearness in a graph; each share of a score is told, and they add up to it.

pub mod analyzer;
pub mod answer;
pub mod bm25;
pub mod boost;
pub mod chunk;
pub mod duplicates;
pub mod graph;
pub mod index;
pub mod lsa;
pub mod ranking;
pub mod recall;
pub mod search;
pub mod shingle;
pub mod summary;
pub mod tokens;

mod postings;

pub use analyzer::Analyzer;
pub use answer::{Answer, Verdict};
pub use bm25::Bm25;
pub use boost::boost;
pub use duplicates::{Twins, near_duplicates};
pub use index::{DocId, LexicalIndex, Stats};
pub use lsa::Lsa;
pub use ranking::{Query, Ranked, Shares, Weights, parents::RankedParent};
pub use recall::{Fitted, ParentId, Recall, Refit};
pub use search::{Explanation, Hit, PartScore};
pub use shingle::Shingles;
