//! `retrace`: the process that trains a run again for `bisect`, step by step.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use super::super::kept::Ready;
use super::super::session::{run_of, runner};
use super::super::worker::own_output;
use super::super::{Error, fail, prepare};
use super::talk::{Order, Point, Said};
use crate::cli::RetraceArgs;
use crate::records::EpochRow;
use crate::train::fit::Stopped;
use crate::train::retrace::{At, Steps, Wish};
use crate::train::runner::RunError;
use crate::worker::line;

/// Trains until nothing more is wanted.
pub fn run(args: &RetraceArgs) -> ExitCode {
    let ready = match Ready::open(&args.run) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    match retrace(args, &ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn retrace(args: &RetraceArgs, ready: &Ready) -> Result<(), Error> {
    let mut teller = Teller { output: own_output(args.parent)? };
    let device = prepare::take(args.device)?;
    tch::set_num_threads(args.threads as i32);
    let experiment = ready.experiment();
    let precision = prepare::precision(&device, experiment.train.precision)?;
    let run = run_of(experiment, (ready.seed(), ready.kept.spec.clone()), &[], precision);
    let mut runner = runner(&device, args.data.as_deref(), None);
    let ended = match runner.retrace(&run, &mut teller) {
        Ok(()) => None,
        Err(RunError::Stopped(diverged @ Stopped::Diverged { .. })) => Some(diverged.to_string()),
        Err(error) => return Err(Error::Retraced(error.to_string())),
    };
    teller.say(&Said::Ended(ended));
    Ok(())
}

struct Teller {
    output: File,
}

impl Teller {
    /// Where nobody listens any more, the process ends with its input.
    fn say(&mut self, said: &Said) {
        if let Ok(text) = line(said) {
            let _ = self.output.write_all(text.as_bytes());
        }
    }
}

impl Steps for Teller {
    fn at(&mut self, at: At, digest: String) -> Wish {
        let At { epoch, step, lr } = at;
        self.say(&Said::At(Point { epoch, step, lr, digest }));
        let mut text = String::new();
        match io::stdin().lock().read_line(&mut text).map(|_| ron::from_str(&text)) {
            Ok(Ok(Order::Next)) => Wish::Next,
            Ok(Ok(Order::Tell(path))) => Wish::Tell(path),
            _ => Wish::End,
        }
    }

    fn told(&mut self, names: Vec<String>) {
        self.say(&Said::Told(names));
    }

    fn epoch(&mut self, row: EpochRow) {
        self.say(&Said::Epoch(Box::new(row)));
    }
}
