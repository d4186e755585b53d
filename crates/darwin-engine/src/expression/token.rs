//! Words of an expression, read one at a time.

use super::Fault;

/// One word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'s> {
    Number(f64),
    /// Contents of a quoted string; there are no escapes.
    Text(&'s str),
    Name(&'s str),
    /// An operator or a bracket.
    Mark(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const MARKS: [&str; 21] = [
    "**", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "^", "<", ">", "(", ")", "[", "]", ",",
    ";", "=", ".",
];

/// Reads words from the front of a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    /// The next word and its byte offset, without taking it.
    pub(super) fn peek(&self) -> Result<(Token<'s>, usize), Fault> {
        self.clone().next()
    }

    /// The next word and its byte offset.
    pub(super) fn next(&mut self) -> Result<(Token<'s>, usize), Fault> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let (rest, start) = (self.rest(), self.at);
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start)) };
        let token = match first {
            '0'..='9' | '.' => self.number(rest, start)?,
            '"' | '\'' => self.text(rest, first, start)?,
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(self.take_while(rest, is_word)),
            _ => self.mark(rest, first, start)?,
        };
        Ok((token, start))
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, text: &'s str, length: usize) -> &'s str {
        self.at += length;
        text.get(..length).unwrap_or_default()
    }

    fn take_while(&mut self, rest: &'s str, holds: fn(char) -> bool) -> &'s str {
        let length = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        self.take(rest, length)
    }

    fn mark(&mut self, rest: &'s str, first: char, start: usize) -> Result<Token<'s>, Fault> {
        let Some(mark) = MARKS.into_iter().find(|mark| rest.starts_with(mark)) else {
            return Err(Fault::syntax(start, format!("has an unexpected {first:?}")));
        };
        self.at += mark.len();
        Ok(Token::Mark(mark))
    }

    fn text(&mut self, rest: &'s str, quote: char, start: usize) -> Result<Token<'s>, Fault> {
        let inside = rest.get(1..).unwrap_or_default();
        let Some(length) = inside.find(quote) else {
            return Err(Fault::syntax(start, "has a string without its closing quote".to_owned()));
        };
        self.at += length + 2;
        Ok(Token::Text(inside.get(..length).unwrap_or_default()))
    }

    /// Digits, a point, an exponent with its sign.
    fn number(&mut self, rest: &'s str, start: usize) -> Result<Token<'s>, Fault> {
        let bytes = rest.as_bytes();
        let digits = |from: usize| {
            from + bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count()
        };
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let after = digits(end + 1 + signed);
            if after > end + 1 + signed {
                end = after;
            }
        }
        let text = self.take(rest, end);
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Token::Number(value)),
            Ok(_) => Err(Fault::syntax(start, format!("has the number {text}, which is no f64"))),
            Err(_) => Err(Fault::syntax(start, "has a point that belongs to no number".to_owned())),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a text can be the name of a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.chars().all(is_word) && text.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(source);
        let mut all = Vec::new();
        loop {
            match lexer.next().unwrap().0 {
                Token::End => return all,
                token => all.push(token),
            }
        }
    }

    #[test]
    fn words_are_told_apart() {
        use Token::{Mark, Name, Number, Text};
        assert_eq!(
            words("x1<=1.5e-3**\u{a0}'a b' .5"),
            [Name("x1"), Mark("<="), Number(1.5e-3), Mark("**"), Text("a b"), Number(0.5)]
        );
        assert_eq!(words("2e 1.e5"), [Number(2.0), Name("e"), Number(1e5)]);
    }

    #[test]
    fn strange_characters_are_refused_where_they_stand() {
        for (source, offset) in [("x + $", 4), ("'abc", 0), ("1e999", 0), (". 5", 0), ("ä", 0)] {
            let mut lexer = Lexer::new(source);
            let fault = loop {
                match lexer.next() {
                    Ok((Token::End, _)) => panic!("{source} was read"),
                    Ok(_) => {}
                    Err(fault) => break fault,
                }
            };
            assert_eq!(fault.offset, offset, "{source}");
        }
    }
}
