//! Build script of resweep: finds libtorch's libraries at run time, and compiles the shim.

fn main() {
    println!("cargo:rerun-if-changed=src/shim");
    #[cfg(feature = "torch")]
    torch();
}

#[cfg(feature = "torch")]
fn torch() {
    // torch-sys tells its direct dependants where libtorch is.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    let include = std::path::Path::new(&lib).with_file_name("include");
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .flag_if_supported("-Wno-unused-parameter")
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .file("src/shim/shim.cpp")
        .compile("resweep_shim");
}
