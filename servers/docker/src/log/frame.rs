//! From the engine's log stream to lines.
//!
//! Without a terminal every piece of output has an 8-byte header: byte 0 is the stream, bytes 4-7
//! the big-endian length (Docker Engine API, "Attach to a container", stream format). With a
//! terminal the bytes are raw. A line may span frames, and a frame may span chunks.

use std::ops::ControlFlow;

use memchr::memchr;

use super::Channel;

/// Bytes of one line that are kept; the rest of a longer line is dropped.
pub(crate) const MAX_LINE: usize = 64 << 10;

const HEADER: usize = 8;

/// A stream that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadFrame;

/// Splits a log stream into lines. Lines that lie within one chunk are not copied.
#[derive(Debug)]
pub(crate) struct Decoder {
    is_raw: bool,
    /// Whether no frame was read yet.
    is_fresh: bool,
    header: Vec<u8>,
    /// Bytes that the current frame still has.
    remaining: usize,
    channel: Channel,
    pending: [Vec<u8>; 2],
}

impl Decoder {
    /// `is_raw` for a container with a terminal.
    pub(crate) fn new(is_raw: bool) -> Self {
        Self {
            is_raw,
            is_fresh: true,
            header: Vec::with_capacity(HEADER),
            remaining: 0,
            channel: Channel::Stdout,
            pending: [Vec::new(), Vec::new()],
        }
    }

    /// Take a chunk and hand on each line that ends in it, without its line feed. `sink` breaks to
    /// stop; the rest of the chunk is then dropped.
    pub(crate) fn feed(
        &mut self,
        mut chunk: &[u8],
        sink: &mut impl FnMut(Channel, &[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, BadFrame> {
        while !chunk.is_empty() {
            if self.is_raw {
                return Ok(self.take_lines(chunk, sink));
            }
            if self.remaining == 0 {
                chunk = self.take_header(chunk)?;
                continue;
            }
            let (frame, rest) = chunk.split_at(self.remaining.min(chunk.len()));
            self.remaining -= frame.len();
            chunk = rest;
            if self.take_lines(frame, sink).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hand on what is left without a line feed.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Channel, &[u8]) -> ControlFlow<()>) {
        for channel in [Channel::Stdout, Channel::Stderr] {
            let line = std::mem::take(&mut self.pending[index(channel)]);
            if !line.is_empty() && sink(channel, &line).is_break() {
                return;
            }
        }
    }

    /// Collect a header; when the very first one is none, the stream is raw after all.
    fn take_header<'a>(&mut self, chunk: &'a [u8]) -> Result<&'a [u8], BadFrame> {
        let (part, rest) = chunk.split_at((HEADER - self.header.len()).min(chunk.len()));
        self.header.extend_from_slice(part);
        let [kind, a, b, c, length @ ..] = self.header.as_slice() else { return Ok(rest) };
        let Ok(length) = <[u8; 4]>::try_from(length) else { return Ok(rest) };
        if *kind > 3 || [*a, *b, *c] != [0, 0, 0] {
            if !self.is_fresh {
                return Err(BadFrame);
            }
            self.is_raw = true;
            // The bytes taken so far belong to the text: they wait as the start of a line.
            let start = std::mem::take(&mut self.header);
            return Ok(self.put_back(start, rest));
        }
        self.channel = if *kind >= 2 { Channel::Stderr } else { Channel::Stdout };
        self.remaining = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.is_fresh = false;
        self.header.clear();
        Ok(rest)
    }

    fn put_back<'a>(&mut self, start: Vec<u8>, rest: &'a [u8]) -> &'a [u8] {
        self.pending[0] = start;
        rest
    }

    fn take_lines(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl FnMut(Channel, &[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let channel = self.channel;
        let pending = &mut self.pending[index(channel)];
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            let flow = if pending.is_empty() {
                sink(channel, line.get(..MAX_LINE).unwrap_or(line))
            } else {
                extend(pending, line);
                let flow = sink(channel, pending);
                pending.clear();
                flow
            };
            flow?;
        }
        extend(pending, bytes);
        ControlFlow::Continue(())
    }
}

fn extend(pending: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_LINE.saturating_sub(pending.len());
    pending.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

const fn index(channel: Channel) -> usize {
    match channel {
        Channel::Stdout => 0,
        Channel::Stderr => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    type Lines = Vec<(Channel, Vec<u8>)>;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 0, 0];
        bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(payload);
        bytes
    }

    fn decode(is_raw: bool, chunks: &[&[u8]]) -> Result<Lines, BadFrame> {
        let mut decoder = Decoder::new(is_raw);
        let mut lines = Lines::new();
        let mut sink = |channel, line: &[u8]| {
            lines.push((channel, line.to_vec()));
            ControlFlow::Continue(())
        };
        for chunk in chunks {
            assert!(decoder.feed(chunk, &mut sink)?.is_continue());
        }
        decoder.finish(&mut sink);
        Ok(lines)
    }

    fn out(line: &[u8]) -> (Channel, Vec<u8>) {
        (Channel::Stdout, line.to_vec())
    }

    fn err(line: &[u8]) -> (Channel, Vec<u8>) {
        (Channel::Stderr, line.to_vec())
    }

    #[test]
    fn frames_carry_their_stream_and_lines_span_them() {
        let bytes =
            [frame(1, b"one\ntw"), frame(2, b"oops\n"), frame(1, b"o\n"), frame(1, b"rest")]
                .concat();
        let lines = decode(false, &[&bytes]).unwrap();
        assert_eq!(lines, [out(b"one"), err(b"oops"), out(b"two"), out(b"rest")]);
    }

    #[test]
    fn raw_streams_are_lines() {
        assert_eq!(decode(true, &[b"a\r\nb", b"c\n"]).unwrap(), [out(b"a\r"), out(b"bc")]);
    }

    #[test]
    fn a_stream_without_headers_is_taken_as_raw() {
        let lines = decode(false, &[b"2026", b"-11-21 plain\nmore\n"]).unwrap();
        assert_eq!(lines, [out(b"2026-11-21 plain"), out(b"more")]);
    }

    #[test]
    fn a_broken_header_later_is_an_error() {
        let bytes = [frame(1, b"one\n"), b"garbage-garbage".to_vec()].concat();
        assert_eq!(decode(false, &[&bytes]), Err(BadFrame));
    }

    #[test]
    fn an_endless_line_is_kept_in_part() {
        let long = vec![b'x'; MAX_LINE + 1000];
        let bytes = [frame(1, &long), frame(1, &long), frame(1, b"\nnext\n")].concat();
        let lines = decode(false, &[&bytes]).unwrap();
        assert_eq!(lines.iter().map(|(_, line)| line.len()).collect::<Vec<_>>(), [MAX_LINE, 4]);
        let raw = [long.as_slice(), b"\n"].concat();
        assert_eq!(decode(true, &[&raw]).unwrap()[0].1.len(), MAX_LINE);
    }

    #[test]
    fn a_break_stops_at_that_line() {
        let mut decoder = Decoder::new(true);
        let mut seen = 0;
        let flow = decoder.feed(b"a\nb\nc\n", &mut |_, _: &[u8]| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((flow, seen), (Ok(ControlFlow::Break(())), 2));
    }

    /// Lines without line feeds, cut into frames at arbitrary places.
    fn frames() -> impl Strategy<Value = (Lines, Vec<u8>)> {
        let line = vec(any::<u8>().prop_filter("line feed", |b| *b != b'\n'), 0..40);
        vec((any::<bool>(), line, 1_usize..9), 0..12).prop_map(|rows| {
            let mut lines = Lines::new();
            let mut bytes = Vec::new();
            for (is_err, line, size) in rows {
                let text = [line.as_slice(), b"\n"].concat();
                for piece in text.chunks(size) {
                    bytes.extend(frame(1 + u8::from(is_err), piece));
                }
                lines.push(if is_err { err(&line) } else { out(&line) });
            }
            (lines, bytes)
        })
    }

    proptest! {
        #[test]
        fn chunk_borders_do_not_matter((lines, bytes) in frames(), sizes in vec(1_usize..50, 1..40)) {
            let mut chunks = Vec::new();
            let mut rest = bytes.as_slice();
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break; }
                let (chunk, after) = rest.split_at((*size).min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(decode(false, &chunks), Ok(lines));
        }

        #[test]
        fn arbitrary_bytes_never_panic(chunks in vec(vec(any::<u8>(), 0..60), 0..6), is_raw: bool) {
            let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
            let _outcome = decode(is_raw, &chunks);
        }
    }
}
