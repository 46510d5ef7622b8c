//! CUDA graphs: work of a GPU that is recorded once and replayed in one call.

use std::ffi::{c_char, c_int};
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering};

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::{check_counts, pointers, result};

type List = *const *mut C_tensor;

/// An `at::cuda::CUDAGraph`.
#[repr(C)]
struct Raw {
    opaque: [u8; 0],
}

unsafe extern "C" {
    fn resweep_graph_new(graph: *mut *mut Raw) -> *mut c_char;
    fn resweep_graph_free(graph: *mut Raw) -> *mut c_char;
    fn resweep_graph_begin(graph: *mut Raw, other: *mut Raw) -> *mut c_char;
    fn resweep_graph_end(graph: *mut Raw) -> *mut c_char;
    fn resweep_graph_replay(graph: *mut Raw) -> *mut c_char;
    fn resweep_stream_enter(device: c_int, before: *mut StreamId) -> *mut c_char;
    fn resweep_stream_leave(before: *const StreamId) -> *mut c_char;
    fn resweep_held(device: c_int, held: *mut Held) -> *mut c_char;
    fn resweep_release_cached() -> *mut c_char;
    fn resweep_peak_memory(device: c_int, reset: bool, bytes: *mut i64) -> *mut c_char;
    fn resweep_search_limit(most: c_int) -> *mut c_char;
    fn resweep_set_gradients(params: List, gradients: List, count: usize) -> *mut c_char;
}

/// What the allocator of a GPU has in hand, bytes.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    /// In tensors.
    allocated: i64,
    /// In all.
    reserved: i64,
}

impl Held {
    fn on(device: usize) -> Result<Self, TchError> {
        let mut held = Self::default();
        // SAFETY: `held` lives for the length of the call.
        result(unsafe { resweep_held(device as c_int, &raw mut held) })?;
        Ok(held)
    }

    /// What no tensor shows, as far as it has come about since.
    fn hidden_since(self, before: Self) -> u64 {
        let grown = (self.reserved - before.reserved) - (self.allocated - before.allocated);
        u64::try_from(grown).unwrap_or(0)
    }
}

/// The memory of all graphs that no tensor shows, bytes. libtorch's statistics count it as free.
static HIDDEN: AtomicU64 = AtomicU64::new(0);
/// The peak until a graph last came or went, bytes: what came before it lies beside nothing of it.
static EARLIER: AtomicU64 = AtomicU64::new(0);

/// The most bytes that tensors took on a GPU at one time, with what graphs keep for what they compute on
/// the way; since the last `reset`, which comes after.
///
/// # Errors
/// What libtorch reports, such as a device that does not exist.
pub fn peak_memory(device: usize, reset: bool) -> Result<u64, TchError> {
    let mut tensors = 0;
    // SAFETY: `tensors` lives for the length of the call.
    result(unsafe { resweep_peak_memory(device as c_int, reset, &raw mut tensors) })?;
    let now = tensors.unsigned_abs() + HIDDEN.load(Ordering::Relaxed);
    let earlier =
        if reset { EARLIER.swap(0, Ordering::Relaxed) } else { EARLIER.load(Ordering::Relaxed) };
    Ok(now.max(earlier))
}

/// A graph comes or goes: the peak until now stays what it was.
fn change_hidden(device: usize, by: i64) -> Result<(), TchError> {
    let peak = peak_memory(device, true);
    EARLIER.fetch_max(*peak.as_ref().unwrap_or(&0), Ordering::Relaxed);
    HIDDEN.fetch_add(by as u64, Ordering::Relaxed);
    peak.map(drop)
}

/// Recorded work of a GPU. Its inputs and results are the tensors that it was recorded with: they
/// must live as long as it is replayed.
#[derive(Debug)]
pub struct Graph {
    raw: *mut Raw,
    device: usize,
    /// Its share of [`HIDDEN`].
    hidden: u64,
}

impl Graph {
    /// Records what `work` gives to a device, which must be on a [`Stream`] of its own; nothing of it
    /// is done. What it makes becomes valid by the first replay. What it needs on the way takes the
    /// memory that another graph needs on its own way, where one is given: the two must not be replayed
    /// at the same time.
    ///
    /// # Errors
    /// What `work` or libtorch reports; a wait for the device within `work` is one. Nothing is
    /// recorded then.
    pub fn record<T>(
        device: usize,
        other: Option<&Self>,
        work: impl FnOnce() -> Result<T, TchError>,
    ) -> Result<(Self, T), TchError> {
        let mut graph = Self { raw: null_mut(), device, hidden: 0 };
        // SAFETY: `graph.raw` is null, and becomes a graph of its own.
        result(unsafe { resweep_graph_new(&raw mut graph.raw) })?;
        // It cannot take what was held for others.
        // SAFETY: no memory in use is touched.
        result(unsafe { resweep_release_cached() })?;
        let before = Held::on(device)?;
        let other = other.map_or(null_mut(), |other| other.raw);
        // SAFETY: the graph lives, as it does below, and so does the other.
        result(unsafe { resweep_graph_begin(graph.raw, other) })?;
        let made = work();
        // The end comes also where the work failed, or the stream would go on recording.
        // SAFETY: as above.
        let ended = result(unsafe { resweep_graph_end(graph.raw) });
        // What failed first says more.
        let made = made?;
        ended?;
        let hidden = Held::on(device)?.hidden_since(before);
        change_hidden(device, hidden as i64)?;
        graph.hidden = hidden;
        Ok((graph, made))
    }

    /// Does what was recorded once more, with what its inputs hold now. Does not wait for it.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn replay(&self) -> Result<(), TchError> {
        // SAFETY: the graph was recorded, and lives.
        result(unsafe { resweep_graph_replay(self.raw) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: it is freed once, here. What fails then leaks.
            let _ = result(unsafe { resweep_graph_free(self.raw) });
        }
        if self.hidden > 0 {
            let _ = change_hidden(self.device, -(self.hidden as i64));
        }
    }
}

/// A stream, as libtorch names it.
#[repr(C)]
#[derive(Debug, Default)]
struct StreamId {
    id: i64,
    device: i8,
    kind: i8,
}

/// A stream of its own for the work that this thread gives to a GPU, until it is dropped. Both ends
/// wait for the device.
#[derive(Debug)]
pub struct Stream {
    before: StreamId,
    here: PhantomData<*const ()>,
}

impl Stream {
    /// Puts a stream of libtorch's pool into use.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn enter(device: usize) -> Result<Self, TchError> {
        let mut before = StreamId::default();
        // SAFETY: `before` lives for the length of the call.
        result(unsafe { resweep_stream_enter(device as c_int, &raw mut before) })?;
        Ok(Self { before, here: PhantomData })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: `before` lives for the length of the call. What could fail is work that was given to
        // the device before, which the next call reports.
        let _ = result(unsafe { resweep_stream_leave(&raw const self.before) });
    }
}

/// Sets how many algorithms cuDNN may time for a convolution of a shape that it has not met.
///
/// # Errors
/// What libtorch reports.
pub fn search_limit(most: u32) -> Result<(), TchError> {
    // SAFETY: it only sets a number.
    result(unsafe { resweep_search_limit(most as c_int) })
}

/// Makes tensors the gradients of `params`, in their order.
///
/// # Errors
/// What libtorch reports.
pub fn set_gradients(params: &[Tensor], gradients: &[Tensor]) -> Result<(), TchError> {
    check_counts(params, &[gradients], false)?;
    let [params, gradients] = [params, gradients].map(pointers);
    // SAFETY: the pointers are live at::Tensor for the length of the call; the counts agree.
    result(unsafe { resweep_set_gradients(params.as_ptr(), gradients.as_ptr(), params.len()) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn gradients_can_be_given() {
        let param = Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let gradient = Tensor::from_slice(&[1.0f32, -2.0]);
        set_gradients(&[param.shallow_clone()], &[gradient.shallow_clone()]).unwrap();
        assert_eq!(param.grad(), gradient);
        assert!(set_gradients(&[param], &[]).is_err());
    }

    #[test]
    fn what_grew_in_no_tensor_is_hidden() {
        let held = |allocated, reserved| Held { allocated, reserved };
        assert_eq!(held(30, 120).hidden_since(held(10, 40)), 60);
        assert_eq!(held(30, 40).hidden_since(held(10, 40)), 0);
    }
}
