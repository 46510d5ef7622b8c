//! `status RESULTS`: how the runs of a sweep on a cluster stand.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use super::collect::{ClusterError, planned, records};
use super::plan::print;
use super::results;
use crate::cli::SubmittedArgs;
use crate::cluster::{self, PlannedRun, Queued};
use crate::plan::table;
use crate::records::{Claim, Record, RunId, Seen, Status};
use crate::regular;
use crate::saved::{RunFile, RunFolder};

/// Tells it.
pub fn run(args: &SubmittedArgs) -> ExitCode {
    match status(&args.results) {
        Ok(text) => print(&text),
        Err(error) => error.told(),
    }
}

fn status(asked: &Path) -> Result<String, ClusterError> {
    let sweep = results::find(asked)?;
    let planned = planned(&sweep)?;
    let queued = match cluster::queue() {
        Ok(queue) => cluster::queued(&sweep, &queue)?,
        Err(error) => {
            eprintln!("warning: what waits in the queue is not known: {error}");
            BTreeMap::new()
        }
    };
    let records = records(&sweep, &planned);
    let lines: Vec<Line> = planned
        .runs
        .iter()
        .zip(&records)
        .map(|(run, record)| Line::of(&sweep, run, record.as_ref(), &queued))
        .collect();
    Ok(text(&sweep, &lines))
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Over(Status),
    Failed,
    Training,
    Starting,
    Waiting,
    Stopped,
    Left,
}

impl State {
    fn name(self) -> String {
        match self {
            Self::Over(status) => status.to_string(),
            Self::Failed => "failed".into(),
            Self::Training => "training".into(),
            Self::Starting => "starting".into(),
            Self::Waiting => "waiting".into(),
            Self::Stopped => "stopped".into(),
            Self::Left => "not submitted".into(),
        }
    }
}

/// A run, as it is told.
struct Line {
    run: PlannedRun,
    state: State,
    /// Epochs that are done.
    epochs: usize,
    /// Its place in the queue.
    job: String,
    host: String,
    said: String,
}

impl Line {
    fn of(
        sweep: &Path,
        run: &PlannedRun,
        record: Option<&Record>,
        queued: &BTreeMap<RunId, Queued>,
    ) -> Self {
        let id = run.id();
        let folder = RunFolder::of(sweep, &id.experiment, id.seed, &id.spec_hash);
        let claim = Claim::seen(&folder).ok().flatten().filter(Seen::is_live);
        let queued = queued.get(&id);
        let epochs = match record {
            Some(record) => record.epochs.len(),
            None => rows(&folder),
        };
        let state = state(record, claim.as_ref(), queued, epochs);
        let holder = claim.and_then(|claim| claim.holder);
        let node = queued.map(|queued| queued.task.nodes.clone()).filter(|node| !node.is_empty());
        let host = node.or(holder.as_ref().map(|it| it.host.clone())).unwrap_or_default();
        let job = queued.map(|queued| queued.name.clone()).or(holder.and_then(|it| it.job));
        let said = match state {
            State::Failed => record.and_then(|record| record.run.reason.clone()),
            State::Waiting => queued.map(|queued| queued.task.reason.clone()),
            _ => None,
        };
        let (job, said) = (job.unwrap_or_default(), said.unwrap_or_default());
        Self { run: run.clone(), state, epochs, job, host, said }
    }

    fn cells(&self) -> Vec<String> {
        let Self { run, state, epochs, job, host, said } = self;
        vec![
            run.experiment.clone(),
            run.seed.to_string(),
            state.name(),
            format!("{epochs}/{}", run.epochs),
            job.clone(),
            host.clone(),
            said.clone(),
        ]
    }
}

fn state(
    record: Option<&Record>,
    claim: Option<&Seen>,
    queued: Option<&Queued>,
    epochs: usize,
) -> State {
    let status = record.map(|record| record.run.status);
    let is_pending = queued.is_some_and(|queued| queued.task.state == "PENDING");
    match (status, claim, queued) {
        (Some(status), ..) if status != Status::Failed && status != Status::Paused => {
            State::Over(status)
        }
        (_, Some(_), _) => State::Training,
        (.., Some(_)) if is_pending => State::Waiting,
        (.., Some(_)) if epochs > 0 => State::Training,
        (.., Some(_)) => State::Starting,
        (Some(Status::Failed), ..) => State::Failed,
        _ if epochs > 0 => State::Stopped,
        _ => State::Left,
    }
}

/// The rows of `epochs.csv` of a run.
fn rows(folder: &RunFolder) -> usize {
    let text = regular::read_to_string(folder.file(RunFile::Epochs)).unwrap_or_default();
    text.lines().count().saturating_sub(1)
}

fn text(sweep: &Path, lines: &[Line]) -> String {
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(line.state).or_default() += 1;
    }
    let told: Vec<String> =
        counts.iter().map(|(state, count)| format!("{count} {}", state.name())).collect();
    let mut text = format!("{}: {} runs: {}\n", sweep.display(), lines.len(), told.join(", "));
    let open: Vec<Vec<String>> = lines
        .iter()
        .filter(|line| !matches!(line.state, State::Over(_)))
        .map(Line::cells)
        .collect();
    if !open.is_empty() {
        let header = ["experiment", "seed", "state", "epoch", "job", "host", "said"];
        let _ = write!(text, "\n{}", table::wide(&header.map(String::from), open));
    }
    let is_left = |line: &&Line| matches!(line.state, State::Failed | State::Stopped | State::Left);
    let left = lines.iter().filter(is_left).count();
    if left > 0 {
        let runs = if left == 1 { "1 run is".into() } else { format!("{left} runs are") };
        let _ = writeln!(
            text,
            "{runs} neither over nor in the queue: the command that submitted the sweep submits what is left"
        );
    }
    text
}
