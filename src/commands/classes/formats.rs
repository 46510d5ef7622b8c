//! What is told of classes in each format.

use std::cmp::Ordering::Equal;
use std::collections::HashMap;

use super::rows::{Classes, Whole};
use crate::cli::TableFormat;
use crate::commands::grid::Grid;
use crate::commands::sheet::{Sheet, csv, json, told_in};
use crate::records::{ClassPairRow, ClassRow, ConfusionRow, Verdict};

/// How many confusions of an experiment are named.
const NAMED: usize = 5;

/// The text in a format: accuracies, or what is taken for what.
pub(super) fn text(told: &Classes, format: TableFormat, confusion: bool) -> Result<String, String> {
    match (format, confusion) {
        (TableFormat::Csv, true) => csv(&told.confusion),
        (TableFormat::Csv, false) => csv(&told.classes),
        (TableFormat::Json, _) => json(told),
        (_, true) => Ok(told_in(format, &confusions(told), &under_confusions(told))),
        (_, false) => Ok(told_in(format, &[accuracies(told)], &under_accuracies(told))),
    }
}

/// Classes down, experiments across; the best in bold.
fn accuracies(told: &Classes) -> Sheet {
    let names = told.experiments.iter().map(|own| format!("{}, n {}", own.experiment, own.n));
    let header: Vec<String> =
        ["class".into(), "images".into()].into_iter().chain(names).chain(["best".into()]).collect();
    let by_class: Vec<&[ClassRow]> = told.classes.chunks(told.experiments.len().max(1)).collect();
    let cells = by_class.iter().map(|rows| class_cells(rows)).chain([whole(told)]);
    let mut grid = Grid::new(1, &header, cells.collect());
    let best = |(row, rows): (usize, &&[ClassRow])| {
        rows.iter().position(|one| one.best).map(|place| (row, place + 2))
    };
    grid.bold = by_class.iter().enumerate().filter_map(best).collect();
    Sheet { title: None, grid }
}

fn class_cells(rows: &[ClassRow]) -> Vec<String> {
    let best = rows.iter().find(|row| row.best).map(|row| row.experiment.clone());
    let class = rows.first().map(|row| [row.class.clone(), row.images.to_string()]);
    let values = rows.iter().map(|row| value(row.accuracy_mean, row.accuracy_std));
    class.into_iter().flatten().chain(values).chain([best.unwrap_or_default()]).collect()
}

/// All classes together.
fn whole(told: &Classes) -> Vec<String> {
    let values = told.experiments.iter().map(|own| value(own.top1_mean, own.top1_std));
    let start = ["all".to_owned(), told.images.to_string()];
    start.into_iter().chain(values).chain([String::new()]).collect()
}

fn value(mean: Option<f64>, std: Option<f64>) -> String {
    let spread = std.map(|std| format!(" ± {std:.2}")).unwrap_or_default();
    mean.map(|mean| format!("{mean:.2}{spread}")).unwrap_or_default()
}

fn under_accuracies(told: &Classes) -> Vec<String> {
    let percent = told.level * 100.0;
    let tests = told.pairs.iter().filter(|pair| pair.p.is_some()).count();
    let mut under = vec![
        "Of the images of each class the share that is right, %; ± sample standard deviation over the n runs."
            .to_owned(),
    ];
    if told.experiments.len() > 1 {
        under.push(format!(
            "Best: better than every other at level {percent} % by a test paired by seed (Welch's where seeds \
             are not shared), corrected for all {tests} tests in all classes (Holm); empty where that is not \
             resolved. `compare` tells whether the whole differs."
        ));
        under.push(String::new());
        under.extend(resolved(told));
    }
    noted(under, told)
}

/// More pairs that differ are not told in words, but those of the experiment that is best of all images.
const MOST_TOLD: usize = 400;

/// The pairs that differ in some class, and those classes.
fn resolved(told: &Classes) -> Vec<String> {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut pairs: Vec<Vec<&ClassPairRow>> = Vec::new();
    for row in told.pairs.iter().filter(|row| row.verdict != Verdict::NotResolved) {
        let place = *places.entry((&row.experiment, &row.other)).or_insert(pairs.len());
        match pairs.get_mut(place) {
            Some(pair) => pair.push(row),
            None => pairs.push(vec![row]),
        }
    }
    if pairs.is_empty() {
        return vec!["In no class is a difference between two experiments resolved.".to_owned()];
    }
    let all = pairs.len();
    let by_top1 = |a: &&Whole, b: &&Whole| a.top1_mean.partial_cmp(&b.top1_mean).unwrap_or(Equal);
    let best = told.experiments.iter().max_by(by_top1).map_or("", |own| own.experiment.as_str());
    if all > MOST_TOLD {
        pairs.retain(|pair| [&pair[0].experiment, &pair[0].other].into_iter().any(|it| it == best));
    }
    let mut lines: Vec<String> = pairs.iter().filter_map(|pair| differences(pair)).collect();
    if all > MOST_TOLD {
        lines.push(format!(
            "\n{all} pairs differ in some class; these are those of {best}, which has most images right. \
             --format json has all; or name the experiments to be compared."
        ));
    }
    lines
}

/// A pair, given its classes that differ.
fn differences(pair: &[&ClassPairRow]) -> Option<String> {
    let first = pair.first()?;
    let found = |verdict: Verdict| -> Option<String> {
        let rows = pair.iter().filter(|row| row.verdict == verdict);
        let named =
            rows.map(|row| format!("{} ({:+.2})", row.class, row.difference.unwrap_or(0.0)));
        let named: Vec<String> = named.collect();
        let other = &first.other;
        (!named.is_empty()).then(|| format!("{verdict} than {other} in {}", named.join(", ")))
    };
    let both: Vec<String> =
        [Verdict::Better, Verdict::Worse].into_iter().filter_map(found).collect();
    Some(format!("- {} is {}", first.experiment, both.join(", ")))
}

fn noted(mut under: Vec<String>, told: &Classes) -> Vec<String> {
    if !told.notes.is_empty() {
        under.push("\nLeft out:\n".to_owned());
        under.extend(told.notes.iter().map(|note| format!("- {note}")));
    }
    under
}

/// A matrix an experiment: the class down, what it was taken for across, as shares of the row.
fn confusions(told: &Classes) -> Vec<Sheet> {
    let of = |name: &str| -> Vec<&ConfusionRow> {
        told.confusion.iter().filter(|row| row.experiment == name).collect()
    };
    let sheet = |(name, n): (&str, u32)| {
        let rows = of(name);
        let by_class: Vec<&[&ConfusionRow]> = rows.chunk_by(|a, b| a.class == b.class).collect();
        let across = by_class.iter().map(|row| row[0].class.clone());
        let header: Vec<String> = ["class".to_owned()].into_iter().chain(across).collect();
        let cells = by_class.iter().map(|row| matrix_cells(row)).collect();
        Sheet { title: Some(format!("{name}, n {n}")), grid: Grid::new(1, &header, cells) }
    };
    told.experiments.iter().map(|own| sheet((&own.experiment, own.n))).collect()
}

/// What never happened is empty.
fn matrix_cells(row: &[&ConfusionRow]) -> Vec<String> {
    let share = |cell: &&ConfusionRow| {
        let share = cell.share.filter(|_| cell.count > 0);
        share.map(|share| format!("{share:.1}")).unwrap_or_default()
    };
    [row[0].class.clone()].into_iter().chain(row.iter().map(share)).collect()
}

fn under_confusions(told: &Classes) -> Vec<String> {
    let mut under = vec![
        "Of the images of a class (row) the share that was taken for each class (column), %, all runs \
         together; empty where that never happened."
            .to_owned(),
        "\nMost often taken for another:\n".to_owned(),
    ];
    under.extend(told.experiments.iter().filter_map(|own| most(told, &own.experiment)));
    noted(under, told)
}

/// The confusions of an experiment that happened most often.
fn most(told: &Classes, experiment: &str) -> Option<String> {
    let own = told.confusion.iter().filter(|row| row.experiment == experiment);
    let mut wrong: Vec<&ConfusionRow> =
        own.filter(|row| row.class != row.taken_for && row.count > 0).collect();
    wrong.sort_by_key(|row| std::cmp::Reverse(row.count));
    let one = |row: &&ConfusionRow| {
        let share = row.share.map(|share| format!(" ({share:.1} %)")).unwrap_or_default();
        format!("{} for {}{share}", row.class, row.taken_for)
    };
    let named: Vec<String> = wrong.iter().take(NAMED).map(one).collect();
    (!named.is_empty()).then(|| format!("- {experiment}: {}", named.join(", ")))
}
