//! In a sentence, what the experiments were trained and tested on.

use super::Report;
use crate::records::RunRow;

/// What the specs say of it.
#[derive(Debug, Default)]
pub struct Setup {
    /// The data set of each experiment.
    pub data: Vec<String>,
    /// The epochs of each experiment.
    pub epochs: Vec<u32>,
}

/// `CIFAR-10, 5000 images to train and 10000 to test on; 10 epochs in batches of 128; cpu (AMD EPYC), 1
/// thread, fp32; begun 2026-11-27`, as far as it is known. What differs is told with `to` or `and`.
pub(super) fn sentence(report: &Report) -> String {
    let rows: Vec<&RunRow> = report.groups.iter().flat_map(|group| &group.runs).collect();
    let numbers = |number: fn(&RunRow) -> u64| span(rows.iter().map(|row| number(row)));
    let data = each(report.setup.data.iter().cloned());
    let images = numbers(|row| row.train_images).zip(numbers(|row| row.test_images));
    let images =
        images.map(|(train, test)| format!("{train} images to train and {test} to test on"));
    let batch = numbers(|row| u64::from(row.batch)).map(|batch| format!("in batches of {batch}"));
    let epochs = span(report.setup.epochs.iter().copied());
    let epochs = epochs
        .map(|epochs| if epochs == "1" { "1 epoch".into() } else { format!("{epochs} epochs") });
    let days = span(rows.iter().map(|row| row.started.chars().take(10).collect::<String>()));
    let parts = [
        joined(", ", [data, images]),
        joined(" ", [epochs, batch]),
        joined(
            ", ",
            [
                each(rows.iter().map(|row| machine(row))),
                each(rows.iter().map(|row| row.precision.clone())),
            ],
        ),
        days.map(|days| format!("begun {days}")),
    ];
    joined("; ", parts).map(|text| text + ".").unwrap_or_default()
}

/// `cpu (AMD EPYC), 2 threads`.
fn machine(row: &RunRow) -> String {
    let (kind, model, threads) = row.trained_on();
    let model = model.map(|model| format!(" ({model})")).unwrap_or_default();
    format!("{kind}{model}, {threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// The only value, or the ends of what there is; none of nothing.
fn span<T: Ord + ToString>(values: impl Iterator<Item = T>) -> Option<String> {
    let mut values: Vec<T> = values.collect();
    values.sort();
    let (first, last) = (values.first()?, values.last()?);
    Some(if first == last {
        first.to_string()
    } else {
        format!("{} to {}", first.to_string(), last.to_string())
    })
}

/// Every value once.
fn each(values: impl Iterator<Item = String>) -> Option<String> {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values.dedup();
    (!values.is_empty()).then(|| values.join(" and "))
}

fn joined<const N: usize>(with: &str, parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(with))
}
