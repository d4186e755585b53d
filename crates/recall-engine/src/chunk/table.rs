//! Comma-separated values and their kin.

use csv::{ByteRecord, ReaderBuilder};

use super::{Block, Blocks, Sizes};

/// Longest header that stands in a path, in characters.
const LONGEST_HEADER: usize = 300;

/// Blocks start at records; the first one is the header, and the path of the others.
pub(super) fn blocks(document: &str, sizes: Sizes) -> Vec<Block> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(document))
        .from_reader(document.as_bytes());
    let mut record = ByteRecord::new();
    let mut starts = Vec::new();
    while matches!(reader.read_byte_record(&mut record), Ok(true)) {
        let place = record.position().and_then(|place| usize::try_from(place.byte()).ok());
        starts.extend(place.filter(|&place| document.is_char_boundary(place)));
    }
    let header_end = starts.get(1).copied().unwrap_or(document.len());
    let header = document.get(..header_end).unwrap_or_default().trim();
    let path = [header.chars().take(LONGEST_HEADER).collect::<String>()];
    let mut blocks = Blocks::new(sizes);
    blocks.start(0, &[], true);
    for &start in starts.iter().skip(1) {
        blocks.start(start, &path, false);
    }
    blocks.list
}

/// The sign among the usual ones that the first line has most of.
fn delimiter(document: &str) -> u8 {
    let line = document.trim_start().lines().next().unwrap_or_default();
    let count = |sign: u8| line.bytes().filter(|&byte| byte == sign).count();
    // Of equals the last one: the comma.
    [b'|', b';', b'\t', b','].into_iter().max_by_key(|&sign| count(sign)).unwrap_or(b',')
}
