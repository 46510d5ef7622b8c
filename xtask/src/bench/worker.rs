//! A process that measures when it is told to, on either side: lines of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rounds::{Product, Sample, Timer};

/// Why a process does not measure.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It cannot be started, or talked to.
    #[error("a process that measures cannot be started: {0}")]
    Start(#[from] io::Error),
    /// It ended, or said something else.
    #[error("{name} does not measure: {said}")]
    Ended {
        /// Which.
        name: String,
        /// Its last words.
        said: String,
    },
}

/// What a process is when all is built.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Ready {
    /// What was resident before the network was made, bytes.
    pub base_bytes: Option<u64>,
    /// The memory format.
    pub form: Option<String>,
    /// Such as `cpu` or `cuda:0`.
    pub device: Option<String>,
    /// Its model.
    pub device_name: Option<String>,
    /// CPU threads within an operation.
    pub threads: Option<u32>,
    /// The version of resweep.
    pub version: Option<String>,
    /// Whether its training steps replay a CUDA graph; none where they cannot.
    pub cuda_graph: Option<bool>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A process with its ways in and out.
#[derive(Debug)]
pub struct Worker {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// What it says to people.
    log: File,
}

impl Worker {
    /// Starts a process, and waits until all is built.
    ///
    /// # Errors
    /// Why it is not.
    pub fn start(name: &str, mut command: Command) -> Result<(Self, Ready), WorkerError> {
        let log = tempfile::tempfile()?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .spawn()?;
        let no_pipe = || io::Error::other("no pipe");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or_else(no_pipe)?);
        let mut worker = Self { name: name.into(), child, stdin, stdout, log };
        let ready: Ready = worker.read()?;
        eprintln!("  {name} is ready");
        ready.notes.iter().for_each(|note| eprintln!("  {name} {note}"));
        Ok((worker, ready))
    }

    fn ask<T: DeserializeOwned>(&mut self, line: &str) -> Result<T, WorkerError> {
        if let Some(stdin) = &mut self.stdin {
            // Whether it lives is told by its answer.
            let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
        }
        self.read()
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<T, WorkerError> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| self.ended(&line))
    }

    fn ended(&mut self, line: &str) -> WorkerError {
        self.stdin = None;
        let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
        let mut log = String::new();
        let _ = self.log.rewind().and_then(|()| self.log.read_to_string(&mut log));
        WorkerError::Ended { name: self.name.clone(), said: last_words(&status, line, &log) }
    }
}

impl Drop for Worker {
    /// The end of stdin ends it.
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

impl Timer for Worker {
    fn time(&mut self, steps: u64) -> Result<Sample, WorkerError> {
        self.ask(&format!("time {steps}"))
    }
}

impl Product for Worker {
    fn gflops(&mut self) -> Result<f64, WorkerError> {
        #[derive(Deserialize)]
        struct Answer {
            gflops: f64,
        }
        self.ask::<Answer>("").map(|answer| answer.gflops)
    }
}

/// Runs a process to its end; what it wrote.
///
/// # Errors
/// Why it failed.
pub fn finish(name: &str, mut command: Command) -> Result<String, WorkerError> {
    let output = command.stdin(Stdio::null()).output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = last_words(&output.status.to_string(), "", &log);
            Err(WorkerError::Ended { name: name.into(), said })
        }
    }
}

fn last_words(status: &str, line: &str, log: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = log.lines().chain(line.lines()).collect();
    let from = lines.len().saturating_sub(LINES);
    format!("{status}; its last words:\n{}", lines[from..].join("\n"))
}

/// How far one step of resweep is from PyTorch's, relative to the largest logit, the loss and the
/// step.
#[derive(Debug, Clone, Deserialize)]
pub struct Checked {
    /// Before the step.
    pub logits: f64,
    /// After it.
    pub logits_after: f64,
    /// Of training.
    pub loss: f64,
    /// Of the weights.
    pub step: f64,
    /// Whether that is too far.
    #[serde(skip)]
    off: bool,
}

impl Checked {
    /// Reads what the peer says.
    ///
    /// # Errors
    /// It says something else.
    pub fn read(line: &str) -> Result<Self, WorkerError> {
        serde_json::from_str(line)
            .map_err(|_| WorkerError::Ended { name: "PyTorch".into(), said: line.into() })
    }

    /// Judges by what the precision allows; rounding grows with depth, and most in gradients.
    #[must_use]
    pub fn within(mut self, precision: &str) -> Self {
        let (logits, step) = match precision {
            "fp32" => (1e-4, 0.05),
            "tf32" => (0.02, 0.5),
            _ => (0.1, 0.9),
        };
        self.off = !(self.logits <= logits && self.loss <= logits && self.step <= step);
        if self.off {
            eprintln!(
                "error: that is more than rounding in {precision} comes to ({logits}, {step})"
            );
        }
        self
    }

    /// Whether the two sides do not compute the same.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// For people.
    pub fn told(&self) -> String {
        format!(
            "the same weights and images on both sides: logits differ by {:.1e}, the loss by {:.1e}, \
             one step by {:.1e}",
            self.logits, self.loss, self.step
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_asked_line_by_line() {
        let script = "echo '{\"ready\":true,\"base_bytes\":5,\"threads\":2}'; read ask; \
                      echo \"{\\\"seconds\\\":2.5,\\\"steps\\\":${ask#time },\\\"peak_bytes\\\":7}\"; read ask";
        let (mut worker, ready) = Worker::start("it", shell(script)).unwrap();
        assert_eq!((ready.base_bytes, ready.threads), (Some(5), Some(2)));
        let sample = worker.time(4).unwrap();
        assert_eq!((sample.seconds, sample.steps, sample.peak_bytes), (2.5, 4, Some(7)));
    }

    #[test]
    fn the_last_words_of_a_process_that_ends_are_told() {
        let script = "echo '{\"ready\":true}'; read ask; echo out of memory >&2; exit 3";
        let (mut worker, _) = Worker::start("it", shell(script)).unwrap();
        let error = worker.time(4).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("out of memory"), "{error}");
        let error =
            Worker::start("it", shell("echo no torch >&2; exit 1")).unwrap_err().to_string();
        assert!(error.contains("it does not measure") && error.contains("no torch"), "{error}");
        let error = finish("it", shell("echo wrong >&2; exit 1")).unwrap_err().to_string();
        assert!(error.contains("wrong"), "{error}");
    }

    #[test]
    fn a_difference_beyond_rounding_is_told() {
        let line = "{\"logits\":1e-6,\"logits_after\":1e-5,\"loss\":1e-7,\"step\":0.01}";
        assert!(!Checked::read(line).unwrap().within("fp32").is_off());
        for wrong in ["\"logits\":1e-3", "\"loss\":1e-3", "\"step\":0.3", "\"logits\":1e999"] {
            let name = wrong.split(':').next().unwrap();
            let (before, rest) = line.split_once(name).unwrap();
            let rest = rest.split_once([',', '}']).unwrap().1;
            let end = if rest.is_empty() { "}" } else { "," };
            let text = format!("{before}{wrong}{end}{rest}");
            let off = Checked::read(&text).map(|checked| checked.within("fp32").is_off());
            assert!(off.unwrap_or(true), "{text}");
        }
    }
}
