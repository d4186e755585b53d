//! Where a later call goes on: one position per source, as opaque text.

use super::{Channel, Position};
use crate::{Error, timestamp::Timestamp};

const FIELD: &str = "/cursor";

/// FNV-1a, 64 bit (Fowler, Noll, Vo): stable across builds, not for security.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let bytes = parts.into_iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What a cursor is bound to: the sources, in order, and the stream.
pub(crate) fn binding<'a>(ids: impl IntoIterator<Item = &'a str>, channel: Option<Channel>) -> u64 {
    let channel = match channel {
        None => "both",
        Some(Channel::Stdout) => "stdout",
        Some(Channel::Stderr) => "stderr",
    };
    fingerprint(ids.into_iter().chain([channel]))
}

/// Write positions: `binding.time-ordinal.time-ordinal…`, all in hexadecimal.
pub(crate) fn write(binding: u64, positions: &[Position]) -> String {
    let parts =
        positions.iter().map(|position| format!(".{:x}-{:x}", position.at.0, position.ordinal));
    format!("{binding:016x}{}", parts.collect::<String>())
}

/// Read what [`write()`] wrote.
pub(crate) fn read(text: &str, binding: u64, sources: usize) -> Result<Vec<Position>, Error> {
    let malformed = || Error::invalid(FIELD, "is not a cursor of read_container_logs");
    let mut parts = text.split('.');
    let bound = parts.next().filter(|part| part.len() == 16).ok_or_else(malformed)?;
    if u64::from_str_radix(bound, 16).map_err(|_| malformed())? != binding {
        return Err(Error::invalid(
            FIELD,
            "belongs to other containers or another stream; use since with the last line's ts",
        ));
    }
    let positions = parts.map(position).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
    if positions.len() == sources { Ok(positions) } else { Err(malformed()) }
}

fn position(text: &str) -> Option<Position> {
    let (at, ordinal) = text.split_once('-')?;
    let at = i64::from_str_radix(at, 16).ok().filter(|nanos| *nanos >= 0)?;
    Some(Position { at: Timestamp(at), ordinal: u32::from_str_radix(ordinal, 16).ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn fingerprints_are_the_published_ones() {
        // Test vector of the FNV authors for "a", then our separator folded in.
        let separator = 0xaf63_dc4c_8601_ec8c_u64.wrapping_mul(0x0100_0000_01b3);
        assert_eq!(fingerprint(["a"]), separator);
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
    }

    #[test]
    fn foreign_and_malformed_cursors_are_refused() {
        let bound = binding(["a"], None);
        let good = write(bound, &[Position { at: Timestamp(7), ordinal: 2 }]);
        assert!(read(&good, bound, 1).is_ok());
        assert!(read(&good, binding(["a"], Some(Channel::Stderr)), 1).is_err());
        assert!(read(&good, binding(["b"], None), 1).is_err());
        for text in [
            "",
            "x",
            ".",
            "zz.1-1",
            &good.replace('.', ""),
            &format!("{good}.1-1"),
            &format!("{good}g"),
        ] {
            assert!(read(text, bound, 1).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(raw in vec((0..=i64::MAX, any::<u32>()), 0..20), bound: u64) {
            let positions: Vec<_> =
                raw.iter().map(|(at, ordinal)| Position { at: Timestamp(*at), ordinal: *ordinal }).collect();
            let text = write(bound, &positions);
            prop_assert_eq!(read(&text, bound, positions.len()).unwrap(), positions);
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,60}", bound: u64) {
            let _outcome = read(&text, bound, 1);
        }
    }
}
