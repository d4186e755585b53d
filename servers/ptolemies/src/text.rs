//! Stored text on its way out, and measures of text.

use std::{iter::Peekable, str::Chars};

/// Text without what could act on a terminal or hide from a reader: control characters but line
/// feed and tab, ANSI and OSC sequences, directional overrides, invisible and tag characters.
/// Joiners stay where a script or an emoji needs them, between non-ASCII characters.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut chars),
            '\n' | '\t' => out.push(c),
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{200c}' | '\u{200d}' if out.chars().next_back().is_some_and(|c| !c.is_ascii()) => {
                out.push(c);
            }
            c if c.is_control() || is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Skip the rest of an escape sequence: CSI to its final byte, OSC and its kin to their terminator.
fn skip_sequence(chars: &mut Peekable<Chars<'_>>) {
    match chars.next_if(|c| matches!(c, '\u{20}'..='\u{7e}')) {
        Some('[') => {
            while chars.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
            chars.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            for c in chars.by_ref() {
                if matches!(c, '\u{7}' | '\u{9c}' | '\\') {
                    break;
                }
            }
        }
        _ => {}
    }
}

fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB
        | 0xE0000..=0xE007F | 0xE0100..=0xE01EF)
}

/// Tokens a model is likely to need: a quarter of the ASCII characters, one for each other.
pub(crate) fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    ascii.div_ceil(4) + text.chars().filter(|c| !c.is_ascii()).count()
}

/// As much of the beginning as fits into `budget` tokens.
pub(crate) fn within_tokens(text: &str, budget: usize) -> &str {
    let mut quarters = 0;
    for (at, c) in text.char_indices() {
        quarters += if c.is_ascii() { 1 } else { 4 };
        if quarters > budget * 4 {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// Characters `text` has as a JSON string, without the quotes.
pub(crate) fn json_len(text: &str) -> usize {
    text.chars().map(json_width).sum()
}

/// `text` from character `from` on, as much as fits into `room` characters of JSON, and the number
/// of the first character left out, if one is.
pub(crate) fn window(text: &str, from: usize, room: usize) -> (&str, Option<usize>) {
    let mut used = 0;
    let mut start = text.len();
    for (number, (at, c)) in text.char_indices().enumerate() {
        if number < from {
            continue;
        }
        start = start.min(at);
        used += json_width(c);
        if used > room {
            return (text.get(start..at).unwrap_or(""), Some(number));
        }
    }
    (text.get(start..).unwrap_or(""), None)
}

fn json_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\t' => 2,
        _ => 1,
    }
}

/// Whether `text` matches a pattern of `*` (any run) and `?` (one character).
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                // The last star takes one character more.
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                p = star + 1;
                t = from + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_removes_what_acts_or_hides() {
        assert_eq!(clean("plain\n\ttext"), "plain\n\ttext");
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m b"), "ared b");
        assert_eq!(clean("x\u{1b}]8;;http://e.example\u{7}link\u{1b}]8;;\u{1b}\\y"), "xlinky");
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{0}f\u{9b}g"), "abcdefg");
        assert_eq!(clean("tag\u{e0041}\u{e0100}!"), "tag!");
        assert_eq!(clean("one\r\ntwo\rthree"), "one\ntwo\nthree");
        assert_eq!(clean("a\u{200d}b"), "ab");
        assert_eq!(clean("👩\u{200d}💻 نمی\u{200c}خواهم"), "👩\u{200d}💻 نمی\u{200c}خواهم");
        assert_eq!(clean("end\u{1b}"), "end");
    }

    #[test]
    fn tokens_are_counted_and_cut() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("abcde"), 2);
        assert_eq!(tokens("東京"), 2);
        assert_eq!(within_tokens("abcdefgh", 1), "abcd");
        assert_eq!(within_tokens("東京都", 2), "東京");
        assert_eq!(within_tokens("abc", 9), "abc");
    }

    #[test]
    fn windows_continue_where_they_ended() {
        let text = "ab\"cdé\n東";
        let (mut from, mut joined) = (0, String::new());
        loop {
            let (part, next) = window(text, from, 3);
            assert!(json_len(part) <= 3);
            joined.push_str(part);
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(joined, text);
        assert_eq!(window("abc", 9, 5), ("", None));
    }

    #[test]
    fn globs() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("user:*", "user:42", true),
            ("user:*", "users", false),
            ("*:?", "a:b:c", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "é", true),
            ("", "x", false),
        ] {
            assert_eq!(glob_matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
