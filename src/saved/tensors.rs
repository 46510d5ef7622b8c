//! Where two safetensors files differ: tensor by tensor, byte for byte.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::header;
use crate::regular;

/// A tensor that is not the same in two files.
#[derive(Debug, Clone, PartialEq)]
pub struct Parted {
    /// Its name.
    pub name: String,
    /// How it differs.
    pub how: How,
}

/// How a tensor of two files differs.
#[derive(Debug, Clone, PartialEq)]
pub enum How {
    /// The first file alone has it.
    OnlyInFirst,
    /// The second file alone has it.
    OnlyInSecond,
    /// Its format or shape, as each file has it.
    Form(String, String),
    /// Its values.
    Values {
        /// Values that differ.
        differ: usize,
        /// Values in all.
        of: usize,
        /// The largest difference; none for formats without numbers that are known here.
        most: Option<f64>,
        /// The largest magnitude in the first file.
        largest: Option<f64>,
    },
}

/// The tensors that differ, by name; none where the files hold the same.
///
/// # Errors
/// A file that cannot be read, or is no safetensors file.
pub fn parted(first: &Path, second: &Path) -> io::Result<Vec<Parted>> {
    let (first, second) = (read(first)?, read(second)?);
    let (first, second) = (open(&first)?, open(&second)?);
    let names: BTreeSet<&String> = first.names().into_iter().chain(second.names()).collect();
    let how = |name: &String| match (first.tensor(name), second.tensor(name)) {
        (Ok(first), Ok(second)) => how(&first, &second),
        (Ok(_), Err(_)) => Some(How::OnlyInFirst),
        (Err(_), _) => Some(How::OnlyInSecond),
    };
    let parted = |name: &String| Some(Parted { name: name.clone(), how: how(name)? });
    Ok(names.into_iter().filter_map(parted).collect())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    regular::read(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn open(bytes: &[u8]) -> io::Result<SafeTensors<'_>> {
    header::open(bytes).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

fn how(first: &TensorView<'_>, second: &TensorView<'_>) -> Option<How> {
    let form = |view: &TensorView<'_>| format!("{:?} {:?}", view.dtype(), view.shape());
    if form(first) != form(second) {
        return Some(How::Form(form(first), form(second)));
    }
    if first.data() == second.data() {
        return None;
    }
    let size = first.dtype().size();
    let (ours, theirs) = (first.data().chunks_exact(size), second.data().chunks_exact(size));
    let of = ours.len();
    let differ = ours.clone().zip(theirs.clone()).filter(|(a, b)| a != b).count();
    let dtype = first.dtype();
    let number = |bytes: &[u8]| number(dtype, bytes);
    let apart = |(a, b): (&[u8], &[u8])| Some((number(a)? - number(b)?).abs());
    let most = largest(ours.clone().zip(theirs).filter_map(apart));
    let largest = largest(ours.filter_map(|bytes| Some(number(bytes)?.abs())));
    Some(How::Values { differ, of, most, largest })
}

/// The largest of some numbers; NaN where one is.
fn largest(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    numbers.reduce(|most, next| if next.is_nan() || next > most { next } else { most })
}

/// A value as a number, where its format is one that weights, states and images have.
fn number(dtype: Dtype, bytes: &[u8]) -> Option<f64> {
    Some(match dtype {
        Dtype::F64 => f64::from_le_bytes(bytes.try_into().ok()?),
        Dtype::F32 => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::F16 => f16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
        Dtype::BF16 => bf16::from_le_bytes(bytes.try_into().ok()?).to_f64(),
        Dtype::I64 => i64::from_le_bytes(bytes.try_into().ok()?) as f64,
        Dtype::U8 => f64::from(*bytes.first()?),
        _ => return None,
    })
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnlyInFirst => write!(f, "the first alone has it"),
            Self::OnlyInSecond => write!(f, "the second alone has it"),
            Self::Form(first, second) => write!(f, "{first} and {second}"),
            Self::Values { differ, of, most, largest } => {
                write!(f, "{differ} of {of} values differ")?;
                let both = most.zip(*largest);
                both.map_or(Ok(()), |(most, largest)| {
                    write!(f, ", by up to {most:.1e} where the largest is {largest:.1e}")
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    type Tensors<'a> = &'a [(&'a str, Dtype, &'a [u8])];

    fn file(tensors: Tensors<'_>) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let view = |(name, dtype, data): &(&str, Dtype, &'static [u8])| {
            let shape = vec![data.len() / dtype.size()];
            ((*name).to_owned(), TensorView::new(*dtype, shape, data).unwrap())
        };
        let leaked: Vec<(&str, Dtype, &'static [u8])> =
            tensors.iter().map(|(n, d, b)| (*n, *d, &*b.to_vec().leak())).collect();
        let views: BTreeMap<String, TensorView<'_>> = leaked.iter().map(view).collect();
        safetensors::serialize_to_file(&views, &None, file.path()).unwrap();
        file
    }

    fn told(first: Tensors<'_>, second: Tensors<'_>) -> Vec<String> {
        let found = parted(file(first).path(), file(second).path()).unwrap();
        found.iter().map(|it| format!("{}: {}", it.name, it.how)).collect()
    }

    #[test]
    fn each_tensor_is_held_against_its_namesake() {
        let floats = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
        let (ours, theirs) = (floats([1.0, -4.0]), floats([1.0, -3.5]));
        let same = ("same", Dtype::F32, ours.as_slice());
        let first: Tensors<'_> =
            &[same, ("w", Dtype::F32, &ours), ("old", Dtype::U8, &[1]), ("n", Dtype::U8, &[1])];
        let second: Tensors<'_> = &[
            same,
            ("w", Dtype::F32, &theirs),
            ("new", Dtype::U8, &[1]),
            ("n", Dtype::F16, &[1, 0]),
        ];
        let wanted = [
            "n: U8 [1] and F16 [1]",
            "new: the second alone has it",
            "old: the first alone has it",
            "w: 1 of 2 values differ, by up to 5.0e-1 where the largest is 4.0e0",
        ];
        assert_eq!(told(first, second), wanted);
        assert!(told(first, first).is_empty());
    }

    #[test]
    fn not_a_number_is_the_largest_difference() {
        let floats = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
        let (ours, theirs) = (floats([f32::NAN, 1.0]), floats([0.0, 5.0]));
        let told = told(&[("w", Dtype::F32, &ours)], &[("w", Dtype::F32, &theirs)]);
        assert_eq!(told, ["w: 2 of 2 values differ, by up to NaN where the largest is NaN"]);
    }

    #[test]
    fn a_file_that_is_none_is_told() {
        let none = tempfile::NamedTempFile::new().unwrap();
        let good = file(&[("w", Dtype::U8, &[1])]);
        assert!(parted(none.path(), good.path()).unwrap_err().to_string().contains("safetensors"));
        let missing = parted(Path::new("/none.safetensors"), good.path()).unwrap_err();
        assert!(missing.to_string().starts_with("/none.safetensors: "), "{missing}");
    }
}
