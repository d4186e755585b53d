//! From text to words.

use super::token::{Kind, MARKS, Token};
use super::{Code, Diagnostic, Span};

/// All words of the text, the end last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Diagnostic> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip()?;
        let token = lexer.token()?;
        let is_end = token.kind == Kind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'text> {
    text: &'text str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, length: usize, message: impl Into<String>, fix: &str) -> Diagnostic {
        let span = Span { start: self.at, end: self.at + length };
        Diagnostic::new(Code::Syntax, span, message).with_fix(fix)
    }

    /// Spaces and comments.
    fn skip(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let blank = rest.len() - trimmed.len();
            let length = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                match trimmed.find("*/") {
                    Some(end) => end + 2,
                    None => {
                        self.at += blank;
                        return Err(self.error(2, "a comment has no end", "close it with `*/`"));
                    }
                }
            } else if trimmed.starts_with('#') {
                self.at += blank;
                return Err(self.hash());
            } else {
                self.at += blank;
                return Ok(());
            };
            self.at += blank + length;
        }
    }

    fn hash(&self) -> Diagnostic {
        if self.rest().starts_with("#include") {
            let mut error = self.error(8, "`#include` is not served: a model reads no files", "");
            error.code = Code::Unsupported;
            return error.with_fix("paste the file's text in its place");
        }
        self.error(1, "`#` does not start a comment", "start comments with `//`")
    }

    fn token(&mut self) -> Result<Token, Diagnostic> {
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => Kind::End,
            Some(first) if first.is_ascii_alphabetic() => self.name(),
            Some(first) if first.is_ascii_digit() => self.number()?,
            Some('.') if self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                self.number()?
            }
            Some('"') => self.quoted()?,
            Some(other) => self.mark(other)?,
        };
        Ok(Token { kind, span: Span { start, end: self.at } })
    }

    fn name(&mut self) -> Kind {
        let length = self.run(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Kind::Name(self.take(length))
    }

    fn run(&self, is_part: impl Fn(u8) -> bool) -> usize {
        self.rest().bytes().take_while(|byte| is_part(*byte)).count()
    }

    fn take(&mut self, length: usize) -> String {
        let taken = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        taken
    }

    /// Digits may be grouped by `_`; a point or an exponent makes a number real.
    fn number(&mut self) -> Result<Kind, Diagnostic> {
        let bytes = self.rest().as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_') {
                at += 1;
            }
            at
        };
        let mut end = digits(0);
        let mut is_real = false;
        // `1.*x` is a product, `1.5` and `1.` are numbers
        let operator = bytes.get(end + 1).is_some_and(|byte| b"*/^".contains(byte));
        if bytes.get(end) == Some(&b'.') && !operator {
            is_real = true;
            end = digits(end + 1);
        }
        if bytes.get(end).is_some_and(|byte| b"eE".contains(byte)) {
            let sign = usize::from(bytes.get(end + 1).is_some_and(|byte| b"+-".contains(byte)));
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                is_real = true;
                end = digits(end + 1 + sign);
            }
        }
        let follows = |at: usize| {
            bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        if bytes.get(end) == Some(&b'i') && !follows(end + 1) {
            let mut error =
                self.error(end + 1, "complex numbers are not in the supported subset", "");
            error.code = Code::Unsupported;
            return Err(error.with_fix("compute real and imaginary parts as reals"));
        }
        let is_apart = |at: usize| {
            let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
            bytes.get(at) == Some(&b'_') && !(is_digit(at - 1) && is_digit(at + 1))
        };
        if (1..end).any(is_apart) {
            let message = "`_` stands between digits only";
            return Err(self.error(end, message, "remove it, or write 10_000"));
        }
        if bytes.get(end).is_some_and(u8::is_ascii_alphabetic) {
            let message = "a number runs into a name";
            return Err(self.error(
                end + 1,
                message,
                "names start with a letter; write `2 * x` for 2x",
            ));
        }
        let plain = self.rest().get(..end).unwrap_or_default().replace('_', "");
        let kind = if is_real { real(&plain) } else { whole(&plain) };
        let kind =
            kind.ok_or_else(|| self.error(end, "the number is too large", "use a smaller one"))?;
        self.at += end;
        Ok(kind)
    }

    fn quoted(&mut self) -> Result<Kind, Diagnostic> {
        let inner = self.rest().get(1..).unwrap_or_default();
        let length =
            inner.find(['"', '\n']).filter(|end| inner.as_bytes().get(*end) == Some(&b'"'));
        let Some(length) = length else {
            return Err(self.error(1, "a text has no end", "close it with `\"` on the same line"));
        };
        let text = inner.get(..length).unwrap_or_default().to_owned();
        self.at += length + 2;
        Ok(Kind::Text(text))
    }

    fn mark(&mut self, first: char) -> Result<Kind, Diagnostic> {
        let known = MARKS.iter().find(|mark| self.rest().starts_with(**mark));
        let Some(mark) = known.filter(|mark| !["@", "$", "&", "."].contains(mark)) else {
            let message = format!("{first:?} does not belong to the language");
            let fix = match first {
                '_' => "names start with a letter",
                '&' => "write `&&` for and",
                '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "use plain quotes",
                _ => "remove it, or write it in a comment",
            };
            return Err(self.error(first.len_utf8(), message, fix));
        };
        if *mark == "<-" {
            // `a<-1` may mean a comparison in the oldest dialect only
            return Err(self.error(
                2,
                "`<-` does not assign",
                "write `=`; a comparison as `a < -1`",
            ));
        }
        self.at += mark.len();
        Ok(Kind::Mark(mark))
    }
}

fn real(text: &str) -> Option<Kind> {
    text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Kind::Real)
}

/// Stan's whole numbers have 32 bits.
fn whole(text: &str) -> Option<Kind> {
    text.parse::<i32>().ok().map(|value| Kind::Int(i64::from(value)))
}
