//! The programs of Slurm: what is asked of them, and what they answer.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// What a task asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Options of sbatch, by their long names, with their values.
    pub named: Vec<(&'static str, String)>,
    /// Others, as sbatch has them.
    pub others: Vec<String>,
    /// Lines of shell that a task runs first.
    pub setup: Vec<String>,
}

/// A task that waits or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// As Slurm has it: `PENDING`, `RUNNING`, ...
    pub state: String,
    /// Where it runs.
    pub nodes: String,
    /// Why it waits.
    pub reason: String,
}

/// Why Slurm did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// Not there.
    #[error(
        "`{0}` is not on this machine; --launcher slurm is for one that submits to Slurm, such as a \
         cluster's login node. Leave it out to train here"
    )]
    Absent(&'static str),
    /// It cannot be started.
    #[error("`{program}` cannot be started: {source}")]
    Start {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It refused.
    #[error("`{program}` says: {said}{}", mend(said))]
    Refused {
        /// The program.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// It answers what cannot be understood.
    #[error("`{program}` answers `{said}`, which cannot be understood")]
    Answer {
        /// The program.
        program: &'static str,
        /// Its words.
        said: String,
    },
    /// No job arrays.
    #[error("this Slurm has no job arrays (its MaxArraySize is 0), and runs are tasks of one")]
    NoArrays,
}

impl Request {
    /// The options of sbatch.
    pub fn options(&self) -> impl Iterator<Item = String> {
        let named = self.named.iter().map(|(name, value)| format!("--{name}={value}"));
        named.chain(self.others.iter().cloned())
    }
}

/// The most tasks of a job array.
///
/// # Errors
/// Why it cannot be asked, and [`SlurmError::NoArrays`].
pub fn max_array_size() -> Result<usize, SlurmError> {
    let config = answer("scontrol", &["show", "config"])?;
    match array_size(&config) {
        Some(0) => Err(SlurmError::NoArrays),
        Some(size) => Ok(size),
        None => Ok(USUAL_ARRAY_SIZE),
    }
}

/// Slurm's own.
const USUAL_ARRAY_SIZE: usize = 1001;

/// `MaxArraySize            = 1001`.
fn array_size(config: &str) -> Option<usize> {
    let mut lines = config.lines().filter_map(|line| line.split_once('='));
    let (_, value) = lines.find(|(name, _)| name.trim() == "MaxArraySize")?;
    value.trim().parse().ok()
}

/// Submits so many tasks of a script as one job array, of which at most `at_once` run at a time, after
/// another job where one is named; the number of the job.
///
/// # Errors
/// Why it is not submitted.
pub fn submit(
    script: &Path,
    (first, count): (usize, usize),
    at_once: Option<u32>,
    after: Option<&str>,
) -> Result<String, SlurmError> {
    let arguments = arguments((first, count), at_once, after);
    let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (script, first) = (script.display().to_string(), first.to_string());
    all.extend(["--parsable", &script, &first]);
    let said = answer("sbatch", &all)?;
    let job = said.trim().split(';').next().unwrap_or_default();
    match !job.is_empty() && job.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(job.to_owned()),
        false => Err(SlurmError::Answer { program: "sbatch", said: said.trim().to_owned() }),
    }
}

/// What sbatch is told of an array beside its script.
pub fn arguments(
    (_, count): (usize, usize),
    at_once: Option<u32>,
    after: Option<&str>,
) -> Vec<String> {
    let at_once = at_once.map_or(String::new(), |at_once| format!("%{at_once}"));
    let mut arguments = vec![format!("--array=0-{}{at_once}", count.max(1) - 1)];
    arguments.extend(after.map(|job| format!("--dependency=afterany:{job}")));
    arguments
}

/// The tasks of this user's job arrays that wait or run, by job and by their number in its array.
///
/// # Errors
/// Why it cannot be asked.
pub fn queue() -> Result<BTreeMap<(String, usize), Task>, SlurmError> {
    let user = format!("--user={}", rustix::process::getuid().as_raw());
    let said = answer("squeue", &["--noheader", "--array", &user, "--format=%F|%K|%T|%N|%r"])?;
    Ok(said.lines().filter_map(queued).collect())
}

/// `41|3|PENDING||Resources`; of no array nothing.
fn queued(line: &str) -> Option<((String, usize), Task)> {
    let mut fields = line.split('|').map(str::trim);
    let (job, index) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let task = Task { state: next(), nodes: next(), reason: next() };
    Some(((job, index), task))
}

fn answer(program: &'static str, arguments: &[&str]) -> Result<String, SlurmError> {
    let output = match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SlurmError::Absent(program));
        }
        Err(source) => return Err(SlurmError::Start { program, source }),
    };
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(SlurmError::Refused { program, said })
        }
    }
}

/// What to do about a refusal, where that can be said.
fn mend(said: &str) -> &'static str {
    let is_limit =
        ["QOSMaxSubmit", "AssocMaxSubmit", "submit limit", "MaxJobCount", "Job violates"]
            .iter()
            .any(|limit| said.contains(limit));
    match is_limit {
        true => {
            "; where it is the number of tasks, --runs-per-task N makes fewer. What was submitted goes \
             on; the same command submits the rest"
        }
        false => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_array_size_is_read() {
        let config = "MaxArraySize            = 1001\nMaxDBDMsgs              = 20008\n";
        assert_eq!(array_size(config), Some(1001));
        assert_eq!(array_size("MaxArraySizes = 3"), None);
    }

    #[test]
    fn the_queue_is_read() {
        let ((job, index), task) = queued("41|3|RUNNING|gpu[1-2]|None").unwrap();
        assert_eq!((job.as_str(), index), ("41", 3));
        assert_eq!((task.state.as_str(), task.nodes.as_str()), ("RUNNING", "gpu[1-2]"));
        assert!(queued("42|N/A|PENDING||Priority").is_none());
    }

    #[test]
    fn an_array_is_asked_for() {
        assert_eq!(arguments((0, 5), None, None), ["--array=0-4"]);
        let told = arguments((5, 3), Some(2), Some("41"));
        assert_eq!(told, ["--array=0-2%2", "--dependency=afterany:41"]);
    }

    #[test]
    fn a_limit_is_told_with_what_helps() {
        assert!(mend("error: QOSMaxSubmitJobPerUserLimit").contains("--runs-per-task"));
        assert_eq!(mend("error: invalid partition specified: x"), "");
    }
}
