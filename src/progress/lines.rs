//! The texts of the display. Rounded for reading; what is missing is left out.

use std::time::Duration;

use indicatif::HumanDuration;

use crate::records::{
    Decision, EpochRow, HalvingRow, Holder, RunRow, SeedsDecision, SeedsRow, Status,
};
use crate::sweep::{Outline, Planned, Point, StepReport};

/// `resnet18 seed 0`.
pub fn name(experiment: &str, seed: u64) -> String {
    format!("{experiment} seed {seed}")
}

/// `depth: 12 runs, 3 of them already finished`.
pub fn planned(plan: &Planned) -> String {
    let (kept, count) = (plan.kept.len(), plan.kept.len() + plan.due.len());
    match kept {
        0 => format!("{}: {}", plan.sweep, runs(count)),
        _ => format!("{}: {}, {kept} of them already finished", plan.sweep, runs(count)),
    }
}

/// `1 run`, `12 runs`.
pub fn runs(count: usize) -> String {
    if count == 1 { "1 run".into() } else { format!("{count} runs") }
}

/// `resnet18 seed 0  already finished: ok, test 95.12 %`.
pub fn kept(row: &RunRow) -> String {
    format!("{}  already finished: {}", name(&row.experiment, row.seed), result(row))
}

/// `resnet18 seed 0  starts (run 4 of 12, 200 epochs)`; of runs that were added on the way nobody knows how
/// many there will be.
pub fn started(run: &Outline, number: u64, runs: u64) -> String {
    let name = name(&run.id.experiment, run.id.seed);
    let of = if number > runs { String::new() } else { format!(" of {runs}") };
    format!("{name}  starts (run {number}{of}, {} epochs)", run.epochs)
}

/// `resnet18 seed 0  goes on after epoch 3`.
pub fn resumed(run: &Outline, row: &RunRow) -> String {
    format!("{}  goes on after epoch {}", name(&run.id.experiment, run.id.seed), row.epochs)
}

/// `resnet18 seed 0  goes on from its checkpoint in epoch 4, step 120`.
pub fn went_on(run: &Outline, from: Point) -> String {
    let name = name(&run.id.experiment, run.id.seed);
    let Point { epochs, steps } = from;
    match steps {
        0 => format!("{name}  goes on from its checkpoint after epoch {epochs}"),
        _ => format!("{name}  goes on from its checkpoint in epoch {}, step {steps}", epochs + 1),
    }
}

/// `resnet18 seed 0  is left to process 123 on node7, job 41_3, which has it since 2026-01-01T00:00:00Z`.
pub fn left_to(run: &Outline, holder: Option<&Holder>) -> String {
    let name = name(&run.id.experiment, run.id.seed);
    let Some(Holder { process, host, job, since, .. }) = holder else {
        return format!("{name}  is left to another process, which has it");
    };
    let job = job.as_ref().map_or(String::new(), |job| format!(", job {job}"));
    format!("{name}  is left to process {process} on {host}{job}, which has it since {since}")
}

/// `resnet18 seed 0  stopped, with a checkpoint`.
pub fn stopped(run: &Outline) -> String {
    format!("{}  stopped, with a checkpoint", name(&run.id.experiment, run.id.seed))
}

/// What is said when a sweep is to stop.
pub const STOPPING: &str = "stopping after the step in hand; once more stops at once";

/// `resnet18 seed 0  waits after epoch 3`.
pub fn paused(run: &Outline, row: &RunRow) -> String {
    format!("{}  waits after epoch {}", name(&run.id.experiment, run.id.seed), row.epochs)
}

/// `rung 1, after epoch 3: 2 of 6 experiments go on: resnet18 (val_top1 71.2), resnet34 (val_top1
/// 70.1)`.
pub fn decided(rows: &[HalvingRow]) -> String {
    let Some(first) = rows.first() else { return "a rung without experiments".into() };
    let kept: Vec<&HalvingRow> = rows.iter().filter(|row| row.decision == Decision::Kept).collect();
    let value = |row: &HalvingRow| row.value.map_or(String::new(), |value| format!("{value:.4}"));
    let told = kept.iter().map(|row| format!("{} ({} {})", row.experiment, row.metric, value(row)));
    let told: Vec<String> = told.collect();
    let (count, all) = (kept.len(), rows.len());
    let (rung, epoch) = (first.rung, first.epoch);
    let go = if count == 1 { "goes" } else { "go" };
    let list = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    format!("rung {rung}, after epoch {epoch}: {count} of {all} experiments {go} on{list}")
}

/// `round 2: 1 of 3 pairs open: b against a (+0.12, -0.80 to +1.04)`.
pub fn added(rows: &[SeedsRow]) -> String {
    let Some(last) = rows.last() else { return "a round without pairs".into() };
    let rows: Vec<&SeedsRow> = rows.iter().filter(|row| row.round == last.round).collect();
    let open = rows.iter().filter(|row| row.decision == SeedsDecision::Open);
    let told = open.map(|row| {
        let ends = row.low.zip(row.high);
        let ends = ends.map(|(low, high)| format!(", {low:+.2} to {high:+.2}"));
        let difference = row.difference.map_or("no value".into(), |by| format!("{by:+.2}"));
        let (a, b, ends) = (&row.experiment, &row.other, ends.unwrap_or_default());
        format!("{a} against {b} ({difference}{ends})")
    });
    let told: Vec<String> = told.collect();
    let list = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    format!("round {}: {} of {} pairs open{list}", last.round, told.len(), rows.len())
}

/// `resnet18 seed 0  epoch 3/200  loss 1.234  test 54.32 %  812 img/s  12.3 s  eta 4m  sweep 2h`:
/// the run's time left unless this was its last epoch, and the sweep's where further runs follow, which is
/// the most that it takes where runs are dropped on the way.
pub fn epoch(
    run: &Outline,
    row: &EpochRow,
    run_left: Option<Duration>,
    (sweep_left, drops): (Option<Duration>, bool),
) -> String {
    let later = sweep_left.filter(|left| Some(*left) != run_left);
    let run_left = run_left.filter(|left| !left.is_zero());
    parts(&[
        Some(name(&run.id.experiment, run.id.seed)),
        Some(format!("epoch {}/{}", row.epoch, run.epochs)),
        Some(loss(row.train_loss)),
        row.top1.map(test),
        row.train_images_per_s.map(speed),
        Some(format!("{:.1} s", row.epoch_s)),
        run_left.map(|time| format!("eta {}", left(time))),
        later.map(|time| format!("sweep {}", of_sweep(time, drops))),
    ])
}

/// `epoch 3/200  4m left  loss 1.234  test 54.32 %  812 img/s  step 17/391`, beside the bar; a
/// narrow terminal cuts off the end.
pub fn step(
    run: &Outline,
    step: &StepReport,
    latest_loss: Option<f64>,
    top1: Option<f64>,
    run_left: Option<Duration>,
) -> String {
    parts(&[
        Some(format!("epoch {}/{}", step.epoch, run.epochs)),
        run_left.map(|time| format!("{} left", left(time))),
        latest_loss.map(loss),
        top1.map(test),
        step.images_per_s.map(speed),
        Some(format!("step {}/{}", step.step, step.steps)),
    ])
}

/// `resnet18 seed 0  ended: ok, test 95.12 %, after 40m`.
pub fn finished(row: &RunRow) -> String {
    let took = Duration::try_from_secs_f64(row.wall_s).unwrap_or_default();
    format!("{}  ended: {}, after {}", name(&row.experiment, row.seed), result(row), left(took))
}

/// The time left for a sweep, in which runs may be dropped: `2h`, or `at most 2h`.
pub fn of_sweep(time: Duration, drops: bool) -> String {
    format!("{}{}", if drops { "at most " } else { "" }, left(time))
}

/// A length of time in its largest unit: `12s`, `4m`, `2h`.
pub fn left(time: Duration) -> String {
    format!("{:#}", HumanDuration(time))
}

/// `ok, test 95.12 %`, or the status with its reason.
fn result(row: &RunRow) -> String {
    let detail = match row.status {
        Status::Ok => row.top1.map(test),
        Status::Diverged | Status::Failed => row.reason.clone(),
        Status::Dropped | Status::Paused => row.stop_reason.clone(),
    };
    let told = detail.map_or(row.status.to_string(), |detail| format!("{}, {detail}", row.status));
    match row.stopped_epoch.filter(|_| row.status == Status::Ok) {
        Some(epoch) => format!("{told}, stopped after epoch {epoch}"),
        None => told,
    }
}

fn loss(loss: f64) -> String {
    format!("loss {loss:.3}")
}

fn test(top1: f64) -> String {
    format!("test {top1:.2} %")
}

fn speed(images_per_s: f64) -> String {
    format!("{images_per_s:.0} img/s")
}

fn parts(parts: &[Option<String>]) -> String {
    parts.iter().flatten().map(String::as_str).collect::<Vec<_>>().join("  ")
}
