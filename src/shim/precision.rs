//! What a network computes with: autocast, TF32, and the scale of a float16 loss.

use std::ffi::c_char;
use std::marker::PhantomData;

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_tensor;

use super::{check_counts, pointers, result};

type List = *const *mut C_tensor;

unsafe extern "C" {
    fn resweep_autocast_enter(cuda: bool, half: bool, before: *mut Before) -> *mut c_char;
    fn resweep_autocast_leave(before: *const Before) -> *mut c_char;
    fn resweep_tf32(convolutions: bool, products: bool) -> *mut c_char;
    fn resweep_unscale(
        params: List,
        count: usize,
        scale: *const C_tensor,
        found: *mut C_tensor,
    ) -> *mut c_char;
    fn resweep_update_scale(
        scale: *mut C_tensor,
        good: *mut C_tensor,
        found: *const C_tensor,
        growth: f64,
        backoff: f64,
        interval: i64,
    ) -> *mut c_char;
    fn resweep_restore(
        tensors: List,
        before: List,
        count: usize,
        found: *const C_tensor,
    ) -> *mut c_char;
}

/// What autocast was before.
#[repr(C)]
#[derive(Debug, Default)]
struct Before {
    cuda: bool,
    enabled: bool,
    cached: bool,
    half: bool,
}

/// `with torch.autocast(...)`: lasts until it is dropped. Autocast belongs to a thread, and so does
/// this.
#[derive(Debug)]
pub struct Autocast {
    before: Before,
    here: PhantomData<*const ()>,
}

impl Autocast {
    /// Begins with operations in a format of 16 bits; all but float16 count as bfloat16.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn enter(device: Device, kind: Kind) -> Result<Self, TchError> {
        let mut before = Before::default();
        let (cuda, half) = (matches!(device, Device::Cuda(_)), kind == Kind::Half);
        // SAFETY: `before` lives for the length of the call.
        result(unsafe { resweep_autocast_enter(cuda, half, &raw mut before) })?;
        Ok(Self { before, here: PhantomData })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // SAFETY: `before` lives for the length of the call. What could fail is setting flags.
        let _ = result(unsafe { resweep_autocast_leave(&raw const self.before) });
    }
}

/// Says what GPUs may compute in TF32, for the whole process.
///
/// # Errors
/// What libtorch reports.
pub fn tf32(convolutions: bool, products: bool) -> Result<(), TchError> {
    // SAFETY: the function takes plain values.
    result(unsafe { resweep_tf32(convolutions, products) })
}

/// Divides the gradients of `params` by a scale; `found` becomes 1 where one of them is not finite,
/// else 0. Both are numbers on the device.
///
/// # Errors
/// What libtorch reports.
pub fn unscale(params: &[Tensor], scale: &Tensor, found: &mut Tensor) -> Result<(), TchError> {
    let params = pointers(params);
    // SAFETY: the pointers are live at::Tensor for the length of the call.
    result(unsafe {
        resweep_unscale(params.as_ptr(), params.len(), scale.as_ptr(), found.as_mut_ptr())
    })
}

/// How the scale of a loss goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// Times the scale after steps in a row without fault.
    pub growth: f64,
    /// Times the scale after a step with gradients that are not finite.
    pub backoff: f64,
    /// How many steps in a row.
    pub interval: u32,
}

/// Takes a step into a scale: whether its gradients were finite. `good` counts such steps, int32.
///
/// # Errors
/// What libtorch reports.
pub fn update_scale(
    scale: &mut Tensor,
    good: &mut Tensor,
    found: &Tensor,
    by: Scaling,
) -> Result<(), TchError> {
    let (scale, good) = (scale.as_mut_ptr(), good.as_mut_ptr());
    let Scaling { growth, backoff, interval } = by;
    // SAFETY: the pointers are live at::Tensor for the length of the call.
    result(unsafe {
        resweep_update_scale(scale, good, found.as_ptr(), growth, backoff, interval.into())
    })
}

/// Gives tensors back the values of `before`, where `found` is not 0.
///
/// # Errors
/// What libtorch reports.
pub fn restore(tensors: &[Tensor], before: &[Tensor], found: &Tensor) -> Result<(), TchError> {
    check_counts(tensors, &[before], false)?;
    let [tensors, before] = [tensors, before].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_restore(tensors.as_ptr(), before.as_ptr(), tensors.len(), found.as_ptr())
    })
}
