//! Any bytes as a table or a record of a sweep: all that reads it does, or tells what is wrong with it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../common/hostile/mod.rs"]
mod hostile;
use hostile::csv::Bench;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fuzz_target!(|bytes: &[u8]| {
    let _ = BENCH.drive(bytes);
});
