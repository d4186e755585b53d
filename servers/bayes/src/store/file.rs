//! Files in sections, each with a checksum, behind a head that names what the file is and its version.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use mcp_core::durable;

/// Begins every file; the version of the layout follows, then what it holds.
const MAGIC: [u8; 6] = *b"mbayes";
/// Layout written here, and the newest that is read.
const VERSION: u8 = 1;
/// Bytes of the head.
const HEAD: usize = MAGIC.len() + 2;
/// Bytes before each section: its length, and the checksum of it, its place and the head.
const FRAME: usize = 12;
/// Longest file that is read: twice the longest that is written.
const LONGEST: u64 = 512 << 20;
/// Most sections of a file.
const MOST: usize = 64;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Holds {
    /// How a run was begun, and its model.
    Run = 1,
    /// How a run ended.
    State = 2,
    /// Draws of one chain.
    Chain = 3,
    /// Registered data.
    Data = 4,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// It is not as it was written.
    #[error("damaged at byte {0}")]
    Damaged(u64),
    /// A later version of this server wrote it.
    #[error("of layout {0}, and this version knows {VERSION}")]
    Newer(u8),
    /// The system refused it.
    // The kind says enough; the text may hold a path.
    #[error("not readable: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// The bytes of a file.
pub(crate) fn encode(holds: Holds, sections: &[&[u8]]) -> Vec<u8> {
    let length: usize = sections.iter().map(|section| FRAME + section.len()).sum();
    let mut bytes = Vec::with_capacity(HEAD + length);
    bytes.extend(MAGIC);
    bytes.extend([VERSION, holds as u8]);
    for (place, section) in sections.iter().enumerate() {
        let length = section.len() as u64;
        bytes.extend(length.to_le_bytes());
        bytes.extend(sum(holds, place, length, section).to_le_bytes());
        bytes.extend(*section);
    }
    bytes
}

/// The sections of a file.
pub(crate) fn decode(holds: Holds, bytes: &[u8]) -> Result<Vec<&[u8]>, FileError> {
    let (head, mut rest) = bytes.split_at_checked(HEAD).ok_or(FileError::Damaged(0))?;
    check_head(holds, head)?;
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let damaged = FileError::Damaged((bytes.len() - rest.len()) as u64);
        let (frame, after) = rest.split_at_checked(FRAME).ok_or(damaged)?;
        let (length, expected) = read_frame(frame).ok_or(damaged)?;
        let size = usize::try_from(length).map_err(|_| damaged)?;
        let (section, after) = after.split_at_checked(size).ok_or(damaged)?;
        if sum(holds, sections.len(), length, section) != expected || sections.len() >= MOST {
            return Err(damaged);
        }
        sections.push(section);
        rest = after;
    }
    Ok(sections)
}

/// All of a file; its sections are found by [`decode`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path)?;
    if file.metadata()?.len() > LONGEST {
        return Err(FileError::Damaged(LONGEST));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first section of a file, whatever follows it.
pub(crate) fn read_first(holds: Holds, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut file = File::open(path)?;
    let longest = file.metadata()?.len();
    let mut start = [0; HEAD + FRAME];
    let damaged = FileError::Damaged(HEAD as u64);
    file.read_exact(&mut start).map_err(|_| FileError::Damaged(0))?;
    let (head, frame) = start.split_at(HEAD);
    check_head(holds, head)?;
    let (length, expected) = read_frame(frame).ok_or(damaged)?;
    if length > longest.min(LONGEST) {
        return Err(damaged);
    }
    let mut section = Vec::new();
    file.take(length).read_to_end(&mut section)?;
    let is_whole = section.len() as u64 == length && sum(holds, 0, length, &section) == expected;
    if is_whole { Ok(section) } else { Err(damaged) }
}

/// Write a new file; it is on disk when this returns, its directory is not synced.
pub(crate) fn write_new(path: &Path, holds: Holds, sections: &[&[u8]]) -> io::Result<()> {
    let mut file = durable::private().write(true).create(true).truncate(true).open(path)?;
    file.write_all(&encode(holds, sections))?;
    file.sync_all()
}

fn check_head(holds: Holds, head: &[u8]) -> Result<(), FileError> {
    let (magic, rest) = head.split_at(MAGIC.len());
    match rest {
        [version, of] if magic == MAGIC && *of == holds as u8 => match *version {
            VERSION => Ok(()),
            0 => Err(FileError::Damaged(0)),
            newer => Err(FileError::Newer(newer)),
        },
        _ => Err(FileError::Damaged(0)),
    }
}

fn read_frame(frame: &[u8]) -> Option<(u64, u32)> {
    let (length, sum) = frame.split_first_chunk()?;
    Some((u64::from_le_bytes(*length), u32::from_le_bytes(*sum.first_chunk()?)))
}

/// Binds a section to its place and its file's kind: none can stand for another.
fn sum(holds: Holds, place: usize, length: u64, section: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&[VERSION, holds as u8]);
    sum.update(&(place as u64).to_le_bytes());
    sum.update(&length.to_le_bytes());
    sum.update(section);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sections() -> impl Strategy<Value = Vec<Vec<u8>>> {
        proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..5)
    }

    fn bytes_of(sections: &[Vec<u8>]) -> Vec<u8> {
        let parts: Vec<&[u8]> = sections.iter().map(Vec::as_slice).collect();
        encode(Holds::Chain, &parts)
    }

    proptest! {
        #[test]
        fn a_file_is_read_as_it_was_written(sections in sections()) {
            let bytes = bytes_of(&sections);
            let read = decode(Holds::Chain, &bytes).unwrap();
            prop_assert_eq!(read, sections.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(decode(Holds::Run, &bytes), Err(FileError::Damaged(0)));
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            std::fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(&read_first(Holds::Chain, &path).ok(), &sections.first().cloned());
            prop_assert_eq!(super::read(&path).unwrap(), bytes);
        }

        /// Whatever happened to it, a file is refused: it is never another file.
        #[test]
        fn a_file_with_any_bit_changed_is_refused(
            sections in sections(), place in any::<proptest::sample::Index>(), bit in 0_u8..8,
        ) {
            let mut bytes = bytes_of(&sections);
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(decode(Holds::Chain, &bytes).is_err());
        }

        #[test]
        fn a_file_that_was_cut_is_refused_or_shorter(
            sections in sections(), place in any::<proptest::sample::Index>(),
        ) {
            let bytes = bytes_of(&sections);
            let cut = &bytes[..place.index(bytes.len())];
            if let Ok(read) = decode(Holds::Chain, cut) {
                prop_assert!(read.len() < sections.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = MAGIC.to_vec();
            whole.extend([VERSION, Holds::Data as u8]);
            whole.extend(&bytes);
            drop((decode(Holds::Data, &bytes), decode(Holds::Data, &whole)));
        }
    }

    #[test]
    fn a_later_layout_is_told_from_damage() {
        let mut bytes = encode(Holds::Data, &[b"x"]);
        bytes[MAGIC.len()] = VERSION + 1;
        assert_eq!(decode(Holds::Data, &bytes), Err(FileError::Newer(VERSION + 1)));
    }
}
