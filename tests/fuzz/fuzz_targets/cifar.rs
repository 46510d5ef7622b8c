//! Any bytes as a data set: it is read, or told what is wrong with it.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../common/hostile/mod.rs"]
mod hostile;

fuzz_target!(|bytes: &[u8]| {
    let _ = hostile::cifar::drive(bytes);
});
