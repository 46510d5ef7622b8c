//! The machine that a record is from, in words.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// What a reader of a record should know of this machine, by name; what cannot be found out is left
/// out.
pub fn facts() -> Vec<(&'static str, String)> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let all = [
        ("cpu", field(&cpuinfo, "model name").unwrap_or_default()),
        ("cores seen", cores.to_string()),
        ("vector instructions", vectors(&field(&cpuinfo, "flags").unwrap_or_default())),
        ("cache", field(&cpuinfo, "cache size").unwrap_or_default()),
        ("memory", field(&meminfo, "MemTotal").unwrap_or_default()),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("load before", read("/proc/loadavg")),
        ("gpu", gpu()),
        ("environment", environment()),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// The same without what changes from minute to minute, for the records of runs.
pub fn lasting() -> BTreeMap<String, String> {
    let lasting = facts().into_iter().filter(|(name, _)| *name != "load before");
    lasting.map(|(name, text)| (name.replace(' ', "_"), text)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_string()
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The flags that matrix products are quicker by.
fn vectors(flags: &str) -> String {
    let matter = |flag: &&str| {
        ["avx", "fma", "amx", "f16c", "asimd", "sve"].iter().any(|start| flag.starts_with(start))
    };
    flags.split_whitespace().filter(matter).collect::<Vec<_>>().join(" ")
}

/// GPUs and their driver, where there are some.
fn gpu() -> String {
    let query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    let output = Command::new("nvidia-smi").args(query).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.unwrap_or_default().replace('\n', "; ")
}

/// Variables that change how libtorch or the allocator works.
fn environment() -> String {
    let matters = |name: &str| {
        ["OMP_", "KMP_", "MKL_", "ATEN_", "TORCH_", "PYTORCH_", "MALLOC_", "GLIBC_", "CUDA_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let set = std::env::vars().filter(|(name, _)| matters(name));
    let mut set: Vec<String> = set.map(|(name, value)| format!("{name}={value}")).collect();
    set.sort();
    set.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_those_that_matter_and_nothing_is_empty() {
        assert_eq!(vectors("fpu vme avx avx2 fma pni avx512f"), "avx avx2 fma avx512f");
        assert!(facts().iter().all(|(_, text)| !text.is_empty()));
        assert!(!lasting().contains_key("load_before"));
    }
}
