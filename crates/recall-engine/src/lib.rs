//! Lexical ranking of memories and documents.
//!
//! Pure: no clock, no randomness, no I/O, no threads. A [`LexicalIndex`] takes texts, ranks them
//! for a query by BM25 over words and neighbouring word pairs, and forgets them again; what is
//! inserted is searchable when the call returns. Scores are a function of the live texts alone,
//! whatever the order in which texts came and went.

pub mod analyzer;
pub mod bm25;
pub mod index;
pub mod search;
pub mod shingle;

mod postings;

pub use analyzer::Analyzer;
pub use bm25::Bm25;
pub use index::{DocId, LexicalIndex, Stats};
pub use search::{Explanation, Hit, PartScore};
pub use shingle::Shingles;
