//! What tch does not bind, through a small C++ file. All of the crate's foreign calls on tensors
//! are here.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::ptr::null;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

mod graph;
mod layers;
mod memory;
mod precision;
mod process;
mod steps;

pub use graph::{Graph, Stream, peak_memory, search_limit, set_gradients};
pub use layers::{Norm, Reuse, Then, Window, batch_norm, conv2d, conv2d_then};
pub use memory::{keep_memory, release_memory};
pub use precision::{Autocast, Scaling, restore, tf32, unscale, update_scale};
pub use process::{keep_heap, load, trim_heap};
pub use steps::{Lion, Muon, RmsProp, RmsPropState, clip, copies, copy, lerp, lion, muon, rmsprop};

unsafe extern "C" {
    fn resweep_free(message: *mut c_char);
    fn resweep_sgd(
        params: *const *mut C_tensor,
        momenta: *const *mut C_tensor,
        count: usize,
        lr: f64,
        weight_decay: f64,
        momentum: f64,
        dampening: f64,
        nesterov: bool,
        first: bool,
        found: *const C_tensor,
    ) -> *mut c_char;
    fn resweep_adam(
        params: *const *mut C_tensor,
        averages: *const *mut C_tensor,
        squares: *const *mut C_tensor,
        steps: *const *mut C_tensor,
        count: usize,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
        decoupled: bool,
        found: *const C_tensor,
    ) -> *mut c_char;
    fn resweep_forget_gradients(params: *const *mut C_tensor, count: usize) -> *mut c_char;
}

/// The constants of an SGD step.
#[derive(Debug, Clone, Copy)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Share of the last step that goes on; 0 needs no buffers.
    pub momentum: f64,
    /// Share of the gradient that the momentum leaves out.
    pub dampening: f64,
    /// Nesterov's form.
    pub nesterov: bool,
    /// Whether the buffers are still empty.
    pub first: bool,
}

/// The constants of an Adam step.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the averages.
    pub betas: (f64, f64),
    /// L2 penalty, or decoupled decay.
    pub weight_decay: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// AdamW instead of Adam.
    pub decoupled: bool,
}

/// One step of SGD on the gradients of `params`, all in one kernel (`at::_fused_sgd_`). Where `found`,
/// a number on the device, is not 0, it changes nothing.
///
/// # Errors
/// What libtorch reports.
pub fn sgd(
    params: &[Tensor],
    momenta: &[Tensor],
    step: Sgd,
    found: Option<&Tensor>,
) -> Result<(), TchError> {
    check_counts(params, &[momenta], step.momentum == 0.0)?;
    let (params, momenta) = (pointers(params), pointers(momenta));
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_sgd(
            params.as_ptr(),
            momenta.as_ptr(),
            params.len(),
            step.lr,
            step.weight_decay,
            step.momentum,
            step.dampening,
            step.nesterov,
            step.first,
            found.map_or(null(), Tensor::as_ptr),
        )
    })
}

/// The state of Adam, a tensor a parameter.
#[derive(Debug, Clone, Copy)]
pub struct AdamState<'a> {
    /// Averages of the gradient.
    pub averages: &'a [Tensor],
    /// Averages of the squared gradient.
    pub squares: &'a [Tensor],
    /// Steps taken, a float each.
    pub steps: &'a [Tensor],
}

/// One step of Adam or AdamW on the gradients of `params` (`at::_fused_adam_`, `_fused_adamw_`). Where
/// `found`, a number on the device, is not 0, it changes nothing.
///
/// # Errors
/// What libtorch reports.
pub fn adam(
    params: &[Tensor],
    state: AdamState<'_>,
    step: Adam,
    found: Option<&Tensor>,
) -> Result<(), TchError> {
    check_counts(params, &[state.averages, state.squares, state.steps], false)?;
    let (averages, squares) = (pointers(state.averages), pointers(state.squares));
    let (params, steps) = (pointers(params), pointers(state.steps));
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe {
        resweep_adam(
            params.as_ptr(),
            averages.as_ptr(),
            squares.as_ptr(),
            steps.as_ptr(),
            params.len(),
            step.lr,
            step.betas.0,
            step.betas.1,
            step.weight_decay,
            step.eps,
            step.decoupled,
            found.map_or(null(), Tensor::as_ptr),
        )
    })
}

/// Sets gradients free, so that the next backward pass writes instead of adding.
///
/// # Errors
/// What libtorch reports.
pub fn forget_gradients(params: &[Tensor]) -> Result<(), TchError> {
    let params = pointers(params);
    // SAFETY: the pointers are live at::Tensor for the length of the call.
    result(unsafe { resweep_forget_gradients(params.as_ptr(), params.len()) })
}

fn pointers(tensors: &[Tensor]) -> Vec<*mut C_tensor> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast_mut()).collect()
}

fn check_counts(params: &[Tensor], others: &[&[Tensor]], none: bool) -> Result<(), TchError> {
    match none || others.iter().all(|other| other.len() == params.len()) {
        true => Ok(()),
        false => Err(TchError::Torch("optimiser state and parameters differ in number".into())),
    }
}

fn result(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the shim returns null or a string of its own, which is freed once, here.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        resweep_free(message);
        text
    };
    Err(TchError::Torch(text))
}
