//! Several tables on a page, and what is said under them.

use std::fmt::{Display, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::grid::Grid;
use super::plan::{print, write};
use crate::cli::TableFormat;
use crate::records::{AxisColumns, Row, Unreadable, csv_bytes};

/// A table, with what stands over it where there are several.
pub(super) struct Sheet {
    pub(super) title: Option<String>,
    pub(super) grid: Grid,
}

/// Prints what a command tells, or writes it to a file, and names the files that could not be read, which
/// end it with 1; `code` is that of an error.
pub(super) fn finish<E: Display>(
    told: Result<(String, Vec<Unreadable>), E>,
    code: fn(&E) -> u8,
    output: Option<&Path>,
) -> ExitCode {
    match told {
        Ok((text, unreadable)) => {
            let written = output.map_or_else(|| print(&text), |path| write(path, &text));
            ended(written, &unreadable)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(code(&error))
        }
    }
}

/// Names the files that could not be read, which end a command with 1.
pub(super) fn ended(code: ExitCode, unreadable: &[Unreadable]) -> ExitCode {
    for fault in unreadable {
        eprintln!("error: {fault}; the others were read without it");
    }
    if unreadable.is_empty() { code } else { ExitCode::FAILURE }
}

/// Rows as CSV.
pub(super) fn csv<R: Row>(rows: &[R]) -> Result<String, String> {
    let bytes = csv_bytes(rows, &AxisColumns::default()).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Everything as JSON.
pub(super) fn json(told: &impl Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(told).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// Tables for people: in LaTeX where that is asked for, in Markdown where that is, else for a terminal.
pub(super) fn told_in(format: TableFormat, sheets: &[Sheet], under: &[String]) -> String {
    match format {
        TableFormat::Latex => latex(sheets, under),
        TableFormat::Markdown => page(sheets, under, Grid::markdown, "### "),
        _ => page(sheets, under, Grid::table, ""),
    }
}

/// The tables with their titles, and what is said under them.
fn page(sheets: &[Sheet], under: &[String], draw: fn(&Grid) -> String, before: &str) -> String {
    let mut text = String::new();
    for Sheet { title, grid } in sheets {
        let title = title.as_ref().map(|title| format!("{before}{title}\n\n"));
        let _ = writeln!(text, "{}{}", title.unwrap_or_default(), draw(grid));
    }
    text + &under.join("\n") + "\n"
}

/// Tables for the package booktabs; titles and what is said stand in comments.
fn latex(sheets: &[Sheet], under: &[String]) -> String {
    let mut text = String::new();
    for Sheet { title, grid } in sheets {
        let title = title.as_ref().map(|title| format!("% {title}\n")).unwrap_or_default();
        let _ = writeln!(text, "{title}{}", grid.latex());
    }
    let lines = under.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty());
    text + &lines.map(|line| format!("% {line}\n")).collect::<String>()
}
