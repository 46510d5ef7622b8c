//! The checkpoint of a run.

use std::collections::{BTreeMap, HashMap};

use resweep::saved::{State, header_of};
use safetensors::tensor::{Dtype, TensorView, serialize};

/// Reads bytes as a checkpoint. What is a safetensors file is also sealed as one, as a checkpoint is
/// written: then it is read as what it is, and not after any change.
pub fn drive(bytes: &[u8]) -> bool {
    let read = State::decode(bytes);
    if let Err(reason) = &read {
        assert!(!reason.is_empty());
    }
    if let Ok(file) = resweep::saved::open(bytes) {
        let tensors: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
        let values = tensors.keys().map(|name| (name.clone(), format!("{name:?}"))).collect();
        // The library writes no file that it could read without tensors, or with one of that name; no
        // run has such.
        if !tensors.is_empty() && !tensors.contains_key("__metadata__") {
            sealed(&values, &tensors);
        }
    }
    read.is_ok()
}

fn sealed(values: &BTreeMap<String, String>, tensors: &BTreeMap<String, TensorView<'_>>) {
    let mut bytes = serialize(tensors, &Some(header_of(values, tensors))).unwrap();
    let read = State::decode(&bytes).unwrap();
    let keys = ["resweep.format", "resweep.sha256"];
    let own = values.iter().filter(|(name, _)| !keys.contains(&name.as_str()));
    if own.clone().count() == values.len() {
        assert_eq!(&read.values, values);
    }
    let content = |tensors: &BTreeMap<String, TensorView<'_>>| {
        let part = |(name, it): (&String, &TensorView<'_>)| {
            (name.clone(), it.dtype(), it.shape().to_vec(), it.data().to_vec())
        };
        tensors.iter().map(part).collect::<Vec<_>>()
    };
    assert_eq!(content(&read.tensors()), content(tensors));
    let data: usize = tensors.values().map(|view| view.data().len()).sum();
    drop(read);
    if let Some(last) = bytes.last_mut().filter(|_| data > 0) {
        *last ^= 1;
        assert!(State::decode(&bytes).is_err());
    }
}

/// A checkpoint, one without values, one of another version, and one that was changed.
pub fn seeds() -> Vec<Vec<u8>> {
    let values = BTreeMap::from([
        ("epoch".to_owned(), "3".to_owned()),
        ("rows".to_owned(), "[(epoch:1,lr:0.1)]".to_owned()),
    ]);
    let momentum: Vec<u8> = [0.5_f32, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensors = BTreeMap::from([
        ("model.0".to_owned(), TensorView::new(Dtype::F32, vec![2, 1], &momentum).unwrap()),
        ("order".to_owned(), TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap()),
    ]);
    let none = BTreeMap::new();
    let other = HashMap::from([("resweep.format".to_owned(), "1".to_owned())]);
    let mut changed = serialize(&tensors, &Some(header_of(&values, &tensors))).unwrap();
    changed.pop();
    changed.push(1);
    vec![
        serialize(&tensors, &Some(header_of(&values, &tensors))).unwrap(),
        serialize(&tensors, &Some(header_of(&none, &tensors))).unwrap(),
        serialize(&tensors, &Some(other)).unwrap(),
        changed,
    ]
}
