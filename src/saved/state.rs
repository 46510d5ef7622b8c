//! A saved state as bytes: safetensors, with the values in its header.
//!
//! The header's `__metadata__` holds the values by their names, and two entries of the file itself:
//! `resweep.format`, the version of what a state is made of, and `resweep.sha256`, the hash of all
//! names, values, shapes and bytes. A file that was cut short or changed is told by it.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use super::header;
use super::weights::hex;

/// The version that is written, and the only one that is read. It changes with the meaning of any
/// part of a state.
const FORMAT: &str = "2";
const FORMAT_KEY: &str = "resweep.format";
const HASH_KEY: &str = "resweep.sha256";

/// A state that is whole and of the version that is read.
#[derive(Debug)]
pub struct State<'a> {
    file: SafeTensors<'a>,
    /// The values, each as RON.
    pub values: BTreeMap<String, String>,
}

impl<'a> State<'a> {
    /// The state that has these bytes.
    ///
    /// # Errors
    /// What is no state, is of another version, or was cut short or changed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, String> {
        let broken = |error: String| format!("it is cut short or changed ({error})");
        let file = header::open(bytes).map_err(broken)?;
        let metadata = SafeTensors::read_metadata(bytes);
        let (_, metadata) = metadata.map_err(|error| broken(error.to_string()))?;
        let header = metadata.metadata().clone().unwrap_or_default();
        let mut values: BTreeMap<String, String> = header.into_iter().collect();
        match values.remove(FORMAT_KEY).as_deref() {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(format!("it is of version {other}, and this resweep reads {FORMAT}"));
            }
            None => return Err("it is no state of a run".into()),
        }
        let told = values.remove(HASH_KEY);
        let state = Self { file, values };
        match told == Some(hash(&state.values, &state.tensors())) {
            true => Ok(state),
            false => Err("it was changed, or not wholly written".into()),
        }
    }

    /// Its tensors, by name.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, TensorView<'_>> {
        self.file.tensors().into_iter().collect()
    }
}

/// The header of the file of a state: its values, the version, and the hash of all of it. The names of
/// these two are the file's own: a value of such a name is left out.
#[must_use]
pub fn header_of(
    values: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, TensorView<'_>>,
) -> HashMap<String, String> {
    let mut values = values.clone();
    values.retain(|name, _| ![FORMAT_KEY, HASH_KEY].contains(&name.as_str()));
    let own = [(FORMAT_KEY, FORMAT.to_owned()), (HASH_KEY, hash(&values, tensors))];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    values.into_iter().chain(own).collect()
}

/// The SHA-256 of names, values, shapes and bytes, hexadecimal.
#[must_use]
pub fn hash(
    values: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, TensorView<'_>>,
) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        // Lengths go before, so that no two lists of parts run together into the same bytes.
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(FORMAT.as_bytes());
    part(&(values.len() as u64).to_le_bytes());
    for (name, value) in values {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    for (name, view) in tensors {
        part(name.as_bytes());
        part(format!("{:?} {:?}", view.dtype(), view.shape()).as_bytes());
        part(view.data());
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use safetensors::tensor::{Dtype, serialize};

    use super::*;

    fn saved() -> Vec<u8> {
        let values = BTreeMap::from([("epoch".to_owned(), "3".to_owned())]);
        let view = TensorView::new(Dtype::U8, vec![3], &[1, 2, 3]).unwrap();
        let tensors = BTreeMap::from([("w".to_owned(), view)]);
        serialize(&tensors, &Some(header_of(&values, &tensors))).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = saved();
        let state = State::decode(&bytes).unwrap();
        assert_eq!(state.values, BTreeMap::from([("epoch".to_owned(), "3".to_owned())]));
        assert_eq!(state.tensors()["w"].data(), [1, 2, 3]);
    }

    /// No byte can be changed, and no end cut off, unseen. Blanks of the header alone are free, as they
    /// say nothing.
    #[test]
    fn every_change_is_told() {
        let bytes = saved();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(State::decode(&bytes[..at]).is_err(), "cut at {at}");
            assert!(bytes[at] == b' ' || State::decode(&changed).is_err(), "changed at {at}");
        }
    }
}
