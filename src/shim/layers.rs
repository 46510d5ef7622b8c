//! Layers of residual networks that take several of libtorch's kernels, in one.

use std::ffi::c_char;
use std::ptr::{null, null_mut};

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::result;

type Out = *mut *mut C_tensor;
type In = *const C_tensor;

unsafe extern "C" {
    fn resweep_batch_norm(
        x: In,
        other: In,
        weights: *const In,
        training: bool,
        momentum: f64,
        eps: f64,
        relu: bool,
        out: Out,
    ) -> *mut c_char;
    fn resweep_conv2d(
        x: In,
        weight: In,
        bias: In,
        window: *const Window,
        other: In,
        relu: bool,
        reuse: bool,
        out: Out,
    ) -> *mut c_char;
}

/// What follows a normalisation or a convolution within the same kernel.
#[derive(Debug, Clone, Copy, Default)]
pub struct Then<'a> {
    /// Added, of the same shape.
    pub add: Option<&'a Tensor>,
    /// Whether what is below 0 becomes 0, last of all.
    pub relu: bool,
}

/// The constants of batch normalisation.
#[derive(Debug, Clone, Copy)]
pub struct Norm {
    /// Whether batch statistics are used, and taken into the running ones.
    pub training: bool,
    /// The share of the batch in the running statistics.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

/// How a convolution goes over maps, `(rows, columns)` each.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Step.
    pub stride: [i64; 2],
    /// Zeros on every side.
    pub padding: [i64; 2],
    /// Step within the kernel.
    pub dilation: [i64; 2],
    /// Groups of channels.
    pub groups: i64,
}

/// Batch normalisation of `x`, `[batch, channels, height, width]`, and what follows it. `weights` are
/// weight, bias, running mean and running variance, `[channels]` each.
///
/// # Errors
/// What libtorch reports.
pub fn batch_norm(
    x: &Tensor,
    weights: [&Tensor; 4],
    norm: Norm,
    then: Then<'_>,
) -> Result<Tensor, TchError> {
    let (weights, mut out) = (weights.map(pointer), null_mut());
    let Norm { training, momentum, eps } = norm;
    let other = then.add.map_or(null(), pointer);
    // SAFETY: all tensors live for the length of the call, and `out` is a new one or null.
    let message = unsafe {
        resweep_batch_norm(
            pointer(x),
            other,
            weights.as_ptr(),
            training,
            momentum,
            eps,
            then.relu,
            &raw mut out,
        )
    };
    taken(message, out)
}

/// Convolution of `x`, `[batch, channels, height, width]`, as `torch.nn.functional.conv2d`.
///
/// # Errors
/// What libtorch reports.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    window: Window,
) -> Result<Tensor, TchError> {
    call_conv2d(x, (weight, bias), window, Then::default(), Reuse::Nothing)
}

/// Whose memory a result may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// New memory.
    Nothing,
    /// That of what is added, which nothing reads later.
    Added,
}

/// Convolution with a bias and what follows it, without gradients.
///
/// # Errors
/// What libtorch reports.
pub fn conv2d_then(
    x: &Tensor,
    weights: (&Tensor, &Tensor),
    window: Window,
    then: Then<'_>,
    reuse: Reuse,
) -> Result<Tensor, TchError> {
    let _no_grad = tch::no_grad_guard();
    call_conv2d(x, (weights.0, Some(weights.1)), window, then, reuse)
}

fn call_conv2d(
    x: &Tensor,
    (weight, bias): (&Tensor, Option<&Tensor>),
    window: Window,
    then: Then<'_>,
    reuse: Reuse,
) -> Result<Tensor, TchError> {
    let mut out = null_mut();
    // SAFETY: all tensors live for the length of the call, and `out` is a new one or null.
    let message = unsafe {
        resweep_conv2d(
            pointer(x),
            pointer(weight),
            bias.map_or(null(), pointer),
            &raw const window,
            then.add.map_or(null(), pointer),
            then.relu,
            reuse == Reuse::Added,
            &raw mut out,
        )
    };
    taken(message, out)
}

fn pointer(tensor: &Tensor) -> In {
    tensor.as_ptr()
}

/// The tensor that a call made, or why it made none.
fn taken(message: *mut c_char, out: *mut C_tensor) -> Result<Tensor, TchError> {
    result(message)?;
    // SAFETY: without a message the shim made a tensor, which is this one's alone.
    Ok(unsafe { Tensor::from_ptr(out) })
}
