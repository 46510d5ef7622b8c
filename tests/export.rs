//! `export` over folders that the tests write, against an event file that TensorBoard wrote
//! (tests/reference/events_golden.py). tests/reference/export.py reads what real sweeps left with
//! TensorBoard and MLflow themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use results::Results;
use resweep::cli::ExportArgs;
use resweep::commands::export;
use resweep::records::Status;

#[path = "common/results.rs"]
mod results;

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: ExportArgs,
}

fn export(made: &Results, to: &str, into: &Path) -> Result<String, export::Error> {
    let (results, into) = (made.path(), into.to_str().unwrap().to_owned());
    let words = ["export", results.to_str().unwrap(), "--to", to, &into];
    let (text, unreadable) = export::write(&Cli::try_parse_from(words).unwrap().args)?;
    assert_eq!(unreadable, []);
    Ok(text)
}

/// Every file under a folder, by its path from there.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn sweep() -> Results {
    let made = Results::new("made of two");
    let id = made.run("net2", 0, Status::Ok, &[40.0, 62.5]);
    made.spec(&id, "set: Shapes10(seed: 0)");
    made.run("net2", 1, Status::Diverged, &[10.0, f64::NAN]);
    made
}

#[test]
fn event_files_are_those_that_tensorboard_writes() {
    let made = sweep();
    let into = made.root.path().join("events");
    let text = export(&made, "tensorboard", &into).unwrap();
    assert!(text.starts_with("Wrote 2 runs of made of two for TensorBoard"), "{text}");
    let files = files(&into);
    let name = |seed| format!("made%20of%20two/net2/seed{seed}/events.out.tfevents.resweep");
    let names: Vec<&str> = files.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, [name(0), name(1)]);
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/events.tfevents");
    assert_eq!(files[Path::new(&name(0))], fs::read(golden).unwrap());
}

#[test]
fn a_file_store_is_laid_out_as_mlflow_has_it() {
    let made = sweep();
    let into = made.root.path().join("mlruns");
    let text = export(&made, "mlflow", &into).unwrap();
    assert!(text.contains("net2, seed 1: without its recipe, as "), "{text}");
    let mut all = String::new();
    for (path, bytes) in files(&into) {
        let text = String::from_utf8(bytes).unwrap();
        writeln!(all, "== {}\n{}", path.display(), text.trim_end()).unwrap();
    }
    insta::assert_snapshot!("mlflow", made.tidy(&all));
}

#[test]
fn written_twice_a_run_replaces_itself() {
    for to in ["tensorboard", "mlflow"] {
        let made = sweep();
        let into = made.root.path().join("out");
        export(&made, to, &into).unwrap();
        let first = files(&into);
        export(&made, to, &into).unwrap();
        assert_eq!(files(&into), first, "{to}");
        made.run("net2", 0, Status::Ok, &[41.0, 50.0]);
        export(&made, to, &into).unwrap();
        let again = files(&into);
        assert!(again.keys().eq(first.keys()) && again != first, "{to}");
    }
}

/// What MLflow and its users add to a run stays.
#[test]
fn what_others_wrote_is_kept() {
    let made = sweep();
    let into = made.root.path().join("mlruns");
    export(&made, "mlflow", &into).unwrap();
    let mut written = files(&into).into_keys();
    let tag = written.find(|path| path.ends_with("tags/resweep.status")).unwrap();
    let note = into.join(tag.with_file_name("mlflow.note.content"));
    let stale = into.join(tag.parent().unwrap().with_file_name("metrics")).join("stale");
    let other = into.join("0/meta.yaml");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    for path in [&note, &stale, &other] {
        fs::write(path, "mine").unwrap();
    }
    export(&made, "mlflow", &into).unwrap();
    assert!(note.exists() && other.exists() && !stale.exists());
}

/// Names that would leave the folder, or write over one another.
#[test]
fn nothing_is_written_outside() {
    for to in ["tensorboard", "mlflow"] {
        let made = Results::new("../up");
        for name in ["../../out", "/abs", "..", "a/b", "a%2Fb"] {
            made.run(name, 0, Status::Ok, &[50.0]);
        }
        let before: Vec<PathBuf> = files(made.root.path()).into_keys().collect();
        let into = made.root.path().join("one/two/three");
        export(&made, to, &into).unwrap();
        let mut after: Vec<PathBuf> = files(made.root.path()).into_keys().collect();
        after.retain(|path| !path.starts_with("one/two/three"));
        assert_eq!(after, before, "{to}");
        let runs =
            if to == "mlflow" { "tags/resweep.experiment" } else { "events.out.tfevents.resweep" };
        let written = files(&into).into_keys().filter(|path| path.ends_with(runs));
        assert_eq!(written.count(), 5, "{to}");
    }
}

#[test]
fn mistakes_say_how_to_mend_them() {
    let made = sweep();
    let blocked = made.root.path().join("file");
    fs::write(&blocked, "").unwrap();
    let told: Vec<String> = ["tensorboard", "mlflow"]
        .into_iter()
        .map(|to| made.tidy(&export(&made, to, &blocked).unwrap_err().to_string()))
        .collect();
    assert!(told.iter().all(|told| told.contains("cannot write `RESULTS/file/")), "{told:?}");
    assert!(told[0].ends_with("is there a file in the way, and room?"), "{told:?}");
    let empty = Results::new("empty");
    let none = export(&empty, "mlflow", &empty.root.path().join("out")).unwrap_err().to_string();
    assert!(none.contains("there are no records of runs in"), "{none}");
    assert!(Cli::try_parse_from(["export", "results/quick", "--to", "wandb", "out"]).is_err());
}
