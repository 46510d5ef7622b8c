//! The memory of large tensors on the CPU; memory.cpp says why it is theirs.

use std::ffi::c_char;

use tch::TchError;

use super::result;

unsafe extern "C" {
    fn resweep_keep_memory() -> *mut c_char;
    fn resweep_release_memory() -> *mut c_char;
}

/// Gives large tensors on the CPU a region of memory of their own from here on, which the process
/// keeps. Where the system refuses the address space, nothing changes.
///
/// # Errors
/// What libtorch reports.
pub fn keep_memory() -> Result<(), TchError> {
    // SAFETY: the allocator may be changed at any time; tensors go back to the one they came from.
    result(unsafe { resweep_keep_memory() })
}

/// Gives the free parts of that region back to the system.
///
/// # Errors
/// None that are known.
pub fn release_memory() -> Result<(), TchError> {
    // SAFETY: only what no tensor uses is given back.
    result(unsafe { resweep_release_memory() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tch::{Device, Kind, Tensor};

    use super::*;

    fn bytes(count: i64) -> Result<Tensor, TchError> {
        Tensor::f_empty([count], (Kind::Uint8, Device::Cpu))
    }

    /// Taken and given back in no order, in all sizes: no piece is part of another, or loses what is
    /// written to it.
    #[test]
    fn tensors_keep_what_is_theirs() {
        keep_memory().unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut live: Vec<(Tensor, u8)> = Vec::new();
        let (mut lowest, mut highest) = (usize::MAX, 0);
        for round in 0..3_000u32 {
            if !live.is_empty() && (live.len() > 24 || random.random_bool(0.45)) {
                let (tensor, mark) = live.swap_remove(random.random_range(0..live.len()));
                let same = tensor.eq(i64::from(mark)).all();
                assert_eq!(same.int64_value(&[]), 1, "round {round}");
            } else {
                let count = random.random_range(1..500_000);
                let mark = (round % 251) as u8;
                let tensor = bytes(count).unwrap().fill_(i64::from(mark));
                let place = tensor.data_ptr() as usize;
                assert_eq!(place % 64, 0);
                if count > 1 << 16 {
                    (lowest, highest) = (lowest.min(place), highest.max(place));
                }
                live.push((tensor, mark));
            }
            if round % 500 == 0 {
                release_memory().unwrap();
            }
        }
        // All together they have 400 MB, 12 at a time, beside those of other tests: what is free is
        // taken again.
        assert!(highest - lowest < 200 << 20, "{} bytes", highest - lowest);
    }

    /// More than the machine has is an error, as without the region, and nothing is lost by it.
    #[test]
    fn what_no_machine_has_is_refused() {
        keep_memory().unwrap();
        for count in [1i64 << 50, i64::MAX] {
            let error = bytes(count).unwrap_err().to_string();
            assert!(
                error.contains("can't allocate memory") || error.contains("too large"),
                "{error}"
            );
        }
        assert_eq!(bytes(1 << 20).unwrap().fill_(7).eq(7).all().int64_value(&[]), 1);
    }
}
