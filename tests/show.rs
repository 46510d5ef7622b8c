//! `show` and `check`: what a spec says once it is resolved is the same network; every shipped spec
//! is in order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use resweep::cli::ShowArgs;
use resweep::commands::{check, show};
use resweep::experiment;
use resweep::spec::error::SpecError;
use resweep::spec::load::Loader;

#[path = "common/clock.rs"]
mod clock;

use clock::processor_time;

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")
}

/// The specs in a folder of `experiments`.
fn specs(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(experiments().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "ron"));
    files.sort();
    files
}

fn shown(spec: &Path) -> String {
    let loader = Loader::default();
    let args = ShowArgs { spec: spec.to_path_buf(), set: Vec::new() };
    show::text(&loader, &args).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render(&loader.sources)).collect::<String>())
    })
}

/// A plan as it enters the hash of a run.
fn plan(spec: &Path) -> String {
    let loader = Loader::default();
    let told = |error: SpecError| panic!("{}", error.render(&loader.sources));
    let plan = experiment::network(&loader, spec, &[], None).unwrap_or_else(told);
    ron::to_string(&plan).unwrap()
}

#[test]
fn a_shown_network_is_the_same_network() {
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("flat.ron");
    let models = specs("models");
    assert!(models.len() > 30);
    for model in models {
        let text = shown(&model);
        assert!(!text.contains(".ron") && !text.contains("stages"), "{}", model.display());
        std::fs::write(&flat, &text).unwrap();
        assert!(plan(&flat) == plan(&model), "{}\n{text}", model.display());
        assert_eq!(shown(&flat), text);
    }
}

#[test]
fn a_shown_sweep_has_the_same_experiments() {
    let folder = tempfile::tempdir().unwrap();
    for spec in specs("") {
        let sweep = experiment::sweep(&Loader::default(), &spec, &[]).unwrap();
        let text = shown(&spec);
        let texts: Vec<&str> = text.split("\n// ").collect();
        assert_eq!(texts.len(), sweep.list.len(), "{}", spec.display());
        for (text, experiment) in texts.iter().zip(&sweep.list) {
            let text = format!("// {}", text.trim_start_matches("// "));
            assert!(text.starts_with(&format!("// {}\nSweep(", experiment.name)));
            let file = folder.path().join("one.ron");
            std::fs::write(&file, &text).unwrap();
            let again = experiment::sweep(&Loader::default(), &file, &[]).unwrap();
            assert_eq!(again.list.len(), 1);
            assert_eq!(again.list[0].name, experiment.name);
            assert_eq!(again.list[0].hash, experiment.hash, "{}", experiment.name);
        }
    }
}

#[test]
fn every_shipped_spec_is_in_order_within_a_second() {
    let files = [specs(""), specs("blocks"), specs("models")].concat();
    // Planning waits for nothing, so the time of the processor is what an idle machine would take.
    let once = || {
        let (started, loader) = (processor_time(), Loader::default());
        for file in &files {
            if let Err(errors) = check::check(&loader, file) {
                let told = errors.iter().map(|error| error.render(&loader.sources));
                panic!("{}", told.collect::<Vec<_>>().join("\n"));
            }
        }
        processor_time() - started
    };
    let best = (0..3).map(|_| once()).fold(f64::INFINITY, f64::min);
    assert!(best < 1.0, "{} specs took {best:.2} s", files.len());
}

/// A block alone is checked without knowing what it reads: numbers that it divides come out even.
#[test]
fn a_block_alone_is_checked_for_what_is_wrong_in_any_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("block.ron");
    let check = |nodes: &str| {
        std::fs::write(&file, format!("Block(params: {{ \"parts\": 3 }}, nodes: [{nodes}])"))
            .unwrap();
        let loader = Loader::default();
        check::check(&loader, &file).map_err(|errors| errors[0].render(&loader.sources))
    };
    for good in ["in_channels / parts", "width / 48", "classes / (blocks - layer)", "8 / stage"] {
        check(&format!("(\"conv\", Conv2d(out: \"{good}\", kernel: 1))")).unwrap();
    }
    let error = check("(\"conv\", Conv2d(out: \"parst\", kernel: 1))").unwrap_err();
    assert!(error.contains("did you mean `parts`?"), "{error}");
    let error = check("(\"a\", Relu()), (\"b\", Relu(from: \"c\"))").unwrap_err();
    assert!(error.contains("which no node defines"), "{error}");
}
