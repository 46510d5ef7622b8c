//! A comparison in each format.

use std::fmt::Write as _;

use crate::cli::CompareFormat;
use crate::commands::grid::Grid;
use crate::compare::{Comparison, sentence};
use crate::records::{AxisColumns, CompareRow, StandingRow, csv_bytes};

/// The text in a format.
pub(super) fn text(told: &Comparison, format: CompareFormat) -> Result<String, String> {
    match format {
        CompareFormat::Table => Ok(page(told, Grid::table)),
        CompareFormat::Markdown => Ok(page(told, Grid::markdown)),
        CompareFormat::Latex => Ok(latex(told)),
        CompareFormat::Csv => {
            let bytes = csv_bytes(&told.pairs, &AxisColumns::default());
            let bytes = bytes.map_err(|error| error.to_string())?;
            String::from_utf8(bytes).map_err(|error| error.to_string())
        }
        CompareFormat::Json => {
            let text = serde_json::to_string_pretty(told).map_err(|error| error.to_string())?;
            Ok(text + "\n")
        }
    }
}

/// The tables, and what is said under them.
fn page(told: &Comparison, draw: fn(&Grid) -> String) -> String {
    let mut text = draw(&standing(told));
    for grid in grids(told) {
        let _ = write!(text, "\n{}", draw(&grid));
    }
    let list =
        |lines: Vec<String>| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
    let _ = write!(text, "\n{}\n{}", legend(told), list(sentences(told)));
    if !told.notes.is_empty() {
        let _ = write!(text, "\nNot compared:\n\n{}", list(notes(told)));
    }
    text
}

/// More notes than that are counted.
const MOST_NOTES: usize = 500;

/// What was left out, as far as anyone reads it.
fn notes(told: &Comparison) -> Vec<String> {
    let more = told.notes.len().saturating_sub(MOST_NOTES);
    let more = (more > 0).then(|| format!("and {more} more, which --format json tells"));
    told.notes.iter().take(MOST_NOTES).cloned().chain(more).collect()
}

/// Tables for the package booktabs; what is said under them stands in comments.
fn latex(told: &Comparison) -> String {
    let mut text = standing(told).latex();
    for grid in grids(told) {
        let _ = write!(text, "\n{}", grid.latex());
    }
    let lines = [legend(told)].into_iter().chain(sentences(told)).chain(notes(told));
    for line in lines.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
        let _ = writeln!(text, "% {line}");
    }
    text
}

fn sentences(told: &Comparison) -> Vec<String> {
    let (pairs, few) = pairs(told);
    let told = pairs.iter().map(|row| sentence(row, told.unit, told.power));
    told.chain(few).collect()
}

/// More pairs than that are not told for people, but those of the experiment with the best mean.
const MOST_PAIRS: usize = 500;

/// The pairs that are told, and what is to be said where these are not all.
fn pairs(told: &Comparison) -> (Vec<&CompareRow>, Option<String>) {
    let best = told.best().filter(|_| told.pairs.len() > MOST_PAIRS);
    let Some(best) = best else { return (told.pairs.iter().collect(), None) };
    let is_of = |row: &&CompareRow| row.experiment == best || row.other == best;
    let few = format!(
        "{} pairs were compared, and p is corrected for all of them; these are those of {best}, which has the \
         best mean. --format csv has all, --baseline NAME or two names ask for others.",
        told.pairs.len()
    );
    (told.pairs.iter().filter(is_of).collect(), Some(few))
}

fn legend(told: &Comparison) -> String {
    let mut text = format!(
        "± sample standard deviation over the n runs. Differences are in {}. {}.\n",
        if told.unit == "%" { "percentage points" } else { told.unit },
        told.rests_on()
    );
    if told.pairs.iter().any(|row| row.mcnemar_seeds > 0) {
        text += "Image by image (McNemar's exact test, Holm over the seeds of a pair) tells whether two \
                 trained networks differ, not whether others of other seeds would.\n";
    }
    text
}

fn standing(told: &Comparison) -> Grid {
    let value = format!("{} {}", told.metric, told.unit);
    let row = |row: &StandingRow| {
        let spread = row.std.map(|std| format!(" ± {std:.2}")).unwrap_or_default();
        vec![
            row.experiment.clone(),
            row.n.to_string(),
            row.mean.map(|mean| format!("{mean:.2}{spread}")).unwrap_or_default(),
            format!("{:.3}", row.params as f64 / 1e6),
            format!("{:.3}", row.macs as f64 / 1e9),
            some(row.train_s, |seconds| format!("{seconds:.1}")),
        ]
    };
    let header = ["experiment", "n", &value, "params (M)", "GMACs", "train (s)"];
    let mut grid = Grid::new(1, &header, told.standing.iter().map(row).collect());
    let best = told.standing.iter().position(|row| row.best);
    grid.bold = best.iter().flat_map(|row| [(*row, 0), (*row, 2)]).collect();
    grid
}

/// The pairs: what differs, and what that costs; none where there are none.
fn grids(told: &Comparison) -> Vec<Grid> {
    if told.pairs.is_empty() {
        return Vec::new();
    }
    let (pairs, _) = pairs(told);
    let rows = |cells: fn(&CompareRow) -> Vec<String>| {
        let names = |row: &CompareRow| vec![row.experiment.clone(), row.other.clone()];
        pairs.iter().map(|row| [names(row), cells(row)].concat()).collect()
    };
    let tests = [
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
    let costs = [
        "experiment",
        "against",
        "extra params (M)",
        "extra GMACs",
        "extra train (s)",
        "per extra GMAC",
        "per extra s",
    ];
    vec![Grid::new(2, &tests, rows(test)), Grid::new(2, &costs, rows(cost))]
}

fn test(row: &CompareRow) -> Vec<String> {
    let test = row.test.as_ref().map(|test| match test.as_str() {
        "Welch" => format!("{test}, n {} and {}", row.n, row.other_n),
        _ => format!("{test}, n {}", row.n),
    });
    let ends = row.difference_low.zip(row.difference_high);
    vec![
        some(row.difference, |difference| format!("{difference:+.2}")),
        some(ends, |(low, high)| format!("{low:+.2} to {high:+.2}")),
        test.unwrap_or_default(),
        some(row.p, probability),
        some(row.p_holm, probability),
        some(row.p_sign_flip, probability),
        row.verdict.to_string(),
        some(row.seeds_needed, |seeds| seeds.to_string()),
    ]
}

fn cost(row: &CompareRow) -> Vec<String> {
    vec![
        format!("{:+.3}", row.extra_params as f64 / 1e6),
        format!("{:+.3}", row.extra_macs as f64 / 1e9),
        some(row.extra_train_s, |seconds| format!("{seconds:+.1}")),
        some(row.per_extra_gmac, |points| format!("{points:+.2}")),
        some(row.per_extra_s, |points| format!("{points:+.4}")),
    ]
}

fn probability(p: f64) -> String {
    if p < 1e-4 { "<0.0001".into() } else { format!("{p:.4}") }
}

/// What is missing is empty.
fn some<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map(text).unwrap_or_default()
}
