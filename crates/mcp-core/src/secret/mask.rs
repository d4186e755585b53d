//! The shapes of keys, found in plain text.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::REDACTED;

/// How keys begin: Stripe's, Shopify's, our own. A key has at least eight more characters.
const PREFIXES: &[&str] =
    &["sk_", "rk_", "pk_", "whsec_", "shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "mk_"];

/// How a value begins that `StateKey` sealed.
const SEALED: &str = "rs1.";

/// The text with everything that has the shape of a key replaced by [`REDACTED`]: API keys of
/// Stripe, Shopify and our own, bearer tokens, JWTs, AWS keys, values that this server sealed.
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let (mut at, mut done) = (0, 0);
    let mut boundary = true;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((kept, length)) = boundary.then(|| secret(rest)).flatten() {
            masked.push_str(text.get(done..at + kept).unwrap_or_default());
            masked.push_str(REDACTED);
            done = at + length;
            (at, boundary) = (done, false);
            continue;
        }
        let style = style(rest);
        let next = rest.chars().next().unwrap_or_default();
        boundary = style > 0 || !(next.is_ascii_alphanumeric() || next == '_');
        at += style.max(next.len_utf8());
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Bytes of an ANSI style, whose last letter belongs to no word.
fn style(text: &str) -> usize {
    match text.strip_prefix("\u{1b}[") {
        None => 0,
        Some(_) => 3 + run(text, 2, |c| c.is_ascii_digit() || c == b';'),
    }
}

/// If a secret begins here: how much before it to keep, and where it ends.
fn secret(text: &str) -> Option<(usize, usize)> {
    let first = *text.as_bytes().first()?;
    match first {
        b'r' if text.starts_with(SEALED) => sealed(text),
        b's' | b'r' | b'p' | b'w' | b'm' => prefixed(text),
        b'e' => web_token(text),
        b'A' | b'a' => amazon(text),
        b'B' | b'b' => bearer(text),
        _ => None,
    }
}

fn prefixed(text: &str) -> Option<(usize, usize)> {
    let prefix = PREFIXES.iter().find(|prefix| text.starts_with(**prefix))?;
    let run = run(text, prefix.len(), |c| c.is_ascii_alphanumeric() || b"_-*".contains(&c));
    (run >= 8).then_some((0, prefix.len() + run))
}

/// Tokens that confirm a call, state of one, cursors.
fn sealed(text: &str) -> Option<(usize, usize)> {
    let length = run(text, 0, |c| c.is_ascii_alphanumeric() || b"_-.".contains(&c));
    (length >= 40).then_some((0, length))
}

/// Three parts of base64url, the first of which is a JSON object.
fn web_token(text: &str) -> Option<(usize, usize)> {
    if !text.starts_with("eyJ") {
        return None;
    }
    let length = run(text, 0, |c| c.is_ascii_alphanumeric() || b"_-.".contains(&c));
    let dots = text.bytes().take(length).filter(|c| *c == b'.').count();
    (length >= 20 && dots >= 2).then_some((0, length))
}

fn amazon(text: &str) -> Option<(usize, usize)> {
    if text.starts_with("AKIA") || text.starts_with("ASIA") {
        let length = run(text, 0, |c| c.is_ascii_uppercase() || c.is_ascii_digit());
        return (length >= 20).then_some((0, length));
    }
    let name = "aws_secret_access_key";
    let named = text.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    if !named {
        return None;
    }
    let kept = name.len() + run(text, name.len(), |c| b"\"'=: ".contains(&c));
    let length = run(text, kept, |c| c.is_ascii_alphanumeric() || b"/+=".contains(&c));
    (length >= 16).then_some((kept, kept + length))
}

/// `Bearer` and what follows, unless it is prose.
fn bearer(text: &str) -> Option<(usize, usize)> {
    let word = "bearer";
    let named = text.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let spaces = if named { run(text, word.len(), |c| c == b' ') } else { 0 };
    if spaces == 0 {
        return None;
    }
    let kept = word.len() + spaces;
    let length = run(text, kept, |c| c.is_ascii_alphanumeric() || b"-._~+/=".contains(&c));
    let token = text.bytes().skip(kept).take(length);
    let is_token = length >= 20 || (length >= 8 && token.into_iter().any(|c| c.is_ascii_digit()));
    is_token.then_some((kept, kept + length))
}

fn run(text: &str, from: usize, part: impl Fn(u8) -> bool) -> usize {
    text.bytes().skip(from).take_while(|c| part(*c)).count()
}

/// Masks each write. The log writes a whole line at a time.
#[derive(Debug)]
pub(crate) struct MaskingWriter<W>(pub(crate) W);

impl<W: Write> Write for MaskingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(mask(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

    #[test]
    fn keys_are_masked_wherever_they_stand() {
        for (text, expected) in [
            ("sk_test_51Habcdefgh", "***"),
            ("key=rk_live_51Habcdefgh,next", "key=***,next"),
            ("Invalid API Key provided: sk_test_abc***123.", "Invalid API Key provided: ***."),
            ("\"shpat_0123456789abcdef\"", "\"***\""),
            ("whsec_0123456789 shpss_0123456789", "*** ***"),
            ("mk_bayes_q83hf9x2k4j5h6g7", "***"),
            ("Authorization: Bearer abc.def-123_4", "Authorization: Bearer ***"),
            ("bearer  abcdefghijklmnopqrstuv", "bearer  ***"),
            ("AKIAIOSFODNN7EXAMPLE", "***"),
            ("\\\"rs1.AAAAAAAAAAAAAAAAAAABR1N2.pYiCnEnOjRt7SS6hABjrRf7\\\"", "\\\"***\\\""),
            (
                "aws_secret_access_key = \"wJalrXUtnFEMI/K7MDENG\"",
                "aws_secret_access_key = \"***\"",
            ),
            (
                "\u{1b}[3mkey\u{1b}[0m=\u{1b}[0mrk_live_51Habcdefgh",
                "\u{1b}[3mkey\u{1b}[0m=\u{1b}[0m***",
            ),
            ("größe sk_test_51Habcdefgh größe", "größe *** größe"),
        ] {
            assert_eq!(mask(text), expected);
        }
        assert_eq!(mask(&format!("token {JWT} end")), "token *** end");
        assert_eq!(mask(&format!("Bearer {JWT}")), "Bearer ***");
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "",
            "task_12345678 risk_assessment",
            "sk_1",
            "a Bearer token is needed",
            "eyJ",
            "disk_usage_percent",
            "AKIA",
            "bearer",
            "größe",
            "\u{1b}[2m2026-11-21\u{1b}[0m INFO",
        ] {
            assert!(matches!(mask(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_key_survives_any_surrounding(
            before in "(\\PC{0,20}[^A-Za-z0-9_])?", after in "([^A-Za-z0-9_*-]\\PC{0,20})?", which in 0..4_usize,
        ) {
            let key = ["sk_live_Zq8Zq8Zq8Zq8", "shpat_Zq8Zq8Zq8Zq8", "AKIAZQ8ZQ8ZQ8ZQ8ZQ8Z", "eyJZq8Zq8.Zq8Zq8Zq8.Zq8Zq8"][which];
            let masked = mask(&format!("{before}{key}{after}")).into_owned();
            prop_assert!(!masked.contains(key), "{}", masked);
            prop_assert_eq!(mask(&masked).into_owned(), masked.clone());
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,40}|[sk_Bearer eyJ.AKI0-9]{0,60}") {
            prop_assert!(mask(&text).len() <= text.len() + REDACTED.len());
        }
    }
}
