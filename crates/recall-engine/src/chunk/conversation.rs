//! A conversation as one text.

use super::{Chunk, Sizes, Turn, turn_chunks};

/// What was said as one text, a paragraph per turn after the name of its speaker, and its chunks: a
/// turn each, long ones in pieces that name the speaker in their path. Turns of nothing are left out.
pub fn conversation(turns: &[Turn<'_>], sizes: Sizes) -> (String, Vec<Chunk>) {
    let mut text = String::new();
    let mut chunks = Vec::new();
    // The present turn: its number, where its first piece starts in it, and where in the whole.
    let (mut current, mut first, mut base) = (None, 0, 0);
    for piece in turn_chunks(turns, sizes) {
        let Some(turn) = turns.get(piece.turn) else { continue };
        let mut path = Vec::new();
        let mut start = base + piece.span.start.saturating_sub(first);
        if current != Some(piece.turn) {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            start = text.len();
            if !turn.speaker.is_empty() {
                text.push_str(turn.speaker);
                text.push_str(": ");
            }
            (current, first, base) = (Some(piece.turn), piece.span.start, text.len());
            text.push_str(turn.text.get(first..).unwrap_or_default().trim_end());
        } else if !turn.speaker.is_empty() {
            path.push(turn.speaker.to_owned());
        }
        let end = base + piece.span.end.saturating_sub(first);
        chunks.push(Chunk { span: start..end, path });
    }
    (text, chunks)
}
