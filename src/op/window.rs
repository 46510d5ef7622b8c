//! Windows that move over feature maps: how many places they take.

use super::{Misfit, Shape, Size2, maps};

/// A window of a convolution or a pooling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Its sides, pixels.
    pub(super) kernel: Size2,
    /// Step between windows, pixels.
    pub(super) stride: Size2,
    /// Pixels added on every side.
    pub(super) padding: Size2,
    /// Step between the pixels that a window reads.
    pub(super) dilation: Size2,
    /// What becomes of a last window that is not full.
    pub(super) rest: Rest,
}

/// What becomes of pixels that are left after the last full window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing reads them.
    Dropped,
    /// One more window does, provided that it starts inside the input or the padding before it:
    /// PyTorch's `ceil_mode`.
    Read,
}

impl Rest {
    pub(super) fn of(ceil_mode: bool) -> Self {
        if ceil_mode { Self::Read } else { Self::Dropped }
    }
}

impl Window {
    /// Feature maps of so many channels, one pixel for each place of the window.
    pub(super) fn over(self, channels: u64, (height, width): (u64, u64)) -> Result<Shape, Misfit> {
        let sizes = [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)];
        for (name, size) in sizes {
            nonzero(name, size)?;
        }
        let Self { kernel, stride, padding, dilation, .. } = self;
        let rows = [kernel.height, stride.height, padding.height, dilation.height];
        let columns = [kernel.width, stride.width, padding.width, dilation.width];
        Ok(Shape::Maps(channels, self.places(height, rows)?, self.places(width, columns)?))
    }

    /// The number of places along one side, as in PyTorch:
    /// `floor((side + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`.
    fn places(self, side: u64, numbers: [u64; 4]) -> Result<u64, Misfit> {
        let [kernel, stride, padding, dilation] = numbers;
        let reach = dilation.saturating_mul(kernel - 1).saturating_add(1);
        let padded = side.saturating_add(padding.saturating_mul(2));
        let spare = if self.rest == Rest::Read { stride - 1 } else { 0 };
        let Some(room) = padded.saturating_add(spare).checked_sub(reach) else {
            return Err(Misfit::new(
                format!(
                    "a kernel that spans {reach} does not fit an input of {side} with padding {padding}"
                ),
                "use a smaller kernel, more padding, or fewer strides before it",
            ));
        };
        let places = room / stride + 1;
        let last_is_outside = (places - 1).saturating_mul(stride) >= side.saturating_add(padding);
        match self.rest {
            Rest::Read if places > 1 && last_is_outside => Ok(places - 1),
            _ => Ok(places),
        }
    }

    /// The result of a pooling.
    pub(super) fn pool(self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        let shape = self.over(channels, (height, width))?;
        self.check_pool_padding().map(|()| shape)
    }

    /// Poolings pad at most half a window, so that no window lies in the padding alone.
    fn check_pool_padding(self) -> Result<(), Misfit> {
        let Self { kernel, padding, .. } = self;
        if padding.height > kernel.height / 2 || padding.width > kernel.width / 2 {
            let reason = format!("padding {padding} is more than half the kernel {kernel}");
            return Err(Misfit::new(reason, "use a smaller `padding`"));
        }
        Ok(())
    }
}

/// A size of 0 makes nothing.
pub(super) fn nonzero(name: &str, size: Size2) -> Result<(), Misfit> {
    match size.has_zero() {
        true => Err(Misfit::new(format!("`{name}` is {size}"), "it must be 1 or more")),
        false => Ok(()),
    }
}

/// The result of a pooling to so many pixels.
pub(super) fn pooled_to(out: Size2, inputs: &[Shape]) -> Result<Shape, Misfit> {
    let (channels, ..) = maps(inputs)?;
    nonzero("out", out)?;
    Ok(Shape::Maps(channels, out.height, out.width))
}
