//! `cargo xtask test`: every check, one after another, up to the first that fails.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::handover::{HandoverError, cargo, compiler, target};
use crate::setup;

/// Runs every check; `args` go to the test programs.
///
/// # Errors
/// What keeps the checks from running.
pub fn run(args: &[String]) -> Result<ExitCode, HandoverError> {
    let started = Instant::now();
    let libtorch = setup::libtorch()?;
    compiler().ok_or(HandoverError::NoCompiler)?;
    let checks = checks();
    for check in &checks {
        eprintln!("\n== {}: cargo {}", check.title, check.args.join(" "));
        if !run_one(check, &libtorch, args)? {
            eprintln!("\n{} failed. {}", check.title, check.help);
            return Ok(ExitCode::FAILURE);
        }
    }
    eprintln!("\nAll {} checks passed in {:.0} s.", checks.len(), started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// One call of cargo.
struct Check {
    title: &'static str,
    args: Vec<&'static str>,
    help: &'static str,
}

/// The library's checks share the release profile, so that the C++ of torch-sys, which takes
/// minutes, is compiled once for lints, tests and the binary.
fn checks() -> Vec<Check> {
    let check =
        |title, args: &'static str, help| Check { title, args: args.split(' ').collect(), help };
    vec![
        check(
            "Formatting",
            "fmt --all --check",
            "`cargo fmt --all` mends it; `rustup component add rustfmt` installs it.",
        ),
        check("Specs", "run --quiet --package xtask -- check", "Each mistake says how to mend it."),
        check(
            "Lints of xtask",
            "clippy --package xtask --all-targets -- -D warnings",
            "`rustup component add clippy` installs the lints.",
        ),
        check(
            "Lints without libtorch",
            "clippy --package resweep --no-default-features --all-targets -- -D warnings",
            "",
        ),
        check("Lints", "clippy --release --package resweep --all-targets -- -D warnings", ""),
        check("Tests of xtask", "test --package xtask", ""),
        check("Tests", "test --release --package resweep", ""),
    ]
}

fn run_one(check: &Check, libtorch: &Path, args: &[String]) -> Result<bool, HandoverError> {
    let mut cargo: Command = cargo(libtorch);
    cargo.args(&check.args);
    // Documentation tests are linked by rustdoc, which does not hear of the rpath.
    cargo.env("LD_LIBRARY_PATH", library_path(libtorch));
    if check.args.first() == Some(&"test") && !args.is_empty() {
        cargo.arg("--").args(args);
    }
    match cargo.status() {
        Ok(status) => Ok(status.success()),
        Err(source) => Err(HandoverError::Start { program: "cargo".into(), source }),
    }
}

/// Runs the tests that use the shim, with the shim and torch-sys built for AddressSanitizer. What they
/// call in libtorch is not built so, but its allocations are watched too.
///
/// # Errors
/// What keeps the tests from running.
pub fn sanitize(args: &[String]) -> Result<ExitCode, HandoverError> {
    let libtorch = setup::libtorch()?;
    compiler().ok_or(HandoverError::NoCompiler)?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = cargo(&libtorch);
    // With a target of its own what runs while it is built is not sanitized.
    cargo.args(["test", "--release", "--package", "resweep", "--target", &target]);
    cargo.args(["--lib", "--test", "torch", "--"]);
    match args {
        [] => cargo.args(SHIM),
        args => cargo.args(args),
    };
    cargo.env("CARGO_TARGET_DIR", target_of_sanitizer());
    cargo.env("CXXFLAGS", "-fsanitize=address -fno-omit-frame-pointer -g1");
    cargo.env("RUSTFLAGS", "-C link-arg=-lasan");
    // Its allocator has to be found before the system's.
    let runner = format!("CARGO_TARGET_{}_RUNNER", target.to_uppercase().replace('-', "_"));
    cargo.env(runner, format!("env LD_PRELOAD={}", library_of_sanitizer()));
    // Memory that libtorch keeps to its end is no leak, and tests ask for more than there is.
    cargo.env("ASAN_OPTIONS", "detect_leaks=0:allocator_may_return_null=1");
    cargo.env("LD_LIBRARY_PATH", library_path(&libtorch));
    match cargo.status() {
        Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(source) => Err(HandoverError::Start { program: "cargo".into(), source }),
    }
}

/// Names of tests that call the shim with tensors of their own.
const SHIM: [&str; 9] = [
    "shim::",
    "layers::",
    "optim::",
    "precision::",
    "in_place::",
    "operation_values::",
    "operations::",
    "training::",
    "init::",
];

/// Where the compiler has the library of AddressSanitizer.
fn library_of_sanitizer() -> String {
    let compiler = compiler().unwrap_or_else(|| "c++".into());
    let output = Command::new(compiler).arg("-print-file-name=libasan.so").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| "libasan.so".into())
}

fn target_of_sanitizer() -> std::path::PathBuf {
    target().join("sanitized")
}

fn library_path(libtorch: &Path) -> std::ffi::OsString {
    let mut path = libtorch.join("lib").into_os_string();
    if let Some(others) = std::env::var_os("LD_LIBRARY_PATH") {
        path.push(":");
        path.push(others);
    }
    path
}
