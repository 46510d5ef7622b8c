//! A Slurm of two nodes on this machine: the real programs, started for a test.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The programs that it takes.
const PROGRAMS: [&str; 7] =
    ["munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel"];

/// A cluster; it ends with this.
pub struct Machine {
    folder: TempDir,
    daemons: Vec<Child>,
}

impl Machine {
    /// Starts one whose job arrays have at most so many tasks, after installing it where it is missing
    /// and that can be done. None where it cannot run here, which is told.
    pub fn start(array_size: usize) -> Option<Self> {
        if let Err(why) = available() {
            // Not by a macro: what those print of a test that passes is not shown.
            let _ = writeln!(std::io::stderr(), "skipped: no sweep on a real Slurm, since {why}");
            return None;
        }
        let folder = TempDir::new().unwrap();
        // What Slurm's programs make is to be seen by all of them.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        std::fs::write(folder.path().join("slurm.conf"), config(folder.path(), array_size))
            .unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let mut machine = Self { folder, daemons: Vec::new() };
        machine.start_daemons();
        machine.wait_for("both nodes", |it| {
            it.said("sinfo", &["-h", "-N", "-o", "%T"]) == "idle\nidle\n"
        });
        Some(machine)
    }

    fn start_daemons(&mut self) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        std::fs::write(path("munge.key"), [7; 64]).unwrap();
        let secret = std::fs::Permissions::from_mode(0o400);
        std::fs::set_permissions(path("munge.key"), secret).unwrap();
        let mut munged = vec!["--foreground".to_owned(), "--force".into()];
        for (option, name) in [
            ("socket", "munge.sock"),
            ("key-file", "munge.key"),
            ("pid-file", "munge.pid"),
            ("log-file", "munge.log"),
            ("seed-file", "munge.seed"),
        ] {
            munged.push(format!("--{option}={}", path(name)));
        }
        let socket = self.folder.path().join("munge.sock");
        self.spawn("munged", &munged);
        self.wait_for("munged", |_| socket.exists());
        self.spawn("slurmctld", &["-D".into(), "-c".into()]);
        for node in ["n1", "n2"] {
            self.spawn("slurmd", &["-D".into(), "-N".into(), node.into()]);
        }
    }

    fn spawn(&mut self, program: &str, arguments: &[String]) {
        let mut command = Command::new(program);
        self.known_to(&mut command).args(arguments);
        let daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.daemons.push(daemon.unwrap());
    }

    /// Has a program use it.
    pub fn known_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("SLURM_CONF", self.folder.path().join("slurm.conf"))
    }

    /// What one of its programs prints.
    pub fn said(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.known_to(&mut Command::new(program)).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Has one of its programs do something.
    pub fn told(&self, program: &str, arguments: &[&str]) {
        let output = self.known_to(&mut Command::new(program)).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    }

    /// Waits until something is so.
    pub fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < PATIENCE, "{what} never came:\n{}", self.state());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that helps to understand why it does not go on.
    fn state(&self) -> String {
        let log = |name: &str| {
            let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(30)..].join("\n")
        };
        let queue = self.said("squeue", &["-r"]);
        let nodes = self.said("sinfo", &["-N", "-l"]);
        [queue, nodes, log("slurmctld.log"), log("slurmd-n1.log"), log("slurmd-n2.log")].join("\n")
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(400);

impl Drop for Machine {
    fn drop(&mut self) {
        self.said("scancel", &["--user=root"]);
        for daemon in self.daemons.iter_mut().rev() {
            let id = daemon.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &id]).status();
        }
        for daemon in &mut self.daemons {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(10) && matches!(daemon.try_wait(), Ok(None))
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// Why it cannot run here.
fn available() -> Result<(), String> {
    if std::env::var("RESWEEP_SLURM").is_ok_and(|asked| asked == "no") {
        return Err("RESWEEP_SLURM is `no`".into());
    }
    let user = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
    if user.stdout != b"0\n" {
        return Err("its daemons are started by root, and this is another user".into());
    }
    match missing().is_empty() {
        true => Ok(()),
        false => install(),
    }
}

fn missing() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |program: &&str| std::env::split_paths(&path).any(|it| it.join(program).exists());
    PROGRAMS.into_iter().filter(|program| !is_there(program)).collect()
}

fn install() -> Result<(), String> {
    let script = "set -- -q -o Acquire::http::Timeout=20 -o Acquire::Retries=1\n\
                  apt-get \"$@\" update && apt-get \"$@\" install -y --no-install-recommends \
                  munge slurmctld slurmd slurm-client";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("DEBIAN_FRONTEND", "noninteractive");
    let output = command.output().map_err(|error| error.to_string())?;
    match missing().as_slice() {
        [] => Ok(()),
        programs => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(format!("{} could not be installed: {said}", programs.join(", ")))
        }
    }
}

/// Two nodes, each with one core for tasks, whatever this machine has. Jobs that are requeued start again
/// after some seconds, where it is two minutes else.
fn config(folder: &Path, array_size: usize) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (host, folder) = (host.trim().split('.').next().unwrap().to_owned(), folder.display());
    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (controller, first, second) = (port(), port(), port());
    format!(
        "ClusterName=test\n\
         SlurmctldHost={host}(127.0.0.1)\n\
         SlurmctldPort={controller}\n\
         SlurmUser=root\n\
         AuthType=auth/munge\n\
         AuthInfo=socket={folder}/munge.sock,cred_expire=2\n\
         StateSaveLocation={folder}/state\n\
         SlurmdSpoolDir={folder}/spool-%n\n\
         SlurmctldPidFile={folder}/slurmctld.pid\n\
         SlurmdPidFile={folder}/slurmd-%n.pid\n\
         SlurmctldLogFile={folder}/slurmctld.log\n\
         SlurmdLogFile={folder}/slurmd-%n.log\n\
         ProctrackType=proctrack/linuxproc\n\
         TaskPlugin=task/none\n\
         SwitchType=switch/none\n\
         MpiDefault=none\n\
         SelectType=select/cons_tres\n\
         SelectTypeParameters=CR_CPU\n\
         SlurmdParameters=config_overrides\n\
         ReturnToService=2\n\
         MaxArraySize={array_size}\n\
         NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=1\n\
         NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=1\n\
         PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP\n"
    )
}
