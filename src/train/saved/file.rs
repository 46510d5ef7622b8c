//! A state as one file: from tensors to its bytes, which [`saved`](crate::saved) knows, and back.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensorError, TensorView, serialize_to_file};
use tch::{Device, TchError, Tensor};

use super::Saved;
use crate::records::atomic;
use crate::regular;
use crate::saved::{State, hash, header_of};

/// What keeps a state from being read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("there is no saved state {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is no state, or was cut short or changed.
    #[error("the saved state {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It cannot be written; an earlier one is still there.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// libtorch.
    #[error("{}", crate::torch_error::first_line(.0))]
    Torch(#[from] TchError),
}

/// Writes a state to a file, in place of an earlier one; when it returns, the file outlasts a
/// crash. Waits for the device.
///
/// # Errors
/// A file that cannot be written, and what libtorch reports.
pub fn write(path: &Path, saved: &Saved) -> Result<(), FileError> {
    written(path, saved, |to_file| atomic::replace_by(path, to_file))
}

/// As [`write`], and the earlier one is kept as `before`.
///
/// # Errors
/// As for [`write`]; the earlier one is then still there, by one of the two names.
pub fn write_keeping(path: &Path, before: &Path, saved: &Saved) -> Result<(), FileError> {
    written(path, saved, |to_file| atomic::rotate_by(path, before, to_file))
}

impl Saved {
    /// The SHA-256 of its tensors, hexadecimal. Its values are left out: they have times among them.
    /// Waits for the device.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn digest(&self) -> Result<String, TchError> {
        let flat = |(name, tensor): (&String, &Tensor)| Ok((name.clone(), Flat::of(tensor)?));
        let flat = self.tensors.iter().map(flat).collect::<Result<BTreeMap<_, _>, TchError>>()?;
        let views = flat.iter().map(|(name, flat)| Ok((name.clone(), flat.view()?)));
        let views = views.collect::<Result<BTreeMap<_, _>, SafeTensorError>>();
        let views = views.map_err(|error| TchError::Torch(error.to_string()))?;
        Ok(hash(&BTreeMap::new(), &views))
    }
}

/// Writes a state to the file that `place` names.
fn written(
    path: &Path,
    saved: &Saved,
    place: impl FnOnce(&mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()>,
) -> Result<(), FileError> {
    let flat = |(name, tensor): (&String, &Tensor)| Ok((name.clone(), Flat::of(tensor)?));
    let tensors = saved.tensors.iter().map(flat).collect::<Result<BTreeMap<_, _>, TchError>>()?;
    let unwritable = |source| FileError::Unwritable { path: path.to_path_buf(), source };
    let views = tensors.iter().map(|(name, flat)| Ok((name.clone(), flat.view()?)));
    let views = views.collect::<Result<BTreeMap<_, _>, SafeTensorError>>();
    let views = views.map_err(|error| unwritable(io::Error::other(error)))?;
    let header = Some(header_of(&saved.values, &views));
    let mut to_file = |temporary: &Path| {
        serialize_to_file(&views, &header, temporary).map_err(|error| match error {
            SafeTensorError::IoError(error) => error,
            error => io::Error::other(error),
        })
    };
    place(&mut to_file).map_err(unwritable)
}

/// Reads a state from a file; its tensors are on the CPU.
///
/// # Errors
/// A file that is missing, of another version, cut short or changed.
pub fn read(path: &Path) -> Result<Saved, FileError> {
    let unusable = |reason: String| FileError::Unusable { path: path.to_path_buf(), reason };
    let bytes = regular::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing { path: path.to_path_buf() },
        _ => unusable(error.to_string()),
    })?;
    let state = State::decode(&bytes).map_err(unusable)?;
    let tensor = |(name, view): (String, TensorView<'_>)| Ok((name, view.try_into()?));
    let tensors = state.tensors().into_iter().map(tensor).collect::<Result<_, TchError>>()?;
    Ok(Saved { tensors, values: state.values })
}

/// A tensor's bytes in row-major order.
struct Flat {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Flat {
    fn of(tensor: &Tensor) -> Result<Self, TchError> {
        let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let (kind, count) = (tensor.f_kind()?, tensor.numel());
        let mut bytes = vec![0; count * kind.elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, count)?;
        let shape = tensor.size().iter().map(|&size| size as usize).collect();
        Ok(Self { dtype: kind.try_into()?, shape, bytes })
    }

    fn view(&self) -> Result<TensorView<'_>, SafeTensorError> {
        TensorView::new(self.dtype, self.shape.clone(), &self.bytes)
    }
}
