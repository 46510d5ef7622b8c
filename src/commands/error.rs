//! What keeps a command from doing its work, beside mistakes in specs.

use std::path::PathBuf;
use std::process::ExitCode;

use tch::TchError;

use super::dataset::DatasetError;
use crate::cluster::SubmissionError;
use crate::device::DeviceError;
use crate::model::state::StateError;
use crate::records::{NotKept, StoreError};
use crate::sweep::SweepError;
use crate::train::fit::Stopped;

/// Says where, what, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The images.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The results folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sweep.
    #[error(transparent)]
    Sweep(#[from] SweepError),
    /// The weights.
    #[error(transparent)]
    State(#[from] StateError),
    /// libtorch.
    #[error("libtorch: {}", crate::torch_error::first_line(.0))]
    Torch(#[from] TchError),
    /// A process of a sweep that cannot go on.
    #[error("a process of a sweep cannot go on: {0}")]
    Worker(std::io::Error),
    /// What a task of a cluster is to do.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// A task that there is not.
    #[error("{} has {tasks} tasks, and none of number {index}", submission.display())]
    NoTask {
        /// The folder of the submission.
        submission: PathBuf,
        /// The number that was asked for.
        index: usize,
        /// How many there are.
        tasks: usize,
    },
    /// The spec of a task.
    #[error("{experiment} cannot be trained: {why}")]
    TaskSpec {
        /// Its name.
        experiment: String,
        /// Why.
        why: String,
    },
    /// The folder of a run.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// What two runs have left cannot be compared.
    #[error("cannot compare the runs: {0}")]
    Compared(std::io::Error),
    /// A folder for tensors.
    #[error("cannot keep the tensors in {}: {source}", path.display())]
    Kept {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A run that could not be trained again.
    #[error("a run could not be trained again: {0}")]
    Retraced(String),
    /// A run that was trained on a device which this program has no name for.
    #[error("the run was trained on `{0}`, which is no device here; name one with --device")]
    RecordedDevice(String),
    /// Training stopped.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A recipe that is written in the code.
    #[error("the recipe of the bench is none: {0}")]
    Recipe(#[from] ron::error::SpannedError),
    /// `--share` with a sweep that decides on the way.
    #[error(
        "--share cannot be used with `halving`, which decides by all runs together; leave --share out, or --set halving=None"
    )]
    SharedHalving,
    /// `--share` with seeds that are added on the way.
    #[error(
        "--share cannot be used with `seeds: UntilResolved(..)`, which decides by all runs together; leave --share out, or give a number of seeds, as --set seeds=5"
    )]
    SharedSeeds,
    /// TF32 without a GPU.
    #[error(
        "train.precision is Tf32, which GPUs alone have; leave it out for TF32 there and fp32 here, or --set train.precision=Fp32"
    )]
    NoTf32,
    /// A network for another number of classes.
    #[error(
        "the network has {network} classes and the data set {data}; give the network `classes: {data}`, or --set classes={data}"
    )]
    Classes {
        /// Of the network.
        network: u64,
        /// Of the data set.
        data: u64,
    },
    /// The predictions cannot be written.
    #[error("cannot write predictions to {}: {reason}", path.display())]
    Predictions {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Dataset(error) => error.exit_code(),
            Self::Device(_)
            | Self::NoTask { .. }
            | Self::RecordedDevice(_)
            | Self::NoTf32
            | Self::SharedHalving
            | Self::SharedSeeds
            | Self::Classes { .. } => 2,
            _ => 1,
        }
    }
}

/// Tells an error.
pub fn fail(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(error.exit_code())
}
