//! `plan-seeds SPEC --detect POINTS`: how many seeds it takes to find a difference, and how long that is.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rayon::prelude::*;
use serde::Deserialize;

use super::grid::Grid;
use super::plan::{print, report};
use crate::cli::{PlanSeedsArgs, program};
use crate::compare::Metric;
use crate::experiment::{self, Experiment, Experiments};
use crate::progress::lines::left;
use crate::records::{Folder, Run, Status};
use crate::regular;
use crate::saved;
use crate::spec::error::suggest;
use crate::spec::load::Loader;
use crate::statistics::{Design, MOST_VALUES, mean, std_upper, variance};

/// Prints the plan; 2 where there is nothing to plan by.
pub fn run(args: &PlanSeedsArgs) -> ExitCode {
    let loader = Loader::with_results(&args.results);
    let experiments = match experiment::sweep(&loader, &args.spec, &args.set) {
        Ok(experiments) => experiments,
        Err(errors) => return report(&loader, &errors),
    };
    match text(args, &experiments) {
        Ok(text) => print(&text),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What is printed.
///
/// # Errors
/// Where nothing is known of the spread, and what to do.
pub fn text(args: &PlanSeedsArgs, experiments: &Experiments) -> Result<String, String> {
    let known = || Metric::ALL.iter().map(|metric| metric.name.to_owned()).collect::<Vec<_>>();
    let metric = Metric::named(&args.metric).ok_or_else(|| {
        format!(
            "there is no metric `{}`; {}",
            args.metric,
            suggest(&args.metric, &known(), "there are")
        )
    })?;
    let folder = saved::folder(&args.results, &experiments.name);
    let runs = Folder::open(&folder).map(|folder| folder.runs).unwrap_or_default();
    let recorded = Recorded::of(experiments, &runs, metric);
    let pairs = pairs(experiments);
    if pairs.is_empty() {
        return Err(format!(
            "{} has one experiment, and a difference is between two",
            args.spec.display()
        ));
    }
    let alpha = (1.0 - args.level) / pairs.len() as f64;
    let spreads: Vec<(String, Option<Spread>)> = pairs
        .par_iter()
        .map(|(a, b)| (format!("{a} against {b}"), recorded.spread(args.std, a, b)))
        .collect();
    if spreads.iter().all(|(_, spread)| spread.is_none()) {
        return Err(no_spread(args, experiments, &folder));
    }
    let needed = Needed::all(spreads, args, alpha);
    Ok(told(args, experiments, &needed, &recorded, jobs(&folder)))
}

/// What is recorded of the experiments as they are now, by seed.
struct Recorded<'a> {
    values: BTreeMap<&'a str, BTreeMap<u64, f64>>,
    /// Seconds of the runs that ended well.
    seconds: BTreeMap<&'a str, Vec<f64>>,
}

/// How much the metric varies.
#[derive(Debug, Clone, Copy)]
struct Spread {
    design: Design,
    /// Of the differences of pairs, or of an experiment.
    std: f64,
    /// Degrees of freedom of the estimate; none where it was given.
    freedom: Option<f64>,
}

impl<'a> Recorded<'a> {
    fn of(experiments: &'a Experiments, runs: &[Run], metric: Metric) -> Self {
        let mut recorded = Self { values: BTreeMap::new(), seconds: BTreeMap::new() };
        let known =
            experiments.list.iter().map(|own| ((own.name.as_str(), own.hash.as_str()), own));
        let known: BTreeMap<(&str, &str), &'a Experiment> = known.collect();
        for row in runs.iter().map(|run| &run.row).filter(|row| row.status == Status::Ok) {
            let own = known.get(&(row.experiment.as_str(), row.spec_hash.as_str()));
            let Some(Experiment { name, .. }) = own else { continue };
            recorded.seconds.entry(name).or_default().push(row.wall_s);
            if let Some(value) = metric.of(row) {
                recorded.values.entry(name).or_default().insert(row.seed, value);
            }
        }
        recorded
    }

    /// By the differences of shared seeds, else by both apart, else as it was given.
    fn spread(&self, given: Option<f64>, a: &str, b: &str) -> Option<Spread> {
        if let Some(std) = given {
            return Some(Spread { design: Design::TwoSamples, std, freedom: None });
        }
        let (a, b) = (self.values.get(a)?, self.values.get(b)?);
        let shared: Vec<f64> =
            a.iter().filter_map(|(seed, value)| Some(value - b.get(seed)?)).collect();
        if let Some(of_both) = variance(&shared) {
            let freedom = Some(shared.len() as f64 - 1.0);
            return Some(Spread { design: Design::Paired, std: of_both.sqrt(), freedom });
        }
        let apart =
            |values: &BTreeMap<u64, f64>| variance(&values.values().copied().collect::<Vec<_>>());
        let pooled = f64::midpoint(apart(a)?, apart(b)?);
        let freedom = Some((a.len() + b.len()) as f64 - 2.0);
        Some(Spread { design: Design::TwoSamples, std: pooled.sqrt(), freedom })
    }
}

impl Spread {
    /// The factor by which this estimate is likely to be too small at most: that of the upper end of its
    /// interval at a level.
    fn upper_factor(&self, level: f64) -> Option<f64> {
        std_upper(level, self.freedom?)
    }
}

/// The seeds that a pair takes.
struct Needed {
    pair: String,
    spread: Option<Spread>,
    /// None above [`MOST_VALUES`], and where the spread is not known.
    seeds: Option<u32>,
    /// The same where the spread is as large as it may well be.
    at_most: Option<u32>,
}

impl Needed {
    fn all(spreads: Vec<(String, Option<Spread>)>, args: &PlanSeedsArgs, alpha: f64) -> Vec<Self> {
        // Most pairs have as many runs, and their estimates are as far from the truth.
        let mut uppers: BTreeMap<Option<u64>, Option<f64>> = BTreeMap::new();
        let mut upper = |spread: &Spread| {
            let key = spread.freedom.map(f64::to_bits);
            let factor = *uppers.entry(key).or_insert_with(|| spread.upper_factor(args.level));
            factor.map(|factor| factor * spread.std)
        };
        let known = |spread: &Option<Spread>| spread.map(|it| (it.design, it.std));
        let stds = spreads.iter().map(|(_, spread)| known(spread)).collect();
        let highs = spreads.iter().map(|(_, spread)| {
            spread.as_ref().and_then(|spread| Some((spread.design, upper(spread)?)))
        });
        let highs = highs.collect();
        let (seeds, at_most) = (seeds(stds, args, alpha), seeds(highs, args, alpha));
        let needed = spreads.into_iter().zip(seeds.into_iter().zip(at_most));
        needed
            .map(|((pair, spread), (seeds, at_most))| Self { pair, spread, seeds, at_most })
            .collect()
    }
}

/// The seeds a side that find the difference asked for, where it varies so much; none of what is not known,
/// and where they are too many.
fn seeds(stds: Vec<Option<(Design, f64)>>, args: &PlanSeedsArgs, alpha: f64) -> Vec<Option<u32>> {
    let mut found = vec![None; stds.len()];
    for design in [Design::Paired, Design::TwoSamples] {
        let own = stds.iter().enumerate();
        let own = own.filter_map(|(at, known)| Some((at, known.filter(|it| it.0 == design)?.1)));
        let (varying, constant): (Vec<(usize, f64)>, Vec<_>) =
            own.partition(|(_, std)| *std != 0.0);
        constant.into_iter().for_each(|(at, _)| found[at] = Some(2));
        let effects: Vec<f64> = varying.iter().map(|(_, std)| args.detect / std).collect();
        let seeds = design.values_of_all(&effects, alpha, args.power);
        varying.iter().zip(seeds).for_each(|((at, _), seeds)| found[*at] = seeds);
    }
    found
}

/// The pairs that are compared: every other with the baseline, or every two.
fn pairs(experiments: &Experiments) -> Vec<(String, String)> {
    let names: Vec<&String> = experiments.list.iter().map(|experiment| &experiment.name).collect();
    let pair = |a: &&String, b: &&String| ((*a).clone(), (*b).clone());
    match &experiments.baseline {
        Some(own) => {
            names.iter().filter(|name| **name != own).map(|name| pair(name, &own)).collect()
        }
        None => (0..names.len())
            .flat_map(|a| (0..a).map(move |b| (a, b)))
            .map(|(a, b)| pair(&names[a], &names[b]))
            .collect(),
    }
}

fn no_spread(args: &PlanSeedsArgs, experiments: &Experiments, folder: &Path) -> String {
    let (spec, program) = (args.spec.display(), program());
    format!(
        "nothing is known of how much {} varies from seed to seed: {} has no two runs of an experiment as \
         it is now; train some seeds first, as by `{program} sweep {spec} --set seeds=3`, or give the \
         standard deviation that you expect, as `--std 0.2`{}",
        args.metric,
        folder.display(),
        if experiments.list.len() > 8 { "; a part of the experiments is enough" } else { "" }
    )
}

/// `jobs.ron`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Shares {
    jobs: u32,
}

/// Runs that trained side by side.
fn jobs(folder: &Path) -> u32 {
    let text = regular::read_to_string(folder.join("jobs.ron")).unwrap_or_default();
    ron::from_str::<Shares>(&text).map_or(1, |shares| shares.jobs.max(1))
}

fn told(
    args: &PlanSeedsArgs,
    experiments: &Experiments,
    needed: &[Needed],
    recorded: &Recorded<'_>,
    jobs: u32,
) -> String {
    let unit = match (args.metric.contains("loss"), args.detect == 1.0) {
        (true, _) => "nats",
        (false, true) => "point",
        (false, false) => "points",
    };
    let mut listed: Vec<&Needed> = needed.iter().collect();
    if needed.len() > MOST_PAIRS {
        // None is more than any.
        listed.sort_by_key(|it| Reverse((it.seeds.is_none(), it.seeds, it.at_most)));
        listed.truncate(FEW_PAIRS);
    }
    let mut text = format!("{}\n", table(&listed).table());
    if listed.len() < needed.len() {
        let (few, all) = (listed.len(), needed.len());
        text += &format!("Of {all} pairs these are the {few} that take the most seeds.\n");
    }
    let (power, level, pairs) = (args.power, args.level * 100.0, needed.len());
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "Seeds a side with which a true difference of {} {unit} is found with a power of {power}, at a level \
         of {level} % corrected for {pairs} pair{}.",
        args.detect,
        if pairs == 1 { "" } else { "s" }
    );
    let _ = match args.std {
        Some(std) => {
            writeln!(text, "The standard deviation of an experiment, {std}, is as it was given.")
        }
        None => writeln!(
            text,
            "Spreads are estimates: `at most` is for the upper end of their intervals of {level} %."
        ),
    };
    let most = needed.iter().map(|it| it.seeds).collect::<Option<Vec<u32>>>();
    text += &match most.and_then(|all| all.into_iter().max()) {
        Some(seeds) => format!(
            "{seeds} seeds do for every pair: --set seeds={seeds}\n{}",
            time(experiments, recorded, seeds, jobs)
        ),
        None if needed.iter().any(|it| it.spread.is_none()) => {
            "Of some pairs nothing is known yet: train two seeds or more of all experiments.\n"
                .into()
        }
        None => {
            format!("Some pair takes more than {MOST_VALUES} seeds: ask for a larger difference.\n")
        }
    };
    text
}

/// More pairs than that are not listed, but those that take the most seeds.
const MOST_PAIRS: usize = 500;
/// So many of them.
const FEW_PAIRS: usize = 50;

fn table(needed: &[&Needed]) -> Grid {
    let header = ["pair", "spread", "of", "seeds", "at most"];
    let row = |it: &&Needed| {
        let count = |seeds: Option<u32>, is_known: bool| match (seeds, is_known) {
            (Some(seeds), _) => seeds.to_string(),
            (None, true) => format!("> {MOST_VALUES}"),
            (None, false) => String::new(),
        };
        let of = it.spread.map(|spread| match (spread.design, spread.freedom) {
            (_, None) => "as given".to_owned(),
            (Design::Paired, Some(freedom)) => format!("{} pairs", freedom + 1.0),
            (Design::TwoSamples, Some(freedom)) => format!("{} runs", freedom + 2.0),
        });
        let std = it.spread.map(|spread| format!("{:.3}", spread.std)).unwrap_or_default();
        let estimated = it.spread.is_some_and(|spread| spread.freedom.is_some());
        vec![
            it.pair.clone(),
            std,
            of.unwrap_or_default(),
            count(it.seeds, it.spread.is_some()),
            count(it.at_most, estimated),
        ]
    };
    Grid::new(1, &header, needed.iter().map(row).collect())
}

/// How long the runs take that are missing to so many seeds, by those that there are.
fn time(experiments: &Experiments, recorded: &Recorded<'_>, seeds: u32, jobs: u32) -> String {
    let (mut seconds, mut missing, mut unknown) = (0.0, 0, Vec::new());
    for experiment in &experiments.list {
        let known = recorded.seconds.get(experiment.name.as_str()).map_or(&[][..], Vec::as_slice);
        let left = (seeds as usize).saturating_sub(known.len());
        missing += left;
        match mean(known) {
            Some(run) => seconds += run * left as f64,
            None if left > 0 => unknown.push(experiment.name.as_str()),
            None => {}
        }
    }
    if !unknown.is_empty() {
        return format!(
            "How long that takes is not known: there is no run of {}.\n",
            unknown.join(", ")
        );
    }
    let time = Duration::try_from_secs_f64(seconds / f64::from(jobs)).unwrap_or_default();
    let side = if jobs == 1 { "one by one".into() } else { format!("{jobs} side by side") };
    match missing {
        0 => "They are there already.\n".into(),
        _ => format!(
            "{missing} runs are missing: {} as before, {side}, on the machine of the recorded runs.\n",
            left(time)
        ),
    }
}
