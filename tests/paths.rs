//! No name in a spec, and no link among the results, leads a write out of the folder of results.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/made.rs"]
mod made;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, UNIX_EPOCH};

use resweep::experiment;
use resweep::records::{
    Access, Clock, Ending, EpochRow, Folder, Layout, Record, RunId, Span, Status, Store, Tables,
};
use resweep::saved::{self, RunFile, RunFolder};
use resweep::spec::load::Loader;
use tempfile::TempDir;

/// Names that would lead elsewhere, or that no file can have, as RON has them.
const HOSTILE: [&str; 22] = [
    "..",
    ".",
    "",
    "../up",
    "a/../../up",
    "/etc/passwd",
    "//host/share",
    "a/b",
    "a\\\\b",
    "C:\\\\up",
    "C:up",
    "a\\u{0}b",
    "a\\nb",
    "a\\tb",
    "\\u{1b}[31m",
    "\\u{202e}nor",
    "\\u{ff0e}\\u{ff0e}/up",
    ".hidden",
    "~/up",
    "$HOME",
    "-a b",
    "näme",
];

const NETWORK: &str = "Network(stem: [(\"conv\", Conv2d(out: 8, kernel: 3))], \
    head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))])";

/// What a sweep says with these fields, planned from a file.
fn planned(fields: &str) -> Result<experiment::Experiments, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.ron");
    let text =
        format!("Sweep(data: (), train: (epochs: 2, batch: 8, optimizer: Sgd(lr: 0.1)), {fields})");
    fs::write(&path, text).unwrap();
    let loader = Loader::default();
    experiment::sweep(&loader, &path, &[]).map_err(|errors| {
        errors.iter().map(|error| error.render(&loader.sources)).collect::<Vec<_>>().join("\n")
    })
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let long = "a".repeat(101);
    let longer = "a".repeat(5000);
    for name in HOSTILE.into_iter().chain([long.as_str(), longer.as_str()]) {
        let network = format!("(name: \"net\", network: {NETWORK})");
        let places = [
            format!("name: \"{name}\", networks: [{network}]"),
            format!("networks: [(name: \"{name}\", network: {NETWORK})]"),
            format!("names: \"{name}\", networks: [{network}]"),
            format!(
                "networks: [{network}], axes: [Cases(name: \"c\", cases: {{ \"{name}\": {{}} }})]"
            ),
        ];
        for fields in places {
            match planned(&fields) {
                Err(told) => assert!(told.contains("error: ") && told.contains("help: "), "{told}"),
                // A value of an axis may be said in other characters.
                Ok(sweep) => {
                    let names = sweep.list.iter().map(|own| own.name.clone()).chain([sweep.name]);
                    names.for_each(|own| assert_eq!(own, saved::file_name(&own), "{fields}"));
                }
            }
        }
    }
}

/// Names come from records too, which anyone may have written.
#[test]
fn any_name_is_a_file_name_within_its_folder() {
    let root = Path::new("results");
    let raw =
        ["..", ".", "", "../up", "/etc", "a\\b", "a\0b", "a\nb", "C:\\", "%2E%2E", "\u{202e}"];
    for name in raw {
        let sweep = saved::folder(root, name);
        assert!(sweep.parent() == Some(root) || name.is_empty(), "{name:?}: {}", sweep.display());
        for hash in ["0", "../../up", "/", ""] {
            let run = RunFolder::of(&sweep, name, 0, hash);
            assert_eq!(run.path().parent(), Some(saved::runs(&sweep).as_path()), "{name:?}");
            let file = run.path().file_name().unwrap().to_str().unwrap();
            assert!(file != ".." && !file.starts_with('.') && !file.contains(['/', '\\', '\0']));
        }
    }
}

/// Results, and a folder beside them that nothing may be written to.
struct Scene {
    root: TempDir,
    id: RunId,
}

impl Scene {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("outside")).unwrap();
        fs::write(root.path().join("outside/kept.txt"), "kept").unwrap();
        let id = RunId { experiment: "net".into(), seed: 0, spec_hash: "a".repeat(64) };
        Self { root, id }
    }

    fn results(&self) -> PathBuf {
        self.root.path().join("results")
    }

    fn sweep(&self) -> PathBuf {
        self.results().join("made")
    }

    fn run(&self) -> RunFolder {
        RunFolder::of(&self.sweep(), &self.id.experiment, 0, &self.id.spec_hash)
    }

    fn outside(&self) -> PathBuf {
        self.root.path().join("outside")
    }

    /// Puts a link in the place of a file or folder.
    fn link(&self, place: &Path, to: &Path) {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let _ = fs::remove_file(place);
        symlink(to, place).unwrap();
    }

    /// All that a sweep writes of a run.
    fn write(&self) -> Result<(), String> {
        let told = |error: resweep::records::StoreError| error.to_string();
        let store = Store::open(&self.results(), "made", Access::Shared).map_err(told)?;
        let _tables = store.hold_tables();
        let _claim = store.claim(&self.id, Arc::default()).map_err(told)?;
        store.begin(&self.id, "Sweep()", &made::environment()).map_err(told)?;
        store.log(&self.id, "a line");
        store.save_epochs(&self.id, &[EpochRow::default()]);
        let clock = Clock { started: "2026-01-01T00:00:00Z".into(), wall_s: 1.0, after: 0 };
        store.save_clock(&self.id, &clock);
        let span = Span { started: UNIX_EPOCH, wall: Duration::from_secs(1) };
        let (facts, on) = (made::facts(), made::environment());
        let record =
            Record::new(&self.id, &facts, &on, Vec::new(), Ending::of(Status::Failed), span);
        store.save(&record).map_err(told)?;
        store.save_note("note.ron", "()").map_err(told)?;
        let tables = Tables::of(&Layout::plain(&["net"]), [&record]);
        store.write_tables(&tables).map_err(told)?;
        store.remove_checkpoints(&self.id).map_err(told)
    }

    /// Checks that outside is as it was.
    #[track_caller]
    fn is_untouched(&self) {
        let there: Vec<_> = fs::read_dir(self.outside()).unwrap().flatten().collect();
        let names: Vec<_> = there.iter().map(fs::DirEntry::file_name).collect();
        assert_eq!(names, ["kept.txt"]);
        assert_eq!(fs::read_to_string(self.outside().join("kept.txt")).unwrap(), "kept");
    }
}

#[test]
fn results_may_be_a_link() {
    let scene = Scene::new();
    let elsewhere = scene.root.path().join("large disk");
    fs::create_dir(&elsewhere).unwrap();
    scene.link(&scene.results(), &elsewhere);
    scene.write().unwrap();
    assert!(elsewhere.join("made/runs.csv").is_file());
    // So may a folder that stays within them.
    let scene = Scene::new();
    fs::create_dir_all(scene.results().join("other")).unwrap();
    scene.link(&scene.sweep(), Path::new("other"));
    scene.write().unwrap();
    assert!(scene.results().join("other/runs.csv").is_file());
}

#[test]
fn folders_that_lead_out_are_refused() {
    let places: [fn(&Scene) -> PathBuf; 3] =
        [Scene::sweep, |scene| saved::runs(&scene.sweep()), |scene| scene.run().path().into()];
    for place in places {
        let missing: fn(&Scene) -> PathBuf = |scene| scene.outside().join("missing");
        let relative: fn(&Scene) -> PathBuf =
            |scene| Path::new("../../../outside").join(scene.id.experiment.replace("net", "."));
        for to in [Scene::outside as fn(&Scene) -> PathBuf, missing, relative] {
            let scene = Scene::new();
            let place = place(&scene);
            scene.link(&place, &to(&scene));
            let told = scene.write().unwrap_err();
            assert!(told.contains(place.to_str().unwrap()), "{told}");
            assert!(told.contains("is a link that leads to") && told.contains("remove the link"));
            scene.is_untouched();
        }
    }
}

/// What a sweep writes and reads, below its folder.
fn files() -> Vec<PathBuf> {
    let of_sweep = [
        "runs.csv",
        "accuracy.csv",
        "timing.csv",
        "epochs.csv",
        "halving.csv",
        "seeds.csv",
        "note.ron",
        ".tables.sha256",
        ".lock",
        ".tables-lock",
    ];
    let of_run = [
        RunFile::Record,
        RunFile::Spec,
        RunFile::Environment,
        RunFile::Epochs,
        RunFile::Predictions,
        RunFile::Log,
        RunFile::Clock,
        RunFile::Checkpoint,
        RunFile::EarlierCheckpoint,
    ];
    let scene = Scene::new();
    let inner = scene.run().path().strip_prefix(scene.sweep()).unwrap().to_owned();
    let of_run = of_run.map(RunFile::name).into_iter().chain(["claim.1"]);
    of_sweep.map(PathBuf::from).into_iter().chain(of_run.map(|name| inner.join(name))).collect()
}

/// Files that are replaced take the place of a link; those that are written in place are refused.
#[test]
fn files_that_lead_out_are_replaced_or_refused() {
    for name in files() {
        for to in ["kept.txt", "new.txt"] {
            let scene = Scene::new();
            let place = scene.sweep().join(&name);
            scene.link(&place, &scene.outside().join(to));
            let written = scene.write();
            let in_place =
                ["lock", "claim.1"].iter().any(|end| name.to_string_lossy().ends_with(end));
            assert_eq!(written.is_err(), in_place, "{}: {written:?}", name.display());
            scene.is_untouched();
        }
    }
}

/// Nobody writes to these pipes: who waited for one would wait for ever.
#[test]
fn pipes_in_the_place_of_files_are_not_waited_for() {
    for name in files() {
        let scene = Scene::new();
        scene.write().unwrap();
        let place = scene.sweep().join(&name);
        let _ = fs::remove_file(&place);
        assert!(Command::new("mkfifo").arg(&place).status().unwrap().success());
        let (done, ended) = mpsc::channel();
        let child = std::thread::spawn(move || {
            read_all(&scene);
            let _ = scene.write();
            read_all(&scene);
            let _ = done.send(());
        });
        let in_time = ended.recv_timeout(Duration::from_secs(20));
        assert_ne!(in_time, Err(RecvTimeoutError::Timeout), "{} is waited for", name.display());
        child.join().unwrap();
    }
}

/// All that is read of a sweep and its run.
fn read_all(scene: &Scene) {
    let folder = Folder::open(&scene.sweep()).unwrap();
    for run in &folder.runs {
        let _ = (run.epochs(), run.predictions(), run.said());
    }
    let _ = resweep::records::peek(&scene.sweep(), &scene.id);
    let _ = resweep::records::baseline_of(&scene.sweep());
    let store = Store::open(&scene.results(), "made", Access::Shared);
    let _ =
        store.map(|store| (store.find(&scene.id), store.clock(&scene.id), store.note("note.ron")));
}

/// What was set aside is removed as a link, not as what it leads to.
#[test]
fn a_run_that_is_set_aside_takes_nothing_with_it() {
    let scene = Scene::new();
    scene.write().unwrap();
    let aside = PathBuf::from(format!("{}.superseded", scene.run().path().display()));
    scene.link(&aside, &scene.outside());
    let store = Store::open(&scene.results(), "made", Access::Alone).unwrap();
    store.supersede(&scene.id).unwrap();
    assert!(aside.join(RunFile::Record.name()).is_file());
    scene.is_untouched();
}
