use serde::{Deserialize, Serialize};

use super::{Misfit, Operation, Shape, maps};

/// Channels of zeros beside those of its input, up to `out`: the shortcut without weights where
/// dimensions grow (He et al. 2016, section 3.3, option A). `Subsample` brings the stride.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPad {
    /// Channels of the result.
    pub out: u64,
    /// Where the zeros stand: at the `End` (the default) or, halved, at `Both` sides.
    #[serde(default)]
    pub place: Place,
}

/// Where added channels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "place")]
pub enum Place {
    /// After the channels of the input.
    #[default]
    End,
    /// Half before them, half after them, the odd one after, as in the widely used PyTorch version
    /// (akamaster/pytorch_resnet_cifar10).
    Both,
}

impl ChannelPad {
    /// Channels added before and after.
    #[cfg(feature = "torch")]
    fn added(&self, channels: u64) -> (u64, u64) {
        let added = self.out.saturating_sub(channels);
        match self.place {
            Place::End => (0, added),
            Place::Both => (added / 2, added - added / 2),
        }
    }
}

impl Operation for ChannelPad {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let (channels, height, width) = maps(inputs)?;
        if self.out < channels {
            return Err(Misfit::new(
                format!("`out` is {}, its input has {channels} channels", self.out),
                "it only adds channels; `Slice` takes some away",
            ));
        }
        Ok(Shape::Maps(self.out, height, width))
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        let channels = call.inputs[0].size()[1] as u64;
        let (before, after) = self.added(channels);
        call.inputs[0].f_constant_pad_nd([0, 0, 0, 0, before as i64, after as i64])
    }
}
