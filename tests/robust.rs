//! No text can make the program panic: changed copies of the shipped specs either plan or are told
//! what is wrong with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;
use resweep::experiment;
use resweep::spec::expr::{Env, evaluate};
use resweep::spec::load::Loader;

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/models");

/// Plans a changed copy of a shipped file beside a link to the others, and renders what is wrong.
fn plan(folder: &Path, text: &str) -> Option<String> {
    let path = folder.join("models/changed.ron");
    std::fs::write(&path, text).unwrap();
    let loader = Loader::default();
    match experiment::network(&loader, &path, &[], None) {
        Ok(_) => None,
        Err(error) => Some(error.render(&loader.sources)),
    }
}

/// A folder with the shipped blocks.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["blocks", "models"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for block in ["basic.ron", "bottleneck.ron"] {
        let from = Path::new(MODELS).with_file_name("blocks").join(block);
        std::fs::copy(from, folder.path().join("blocks").join(block)).unwrap();
    }
    folder
}

/// What is put in the place of a piece of the text.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        ",",
        ":",
        "-1",
        "0",
        "1e400",
        "99999999999999999999",
        "18446744073709551615",
        "9223372036854775807",
        "\"width * width * width * width * width\"",
        "None",
        "Some(3)",
        "()",
        "\"\"",
        "'x'",
        "r#\"x\"#",
        "é",
        "\u{0}",
        "inf",
        "NaN",
        "//",
        "/*",
        "\"../models/changed.ron\"",
        "Conv2d(out: 4000000000, kernel: 4000000000)",
    ];
    prop_oneof![prop::sample::select(pieces.to_vec()).prop_map(str::to_string), "[ -~]{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_specs_never_panic(
        model in prop::sample::select(vec!["resnet18", "resnet50", "resnet18_imagenet"]),
        cuts in prop::collection::vec((0.0..1.0f64, 0_usize..12, piece()), 1..4),
    ) {
        let mut text = std::fs::read_to_string(format!("{MODELS}/{model}.ron")).unwrap();
        for (at, length, piece) in cuts {
            let mut start = (at * text.len() as f64) as usize;
            while !text.is_char_boundary(start) {
                start -= 1;
            }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, &piece);
        }
        let folder = folder();
        if let Some(told) = plan(folder.path(), &text) {
            prop_assert!(told.starts_with("error: "), "{told}");
        }
    }

    #[test]
    fn changed_arguments_never_panic(set in "[a-z0-9_.]{0,24}=?[ -~]{0,12}") {
        let path = Path::new(MODELS).with_file_name("depth.ron");
        let loader = Loader::default();
        if let Err(errors) = experiment::sweep(&loader, &path, &[set]) {
            for error in errors {
                prop_assert!(error.render(&loader.sources).starts_with("error: "));
            }
        }
    }

    #[test]
    fn expressions_never_panic(text in "[a-z0-9_ ().,+*/%-]{0,40}") {
        let _ = evaluate(&text, &Env::new());
    }
}
