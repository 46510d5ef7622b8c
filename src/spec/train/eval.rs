//! Evaluation beside the headline.

use serde::{Deserialize, Serialize};

/// What is evaluated beside the accuracy of single, unchanged images, which stays the headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eval {
    /// The views of every test image over which logits are averaged, after the last epoch, for the
    /// column `top1_tta`.
    #[serde(default)]
    pub views: Views,
}

/// Views of a test image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "choice of views"))]
pub enum Views {
    /// The image as it is; `top1_tta` stays empty.
    #[default]
    One,
    /// The image and its mirror image.
    Flip,
    /// Six views: the image, and the image moved by one pixel to the lower right and to the upper
    /// left (mirrored at its edge), each with its mirror image. The unmoved ones weigh half of all
    /// (Jordan 2024, airbench).
    FlipShift,
}
