//! One of the two runs: its process, how far it is, and whether it comes out as on record.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::super::kept::Ready;
use super::super::{Error, prepare};
use super::talk::{Order, Point, Said};
use crate::cli::BisectArgs;
use crate::records::{EpochRow, first_difference};
use crate::worker::line;

/// A run that is trained again.
pub(super) struct Side<'a> {
    /// `A` or `B`.
    pub(super) name: &'static str,
    pub(super) ready: &'a Ready,
    pub(super) threads: u32,
    pub(super) device: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The epochs that it has trained again.
    epochs: Vec<EpochRow>,
}

/// How far a side is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reached {
    /// At a state.
    At(Point),
    /// At its end, with a word on it where it came early.
    End(Option<String>),
}

impl<'a> Side<'a> {
    /// Starts the process of a run.
    pub(super) fn start(
        name: &'static str,
        ready: &'a Ready,
        args: &BisectArgs,
    ) -> Result<Self, Error> {
        let recorded = &ready.kept.environment;
        let device = match args.device {
            Some(device) => device,
            None => prepare::recorded(&recorded.device)?,
        };
        let device = prepare::name(&prepare::take(device)?);
        let threads = args.threads.unwrap_or(recorded.threads);
        let mut command = Command::new("/proc/self/exe");
        command.arg("retrace").arg(&ready.kept.folder).args(["--device", &device]);
        command.args(["--threads", &threads.to_string()]);
        command.args(["--parent", &std::process::id().to_string()]);
        if let Some(folder) = &args.data {
            command.arg("--data").arg(folder);
        }
        // One side waits while the other works: its threads are to sleep.
        command.env("OMP_WAIT_POLICY", "passive");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(Error::Worker)?;
        let closed = || Error::Worker(std::io::ErrorKind::BrokenPipe.into());
        let input = child.stdin.take().ok_or_else(closed)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(closed)?);
        Ok(Self { name, ready, threads, device, child, input, output, epochs: Vec::new() })
    }

    /// Waits until it says how far it is.
    pub(super) fn reached(&mut self) -> Result<Reached, Error> {
        loop {
            match self.hear()? {
                Said::At(point) => return Ok(Reached::At(point)),
                Said::Ended(word) => return Ok(Reached::End(word)),
                Said::Epoch(row) => self.epochs.push(*row),
                Said::Told(_) => {}
            }
        }
    }

    /// Has it do the next step.
    pub(super) fn next(&mut self) -> Result<Reached, Error> {
        self.order(&Order::Next)?;
        self.reached()
    }

    /// Has it write the tensors of the step it is at, and gives their names.
    pub(super) fn tell(&mut self, path: &Path) -> Result<Vec<String>, Error> {
        self.order(&Order::Tell(path.to_owned()))?;
        loop {
            match self.hear()? {
                Said::Told(names) => return Ok(names),
                Said::Ended(_) => return Ok(Vec::new()),
                _ => {}
            }
        }
    }

    fn order(&mut self, order: &Order) -> Result<(), Error> {
        let text = line(order).map_err(|error| Error::Worker(std::io::Error::other(error)))?;
        self.input.write_all(text.as_bytes()).map_err(|_| self.gone())
    }

    fn hear(&mut self) -> Result<Said, Error> {
        let mut text = String::new();
        match self.output.read_line(&mut text) {
            Ok(0) | Err(_) => Err(self.gone()),
            Ok(_) => ron::from_str(&text)
                .map_err(|error| Error::Worker(std::io::Error::other(format!("{error}: {text}")))),
        }
    }

    /// The process has ended before its run; it has said why.
    fn gone(&mut self) -> Error {
        let how = self.child.wait().map_or_else(|error| error.to_string(), |it| it.to_string());
        Error::Retraced(format!("the process of run {} ended early ({how})", self.name))
    }

    /// Whether its epochs came out as on record, so far as they were trained again; none where
    /// there are none.
    pub(super) fn against_record(&self) -> Option<String> {
        let recorded = &self.ready.kept.record.as_ref()?.epochs;
        let count = self.epochs.len().min(recorded.len());
        if count == 0 {
            return None;
        }
        let name = self.name;
        Some(match first_difference(&self.epochs[..count], &recorded[..count]) {
            None => format!("{name} came out as on record, as far as epoch {count}"),
            Some(first) => format!(
                "{name} did not come out as on record in epoch {}: {} is {} here, and was {}; it was \
                 trained by another version or on another machine",
                first.epoch, first.column, first.first, first.second
            ),
        })
    }
}

impl Drop for Side<'_> {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and nothing is lost by that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
