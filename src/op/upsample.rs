use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Feature maps of `scale` times the height and width; `torch.nn.Upsample` with
/// `align_corners=False`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as high and as wide, a whole number.
    pub scale: u64,
    /// Whether each pixel is repeated (`Nearest`, the default) or pixels are blended (`Bilinear`).
    #[serde(default)]
    pub mode: Mode,
}

/// Where the new pixels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "mode")]
pub enum Mode {
    /// The pixel at the same place.
    #[default]
    Nearest,
    /// The four pixels around, weighed by their nearness.
    Bilinear,
}

impl Operation for Upsample {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        if self.scale == 0 {
            return Err(Misfit::new("`scale` is 0", "it must be 1 or more"));
        }
        let side = |side: u64| side.saturating_mul(self.scale);
        Ok(Shape::Maps(channels, side(height), side(width)))
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let (_, _, height, width) = call.inputs[0].size4()?;
        let (input, scale) = (call.inputs[0], self.scale as i64);
        let size = [height.saturating_mul(scale), width.saturating_mul(scale)];
        let whole = None::<f64>;
        match self.mode {
            Mode::Nearest => input.f_upsample_nearest2d(size, whole, whole),
            Mode::Bilinear => input.f_upsample_bilinear2d(size, false, whole, whole),
        }
    }
}
