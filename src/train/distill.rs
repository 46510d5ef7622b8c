//! Learning from a teacher (Hinton et al. 2015).

use tch::{Kind, Reduction, TchError, Tensor};

use crate::model::{Frozen, Model};
use crate::spec::train::{Distill, Train};

/// What a network learns beside the labels.
#[derive(Debug)]
pub(super) struct Lesson<'a> {
    teacher: Frozen<'a>,
    spec: &'a Distill,
}

impl<'a> Lesson<'a> {
    /// The lesson of a recipe; none where it names no teacher.
    pub(super) fn of(
        recipe: &'a Train,
        teacher: Option<&'a Model>,
    ) -> Result<Option<Self>, TchError> {
        match (&recipe.distill, teacher) {
            (None, _) => Ok(None),
            (Some(spec), Some(teacher)) => Ok(Some(Self { teacher: teacher.frozen()?, spec })),
            (Some(_), None) => Err(TchError::Torch("there is no teacher".into())),
        }
    }

    /// The loss of the logits of some images, of which `labels` is that of the labels.
    pub(super) fn loss(
        &self,
        images: &Tensor,
        logits: &Tensor,
        labels: &Tensor,
    ) -> Result<Tensor, TchError> {
        loss(logits, &self.teacher.forward(images)?, labels, self.spec)
    }
}

/// The loss of logits `[batch, classes]` towards those of a teacher and towards labels, of which
/// `labels` is the mean cross-entropy; a mean over the batch, nats. The square of the temperature
/// keeps the size of gradients (section 2).
///
/// # Errors
/// What libtorch reports.
pub fn loss(
    logits: &Tensor,
    teacher: &Tensor,
    labels: &Tensor,
    spec: &Distill,
) -> Result<Tensor, TchError> {
    let Distill { temperature, alpha, .. } = *spec;
    let own = logits.f_div_scalar(temperature)?.f_log_softmax(-1, Kind::Float)?;
    let taught = teacher.f_div_scalar(temperature)?.f_softmax(-1, Kind::Float)?;
    let divergence = own.f_kl_div(&taught, Reduction::Sum, false)?;
    let factor = alpha * temperature * temperature / logits.size()[0] as f64;
    divergence.f_mul_scalar(factor)?.f_add(&labels.f_mul_scalar(1.0 - alpha)?)
}
