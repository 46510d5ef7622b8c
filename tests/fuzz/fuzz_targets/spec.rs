//! Any bytes as a spec: they are planned, or told what is wrong with them.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../common/drive.rs"]
mod drive;

fuzz_target!(|bytes: &[u8]| {
    drive::drive(&String::from_utf8_lossy(bytes));
});
