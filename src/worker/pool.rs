//! The pool of processes.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::records::StoreError;
use crate::sweep::{Admission, End, Leg, Pool, Run, Split, Watch, Work};

use super::message::{Assignment, Message, Order};
use super::process::{Event, Starter, What, Worker, WorkerId};

/// Trains several runs at once, each in a process of its own.
pub struct Processes<'a> {
    starter: Starter<'a>,
    split: Split,
    /// Devices that the workers share.
    devices: usize,
    workers: Vec<Worker>,
    events: (Sender<Event>, Receiver<Event>),
    /// Workers that were ever started.
    born: WorkerId,
}

impl<'a> Processes<'a> {
    /// A pool without workers yet.
    pub fn new(starter: Starter<'a>, split: Split) -> Self {
        Self { starter, split, devices: 1, workers: Vec::new(), events: channel(), born: 0 }
    }

    /// Has the workers share so many devices.
    #[must_use]
    pub fn on(self, devices: usize) -> Self {
        Self { devices: devices.max(1), ..self }
    }

    /// Changes how many runs go on at once and with how many threads.
    pub fn set_split(&mut self, split: Split) {
        self.split = split;
        self.workers.truncate(split.jobs as usize);
    }

    fn assignment<T>(&self, run: &Run<T>, leg: Leg) -> Assignment {
        let (spec, hash, seed) = (run.spec.clone(), run.id.spec_hash.clone(), run.id.seed);
        Assignment { spec, hash, seed, threads: self.split.threads, leg }
    }

    /// The place of a worker without work; a new one where there is none.
    fn idle(&mut self) -> io::Result<usize> {
        if let Some(at) = self.workers.iter().position(|worker| worker.work.is_none()) {
            return Ok(at);
        }
        self.start()?;
        Ok(self.workers.len() - 1)
    }

    fn start(&mut self) -> io::Result<()> {
        self.born += 1;
        let device = self.freest();
        let command = (self.starter)(self.split, device);
        self.workers.push(Worker::start(command, (self.born, device), &self.events.0)?);
        Ok(())
    }

    /// The device with the fewest workers, the first of several.
    fn freest(&self) -> usize {
        let workers = |device: &usize| self.workers.iter().filter(|w| w.device == *device).count();
        (0..self.devices).min_by_key(workers).unwrap_or(0)
    }

    fn find(&self, id: WorkerId) -> Option<usize> {
        self.workers.iter().position(|worker| worker.id == id)
    }

    fn busy(&self) -> usize {
        self.workers.iter().filter(|worker| worker.work.is_some()).count()
    }
}

/// Work that is handed out.
struct Shift<'w> {
    /// What is to be handed out.
    queue: VecDeque<Piece>,
    /// What was, by its place in the list, and is not over.
    given: BTreeMap<usize, Piece>,
    watch: &'w mut dyn Watch,
    /// Whether the workers were told to stop.
    is_stopping: bool,
}

/// Something to train.
struct Piece {
    /// Its place in the list.
    work: usize,
    assignment: Assignment,
    /// How a process died that had it in hand. It is tried once more, since what killed one may have been
    /// meant for another.
    death: Option<String>,
}

/// Whether what a worker says of a failed run tells that its device is of no more use to it: an error of
/// CUDA stays until the process ends, but for want of memory.
fn is_lasting(reason: &str) -> bool {
    let words = ["CUDA error", "CUDNN_STATUS_", "CUBLAS_STATUS_", "device-side assert"];
    words.iter().any(|word| reason.contains(word)) && !reason.contains("out of memory")
}

/// Longest time until it is seen that a sweep is to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl<T> Pool<T> for Processes<'_> {
    fn at_once(&self) -> usize {
        self.split.jobs as usize
    }

    fn train_all(&mut self, work: &[Work<'_, T>], watch: &mut dyn Watch) -> Result<(), StoreError> {
        let assigned = work.iter().map(|work| self.assignment(work.run, work.leg.clone()));
        let pieces = assigned.enumerate();
        let queue = pieces.map(|(work, assignment)| Piece { work, assignment, death: None });
        let (queue, given) = (queue.collect(), BTreeMap::new());
        let mut shift = Shift { queue, given, watch, is_stopping: false };
        let outcome = self.work_off(&mut shift);
        if outcome.is_err() {
            self.workers.clear();
        }
        outcome
    }
}

impl Processes<'_> {
    fn work_off(&mut self, shift: &mut Shift<'_>) -> Result<(), StoreError> {
        loop {
            while self.busy() < self.split.jobs as usize && !shift.queue.is_empty() {
                self.hand_out(shift)?;
            }
            if self.busy() == 0 {
                return Ok(());
            }
            if let Ok(event) = self.events.1.recv_timeout(BETWEEN_LOOKS) {
                self.hear(event, shift)?;
            }
            if !shift.is_stopping && shift.watch.is_stopping() {
                shift.is_stopping = true;
                self.workers.iter().for_each(Worker::stop);
            }
        }
    }

    /// Gives the next piece to an idle worker.
    fn hand_out(&mut self, shift: &mut Shift<'_>) -> Result<(), StoreError> {
        let Some(piece) = shift.queue.pop_front() else { return Ok(()) };
        let work = piece.work;
        match piece.death {
            Some(how) if shift.watch.is_stopping() => {
                return shift.watch.ended(work, End::Failed(how));
            }
            Some(_) => {}
            None => match shift.watch.admit(work)? {
                Admission::Begin => shift.watch.started(work),
                Admission::Skip => return Ok(()),
                Admission::Stop => {
                    shift.queue.clear();
                    return Ok(());
                }
            },
        }
        match self.idle() {
            Ok(at) => {
                let worker = &mut self.workers[at];
                worker.work = Some(work);
                // Where it cannot be told it is dead, and that is heard.
                let _ = worker.order(&Order::Train(piece.assignment.clone()));
                shift.given.insert(work, piece);
                Ok(())
            }
            Err(error) => {
                let reason = format!("no process could be started for it: {error}");
                shift.watch.ended(work, End::Failed(reason))
            }
        }
    }

    fn hear(&mut self, event: Event, shift: &mut Shift<'_>) -> Result<(), StoreError> {
        let at = self.find(event.worker);
        let work = at.and_then(|at| self.workers[at].work);
        match (event.what, at, work) {
            (What::Said(line) | What::Garbled(line), ..) => shift.watch.said(work, &line),
            (What::Message(Message::Step(step)), _, Some(work)) => shift.watch.step(work, &step),
            (What::Message(Message::Epoch(row)), _, Some(work)) => shift.watch.epoch(work, *row),
            (What::Message(Message::WentOn(from)), _, Some(work)) => {
                shift.watch.went_on(work, from);
            }
            (What::Message(Message::Recalled(row)), _, Some(work)) => {
                shift.watch.recalled(work, *row);
            }
            (What::Message(Message::Said(line)), ..) => shift.watch.said(work, &line),
            (What::Message(Message::Ended(End::Failed(why))), Some(at), Some(work))
                if is_lasting(&why) =>
            {
                drop(self.workers.swap_remove(at));
                return shift.mourn(work, why);
            }
            (What::Message(Message::Ended(end)), Some(at), Some(work)) => {
                self.workers[at].work = None;
                shift.given.remove(&work);
                return shift.watch.ended(work, end);
            }
            (What::Closed, Some(at), work) => return self.bury(at, work, shift),
            _ => {}
        }
        Ok(())
    }

    /// Takes a dead worker away.
    fn bury(
        &mut self,
        at: usize,
        work: Option<usize>,
        shift: &mut Shift<'_>,
    ) -> Result<(), StoreError> {
        let how = self.workers.swap_remove(at).obituary();
        match work {
            Some(work) => shift.mourn(work, how),
            None => Ok(()),
        }
    }
}

impl Shift<'_> {
    /// Has the piece that a dead worker had in hand tried again, unless it was or all is to stop.
    fn mourn(&mut self, work: usize, how: String) -> Result<(), StoreError> {
        match self.given.remove(&work) {
            Some(piece) if piece.death.is_none() && !self.is_stopping => {
                self.watch.tried_again(work, &how);
                self.queue.push_front(Piece { death: Some(how), ..piece });
                Ok(())
            }
            _ => self.watch.ended(work, End::Failed(how)),
        }
    }
}

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum Measuring {
    /// A process that cannot be started.
    #[error("no process could be started: {0}")]
    Start(#[from] io::Error),
    /// One that died or had an error.
    #[error("{0}")]
    Died(String),
}

impl Processes<'_> {
    /// Images a second that each of `split.jobs` processes trains of a run, all at the same time, on
    /// images made up, for about so many seconds; the mean over the processes.
    ///
    /// # Errors
    /// A process that cannot be started, or ends.
    pub fn pace<T>(&mut self, run: &Run<T>, split: Split, seconds: f64) -> Result<f64, Measuring> {
        self.set_split(split);
        let order = Order::Prepare(self.assignment(run, Leg::default()));
        self.order_all(&order)?;
        let ready = |message| matches!(message, Message::Ready).then_some(0.0);
        self.hear_all(ready)?;
        self.order_all(&Order::Measure(seconds))?;
        let pace = |message| match message {
            Message::Pace(pace) => Some(pace),
            _ => None,
        };
        let paces = self.hear_all(pace)?;
        Ok(paces.iter().sum::<f64>() / paces.len().max(1) as f64)
    }

    /// Gives all workers an order, of which there are as many as may be.
    fn order_all(&mut self, order: &Order) -> io::Result<()> {
        while self.workers.len() < self.split.jobs as usize {
            self.start()?;
        }
        for worker in &mut self.workers {
            // Where it cannot be told it is dead, and that is heard.
            let _ = worker.order(order);
        }
        Ok(())
    }

    /// Waits for an answer of every worker.
    fn hear_all(&mut self, answer: impl Fn(Message) -> Option<f64>) -> Result<Vec<f64>, Measuring> {
        let mut answers = Vec::new();
        while answers.len() < self.workers.len() {
            let Ok(event) = self.events.1.recv() else { continue };
            let Some(at) = self.find(event.worker) else { continue };
            match event.what {
                What::Message(Message::Ended(End::Failed(reason))) => {
                    self.workers.clear();
                    return Err(Measuring::Died(reason));
                }
                What::Message(message) => answers.extend(answer(message)),
                What::Closed => {
                    let how = self.workers.swap_remove(at).obituary();
                    self.workers.clear();
                    return Err(Measuring::Died(how));
                }
                What::Said(_) | What::Garbled(_) => {}
            }
        }
        Ok(answers)
    }
}
