//! Reads every `.stan` file below the directories named: accepted, refused as outside the subset, refused otherwise.
//!
//! `corpus GOOD BAD`: of `stanc3/test/integration`; what is judged otherwise than Stan does is listed, and how often
//! each thing outside of the subset is met among the good. Longer texts than a model may have are read too.
#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bayes_engine::language::{Code, Diagnostic, MAX_MODEL, check, parse_within};

/// Longer than any program of the corpus.
const LONGEST: usize = 64 << 20;

fn main() {
    let mut panics = 0;
    for (number, root) in std::env::args().skip(1).enumerate() {
        let (mut files, mut counts) = (Vec::new(), BTreeMap::<String, usize>::new());
        let mut reasons = BTreeMap::<String, usize>::new();
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
            let length = if text.len() > MAX_MODEL { "too long, else " } else { "" };
            *counts.entry(format!("{length}{code}")).or_default() += 1;
            let is_as_expected = (number == 0) == (code == "accepted") || code == "unsupported";
            if !is_as_expected {
                println!("{code}\t{}\t{place}", path.display());
            } else if number == 0 && code == "unsupported" {
                println!("outside\t{}\t{place}", path.display());
                let what = place.split_once(": ").map_or(place.as_str(), |(_, what)| what);
                *reasons.entry(what.to_owned()).or_default() += 1;
            }
        }
        for (what, times) in reasons {
            println!("{times:6} {what}");
        }
        println!("{root}: {} files, {counts:?}", files.len());
    }
    println!("{panics} panics");
}

/// What is outside of the subset counts before other findings.
fn judge(text: &str) -> (&'static str, String) {
    let found = match parse_within(text, LONGEST) {
        Ok(program) => {
            let findings = check(&program, text);
            let outside = findings.iter().find(|found| found.code == Code::Unsupported);
            outside.or(findings.first()).cloned()
        }
        Err(found) => Some(found),
    };
    let told = |found: Diagnostic| (found.code.word(), found.to_string());
    found.map_or(("accepted", String::new()), told)
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
