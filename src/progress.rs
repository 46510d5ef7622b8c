//! The live display on stderr: bars on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::records::{EpochRow, Record, Status};
use crate::sweep::{Observer, RunPlan, Step};

/// The display that fits stderr.
pub fn display() -> Box<dyn Observer> {
    match std::io::stderr().is_terminal() {
        true => Box::new(Bars::new()),
        false => Box::new(Lines::new(std::io::stderr())),
    }
}

/// Bars: one for the sweep, one for the run that trains. Finished runs scroll away above them.
pub struct Bars {
    state: State,
    bars: MultiProgress,
    overall: ProgressBar,
    run: ProgressBar,
    drawn: Instant,
}

/// Between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

impl Bars {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let overall = bars.add(ProgressBar::new(0).with_style(style("{bar:20} {msg}")));
        let run = bars.add(ProgressBar::new(0).with_style(style("{bar:20} {msg}")));
        Self { state: State::default(), bars, overall, run, drawn: Instant::now() }
    }

    fn redraw_overall(&self) {
        let (done, all) = (self.state.done, self.state.runs.len());
        let left = self.state.left().map(|left| format!(", {left} left")).unwrap_or_default();
        self.overall.set_message(format!("{done} of {all} runs{left}"));
        self.overall.set_position(done as u64);
    }

    fn say(&self, text: &str) {
        // Where stderr has gone away, there is nobody to tell.
        let _ = self.bars.println(text);
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Bars {
    fn sweep(&mut self, plan: &[RunPlan], finished: usize) {
        self.state.runs = plan.to_vec();
        self.overall.set_length(plan.len() as u64);
        if finished > 0 {
            self.say(&already(finished, plan.len()));
        }
        self.redraw_overall();
    }

    fn skipped(&mut self, record: &Record) {
        self.state.skipped(record);
        self.redraw_overall();
    }

    fn started(&mut self, run: usize) {
        self.state.started(run);
        self.run.reset();
        self.run.set_length(0);
        self.run.set_message(self.state.name());
    }

    fn step(&mut self, step: &Step) {
        if self.drawn.elapsed() < REDRAW && step.step < step.steps {
            return;
        }
        self.drawn = Instant::now();
        self.run.set_length(step.steps * u64::from(self.state.epochs()));
        self.run.set_position(u64::from(step.epoch - 1) * step.steps + step.step);
        self.run.set_message(self.state.running(step));
    }

    fn epoch(&mut self, epoch: &EpochRow) {
        self.state.epoch(epoch);
        self.redraw_overall();
        self.say(&self.state.epoch_line(epoch));
    }

    fn ended(&mut self, record: &Record) {
        self.state.done += 1;
        self.run.set_message("");
        self.redraw_overall();
        self.say(&end_line(record));
        if self.state.done == self.state.runs.len() {
            self.run.finish_and_clear();
            self.overall.finish_and_clear();
        }
    }

    fn warning(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
    }
}

/// Plain lines, for logs: one an epoch.
pub struct Lines<W> {
    state: State,
    out: W,
}

impl<W: Write> Lines<W> {
    /// Lines to a writer.
    pub fn new(out: W) -> Self {
        Self { state: State::default(), out }
    }

    fn say(&mut self, text: &str) {
        // Where stderr has gone away, there is nobody to tell.
        let _ = writeln!(self.out, "{text}");
    }
}

impl<W: Write> Observer for Lines<W> {
    fn sweep(&mut self, plan: &[RunPlan], finished: usize) {
        self.state.runs = plan.to_vec();
        if finished > 0 {
            self.say(&already(finished, plan.len()));
        }
    }

    fn skipped(&mut self, record: &Record) {
        self.state.skipped(record);
    }

    fn started(&mut self, run: usize) {
        self.state.started(run);
        let line = format!(
            "{}  run {} of {}, {} epochs",
            self.state.name(),
            run + 1,
            self.state.runs.len(),
            self.state.epochs()
        );
        self.say(&line);
    }

    fn step(&mut self, _step: &Step) {}

    fn epoch(&mut self, epoch: &EpochRow) {
        self.state.epoch(epoch);
        let line = self.state.epoch_line(epoch);
        self.say(&line);
    }

    fn ended(&mut self, record: &Record) {
        self.state.done += 1;
        self.say(&end_line(record));
    }

    fn warning(&mut self, text: &str) {
        self.say(&format!("warning: {text}"));
    }
}

fn already(finished: usize, all: usize) -> String {
    format!("{finished} of {all} runs are finished already and are kept; --fresh trains them again")
}

fn end_line(record: &Record) -> String {
    let run = &record.run;
    let name = format!("{} seed {}", run.experiment, run.seed);
    let reason = run.reason.as_deref().unwrap_or_default();
    match (run.status, run.top1) {
        (Status::Ok, Some(top1)) => {
            format!("{name}  done: test {top1:.2} % in {}", short(run.wall_s))
        }
        (status, _) => format!("{name}  {status}: {reason}"),
    }
}

/// What both displays know.
#[derive(Debug, Default)]
struct State {
    runs: Vec<RunPlan>,
    current: usize,
    epochs_done: u32,
    done: usize,
    top1: Option<f64>,
    /// Seconds an epoch takes, with its evaluation, the latest of each experiment.
    seconds: HashMap<String, f64>,
}

impl State {
    fn started(&mut self, run: usize) {
        self.current = run;
        self.epochs_done = 0;
        self.top1 = None;
    }

    fn skipped(&mut self, record: &Record) {
        self.done += 1;
        if let Some(epoch) = record.epochs.last() {
            self.seconds.insert(record.run.experiment.clone(), cost(epoch));
        }
    }

    fn epoch(&mut self, epoch: &EpochRow) {
        self.epochs_done = epoch.epoch;
        self.top1 = epoch.top1;
        self.seconds.insert(epoch.experiment.clone(), cost(epoch));
    }

    fn name(&self) -> String {
        self.runs
            .get(self.current)
            .map_or_else(String::new, |run| format!("{} seed {}", run.experiment, run.seed))
    }

    fn epochs(&self) -> u32 {
        self.runs.get(self.current).map_or(0, |run| run.epochs)
    }

    fn running(&self, step: &Step) -> String {
        let mut text = format!("{}  epoch {}/{}", self.name(), step.epoch, self.epochs());
        if let Some(loss) = step.loss {
            text += &format!("  loss {loss:.3}");
        }
        if let Some(top1) = self.top1 {
            text += &format!("  test {top1:.2} %");
        }
        text += &format!("  {:.0} img/s", step.images_per_s);
        match self.run_left() {
            Some(left) => text + &format!("  {} left", short(left)),
            None => text,
        }
    }

    fn epoch_line(&self, epoch: &EpochRow) -> String {
        let mut text = format!(
            "{} seed {}  epoch {}/{}  loss {:.4}",
            epoch.experiment,
            epoch.seed,
            epoch.epoch,
            self.epochs(),
            epoch.train_loss
        );
        if let Some(top1) = epoch.top1 {
            text += &format!("  test {top1:.2} %");
        }
        if let Some(rate) = epoch.train_images_per_s {
            text += &format!("  {rate:.0} img/s");
        }
        text += &format!("  {}", short(epoch.epoch_s));
        match self.run_left() {
            Some(left) if left > 0.0 => text + &format!("  {} left", short(left)),
            _ => text,
        }
    }

    /// Seconds until the run that trains is done.
    fn run_left(&self) -> Option<f64> {
        let run = self.runs.get(self.current)?;
        let left = run.epochs.saturating_sub(self.epochs_done);
        Some(self.seconds.get(&run.experiment)? * f64::from(left))
    }

    /// Time until the sweep is done; an experiment not seen yet is guessed by its MACs.
    fn left(&self) -> Option<String> {
        let known =
            |run: &RunPlan| Some(self.seconds.get(&run.experiment)? / run.macs.max(1) as f64);
        let rates: Vec<f64> = self.runs.iter().filter_map(known).collect();
        let rate = rates.iter().sum::<f64>() / rates.len() as f64;
        let epoch = |run: &RunPlan| {
            self.seconds.get(&run.experiment).copied().unwrap_or(rate * run.macs as f64)
        };
        let later =
            self.runs.iter().skip(self.current + 1).map(|run| epoch(run) * f64::from(run.epochs));
        let seconds = self.run_left().unwrap_or(0.0) + later.sum::<f64>();
        (!rates.is_empty() && self.done < self.runs.len()).then(|| short(seconds))
    }
}

fn cost(epoch: &EpochRow) -> f64 {
    epoch.epoch_s + epoch.eval_s.unwrap_or(0.0)
}

/// `3.2 s`, `4 min 10 s`, `2 h 5 min`.
fn short(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}
