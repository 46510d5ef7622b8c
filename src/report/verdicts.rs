//! What was found of pairs, in words and as a table of the tests behind them.

use super::Report;
use super::table::{Cell, Table};
use crate::compare::{Comparison, Sequentially, sentence};
use crate::picture::xml::{Value, Xml};
use crate::records::CompareRow;

/// Most pairs that are told in words.
const MOST: usize = 12;

pub(super) fn write(report: &Report, comparison: &Comparison, xml: &mut Xml) {
    if comparison.pairs.is_empty() {
        xml.leaf("p", &[], "There is one experiment, so nothing is compared.");
        return;
    }
    let told = told(report, comparison);
    xml.leaf("h3", &[], "In words");
    xml.open("ul", &[("class", Value::Text("verdicts"))]);
    for row in &told {
        xml.leaf("li", &[], &sentence(row, comparison.unit, comparison.power));
    }
    xml.close();
    let tested = tested(report, comparison);
    let more = tested.len().saturating_sub(told.len());
    if more > 0 {
        xml.leaf("p", &[], &format!("The tests of the other {more} pairs stand in the table."));
    }
    let left_out = comparison.pairs.len() - tested.len();
    if left_out > 0 {
        let about = format!(
            "The tests of {left_out} pairs of other experiments are left out; probabilities are corrected \
             for them too. `cargo xtask compare {} --format csv` has every pair.",
            report.again.folder
        );
        xml.leaf("p", &[], &about);
    }
    xml.open("details", &[("id", Value::Text("tests"))]);
    xml.leaf("summary", &[], "The tests behind it");
    tests(comparison, &tested).write(xml);
    xml.close();
}

/// All pairs, or where these are many, the first ones with the experiment that the others are set against.
fn told<'a>(report: &Report, comparison: &'a Comparison) -> Vec<&'a CompareRow> {
    let pairs = tested(report, comparison);
    if pairs.len() <= MOST {
        return pairs;
    }
    let reference = report.reference.as_deref().unwrap_or_default();
    let is_of = |row: &&CompareRow| row.experiment == reference || row.other == reference;
    pairs.into_iter().filter(is_of).take(MOST).collect()
}

/// The pairs of experiments that are told of in detail.
fn tested<'a>(report: &Report, comparison: &'a Comparison) -> Vec<&'a CompareRow> {
    let names: Vec<&str> = report.told().iter().map(|group| group.name.as_str()).collect();
    let is_told = |name: &String| names.contains(&name.as_str());
    let both = |row: &&CompareRow| is_told(&row.experiment) && is_told(&row.other);
    comparison.pairs.iter().filter(both).collect()
}

fn tests(comparison: &Comparison, tested: &[&CompareRow]) -> Table {
    let header = [
        "experiment",
        "against",
        "difference",
        "interval",
        "test",
        "p",
        "p (Holm)",
        "p (sign flip)",
        "verdict",
        "seeds needed",
    ];
    Table {
        caption: match comparison.sequential() {
            Sequentially::All => format!("Every pair. {}.", comparison.rests_on()),
            _ => format!(
                "Every pair. {}. Seeds needed are those a side that show so large a difference with a power \
                 of {}.",
                comparison.rests_on(),
                comparison.power
            ),
        },
        class: "numbers",
        header: header.map(str::to_owned).to_vec(),
        rows: tested.iter().map(|pair| row(pair)).collect(),
    }
}

fn row(row: &CompareRow) -> Vec<Cell> {
    let signed = |value: Option<f64>| value.map(|value| format!("{value:+.2}")).unwrap_or_default();
    let p = |p: Option<f64>| Cell::of(p.map(probability).unwrap_or_default());
    let ends = row.difference_low.zip(row.difference_high);
    let ends = ends.map(|(low, high)| format!("{low:+.2} to {high:+.2}")).unwrap_or_default();
    let test = row.test.as_ref().map(|test| match test.as_str() {
        "Welch" => format!("{test}, n {} and {}", row.n, row.other_n),
        _ => format!("{test}, n {}", row.n),
    });
    vec![
        Cell::of(row.experiment.as_str()),
        Cell::of(row.other.as_str()),
        Cell::of(signed(row.difference)),
        Cell::of(ends),
        Cell::of(test.unwrap_or_default()),
        p(row.p),
        p(row.p_holm),
        p(row.p_sign_flip),
        Cell::of(row.verdict.to_string()),
        Cell::of(row.seeds_needed.map(|seeds| seeds.to_string()).unwrap_or_default()),
    ]
}

/// A probability; one below a ten-thousandth is told so.
pub(super) fn probability(p: f64) -> String {
    if p < 1e-4 { "<0.0001".into() } else { format!("{p:.4}") }
}
