//! Any bytes as weights and as predictions: they are read, or told what is wrong with them.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../common/hostile/mod.rs"]
mod hostile;
use hostile::safetensors::Bench;

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

fuzz_target!(|bytes: &[u8]| {
    let _ = BENCH.drive(bytes);
});
