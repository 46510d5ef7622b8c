//! Mistakes in specs: one mistake a file under `tests/specs/bad`, its diagnostic beside it.
//!
//! `RESWEEP_BLESS=1 cargo test --test specs` writes the diagnostics anew; read them before you
//! commit them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/golden.rs"]
mod golden;

use std::path::{Path, PathBuf};

use resweep::cli::PlanArgs;
use resweep::commands::plan;
use resweep::spec::load::Loader;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/specs/bad");

/// What a person sees who plans a spec in its folder.
fn diagnostic(file: &str) -> String {
    // Names in diagnostics are relative to the current directory, which is the same for all here.
    std::env::set_current_dir(FOLDER).unwrap();
    let loader = Loader::default();
    let args = PlanArgs { spec: PathBuf::from(file), ..PlanArgs::default() };
    match plan::text(&loader, &args) {
        Ok(table) => format!("planned as if there were no mistake:\n{table}"),
        Err(error) => error.rendered(&loader),
    }
}

fn bad_specs() -> Vec<String> {
    let names = golden::files(Path::new(FOLDER));
    names.into_iter().filter(|name| name.ends_with(".ron")).collect()
}

#[test]
fn every_mistake_is_told_as_before() {
    let mut golden = golden::Golden::in_folder(FOLDER);
    for file in bad_specs() {
        golden.check(&file.replace(".ron", ".txt"), &diagnostic(&file));
    }
    golden.finish();
}

/// Where the message itself says what is expected.
fn needs_no_remedy(file: &str) -> bool {
    file.starts_with("type_")
        || matches!(
            file,
            "kind_recipe.ron" | "seeds_negative.ron" | "syntax_number.ron" | "value_infinite.ron"
        )
}

#[test]
fn every_mistake_has_a_place_and_a_remedy() {
    for file in bad_specs() {
        let text = diagnostic(&file);
        let place = text.lines().find(|line| line.trim_start().starts_with("--> "));
        let place = place.unwrap_or_else(|| panic!("{file} has no place:\n{text}"));
        let numbers: Vec<_> = place.rsplit(':').take(2).map(str::parse::<usize>).collect();
        assert!(numbers.iter().all(Result::is_ok), "{file}: {place}");
        assert!(text.contains('^'), "{file} has no caret:\n{text}");
        let remedy = text.contains("= help: ") || needs_no_remedy(&file);
        assert!(remedy, "{file} has no remedy:\n{text}");
    }
}

#[test]
fn a_mistake_of_a_shared_block_is_told_once() {
    let text = diagnostic("shape_shared_block.ron");
    assert_eq!(text.matches("error: ").count(), 1, "{text}");
}
