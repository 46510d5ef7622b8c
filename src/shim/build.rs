//! Build script of resweep: the code version, the way to libtorch's libraries, and the shim.

use std::path::Path;
use std::process::Command;

fn main() {
    code_version();
    #[cfg(feature = "torch")]
    torch();
}

/// `0.1.0+1a2b3c4`, with `-dirty` where files differ from the commit; `0.1.0` outside git.
fn code_version() {
    println!("cargo:rerun-if-changed=src");
    for file in
        [git(&["rev-parse", "--git-path", "HEAD"]), git(&["rev-parse", "--git-path", "logs/HEAD"])]
    {
        if let Some(file) = file.filter(|file| Path::new(file).exists()) {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    let dirty = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "src",
        "Cargo.toml",
        "Cargo.lock",
    ]);
    let dirty = if dirty.is_some_and(|files| !files.is_empty()) { "-dirty" } else { "" };
    let full = match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => format!("{version}+{commit}{dirty}"),
        None => version.to_string(),
    };
    println!("cargo:rustc-env=RESWEEP_CODE_VERSION={full}");
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}

#[cfg(feature = "torch")]
fn torch() {
    // torch-sys tells its direct dependants where libtorch is.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    // First beside the program: an archive for other machines has libtorch there.
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN/lib:{lib}");
    compile(&lib);
}

/// The files of the shim, and what they include.
#[cfg(feature = "torch")]
const SOURCES: [&str; 7] = [
    "src/shim/shim.cpp",
    "src/shim/norm.cpp",
    "src/shim/conv.cpp",
    "src/shim/winograd.cpp",
    "src/shim/precision.cpp",
    "src/shim/graph.cpp",
    "src/shim/memory.cpp",
];
/// Compiled for each of some instruction sets: its name in the file, the floats of a vector, options.
#[cfg(feature = "torch")]
const KERNELS: &str = "src/shim/winograd_kernels.cpp";
#[cfg(feature = "torch")]
const SETS: [(&str, &str, &[&str]); 2] =
    [("kAvx2", "8", &["-mavx2", "-mfma"]), ("kAvx512", "16", &["-mavx512f"])];
#[cfg(feature = "torch")]
const HEADERS: [&str; 2] = ["src/shim/shim.h", "src/shim/winograd.h"];

/// Compiles the shim, which takes some 40 seconds, unless the same text was compiled before.
#[cfg(feature = "torch")]
fn compile(lib: &str) {
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let texts = SOURCES
        .iter()
        .chain(&HEADERS)
        .chain([&KERNELS, &"src/shim/build.rs"])
        .map(std::fs::read_to_string);
    let texts: String = texts.map(Result::unwrap_or_default).collect();
    let (stamp, stamped) = (out.join("shim.stamp"), format!("{lib}\n{texts}"));
    // libtorch's threads: it brings the same OpenMP library, found first by the rpath.
    println!("cargo:rustc-link-lib=gomp");
    let built = out.join("libresweep_shim.a").exists();
    if built && std::fs::read_to_string(&stamp).is_ok_and(|old| old == stamped) {
        println!("cargo:rustc-link-search=native={}", out.display());
        println!("cargo:rustc-link-lib=static=resweep_shim");
        println!("cargo:rustc-link-lib=stdc++");
        return;
    }
    let include = Path::new(lib).with_file_name("include");
    cpp()
        .flag("-fopenmp")
        .flag_if_supported("-Wno-unused-parameter")
        .flag_if_supported("-Wno-maybe-uninitialized")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .files(SOURCES)
        .objects(SETS.iter().flat_map(kernels))
        .compile("resweep_shim");
    // Without the stamp the next build compiles it again, no more.
    let _ = std::fs::write(stamp, stamped);
}

#[cfg(feature = "torch")]
fn cpp() -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++20").opt_level(3).debug(false);
    build
}

/// The object files of the kernels for one instruction set; none on other processors.
#[cfg(feature = "torch")]
fn kernels((name, lanes, options): &(&str, &str, &[&str])) -> Vec<std::path::PathBuf> {
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("x86_64") {
        return Vec::new();
    }
    let mut build = cpp();
    // The object files of one source have one name: each set has a folder.
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join(name);
    let _ = std::fs::create_dir_all(&out);
    build.out_dir(out);
    build.define("RESWEEP_ISA", *name).define("RESWEEP_LANES", *lanes).flag("-ffp-contract=fast");
    options.iter().for_each(|option| {
        build.flag(option);
    });
    build.file(KERNELS).compile_intermediates()
}
