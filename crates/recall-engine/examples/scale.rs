//! Time and memory of the index on generated texts: each leg against words alone, interleaved.
//!
//! `cargo run --release -p recall-engine --example scale -- [ROWS.csv] [TEXTS...]`

use std::{
    fs,
    io::{self, Write},
};

use recall_engine::{Query, Recall, Weights};

#[expect(clippy::disallowed_types, reason = "a measuring tool needs the real clock")]
type Clock = std::time::Instant;

/// Words of a text, texts of a parent, queries.
const LENGTH: u64 = 60;
const GROUP: usize = 10;
const QUERIES: usize = 200;
const VOCABULARY: u64 = 40_000;
const TOPICS: u64 = 200;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next();
    let mut sizes: Vec<usize> = arguments.filter_map(|size| size.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 100_000];
    }
    let mut rows = vec![
        "texts,text_mb,insert_us,fit_s,postings_mb,meaning_mb,rss_mb,method,p50_ms,p99_ms,ratio_p50".to_owned(),
    ];
    for texts in sizes {
        rows.extend(measure(texts));
    }
    if let Some(path) = path {
        fs::write(path, rows.join("\n") + "\n")?;
    }
    let mut out = io::stdout().lock();
    rows.iter().try_for_each(|row| writeln!(out, "{row}"))
}

fn measure(texts: usize) -> Vec<String> {
    let mut state = 1;
    let corpus: Vec<String> = (0..texts).map(|_| text(&mut state, LENGTH)).collect();
    let bytes: usize = corpus.iter().map(String::len).sum();
    let mut index = Recall::default();
    let began = Clock::now();
    let mut parent = index.open_parent();
    for (number, text) in corpus.iter().enumerate() {
        if number % GROUP == 0 {
            parent = index.open_parent();
        }
        index.insert(text, Some(parent));
    }
    let insert = began.elapsed().as_secs_f64() * 1e6 / count(texts);
    drop(corpus);
    let began = Clock::now();
    if let Some(fitted) = index.refit().run(&|| false) {
        index.install(fitted);
    }
    let fit = began.elapsed().as_secs_f64();
    let methods = [
        ("words", Weights::words_only()),
        ("words+meaning", Weights::flat()),
        ("default", Weights::default()),
    ];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..QUERIES {
        let query = text(&mut state, 6);
        for ((_, weights), times) in methods.iter().zip(&mut times) {
            let began = Clock::now();
            let hits = index.search(&Query { weights: *weights, ..Query::new(&query, 10) });
            times.push(began.elapsed().as_secs_f64() * 1e3);
            assert!(hits.len() <= 10);
        }
    }
    for times in &mut times {
        times.sort_by(f64::total_cmp);
    }
    let (half, most) = (QUERIES / 2, QUERIES * 99 / 100);
    let base = times[0][half];
    let mb = |bytes: usize| count(bytes) / 1e6;
    let postings = index.words().stats().posting_bytes;
    methods
        .iter()
        .zip(&times)
        .map(|((method, _), times)| {
            format!(
                "{texts},{:.1},{insert:.1},{fit:.1},{:.1},{:.1},{:.0},{method},{:.2},{:.2},{:.2}",
                mb(bytes),
                mb(postings),
                mb(index.meaning_bytes()),
                resident(),
                times[half],
                times[most],
                times[half] / base
            )
        })
        .collect()
}

/// Words by Zipf's law: half of all, half of the text's topic.
fn text(state: &mut u64, words: u64) -> String {
    let topic = draw(state) % TOPICS;
    let mut text = String::new();
    for number in 0..words {
        let word = zipf(state);
        let word = if number % 2 == 0 { word } else { (word * TOPICS + topic) % VOCABULARY };
        text.push_str(&format!("w{word:x}q "));
    }
    text
}

/// Below the size of the vocabulary, the probability falling with the rank.
fn zipf(state: &mut u64) -> u64 {
    let share = count(usize::try_from(draw(state) % 1_000_000).unwrap_or(0)) / 1e6;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rank")]
    let rank = count(usize::try_from(VOCABULARY).unwrap_or(0)).powf(share) as u64;
    rank - 1
}

fn draw(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Resident memory of this process in MB, where the system tells; else 0.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1.024 / 1e3
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
