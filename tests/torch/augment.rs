//! Augmentations with given parameters against torchvision's results.

use resweep::train::augment::affine::{rotate, shear_x, shear_y, translate};
use resweep::train::augment::change::{self, Change};
use resweep::train::augment::mix::Mix;
use resweep::train::batches::Targets;
use resweep::train::fit::loss;
use tch::{Device, IndexOp, Kind, Tensor};

use crate::formula::{find, golden};

/// The change that a name of `augment.safetensors` stands for.
fn change(name: &str) -> Option<Change> {
    let (name, number) = name.split_once('/').unwrap_or((name, "0"));
    let number: f64 = number.parse().ok()?;
    Some(match name {
        "brightness" => Change::Brightness(number),
        "contrast" => Change::Contrast(number),
        "saturation" => Change::Saturation(number),
        "hue" => Change::Hue(number),
        "sharpness" => Change::Sharpness(number),
        "posterize" => Change::Posterize(number as u32),
        "solarize" => Change::Solarize(number),
        "autocontrast" => Change::AutoContrast,
        "equalize" => Change::Equalize,
        "shear_x" => Change::Affine(shear_x(number)),
        "shear_y" => Change::Affine(shear_y(number)),
        "translate_x" => Change::Affine(translate(number, 0.0)),
        "translate_y" => Change::Affine(translate(0.0, number)),
        "rotate" => Change::Affine(rotate(number.to_radians())),
        _ => return None,
    })
}

/// Changes images `[batch, height, width, channels]`.
pub fn apply(images: &Tensor, changes: &[Change]) -> Tensor {
    let planes = images.permute([0, 3, 1, 2]).contiguous();
    change::apply(&planes, changes).unwrap().permute([0, 2, 3, 1])
}

/// Largest difference of bytes, and the share of bytes that differ.
fn difference(ours: &Tensor, wanted: &Tensor) -> (f64, f64) {
    let off = (ours.to_kind(Kind::Int) - wanted.to_kind(Kind::Int)).abs();
    let share = off.ne(0).to_kind(Kind::Double).mean(Kind::Double);
    (off.max().double_value(&[]), share.double_value(&[]))
}

#[test]
fn every_change_is_torchvisions() {
    let golden = golden("augment.safetensors");
    let images = find(&golden, "images");
    let mut seen = 0;
    for (name, wanted) in &golden {
        let Some(change) = change(name) else { continue };
        let ours = apply(images, &[change; 4]);
        let (most, share) = difference(&ours, wanted);
        assert!(most <= 1.0 && share < 0.01, "{name}: off by {most}, in {share} of the bytes");
        seen += 1;
    }
    assert_eq!(seen, 39, "a case has no change");
}

#[test]
fn images_of_a_batch_change_each_in_its_own_way() {
    let golden = golden("augment.safetensors");
    let images = find(&golden, "images");
    let names = ["rotate/31.5", "equalize", "hue/0.31"];
    let mut changes: Vec<Change> = names.iter().map(|name| change(name).unwrap()).collect();
    changes.push(Change::Identity);
    let ours = apply(images, &changes);
    for (image, name) in (0..).zip(names) {
        let (most, _) = difference(&ours.i(image), &find(&golden, name).i(image));
        assert!(most <= 1.0, "{name}");
    }
    assert!(ours.i(3).equal(&images.i(3)));
}

pub fn one_hot(count: i64) -> Tensor {
    Tensor::eye_m(count, 10, (Kind::Float, Device::Cpu))
}

#[test]
fn mixed_batches_are_torchvisions() {
    let golden = golden("augment.safetensors");
    let floats = find(&golden, "floats");
    let mut seen = 0;
    for (name, wanted) in golden.iter().filter(|(name, _)| !name.ends_with(".labels")) {
        let parts: Vec<&str> = name.split('/').collect();
        let number = |at: usize| parts[at].parse::<f64>().unwrap();
        let mix = match parts[0] {
            "mixup" => Mix::Blend { lambda: number(1) },
            "cutmix" => Mix::Paste {
                lambda: number(1),
                place: ((number(2) + 0.5) / 32.0, (number(3) + 0.5) / 32.0),
            },
            _ => continue,
        };
        let (images, shares) = mix.apply(floats, &one_hot(6)).unwrap();
        assert!(images.allclose(wanted, 1e-6, 1e-7, false), "{name}");
        let labels = find(&golden, &format!("{name}.labels"));
        assert!(shares.allclose(labels, 1e-6, 1e-7, false), "{name}: {shares} {labels}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn the_loss_of_shares_is_pytorchs() {
    let golden = golden("augment.safetensors");
    let shares = find(&golden, "mixup/0.3.labels");
    let targets = Targets { labels: shares.argmax(-1, false), shares: Some(shares.copy()) };
    for smoothing in [0.0, 0.1] {
        let ours = loss(find(&golden, "logits"), &targets, smoothing).unwrap();
        let wanted = find(&golden, &format!("loss/{smoothing:?}"));
        assert!(ours.view([1]).allclose(wanted, 1e-6, 0.0, false), "{ours} {wanted}");
    }
}
