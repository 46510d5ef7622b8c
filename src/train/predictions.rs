//! What a network says of every test image, as it is kept of a run: `safetensors` with
//!
//! | tensor | format | what |
//! |---|---|---|
//! | `labels` | u8 `[images]` | the class of the image |
//! | `predicted` | u8 `[images]` | the class with the highest logit |
//! | `loss` | f16 `[images]` | cross-entropy of the label, nats |
//!
//! in the order of the test set.

use std::path::Path;

use tch::{Kind, Reduction, TchError, Tensor};

use super::batches::DeviceImages;
use super::evaluate::each_batch;
use crate::model::Model;

/// The predictions of a network for images, a tensor each of what is kept.
#[derive(Debug)]
pub struct Predictions {
    labels: Tensor,
    predicted: Tensor,
    loss: Tensor,
}

impl Predictions {
    /// Of images that are each seen once and unchanged, `batch` at a time.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn of(model: &Model, images: &DeviceImages, batch: i64) -> Result<Self, TchError> {
        let (mut labels, mut predicted, mut loss) = (Vec::new(), Vec::new(), Vec::new());
        each_batch(model, images, batch, |logits, label| {
            labels.push(label.f_to_kind(Kind::Uint8)?);
            predicted.push(logits.f_argmax(-1, false)?.f_to_kind(Kind::Uint8)?);
            let own = logits.f_to_kind(Kind::Float)?.f_cross_entropy_loss::<&Tensor>(
                label,
                None,
                Reduction::None,
                -100,
                0.0,
            )?;
            loss.push(own.f_to_kind(Kind::Half)?);
            Ok(())
        })?;
        let all = |parts: &[Tensor]| Tensor::f_cat(parts, 0)?.f_to_device(tch::Device::Cpu);
        Ok(Self { labels: all(&labels)?, predicted: all(&predicted)?, loss: all(&loss)? })
    }

    /// Writes them to a file.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TchError> {
        let named =
            [("labels", &self.labels), ("predicted", &self.predicted), ("loss", &self.loss)];
        Tensor::write_safetensors(&named, path)
    }
}
