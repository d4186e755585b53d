//! `PackStream`: how Bolt writes values. JSON values out, JSON values in; what JSON lacks (nodes,
//! relationships, paths, times, points) comes in as objects and texts.

use serde_json::{Map, Number, Value, json};

use super::structure;

/// Values within values.
const MOST_NESTED: usize = 64;

/// Bytes that are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are no value: {0}")]
pub(super) struct Garbled(pub(super) &'static str);

/// A message: its tag and fields.
pub(super) fn message(tag: u8, fields: &[Value]) -> Vec<u8> {
    // No message of the protocol has more than three fields.
    let count = u8::try_from(fields.len()).unwrap_or(u8::MAX) & 0x0F;
    let mut bytes = vec![0xB0 | count, tag];
    for field in fields {
        write(&mut bytes, field);
    }
    bytes
}

fn write(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => bytes.push(0xC0),
        Value::Bool(flag) => bytes.push(if *flag { 0xC3 } else { 0xC2 }),
        Value::Number(number) => match number.as_i64() {
            Some(number) => write_int(bytes, number),
            None => {
                bytes.push(0xC1);
                bytes.extend(number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
            }
        },
        Value::String(text) => {
            size(bytes, text.len(), [0x80, 0xD0, 0xD1, 0xD2]);
            bytes.extend(text.as_bytes());
        }
        Value::Array(items) => {
            size(bytes, items.len(), [0x90, 0xD4, 0xD5, 0xD6]);
            for item in items {
                write(bytes, item);
            }
        }
        Value::Object(entries) => {
            size(bytes, entries.len(), [0xA0, 0xD8, 0xD9, 0xDA]);
            for (name, value) in entries {
                size(bytes, name.len(), [0x80, 0xD0, 0xD1, 0xD2]);
                bytes.extend(name.as_bytes());
                write(bytes, value);
            }
        }
    }
}

fn write_int(bytes: &mut Vec<u8>, number: i64) {
    if let Ok(small) = i8::try_from(number) {
        if small < -16 {
            bytes.push(0xC8);
        }
        bytes.extend(small.to_be_bytes());
    } else if let Ok(short) = i16::try_from(number) {
        bytes.push(0xC9);
        bytes.extend(short.to_be_bytes());
    } else if let Ok(word) = i32::try_from(number) {
        bytes.push(0xCA);
        bytes.extend(word.to_be_bytes());
    } else {
        bytes.push(0xCB);
        bytes.extend(number.to_be_bytes());
    }
}

/// The head of a text, list or map; its marks for a length in 4, 8, 16 and 32 bits.
fn size(bytes: &mut Vec<u8>, length: usize, [tiny, byte, short, word]: [u8; 4]) {
    if let Some(length) = u8::try_from(length).ok().filter(|length| *length < 16) {
        bytes.push(tiny | length);
    } else if let Ok(length) = u8::try_from(length) {
        bytes.extend([byte, length]);
    } else if let Ok(length) = u16::try_from(length) {
        bytes.push(short);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(word);
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

/// A message's tag and fields.
pub(super) fn read(bytes: &[u8]) -> Result<(u8, Vec<Value>), Garbled> {
    let mut reader = Reader { bytes, depth: 0 };
    let head = reader.byte()?;
    if head & 0xF0 != 0xB0 {
        return Err(Garbled("no message"));
    }
    let tag = reader.byte()?;
    let fields = reader.values(usize::from(head & 0x0F))?;
    if reader.bytes.is_empty() { Ok((tag, fields)) } else { Err(Garbled("more than a message")) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    depth: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Garbled> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        let (first, rest) = self.bytes.split_first_chunk().ok_or(Garbled("cut off"))?;
        self.bytes = rest;
        Ok(*first)
    }

    fn length(&mut self, width: u8) -> Result<usize, Garbled> {
        let length = match width {
            0 => u32::from(self.byte()?),
            1 => u32::from(u16::from_be_bytes(self.array()?)),
            _ => u32::from_be_bytes(self.array()?),
        };
        usize::try_from(length).map_err(|_| Garbled("too long"))
    }

    fn value(&mut self) -> Result<Value, Garbled> {
        let mark = self.byte()?;
        let low = usize::from(mark & 0x0F);
        Ok(match mark {
            0x00..=0x7F | 0xF0..=0xFF => json!(i8::from_be_bytes([mark])),
            0x80..=0x8F => Value::String(self.text(low)?),
            0x90..=0x9F => Value::Array(self.values(low)?),
            0xA0..=0xAF => Value::Object(self.entries(low)?),
            0xB0..=0xBF => {
                let tag = self.byte()?;
                structure::json(tag, self.values(low)?)
            }
            0xC0 => Value::Null,
            0xC1 => Number::from_f64(f64::from_be_bytes(self.array()?))
                .map_or(Value::Null, Value::Number),
            0xC2 => Value::Bool(false),
            0xC3 => Value::Bool(true),
            0xC8 => json!(i8::from_be_bytes(self.array()?)),
            0xC9 => json!(i16::from_be_bytes(self.array()?)),
            0xCA => json!(i32::from_be_bytes(self.array()?)),
            0xCB => json!(i64::from_be_bytes(self.array()?)),
            0xCC..=0xCE => {
                let length = self.length(mark - 0xCC)?;
                Value::String(format!("{} bytes", self.take(length)?.len()))
            }
            0xD0..=0xD2 => {
                let length = self.length(mark - 0xD0)?;
                Value::String(self.text(length)?)
            }
            0xD4..=0xD6 => {
                let length = self.length(mark - 0xD4)?;
                Value::Array(self.values(length)?)
            }
            0xD8..=0xDA => {
                let length = self.length(mark - 0xD8)?;
                Value::Object(self.entries(length)?)
            }
            _ => return Err(Garbled("an unknown mark")),
        })
    }

    fn take(&mut self, length: usize) -> Result<&[u8], Garbled> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Garbled("cut off"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn text(&mut self, length: usize) -> Result<String, Garbled> {
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map_err(|_| Garbled("a text that is no UTF-8"))
    }

    /// As many values; room is made as they come, whatever the count says.
    fn values(&mut self, count: usize) -> Result<Vec<Value>, Garbled> {
        self.deeper(|reader| {
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(reader.value()?);
            }
            Ok(values)
        })
    }

    fn entries(&mut self, count: usize) -> Result<Map<String, Value>, Garbled> {
        self.deeper(|reader| {
            let mut entries = Map::new();
            for _ in 0..count {
                let Value::String(name) = reader.value()? else {
                    return Err(Garbled("a name that is no text"));
                };
                entries.insert(name, reader.value()?);
            }
            Ok(entries)
        })
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Garbled>,
    ) -> Result<T, Garbled> {
        if self.depth == MOST_NESTED {
            return Err(Garbled("nested too deep"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-200_i64..40_000).prop_map(Value::from),
            (-1e9_f64..1e9).prop_map(Value::from),
            "\\PC{0,300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 60, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,20}", inner, 0..18)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(fields in prop::collection::vec(any_value(), 0..4)) {
            prop_assert_eq!(read(&message(0x10, &fields)), Ok((0x10, fields)));
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&bytes));
            bytes.splice(0..0, [0xB1, 0x71]);
            drop(read(&bytes));
        }
    }

    #[test]
    fn bytes_are_those_of_the_protocol() {
        let run = message(0x10, &[json!("RETURN 1"), json!({}), json!({"db": "neo4j"})]);
        let mut wanted = vec![0xB3, 0x10, 0x88];
        wanted.extend(b"RETURN 1");
        wanted.extend([0xA0, 0xA1, 0x82]);
        wanted.extend(b"db");
        wanted.push(0x85);
        wanted.extend(b"neo4j");
        assert_eq!(run, wanted);
        for (number, bytes) in [
            (-16_i64, &[0xF0][..]),
            (-17, &[0xC8, 0xEF]),
            (127, &[0x7F]),
            (128, &[0xC9, 0x00, 0x80]),
            (40_000, &[0xCA, 0x00, 0x00, 0x9C, 0x40]),
            (1 << 40, &[0xCB, 0, 0, 1, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(&message(1, &[json!(number)])[2..], bytes, "{number}");
        }
    }

    #[test]
    fn what_nests_too_deep_is_refused() {
        let mut bytes = vec![0xB1, 0x71];
        bytes.extend([0x91].repeat(10_000));
        assert_eq!(read(&bytes), Err(Garbled("nested too deep")));
    }
}
