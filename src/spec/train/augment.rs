//! Random changes of training images.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, unmet};

/// A random change of training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename = "augmentation", deny_unknown_fields)]
pub enum Augment {
    /// A window of the full size at a random place of the padded image; `RandomCrop`.
    RandomCrop {
        /// Pixels added on every side.
        padding: u32,
        /// What they hold.
        #[serde(default)]
        fill: Fill,
    },
    /// Left and right change places; `RandomHorizontalFlip`.
    HorizontalFlip {
        /// Probability.
        #[serde(default = "half")]
        p: f64,
    },
    /// Every image is flipped in every second epoch; a coin thrown once a run says in which
    /// (Jordan 2024, airbench).
    AlternatingFlip,
    /// A square of the mean colour around a random pixel, cut off at the edge (DeVries and
    /// Taylor 2017).
    Cutout {
        /// Side of the square in pixels.
        size: u32,
    },
    /// A rectangle of random size and place is erased (Zhong et al. 2020); `RandomErasing`.
    RandomErasing {
        /// Probability.
        #[serde(default = "half")]
        p: f64,
        /// Least and greatest share of the image's area.
        #[serde(default = "scale")]
        scale: (f64, f64),
        /// Least and greatest height per width.
        #[serde(default = "ratio")]
        ratio: (f64, f64),
        /// What the rectangle holds afterwards.
        #[serde(default)]
        value: Erased,
    },
    /// Brightness, contrast, saturation and hue change by random amounts, in random order;
    /// `ColorJitter`.
    ColorJitter {
        /// The factor is from `1 - brightness`, or 0 if that is less, to `1 + brightness`.
        #[serde(default)]
        brightness: f64,
        /// The same for the distance from the mean grey.
        #[serde(default)]
        contrast: f64,
        /// The same for the distance from the pixel's grey.
        #[serde(default)]
        saturation: f64,
        /// The hue turns by `-hue` to `hue` of a whole turn, at most 0.5.
        #[serde(default)]
        hue: f64,
    },
    /// One operation of 14, chosen at random, with one of 31 strengths (Mueller and Hutter 2021);
    /// `TrivialAugmentWide`.
    TrivialAugment {
        /// How strong the operations become.
        #[serde(default)]
        space: Space,
    },
    /// Batches are mixed with themselves in another order: images and targets in shares of
    /// `lambda`, drawn from Beta(alpha, alpha) for each batch (Zhang et al. 2018); `MixUp`.
    Mixup {
        /// Both parameters of the Beta distribution.
        #[serde(default = "one")]
        alpha: f64,
        /// Probability that a batch is mixed.
        #[serde(default = "one")]
        p: f64,
    },
    /// A rectangle of every image, the same throughout a batch, comes from another image of the
    /// batch; the targets are mixed by area (Yun et al. 2019); `CutMix`.
    CutMix {
        /// Both parameters of the Beta distribution that the area left is drawn from.
        #[serde(default = "one")]
        alpha: f64,
        /// Probability that a batch is mixed; the article has 0.5 for CIFAR.
        #[serde(default = "one")]
        p: f64,
    },
}

/// What the padding of a crop holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename = "fill")]
pub enum Fill {
    /// Black.
    #[default]
    Zero,
    /// The image mirrored at its edge, the edge pixel not repeated.
    Reflect,
}

/// What an erased rectangle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "value of erased pixels"))]
pub enum Erased {
    /// The mean that images are normalised with: 0 after it, as torchvision's default.
    #[default]
    Mean,
    /// Black: 0 before normalisation.
    Black,
    /// Standard normal noise after normalisation; torchvision's `"random"`.
    Noise,
}

/// How strong the operations of TrivialAugment become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "space of TrivialAugment"))]
pub enum Space {
    /// The article's wide space and torchvision's: shear 0.99, 32 pixels, 135 degrees, factors
    /// 0.01 to 1.99, 2 to 8 bits.
    #[default]
    Wide,
    /// The article's narrower space, RandAugment's: shear 0.3, 10 pixels, 30 degrees, factors
    /// 0.1 to 1.9, 4 to 8 bits.
    Narrow,
}

fn half() -> f64 {
    0.5
}

fn one() -> f64 {
    1.0
}

fn scale() -> (f64, f64) {
    (0.02, 0.33)
}

fn ratio() -> (f64, f64) {
    (0.3, 3.3)
}

impl Augment {
    /// What is wrong with the augmentation at this place of the list.
    pub(super) fn faults(&self, at: usize) -> Vec<Fault> {
        let faults = match *self {
            Self::RandomCrop { padding, fill } => crop_faults(padding, fill),
            Self::HorizontalFlip { p } => unmet(&[probability(p)]),
            Self::AlternatingFlip | Self::TrivialAugment { .. } => Vec::new(),
            Self::Cutout { size } => unmet(&[(
                (1..=64).contains(&size),
                "size",
                "`size` is not from 1 to 64 pixels",
                "common values for images of 32 pixels are 8 to 16",
            )]),
            Self::RandomErasing { p, scale, ratio, .. } => erasing_faults(p, scale, ratio),
            Self::ColorJitter { brightness, contrast, saturation, hue } => {
                jitter_faults([brightness, contrast, saturation], hue)
            }
            Self::Mixup { alpha, p } | Self::CutMix { alpha, p } => unmet(&[
                (
                    (1e-3..=1e3).contains(&alpha),
                    "alpha",
                    "`alpha` is not from 0.001 to 1000",
                    "common values are 0.2 to 1",
                ),
                probability(p),
            ]),
        };
        let within = |fault: Fault| Fault { path: format!("augment.{at}.{}", fault.path), ..fault };
        faults.into_iter().map(within).collect()
    }

    /// Whether it mixes the images of a batch, and so their targets.
    pub fn mixes(&self) -> bool {
        matches!(self, Self::Mixup { .. } | Self::CutMix { .. })
    }
}

/// A demand, whether it is met, and what to tell where it is not.
type Demand = (bool, &'static str, &'static str, &'static str);

fn probability(p: f64) -> Demand {
    ((0.0..=1.0).contains(&p), "p", "`p` is no probability", "use a number from 0 to 1")
}

fn crop_faults(padding: u32, fill: Fill) -> Vec<Fault> {
    unmet(&[
        (
            fill != Fill::Reflect || padding < 32,
            "padding",
            "`padding` mirrors more than the image has",
            "use at most 31 pixels",
        ),
        (padding <= 256, "padding", "`padding` is more than 256 pixels", "a common value is 4"),
    ])
}

fn erasing_faults(p: f64, scale: (f64, f64), ratio: (f64, f64)) -> Vec<Fault> {
    let (shares, ratios) = ("common are `scale: (0.02, 0.33)`", "common are `ratio: (0.3, 3.3)`");
    unmet(&[
        probability(p),
        (scale.0 >= 0.0, "scale.0", "`scale` is below 0", shares),
        (scale.1 <= 1.0, "scale.1", "`scale` is above the whole image, 1", shares),
        (scale.0 <= scale.1, "scale", "the least of `scale` is above the greatest", shares),
        (ratio.0 > 0.0, "ratio.0", "`ratio` is not above 0", ratios),
        (ratio.0 <= ratio.1, "ratio", "the least of `ratio` is above the greatest", ratios),
    ])
}

fn jitter_faults([brightness, contrast, saturation]: [f64; 3], hue: f64) -> Vec<Fault> {
    let help = "use 0 for no change; common values are 0.1 to 0.4";
    let good = 0.0..=10.0;
    unmet(&[
        (good.contains(&brightness), "brightness", "`brightness` is not from 0 to 10", help),
        (good.contains(&contrast), "contrast", "`contrast` is not from 0 to 10", help),
        (good.contains(&saturation), "saturation", "`saturation` is not from 0 to 10", help),
        (
            (0.0..=0.5).contains(&hue),
            "hue",
            "`hue` is not from 0 to 0.5",
            "0.5 turns the hue by up to half a circle; a common value is 0.1",
        ),
    ])
}
