//! Tables of texts: for a terminal, a page and LaTeX.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use crate::regular::shown;

/// A table of texts, the first `names` columns of which are names.
#[derive(Debug)]
pub(super) struct Grid {
    names: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The cells that are set in bold where there is bold, by row and column.
    pub(super) bold: Vec<(usize, usize)>,
}

impl Grid {
    pub(super) fn new(names: usize, header: &[impl ToString], rows: Vec<Vec<String>>) -> Self {
        let header = header.iter().map(ToString::to_string).collect();
        // Some come from files that anyone may have written.
        let rows = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
        Self { names, header, rows, bold: Vec::new() }
    }

    /// For a terminal.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(UTF8_HORIZONTAL_ONLY)
            .remove_style(TableComponent::HorizontalLines)
            .remove_style(TableComponent::MiddleIntersections)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(&self.header);
        table.add_rows(&self.rows);
        for column in table.column_iter_mut().skip(self.names) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt() + "\n"
    }

    /// For a page.
    pub(super) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: String = (0..self.header.len())
            .map(|place| if place < self.names { "|---" } else { "|---:" })
            .collect();
        let escape = |cell: &str| cell.replace('|', "\\|");
        let header: Vec<String> = self.header.iter().map(|cell| escape(cell)).collect();
        let rows = self.bolded(escape, |cell| format!("**{cell}**"));
        let rows: String = rows.iter().map(|row| line(row)).collect();
        format!("{}{rule}|\n{rows}", line(&header))
    }

    /// For the package booktabs.
    pub(super) fn latex(&self) -> String {
        let columns = "l".repeat(self.names) + &"r".repeat(self.header.len() - self.names);
        let line = |cells: &[String]| format!("{} \\\\\n", cells.join(" & "));
        let header: Vec<String> = self.header.iter().map(|cell| escaped(cell)).collect();
        let rows = self.bolded(escaped, |cell| format!("\\textbf{{{cell}}}"));
        let rows: String = rows.iter().map(|row| line(row)).collect();
        format!(
            "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            line(&header)
        )
    }

    /// The rows with every cell escaped, and those in bold that are to be.
    fn bolded(
        &self,
        escape: impl Fn(&str) -> String,
        bold: fn(&str) -> String,
    ) -> Vec<Vec<String>> {
        let cell = |place: (usize, usize), text: &String| {
            let text = escape(text);
            if self.bold.contains(&place) { bold(&text) } else { text }
        };
        let row = |(at, row): (usize, &Vec<String>)| {
            row.iter().enumerate().map(|(column, text)| cell((at, column), text)).collect()
        };
        self.rows.iter().enumerate().map(row).collect()
    }
}

/// Text as LaTeX shows it, in whatever font.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_minus = before == ' ' && letters.peek().is_some_and(char::is_ascii_digit);
        match letter {
            '-' if is_minus => escaped.push_str("$-$"),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '"' => escaped.push_str("''"),
            '<' => escaped.push_str("$<$"),
            '>' => escaped.push_str("$>$"),
            '±' => escaped.push_str("$\\pm$"),
            '×' => escaped.push_str("$\\times$"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
        before = letter;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latex_shows_every_letter_as_it_is() {
        let text = r#"a_b|c>d"e~f^g\h #1 & 100 % {x} $ -1.5 ± 0.2, 3-5, se-net"#;
        let shown = r"a\_b\textbar{}c$>$d''e\textasciitilde{}f\textasciicircum{}g\textbackslash{}h \#1 \& 100 \% \{x\} \$ $-$1.5 $\pm$ 0.2, 3-5, se-net";
        assert_eq!(escaped(text), shown);
    }
}
