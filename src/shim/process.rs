//! Settings of the whole process: glibc's allocator, and libraries that are loaded while it runs.

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// Loads a library of libtorch for the life of the process.
///
/// # Errors
/// Why it cannot be loaded.
pub fn load(library: &str) -> Result<(), String> {
    // SAFETY: libtorch's initialisers may run at any time before its first use.
    match unsafe { Library::open(Some(library), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Keeps glibc from handing memory back between allocations. Elsewhere it does nothing.
pub fn keep_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets tunables of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 256 << 20);
    }
}

/// Hands free memory of glibc's back to the system. Elsewhere it does nothing.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim only returns free pages.
    unsafe {
        libc::malloc_trim(0);
    }
}
