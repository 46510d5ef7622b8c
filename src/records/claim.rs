//! Claims: which process trains a run, where several on one or more machines share a sweep.
//!
//! No locks are needed, which network file systems may lack. A claim is a file `claim.<n>` in the folder
//! of the run that is put there by link(2): the file system does that for one process alone, NFS of every
//! version included. The claim with the highest number counts. Its process touches it while it trains,
//! and marks it when it gives the run up. Where it can no longer be alive another takes the run over, by
//! linking the next number; exactly one can. Numbers are never used again while the run is not over.
//!
//! A process is taken for dead where it ran on this machine and is gone, where it was the same job of a
//! scheduler before that was requeued, and where it has not touched its claim for [`SILENT`], by the clock
//! of the file system. One that was only cut off for so long finds out that it was replaced, and keeps
//! nothing more.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::atomic;
use super::inside::without_links;
use super::lock::{command_line, host};
use crate::regular::shown;
use crate::saved::RunFolder;

/// How often a process touches its claim.
const BEAT: Duration = Duration::from_secs(20);

/// A claim that was not touched for so long is one of a process that is gone. Clients of network file
/// systems may see the time of a touch a minute late.
pub const SILENT: Duration = Duration::from_secs(300);

/// No claim is longer, bytes: it holds the arguments of a process.
const MOST: u64 = 4 << 20;

/// A run that this process alone trains, until this is dropped.
#[derive(Debug)]
pub struct Claim {
    run: RunFolder,
    number: u32,
    holder: Holder,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Who claims a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The process on it.
    pub process: u32,
    /// The job of a scheduler that it is of.
    pub job: Option<String>,
    /// Since when: RFC 3339, UTC.
    pub since: String,
    /// Its arguments.
    pub command: String,
    /// How often the job was requeued before.
    restarts: u32,
    /// The start of the machine, and the name space in which the process has its number.
    place: String,
    /// When the process began, in ticks since the start of the machine.
    began: Option<u64>,
    /// Whether it has given the run up.
    released: bool,
}

/// A claim as it is found.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Who made it, where that can be read.
    pub holder: Option<Holder>,
    /// Since its process last said that it is there; none where the clock of the file system cannot be
    /// asked.
    pub silent: Option<Duration>,
}

impl Claim {
    /// Claims a run whose folder is there; none where another process has it. `lost` is set where another
    /// has taken it over.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn take(run: &RunFolder, lost: Arc<AtomicBool>) -> io::Result<Option<Self>> {
        let holder = Holder::this();
        loop {
            let number = match latest(run)? {
                Some((_, seen)) if !seen.is_free(&holder) => return Ok(None),
                Some((number, _)) => number + 1,
                None => 1,
            };
            // Where another was quicker, that one is looked at.
            if place(&run.claim(number), &holder)? {
                return Ok(Some(Self::beating(run, number, holder, lost)));
            }
        }
    }

    /// The claim on a run that counts, where there is one.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn seen(run: &RunFolder) -> io::Result<Option<Seen>> {
        Ok(latest(run)?.map(|(_, seen)| seen))
    }

    fn beating(run: &RunFolder, number: u32, holder: Holder, lost: Arc<AtomicBool>) -> Self {
        let (sender, ended) = mpsc::channel();
        let (own, next, text) = (run.claim(number), run.claim(number + 1), holder.text());
        let beat = move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if next.exists() {
                    lost.store(true, Ordering::Relaxed);
                    break;
                }
                let _ = touch(&own, &text);
            }
        };
        let heart = std::thread::Builder::new().name("claim".into()).spawn(beat);
        let heart = heart.ok().map(|thread| (sender, thread));
        Self { run: run.clone(), number, holder, heart }
    }

    /// Whether no other process has taken the run over.
    pub fn is_held(&self) -> bool {
        !self.run.claim(self.number + 1).exists()
    }

    /// Gives up a run that is over, with all that tells who had it.
    pub fn clear(mut self) {
        self.stop();
        for number in 1..=self.number {
            let _ = fs::remove_file(self.run.claim(number));
        }
        // Those that a process was killed over.
        for entry in fs::read_dir(self.run.path()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(PLACING) {
                let _ = fs::remove_file(entry.path());
            }
        }
        self.number = 0;
    }

    fn stop(&mut self) {
        if let Some((sender, thread)) = self.heart.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.stop();
        if self.number > 0 && self.is_held() {
            let released = Holder { released: true, ..self.holder.clone() };
            let _ = atomic::replace(&self.run.claim(self.number), released.text().as_bytes());
        }
    }
}

impl Holder {
    /// This process.
    fn this() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let restarts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
        Self {
            host: shown(&host()),
            process: std::process::id(),
            job: variable("SLURM_JOB_ID").map(|job| shown(&job)),
            since: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            command: shown(&command_line()),
            restarts: restarts.unwrap_or(0),
            place: this_place(),
            began: began(std::process::id()),
            released: false,
        }
    }

    /// As a terminal may show it.
    fn shown(self) -> Self {
        let Self { host, job, since, command, .. } = &self;
        let (host, job) = (shown(host), job.as_deref().map(shown));
        let (since, command) = (shown(since), shown(command));
        Self { host, job, since, command, ..self }
    }

    fn text(&self) -> String {
        // Its fields are all that RON can write.
        ron::to_string(self).unwrap_or_default()
    }

    /// Whether it is known to be gone.
    fn is_gone(&self, me: &Self) -> bool {
        let is_before = self.job.is_some() && self.job == me.job && self.restarts < me.restarts;
        let is_here = !self.place.is_empty() && self.place == me.place;
        self.released || is_before || (is_here && began(self.process) != self.began)
    }
}

impl Seen {
    /// Whether its process is there, as far as can be told.
    pub fn is_live(&self) -> bool {
        !self.is_free(&Holder::this())
    }

    /// Whether the process has been silent for as long as one that is gone.
    pub fn is_silent(&self) -> bool {
        self.silent.is_some_and(|silent| silent >= SILENT)
    }

    fn is_free(&self, me: &Holder) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.is_gone(me)) || self.is_silent()
    }
}

/// The claim with the highest number.
fn latest(run: &RunFolder) -> io::Result<Option<(u32, Seen)>> {
    let mut found = None;
    // One after the other, by opening each: a listing may be a minute old.
    for number in 1.. {
        match without_links(File::options().read(true)).open(run.claim(number)) {
            Ok(file) => found = Some((number, file)),
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    found.map(|(number, file)| Ok((number, look(run.path(), file)?))).transpose()
}

fn look(folder: &Path, mut file: File) -> io::Result<Seen> {
    let mut text = String::new();
    io::Read::take(&mut file, MOST).read_to_string(&mut text)?;
    let touched = file.metadata()?.modified()?;
    let silent = now(folder).ok().and_then(|now| now.duration_since(touched).ok());
    let holder: Option<Holder> = ron::from_str(&text).ok();
    Ok(Seen { holder: holder.map(Holder::shown), silent })
}

/// The time of day by the clock of the file system.
fn now(folder: &Path) -> io::Result<SystemTime> {
    let mut file = atomic::temporary(folder)?;
    file.write_all(b"now")?;
    file.flush()?;
    file.as_file().metadata()?.modified()
}

/// Puts a claim in its place, where there is none.
fn place(path: &Path, holder: &Holder) -> io::Result<bool> {
    let mut file = atomic::temporary_as(PLACING, path.parent().unwrap_or(Path::new(".")))?;
    file.write_all(holder.text().as_bytes())?;
    file.as_file().sync_all()?;
    match fs::hard_link(file.path(), path) {
        Ok(()) => Ok(true),
        // A network file system may repeat a request that it has done: then both names are of one file.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(links(&file)? == 2),
        // Who has the run now has cleared it away.
        Err(error) if error.kind() == ErrorKind::NotFound && !file.path().exists() => Ok(false),
        Err(error) if has_no_links(&error) => create(path, holder),
        Err(error) => Err(error),
    }
}

/// How names of claims begin that are not in their place yet. Files that are half written when a run begins
/// are removed by their name, so they have another.
const PLACING: &str = ".claiming-";

fn links(file: &tempfile::NamedTempFile) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.as_file().metadata()?))
}

fn has_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied)
}

/// The same where there are no links: what is read before all is written is a claim of nobody known.
fn create(path: &Path, holder: &Holder) -> io::Result<bool> {
    match without_links(File::options().write(true).create_new(true)).open(path) {
        Ok(mut file) => file.write_all(holder.text().as_bytes()).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes again what is there, so that the file system has the time of now.
fn touch(path: &PathBuf, text: &str) -> io::Result<()> {
    let mut file = without_links(File::options().write(true)).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Where numbers of processes mean the same: a start of a machine, and a name space on it; nothing where
/// that is not known.
fn this_place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match fs::read_link("/proc/self/ns/pid") {
        Ok(space) if !boot.is_empty() => format!("{} {}", boot.trim(), space.display()),
        _ => String::new(),
    }
}

/// When a process of this machine began, in ticks since the machine's start; none where it is gone.
fn began(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let began = fields.nth(18)?.parse().ok()?;
    (!is_dead).then_some(began)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn run(folder: &tempfile::TempDir) -> RunFolder {
        let run = RunFolder::of(folder.path(), "net", 0, "00");
        fs::create_dir_all(run.path()).unwrap();
        run
    }

    fn take(run: &RunFolder) -> Option<Claim> {
        Claim::take(run, Arc::default()).unwrap()
    }

    /// Puts a claim there that another has made.
    fn by_another(run: &RunFolder, change: impl Fn(&mut Holder)) -> Holder {
        let mut other = Holder::this();
        change(&mut other);
        assert!(place(&run.claim(1), &other).unwrap());
        other
    }

    fn elsewhere(other: &mut Holder) {
        other.host = "another".into();
        other.place = "another".into();
    }

    fn silent_for(run: &RunFolder, seconds: u64) {
        let file = File::options().write(true).open(run.claim(1)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn one_has_it_until_it_gives_it_up() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let mine = take(&run).unwrap();
        assert!(take(&run).is_none());
        assert_eq!(Claim::seen(&run).unwrap().unwrap().holder.unwrap(), mine.holder);
        drop(mine);
        assert!(!Claim::seen(&run).unwrap().unwrap().is_live());
        let mine = take(&run).unwrap();
        assert_eq!(mine.number, 2);
        mine.clear();
        assert_eq!(fs::read_dir(run.path()).unwrap().count(), 0);
    }

    #[test]
    fn of_many_at_once_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        for round in 1..=20 {
            let all: Vec<Option<Claim>> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| take(&run))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let got: Vec<Claim> = all.into_iter().flatten().collect();
            assert_eq!(got.len(), 1);
            assert_eq!(got[0].number, round);
        }
    }

    /// Who has a run tidies its folder, while others still try for it.
    #[test]
    fn a_folder_that_is_tidied_meanwhile_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    atomic::tidy(run.path());
                }
            });
            for _ in 0..200 {
                let claim = take(&run).unwrap();
                assert!(take(&run).is_none());
                claim.clear();
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn a_process_of_this_machine_that_is_gone_is_replaced_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        // The number of a process may have gone to another.
        by_another(&run, |other| other.began = other.began.map(|began| began + 1));
        assert!(take(&run).is_some());
    }

    #[test]
    fn one_of_another_machine_is_replaced_when_it_was_silent_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let other = by_another(&run, elsewhere);
        silent_for(&run, SILENT.as_secs() - 30);
        assert!(take(&run).is_none());
        touch(&run.claim(1), &other.text()).unwrap();
        assert!(Claim::seen(&run).unwrap().unwrap().silent.unwrap() < Duration::from_secs(30));
        silent_for(&run, SILENT.as_secs() + 1);
        let mine = take(&run).unwrap();
        assert!(mine.is_held());
        assert_eq!(mine.number, 2);
    }

    #[test]
    fn a_job_that_is_requeued_replaces_itself() {
        let me = Holder { job: Some("41".into()), restarts: 1, ..Holder::this() };
        let mut other = Holder { restarts: 0, ..me.clone() };
        elsewhere(&mut other);
        assert!(other.is_gone(&me));
        assert!(!Holder { restarts: 1, ..other.clone() }.is_gone(&me));
        assert!(!Holder { job: Some("42".into()), ..other.clone() }.is_gone(&me));
        assert!(!Holder { job: None, ..other }.is_gone(&Holder { job: None, ..me }));
    }

    #[test]
    fn who_was_replaced_finds_out_and_leaves_the_claim_alone() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let mine = take(&run).unwrap();
        let other = Holder { host: "another".into(), ..Holder::this() };
        assert!(place(&run.claim(2), &other).unwrap());
        assert!(!mine.is_held());
        drop(mine);
        assert_eq!(Claim::seen(&run).unwrap().unwrap().holder.unwrap(), other);
    }

    #[test]
    fn who_has_a_claim_cannot_steer_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        let this = || Holder { host: "no\u{1b}[2Jde".into(), ..Holder::this() };
        let other = Holder { job: Some("1\n2".into()), since: "\u{7}".into(), ..this() };
        assert!(place(&run.claim(1), &other).unwrap());
        let seen = Claim::seen(&run).unwrap().unwrap().holder.unwrap();
        assert_eq!(seen.host, "no\u{fffd}[2Jde");
        assert_eq!((seen.job.as_deref(), seen.since.as_str()), (Some("1\u{fffd}2"), "\u{fffd}"));
    }

    #[test]
    fn a_claim_that_cannot_be_read_holds_until_it_was_silent_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(&folder);
        fs::write(run.claim(1), "").unwrap();
        assert!(take(&run).is_none());
        silent_for(&run, SILENT.as_secs() + 1);
        assert!(take(&run).is_some());
    }
}
