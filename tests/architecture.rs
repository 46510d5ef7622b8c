//! The structure of the crate, as `src/lib.rs` states it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// Each stage and the modules of the crate that it may use. The spec holds operations in its nodes.
const MAY_USE: [(&str, &[&str]); 26] = [
    ("spec", &["spec", "op", "regular"]),
    ("op", &["op", "shim"]),
    ("graph", &["graph", "op", "spec"]),
    ("plan", &["plan", "graph", "op", "spec"]),
    ("picture", &["plan", "graph", "op"]),
    ("regular", &[]),
    ("saved", &["regular"]),
    ("machine", &[]),
    ("experiment", &["experiment", "saved", "plan", "graph", "op", "spec"]),
    ("model", &["model", "plan", "op", "random", "saved", "shim", "torch_error"]),
    (
        "train",
        &[
            "train",
            "experiment",
            "model",
            "plan",
            "op",
            "spec",
            "data",
            "random",
            "records",
            "regular",
            "saved",
            "device",
            "sweep",
            "shim",
            "torch_error",
        ],
    ),
    ("random", &[]),
    ("shim", &[]),
    ("torch_error", &[]),
    ("statistics", &[]),
    ("compare", &["compare", "records", "statistics", "saved"]),
    ("export", &["export", "records", "saved"]),
    ("report", &["report", "compare", "records", "picture", "statistics"]),
    ("device", &["cli", "shim"]),
    ("cli", &[]),
    ("data", &["data", "regular"]),
    ("records", &["records", "regular", "saved"]),
    ("cluster", &["cluster", "records", "regular", "spec"]),
    ("sweep", &["sweep", "records", "saved", "spec", "statistics"]),
    ("worker", &["worker", "sweep", "records"]),
    ("progress", &["progress", "sweep", "records"]),
];

#[test]
fn imports_point_to_the_left() {
    let mut faults = Vec::new();
    for (stage, allowed) in MAY_USE {
        for (path, text) in files_of(stage) {
            for used in uses(&text).filter(|used| !allowed.contains(&used.as_str())) {
                faults.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_its_place_in_the_line() {
    let known: Vec<&str> = MAY_USE.iter().map(|(stage, _)| *stage).collect();
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let missing: Vec<&str> = modules.filter(|m| *m != "commands" && !known.contains(m)).collect();
    assert!(missing.is_empty(), "say what these may use: {missing:?}");
}

#[test]
fn every_operation_is_in_the_table_once() {
    let table = std::fs::read_to_string(root().join("src/op/mod.rs")).unwrap();
    for entry in std::fs::read_dir(root().join("src/op")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        if !["activation", "mod", "shape", "size2", "start", "weight", "window"].contains(&module) {
            assert_eq!(table.matches(&format!(" in {module};")).count(), 1, "{name}");
        }
    }
}

#[test]
fn every_shipped_spec_says_what_it_is() {
    let mut specs = Vec::new();
    walk(&root().join("experiments"), &mut specs);
    specs.retain(|path| path.extension().is_some_and(|extension| extension == "ron"));
    assert!(specs.len() >= 16, "{specs:?}");
    for path in specs {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("// "), "{} begins without a comment", path.display());
    }
}

/// The version that is recorded is the one that is built with.
#[test]
fn the_recorded_version_of_tch_is_that_of_the_manifest() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let prepare = std::fs::read_to_string(root().join("src/commands/prepare.rs")).unwrap();
    assert!(manifest.contains("tch = { version = \"=0.24.0\""));
    assert!(prepare.contains("TCH_VERSION: &str = \"0.24.0\""));
}

/// Unsafe code stands in the shim alone, and says why it is sound.
#[test]
fn unsafe_code_is_in_the_shim() {
    let mut sources = Vec::new();
    for folder in ["src", "xtask/src", "tests"] {
        walk(&root().join(folder), &mut sources);
    }
    sources.retain(|path| path.extension().is_some_and(|it| it == "rs"));
    // Where the compiler is told that it is allowed; elsewhere it is denied.
    let allowed = ["allow(", "unsafe_code)"].concat();
    let mut reasons = 0;
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        let is_shim = path.starts_with(root().join("src/shim"));
        assert!(is_shim || !text.contains(&allowed), "{} allows unsafe code", path.display());
        if is_shim {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {"))
            {
                let before = &lines[at.saturating_sub(REASON)..at];
                let is_told = before.iter().any(|line| line.starts_with("// SAFETY: "));
                assert!(is_told, "{}:{}: {line}", path.display(), at + 1);
                reasons += 1;
            }
        }
    }
    assert!(reasons > 20, "{reasons}");
}

/// Lines before an unsafe block in which its reason stands.
const REASON: usize = 6;

/// What C++ throws never reaches Rust: every function of the shim that Rust calls is guarded as a whole.
#[test]
fn no_exception_leaves_the_shim() {
    let mut sources = Vec::new();
    walk(&root().join("src/shim"), &mut sources);
    sources.retain(|path| path.extension().is_some_and(|it| it == "cpp"));
    let mut functions = 0;
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        let starts = ["\nchar* resweep_", "\nvoid resweep_", "\nint resweep_", "\nbool resweep_"];
        for (at, _) in starts.iter().flat_map(|start| text.match_indices(start)) {
            let body = text[at..].split_once(") {").unwrap().1.trim_start();
            // It only frees what the shim has given.
            let is_free = text[at..].starts_with("\nvoid resweep_free(char* message)");
            let name = text[at..].trim_start().lines().next().unwrap();
            assert!(is_free || body.starts_with("return guarded(["), "{}: {name}", path.display());
            functions += 1;
        }
        let exported = text.matches(" resweep_").count();
        assert!(exported == 0 || text.contains("extern \"C\" {"), "{}", path.display());
    }
    assert!(functions > 20, "{functions}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_of(stage: &str) -> Vec<(PathBuf, String)> {
    let src = root().join("src");
    let mut paths = Vec::new();
    let file = src.join(format!("{stage}.rs"));
    if file.exists() {
        paths.push(file);
    }
    if src.join(stage).exists() {
        walk(&src.join(stage), &mut paths);
    }
    assert!(!paths.is_empty(), "there is no stage {stage}");
    paths.retain(|path| {
        path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("build.rs")
    });
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, into) } else { into.push(path) }
    }
}

/// The modules after `crate::`, comments aside.
fn uses(text: &str) -> impl Iterator<Item = String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}
