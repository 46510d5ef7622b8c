//! `bisect RUN_A RUN_B`: the first step at which two runs part, and the tensor.
//!
//! Both are trained again from their start, each in a process of its own with its own threads, and
//! their states are held against each other after every step. At the first that is not the same to
//! the last bit, each tells all that the step made on its way: batch, activations, loss, gradients,
//! optimiser, weights.

mod parting;
pub mod retrace;
mod side;
mod talk;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::Error;
use super::kept::Ready;
use crate::cli::BisectArgs;
use crate::records::environments;
use crate::saved::parted;

use parting::{Parting, unlike_lines};
use side::{Reached, Side};
use talk::Point;

/// Says where two runs part: 0 where they do not, 1 where they do.
pub fn run(args: &BisectArgs) -> ExitCode {
    let (first, second) = match (Ready::open(&args.first), Ready::open(&args.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    match bisect(args, &first, &second) {
        Ok(parted) => ExitCode::from(u8::from(parted)),
        Err(error) => super::fail(&error),
    }
}

/// Whether they part.
fn bisect(args: &BisectArgs, first: &Ready, second: &Ready) -> Result<bool, Error> {
    let mut sides = [Side::start("A", first, args)?, Side::start("B", second, args)?];
    for side in &sides {
        let Side { name, threads, device, ready, .. } = side;
        let plural = if *threads == 1 { "" } else { "s" };
        println!("{name}  {}  ({device}, {threads} thread{plural})", ready.kept.folder.display());
    }
    print!("{}", unlike_lines(&first.kept.spec, &second.kept.spec));
    for [what, own, other] in environments(&first.kept.environment, &second.kept.environment) {
        println!("on record, {what}: {own} in A, {other} in B");
    }
    let end = side_by_side(args, &mut sides)?;
    let words = |sides: &[Side<'_>; 2]| {
        sides.iter().filter_map(Side::against_record).for_each(|word| println!("{word}"));
    };
    match end {
        End::Parted(points) => {
            println!("{}", parted_at(&points));
            println!("{}", parting(args, &mut sides)?);
            words(&sides);
            Ok(true)
        }
        End::Equal(steps, word) => {
            println!("They do not part: {steps} steps are the same to the last bit{word}");
            words(&sides);
            Ok(false)
        }
        End::Longer(name, steps) => {
            println!("They are the same for {steps} steps, then {name} alone goes on");
            words(&sides);
            Ok(true)
        }
    }
}

/// How it ended.
enum End {
    /// After these states, which are not the same.
    Parted([Point; 2]),
    /// After so many steps that are the same, and why there.
    Equal(u64, String),
    /// One side has more steps, after so many.
    Longer(&'static str, u64),
}

/// Least time between two words on how far it is.
const BETWEEN_WORDS: Duration = Duration::from_secs(10);

/// Has both do step after step until they are not the same.
fn side_by_side(args: &BisectArgs, [a, b]: &mut [Side<'_>; 2]) -> Result<End, Error> {
    let mut reached = (a.reached()?, b.reached()?);
    // Each says where it starts from first, so an end comes one step after the last state.
    let (mut steps, mut word) = (0_u64, Instant::now());
    loop {
        match reached {
            (Reached::At(first), Reached::At(second)) if first.digest != second.digest => {
                return Ok(End::Parted([first, second]));
            }
            (Reached::At(_), Reached::At(_)) if args.steps == Some(steps) => {
                return Ok(End::Equal(steps, ", and no more were asked for".into()));
            }
            (Reached::At(point), Reached::At(_)) => {
                if word.elapsed() > BETWEEN_WORDS {
                    eprintln!("the same as far as step {} of epoch {}", point.step, point.epoch);
                    word = Instant::now();
                }
            }
            (Reached::End(first), Reached::End(_)) => {
                let word = first.map(|word| format!("; then {word}")).unwrap_or_default();
                return Ok(End::Equal(steps.saturating_sub(1), word));
            }
            (Reached::At(_), Reached::End(_)) => {
                return Ok(End::Longer(a.name, steps.saturating_sub(1)));
            }
            (Reached::End(_), Reached::At(_)) => {
                return Ok(End::Longer(b.name, steps.saturating_sub(1)));
            }
        }
        // One after the other, so that each has the cores to itself.
        reached = (a.next()?, b.next()?);
        steps += 1;
    }
}

fn parted_at([first, second]: &[Point; 2]) -> String {
    let Point { epoch, step, .. } = first;
    if *step == 0 {
        return "They part before the first step, in what they start from".into();
    }
    let rates = first.lr.zip(second.lr).filter(|(a, b)| a != b);
    let rates = rates.map(|(a, b)| format!(", where their learning rates are {a} and {b}"));
    format!(
        "They part in step {step} of epoch {epoch}{}; until then they are the same to the last bit",
        rates.unwrap_or_default()
    )
}

/// What is not the same at the states that both are at.
fn parting(args: &BisectArgs, [a, b]: &mut [Side<'_>; 2]) -> Result<Parting, Error> {
    let temporary = tempfile::tempdir().map_err(Error::Worker)?;
    let folder = args.keep.as_deref().unwrap_or(temporary.path());
    let kept = |source| Error::Kept { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(kept)?;
    let folder = folder.canonicalize().map_err(kept)?;
    let file = |name: &str| folder.join(format!("{name}.safetensors"));
    let (first, second): (PathBuf, PathBuf) = (file("a"), file("b"));
    let order = a.tell(&first)?;
    let other = b.tell(&second)?;
    let found = parted(&first, &second).map_err(Error::Compared)?;
    let kept: Vec<&Path> = if args.keep.is_some() { vec![&first, &second] } else { Vec::new() };
    Ok(Parting::of(&order, &other, found, &kept))
}
