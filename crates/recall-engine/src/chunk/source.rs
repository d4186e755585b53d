//! Program text: blocks that begin at the left margin.

use super::Block;

/// Longest line taken as the name of a block, in characters.
const LONGEST_NAME: usize = 120;

/// Blocks start where a line at the margin follows an empty one, so that a comment stays with what
/// it speaks of, and a body with its head.
pub(super) fn blocks(document: &str) -> Vec<Block> {
    let mut starts = vec![0];
    let (mut at, mut after_gap) = (0, false);
    for line in document.split_inclusive('\n') {
        let margin =
            line.starts_with(|c: char| !c.is_whitespace() && !matches!(c, '}' | ')' | ']'));
        if margin && after_gap && at > 0 {
            starts.push(at);
        }
        after_gap = line.trim().is_empty();
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([document.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| Block {
            start,
            path: Vec::new(),
            heading: false,
            name: name(document.get(start..end).unwrap_or_default()),
        })
        .collect()
}

/// The first line that is no comment and no attribute.
fn name(block: &str) -> Option<String> {
    let aside = ["//", "#[", "#!", "/*", "*", "@", "# ", "--", "\"\"\""];
    let mut lines = block.lines().map(str::trim);
    let line =
        lines.find(|line| !line.is_empty() && !aside.iter().any(|sign| line.starts_with(sign)));
    line.map(|line| line.chars().take(LONGEST_NAME).collect())
}
