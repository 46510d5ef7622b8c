//! Disagreements in each format.

use super::Told;
use crate::cli::TableFormat;
use crate::commands::grid::Grid;
use crate::commands::sheet::{Sheet, csv, json, told_in};
use crate::compare::classes::Agreement;
use crate::records::DisagreeRow;

/// The text in a format.
pub(super) fn text(told: &Told, format: TableFormat) -> Result<String, String> {
    match format {
        TableFormat::Csv => csv(&told.images),
        TableFormat::Json => json(told),
        _ => Ok(told_in(format, &[images(told)], &under(told))),
    }
}

fn images(told: &Told) -> Sheet {
    let (first, second) = (&told.experiment, &told.other);
    let header = [
        "image".to_owned(),
        "class".to_owned(),
        format!("{first} right"),
        format!("{first} says"),
        format!("{first} loss"),
        format!("{second} right"),
        format!("{second} says"),
        format!("{second} loss"),
    ];
    let row = |row: &DisagreeRow| {
        let says = |class: &str, count, n| match count == n {
            true => class.to_owned(),
            false => format!("{class} ({count})"),
        };
        vec![
            row.image.to_string(),
            row.class.clone(),
            format!("{} of {}", row.right, row.n),
            says(&row.says, row.says_n, row.n),
            format!("{:.2}", row.loss),
            format!("{} of {}", row.other_right, row.other_n),
            says(&row.other_says, row.other_says_n, row.other_n),
            format!("{:.2}", row.other_loss),
        ]
    };
    Sheet { title: None, grid: Grid::new(2, &header, told.images.iter().map(row).collect()) }
}

fn under(told: &Told) -> Vec<String> {
    let Told { experiment, other, found, right, .. } = told;
    let share = told.share * 100.0;
    let mut under = vec![
        format!(
            "{experiment} has {right} and {other} {} images right in {share} % of its seeds or more that the \
             other has wrong in as many; the {} clearest are listed, by their places in the test set, from 0.",
            found - right,
            told.images.len()
        ),
        "Says: the class that most runs say, with their number where not all do; loss: mean \
         cross-entropy, nats."
            .to_owned(),
        String::new(),
    ];
    under.extend(told.agreement.map(|both| {
        format!(
            "{experiment} and {other} say the same of {}",
            agreement(&both, "runs, one of each")
        )
    }));
    let within = [(experiment, told.agreement_within), (other, told.other_agreement_within)];
    under.extend(within.into_iter().filter_map(|(name, own)| {
        Some(format!("Two runs of {name} say the same of {}", agreement(&own?, "its runs")))
    }));
    if !told.notes.is_empty() {
        under.push(String::new());
        under.extend(told.notes.iter().map(|note| format!("- {note}")));
    }
    under
}

fn agreement(own: &Agreement, of: &str) -> String {
    let kappa = own.kappa.map(|kappa| format!(", Cohen's kappa {kappa:.3}")).unwrap_or_default();
    let plural = if own.pairs == 1 { "" } else { "s" };
    format!(
        "{:.2} % of the images{kappa} (mean over {} pair{plural} of {of})",
        own.share, own.pairs
    )
}
