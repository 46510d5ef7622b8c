//! Rules of the repository, kept by reading it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// Each stage, and the modules of the crate that it may use beside itself. Operations stand in
/// specs as they are, so spec and op know of each other; both know nothing that comes after.
const STAGES: [(&str, &[&str]); 8] = [
    ("spec", &["op"]),
    ("op", &["spec"]),
    ("graph", &["op", "spec"]),
    ("plan", &["graph", "op", "spec"]),
    ("model", &["plan", "graph", "op", "spec", "random", "shim", "torch_error"]),
    (
        "train",
        &[
            "model",
            "plan",
            "graph",
            "op",
            "spec",
            "random",
            "shim",
            "torch_error",
            "data",
            "device",
        ],
    ),
    ("records", &[]),
    ("data", &[]),
];

/// Modules that exist only with the feature `torch`, or gate their content themselves.
const TORCH: [&str; 6] =
    ["src/model/", "src/shim/", "src/torch_error.rs", "src/device", "src/train/", "src/commands/"];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Lines of code, without comments and without the file's tests.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        let code = line.split("//").next().unwrap_or_default();
        (number, code.to_string())
    });
    lines.take_while(|(_, line)| !line.contains("#[cfg(test)]")).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// The modules of the crate that a line names.
fn uses(line: &str) -> Vec<&str> {
    let named = line.match_indices("crate::").map(|(at, found)| &line[at + found.len()..]);
    named
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn imports_point_only_to_the_left() {
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("src")) {
        let name = shown(&path);
        let stage = name.trim_start_matches("src/").split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = STAGES.iter().find(|(name, _)| *name == stage) else { continue };
        for (number, line) in code(&path) {
            let names = uses(&line);
            let bad = names.into_iter().filter(|used| *used != stage && !allowed.contains(used));
            wrong.extend(bad.map(|used| format!("{name}:{number} uses {used}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a line belongs to an item that exists only with the feature: its attribute stands
/// above the item, whose lines are indented more than the attribute, or end it.
fn is_gated(lines: &[(usize, String)], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut least = indent(&lines[at].1);
    for (_, line) in lines[..at].iter().rev() {
        if line.trim().is_empty() {
            continue;
        }
        if line.contains("cfg(feature = \"torch\")") && indent(line) <= least {
            return true;
        }
        // Another item of this depth has ended before.
        if indent(line) <= least && line.trim_end().ends_with(['}', ';']) {
            return false;
        }
        least = least.min(indent(line));
    }
    false
}

#[test]
fn tensors_are_named_only_where_the_feature_is_on() {
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("src")) {
        let name = shown(&path);
        if TORCH.iter().any(|torch| name.starts_with(torch)) {
            continue;
        }
        let lines = code(&path);
        let named = |at: &usize| lines[*at].1.contains("tch::");
        for at in (0..lines.len()).filter(named).filter(|at| !is_gated(&lines, *at)) {
            wrong.push(format!("{name}:{}: {}", lines[at].0, lines[at].1.trim()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_operation_has_a_file_and_a_line() {
    let text = std::fs::read_to_string("src/op/mod.rs").unwrap();
    let start = text.find("\noperations! {").expect("the table of operations");
    let table = &text[start..start + text[start..].find("\n}").unwrap()];
    let mut listed: Vec<&str> = table
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';')?.split(" in ").nth(1))
        .collect();
    assert!(table.lines().count() > listed.len() && !listed.is_empty());
    listed.sort_unstable();
    let files = rust_files(Path::new("src/op"));
    let mut modules: Vec<&str> = files
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap())
        .filter(|name| !["mod", "weight"].contains(name))
        .collect();
    modules.sort_unstable();
    assert_eq!(listed, modules);
}

#[test]
fn every_shipped_spec_says_what_it_is() {
    for folder in ["experiments", "experiments/blocks", "experiments/models"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ron") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.starts_with("// "), "{}", path.display());
            }
        }
    }
}

#[test]
fn files_are_read_in_one_sitting() {
    let long: Vec<String> = rust_files(Path::new("src"))
        .iter()
        .map(|path| (shown(path), std::fs::read_to_string(path).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 800)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
