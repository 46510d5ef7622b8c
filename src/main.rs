//! The resweep binary.
fn main() {}
