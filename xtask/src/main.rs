//! The commands of resweep.
fn main() {}
