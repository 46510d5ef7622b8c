//! Differences as a table for people.

use std::fmt;

use super::{Diff, Mark, Total};
use crate::plan::table::{group, new_table, row};

impl Mark {
    /// In one character, as in a difference of texts.
    pub fn sign(self) -> char {
        match self {
            Self::Removed => '-',
            Self::Added => '+',
            Self::Changed => '~',
            Self::Renamed => '=',
        }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
        }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        let width = self.lines.iter().map(|line| line.subject.chars().count()).max().unwrap_or(0);
        for line in &self.lines {
            let text = format!("{} {:width$}  {}", line.mark.sign(), line.subject, line.what);
            writeln!(f, "{}", text.trim_end())?;
        }
        let counts = [
            (self.counts.removed, Mark::Removed),
            (self.counts.added, Mark::Added),
            (self.counts.changed, Mark::Changed),
            (self.counts.renamed, Mark::Renamed),
        ];
        let told = counts.iter().map(|(n, mark)| format!("{n} {} ({})", mark.word(), mark.sign()));
        writeln!(f, "\nsteps: {}\n", told.collect::<Vec<_>>().join(", "))?;
        let mut table = new_table(&["", "first", "second", "difference", "%"]);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
        for total in &self.totals {
            table.add_row(row(&cells(total)));
        }
        writeln!(f, "{table}")
    }
}

fn cells(Total { name, values: (a, b) }: &Total) -> [String; 5] {
    let difference = match b.cmp(a) {
        std::cmp::Ordering::Less => format!("-{}", group(a - b)),
        std::cmp::Ordering::Equal => "0".into(),
        std::cmp::Ordering::Greater => format!("+{}", group(b - a)),
    };
    [(*name).into(), group(*a), group(*b), difference, percent(*a, *b)]
}

/// Of the first; empty where that is 0.
fn percent(a: u64, b: u64) -> String {
    match a {
        0 => String::new(),
        _ if a == b => "0".into(),
        _ => format!("{:+.1}", (b as f64 / a as f64 - 1.0) * 100.0),
    }
}
