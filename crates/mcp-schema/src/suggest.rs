//! "Did you mean": the nearest known word.

/// The candidate nearest to `word`, if it is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The nearest candidate as a remark in parentheses, or nothing.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_ignores_strangers() {
        let known = ["MACHINA_PORT", "MACHINA_BIND", "MACHINA_TOOLSET"];
        assert_eq!(nearest("MACHINA_PROT", known), Some("MACHINA_PORT"));
        assert_eq!(nearest("HOME", known), None);
        assert_eq!(did_you_mean("zzz", known), "");
    }
}
