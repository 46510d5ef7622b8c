//! Rows to CSV.

use super::column::Row;

/// A table as CSV: the header, then the rows as they come; UTF-8, lines end in `\n`.
///
/// # Errors
///
/// None that a caller could meet: the rows are encoded in memory, and all have the same length.
/// The encoder's error type is passed on.
pub fn csv_bytes<R: Row>(rows: &[R]) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(R::COLUMNS.iter().map(|column| column.name))?;
    for row in rows {
        writer.write_record(row.cells())?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}
