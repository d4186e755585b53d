//! Keeps the lines of one source that were asked for, within bounds, while they arrive.

use std::{collections::VecDeque, ops::ControlFlow};

use mcp_core::untrusted;

use super::{Channel, Entry, Position, Query, track::Tracker};
use crate::{redaction::Redactor, timestamp::Timestamp};

/// Characters of one line in a reply.
const MAX_TEXT: usize = 4096;
/// Lines in one reply, whatever their size.
const MAX_LINES: usize = 10_000;
/// The engine cuts longer lines into pieces of this size and stamps each.
const PIECE: usize = 16 << 10;

/// The kept lines of one source.
#[derive(Debug)]
pub(crate) struct Collector<'q> {
    query: &'q Query,
    source: usize,
    redactor: &'q Redactor,
    tracker: Tracker,
    /// Lines before a possible next match.
    before: VecDeque<Entry>,
    after_left: usize,
    bytes: usize,
    matches_kept: usize,
    /// What is kept, oldest first.
    pub(crate) kept: VecDeque<Entry>,
    /// How far was read.
    pub(crate) scanned: Position,
    /// Time of the newest line that was looked at.
    pub(crate) scanned_at: Timestamp,
    /// Lines that the engine sent.
    pub(crate) read: u64,
    /// Lines of them that were looked at.
    pub(crate) lines: u64,
    /// Lines that matched, kept or not.
    pub(crate) matched: u64,
    /// Whether something that matched is not in `kept`.
    pub(crate) truncated: bool,
}

impl<'q> Collector<'q> {
    pub(crate) fn new(
        query: &'q Query,
        source: usize,
        redactor: &'q Redactor,
        resume: Position,
    ) -> Self {
        Self {
            query,
            source,
            redactor,
            tracker: Tracker::new(resume),
            before: VecDeque::new(),
            after_left: 0,
            bytes: 0,
            matches_kept: 0,
            kept: VecDeque::new(),
            scanned: resume,
            scanned_at: Timestamp::default(),
            read: 0,
            lines: 0,
            matched: 0,
            truncated: false,
        }
    }

    /// Take a line as the engine sends it: time stamp, blank, text. Breaks when the bounds are
    /// reached and nothing that follows can be kept.
    pub(crate) fn push(&mut self, channel: Channel, line: &[u8]) -> ControlFlow<()> {
        self.read += 1;
        let (stamp, rest) = split_stamp(line);
        let parsed = stamp.and_then(Timestamp::parse_bytes);
        let body = if parsed.is_some() { rest } else { line };
        let at = parsed.unwrap_or(self.tracker.newest());
        if self.query.until.is_some_and(|until| at > until) {
            return ControlFlow::Continue(());
        }
        let is_new = self.tracker.is_new(at);
        if !is_new || self.query.channel.is_some_and(|wanted| wanted != channel) {
            self.scanned = self.tracker.position();
            return ControlFlow::Continue(());
        }
        let joined = stamp.and_then(|stamp| join_pieces(stamp, body));
        let text = untrusted::clean_bytes(joined.as_deref().unwrap_or(body));
        let pattern = self.query.pattern.as_ref();
        let is_match = pattern.is_none_or(|pattern| pattern.is_match(&text) != self.query.invert);
        let wanted = is_match || self.after_left > 0 || self.query.context > 0;
        let entry = wanted.then(|| Entry {
            at,
            position: self.tracker.position(),
            source: self.source,
            number: self.lines,
            channel,
            text: untrusted::cut(&self.redactor.hide(text), MAX_TEXT).into_owned(),
            is_match,
        });
        if let Some(entry) = entry
            && self.offer(entry).is_break()
        {
            self.truncated = true;
            return ControlFlow::Break(());
        }
        self.scanned = self.tracker.position();
        self.scanned_at = self.scanned_at.max(at);
        self.lines += 1;
        ControlFlow::Continue(())
    }

    fn offer(&mut self, entry: Entry) -> ControlFlow<()> {
        if entry.is_match {
            self.matched += 1;
            self.after_left = self.query.context;
            let before = std::mem::take(&mut self.before);
            for earlier in before {
                self.keep(earlier)?;
            }
            return self.keep(entry);
        }
        if self.after_left > 0 {
            self.after_left -= 1;
            return self.keep(entry);
        }
        self.before.push_back(entry);
        if self.before.len() > self.query.context {
            self.before.pop_front();
        }
        ControlFlow::Continue(())
    }

    fn keep(&mut self, entry: Entry) -> ControlFlow<()> {
        let cost = self.query.cost(&entry);
        let Some(newest) = self.query.newest else {
            let is_full = self.bytes + cost > self.query.max_bytes || self.kept.len() >= MAX_LINES;
            if is_full && !self.kept.is_empty() {
                return ControlFlow::Break(());
            }
            self.add(entry);
            return ControlFlow::Continue(());
        };
        self.add(entry);
        while self.matches_kept > newest || self.kept.len() > MAX_LINES {
            self.drop_oldest();
        }
        while self.bytes > self.query.max_bytes && self.kept.len() > 1 {
            self.truncated = true;
            self.drop_oldest();
        }
        ControlFlow::Continue(())
    }

    fn add(&mut self, entry: Entry) {
        self.bytes += self.query.cost(&entry);
        self.matches_kept += usize::from(entry.is_match);
        self.kept.push_back(entry);
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.bytes -= self.query.cost(&oldest);
            self.matches_kept -= usize::from(oldest.is_match);
        }
    }

    /// Drop leading context whose match fell out of the bounds.
    pub(crate) fn trim(&mut self) {
        let Some(first) = self.kept.iter().find(|entry| entry.is_match).map(|entry| entry.number)
        else {
            return;
        };
        let reach = u64::try_from(self.query.context).unwrap_or(u64::MAX);
        while self.kept.front().is_some_and(|entry| entry.number.saturating_add(reach) < first) {
            self.drop_oldest();
        }
    }
}

/// The time stamp before the first blank, when the line begins like one.
fn split_stamp(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match memchr::memchr(b' ', line.get(..40).unwrap_or(line)) {
        Some(end) if end >= 20 => {
            let (stamp, rest) = line.split_at(end);
            (Some(stamp), rest.get(1..).unwrap_or_default())
        }
        // A line without text is a stamp and a blank, or the stamp alone.
        None if (20..40).contains(&line.len()) && Timestamp::parse_bytes(line).is_some() => {
            (Some(line), &[])
        }
        _ => (None, line),
    }
}

/// Remove the stamps that the engine put before each further piece of a long line.
fn join_pieces(stamp: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let is_piece =
        |rest: &[u8]| rest.strip_prefix(stamp).is_some_and(|rest| rest.first() == Some(&b' '));
    let mut rest = body.get(PIECE..)?;
    if !is_piece(rest) {
        return None;
    }
    let mut joined = body.get(..PIECE)?.to_vec();
    while is_piece(rest) {
        rest = rest.get(stamp.len() + 1..).unwrap_or_default();
        let (piece, after) = rest.split_at(PIECE.min(rest.len()));
        joined.extend_from_slice(piece);
        rest = after;
    }
    joined.extend_from_slice(rest);
    Some(joined)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn query() -> Query {
        Query {
            pattern: None,
            invert: false,
            context: 0,
            channel: None,
            since: None,
            until: None,
            newest: Some(100),
            max_bytes: 32 << 10,
            overhead: 64,
        }
    }

    fn stamped(second: usize, text: &str) -> String {
        format!("2026-01-01T00:00:{second:02}.000000000Z {text}")
    }

    fn collect<'q>(
        query: &'q Query,
        redactor: &'q Redactor,
        resume: Position,
        lines: &[String],
    ) -> Collector<'q> {
        let mut collector = Collector::new(query, 0, redactor, resume);
        for line in lines {
            if collector.push(Channel::Stdout, line.as_bytes()).is_break() {
                break;
            }
        }
        collector.trim();
        collector
    }

    fn texts(collector: &Collector<'_>) -> Vec<String> {
        collector.kept.iter().map(|entry| entry.text.clone()).collect()
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|n| stamped(n, &format!("line {n}"))).collect()
    }

    #[test]
    fn the_newest_lines_stay() {
        let (query, redactor) = (Query { newest: Some(2), ..query() }, Redactor::default());
        let collector = collect(&query, &redactor, Position::default(), &numbered(5));
        assert_eq!(texts(&collector), ["line 3", "line 4"]);
        assert_eq!((collector.matched, collector.truncated), (5, false));
    }

    #[test]
    fn matches_come_with_their_context_once() {
        let pattern = Some(Regex::new("line (3|5)$").unwrap());
        let (query, redactor) = (Query { pattern, context: 1, ..query() }, Redactor::default());
        let collector = collect(&query, &redactor, Position::default(), &numbered(9));
        assert_eq!(texts(&collector), ["line 2", "line 3", "line 4", "line 5", "line 6"]);
        assert_eq!(collector.kept.iter().filter(|entry| entry.is_match).count(), 2);
    }

    #[test]
    fn context_of_a_match_that_fell_out_goes_with_it() {
        let pattern = Some(Regex::new("line (1|8)$").unwrap());
        let query = Query { pattern, context: 1, newest: Some(1), ..query() };
        let redactor = Redactor::default();
        let collector = collect(&query, &redactor, Position::default(), &numbered(10));
        assert_eq!(texts(&collector), ["line 7", "line 8", "line 9"]);
    }

    #[test]
    fn inverted_patterns_keep_the_rest() {
        let pattern = Some(Regex::new("[0-3]$").unwrap());
        let (query, redactor) = (Query { pattern, invert: true, ..query() }, Redactor::default());
        let collector = collect(&query, &redactor, Position::default(), &numbered(6));
        assert_eq!(texts(&collector), ["line 4", "line 5"]);
    }

    #[test]
    fn reading_forward_stops_at_the_cap_and_resumes_without_loss() {
        let query = Query { newest: None, max_bytes: 2 * (6 + 64), ..query() };
        let redactor = Redactor::default();
        let mut lines = numbered(3);
        // Three lines of the same instant: only the ordinal tells them apart.
        lines.extend((3..6).map(|n| stamped(3, &format!("line {n}"))));
        let mut resume = Position::default();
        let mut all = Vec::new();
        for _page in 0..3 {
            let collector = collect(&query, &redactor, resume, &lines);
            all.extend(texts(&collector));
            resume = collector.scanned;
        }
        assert_eq!(all, (0..6).map(|n| format!("line {n}")).collect::<Vec<_>>());
        let rest = collect(&query, &redactor, resume, &lines);
        assert!(rest.kept.is_empty() && !rest.truncated);
    }

    #[test]
    fn bytes_bound_the_newest_lines_too() {
        let query = Query { max_bytes: 2 * (6 + 64), ..query() };
        let redactor = Redactor::default();
        let collector = collect(&query, &redactor, Position::default(), &numbered(5));
        assert_eq!(texts(&collector), ["line 3", "line 4"]);
        assert!(collector.truncated);
    }

    #[test]
    fn long_lines_are_joined_from_the_engines_pieces() {
        let stamp = "2026-11-21T11:32:02.775451573Z ";
        let long = "0".repeat(2 * PIECE + 10);
        let pieces: Vec<String> = long
            .as_bytes()
            .chunks(PIECE)
            .map(|piece| format!("{stamp}{}", String::from_utf8_lossy(piece)))
            .collect();
        let pieces = pieces.concat();
        let joined =
            join_pieces(stamp.trim_end().as_bytes(), pieces.split_once(' ').unwrap().1.as_bytes());
        assert_eq!(joined, Some(long.into_bytes()));
        assert_eq!(join_pieces(b"x", &vec![b'0'; PIECE + 1]), None);
    }

    #[test]
    fn text_is_cleaned_redacted_and_cut() {
        let redactor = Redactor::from_env(&["API_TOKEN=canary-value".to_owned()]);
        let query = query();
        let lines = [
            stamped(0, "\u{1b}[31mtoken canary-value\u{1b}[0m"),
            stamped(1, &"x".repeat(MAX_TEXT + 1)),
            "no stamp at all".to_owned(),
            stamped(2, ""),
        ];
        let collector = collect(&query, &redactor, Position::default(), &lines);
        let texts = texts(&collector);
        assert_eq!(texts[0], "token [redacted]");
        assert_eq!(texts[1].chars().count(), MAX_TEXT);
        assert_eq!((texts[2].as_str(), texts[3].as_str()), ("no stamp at all", ""));
    }

    #[test]
    fn lines_after_until_and_of_the_other_stream_are_left_out() {
        let until = Timestamp::parse("2026-01-01T00:00:02Z");
        let (query, redactor) = (Query { until, ..query() }, Redactor::default());
        assert_eq!(collect(&query, &redactor, Position::default(), &numbered(9)).kept.len(), 3);
        let query = Query { channel: Some(Channel::Stderr), ..query };
        assert_eq!(collect(&query, &redactor, Position::default(), &numbered(9)).kept.len(), 0);
    }
}
