//! The cases of `tests/golden/operations.csv`, which `tests/reference/operations.py` made.

use std::path::Path;

use resweep::op::{Op, Shape};
use resweep::spec::de::{Cx, read};
use resweep::spec::expr::{Env, Number};
use resweep::spec::load::Loader;

/// An operation, what it reads, and what PyTorch makes of it.
// Each of the tests that share this file reads other fields.
#[allow(dead_code)]
#[derive(Debug)]
pub struct Case {
    /// Number of the case.
    pub number: u32,
    /// The operation as a spec writes it.
    pub text: String,
    /// The operation as it was read.
    pub op: Op,
    /// The shapes that it reads.
    pub inputs: Vec<Shape>,
    /// Whether PyTorch's module was in training mode.
    pub training: bool,
    /// Names and sizes of PyTorch's parameters and buffers.
    pub weights: Vec<(String, Vec<u64>)>,
    /// The shape of PyTorch's result; none where PyTorch refuses.
    pub output: Option<Shape>,
}

/// Reads one operation as specs do.
pub fn op(text: &str, names: &[(&str, i64)]) -> Result<Op, String> {
    let loader = Loader::default();
    let env: Env = names.iter().map(|(name, v)| (name.to_string(), Number::Int(*v))).collect();
    let tree = loader.argument("op", text, text).map_err(|e| e.render(&loader.sources))?;
    read(&tree, Cx { loader: &loader, env: &env }, "operation")
        .map_err(|error| error.render(&loader.sources))
}

fn dims(text: &str) -> Vec<u64> {
    text.split('x').filter(|dim| !dim.is_empty()).map(|dim| dim.parse().unwrap()).collect()
}

fn shape(text: &str) -> Option<Shape> {
    match *dims(text) {
        [channels, height, width] => Some(Shape::Maps(channels, height, width)),
        [features] => Some(Shape::Features(features)),
        _ => None,
    }
}

fn case(row: &csv::StringRecord) -> Case {
    let weight = |text: &str| {
        let (name, size) = text.split_once(':').unwrap();
        (name.to_string(), dims(size))
    };
    Case {
        number: row[0].parse().unwrap(),
        text: row[1].into(),
        op: op(&row[1], &[]).unwrap_or_else(|error| panic!("{error}")),
        inputs: row[2].split(';').map(|text| shape(text).unwrap()).collect(),
        training: &row[3] == "train",
        weights: row[4].split(';').filter(|text| !text.is_empty()).map(weight).collect(),
        output: shape(&row[5]),
    }
}

/// All cases.
pub fn all() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/operations.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|row| case(&row.unwrap())).collect()
}
