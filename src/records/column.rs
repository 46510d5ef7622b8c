//! Columns, declared once: [`table!`] turns the declaration of a table into its struct, its
//! header, its cells and its documentation.

use std::fmt::Write;

/// A row of a table whose columns are declared with `table!`.
pub trait Row {
    /// The file name of the table, such as `epochs.csv`.
    const FILE: &'static str;
    /// The columns, in the order in which they are written.
    const COLUMNS: &'static [Column];

    /// The cells in the order of [`Row::COLUMNS`]; what is missing is an empty string.
    fn cells(&self) -> Vec<String>;
}

/// What one column is called, counts and means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name in the header.
    pub name: &'static str,
    /// The unit, such as `s` or `%`; empty for text and plain counts.
    pub unit: &'static str,
    /// One sentence or two of what it means and when it is empty.
    pub doc: &'static str,
}

impl Column {
    /// Whether it holds times, rates or memory, which differ from run to run of the same spec and
    /// seed. All others are the same byte for byte on a CPU.
    pub fn is_measured(&self) -> bool {
        matches!(self.unit, "s" | "ms" | "images/s" | "MB") || self.name == "started"
    }
}

/// A value that can stand in a cell.
pub trait Cell {
    /// The text of the cell, which reads back as the same value; empty if the value is missing.
    fn cell(&self) -> String;
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map(Cell::cell).unwrap_or_default()
    }
}

impl Cell for f64 {
    /// The shortest digits that read back as the same number; `nan`, `inf` and `-inf`.
    fn cell(&self) -> String {
        let magnitude = self.abs();
        if self.is_nan() {
            "nan".to_owned()
        } else if self.is_finite() && *self != 0.0 && !(1e-5..1e16).contains(&magnitude) {
            format!("{self:e}")
        } else {
            self.to_string()
        }
    }
}

macro_rules! cell_by_display {
    ($($ty:ty),+) => { $(impl Cell for $ty {
        fn cell(&self) -> String {
            self.to_string()
        }
    })+ };
}

cell_by_display!(bool, String, u32, u64, i64);

/// Declares a table: `/// doc` `name: type [unit],` for each column, the unit left out for text
/// and plain counts.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $row:ident in $file:literal {
            $($(#[doc = $doc:literal])+ $name:ident: $ty:ty $([$unit:literal])?,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $row {
            $($(#[doc = $doc])+ pub $name: $ty,)+
        }

        impl $crate::records::Row for $row {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [$crate::records::Column] = &[
                $($crate::records::Column {
                    name: stringify!($name),
                    unit: concat!($($unit)?),
                    doc: concat!($($doc),+).trim_ascii(),
                },)+
            ];

            fn cells(&self) -> Vec<String> {
                vec![$($crate::records::Cell::cell(&self.$name)),+]
            }
        }
    };
}

pub(crate) use table;

/// The columns of a table as a Markdown table, as `results/README.md` shows them.
pub fn columns_markdown<R: Row>() -> String {
    let mut text = String::from("| column | unit | meaning |\n|---|---|---|\n");
    for Column { name, unit, doc } in R::COLUMNS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{name}` | {unit} | {doc} |");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_of_what_is_missing_or_not_finite() {
        assert_eq!(None::<f64>.cell(), "");
        assert_eq!(Some(0.0).cell(), "0");
        assert_eq!(f64::NAN.cell(), "nan");
        assert_eq!((-f64::INFINITY).cell(), "-inf");
        assert_eq!(1e-7.cell(), "1e-7");
        assert_eq!(93.5.cell(), "93.5");
    }

    proptest! {
        #[test]
        fn a_number_reads_back_bit_for_bit(number in proptest::num::f64::NORMAL) {
            prop_assert_eq!(number.cell().parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
