//! What a run was tested on: the names of the classes, and the images.

use std::path::{Path, PathBuf};

use crate::data::cifar10::{self, Sources};
use crate::data::{DataError, Images, shapes10};
use crate::experiment::{self, Experiment};
use crate::records::Run;
use crate::saved::RunFile;
use crate::spec::data::{Data, DataSet};
use crate::spec::error::SpecError;
use crate::spec::load::Loader;

/// Why the images of a run cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// The spec of the run does not say which.
    #[error(
        "{} does not say what the run was tested on: {why}; keep the folders of runs as they are", path.display()
    )]
    Spec {
        /// The spec of the run.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// `--data` with a data set that is drawn.
    #[error("--data names a folder, but this sweep drew its images (shapes10); leave it out")]
    NoFolder,
    /// Other images than the runs were tested on.
    #[error(
        "the test images {found} are not those that the runs were tested on: {why}; name the folder that \
         they trained with by --data"
    )]
    Others {
        /// Which images these are.
        found: String,
        /// How they differ.
        why: &'static str,
    },
}

impl ImagesError {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::NoFolder | Self::Others { .. } => 2,
            Self::Data(error) if error.is_of_the_command_line() => 2,
            Self::Spec { .. } | Self::Data(_) => 1,
        }
    }
}

/// What a run trained, as its own spec has it.
///
/// # Errors
/// [`ImagesError::Spec`] where the file is not there, or is none.
pub(super) fn spec_of(run: &Run) -> Result<Experiment, ImagesError> {
    spec_at(run.file(RunFile::Spec))
}

/// What a run trains, by the file of its spec.
///
/// # Errors
/// [`ImagesError::Spec`] where the file is not there, or is none.
pub(super) fn spec_at(path: PathBuf) -> Result<Experiment, ImagesError> {
    let first =
        |errors: Vec<SpecError>| errors.first().map(ToString::to_string).unwrap_or_default();
    if !path.exists() {
        return Err(ImagesError::Spec { path, why: "it is not there".into() });
    }
    let why = match experiment::sweep(&Loader::default(), &path, &[]).map_err(first) {
        Ok(experiments) => match experiments.list.into_iter().next() {
            Some(experiment) => return Ok(experiment),
            None => "it has no experiment".to_owned(),
        },
        Err(why) => why,
    };
    Err(ImagesError::Spec { path, why })
}

/// The names of the classes of a data set, in the order of their numbers; those of `folder` where one is
/// named.
///
/// # Errors
/// [`ImagesError`] where the folder does not fit.
pub(super) fn class_names(data: &Data, folder: Option<&Path>) -> Result<Vec<String>, ImagesError> {
    match (data.set, folder) {
        (DataSet::Shapes10 { .. }, Some(_)) => Err(ImagesError::NoFolder),
        (DataSet::Shapes10 { .. }, None) => Ok(shapes10::CLASS_NAMES.map(str::to_owned).to_vec()),
        (DataSet::Cifar10, Some(folder)) => Ok(cifar10::class_names(folder)?),
        (DataSet::Cifar10, None) => Ok(cifar10::CLASS_NAMES.map(str::to_owned).to_vec()),
    }
}

/// The test images of these classes, and the names of the classes. Nothing is downloaded for them. Of a
/// data set that is drawn those at these places alone are; the others are black.
///
/// # Errors
/// [`ImagesError`] where they cannot be read or are others.
pub(super) fn test_images(
    data: &Data,
    folder: Option<&Path>,
    labels: &[u8],
    places: &[u32],
) -> Result<(Images, Vec<String>), ImagesError> {
    let (test, classes, found) = match (data.set, folder) {
        (DataSet::Shapes10 { .. }, Some(_)) => return Err(ImagesError::NoFolder),
        (DataSet::Shapes10 { seed }, None) => {
            let classes = shapes10::CLASS_NAMES.map(str::to_owned).to_vec();
            let test = shapes10::some_of_test(labels.len(), seed, places);
            (test, classes, "that are drawn now".to_owned())
        }
        (DataSet::Cifar10, folder) => {
            let folder = cifar10::at_hand(&Sources::from_environment(folder))?;
            let set = cifar10::load(&folder)?;
            (set.test, set.classes, format!("in {}", folder.display()))
        }
    };
    let images = test.take(labels.len());
    let why = match images.len() == labels.len() {
        false => "there are fewer",
        true => "their classes are others",
    };
    match images.labels == labels {
        true => Ok((images, classes)),
        false => Err(ImagesError::Others { found, why }),
    }
}

/// The name of a class; its number where it has none.
pub(super) fn class_name(names: &[String], class: u8) -> String {
    names.get(usize::from(class)).cloned().unwrap_or_else(|| class.to_string())
}
