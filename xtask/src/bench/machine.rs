//! The machine that a record is from, in words.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use resweep::records::BenchRow;

use crate::python::Python;

/// Now: RFC 3339, UTC.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// The name of a record: the device and the threads, as a file may be called.
pub fn name(device: &str, threads: u32) -> String {
    let dashed = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let text: String = device.to_lowercase().chars().map(dashed).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    format!("{}-{threads}-threads", words.join("-"))
}

/// What a reader of a record should know of the machine.
pub fn description(python: &Python, row: Option<&BenchRow>) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let mut lines = vec![
        ("cpu", field(&cpuinfo, "model name").unwrap_or_default()),
        (
            "cores seen",
            cpuinfo.lines().filter(|line| line.starts_with("processor")).count().to_string(),
        ),
        ("vector instructions", vectors(&field(&cpuinfo, "flags").unwrap_or_default())),
        ("cache", field(&cpuinfo, "cache size").unwrap_or_default()),
        ("memory", field(&meminfo, "MemTotal").unwrap_or_default()),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("load before", read("/proc/loadavg")),
        ("torch", python.torch.clone()),
        ("python", python.version()),
        ("gpu", gpu()),
    ];
    if let Some(row) = row {
        lines.push(("device", format!("{} ({})", row.device_name, row.device)));
        lines.push(("threads", row.threads.to_string()));
        lines.push(("resweep", row.code_version.clone()));
        lines.push(("first row", row.measured.clone()));
    }
    lines.push(("environment", environment()));
    let told = lines.iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| format!("{name}: {text}\n")).collect()
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
    fn names_are_plain_and_descriptions_have_no_empty_lines() {
        assert_eq!(name("AMD EPYC", 2), "amd-epyc-2-threads");
        assert_eq!(name("Intel(R) Xeon(R) @ 2.20GHz", 4), "intel-r-xeon-r-2.20ghz-4-threads");
        assert_eq!(vectors("fpu vme avx avx2 fma pni avx512f"), "avx avx2 fma avx512f");
        let text = description(&Python::unknown(), None);
        assert!(text.lines().all(|line| line.split_once(": ").is_some_and(|(_, t)| !t.is_empty())));
    }
}
