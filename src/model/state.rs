//! Weights on disk: safetensors with the names of a PyTorch state dict.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tch::{Kind, TchError, Tensor};

use crate::op::Weight;
use crate::saved;

/// What keeps weights from being read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read, or is no safetensors file.
    #[error(
        "cannot read weights from {}: {reason}; write them in Python with \
         safetensors.torch.save_file(model.state_dict(), path)", path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write weights to {}: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Names or shapes differ from the network's.
    #[error(
        "{} does not fit the network: {}; is it the same network, with the same number of classes?",
        path.display(), list(faults)
    )]
    Misfit {
        /// The file.
        path: PathBuf,
        /// Every difference.
        faults: Vec<String>,
    },
    /// libtorch.
    #[error("{}", crate::torch_error::first_line(.0))]
    Torch(#[from] TchError),
}

fn list(faults: &[String]) -> String {
    let shown = faults.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    match faults.len() {
        0..=5 => shown,
        more => format!("{shown}; and {} more", more - 5),
    }
}

/// The tensors of a file in the order of the weights, as float32 on the CPU. PyTorch's
/// `num_batches_tracked` is passed over.
///
/// # Errors
/// A file that is none, and every name or shape that differs.
pub fn read(path: &Path, weights: &[Weight]) -> Result<Vec<Tensor>, StateError> {
    let unreadable = |reason| StateError::Unreadable { path: path.to_path_buf(), reason };
    saved::check(path).map_err(|error| unreadable(error.to_string()))?;
    let mut found: BTreeMap<String, Tensor> = Tensor::read_safetensors(path)
        .map_err(|error| unreadable(crate::torch_error::first_line(&error)))?
        .into_iter()
        .filter(|(name, _)| !name.ends_with("num_batches_tracked"))
        .collect();
    let mut faults = Vec::new();
    let mut tensors = Vec::with_capacity(weights.len());
    for weight in weights {
        let dims: Vec<i64> = weight.dims.iter().map(|&dim| dim as i64).collect();
        match found.remove(&weight.name) {
            None => faults.push(format!("`{}` is missing", weight.name)),
            Some(tensor) if tensor.size() != dims => faults.push(format!(
                "`{}` is {:?} in the file and {dims:?} in the network",
                weight.name,
                tensor.size()
            )),
            Some(tensor) => tensors.push(tensor.f_to_kind(Kind::Float)?),
        }
    }
    faults.extend(found.keys().map(|name| format!("the network has no `{name}`")));
    match faults.is_empty() {
        true => Ok(tensors),
        false => Err(StateError::Misfit { path: path.to_path_buf(), faults }),
    }
}

/// Writes named tensors, contiguous and on the CPU.
///
/// # Errors
/// A file that cannot be written.
pub fn write<'a>(
    path: &Path,
    weights: impl Iterator<Item = (&'a Weight, &'a Tensor)>,
) -> Result<(), StateError> {
    let flat = |(weight, tensor): (&'a Weight, &'a Tensor)| {
        let tensor = tensor.detach().f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        Ok((weight.name.as_str(), tensor))
    };
    let tensors = weights.map(flat).collect::<Result<Vec<_>, TchError>>()?;
    Tensor::write_safetensors(&tensors, path).map_err(|error| StateError::Unwritable {
        path: path.to_path_buf(),
        reason: crate::torch_error::first_line(&error),
    })
}
