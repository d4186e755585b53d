//! From the bytes of a file or the text of a call to what is stored.

use mcp_core::prelude::{Deserialize, JsonSchema, Serialize};
use recall_engine::chunk::{self, Page, Sizes};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use super::{NewDocument, Piece};
use crate::Error;

/// Most bytes of one document.
pub(crate) const MAX_BYTES: u64 = 10 << 20;
/// Most chunks of one document.
pub(crate) const MAX_CHUNKS: usize = 2_000;
/// Longest title, in characters.
const LONGEST_TITLE: usize = 200;

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Markdown,
    Text,
    Html,
    Json,
    Csv,
    Source,
}

/// Extensions of files that are read, with what they hold. Program text of other kinds is
/// `text/x-source`.
const EXTENSIONS: &[(&str, &str, Format)] = &[
    ("adoc", "text/plain", Format::Text),
    ("bash", "text/x-sh", Format::Source),
    ("c", "text/x-c", Format::Source),
    ("cc", "text/x-c++", Format::Source),
    ("cfg", "text/x-source", Format::Source),
    ("clj", "text/x-source", Format::Source),
    ("cpp", "text/x-c++", Format::Source),
    ("cs", "text/x-csharp", Format::Source),
    ("css", "text/css", Format::Source),
    ("csv", "text/csv", Format::Csv),
    ("cypher", "text/x-source", Format::Source),
    ("dart", "text/x-source", Format::Source),
    ("ex", "text/x-source", Format::Source),
    ("exs", "text/x-source", Format::Source),
    ("go", "text/x-go", Format::Source),
    ("graphql", "text/x-source", Format::Source),
    ("h", "text/x-c", Format::Source),
    ("hpp", "text/x-c++", Format::Source),
    ("hs", "text/x-source", Format::Source),
    ("htm", "text/html", Format::Html),
    ("html", "text/html", Format::Html),
    ("ini", "text/x-source", Format::Source),
    ("java", "text/x-java", Format::Source),
    ("js", "text/javascript", Format::Source),
    ("json", "application/json", Format::Json),
    ("jsonl", "text/plain", Format::Text),
    ("jsx", "text/javascript", Format::Source),
    ("kt", "text/x-kotlin", Format::Source),
    ("log", "text/plain", Format::Text),
    ("lua", "text/x-source", Format::Source),
    ("markdown", "text/markdown", Format::Markdown),
    ("md", "text/markdown", Format::Markdown),
    ("mdx", "text/markdown", Format::Markdown),
    ("mjs", "text/javascript", Format::Source),
    ("ml", "text/x-source", Format::Source),
    ("ndjson", "text/plain", Format::Text),
    ("php", "text/x-php", Format::Source),
    ("pl", "text/x-source", Format::Source),
    ("proto", "text/x-source", Format::Source),
    ("py", "text/x-python", Format::Source),
    ("pyi", "text/x-python", Format::Source),
    ("r", "text/x-source", Format::Source),
    ("rb", "text/x-ruby", Format::Source),
    ("rs", "text/x-rust", Format::Source),
    ("rst", "text/plain", Format::Text),
    ("scala", "text/x-source", Format::Source),
    ("scss", "text/css", Format::Source),
    ("sh", "text/x-sh", Format::Source),
    ("sql", "text/x-sql", Format::Source),
    ("surql", "text/x-sql", Format::Source),
    ("svelte", "text/x-source", Format::Source),
    ("swift", "text/x-swift", Format::Source),
    ("text", "text/plain", Format::Text),
    ("toml", "text/x-source", Format::Source),
    ("ts", "text/typescript", Format::Source),
    ("tsv", "text/csv", Format::Csv),
    ("tsx", "text/typescript", Format::Source),
    ("txt", "text/plain", Format::Text),
    ("vue", "text/x-source", Format::Source),
    ("xhtml", "text/html", Format::Html),
    ("xml", "text/x-source", Format::Source),
    ("yaml", "text/x-source", Format::Source),
    ("yml", "text/x-source", Format::Source),
    ("zig", "text/x-source", Format::Source),
];

/// Files without an extension that are read as text.
const NAMES: &[(&str, Format)] = &[
    ("CHANGELOG", Format::Text),
    ("CONTRIBUTING", Format::Text),
    ("Dockerfile", Format::Source),
    ("LICENSE", Format::Text),
    ("Makefile", Format::Source),
    ("NOTICE", Format::Text),
    ("README", Format::Text),
];

impl Format {
    /// What a file is written in, by its name, and its media type.
    pub(crate) fn of_name(uri: &str) -> Option<(Self, &'static str)> {
        let path = uri.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some((_, format)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Some((*format, format.mime()));
        }
        let (_, extension) = name.rsplit_once('.')?;
        let extension = extension.to_lowercase();
        let known = EXTENSIONS.iter().find(|(known, ..)| *known == extension)?;
        Some((known.2, known.1))
    }

    /// The media type of what is only known to be of this format.
    pub(crate) const fn mime(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Text => "text/plain",
            Self::Html => "text/html",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Source => "text/x-source",
        }
    }
}

/// What is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    /// Bytes of a file.
    Bytes(Vec<u8>),
    Text(String),
    /// Who said what.
    Turns(Vec<(String, String)>),
}

/// Where it comes from: told of errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// JSON pointer of the argument.
    pub(crate) field: String,
    pub(crate) uri: String,
    pub(crate) title: Option<String>,
    pub(crate) context: Option<String>,
    /// By the name when absent.
    pub(crate) format: Option<Format>,
}

/// Read a document and cut it into chunks.
pub(crate) fn read(raw: Raw, origin: Origin) -> Result<NewDocument, Error> {
    let sizes = Sizes::default();
    let (text, sha256, format) = match raw {
        Raw::Turns(turns) => {
            let turns: Vec<chunk::Turn<'_>> =
                turns.iter().map(|(speaker, text)| chunk::Turn { speaker, text }).collect();
            let (text, chunks) = chunk::conversation(&turns, sizes);
            let sha256 = hex::encode(Sha256::digest(&text));
            return assemble(origin, sha256, (&text, &chunks), None, "text/x-conversation");
        }
        Raw::Bytes(bytes) => {
            let sha256 = hex::encode(Sha256::digest(&bytes));
            (utf8(&origin, bytes)?, sha256, origin.format)
        }
        Raw::Text(text) => {
            let sha256 = hex::encode(Sha256::digest(&text));
            // A text under a name that tells nothing is plain.
            (text, sha256, origin.format.or(Some(Format::Text)))
        }
    };
    let by_name = Format::of_name(&origin.uri);
    let (format, mime) = match (origin.format, by_name, format) {
        (Some(given), Some((format, mime)), _) if given == format => (given, mime),
        (Some(given), ..) => (given, given.mime()),
        (None, Some(found), _) => found,
        (None, None, Some(format)) => (format, format.mime()),
        (None, None, None) => return Err(unsupported(&origin, "its name tells no format")),
    };
    within(&origin, text.len() as u64)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.contains('\0') {
        return Err(unsupported(&origin, "it holds NUL, as text never does"));
    }
    let kind = match format {
        Format::Html => {
            let page = Page::read(text);
            let chunks = page.chunks(sizes);
            let title = page.title.clone();
            return assemble(origin, sha256, (&page.text, &chunks), title, mime);
        }
        Format::Json => {
            serde_json::from_str::<IgnoredAny>(text)
                .map_err(|error| unsupported(&origin, &format!("it is no JSON: {error}")))?;
            chunk::Format::Json
        }
        Format::Markdown => chunk::Format::Markdown,
        Format::Text => chunk::Format::Text,
        Format::Csv => chunk::Format::Csv,
        Format::Source => chunk::Format::Source,
    };
    let chunks = chunk::chunks(text, kind, sizes);
    let heading = chunks.iter().find_map(|chunk| chunk.path.first());
    let title = heading.filter(|_| format == Format::Markdown).cloned();
    assemble(origin, sha256, (text, &chunks), title, mime)
}

fn utf8(origin: &Origin, bytes: Vec<u8>) -> Result<String, Error> {
    within(origin, bytes.len() as u64)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        unsupported(origin, &format!("it is not UTF-8 at byte {at}"))
    })
}

/// Refuse what is too large.
pub(crate) fn within(origin: &Origin, bytes: u64) -> Result<(), Error> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::TooLarge {
        field: origin.field.clone(),
        message: format!("a document must be <= {MAX_BYTES} bytes, was {bytes}"),
        hint: "split it into several documents",
    })
}

/// The whole text as pieces: each reaches to where the next one starts.
fn assemble(
    origin: Origin,
    sha256: String,
    (text, chunks): (&str, &[chunk::Chunk]),
    title: Option<String>,
    mime: &str,
) -> Result<NewDocument, Error> {
    if chunks.is_empty() {
        return Err(Error::invalid(origin.field, "must hold more than white space"));
    }
    if chunks.len() > MAX_CHUNKS {
        return Err(Error::TooLarge {
            field: origin.field,
            message: format!(
                "a document must have <= {MAX_CHUNKS} chunks of about 1,000 characters, had {}",
                chunks.len()
            ),
            hint: "split it into several documents",
        });
    }
    let starts: Vec<usize> =
        chunks.iter().skip(1).map(|chunk| chunk.span.start).chain([text.len()]).collect();
    let mut start = 0;
    let mut pieces = Vec::with_capacity(chunks.len());
    for (chunk, &end) in chunks.iter().zip(&starts) {
        let piece = text.get(start..end).unwrap_or_default();
        pieces.push(Piece {
            path: chunk.path.clone(),
            start: start as u64,
            text: piece.to_owned(),
        });
        start = end;
    }
    let title = origin.title.or_else(|| {
        let title: String = title?.trim().chars().take(LONGEST_TITLE).collect();
        (!title.is_empty()).then_some(title)
    });
    Ok(NewDocument {
        uri: origin.uri,
        title,
        mime: mime.to_owned(),
        context: origin.context,
        sha256,
        bytes: text.len() as u64,
        pieces,
    })
}

fn unsupported(origin: &Origin, why: &str) -> Error {
    Error::UnsupportedFormat {
        field: origin.field.clone(),
        message: format!("this document is not read: {why}"),
        hint: "give UTF-8 text in Markdown, plain text, HTML, JSON, CSV or source code; `format` says which where the name does not",
    }
}
