//! The header of a safetensors file: what it says is in the file, held against the file itself before
//! anything is taken from it (github.com/huggingface/safetensors, "Format").

use std::collections::BTreeMap;
use std::fmt;

use safetensors::tensor::SafeTensors;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A longer header is none; the format's own limit.
pub(super) const LONGEST: u64 = 100_000_000;
/// What is said of a file that is something else.
pub(super) const NONE: &str = "it is no safetensors file";
/// What is said of a file that has no room for its header.
pub(super) const EARLY: &str = "it is no safetensors file, or ends early";

/// Tensors have no more dimensions; libtorch's own limit.
const MOST_DIMENSIONS: usize = 64;

/// A tensor of the header. The library keeps what stands there beside, at many times the room of its
/// text, so nothing may.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub dtype: String,
    #[serde(deserialize_with = "few")]
    pub shape: Vec<u64>,
    pub data_offsets: (u64, u64),
}

/// The tensors of a header, by name.
pub(super) type Entries = BTreeMap<String, Entry>;

/// The tensors that the text of a header names, in a file of `size` bytes.
///
/// # Errors
/// What is no header, and one whose tensors do not end where the file does.
pub(super) fn entries(text: &[u8], size: u64) -> Result<Entries, &'static str> {
    let Named(entries) = serde_json::from_slice(text).map_err(|_| NONE)?;
    let end = entries.values().map(|entry| entry.data_offsets.1).max().unwrap_or(0);
    match end.checked_add(text.len() as u64 + 8) {
        Some(end) if end == size => Ok(entries),
        _ => Err("its length is not what it says of itself"),
    }
}

/// The file that has these bytes. The library that reads it adds up what a header says without a look
/// at how large that is, and ends the program where the sum has no room; so that is looked at here.
///
/// # Errors
/// Bytes that are no safetensors file, or the beginning of one.
pub fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, String> {
    let length = bytes.first_chunk().map(|length| u64::from_le_bytes(*length));
    let length = length.filter(|length| *length <= LONGEST).ok_or(NONE)? as usize;
    let text = bytes.get(8..8 + length).ok_or(EARLY)?;
    entries(text, bytes.len() as u64)?;
    SafeTensors::deserialize(bytes).map_err(|error| format!("{EARLY} ({error})"))
}

/// The entries as JSON has them: read as what they are, as any other value could take many times the
/// room of its text.
struct Named(Entries);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tensors by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut entries = Entries::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        entries.insert(name, map.next_value()?);
                    }
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// A list that is given up as soon as it is longer than a shape can be.
fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    struct Visit;
    impl<'de> Visitor<'de> for Visit {
        type Value = Vec<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a shape")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u64>, A::Error> {
            let mut shape = Vec::new();
            while let Some(size) = list.next_element()? {
                if shape.len() == MOST_DIMENSIONS {
                    return Err(A::Error::custom("it has too many dimensions"));
                }
                shape.push(size);
            }
            Ok(shape)
        }
    }
    deserializer.deserialize_seq(Visit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    /// Each once ended the program, or could have.
    #[test]
    fn a_header_that_lies_is_told() {
        let most = u64::MAX;
        let all = format!(r#"{{"w":{{"dtype":"U8","shape":[{most}],"data_offsets":[0,{most}]}}}}"#);
        let wraps = u64::MAX - 8 - all.len() as u64 + 1;
        let wraps = format!(
            r#"{{"w":{{"dtype":"U8","shape":[{wraps}],"data_offsets":[0,{wraps}]}}}}{}"#,
            " ".repeat(2 * (most.to_string().len() - wraps.to_string().len()))
        );
        let nested = format!(r#"{{"__metadata__":{}}}"#, "[".repeat(100_000));
        let entry = |more: &str| {
            format!(r#"{{"w":{{"dtype":"U8","shape":[0{more}],"data_offsets":[0,0]}}}}"#)
        };
        let (long, beside) = (entry(&",0".repeat(100)), entry(r#"],"more":[0"#));
        for header in
            [all, wraps, long, beside, nested, "{".into(), "[]".into(), r#"{"w":3}"#.into()]
        {
            let shown = &header[..header.len().min(80)];
            assert!(open(&file(&header, 0)).is_err(), "{shown}");
            assert!(open(&file(&header, 8)).is_err(), "{shown}");
        }
        for length in [0, 2, 1 << 40, u64::MAX - 4, u64::MAX] {
            assert!(open(&length.to_le_bytes()).is_err(), "{length}");
        }
    }

    #[test]
    fn a_file_is_opened() {
        let header =
            r#"{"__metadata__":{"by":"a"},"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#;
        assert_eq!(open(&file(header, 4)).unwrap().tensor("w").unwrap().shape(), [4]);
        assert!(open(&file(header, 3)).is_err());
    }
}
