//! The first table: how every experiment stands, and what it costs.

use std::collections::HashMap;

use super::table::{Cell, Table, value};
use super::{Group, Report, group, verdicts};
use crate::compare::sentence;
use crate::picture::xml::Xml;
use crate::records::{CompareRow, StandingRow, Verdict};

pub(super) fn write(report: &Report, xml: &mut Xml) {
    let metric = report.comparison.as_ref().map_or("top1", |comparison| comparison.metric);
    let reference = report.reference.as_deref();
    let set_against = reference.map(|name| format!("against {name}"));
    let header = [
        Some("experiment".to_owned()),
        Some("n".into()),
        Some(format!("{metric}, {}", report.unit())),
        set_against,
        Some("params (M)".into()),
        Some("GMACs".into()),
        Some("train (s)".into()),
        Some("latency (ms)".into()),
        Some("other runs".into()),
    ];
    let against = Against::of(report);
    let rows = report.groups.iter().map(|group| row(report, &against, group)).collect();
    let times = match group::are_timed_alike(&report.groups) {
        true => "",
        false => " Times are of different devices or threads: they cannot be compared.",
    };
    let caption = format!(
        "Every experiment: mean ± sample standard deviation over n runs that ended well. Bold is better than \
         every other, each difference resolved.{times}"
    );
    let header = header.into_iter().flatten().collect();
    Table { caption, class: "numbers", header, rows }.write(xml);
    match &report.comparison {
        Some(comparison) => verdicts::write(report, comparison, xml),
        None => xml.leaf("p", &[], "No run has ended well yet, so nothing is compared."),
    }
}

/// What is known of single experiments, by their names: of thousands none is looked for anew.
struct Against<'a> {
    standing: HashMap<&'a str, &'a StandingRow>,
    /// The pair with the experiment that the others are set against.
    pairs: HashMap<&'a str, CompareRow>,
}

impl<'a> Against<'a> {
    fn of(report: &'a Report) -> Self {
        let (mut standing, mut pairs) = (HashMap::new(), HashMap::new());
        let reference = report.reference.as_deref().unwrap_or_default();
        if let Some(comparison) = &report.comparison {
            standing.extend(comparison.standing.iter().map(|row| (row.experiment.as_str(), row)));
            for row in &comparison.pairs {
                if row.other == reference {
                    pairs.insert(row.experiment.as_str(), row.clone());
                } else if row.experiment == reference {
                    pairs.insert(row.other.as_str(), turn(row));
                }
            }
        }
        Self { standing, pairs }
    }
}

fn row(report: &Report, known: &Against<'_>, group: &Group) -> Vec<Cell> {
    let standing = known.standing.get(group.name.as_str()).copied();
    let (macs, params) = group.costs().unzip();
    let n = standing.map_or(0, |row| row.n);
    let best = standing.is_some_and(|row| row.best);
    let number = |value: Option<f64>, digits: usize| {
        Cell::of(value.map(|value| format!("{value:.digits$}")).unwrap_or_default())
    };
    let mut cells = vec![
        Cell::of(group.name.clone()),
        Cell::of(n.to_string()),
        Cell::classed(
            standing.map(|row: &StandingRow| value(row.mean, row.std)).unwrap_or_default(),
            if best { "best" } else { "" },
        ),
    ];
    if report.reference.is_some() {
        cells.push(against(report, known.pairs.get(group.name.as_str())));
    }
    cells.extend([
        number(params.map(|params| params as f64 / 1e6), 3),
        number(macs.map(|macs| macs as f64 / 1e9), 3),
        number(standing.and_then(|row| row.train_s), 1),
        number(group.latency_ms(), 2),
        Cell::classed(group.others(), "words"),
    ]);
    cells
}

/// The difference from the reference, with its interval and what is to be thought of it.
fn against(report: &Report, pair: Option<&CompareRow>) -> Cell {
    let Some(row) = pair else { return Cell::default() };
    let Some(difference) = row.difference else { return Cell::default() };
    let ends = row.difference_low.zip(row.difference_high);
    let ends = ends.map(|(low, high)| format!(" ({low:+.2} to {high:+.2})")).unwrap_or_default();
    let class = class_of(row.verdict);
    let text = format!("{difference:+.2}{ends}, {}", row.verdict);
    Cell { text, class, title: sentence(row, report.unit(), power(report)), ..Cell::default() }
}

fn power(report: &Report) -> f64 {
    report.comparison.as_ref().map_or(0.8, |comparison| comparison.power)
}

pub(super) fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::NotResolved => "open",
    }
}

/// What was found of one experiment against another, whichever of both was compared with the other.
pub(super) fn pair(report: &Report, name: &str, other: &str) -> Option<CompareRow> {
    let pairs = &report.comparison.as_ref()?.pairs;
    let own = pairs.iter().find(|row| row.experiment == name && row.other == other);
    let turned = || pairs.iter().find(|row| row.experiment == other && row.other == name);
    own.cloned().or_else(|| turned().map(turn))
}

/// The same pair told from the other side.
fn turn(row: &CompareRow) -> CompareRow {
    let verdict = match row.verdict {
        Verdict::Better => Verdict::Worse,
        Verdict::Worse => Verdict::Better,
        Verdict::NotResolved => Verdict::NotResolved,
    };
    let negative = |value: Option<f64>| value.map(|value| -value);
    CompareRow {
        experiment: row.other.clone(),
        other: row.experiment.clone(),
        n: row.other_n,
        other_n: row.n,
        difference: negative(row.difference),
        difference_low: negative(row.difference_high),
        difference_high: negative(row.difference_low),
        verdict,
        mcnemar_better: row.mcnemar_worse,
        mcnemar_worse: row.mcnemar_better,
        extra_params: -row.extra_params,
        extra_macs: -row.extra_macs,
        extra_train_s: negative(row.extra_train_s),
        ..row.clone()
    }
}
