//! What commands take over a folder of results.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A command that could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// It does not start.
    #[error("cannot start `{what}`: {why}")]
    Start {
        /// The command.
        what: String,
        /// Why.
        why: io::Error,
    },
    /// It fails.
    #[error("`{what}` ended with {status}; run it by itself to see why")]
    Failed {
        /// The command.
        what: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

/// What a command took.
struct Taken {
    seconds: f64,
    /// Peak resident memory in units of 10^6 bytes; none where the kernel does not tell.
    megabytes: Option<f64>,
}

/// How often each command is run; the quickest counts, as the disk's cache is to be warm.
const ROUNDS: usize = 3;

/// A line a command: seconds, megabytes, and its words.
///
/// # Errors
/// [`MeasureError`] for the first command that does not end well.
pub fn table(
    sweep: &Path,
    spec: &Path,
    results: &Path,
    pair: [Option<String>; 2],
) -> Result<String, MeasureError> {
    let (sweep, spec) = (sweep.display().to_string(), spec.display().to_string());
    let results = results.display().to_string();
    let out = |name: &str| format!("{results}/measured/{name}");
    let mut commands = vec![
        vec!["sweep".to_owned(), spec.clone(), "--dry-run".into()],
        vec![
            "sweep".to_owned(),
            spec.clone(),
            "--launcher".into(),
            "slurm".into(),
            "--dry-run".into(),
            "--results".into(),
            results.clone(),
        ],
        vec!["report".into(), sweep.clone(), "--output".into(), format!("{results}/report.html")],
        vec!["classes".into(), sweep.clone()],
        vec!["status".into(), sweep.clone()],
        vec!["collect".into(), sweep.clone()],
        vec![
            "plan-seeds".into(),
            spec,
            "--detect".into(),
            "1".into(),
            "--results".into(),
            results.clone(),
        ],
    ];
    for format in ["table", "json"] {
        commands.push(vec!["compare".into(), sweep.clone(), "--format".into(), format.into()]);
    }
    if let [Some(first), Some(second)] = pair {
        commands.push(vec!["compare".into(), sweep.clone(), first.clone(), second.clone()]);
        commands.push(vec!["disagree".into(), sweep.clone(), first, second]);
    }
    for to in ["tensorboard", "mlflow"] {
        commands.push(vec!["export".into(), sweep.clone(), "--to".into(), to.into(), out(to)]);
    }
    let mut text = String::from("  seconds      MB  command\n");
    for words in &commands {
        let rounds = (0..ROUNDS).map(|_| taken(words)).collect::<Result<Vec<_>, _>>()?;
        let seconds = rounds.iter().map(|it| it.seconds).fold(f64::INFINITY, f64::min);
        let megabytes = rounds.iter().filter_map(|it| it.megabytes).reduce(f64::max);
        let megabytes = megabytes.map_or("?".into(), |most| format!("{most:.0}"));
        text += &format!("{seconds:9.2}  {megabytes:>6}  {}\n", words.join(" "));
    }
    Ok(text)
}

/// Runs a command of this program, and says what it took.
fn taken(words: &[String]) -> Result<Taken, MeasureError> {
    let what = words.join(" ");
    let begun = Instant::now();
    let started = std::env::current_exe().and_then(|program| {
        Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    });
    let mut child = started.map_err(|why| MeasureError::Start { what: what.clone(), why })?;
    let mut most = None;
    loop {
        most = peak(&child).or(most);
        match child.try_wait() {
            Ok(None) => sleep(Duration::from_millis(1)),
            Ok(Some(status)) if status.success() => {
                let seconds = begun.elapsed().as_secs_f64();
                return Ok(Taken { seconds, megabytes: most });
            }
            Ok(Some(status)) => return Err(MeasureError::Failed { what, status }),
            Err(why) => return Err(MeasureError::Start { what, why }),
        }
    }
}

/// The most memory that a process has had so far; the kernel forgets it with the process.
fn peak(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
