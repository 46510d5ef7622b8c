//! What the device has done: waiting for it, and its peak memory.

use tch::{Cuda, Device};

use crate::device;
use crate::shim;

/// Waits until the device has done all that it was given.
pub fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
}

/// Starts the measurement of peak memory anew. What earlier runs left free goes back first.
pub fn reset_peak_memory(device: Device) {
    device::release_memory();
    restart_peak_memory(device);
}

/// The same, and what is free stays where it is.
pub fn restart_peak_memory(device: Device) {
    match device {
        Device::Cuda(index) => {
            let _ = shim::peak_memory(index, true);
        }
        // Linux: 5 resets the peak of the resident set (proc(5), clear_refs).
        _ => {
            let _ = std::fs::write("/proc/self/clear_refs", "5");
        }
    }
}

/// The most memory at one time since the reset, in units of 10^6 bytes: on a GPU what tensors took
/// and CUDA graphs keep, on the CPU what the process had resident. None where it cannot be known.
pub fn peak_memory_mb(device: Device) -> Option<f64> {
    match device {
        Device::Cuda(index) => Some(shim::peak_memory(index, false).ok()? as f64 / 1e6),
        _ => Some(status_bytes("VmHWM:")? as f64 / 1e6),
    }
}

/// What the process has resident now, bytes; on a GPU, where tensors alone count, 0. None where it
/// cannot be known.
pub fn resident_bytes(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(_) => Some(0),
        _ => status_bytes("VmRSS:"),
    }
}

/// A line of `/proc/self/status`, bytes.
fn status_bytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
