//! Reads and checks broken models: pieces cut out, doubled, exchanged between programs, or noise.
//!
//! `fuzz DIRECTORY COUNT SEED`: programs below the directory are the material. Says how many were accepted and refused
//! and the longest time for one; panics are listed with their text.
#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a bench measures wall time and prints it; numbers are cut to ranges"
)]

use std::{error::Error, fs, path::Path, time::Instant};

use bayes_engine::language::{check, parse};

/// Words that programs are made of.
const WORDS: [&str; 40] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ";",
    ",",
    "~",
    "|",
    "'",
    "\"",
    "^",
    ".*",
    "%/%",
    "?",
    ":",
    "=",
    "+=",
    "1",
    "1e309",
    "0x",
    "9999999999",
    "real",
    "int",
    "vector",
    "array",
    "matrix[2,3]",
    "for (i in 1:3)",
    "while (1)",
    "target +=",
    "normal_lpdf",
    "T[,]",
    "//",
    "/*",
    "\u{3b1}",
    "\u{0}",
    "functions {",
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, count, seed] = arguments.as_slice() else {
        return Err("fuzz DIRECTORY COUNT SEED".into());
    };
    let mut seeds = Vec::new();
    collect(Path::new(root), &mut seeds);
    seeds.sort();
    let (count, mut state): (u64, u64) = (count.parse()?, seed.parse()?);
    let (mut accepted, mut panics, mut longest) = (0_u64, 0_u64, 0.0_f64);
    std::panic::set_hook(Box::new(|_| {}));
    for _ in 0..count {
        let text = broken(&seeds, &mut state);
        let began = Instant::now();
        let judged = std::panic::catch_unwind(|| match parse(&text) {
            Ok(program) => check(&program, &text).is_empty(),
            Err(found) => {
                assert!(found.line >= 1 && found.column >= 1 && !found.fix.is_empty());
                false
            }
        });
        longest = longest.max(began.elapsed().as_secs_f64());
        match judged {
            Ok(is_accepted) => accepted += u64::from(is_accepted),
            Err(_) => {
                panics += 1;
                println!("PANIC\n{text}\n");
            }
        }
    }
    println!(
        "{count} texts of {} programs: {accepted} accepted, {panics} panics, longest {:.1} ms",
        seeds.len(),
        longest * 1e3
    );
    Ok(())
}

fn next(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) as usize) % below.max(1)
}

/// A program with up to four faults.
fn broken(seeds: &[Vec<char>], state: &mut u64) -> String {
    let mut text = seeds[next(state, seeds.len())].clone();
    for _ in 0..=next(state, 4) {
        let at = next(state, text.len() + 1);
        let end = (at + next(state, 30)).min(text.len());
        let piece: Vec<char> = match next(state, 5) {
            0 => Vec::new(),
            1 => text[at..end].repeat(2),
            2 => WORDS[next(state, WORDS.len())].repeat(1 + next(state, 3)).chars().collect(),
            3 => {
                let other = &seeds[next(state, seeds.len())];
                let from = next(state, other.len() + 1);
                other[from..(from + next(state, 60)).min(other.len())].to_vec()
            }
            _ => (0..next(state, 6))
                .filter_map(|_| char::from_u32(next(state, 0x250) as u32))
                .collect(),
        };
        text.splice(at..end, piece);
    }
    text.into_iter().collect()
}

fn collect(root: &Path, seeds: &mut Vec<Vec<char>>) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, seeds);
        } else if path.extension().is_some_and(|end| end == "stan") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if (1..4000).contains(&text.len()) {
                seeds.push(text.chars().collect());
            }
        }
    }
}
