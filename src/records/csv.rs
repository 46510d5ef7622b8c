//! Rows to CSV.

use super::column::Row;
use super::layout::AxisColumns;

/// A table as CSV: the header, then the rows as they come; UTF-8, lines end in `\n`. The columns of
/// the axes stand after the first column, which is the experiment in every table.
///
/// # Errors
///
/// None that a caller could meet: the rows are encoded in memory, and all have the same length.
/// The encoder's error type is passed on.
pub fn csv_bytes<R: Row>(rows: &[R], axes: &AxisColumns) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = R::COLUMNS.iter().map(|column| column.name.to_string()).collect();
    writer.write_record(with_axes(header, axes.names.clone()))?;
    for row in rows {
        let cells = row.cells();
        let own = axes.cells(cells.first().map_or("", String::as_str));
        writer.write_record(with_axes(cells, own))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// The cells of a row with those of the axes after the first.
fn with_axes(mut cells: Vec<String>, axes: Vec<String>) -> Vec<String> {
    let rest = cells.split_off(cells.len().min(1));
    cells.into_iter().chain(axes).chain(rest).collect()
}
