//! `status RESULTS`: how the runs of a sweep on a cluster stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use super::collect::{ClusterError, planned, records};
use super::plan::print;
use super::results;
use crate::cli::SubmittedArgs;
use crate::cluster::{self, PlannedRun, Queued};
use crate::plan::table;
use crate::records::{Claim, Record, RunId, SeedsDecision, Seen, Status, last_decisions};
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
    let runs = planned.runs.iter().zip(&records);
    let mut lines: Vec<Line> =
        runs.map(|(run, record)| Line::of(&sweep, run, record.as_ref(), &queued)).collect();
    await_turns(&mut lines);
    if planned.rules.until_resolved.is_some() && is_decided(&sweep) {
        let left = lines.iter_mut().filter(|line| line.state == State::Left);
        left.for_each(|line| line.state = State::Needless);
    }
    Ok(text(&sweep, &lines))
}

/// A task trains its runs one after the other, or some at once: those that it has not come to wait.
fn await_turns(lines: &mut [Line]) {
    let begun = |line: &&Line| !matches!(line.state, State::Starting | State::Waiting);
    let begun: BTreeSet<String> = lines.iter().filter(begun).map(|it| it.job.clone()).collect();
    for line in lines.iter_mut().filter(|it| it.state == State::Starting && begun.contains(&it.job))
    {
        line.state = State::Waiting;
        line.said = "for its turn in the task".into();
    }
}

/// Whether no pair of experiments waits for more seeds, of a sweep that adds them by rule.
fn is_decided(sweep: &Path) -> bool {
    let last = last_decisions(sweep);
    !last.is_empty() && last.iter().all(|pair| pair.decision != SeedsDecision::Open)
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
    Needless,
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
            Self::Needless => "not needed".into(),
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
        .filter(|line| !matches!(line.state, State::Over(_) | State::Needless))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(job: &str, state: State) -> Line {
        let run =
            PlannedRun { experiment: "net".into(), seed: 0, spec_hash: "a".into(), epochs: 2 };
        let (host, said) = (String::new(), String::new());
        Line { run, state, epochs: 0, job: job.into(), host, said }
    }

    #[test]
    fn runs_that_their_task_has_not_come_to_wait() {
        use State::{Over, Starting, Training, Waiting};
        let stand = |states: &[(&str, State)]| {
            let mut lines: Vec<Line> =
                states.iter().map(|(job, state)| line(job, *state)).collect();
            await_turns(&mut lines);
            lines.iter().map(|line| line.state).collect::<Vec<_>>()
        };
        let (ok, training, starting) = (Over(Status::Ok), Training, Starting);
        // The first task trains its second run; the second has just begun; the third waits.
        let tasks = [("7_0", ok), ("7_0", training), ("7_0", starting), ("7_1", starting)];
        assert_eq!(stand(&tasks), [ok, Training, Waiting, Starting]);
        assert_eq!(stand(&[("7_2", Waiting), ("7_2", starting)]), [Waiting, Starting]);
        // Runs that are over and in no task say nothing of one.
        assert_eq!(stand(&[("", ok), ("7_3", starting)]), [ok, Starting]);
    }
}
