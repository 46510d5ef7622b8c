//! Build script of resweep.
fn main() {}
