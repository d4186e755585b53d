//! A conversation as one text.

use super::{Chunk, Sizes, Turn, turn_chunks};

/// What was said as one text, a paragraph per turn after the name of its speaker, and its chunks: a
/// turn each, long ones in pieces that name the speaker in their path. Turns of nothing are left out.
pub fn conversation(turns: &[Turn<'_>], sizes: Sizes) -> (String, Vec<Chunk>) {
    let mut text = String::new();
    let mut chunks = Vec::new();
    // Where the text of the present turn starts.
    let (mut current, mut offset) = (None, 0);
    for piece in turn_chunks(turns, sizes) {
        let Some(turn) = turns.get(piece.turn) else { continue };
        let is_first = current != Some(piece.turn);
        let mut start = offset + piece.span.start;
        if is_first {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            start = text.len();
            if !turn.speaker.is_empty() {
                text.push_str(turn.speaker);
                text.push_str(": ");
            }
            // What is before the first piece is space.
            offset = text.len();
            text.push_str(turn.text.trim_end());
            current = Some(piece.turn);
        }
        let later = !is_first && !turn.speaker.is_empty();
        let path = if later { vec![turn.speaker.to_owned()] } else { Vec::new() };
        chunks.push(Chunk { span: start..offset + piece.span.end, path });
    }
    (text, chunks)
}
