//! Optimiser steps on libtorch's foreach kernels, where it has no fused one.

use std::ffi::c_char;
use std::ptr::null;

use tch::{TchError, Tensor, no_grad_guard};
use torch_sys::C_tensor;

use super::{check_counts, pointers, result};

type List = *const *mut C_tensor;

unsafe extern "C" {
    fn resweep_rmsprop(
        params: List,
        squares: List,
        averages: List,
        momenta: List,
        count: usize,
        step: *const RmsProp,
    ) -> *mut c_char;
    fn resweep_lion(params: List, averages: List, count: usize, step: *const Lion) -> *mut c_char;
    fn resweep_muon(params: List, momenta: List, count: usize, step: *const Muon) -> *mut c_char;
    fn resweep_clip(params: List, count: usize, most: f64) -> *mut c_char;
    fn resweep_lerp(slow: List, fast: List, count: usize, weight: f64) -> *mut c_char;
    fn resweep_copy(to: List, from: List, count: usize) -> *mut c_char;
}

/// The constants of an RMSprop step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct RmsProp {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the averages.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Share of the last step that goes on; not looked at without buffers.
    pub momentum: f64,
}

/// The state of RMSprop, a tensor a parameter.
#[derive(Debug, Clone, Copy)]
pub struct RmsPropState<'a> {
    /// Averages of the squared gradient.
    pub squares: &'a [Tensor],
    /// Averages of the gradient, where it is centred.
    pub averages: Option<&'a [Tensor]>,
    /// Momenta, where it has some.
    pub momenta: Option<&'a [Tensor]>,
}

/// The constants of a Lion step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Lion {
    /// Learning rate.
    pub lr: f64,
    /// Share of the average in a step.
    pub beta1: f64,
    /// Decay of the average.
    pub beta2: f64,
    /// Share of the weights, times the learning rate, that the step takes away.
    pub weight_decay: f64,
}

/// The constants of a Muon step.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Muon {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the average of gradients.
    pub momentum: f64,
    /// Share of the weights, times the learning rate, that the step takes away.
    pub weight_decay: f64,
    /// Steps of the Newton-Schulz iteration.
    pub steps: i64,
    /// Nesterov's form.
    pub nesterov: bool,
    /// Iterate in bfloat16 instead of float32.
    pub half: bool,
    /// Scale the step to the size of AdamW's.
    pub match_adamw: bool,
    /// First set the norm of every weight to the square root of its rows.
    pub normalize: bool,
}

/// One step of RMSprop on the gradients of `params`.
///
/// # Errors
/// What libtorch reports.
pub fn rmsprop(params: &[Tensor], state: RmsPropState<'_>, step: RmsProp) -> Result<(), TchError> {
    let RmsPropState { squares, averages, momenta } = state;
    let lists = [Some(squares), averages, momenta].map(|list| list.unwrap_or(squares));
    check_counts(params, &lists, false)?;
    let [params, squares] = [params, squares].map(pointers);
    let [averages, momenta] = [averages, momenta].map(|list| list.map(pointers));
    let or_null = |list: &Option<Vec<_>>| list.as_ref().map_or(null(), Vec::as_ptr);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_rmsprop(
            params.as_ptr(),
            squares.as_ptr(),
            or_null(&averages),
            or_null(&momenta),
            params.len(),
            &raw const step,
        )
    })
}

/// One step of Lion on the gradients of `params`.
///
/// # Errors
/// What libtorch reports.
pub fn lion(params: &[Tensor], averages: &[Tensor], step: Lion) -> Result<(), TchError> {
    check_counts(params, &[averages], false)?;
    let [params, averages] = [params, averages].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_lion(params.as_ptr(), averages.as_ptr(), params.len(), &raw const step)
    })
}

/// One step of Muon on the gradients of `params`, matrices `[out, in]` or kernels
/// `[out, in, height, width]`.
///
/// # Errors
/// What libtorch reports.
pub fn muon(params: &[Tensor], momenta: &[Tensor], step: Muon) -> Result<(), TchError> {
    check_counts(params, &[momenta], false)?;
    let [params, momenta] = [params, momenta].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_muon(params.as_ptr(), momenta.as_ptr(), params.len(), &raw const step)
    })
}

/// Scales the gradients of `params` down to this norm of all together, where it is above.
///
/// # Errors
/// What libtorch reports.
pub fn clip(params: &[Tensor], most: f64) -> Result<(), TchError> {
    let params = pointers(params);
    // SAFETY: the pointers are live at::Tensor for the length of the call.
    result(unsafe { resweep_clip(params.as_ptr(), params.len(), most) })
}

/// Moves `slow` this share of the way to `fast`.
///
/// # Errors
/// What libtorch reports.
pub fn lerp(slow: &[Tensor], fast: &[Tensor], share: f64) -> Result<(), TchError> {
    check_counts(slow, &[fast], false)?;
    let [slow, fast] = [slow, fast].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe { resweep_lerp(slow.as_ptr(), fast.as_ptr(), slow.len(), share) })
}

/// Copies the values of `from` into `to`.
///
/// # Errors
/// What libtorch reports.
pub fn copy(to: &[Tensor], from: &[Tensor]) -> Result<(), TchError> {
    check_counts(to, &[from], false)?;
    let [to, from] = [to, from].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe { resweep_copy(to.as_ptr(), from.as_ptr(), to.len()) })
}

/// Tensors of their own with the values and layouts of others, without gradients.
///
/// # Errors
/// What libtorch reports, such as a lack of memory.
pub fn copies(tensors: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
    let _no_grad = no_grad_guard();
    let copies = tensors.iter().map(Tensor::f_empty_like).collect::<Result<Vec<_>, _>>()?;
    copy(&copies, tensors)?;
    Ok(copies)
}
