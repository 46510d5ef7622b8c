//! Plans as tables for people.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableComponent, presets};

use super::Plan;

/// The layer table of one network: name, operation, output shape, params, MACs, and totals.
pub fn layers(plan: &Plan) -> String {
    let mut table = new_table(&["name", "operation", "output shape", "params", "MACs"]);
    table.add_row(row(&[
        "input".into(),
        String::new(),
        plan.input.to_string(),
        String::new(),
        String::new(),
    ]));
    for step in &plan.steps {
        table.add_row(row(&[
            step.path.clone(),
            step.op.name().into(),
            step.shape.to_string(),
            count(plan.params_of(step)),
            count(step.macs),
        ]));
    }
    format!("{table}\n\n{}\n", totals(plan))
}

/// Every experiment of a sweep side by side.
pub fn experiments<'a>(plans: impl IntoIterator<Item = (&'a str, &'a Plan)>) -> String {
    let header = ["experiment", "input", "layers", "params", "GMACs", "activations, MB/image"]
        .map(String::from);
    let row = |(name, plan): (&str, &Plan)| {
        [name.to_string(), plan.input.to_string(), depth(plan)]
            .into_iter()
            .chain(costs(plan))
            .collect()
    };
    wide(&header, plans.into_iter().map(row))
}

/// A table of rows that begin with a name; numbers stand to the right.
pub fn wide(header: &[String], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = rows.into_iter().collect();
    let mut table = new_table(&header);
    for cells in &rows {
        table.add_row(row(cells));
    }
    for (at, column) in table.column_iter_mut().enumerate().skip(1) {
        let mut cells = rows.iter().filter_map(|cells| cells.get(at));
        let numbers =
            cells.all(|cell| cell.replace(',', "").parse::<f64>().is_ok() || cell.is_empty());
        let alignment = if numbers { CellAlignment::Right } else { CellAlignment::Left };
        column.set_cell_alignment(alignment);
    }
    format!("{table}\n")
}

/// How many steps have weights that multiply: convolutions and linear layers.
pub fn depth(plan: &Plan) -> String {
    plan.steps.iter().filter(|step| step.macs > 0).count().to_string()
}

/// Parameters, 10^9 MACs, and MB of activations for an image.
pub fn costs(plan: &Plan) -> [String; 3] {
    [
        group(plan.params()),
        format!("{:.3}", plan.macs() as f64 / 1e9),
        format!("{:.2}", plan.activation_bytes() as f64 / 1e6),
    ]
}

fn totals(plan: &Plan) -> String {
    format!(
        "params {}   GMACs {:.3}   activations {:.2} MB per image",
        group(plan.params()),
        plan.macs() as f64 / 1e9,
        plan.activation_bytes() as f64 / 1e6
    )
}

pub(super) fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.remove_style(TableComponent::HorizontalLines);
    table.remove_style(TableComponent::MiddleIntersections);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

pub(super) fn row(cells: &[String]) -> Vec<Cell> {
    cells.iter().map(Cell::new).collect()
}

/// Missing is empty, never 0.
fn count(number: u64) -> String {
    if number == 0 { String::new() } else { group(number) }
}

/// A number with commas between thousands: `11173962` as `11,173,962`.
pub fn group(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
