//! Time that other programs do not lengthen.

/// Seconds that this thread has had of a processor; Linux counts them in nanoseconds.
pub fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}
