//! A run that is trained again: its folder read, and its spec planned, before anything is installed,
//! compiled or trained.

use std::path::Path;
use std::process::ExitCode;

use super::plan::report;
use crate::experiment::{self, Experiment, Experiments};
use crate::records::{KeptRun, NotKept, Record};
use crate::saved::RunFile;
use crate::spec::load::Loader;

/// A run that can be trained again.
#[derive(Debug)]
pub struct Ready {
    /// What its folder holds.
    pub kept: KeptRun,
    /// Its sweep, which is this run alone.
    pub experiments: Experiments,
    experiment: Experiment,
    seed: u64,
}

impl Ready {
    /// Reads and plans a run; tells what is wrong.
    ///
    /// # Errors
    /// The exit code: 2 for a folder that is none of a run and for a spec that does not plan, 1 for
    /// files that cannot be read.
    pub fn open(path: &Path) -> Result<Self, ExitCode> {
        let told = |error: NotKept| {
            let code = if matches!(error, NotKept::Unreadable { .. }) { 1 } else { 2 };
            fail(code, &error.to_string())
        };
        let kept = KeptRun::open(path).map_err(told)?;
        let loader = Loader::with_results(&kept.results());
        let spec = kept.file(RunFile::Spec);
        let read = experiment::sweep(&loader, &spec, &[]);
        let read = read.and_then(|experiments| experiments.taught().map(|()| experiments));
        let experiments = read.map_err(|errors| report(&loader, &errors))?;
        match (experiments.list.as_slice(), experiments.seeds.as_slice()) {
            ([experiment], [seed]) => {
                let (experiment, seed) = (experiment.clone(), *seed);
                Ok(Self { kept, experiments, experiment, seed })
            }
            (list, seeds) => {
                let (spec, runs) = (spec.display(), list.len() * seeds.len());
                let help = "the spec of a run is its sweep with one experiment and one seed";
                Err(fail(2, &format!("{spec} describes {runs} runs; {help}")))
            }
        }
    }

    /// The same of a run that ended, with its record.
    ///
    /// # Errors
    /// As for [`Ready::open`], and 2 for a run that is under way.
    pub fn ended(path: &Path) -> Result<(Self, Record), ExitCode> {
        let ready = Self::open(path)?;
        let Some(record) = ready.kept.record.clone() else {
            let folder = ready.kept.folder.display();
            let help = "the command that began its sweep goes on with it";
            return Err(fail(2, &format!("the run in {folder} has not ended; {help}")));
        };
        Ok((ready, record))
    }

    /// What is trained.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

fn fail(code: u8, text: &str) -> ExitCode {
    eprintln!("error: {text}");
    ExitCode::from(code)
}
