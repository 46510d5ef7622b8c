//! The pool of processes.

use std::collections::VecDeque;
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
    workers: Vec<Worker>,
    events: (Sender<Event>, Receiver<Event>),
    /// Workers that were ever started.
    born: WorkerId,
}

impl<'a> Processes<'a> {
    /// A pool without workers yet.
    pub fn new(starter: Starter<'a>, split: Split) -> Self {
        Self { starter, split, workers: Vec::new(), events: channel(), born: 0 }
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
        let command = (self.starter)(self.split);
        self.workers.push(Worker::start(command, self.born, &self.events.0)?);
        Ok(())
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
    /// What is to be handed out, with its place in the list.
    queue: VecDeque<(usize, Assignment)>,
    watch: &'w mut dyn Watch,
    /// Whether the workers were told to stop.
    is_stopping: bool,
}

/// Longest time until it is seen that a sweep is to stop.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl<T> Pool<T> for Processes<'_> {
    fn at_once(&self) -> usize {
        self.split.jobs as usize
    }

    fn train_all(&mut self, work: &[Work<'_, T>], watch: &mut dyn Watch) -> Result<(), StoreError> {
        let assigned = work.iter().map(|work| self.assignment(work.run, work.leg.clone()));
        let queue = assigned.enumerate().collect();
        let mut shift = Shift { queue, watch, is_stopping: false };
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
        let Some((work, assignment)) = shift.queue.pop_front() else { return Ok(()) };
        match shift.watch.admit(work)? {
            Admission::Begin => shift.watch.started(work),
            Admission::Skip => return Ok(()),
            Admission::Stop => {
                shift.queue.clear();
                return Ok(());
            }
        }
        match self.idle() {
            Ok(at) => {
                let worker = &mut self.workers[at];
                worker.work = Some(work);
                // Where it cannot be told it is dead, and that is heard.
                let _ = worker.order(&Order::Train(assignment));
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
            (What::Message(Message::Ended(end)), Some(at), Some(work)) => {
                self.workers[at].work = None;
                return shift.watch.ended(work, end);
            }
            (What::Closed, Some(at), work) => return self.bury(at, work, shift),
            _ => {}
        }
        Ok(())
    }

    /// Takes a dead worker away; what it had in hand has failed.
    fn bury(
        &mut self,
        at: usize,
        work: Option<usize>,
        shift: &mut Shift<'_>,
    ) -> Result<(), StoreError> {
        let how = self.workers.swap_remove(at).obituary();
        match work {
            Some(work) => shift.watch.ended(work, End::Failed(how)),
            None => Ok(()),
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
