//! How a run ended, as its record says it.

use std::any::Any;
use std::error::Error;
use std::iter;

use crate::records::{Ending, EpochRow, Status};

use super::pool::{End, Outcome, Trained};

/// The ending of a run, checked against its epochs where its trainer brought it to its end, or to
/// where it waits.
pub(super) fn ending(
    end: &End,
    (planned, until): (u32, Option<u32>),
    epochs: &[EpochRow],
) -> Ending {
    match end {
        End::Trained(trained) => of_trained(trained.clone(), (planned, until), epochs),
        End::Failed(reason) => failed(reason),
    }
}

fn of_trained(
    trained: Trained,
    (planned, until): (u32, Option<u32>),
    epochs: &[EpochRow],
) -> Ending {
    let broken = epochs.iter().find(|row| !row.train_loss.is_finite()).map(|row| row.epoch);
    let Trained { outcome, restored_epoch, latency_ms, peak_memory_mb } = trained;
    let (planned, stop_reason) = match &outcome {
        Outcome::StoppedEarly { reason } => (epochs.len() as u32, Some(reason.clone())),
        // One that goes on from a later rung than is asked for has more.
        Outcome::Paused | Outcome::Stopped => {
            (until.unwrap_or(planned).max(epochs.len() as u32), None)
        }
        _ => (planned, None),
    };
    let whole = match outcome {
        Outcome::Paused | Outcome::Stopped => Status::Paused,
        _ => Status::Ok,
    };
    let (status, reason) = match (outcome, broken) {
        (Outcome::Diverged { epoch }, _) | (_, Some(epoch)) => {
            let reason = format!("the loss became NaN or infinite in epoch {epoch}");
            (Status::Diverged, Some(reason))
        }
        _ => match shortfall(planned, epochs) {
            Some(reason) => return failed(&reason),
            None => (whole, None),
        },
    };
    Ending { status, reason, stop_reason, restored_epoch, latency_ms, peak_memory_mb }
}

/// What a run lacks that claims to have trained all its epochs.
fn shortfall(planned: u32, epochs: &[EpochRow]) -> Option<String> {
    if !epochs.iter().map(|row| row.epoch).eq(1..=planned) {
        return Some(format!("the trainer reported {} of {planned} epochs", epochs.len()));
    }
    let untested = epochs.last().is_some_and(|row| row.top1.is_none());
    untested.then(|| "the trainer reported no test accuracy after the last epoch".to_owned())
}

fn failed(reason: &str) -> Ending {
    Ending { reason: Some(first_line(reason)), ..Ending::of(Status::Failed) }
}

/// An error with its sources, the first line of each; a source that its error already quotes is
/// not told twice.
pub(super) fn told(error: &dyn Error) -> String {
    let mut text = String::new();
    for error in iter::successors(Some(error), |&error| error.source()) {
        let line = first_line(&error.to_string());
        match text.as_str() {
            "" => text = line,
            told if told.contains(&line) => {}
            _ => text = format!("{text}: {line}"),
        }
    }
    text
}

/// The longest reason that is recorded, in characters.
const LONGEST_REASON: usize = 300;

/// The first line that says something, cut to [`LONGEST_REASON`]: messages of libtorch go on with
/// a backtrace.
fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("no reason given");
    if line.chars().count() <= LONGEST_REASON {
        return line.to_owned();
    }
    line.chars().take(LONGEST_REASON - 1).chain(['…']).collect()
}

/// What a panic said.
pub(super) fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_at_most_300_characters() {
        assert_eq!(first_line("\n  CUDA out of memory. \nframe #0: ..."), "CUDA out of memory.");
        assert_eq!(first_line(&"é".repeat(300)), "é".repeat(300));
        assert_eq!(first_line(&"é".repeat(301)).chars().count(), 300);
        assert_eq!(first_line(""), "no reason given");
    }
}
