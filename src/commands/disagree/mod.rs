//! `disagree RESULTS A B`: the test images on which two experiments disagree, as a list and as pictures.

mod formats;
mod pictures;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::classes::{exit_code, no_answers};
use super::images::{self, ImagesError, class_name};
use super::results::{self, FolderError};
use super::sheet::finish;
use crate::cli::DisagreeArgs;
use crate::compare::CompareError;
use crate::compare::classes::{
    Agreement, Answers, Disagreement, NoAnswers, Panel, agreement, agreement_within, disagreements,
};
use crate::data::Images;
use crate::records::{DisagreeRow, Unreadable};

/// Why two experiments cannot be set against one another.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no records.
    #[error(transparent)]
    Results(#[from] FolderError),
    /// No predictions to go by.
    #[error("{}", no_answers(.0))]
    Answers(NoAnswers),
    /// One of them kept none, or is of other images.
    #[error(
        "`{experiment}` has no run with predictions of the same test images as the other{}",
        listed(notes)
    )]
    OneAlone {
        /// The experiment.
        experiment: String,
        /// What was left out, and why.
        notes: Vec<String>,
    },
    /// The images.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// There is nothing to draw.
    #[error(
        "there is no image to draw on which they disagree; ask for less with --share, such as --share 0.5"
    )]
    NoPictures,
    /// A picture cannot be written.
    #[error("cannot write `{}`: {why}; is its folder there?", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Only a defect of this program leads here.
    #[error("cannot write the rows: {0}")]
    Rows(String),
}

impl Error {
    /// 2 for a mistake in what was asked for, 1 for a failure.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Results(error) => error.exit_code(),
            Self::Answers(error) => exit_code(error),
            Self::Images(error) => error.exit_code(),
            Self::OneAlone { .. } | Self::NoPictures => 2,
            Self::Unwritable { .. } | Self::Rows(_) => 1,
        }
    }
}

impl From<NoAnswers> for Error {
    fn from(error: NoAnswers) -> Self {
        Self::Answers(error)
    }
}

/// All that `disagree` tells.
#[derive(Debug, Serialize)]
struct Told {
    experiment: String,
    other: String,
    /// Their runs.
    n: u32,
    other_n: u32,
    /// The share of the runs from which on they disagree.
    share: f64,
    /// Images on which they disagree.
    found: u64,
    /// Those of them that the first has right.
    right: u64,
    /// How often runs of the one say the same as runs of the other.
    agreement: Option<Agreement>,
    /// How often two runs of the first do.
    agreement_within: Option<Agreement>,
    /// How often two runs of the second do.
    other_agreement_within: Option<Agreement>,
    /// The clearest of them.
    images: Vec<DisagreeRow>,
    notes: Vec<String>,
}

/// Tells and prints; a file that cannot be read is named, and ends the command with 1.
pub fn run(args: &DisagreeArgs) -> ExitCode {
    finish(text(args), Error::exit_code, args.output.as_deref())
}

/// What is printed, and the files that could not be read; pictures are drawn where they are asked for.
///
/// # Errors
/// [`Error`] where nothing can be told.
pub fn text(args: &DisagreeArgs) -> Result<(String, Vec<Unreadable>), Error> {
    if args.first == args.second {
        return Err(NoAnswers::Asked(CompareError::Itself(args.first.clone())).into());
    }
    let (_, folder) = results::open(&args.results)?;
    let panel = Panel::of(&folder, &[args.first.clone(), args.second.clone()])?;
    let (first, second) = (side(&panel, &args.first)?, side(&panel, &args.second)?);
    let mut found = disagreements(first, second, args.share).unwrap_or_default();
    let counts = (found.len(), found.iter().filter(|one| one.first_is_right()).count());
    found.truncate(args.top as usize);
    let mut notes = panel.notes.clone();
    let places: Vec<u32> = found.iter().map(|one| one.first.image).collect();
    let (pixels, names) = seen(&panel, args, (&first.labels, &places), &mut notes)?;
    let rows: Vec<DisagreeRow> = found.iter().map(|one| row(one, first, second, &names)).collect();
    if let (Some(asked), Some(pixels)) = (&args.pictures, &pixels) {
        notes.extend(pictures::write(asked, pixels, &rows, args)?);
    }
    let told = told(args.share, (first, second), counts, rows, notes);
    let text = formats::text(&told, args.format).map_err(Error::Rows)?;
    Ok((text, panel.unreadable))
}

/// The images, where they are to be drawn, and the names of the classes. A list does without both.
fn seen(
    panel: &Panel<'_, Answers>,
    args: &DisagreeArgs,
    (labels, places): (&[u8], &[u32]),
    notes: &mut Vec<String>,
) -> Result<(Option<Images>, Vec<String>), ImagesError> {
    let folder = args.data.as_deref();
    match (&args.pictures, images::spec_of(panel.run)) {
        (Some(_), spec) => {
            let (pixels, names) = images::test_images(&spec?.data, folder, labels, places)?;
            Ok((Some(pixels), names))
        }
        (None, Ok(spec)) => Ok((None, images::class_names(&spec.data, folder)?)),
        (None, Err(error)) => {
            notes.push(format!("classes go by their numbers, as {error}"));
            Ok((None, Vec::new()))
        }
    }
}

fn side<'a>(panel: &'a Panel<'_, Answers>, name: &str) -> Result<&'a Answers, Error> {
    panel
        .named(name)
        .ok_or_else(|| Error::OneAlone { experiment: name.to_owned(), notes: panel.notes.clone() })
}

fn told(
    share: f64,
    (first, second): (&Answers, &Answers),
    (found, right): (usize, usize),
    images: Vec<DisagreeRow>,
    notes: Vec<String>,
) -> Told {
    Told {
        experiment: first.experiment.clone(),
        other: second.experiment.clone(),
        n: first.n(),
        other_n: second.n(),
        share,
        found: found as u64,
        right: right as u64,
        agreement: agreement(first, second),
        agreement_within: agreement_within(first),
        other_agreement_within: agreement_within(second),
        images,
        notes,
    }
}

fn row(one: &Disagreement, first: &Answers, second: &Answers, names: &[String]) -> DisagreeRow {
    let (own, other) = (&one.first, &one.second);
    DisagreeRow {
        image: u64::from(own.image),
        class: class_name(names, own.label),
        experiment: first.experiment.clone(),
        n: own.n,
        right: own.right,
        says: class_name(names, own.said),
        says_n: own.said_by,
        loss: own.mean_loss,
        other: second.experiment.clone(),
        other_n: other.n,
        other_right: other.right,
        other_says: class_name(names, other.said),
        other_says_n: other.said_by,
        other_loss: other.mean_loss,
    }
}

fn listed(notes: &[String]) -> String {
    notes.iter().map(|note| format!("\n  {note}")).collect()
}
