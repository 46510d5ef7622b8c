//! When to measure, as stdin says: `time K` is one step that does not count, then K steps under the
//! clock, answered by a line of JSON.

use std::io::{BufRead, Write};
use std::time::Instant;

use serde_json::json;
use tch::Device;

use crate::records::Environment;
use crate::train::meter;

/// Told of every step; waits for stdin between measurements.
#[derive(Debug)]
pub struct Clock {
    device: Device,
    /// What was resident before the model was made, bytes.
    base: Option<u64>,
    environment: Environment,
    /// Whether steps replay a CUDA graph; none where they cannot.
    replays: Option<bool>,
    /// What was noted on the way.
    notes: Vec<String>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The first step, in which everything is set up.
    Start,
    /// A step that does not count.
    Warm { steps: u64 },
    /// Under the clock.
    Timed { steps: u64, done: u64, since: Instant },
}

impl Clock {
    pub fn new(device: Device, base: Option<u64>, environment: Environment) -> Self {
        let (replays, notes) = (None, Vec::new());
        Self { device, base, environment, replays, notes, phase: Phase::Start }
    }

    /// Something was noted before the first step was done.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }

    /// A training step is done, as a replayed CUDA graph or not.
    pub fn tick_training(&mut self, is_replayed: bool) {
        self.replays = Some(is_replayed).filter(|_| self.device.is_cuda());
        self.tick();
    }

    /// A step is done. Ends the process where stdin ends.
    pub fn tick(&mut self) {
        self.phase = match self.phase {
            Phase::Start => {
                meter::synchronize(self.device);
                self.say(&self.ready());
                self.next()
            }
            Phase::Warm { steps } => {
                meter::synchronize(self.device);
                meter::restart_peak_memory(self.device);
                Phase::Timed { steps, done: 0, since: Instant::now() }
            }
            Phase::Timed { steps, done, since } if done + 1 < steps => {
                Phase::Timed { steps, done: done + 1, since }
            }
            Phase::Timed { steps, since, .. } => {
                meter::synchronize(self.device);
                let seconds = since.elapsed().as_secs_f64();
                let peak = meter::peak_memory_mb(self.device).map(|mb| (mb * 1e6) as u64);
                self.say(&json!({ "seconds": seconds, "steps": steps, "peak_bytes": peak }));
                self.next()
            }
        };
    }

    fn ready(&self) -> serde_json::Value {
        let Environment { device, device_name, threads, code_version, .. } = &self.environment;
        json!({
            "base_bytes": self.base, "device": device, "device_name": device_name,
            "threads": threads, "version": code_version, "cuda_graph": self.replays,
            "notes": self.notes,
        })
    }

    /// What is asked for next.
    fn next(&self) -> Phase {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
        let steps = line.trim().strip_prefix("time ").and_then(|steps| steps.parse().ok());
        match steps.filter(|&steps: &u64| steps > 0) {
            Some(steps) => Phase::Warm { steps },
            None if read == 0 => std::process::exit(0),
            None => {
                eprintln!("error: `{}` is not understood; say `time K`, K above 0", line.trim());
                std::process::exit(2);
            }
        }
    }

    fn say(&self, line: &serde_json::Value) {
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            // Nobody listens any more.
            std::process::exit(0);
        }
    }
}
