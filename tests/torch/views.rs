//! Averaging over views against airbench's `infer_mirror_translate`, written out.

use resweep::data::shapes10;
use resweep::model::Model;
use resweep::spec::train::Views;
use resweep::train::evaluate::{mean_logits, top1_of_views};
use tch::{Device, Kind, Tensor, no_grad};

use crate::batches::on_device;
use crate::training::plan;

/// `infer_mirror` of airbench94.
fn mirror(model: &Model, images: &Tensor) -> Tensor {
    let logits = |images: &Tensor| model.forward(images, false).unwrap();
    logits(images) * 0.5 + logits(&images.flip([3])) * 0.5
}

/// `infer_mirror_translate` of airbench94.
fn mirror_translate(model: &Model, images: &Tensor) -> Tensor {
    let padded = images.reflection_pad2d([1, 1, 1, 1]);
    let window = |from: i64| padded.narrow(2, from, 32).narrow(3, from, 32).contiguous();
    let moved = [0, 2].map(|from| mirror(model, &window(from)));
    mirror(model, images) * 0.5
        + Tensor::stack(&moved, 0).mean_dim([0].as_slice(), false, None) * 0.5
}

#[test]
fn logits_are_averaged_as_in_airbench() {
    let data = shapes10::generate(1, 64, 0);
    let images = on_device(&data.test);
    let model = Model::new(plan(), 0, Device::Cpu).unwrap();
    let (plain, labels) = images.in_order(0, 64).unwrap();
    no_grad(|| {
        for (views, count, wanted) in [
            (Views::One, 1, model.forward(&plain, false).unwrap()),
            (Views::Flip, 2, mirror(&model, &plain)),
            (Views::FlipShift, 6, mirror_translate(&model, &plain)),
        ] {
            let (seen, seen_labels) = images.views(0, 64, views).unwrap();
            assert_eq!(seen.len(), count);
            assert!(seen_labels.equal(&labels));
            let ours = mean_logits(&model.frozen().unwrap(), &seen).unwrap();
            assert!(ours.allclose(&wanted, 1e-4, 1e-5, false), "{views:?}");
            let right = wanted.argmax(-1, false).eq_tensor(&labels).sum(Kind::Int64);
            let top1 = top1_of_views(&model, &images, 24, views).unwrap();
            let wanted = 100.0 * right.double_value(&[]) / 64.0;
            assert_eq!(top1, (views != Views::One).then_some(wanted), "{views:?}");
        }
    });
}
