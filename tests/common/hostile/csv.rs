//! Tables and records of a sweep, as they are read again.

use std::fs;
use std::path::Path;

use clap::Parser;
use resweep::cli::Command;
use resweep::commands::{classes, compare, disagree, export, report};
use resweep::records::{
    Decisions, Folder, KeptRun, Layout, Record, RunId, Status, Tables, baseline_of, csv_bytes,
    summary,
};
use resweep::saved::RunFile;

use super::results::Results;

/// A sweep of two experiments with two seeds each, one file of which is replaced.
pub struct Bench {
    results: Results,
    run: RunId,
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The files that are replaced, in the folder of the sweep or of a run; the first byte of what is driven
/// says which.
const FILES: [(Place, &str); 8] = [
    (Place::Sweep, "accuracy.csv"),
    (Place::Sweep, "seeds.csv"),
    (Place::Run, "record.ron"),
    (Place::Run, "environment.ron"),
    (Place::Run, "clock.ron"),
    (Place::Sweep, "halving.ron"),
    (Place::Begun, "epochs.csv"),
    (Place::Sweep, ".tables.sha256"),
];

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Sweep,
    Run,
    /// A run without a record.
    Begun,
}

impl Bench {
    pub fn new() -> Self {
        let results = Results::new("made");
        let labels: Vec<u8> = (0..20).map(|at| at % 10).collect();
        let mut wrong = labels.clone();
        wrong[3] = 9;
        for (experiment, seed) in [("net18", 1), ("net34", 0), ("net34", 1), ("net18", 0)] {
            results.predict(experiment, seed, &labels, if seed == 0 { &labels } else { &wrong });
        }
        let id = |seed| RunId { experiment: "net18".into(), seed, spec_hash: "a".repeat(64) };
        let begun = results.store.run(&id(7));
        fs::create_dir(begun.path()).unwrap();
        let spec = |id: RunId| results.spec(&id, "set: Shapes10(seed: 0)");
        spec(id(0));
        spec(id(7));
        Self { run: id(0), results }
    }

    /// Reads a file as what its first byte says, and all that is told of the sweep with it. Whether
    /// comparisons could be made.
    pub fn drive(&self, bytes: &[u8]) -> bool {
        let Some((which, content)) = bytes.split_first() else { return false };
        let (place, name) = FILES[usize::from(*which) % FILES.len()];
        let store = &self.results.store;
        let path = match place {
            Place::Sweep => store.folder().join(name),
            Place::Run => store.run(&self.run).path().join(name),
            Place::Begun => {
                let id = RunId { seed: 7, ..self.run.clone() };
                store.run(&id).path().join(name)
            }
        };
        let before = fs::read(&path).ok();
        fs::write(&path, content).unwrap();
        let compared = self.read();
        let _ = match before {
            Some(before) => fs::write(&path, before),
            None => fs::remove_file(&path),
        };
        compared
    }

    /// All that reads the sweep.
    fn read(&self) -> bool {
        let (store, sweep) = (&self.results.store, self.results.path());
        let _ = (baseline_of(&sweep), store.clock(&self.run), Decisions::load(&sweep, "made"));
        if let Err(error) = KeptRun::open(store.run(&self.run).path()) {
            assert!(!error.to_string().is_empty());
        }
        self.tables();
        for run in Folder::open(&sweep).unwrap().runs {
            let _ = run.epochs();
        }
        let compared = self.command(&["compare"]);
        let _ = self.command(&["compare", "--baseline", "net18", "--format", "latex"]);
        let _ = self.command(&["classes"]);
        let _ = self.command(&["disagree", "net18", "net34"]);
        self.report();
        for to in ["tensorboard", "mlflow"] {
            self.export(to);
        }
        compared
    }

    /// The record and its tables. They are as many as the rows of the record ask for.
    fn tables(&self) {
        let store = &self.results.store;
        let record: Option<Record> = store.peek(&self.run);
        let layout = Layout {
            experiments: vec![("net18".into(), vec!["1".into()])],
            axes: vec!["width".into()],
            baseline: Some("net18".into()),
        };
        let tables = Tables::of(&layout, record.iter());
        assert_eq!(tables.runs.len(), usize::from(record.is_some()));
        assert!(csv_bytes(&tables.runs, &tables.axes).is_ok());
        assert!(csv_bytes(&tables.epochs, &tables.axes).is_ok());
        assert!(!summary(&tables).is_empty());
        store.write_tables(&tables).unwrap();
        for (_, aside) in store.take_edited() {
            fs::remove_file(aside).unwrap();
        }
    }

    /// A command that tells of the sweep.
    fn command(&self, words: &[&str]) -> bool {
        let path = self.results.path();
        let words = [&["resweep", words[0], path.to_str().unwrap()], &words[1..]].concat();
        let told = match Cli::parse_from(words).command {
            Command::Compare(args) => compare::text(&args).map(drop).map_err(|e| e.to_string()),
            Command::Classes(args) => classes::text(&args).map(drop).map_err(|e| e.to_string()),
            Command::Disagree(args) => disagree::text(&args).map(drop).map_err(|e| e.to_string()),
            _ => Ok(()),
        };
        told.is_ok()
    }

    fn report(&self) {
        let path = self.results.path();
        let words = ["resweep", "report", path.to_str().unwrap()];
        if let Command::Report(args) = Cli::parse_from(words).command {
            let _ = report::run(&args);
        }
        let _ = fs::remove_file(path.join("report.html"));
    }

    /// Writes for another program, and nothing outside of the folder that is asked for.
    fn export(&self, to: &str) {
        let (path, out) = (self.results.path(), self.results.root.path().join("out"));
        let (path, folder) = (path.to_str().unwrap(), out.to_str().unwrap());
        let words = ["resweep", "export", path, "--to", to, folder];
        if let Command::Export(args) = Cli::parse_from(words).command {
            let _ = export::write(&args).map_err(|error| assert!(!error.to_string().is_empty()));
        }
        let _ = fs::remove_dir_all(&out);
        assert_eq!(names(self.results.root.path()), ["made"]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Each file as resweep writes it.
pub fn seeds() -> Vec<Vec<u8>> {
    let results = Results::new("made");
    let id = results.run("net18", 0, Status::Ok, &[50.0, 60.5]);
    let run = results.store.run(&id);
    let own = |file: RunFile| fs::read(run.file(file)).unwrap();
    let accuracy = b"experiment,depth,top1_mean,top1_vs_baseline\na,1,50,\nb,2,60,10\n".to_vec();
    let decided =
        b"experiment,other,round,metric,seeds,difference,low,high,e_value,threshold,decision\n\
        net18,net34,1,top1,3,0.5,-1,2,1.5,20,open\nnet18,net34,2,top1,5,,,,,20,undecided\n";
    let environment = "(device: \"cpu\", device_name: None, threads: 2, overrides: [\"seeds=[1]\"], \
        code_version: \"0.1.0\", tch_version: None, libtorch_version: Some(\"2.11\"), commit: None, \
        dirty: false, machine: {\"cpu\": \"one\"})";
    let halving = "(of: \"made\", rows: [])";
    let hashes = format!("{}  runs.csv\n", "0".repeat(64));
    let contents = [
        accuracy,
        decided.to_vec(),
        own(RunFile::Record),
        environment.into(),
        b"(started: \"2026-01-01T00:00:00Z\", wall_s: 2.0, after: 0)".to_vec(),
        halving.into(),
        own(RunFile::Epochs),
        hashes.into_bytes(),
    ];
    (0..).zip(contents).map(|(which, content)| [vec![which], content].concat()).collect()
}
