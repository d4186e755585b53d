//! Checkpoints as bytes: little-endian, every number with all its bits, a checksum at the end.

use crate::{Error, Result};

/// First bytes of a checkpoint, with the version of the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"darwin\x01\0");
/// Longest list: what a checkpoint claims to hold is not believed blindly.
const MAX_LIST: u64 = 1 << 28;

/// Writes a checkpoint.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new() -> Self {
        let mut writer = Self(Vec::new());
        writer.int(MAGIC);
        writer
    }

    pub(crate) fn int(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn size(&mut self, value: usize) {
        self.int(value as u64);
    }

    pub(crate) fn real(&mut self, value: f64) {
        self.int(value.to_bits());
    }

    pub(crate) fn reals(&mut self, values: &[f64]) {
        self.size(values.len());
        for value in values {
            self.real(*value);
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.int(sum);
        self.0
    }
}

/// Reads a checkpoint.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader behind the first word, when the checksum holds.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        let broken = |reason| Error::InvalidCheckpoint { reason };
        let (body, sum) = bytes.split_last_chunk::<8>().ok_or(broken("is cut short"))?;
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err(broken("has a wrong checksum"));
        }
        let mut reader = Self(body);
        if reader.int()? != MAGIC {
            return Err(broken("has another layout"));
        }
        Ok(reader)
    }

    pub(crate) fn int(&mut self) -> Result<u64> {
        let reason = "is cut short";
        let (word, rest) =
            self.0.split_first_chunk::<8>().ok_or(Error::InvalidCheckpoint { reason })?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*word))
    }

    pub(crate) fn size(&mut self) -> Result<usize> {
        let value = self.int()?;
        let reason = "claims a size beyond all bounds";
        let small = usize::try_from(value).ok().filter(|_| value <= MAX_LIST);
        small.ok_or(Error::InvalidCheckpoint { reason })
    }

    pub(crate) fn real(&mut self) -> Result<f64> {
        self.int().map(f64::from_bits)
    }

    pub(crate) fn reals(&mut self) -> Result<Vec<f64>> {
        let count = self.size()?;
        if count > self.0.len() / 8 {
            return Err(Error::InvalidCheckpoint { reason: "is cut short" });
        }
        (0..count).map(|_| self.real()).collect()
    }

    /// A list of exactly this length.
    pub(crate) fn exactly(&mut self, length: usize) -> Result<Vec<f64>> {
        let values = self.reals()?;
        self.check(values.len() == length)?;
        Ok(values)
    }

    /// Refuse what does not fit the run.
    #[expect(clippy::unused_self, reason = "reads as a step of reading")]
    pub(crate) fn check(&self, fits: bool) -> Result<()> {
        let reason = "belongs to another run";
        if fits { Ok(()) } else { Err(Error::InvalidCheckpoint { reason }) }
    }

    /// That nothing is left.
    pub(crate) fn end(self) -> Result<()> {
        self.check(self.0.is_empty())
    }
}

/// FNV-1a over 8 bytes at a time.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::new();
        writer.int(7);
        writer.reals(&[1.0, f64::NAN, -0.0]);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes).unwrap();
        assert_eq!(reader.int().unwrap(), 7);
        let bits: Vec<u64> = reader.reals().unwrap().into_iter().map(f64::to_bits).collect();
        assert_eq!(bits, [1.0, f64::NAN, -0.0].map(f64::to_bits));
        reader.end().unwrap();
        for cut in 0..bytes.len() {
            assert!(Reader::new(&bytes[..cut]).is_err());
            let mut flipped = bytes.clone();
            flipped[cut] ^= 1;
            assert!(Reader::new(&flipped).is_err());
        }
    }
}
