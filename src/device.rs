//! Devices: which there are, which to take and why, and the process-wide settings that come first.

use std::path::Path;
use std::sync::OnceLock;

use tch::{Cuda, Device};

use crate::cli::DeviceChoice;
use crate::shim;

/// Why libtorch's CUDA part is not loaded; empty where it is.
static CUDA_FAULT: OnceLock<Option<String>> = OnceLock::new();

/// Loads libtorch's CUDA part where it is there. Must come before anything asks libtorch for CUDA,
/// which remembers the first answer. The program itself is not linked with it, so that one binary
/// serves machines with and without a GPU.
pub fn load_cuda() {
    CUDA_FAULT.get_or_init(|| shim::load("libtorch_cuda.so").err());
}

/// Keeps memory from being handed back between steps, which costs up to half a million page faults a
/// step: that of tensors, and glibc's. Must come before the first large allocation.
pub fn keep_allocator_memory() {
    // Where that fails, tensors stay with glibc.
    let _ = shim::keep_memory();
    shim::keep_heap();
}

/// Hands free memory back to the system, so that the next run's peak is its own.
pub fn release_memory() {
    let _ = shim::release_memory();
    shim::trim_heap();
}

/// Runs of fewer steps than this are over before the quickest kernels have paid for the search among all:
/// measured on an H200 in bfloat16, with ResNet-18 in batches of 128 all take 4.5 s to search and two 1.1 s,
/// and a step is 3.5 % quicker.
const LONG_RUN: u64 = 20_000;

/// Sets how far cuDNN searches for the quickest kernel of a shape that it meets, for a run of so many
/// steps.
pub fn search_kernels(device: Device, steps: u64) {
    if device.is_cuda() {
        // libtorch's own default is 10. Where setting it fails, it stays.
        let _ = shim::search_limit(if steps < LONG_RUN { 2 } else { 10 });
    }
}

/// Does `work` without searching for the quickest kernels: for shapes that come once an epoch.
pub fn without_search<T>(device: Device, work: impl FnOnce() -> T) -> T {
    if !device.is_cuda() {
        return work();
    }
    Cuda::cudnn_set_benchmark(false);
    let done = work();
    Cuda::cudnn_set_benchmark(true);
    done
}

/// Bytes of memory that new processes can take: what the kernel says is available, or what the
/// control group of this process leaves where that is less. None where neither can be known.
pub fn free_memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let available = read("/proc/meminfo").and_then(|text| available(&text));
    let left = |limit: &str, used: &str| Some(number(limit)?.saturating_sub(number(used)?));
    let group = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    [available, group].into_iter().flatten().min()
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// A device that can be used, and why it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The device.
    pub device: Device,
    /// Such as `cpu: there is no NVIDIA driver on this machine`.
    pub why: String,
}

/// A device that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No CUDA at all.
    #[error("--device cuda: {0}; use --device cpu or auto")]
    NoCuda(Absence),
    /// Fewer GPUs than the index needs.
    #[error("--device cuda:{index}: there are {count} CUDA devices, counted from 0")]
    Index {
        /// The one asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

/// Why there is no CUDA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// No driver, so no GPU that could be used.
    #[error("there is no NVIDIA driver on this machine")]
    Driver,
    /// A driver, but libtorch without its CUDA libraries.
    #[error(
        "this set-up of libtorch is for the CPU alone ({0}); `cargo xtask setup --cuda` adds CUDA"
    )]
    Libraries(String),
    /// Both, but no GPU to be seen.
    #[error(
        "libtorch sees no GPU; is CUDA_VISIBLE_DEVICES empty, or the driver too old for CUDA 13?"
    )]
    Unseen,
}

/// The device of a choice.
///
/// # Errors
/// CUDA is asked for and is not there.
pub fn resolve(choice: DeviceChoice) -> Result<Resolved, DeviceError> {
    let cpu = |why: String| Ok(Resolved { device: Device::Cpu, why: format!("cpu: {why}") });
    match (choice, cuda_count()) {
        (DeviceChoice::Cpu, _) => cpu(format!("asked for; {}", describe(Device::Cpu))),
        (DeviceChoice::Auto, Err(absence)) => cpu(absence.to_string()),
        (DeviceChoice::Auto, Ok(_)) => Ok(cuda(0)),
        (DeviceChoice::Cuda(_), Err(absence)) => Err(DeviceError::NoCuda(absence)),
        (DeviceChoice::Cuda(index), Ok(count)) if index >= count => {
            Err(DeviceError::Index { index, count })
        }
        (DeviceChoice::Cuda(index), Ok(_)) => Ok(cuda(index)),
    }
}

fn cuda(index: usize) -> Resolved {
    let device = Device::Cuda(index);
    Resolved { device, why: format!("cuda:{index}: {}", describe(device)) }
}

/// How many GPUs libtorch sees, at least one.
fn cuda_count() -> Result<usize, Absence> {
    let fault = CUDA_FAULT.get().cloned().flatten();
    let driver = Path::new("/proc/driver/nvidia/version").exists()
        || Path::new("/dev/nvidia0").exists()
        || Path::new("/dev/nvidiactl").exists();
    match (driver, fault) {
        (false, _) => Err(Absence::Driver),
        (true, Some(fault)) => Err(Absence::Libraries(fault)),
        (true, None) => match Cuda::device_count() {
            count @ 1.. => Ok(count as usize),
            _ => Err(Absence::Unseen),
        },
    }
}

/// The model of a device.
pub fn describe(device: Device) -> String {
    let found = match device {
        Device::Cuda(index) => gpu_name(index),
        _ => std::fs::read_to_string("/proc/cpuinfo").ok().as_deref().and_then(cpu_name),
    };
    found.unwrap_or_else(|| match device {
        Device::Cuda(index) => format!("CUDA device {index}"),
        _ => "a CPU of unknown model".into(),
    })
}

fn cpu_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The driver lists GPUs by bus, which is libtorch's order where CUDA_DEVICE_ORDER=PCI_BUS_ID or all
/// are alike; none where models differ and the order cannot be known.
fn gpu_name(index: usize) -> Option<String> {
    let mut folders: Vec<_> = std::fs::read_dir("/proc/driver/nvidia/gpus")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    let name = |folder: &std::path::PathBuf| {
        gpu_model(&std::fs::read_to_string(folder.join("information")).ok()?)
    };
    let names: Vec<String> = folders.iter().filter_map(name).collect();
    let alike = names.windows(2).all(|pair| pair[0] == pair[1]);
    names.get(if alike { 0 } else { index }).filter(|_| alike).cloned()
}

fn gpu_model(information: &str) -> Option<String> {
    let line = information.lines().find(|line| line.starts_with("Model:"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_from_the_kernels_texts() {
        let cpu = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\n";
        assert_eq!(cpu_name(cpu).as_deref(), Some("Some CPU @ 2.00GHz"));
        let gpu = "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 1\n";
        assert_eq!(gpu_model(gpu).as_deref(), Some("NVIDIA H100 80GB HBM3"));
        assert_eq!(gpu_model(""), None);
        let memory = "MemTotal:       24658176 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(available(memory), Some(20_480_000_000));
    }

    #[test]
    fn the_cpu_is_always_there() {
        let resolved = resolve(DeviceChoice::Cpu).map(|resolved| resolved.device);
        assert_eq!(resolved, Ok(Device::Cpu));
    }
}
