//! One worker: its process, its input and what it says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};

use crate::sweep::Split;

use super::message::{Message, Order, line};

/// Makes the command that starts a worker, one of those that share the threads so, for the device with
/// this place among those of the pool.
pub type Starter<'a> = Box<dyn Fn(Split, usize) -> Command + 'a>;

/// Tells workers apart; none is given twice.
pub(super) type WorkerId = u64;

/// Something that came from a worker.
pub(super) struct Event {
    pub worker: WorkerId,
    pub what: What,
}

/// What came.
pub(super) enum What {
    Message(Message),
    /// A line on its standard error.
    Said(String),
    /// A line that is no message.
    Garbled(String),
    /// It says nothing more.
    Closed,
}

/// A worker.
pub(super) struct Worker {
    pub id: WorkerId,
    child: Child,
    input: ChildStdin,
    /// Reads its standard error, and ends with the last telling line of it.
    errors: Option<JoinHandle<String>>,
    /// The place of its device.
    pub device: usize,
    /// The place in the list of the work that it has in hand.
    pub work: Option<usize>,
}

impl Worker {
    /// Starts a worker by its command; what comes from it goes to `events`.
    ///
    /// It must be called on a thread that lives as long as the worker shall: the kernel ends a
    /// worker with the thread that started it.
    pub fn start(
        mut command: Command,
        (id, device): (WorkerId, usize),
        events: &Sender<Event>,
    ) -> io::Result<Self> {
        let piped = Stdio::piped;
        let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn()?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let (input, output, errors) =
            (input.ok_or_else(closed)?, output.ok_or_else(closed)?, errors.ok_or_else(closed)?);
        let (to, also_to) = (events.clone(), events.clone());
        thread::spawn(move || messages(output, id, &to));
        let errors = Some(thread::spawn(move || said(errors, id, &also_to)));
        Ok(Self { id, child, input, errors, device, work: None })
    }

    /// Gives the worker an order.
    pub fn order(&mut self, order: &Order) -> io::Result<()> {
        let text = line(order).map_err(io::Error::other)?;
        self.input.write_all(text.as_bytes())?;
        self.input.flush()
    }

    /// Has the worker stop after the step in hand, with a checkpoint.
    pub fn stop(&self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            // One that has ended is heard of otherwise.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }

    /// How a worker ended that says nothing more, for a reason on record.
    pub fn obituary(mut self) -> String {
        let status = self.child.wait();
        let last = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        let how = status.map_or_else(|error| error.to_string(), told);
        match last.is_empty() {
            true => how,
            false => format!("{how}: {last}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and nothing is lost by that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn messages(output: impl Read, worker: WorkerId, events: &Sender<Event>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let what = match ron::from_str(&line) {
            Ok(message) => What::Message(message),
            Err(_) => What::Garbled(line),
        };
        let _ = events.send(Event { worker, what });
    }
    let _ = events.send(Event { worker, what: What::Closed });
}

/// Passes on what a worker says, and returns the last line that is no frame of a backtrace.
fn said(errors: impl Read, worker: WorkerId, events: &Sender<Event>) -> String {
    let mut last = String::new();
    for bytes in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if !line.is_empty() && !line.starts_with("frame #") {
            last.clone_from(&line);
        }
        let _ = events.send(Event { worker, what: What::Said(line) });
    }
    last
}

/// `its process was ended by signal 9 (SIGKILL; out of memory?)`.
fn told(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match NAMES.iter().find(|(number, _)| *number == signal) {
            Some((_, name)) => format!("its process was ended by signal {signal} ({name})"),
            None => format!("its process was ended by signal {signal}"),
        },
        (None, Some(code)) => format!("its process ended early, with exit code {code}"),
        (None, None) => "its process ended early".to_owned(),
    }
}

/// Signals by which processes end that something is wrong with.
const NAMES: [(i32, &str); 8] = [
    (4, "SIGILL"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL: by someone, or by the kernel for want of memory"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
];
