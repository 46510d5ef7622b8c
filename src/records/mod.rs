//! Records: what a sweep leaves behind. Typed rows in, bytes out; nothing here knows of tensors.
//!
//! | file | what stands there |
//! |---|---|
//! | `rows` | the four tables: every column declared once, with its unit |
//! | `bench`, `certify`, `compare`, `classes` | the tables of the commands of these names, and of `disagree` |
//! | `column` | the macro that turns a declaration into struct, header, cells and documentation |
//! | `record` | one run with its epochs, and how its row follows from them |
//! | `halving` | what was decided at the rungs of successive halving: a table of its own |
//! | `seeds` | what was decided of pairs while seeds were added: a table of its own |
//! | `layout` | the experiments of a sweep in order, and the columns of its axes |
//! | `tables` | records to tables: the order of the rows, the statistics over seeds |
//! | `csv` | rows to CSV |
//! | `summary` | tables to what is printed at the end of a sweep |
//! | `store` | the folder `results/<sweep name>/` |
//! | `folder` | the same folder read afterwards, with what runs said of the test images |
//! | `head` | the row of a run from its record without its epochs, or these alone |
//! | `kept` | one run's folder, to be trained again |
//! | `differ` | where two runs differ, by what is kept of them |
//! | `lock` | who uses it |
//! | `claim` | who trains a run of it, where several do |
//! | `inside` | which of its folders and files are links that lead elsewhere |
//! | `edited` | tables that someone has changed |
//! | `baseline` | what a sweep sets its experiments against, read from its tables |
//! | `atomic` | files that are replaced as a whole |
//!
//! **Invariant:** a table is a pure function of the records of the planned runs and of the sweep's
//! layout. The order in which runs end changes no byte of it, and no row changes its columns.
//!
//! **Invariant:** what is missing is an empty cell, never 0.

pub mod atomic;
mod baseline;
mod bench;
mod certify;
mod claim;
mod classes;
mod column;
mod compare;
mod csv;
mod differ;
mod edited;
mod folder;
mod halving;
mod head;
mod inside;
mod kept;
mod layout;
mod lock;
mod record;
mod rows;
mod seeds;
mod store;
mod summary;
mod tables;

pub use baseline::baseline_of;
pub use bench::BenchRow;
pub use certify::{CertifyRow, CertifyRunRow};
pub use claim::{Claim, Holder, SILENT, Seen};
pub use classes::{ClassPairRow, ClassRow, ConfusionRow, DisagreeRow};
pub(crate) use column::table;
pub use column::{Cell, Column, Row, columns_markdown};
pub use compare::{CompareRow, McNemarRow, StandingRow, Verdict};
pub use csv::csv_bytes;
pub use differ::{CellDifference, environments, first_difference};
pub use folder::{Folder, Predictions, Run, Said, Unreadable};
pub use halving::{Decision, Decisions, HalvingRow};
pub use kept::{KeptRun, NotKept};
pub use layout::{AxisColumns, Layout};
pub use lock::{Access, Lock};
pub use record::{Clock, Ending, Environment, Facts, Record, RunId, Span};
pub use rows::{AccuracyRow, EpochRow, RunRow, Status, TimingRow};
pub use seeds::{SeedsDecision, SeedsRow, last_decisions};
pub use store::{Found, Store, StoreError, peek};
pub use summary::summary;
pub use tables::Tables;
