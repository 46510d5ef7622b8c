//! `sweep SPEC --dry-run`: what a sweep would run, without running it.

use std::process::ExitCode;

use super::plan::{Columns, loader_of, print, ready, report};
use crate::cli::SweepArgs;
use crate::experiment::Experiments;
use crate::plan::table;

/// Lists every experiment with its axes, costs and seeds, and counts the runs.
pub fn run(args: &SweepArgs) -> ExitCode {
    let loader = loader_of(args);
    match ready(&loader, args) {
        Ok(experiments) => print(&text(&experiments)),
        Err(errors) => report(&loader, &errors),
    }
}

/// The list and the count.
pub fn text(experiments: &Experiments) -> String {
    let columns = Columns::of(experiments);
    let (list, left_out) = (list(experiments, &columns), &columns.left_out);
    format!("{list}\n{left_out}{}{}", count(experiments), rungs(experiments))
}

/// What halving leaves at each rung, and the epochs that it comes to:
/// ``halving by val_top1: 9 experiments to epoch 1, 3 to epoch 3, 1 to the end``.
fn rungs(experiments: &Experiments) -> String {
    let Some(halving) = &experiments.halving else { return String::new() };
    let seeds = experiments.seeds.len() as u64;
    let mut left = experiments.list.len();
    let (mut before, mut epochs) = (0, 0);
    let mut told = Vec::new();
    for &rung in &halving.rungs {
        let what = if told.is_empty() { " experiments" } else { "" };
        told.push(format!("{left}{what} to epoch {rung}"));
        epochs += left as u64 * u64::from(rung - before);
        (left, before) = (halving.keeps(left), rung);
    }
    let mut rest: Vec<u64> =
        experiments.list.iter().map(|e| u64::from(e.train.epochs - before)).collect();
    rest.sort_unstable();
    epochs += rest.iter().rev().take(left).sum::<u64>();
    let all: u64 = experiments.list.iter().map(|e| u64::from(e.train.epochs)).sum();
    format!(
        "halving by {}: {}, {left} to the end\nat most {} epochs, of {} without halving\n",
        halving.metric.column(),
        told.join(", "),
        epochs * seeds,
        all * seeds
    )
}

fn list(experiments: &Experiments, columns: &Columns) -> String {
    let remarks: Vec<String> =
        (0..experiments.list.len()).map(|at| remark(experiments, at)).collect();
    let has_remarks = remarks.iter().any(|remark| !remark.is_empty());
    let seeds = match &experiments.until_resolved {
        Some(rule) => format!("{} to {}", rule.min, rule.max),
        None => experiments.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
    };
    let header: Vec<String> = ["experiment"]
        .into_iter()
        .map(String::from)
        .chain(columns.names(experiments))
        .chain(["params", "GMACs", "activations, MB/image", "seeds"].map(String::from))
        .chain(has_remarks.then(|| "remark".to_string()))
        .collect();
    let rows = experiments.list.iter().zip(remarks).map(|(experiment, remark)| {
        std::iter::once(experiment.name.clone())
            .chain(columns.values(experiment))
            .chain(table::costs(&experiment.plan))
            .chain([seeds.clone()])
            .chain(has_remarks.then_some(remark))
            .collect()
    });
    table::wide(&header, rows)
}

/// What is to be said of the experiment at this place of the list.
fn remark(experiments: &Experiments, at: usize) -> String {
    let experiment = &experiments.list[at];
    let is_baseline = experiments.baseline.as_ref() == Some(&experiment.name);
    let same = experiment.same_as.as_ref().map(|other| format!("same as {other}"));
    let all = is_baseline.then(|| "baseline".to_string()).into_iter().chain(same);
    all.collect::<Vec<_>>().join(", ")
}

/// `24 experiments x 3 seeds = 72 runs; 12 rejected by `where`, 3 excluded`.
fn count(experiments: &Experiments) -> String {
    let (list, seeds) = (experiments.list.len(), experiments.seeds.len());
    let many = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let left_out = experiments.left_out;
    let same = experiments.list.iter().filter(|experiment| experiment.same_as.is_some()).count();
    let told = [
        (left_out.by_where, "rejected by `where`"),
        (left_out.by_exclude, "excluded"),
        (left_out.repeated, "left out that repeat another"),
        (same, "the same as another"),
    ];
    let told: Vec<String> = told
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let line = match &experiments.until_resolved {
        Some(rule) => format!(
            "{} x {} to {} seeds = {} to {}, until every pair is resolved by {}",
            many(list, "experiment"),
            rule.min,
            rule.max,
            list * rule.min as usize,
            many(list * seeds, "run"),
            rule.metric
        ),
        None => {
            let runs = many(list * seeds, "run");
            format!("{} x {} = {runs}", many(list, "experiment"), many(seeds, "seed"))
        }
    };
    match told.is_empty() {
        true => format!("{line}\n"),
        false => format!("{line}; {}\n", told.join(", ")),
    }
}

/// What a user should know before a sweep runs, a line each.
pub fn warnings(experiments: &Experiments) -> String {
    let same = experiments.list.iter().filter_map(|experiment| {
        let other = experiment.same_as.as_ref()?;
        Some(format!("warning: {} is the same experiment as {other}\n", experiment.name))
    });
    let repeated = experiments.left_out.repeated;
    let left_out = (repeated > 0).then(|| {
        format!("warning: {repeated} combinations of axes repeat others and are left out\n")
    });
    same.chain(left_out).collect()
}
