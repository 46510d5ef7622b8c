//! Runs in processes of their own, several at once on one device.
//!
//! A worker is this program, started again with the hidden command `worker`. It is given its work
//! as lines of RON on its input ([`Order`]) and tells of it in lines on its output ([`Message`]).
//! What it trains it reads from the resolved spec of an experiment, so it needs no file that may
//! have changed meanwhile.
//!
//! **Invariant:** a worker that dies costs the run that it has in hand one more try, and nothing else. Workers
//! die with the process that started them.

mod message;
mod pool;
mod process;

pub use message::{Assignment, Message, Order, line};
pub use pool::{Measuring, Processes};
pub use process::Starter;
