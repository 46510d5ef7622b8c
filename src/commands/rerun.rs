//! `rerun RUN`: train a run again, and say whether it came out equal.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::kept::Ready;
use super::{Error, dataset, interrupt, prepare, session, sweep};
use crate::cli::{DeviceChoice, RerunArgs, program};
use crate::machine;
use crate::progress::Progress;
use crate::records::{Access, KeptRun, Record, Status, Store, environments, first_difference};
use crate::saved::{RunFile, parted};
use crate::sweep::{OneByOne, RunLog, Start, Trained, Trainer, Work, execute};
use crate::train::runner::{Runner, Task};

/// Trains a run again; 0 where it came out equal, 1 where it did not.
pub fn run(args: &RerunArgs) -> ExitCode {
    let (ready, record) = match Ready::ended(&args.run) {
        Ok(found) => found,
        Err(code) => return code,
    };
    match again(args, &ready, &record) {
        Ok(Some(compared)) => {
            print!("{}", compared.text());
            ExitCode::from(u8::from(!compared.is_equal()))
        }
        Ok(None) => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => super::fail(&error),
    }
}

/// What came of a run that was trained again; nothing where it was stopped.
fn again(args: &RerunArgs, ready: &Ready, record: &Record) -> Result<Option<Compared>, Error> {
    let folder = tempfile::tempdir().map_err(Error::Worker)?;
    let results = args.keep.as_deref().unwrap_or(folder.path());
    let store = Store::open(results, &ready.experiments.name, Access::Alone)?;
    let trained = train(args, ready, record, &store)?;
    let Some(id) = trained else { return Ok(None) };
    let new = KeptRun::open(store.run(&id).path())?;
    let words = ready.words(record);
    let kept = args.keep.is_some().then(|| new.folder.display().to_string());
    let compared = Compared::of(&ready.kept, record, &new).map_err(Error::Compared)?;
    Ok(Some(Compared { words, kept, ..compared }))
}

/// Trains the run as it was trained, as far as it came; none where it was stopped.
fn train(
    args: &RerunArgs,
    ready: &Ready,
    record: &Record,
    store: &Store,
) -> Result<Option<crate::records::RunId>, Error> {
    let recorded = &ready.kept.environment;
    let device = device(args, &recorded.device)?;
    let device = prepare::device(device, Some(args.threads.unwrap_or(recorded.threads)))?;
    let mut environment = prepare::environment(std::slice::from_ref(&device), &recorded.overrides);
    environment.machine = machine::lasting();
    let data = args.data.as_deref();
    let (sizes, first) = dataset::sizes([&ready.experiment().data], data)?;
    let mut job = sweep::job(&ready.experiments, &sizes, environment, &device)?;
    let until = leg(record);
    job.runs.iter_mut().for_each(|run| run.epochs = until.unwrap_or(run.epochs));
    interrupt::as_sweep(&job.stop).map_err(Error::Worker)?;
    let keeping = session::keeping(!ready.kept.file(RunFile::Weights).exists(), CHECKPOINTS);
    let runner = session::runner(&device, data, first).keeping(keeping);
    let mut runner = AsFar { runner: runner.stopped_by(job.stop.clone()), until };
    let mut progress = Progress::on_stderr();
    let summary = execute(&job, &mut OneByOne(&mut runner), store, &mut progress, Start::Fresh)?;
    let id = job.runs.into_iter().next().map(|run| run.id);
    Ok(id.filter(|_| !summary.is_stopped))
}

/// Seconds between checkpoints.
const CHECKPOINTS: f64 = 120.0;

/// The device that is asked for, or the one on record.
fn device(args: &RerunArgs, recorded: &str) -> Result<DeviceChoice, Error> {
    match args.device {
        Some(device) => Ok(device),
        None => prepare::recorded(recorded),
    }
}

/// The epochs after which a run waited or was dropped.
fn leg(record: &Record) -> Option<u32> {
    matches!(record.run.status, Status::Dropped | Status::Paused).then_some(record.run.epochs)
}

/// Trains runs as far as another came.
struct AsFar<'a> {
    runner: Runner<'a>,
    until: Option<u32>,
}

impl Trainer<Task> for AsFar<'_> {
    type Error = <Runner<'static> as Trainer<Task>>::Error;

    fn train(
        &mut self,
        work: &Work<'_, Task>,
        log: &mut RunLog<'_>,
    ) -> Result<Trained, Self::Error> {
        let mut leg = work.leg.clone();
        leg.until = self.until;
        self.runner.train(&Work { run: work.run, leg }, log)
    }
}

impl Ready {
    /// What is to be said before the comparison.
    fn words(&self, record: &Record) -> Option<String> {
        let (now, then) = (&self.experiment().hash, &record.run.spec_hash);
        let is_other = "its spec means something else to this version of resweep than when it was \
                        trained: its hash is another";
        (now != then).then(|| is_other.to_owned())
    }
}

/// A run and its repetition.
struct Compared {
    words: Option<String>,
    /// A line each on what is equal, and what is not.
    equal: Vec<String>,
    apart: Vec<String>,
    /// What it was not trained with and on alike.
    unlike: Vec<[String; 3]>,
    /// Where the repetition is kept.
    kept: Option<String>,
    folder: String,
}

impl Compared {
    fn of(old: &KeptRun, record: &Record, new: &KeptRun) -> io::Result<Self> {
        let unlike = environments(&old.environment, &new.environment);
        let folder = old.folder.display().to_string();
        let (words, kept) = (None, None);
        let mut compared =
            Self { words, equal: Vec::new(), apart: Vec::new(), unlike, kept, folder };
        if let Some(again) = &new.record {
            compared.ends(record, again);
            compared.epochs(record, again);
        }
        for (what, file) in [("weights", RunFile::Weights), ("predictions", RunFile::Predictions)] {
            if old.file(file).exists() {
                compared.file(what, &old.file(file), &new.file(file))?;
            }
        }
        Ok(compared)
    }

    fn is_equal(&self) -> bool {
        self.apart.is_empty()
    }

    /// How both ended. One that was dropped waits in its repetition, where nobody drops it.
    fn ends(&mut self, old: &Record, new: &Record) {
        let ended = |status| if status == Status::Paused { Status::Dropped } else { status };
        let (was, is) = (ended(old.run.status), ended(new.run.status));
        let reason = new.run.reason.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        match was == is {
            true => self.equal.push(format!("status       {was}")),
            false => self.apart.push(format!("status       {is}{reason}, was {was}")),
        }
    }

    fn epochs(&mut self, old: &Record, new: &Record) {
        let count = old.epochs.len();
        let Some(first) = first_difference(&new.epochs, &old.epochs) else {
            self.equal.push(format!("epochs       all {count} rows, measured columns aside"));
            return;
        };
        let cell = |text: &str| if text.is_empty() { "none".into() } else { text.to_owned() };
        let (is, was) = (cell(&first.first), cell(&first.second));
        let line =
            format!("epochs       first in epoch {}: {} is {is}, was", first.epoch, first.column);
        self.apart.push(format!("{line} {was}"));
        if let (Some(is), Some(was)) = (new.run.top1, old.run.top1) {
            self.apart.push(format!("top1         {is:.2} %, was {was:.2} %"));
        }
    }

    fn file(&mut self, what: &str, old: &Path, new: &Path) -> io::Result<()> {
        if !new.exists() {
            self.apart.push(format!("{what:<12} there are none now"));
            return Ok(());
        }
        let parted = parted(new, old)?;
        match parted.as_slice() {
            [] => self.equal.push(format!("{what:<12} byte for byte")),
            [first, ..] => {
                let (count, name, how) = (parted.len(), &first.name, &first.how);
                let tensors = if count == 1 { "tensor differs" } else { "tensors differ" };
                self.apart.push(format!("{what:<12} {count} {tensors}, {name} first: {how}"));
            }
        }
        Ok(())
    }

    /// As a person reads it.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut lines = |head: &str, lines: &[String]| {
            let shown = lines.iter().map(|line| format!("  {line}\n"));
            let shown: String = shown.collect();
            // Writing to a String cannot fail.
            let _ = if shown.is_empty() { Ok(()) } else { write!(text, "{head}\n{shown}") };
        };
        lines("Equal:", &self.equal);
        lines("Not equal:", &self.apart);
        if !self.is_equal() {
            let unlike = |[name, was, is]: &[String; 3]| format!("{name}: {is}, was {was}");
            let unlike: Vec<String> = self.unlike.iter().map(unlike).collect();
            lines("Not trained alike:", &unlike);
        }
        let words = self.words.iter().map(|words| format!("note: {words}\n"));
        let kept = self.kept.iter().map(|folder| format!("The repetition is in {folder}\n"));
        text + &words.chain(kept).collect::<String>() + &self.verdict()
    }

    fn verdict(&self) -> String {
        match (self.is_equal(), &self.kept) {
            (true, _) => format!("{} came out equal.\n", self.folder),
            (false, Some(kept)) => format!(
                "{folder} did not come out equal. Where they part: {program} bisect {folder} {kept}\n",
                folder = self.folder,
                program = program()
            ),
            (false, None) => format!(
                "{} did not come out equal. --keep DIR keeps the repetition, for {} bisect.\n",
                self.folder,
                program()
            ),
        }
    }
}
