//! Every two experiments.

use super::Report;
use super::headline::{class_of, pair};
use super::table::{Cell, Table};
use super::verdicts::probability;
use crate::compare::Sequentially;
use crate::picture::xml::Xml;

/// A matrix of the differences; nothing of fewer than three experiments, which the first table tells of.
pub(super) fn write(report: &Report, xml: &mut Xml) {
    let names: Vec<&String> = report.told().into_iter().map(|group| &group.name).collect();
    let row = |name: &&String| {
        let cells = names.iter().map(|other| cell(report, name, other));
        [Cell::of(name.as_str())].into_iter().chain(cells).collect()
    };
    let header = [String::new()].into_iter().chain(names.iter().map(|name| name.to_string()));
    let by = report.comparison.as_ref().map(|comparison| {
        let holm = format!(
            "at a level of {} % after Holm's correction for all pairs",
            comparison.level * 100.0
        );
        match comparison.sequential() {
            Sequentially::None => format!(" {holm}"),
            Sequentially::All => " by the sequential test that added seeds".to_owned(),
            Sequentially::Some => {
                format!(" by the sequential test where that added seeds, elsewhere {holm}")
            }
        }
    });
    let caption = format!(
        "How much the experiment of a row is above that of a column; coloured and marked where the \
         difference is resolved{}.",
        by.unwrap_or_default()
    );
    let (class, header, rows) = ("matrix", header.collect(), names.iter().map(row).collect());
    Table { caption, class, header, rows }.write(xml);
}

fn cell(report: &Report, name: &str, other: &str) -> Cell {
    let Some(row) = pair(report, name, other) else { return Cell::default() };
    let Some(difference) = row.difference else { return Cell::classed("", "open") };
    let p = row
        .p_holm
        .map(|p| format!("p {} corrected for all pairs, ", probability(p)))
        .unwrap_or_default();
    let title = format!("{name} against {other}: {p}{}", row.verdict);
    let mark = match class_of(row.verdict) {
        "better" => " ▲",
        "worse" => " ▼",
        _ => "",
    };
    let text = format!("{difference:+.2}{mark}");
    Cell { text, class: class_of(row.verdict), title, ..Cell::default() }
}
