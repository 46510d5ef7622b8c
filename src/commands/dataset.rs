//! The images that specs ask for.

use std::path::Path;

use crate::data::{DataError, Dataset, cifar10, shapes10};
use crate::spec::data::{Data, DataSet};

/// Why there are no images to train on.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The files.
    #[error(transparent)]
    Data(#[from] DataError),
    /// More images are asked for than there are.
    #[error(
        "the spec asks for {asked} {what} images and the data set has {there}; ask for fewer with \
         data.train or data.test, in the spec or by --set"
    )]
    TooFew {
        /// `training` or `test`.
        what: &'static str,
        /// By the spec.
        asked: u32,
        /// In the set.
        there: usize,
    },
    /// Every training image is held out.
    #[error(
        "the spec holds out {asked} of {there} training images, which leaves none to train on; \
         lower data.validation, in the spec or by --set"
    )]
    NoneLeft {
        /// By the spec.
        asked: u32,
        /// Training images.
        there: usize,
    },
    /// `--data` with a data set that is drawn.
    #[error(
        "--data names a folder, but this sweep draws its images (shapes10); leave it out, or use --set data.set=Cifar10"
    )]
    NoFolder,
}

impl DatasetError {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::TooFew { .. } | Self::NoneLeft { .. } | Self::NoFolder => 2,
            Self::Data(error) if error.is_of_the_command_line() => 2,
            Self::Data(_) => 1,
        }
    }
}

/// The images that a spec asks for.
///
/// # Errors
/// Why they are not there.
pub(super) fn load(spec: &Data, folder: Option<&Path>) -> Result<Dataset, DatasetError> {
    let all = match (spec.set, folder) {
        (DataSet::Shapes10 { seed }, None) => {
            let (train, test) = spec.set.usual();
            let count = |asked: Option<u32>, usual| asked.unwrap_or(usual) as usize;
            shapes10::generate(count(spec.train, train), count(spec.test, test), seed)
        }
        (DataSet::Shapes10 { .. }, Some(_)) => return Err(DatasetError::NoFolder),
        (DataSet::Cifar10, folder) => cifar10::load(&cifar10::locate(folder)?)?,
    };
    let enough = |what, asked: Option<u32>, there: usize| match asked {
        Some(asked) if asked as usize > there => Err(DatasetError::TooFew { what, asked, there }),
        asked => Ok(asked.map_or(there, |asked| asked as usize)),
    };
    let train = enough("training", spec.train, all.train.len())?;
    let test = enough("test", spec.test, all.test.len())?;
    match spec.validation {
        Some(asked) if asked as usize >= train => {
            return Err(DatasetError::NoneLeft { asked, there: train });
        }
        _ => {}
    }
    Ok(Dataset { train: all.train.take(train), test: all.test.take(test), ..all })
}

/// A data spec with the numbers of training and test images that it comes to.
pub(super) type Size = (Data, u64, u64);

/// A data spec with its images.
pub(super) type Loaded = (Data, Dataset);

/// Loads every data set once, so that one that cannot be used is told before anything trains, and
/// keeps the first, which the first run needs.
///
/// # Errors
/// Why one is not there.
pub(super) fn sizes<'a>(
    specs: impl IntoIterator<Item = &'a Data>,
    folder: Option<&Path>,
) -> Result<(Vec<Size>, Option<Loaded>), DatasetError> {
    let (mut sizes, mut first): (Vec<Size>, _) = (Vec::new(), None);
    for data in specs {
        if !sizes.iter().any(|size| size.0 == *data) {
            let loaded = load(data, folder)?;
            let held_out = data.validation.unwrap_or(0) as usize;
            let train = loaded.train.len().saturating_sub(held_out);
            sizes.push((data.clone(), train as u64, loaded.test.len() as u64));
            first.get_or_insert((data.clone(), loaded));
        }
    }
    Ok((sizes, first))
}
