//! The machine that a record is from, in words.

use std::time::SystemTime;

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

/// What a reader of a record should know of the machine, a line each; `about` comes last.
pub fn description(python: &Python, about: &[(&'static str, String)]) -> String {
    let mut lines = resweep::machine::facts();
    lines.extend([("torch", python.torch.clone()), ("python", python.version())]);
    lines.extend(about.iter().cloned());
    let told = lines.iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| format!("{name}: {text}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_descriptions_have_no_empty_lines() {
        assert_eq!(name("AMD EPYC", 2), "amd-epyc-2-threads");
        assert_eq!(name("Intel(R) Xeon(R) @ 2.20GHz", 4), "intel-r-xeon-r-2.20ghz-4-threads");
        let text = description(&Python::unknown(), &[("threads", "2".into())]);
        assert!(text.lines().all(|line| line.split_once(": ").is_some_and(|(_, t)| !t.is_empty())));
    }
}
