//! Text into tokens: what is comment, string, name. Where the engines' lexers could see it
//! otherwise, it refuses.

use super::{Language, Refusal, Rule};

/// Ends of lines that one lexer takes for such and another does not.
const ODD_LINE_ENDS: [char; 6] = ['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
/// Characters of a name.
const MOST_OF_NAME: usize = 64;

/// A piece of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// What was written; of what is quoted, without the quotes; of a parameter, its name.
    pub(super) text: &'a str,
    /// Its first byte, and the one after its last.
    pub(super) at: usize,
    pub(super) end: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Word,
    /// A quoted name.
    Quoted,
    Param,
    Text,
    Number,
    /// One character, or `::` or `..`.
    Sign,
}

impl Token<'_> {
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// Whether it is this word, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these words, in any case.
    pub(super) fn is_among(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }
}

pub(super) fn tokens(language: Language, text: &str) -> Result<Vec<Token<'_>>, Refusal> {
    let mut cursor = Cursor { language, text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = cursor.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Cursor<'a> {
    language: Language,
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn refuse<T>(&self, rule: Rule, found: &str) -> Result<T, Refusal> {
        Err(Refusal::new(rule, self.text, self.at, found))
    }

    fn token(&mut self) -> Result<Option<Token<'a>>, Refusal> {
        self.skip_blank()?;
        let at = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let (kind, text) = match first {
            '\'' | '"' => (Kind::Text, self.quoted(first)?),
            '`' => (Kind::Quoted, self.quoted_name('`')?),
            '⟨' if self.language == Language::SurrealQl => (Kind::Quoted, self.quoted_name('⟩')?),
            '$' => (Kind::Param, self.parameter()?),
            _ if first.is_ascii_digit() => (Kind::Number, self.number()),
            _ if first.is_ascii_alphabetic() || first == '_' => (Kind::Word, self.word()?),
            _ if first.is_ascii_graphic() => (Kind::Sign, self.sign()?),
            _ => return self.refuse(Rule::Character, &first.to_string()),
        };
        Ok(Some(Token { kind, text, at, end: self.at }))
    }

    /// Skip white space and comments.
    fn skip_blank(&mut self) -> Result<(), Refusal> {
        let marks: &[&str] = match self.language {
            Language::Cypher => &["//"],
            Language::SurrealQl => &["--", "//", "#"],
        };
        loop {
            let rest = self.rest();
            let code = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            self.at += rest.len() - code.len();
            let length = if marks.iter().any(|mark| code.starts_with(mark)) {
                let line = code.split('\n').next().unwrap_or(code);
                let said = line.strip_suffix('\r').unwrap_or(line);
                if said.contains(ODD_LINE_ENDS) {
                    return self.refuse(Rule::Character, "an odd end of line in a comment");
                }
                line.len()
            } else if code.starts_with("/*") {
                let inner = code.get(2..).unwrap_or_default();
                let Some(length) = inner.find("*/") else {
                    return self.refuse(Rule::Unfinished, "/*");
                };
                if inner.get(..length).is_some_and(|inner| inner.contains("/*")) {
                    return self.refuse(Rule::Unfinished, "/* within a comment");
                }
                length + 4
            } else {
                return Ok(());
            };
            self.at += length;
        }
    }

    /// A string with backslashes as escapes; what lies between the quotes.
    fn quoted(&mut self, quote: char) -> Result<&'a str, Refusal> {
        let inner = self.rest().get(1..).unwrap_or_default();
        let mut escaped = false;
        for (offset, c) in inner.char_indices() {
            if c == quote && !escaped {
                self.at += offset + 2;
                return Ok(inner.get(..offset).unwrap_or_default());
            }
            escaped = c == '\\' && !escaped;
        }
        self.refuse(Rule::Unfinished, &quote.to_string())
    }

    /// A quoted name that needs no escapes.
    fn quoted_name(&mut self, end: char) -> Result<&'a str, Refusal> {
        let quote = self.rest().chars().next().map_or(0, char::len_utf8);
        let inner = self.rest().get(quote..).unwrap_or_default();
        let Some(length) = inner.find(end) else {
            return self.refuse(Rule::Unfinished, "a quoted name");
        };
        let name = inner.get(..length).unwrap_or_default();
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '.' | '-');
        let fits = !name.is_empty() && name.chars().count() <= MOST_OF_NAME;
        if !fits || !name.chars().all(plain) {
            return self.refuse(Rule::Identifier, name);
        }
        self.at += quote + length + end.len_utf8();
        if self.rest().starts_with('`') {
            // A doubled quote goes on in Cypher.
            return self.refuse(Rule::Identifier, "``");
        }
        Ok(name)
    }

    fn parameter(&mut self) -> Result<&'a str, Refusal> {
        let rest = self.rest().get(1..).unwrap_or_default();
        let name = leading(rest, |c| c.is_ascii_alphanumeric() || c == '_');
        if name.is_empty()
            || name.len() > MOST_OF_NAME
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return self.refuse(Rule::Parameter, leading(self.rest(), |c| !c.is_whitespace()));
        }
        self.at += 1 + name.len();
        Ok(name)
    }

    /// Digits with what belongs to them: a fraction, a unit, an exponent.
    fn number(&mut self) -> &'a str {
        let rest = self.rest();
        let whole = leading(rest, |c| c.is_ascii_alphanumeric() || c == '_');
        let fraction = rest.get(whole.len()..).unwrap_or_default();
        let fraction = match fraction.strip_prefix('.') {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                1 + leading(digits, |c| c.is_ascii_alphanumeric() || c == '_').len()
            }
            _ => 0,
        };
        let length = whole.len() + fraction;
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn word(&mut self) -> Result<&'a str, Refusal> {
        let word = leading(self.rest(), |c| c.is_ascii_alphanumeric() || c == '_');
        if word.len() > MOST_OF_NAME {
            return self.refuse(Rule::Identifier, word);
        }
        let next = self.rest().get(word.len()..).and_then(|rest| rest.chars().next());
        if next.is_some_and(|c| !c.is_ascii()) {
            return self.refuse(Rule::Character, &next.map(String::from).unwrap_or_default());
        }
        let prefixes = self.language == Language::SurrealQl && word.len() == 1;
        if prefixes && matches!(next, Some('\'' | '"')) && !matches!(word, "d" | "s" | "u") {
            return self.refuse(Rule::Literal, word);
        }
        self.at += word.len();
        Ok(word)
    }

    fn sign(&mut self) -> Result<&'a str, Refusal> {
        let rest = self.rest();
        if rest.starts_with('\\') {
            return self.refuse(Rule::Character, "\\");
        }
        let length = if rest.starts_with("::") || rest.starts_with("..") { 2 } else { 1 };
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }
}

fn leading(text: &str, fits: impl Fn(char) -> bool) -> &str {
    text.get(..text.find(|c| !fits(c)).unwrap_or(text.len())).unwrap_or_default()
}
