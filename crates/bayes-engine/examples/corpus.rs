//! Reads every `.stan` file below the directories named: accepted, refused as outside the subset, refused otherwise.
//!
//! `corpus GOOD BAD`: of `stanc3/test/integration`; panics and what is judged otherwise than Stan does are listed.
#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bayes_engine::language::{check, parse};

fn main() {
    let mut panics = 0;
    for (number, root) in std::env::args().skip(1).enumerate() {
        let (mut files, mut counts) = (Vec::new(), BTreeMap::<String, usize>::new());
        collect(Path::new(&root), &mut files);
        files.sort();
        for path in &files {
            let Ok(text) = std::fs::read_to_string(path) else {
                *counts.entry("not UTF-8".to_owned()).or_default() += 1;
                continue;
            };
            let judged = std::panic::catch_unwind(|| judge(&text));
            panics += usize::from(judged.is_err());
            let (code, place) = judged.unwrap_or(("panic", String::new()));
            *counts.entry(code.to_owned()).or_default() += 1;
            let is_as_expected = (number == 0) == (code == "accepted") || code == "unsupported";
            if !is_as_expected {
                println!("{code}\t{}\t{place}", path.display());
            }
        }
        println!("{root}: {} files, {counts:?}", files.len());
    }
    println!("{panics} panics");
}

fn judge(text: &str) -> (&'static str, String) {
    let found = match parse(text) {
        Ok(program) => check(&program, text).into_iter().next(),
        Err(found) => Some(found),
    };
    found.map_or(("accepted", String::new()), |found| (found.code.word(), found.to_string()))
}

fn collect(root: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "stan") {
            files.push(path);
        }
    }
}
