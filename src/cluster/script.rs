//! The batch script of a submission: one for all its arrays, readable for who wants to know what is run.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use super::slurm::Request;

/// Seconds before the time limit at which a task is told to stop. Slurm may be a minute early.
const NOTICE: u32 = 120;

/// A batch script; as text it is that.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// The name of the sweep.
    pub sweep: &'a str,
    /// The folder of the submission.
    pub submission: &'a Path,
    /// The program.
    pub program: &'a Path,
    /// What is asked for.
    pub request: &'a Request,
    /// The arguments of each task beside its number.
    pub arguments: &'a [String],
    /// Threads of a task; as many as Slurm gives it CPUs where none are named.
    pub threads: Option<u32>,
}

impl Display for Script<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let submission = self.submission.display().to_string();
        let program = quoted(&self.program.display().to_string());
        let arguments: String =
            self.arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
        let threads = match self.threads {
            Some(threads) => threads.to_string(),
            None => "\"${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}\"".into(),
        };
        writeln!(f, "#!/bin/bash")?;
        writeln!(
            f,
            "# A task of the sweep {}; the argument is the first task of its array.",
            self.sweep
        )?;
        for option in self.options() {
            writeln!(f, "#SBATCH {option}")?;
        }
        if !self.request.setup.is_empty() {
            writeln!(f, "\n{}", self.request.setup.join("\n"))?;
        }
        writeln!(f, "{}", TRAPS.trim_end())?;
        writeln!(f)?;
        let submission = quoted(&submission);
        writeln!(f, "{program} task {submission} \"$(($1 + SLURM_ARRAY_TASK_ID))\" \\")?;
        writeln!(f, "   {arguments} --threads {threads} &")?;
        write!(f, "{WAITS}")
    }
}

impl Script<'_> {
    fn options(&self) -> Vec<String> {
        // In names of files `%` has a meaning.
        let log = self.submission.join("log").display().to_string().replace('%', "%%");
        let mut options = vec![
            format!("--job-name=resweep-{}", self.sweep),
            format!("--output=\"{}/%A_%a.log\"", log.replace('"', "\\\"")),
            "--open-mode=append".into(),
            "--requeue".into(),
            format!("--signal=B:USR1@{NOTICE}"),
        ];
        options.extend(self.request.options());
        options
    }
}

/// What becomes of signals.
const TRAPS: &str = r#"
# Before the time limit Slurm sends USR1: the task leaves a checkpoint, and its job is requeued. On TERM
# (scancel, preemption, a node that goes down) it leaves a checkpoint too.
stop() { signalled=yes; kill -TERM "$task" 2> /dev/null; }
trap 'again=yes; stop' USR1
trap stop TERM INT
"#;

/// What follows the start of the task. A signal ends `wait` before the task.
const WAITS: &str = r#"task=$!
while :; do
    signalled=
    wait "$task"
    code=$?
    [ "$signalled" ] || break
done
if [ "$again" ] && [ "$code" -eq 130 ]; then
    # This ends the script, too.
    scontrol requeue "$SLURM_JOB_ID" && sleep 300
fi
exit "$code"
"#;

/// A word as the shell reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=.,/:@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_the_shell_reads_them() {
        assert_eq!(quoted("/a/b-c_d.e"), "/a/b-c_d.e");
        assert_eq!(quoted("/my results/$x"), "'/my results/$x'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
