//! Any bytes as a checkpoint: it is read, or told to be none.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../common/hostile/mod.rs"]
mod hostile;

fuzz_target!(|bytes: &[u8]| {
    let _ = hostile::checkpoint::drive(bytes);
});
