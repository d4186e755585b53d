//! Posting lists: which texts hold a term, and where.

/// Texts that hold a term, ascending, with the positions in each; deltas in LEB128, appended only.
#[derive(Debug, Default, Clone)]
pub(crate) struct Postings {
    bytes: Vec<u8>,
    last: u32,
}

impl Postings {
    /// Append a text; `doc` is larger than every one before, `positions` ascend.
    pub(crate) fn push(&mut self, doc: u32, positions: &[u32]) {
        write(&mut self.bytes, doc - self.last);
        self.last = doc;
        write(&mut self.bytes, u32::try_from(positions.len()).unwrap_or(u32::MAX));
        let mut before = 0;
        for &position in positions {
            write(&mut self.bytes, position - before);
            before = position;
        }
    }

    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor { bytes: &self.bytes, doc: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn byte_len(&self) -> usize {
        self.bytes.capacity()
    }

    /// The same list without the texts for which `keep` is false.
    pub(crate) fn retain(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut kept = Self::default();
        let mut positions = Vec::new();
        let mut cursor = self.cursor();
        while let Some(posting) = cursor.next(Some(&mut positions)) {
            if keep(posting.doc) {
                kept.push(posting.doc, &positions);
            }
        }
        kept.bytes.shrink_to_fit();
        kept
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) doc: u32,
    pub(crate) frequency: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    doc: u32,
}

impl Cursor<'_> {
    /// The next text; its positions go into the buffer, if there is one.
    pub(crate) fn next(&mut self, positions: Option<&mut Vec<u32>>) -> Option<Posting> {
        self.doc += self.read()?;
        let frequency = self.read()?;
        match positions {
            Some(buffer) => {
                buffer.clear();
                let mut at = 0;
                for _ in 0..frequency {
                    at += self.read()?;
                    buffer.push(at);
                }
            }
            None => {
                for _ in 0..frequency {
                    self.read()?;
                }
            }
        }
        Some(Posting { doc: self.doc, frequency })
    }

    fn read(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

fn write(bytes: &mut Vec<u8>, mut value: u32) {
    loop {
        let [low, ..] = (value & 0x7F).to_le_bytes();
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(entries in prop::collection::btree_map(
            0u32..2_000_000, prop::collection::btree_set(0u32..100_000, 1..6), 0..40,
        )) {
            let mut list = Postings::default();
            for (&doc, places) in &entries {
                list.push(doc, &places.iter().copied().collect::<Vec<_>>());
            }
            let mut cursor = list.cursor();
            let mut buffer = Vec::new();
            let mut seen = Vec::new();
            while let Some(posting) = cursor.next(Some(&mut buffer)) {
                seen.push((posting.doc, buffer.clone()));
            }
            let wanted: Vec<(u32, Vec<u32>)> = entries.iter()
                .map(|(&doc, places)| (doc, places.iter().copied().collect())).collect();
            prop_assert_eq!(&seen, &wanted);

            let even = list.retain(|doc| doc % 2 == 0);
            let mut cursor = even.cursor();
            let mut count = 0;
            while let Some(posting) = cursor.next(None) {
                prop_assert!(posting.doc % 2 == 0);
                count += 1;
            }
            prop_assert_eq!(count, entries.keys().filter(|&&doc| doc % 2 == 0).count());
        }
    }
}
