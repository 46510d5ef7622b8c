//! `classes RESULTS`: how well the experiments of a sweep know each class, and what they take for what.

mod formats;
mod rows;

use std::process::ExitCode;

use super::compare::told;
use super::images::{self, ImagesError};
use super::results::{self, FolderError};
use super::sheet::finish;
use crate::cli::ClassesArgs;
use crate::compare::classes::{Confusion, NoAnswers, Panel, standings};
use crate::records::{Folder, Unreadable};

pub use rows::Classes;

/// Why nothing can be told of classes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no records.
    #[error(transparent)]
    Results(#[from] FolderError),
    /// No predictions to go by.
    #[error("{}", no_answers(.0))]
    Answers(NoAnswers),
    /// The names of the classes.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// Only a defect of this program leads here.
    #[error("cannot write the rows: {0}")]
    Rows(String),
}

impl From<NoAnswers> for Error {
    fn from(error: NoAnswers) -> Self {
        Self::Answers(error)
    }
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Results(error) => error.exit_code(),
            Self::Answers(error) => exit_code(error),
            Self::Images(error) => error.exit_code(),
            Self::Rows(_) => 1,
        }
    }
}

/// Tells and prints; a file that cannot be read is named, and ends the command with 1.
pub fn run(args: &ClassesArgs) -> ExitCode {
    finish(text(args), Error::exit_code, args.output.as_deref())
}

/// What is printed, and the files that could not be read.
///
/// # Errors
/// [`Error`] where nothing can be told.
pub fn text(args: &ClassesArgs) -> Result<(String, Vec<Unreadable>), Error> {
    let (_, folder) = results::open(&args.results)?;
    let (told, unreadable) = tell(&folder, args)?;
    let text = formats::text(&told, args.format, args.confusion).map_err(Error::Rows)?;
    Ok((text, unreadable))
}

fn tell(folder: &Folder, args: &ClassesArgs) -> Result<(Classes, Vec<Unreadable>), Error> {
    let panel = Panel::of_classes(folder, &args.experiments)?;
    let mut notes = panel.notes.clone();
    let names = match images::spec_of(panel.run) {
        Ok(spec) => images::class_names(&spec.data, args.data.as_deref())?,
        Err(error) => {
            notes.push(format!("classes go by their numbers, as {error}"));
            Vec::new()
        }
    };
    let classes = panel.classes(names.len());
    let confusions: Vec<Confusion> =
        panel.answers.iter().map(|answers| Confusion::of(answers, classes)).collect();
    let standings = standings(&panel.answers, classes, args.level);
    let told = Classes::new(&panel.answers, standings, &confusions, &names, args.level, notes);
    Ok((told, panel.unreadable))
}

/// What is wrong where there are no predictions to go by.
pub(super) fn no_answers(error: &NoAnswers) -> String {
    match error {
        NoAnswers::Asked(error) => told(error),
        NoAnswers::NoPredictions { notes, unreadable } => {
            let faults = unreadable.iter().map(ToString::to_string);
            let why = notes.iter().cloned().chain(faults).map(|line| format!("\n  {line}"));
            format!(
                "no run that ended well kept its predictions (predictions.safetensors in the folder of a \
                 run), so nothing is known of single classes and images. Every run that ends keeps them \
                 since runs have folders, with --no-weights too; train those of older records again, by \
                 the same command with --fresh{}",
                why.collect::<String>()
            )
        }
    }
}

/// 1 where files cannot be read, else 2: something else is to be asked for.
pub(super) fn exit_code(error: &NoAnswers) -> u8 {
    match error {
        NoAnswers::NoPredictions { unreadable, .. } if !unreadable.is_empty() => 1,
        _ => 2,
    }
}
