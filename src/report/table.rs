//! Tables of a page.

use crate::picture::xml::{Value, Xml};

/// A cell.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Of the cell's element.
    pub(super) class: &'static str,
    /// Told where a pointer rests on it.
    pub(super) title: String,
    pub(super) style: String,
}

impl Cell {
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(super) fn classed(text: impl Into<String>, class: &'static str) -> Self {
        Self { text: text.into(), class, ..Self::default() }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::of(text)
    }
}

/// A table, of which the first cell of every row names the row.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) class: &'static str,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Writes it in a frame that scrolls where it is wider than the screen.
    pub(super) fn write(&self, xml: &mut Xml) {
        let frame = [
            ("class", Value::Text("scroll")),
            ("role", Value::Text("region")),
            ("tabindex", Value::Text("0")),
            ("aria-label", Value::Text(&self.caption)),
        ];
        xml.open("div", &frame);
        xml.open("table", &[("class", Value::Text(self.class))]);
        xml.open("caption", &[]);
        xml.leaf("span", &[], &self.caption);
        xml.close();
        xml.open("thead", &[]);
        xml.open("tr", &[]);
        for name in &self.header {
            xml.leaf("th", &[("scope", Value::Text("col"))], name);
        }
        xml.close();
        xml.close();
        xml.open("tbody", &[]);
        self.rows.iter().for_each(|row| line(row, xml));
        xml.close();
        xml.close();
        xml.close();
    }
}

fn line(cells: &[Cell], xml: &mut Xml) {
    xml.open("tr", &[]);
    for (at, cell) in cells.iter().enumerate() {
        let mut attributes = Vec::new();
        let parts =
            [("class", cell.class), ("title", cell.title.as_str()), ("style", cell.style.as_str())];
        let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
        attributes.extend(parts.map(|(name, text)| (name, Value::Text(text))));
        if at == 0 {
            attributes.push(("scope", Value::Text("row")));
        }
        xml.leaf(if at == 0 { "th" } else { "td" }, &attributes, &cell.text);
    }
    xml.close();
}

/// `1.23 ± 0.45`; empty where there is no mean.
pub(super) fn value(mean: Option<f64>, std: Option<f64>) -> String {
    let spread = std.map(|std| format!(" ± {std:.2}")).unwrap_or_default();
    mean.map(|mean| format!("{mean:.2}{spread}")).unwrap_or_default()
}
