//! The live display of a sweep on stderr: bars on a terminal, plain lines elsewhere.
//!
//! Both print a line per epoch; on a terminal a bar for the sweep and one for each run under way
//! stand below these lines.

mod forecast;
pub mod lines;

use std::collections::BTreeMap;
use std::io::{Stderr, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::records::{EpochRow, HalvingRow, Holder, RunId, RunRow, SeedsRow};
use crate::sweep::{Observer, Outline, Planned, Point, StepReport, Warning};

use forecast::Forecast;

/// Shows a sweep as it goes on.
pub struct Progress<W: Write = Stderr> {
    screen: Screen<W>,
    forecast: Forecast,
    /// Whether the sweep may take less than that, as runs are dropped.
    drops: bool,
    /// Runs of the sweep, and those of them that are finished or started.
    runs: u64,
    begun: u64,
    live: BTreeMap<RunId, Live>,
}

/// Where it is shown.
enum Screen<W> {
    Bars { all: MultiProgress, sweep: ProgressBar },
    Plain(W),
}

/// A run under way, on a terminal.
struct Live {
    bar: ProgressBar,
    top1: Option<f64>,
    loss: Option<f64>,
    /// When a step of it was last shown.
    shown: Option<Instant>,
}

/// Least time between two steps that are shown; those between cost a look at the clock.
const BETWEEN_STEPS: Duration = Duration::from_millis(100);

impl Progress {
    /// Bars where stderr is a terminal, else plain lines on it.
    pub fn on_stderr() -> Self {
        let target = ProgressDrawTarget::stderr();
        if target.is_hidden() { Self::plain(stderr()) } else { Self::bars(target) }
    }

    /// Bars, drawn on `target`.
    pub fn bars(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let bar = ProgressBar::new(0);
        let sweep =
            all.add(bar.with_style(style("{prefix}  {bar:12}  {pos}/{len} runs{wide_msg}")));
        Self::new(Screen::Bars { all, sweep })
    }
}

impl<W: Write> Progress<W> {
    /// Plain lines, written to `writer`; what it cannot take is lost.
    pub fn plain(writer: W) -> Self {
        Self::new(Screen::Plain(writer))
    }

    fn new(screen: Screen<W>) -> Self {
        let forecast = Forecast::default();
        Self { screen, forecast, drops: false, runs: 0, begun: 0, live: BTreeMap::new() }
    }

    /// Shows a line, above the bars where there are any. A display that cannot be written is no
    /// reason to lose a sweep, so errors are dropped.
    fn say(&mut self, line: &str) {
        let _ = match &mut self.screen {
            Screen::Bars { all, .. } => all.println(line),
            Screen::Plain(writer) => writeln!(writer, "{line}").and_then(|()| writer.flush()),
        };
    }

    /// Shows the time left over the whole sweep on its bar.
    fn show_sweep_left(&self) {
        if let Screen::Bars { sweep, .. } = &self.screen {
            let left = self.forecast.sweep_left().filter(|left| !left.is_zero());
            let text = left.map(|left| format!("  {} left", lines::of_sweep(left, self.drops)));
            sweep.set_message(text.unwrap_or_default());
        }
    }

    /// Adds the bar of a run, on a terminal.
    fn add_bar(&mut self, run: &Outline) {
        if let Screen::Bars { all, .. } = &self.screen {
            let bar = ProgressBar::new(u64::from(run.epochs));
            let bar = all.add(bar.with_style(style("{prefix}  {bar:12}  {wide_msg}")));
            bar.set_prefix(lines::name(&run.id.experiment, run.id.seed));
            self.live.insert(run.id.clone(), Live { bar, top1: None, loss: None, shown: None });
        }
    }

    /// Takes the bar of a run away, on a terminal.
    fn remove_bar(&mut self, id: &RunId) {
        let live = self.live.remove(id);
        if let (Screen::Bars { all, .. }, Some(live)) = (&self.screen, live) {
            live.bar.finish_and_clear();
            all.remove(&live.bar);
        }
    }
}

impl Live {
    /// Whether a step may be shown now.
    fn is_due(&mut self) -> bool {
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_STEPS);
        if due {
            self.shown = Some(Instant::now());
        }
        due
    }
}

impl<W: Write> Observer for Progress<W> {
    fn planned(&mut self, plan: &Planned) {
        self.forecast = Forecast::of(&plan.due, plan.at_once);
        self.drops = plan.drops;
        self.begun = plan.kept.len() as u64;
        self.runs = self.begun + plan.due.len() as u64;
        if let Screen::Bars { sweep, .. } = &self.screen {
            sweep.set_length(self.runs);
            sweep.set_position(self.begun);
            sweep.set_prefix(plan.sweep.clone());
        }
        self.say(&lines::planned(plan));
        for row in &plan.kept {
            self.say(&lines::kept(row));
        }
    }

    fn started(&mut self, run: &Outline) {
        self.begun += 1;
        if let (Screen::Bars { sweep, .. }, true) = (&self.screen, self.begun > self.runs) {
            sweep.set_length(self.begun);
        }
        self.say(&lines::started(run, self.begun, self.runs));
        self.add_bar(run);
    }

    fn resumed(&mut self, run: &Outline, row: &RunRow) {
        self.say(&lines::resumed(run, row));
        self.add_bar(run);
    }

    fn went_on(&mut self, run: &Outline, from: Point) {
        self.say(&lines::went_on(run, from));
    }

    fn left_to(&mut self, run: &Outline, holder: Option<&Holder>) {
        self.say(&lines::left_to(run, holder));
    }

    fn stopping(&mut self) {
        self.say(lines::STOPPING);
    }

    fn stopped(&mut self, run: &Outline) {
        self.remove_bar(&run.id);
        self.say(&lines::stopped(run));
    }

    fn paused(&mut self, run: &Outline, row: &RunRow) {
        self.remove_bar(&run.id);
        self.say(&lines::paused(run, row));
    }

    fn added(&mut self, rows: &[SeedsRow]) {
        self.say(&lines::added(rows));
    }

    fn decided(&mut self, rows: &[HalvingRow]) {
        self.say(&lines::decided(rows));
    }

    fn step(&mut self, run: &Outline, step: &StepReport) {
        // There is none on plain lines.
        let Some(live) = self.live.get_mut(&run.id) else { return };
        if !live.is_due() {
            return;
        }
        self.forecast.reach(&run.id, step);
        live.loss = step.loss.or(live.loss);
        live.bar.set_length(u64::from(run.epochs) * u64::from(step.steps));
        let before = u64::from(step.epoch.saturating_sub(1)) * u64::from(step.steps);
        live.bar.set_position(before + u64::from(step.step));
        let left = self.forecast.run_left(&run.id);
        live.bar.set_message(lines::step(run, step, live.loss, live.top1, left));
        self.show_sweep_left();
    }

    fn epoch(&mut self, run: &Outline, row: &EpochRow) {
        self.forecast.epoch(run, row);
        let left = self.forecast.run_left(&run.id);
        let line = lines::epoch(run, row, left, (self.forecast.sweep_left(), self.drops));
        self.say(&line);
        if let Some(live) = self.live.get_mut(&run.id) {
            live.top1 = row.top1.or(live.top1);
            live.loss = Some(row.train_loss);
        }
        self.show_sweep_left();
    }

    fn finished(&mut self, run: &Outline, row: &RunRow) {
        self.forecast.finish(&run.id);
        self.show_sweep_left();
        self.remove_bar(&run.id);
        if let Screen::Bars { sweep, .. } = &self.screen {
            sweep.inc(1);
        }
        self.say(&lines::finished(row));
    }

    fn warned(&mut self, warning: &Warning<'_>) {
        self.say(&format!("warning: {warning}"));
    }

    fn ended(&mut self) {
        if let Screen::Bars { all, sweep } = &self.screen {
            sweep.finish_and_clear();
            let _ = all.clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}
