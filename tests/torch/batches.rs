//! Images on the device: order, augmentation, normalisation, resizing.

use resweep::data::{Images, shapes10};
use resweep::spec::data::{Data, Normalize};
use resweep::spec::train::{Augment, Fill};
use resweep::train::batches::DeviceImages;
use tch::{Device, IndexOp, Kind, Tensor};

const PLAIN: Normalize = Normalize { mean: (0.0, 0.0, 0.0), std: (1.0, 1.0, 1.0) };

pub fn data(resize: Option<u32>) -> Data {
    Data { resize, ..Data::default() }
}

fn images(count: usize) -> Images {
    shapes10::generate(count, 1, 0).train
}

pub fn on_device(images: &Images) -> DeviceImages {
    DeviceImages::new(images, &data(None), PLAIN, Device::Cpu).unwrap()
}

/// `[count, 3, 32, 32]` of bytes as they stand in memory.
fn pixels(images: &Images) -> Tensor {
    Tensor::from_slice(&images.pixels).view([-1, 32, 32, 3]).permute([0, 3, 1, 2])
}

pub fn bytes(batch: &Tensor) -> Tensor {
    (batch * 255.0).round().to_kind(Kind::Uint8)
}

#[test]
fn evaluation_sees_every_image_once_unchanged_and_normalised() {
    let images = images(10);
    let normalize = Normalize { mean: (0.1, 0.2, 0.3), std: (0.5, 0.25, 2.0) };
    let device = DeviceImages::new(&images, &data(None), normalize, Device::Cpu).unwrap();
    let batches: Vec<_> = [0, 4, 8].map(|start| device.in_order(start, 4).unwrap()).into();
    let labels = Tensor::cat(&batches.iter().map(|b| b.1.shallow_clone()).collect::<Vec<_>>(), 0);
    let seen: Vec<i64> = labels.try_into().unwrap();
    assert_eq!(seen, images.labels.iter().map(|&l| i64::from(l)).collect::<Vec<_>>());
    let row = |values: [f32; 3]| Tensor::from_slice(&values).view([1, 3, 1, 1]);
    let wanted = (pixels(&images).to_kind(Kind::Float) / 255.0 - row([0.1, 0.2, 0.3]))
        / row([0.5, 0.25, 2.0]);
    let all = Tensor::cat(&batches.iter().map(|b| b.0.shallow_clone()).collect::<Vec<_>>(), 0);
    assert!(all.allclose(&wanted, 1e-5, 1e-6, false));
    assert_eq!(batches[0].0.stride(), [3072, 1, 96, 3], "channels_last from the start");
}

#[test]
fn an_epoch_sees_every_image_once_in_an_order_of_its_own() {
    let images = images(23);
    let device = on_device(&images);
    let order = |seed, epoch| {
        let epoch = device.epoch(&[], seed, epoch).unwrap();
        let batches = [0, 8, 16].map(|start| bytes(&epoch.batch(start, 8).unwrap().0));
        Tensor::cat(&batches, 0)
    };
    let (first, again, second, other) = (order(0, 1), order(0, 1), order(0, 2), order(1, 1));
    assert!(first.equal(&again));
    assert!(!first.equal(&second) && !first.equal(&other));
    // Every image once: sorted sums of pixels agree.
    let sums = |batch: &Tensor| {
        batch
            .to_kind(Kind::Int64)
            .sum_dim_intlist([1, 2, 3].as_slice(), false, Kind::Int64)
            .sort(0, false)
            .0
    };
    assert!(sums(&first).equal(&sums(&pixels(&images))));
}

/// The image of an epoch's batch must be one of the windows of its padded image, or its mirror.
fn check_windows(fill: Fill, pad: impl Fn(&Tensor) -> Tensor) {
    let images = images(400);
    let device = on_device(&images);
    let plain = device.epoch(&[], 5, 1).unwrap().batch(0, 400).unwrap().0;
    let augment = [Augment::RandomCrop { padding: 2, fill }, Augment::HorizontalFlip { p: 0.5 }];
    let (batch, targets) = device.epoch(&augment, 5, 1).unwrap().batch(0, 400).unwrap();
    let padded = pad(&plain);
    let (mut places, mut flips) = ([0_u32; 25], 0);
    for index in 0..400 {
        let image = batch.i(index);
        let found = (0..50).find(|&choice| {
            let (flip, place) = (choice / 25, choice % 25);
            let window = padded.i(index).narrow(1, place / 5, 32).narrow(2, place % 5, 32);
            let window = if flip == 1 { window.flip([2]) } else { window };
            image.equal(&window)
        });
        let choice = found.unwrap_or_else(|| panic!("image {index} is no window"));
        places[(choice % 25) as usize] += 1;
        flips += choice / 25;
    }
    // 400 draws over 25 places and over two sides: far outside 5 sigma would be a defect.
    assert!(places.iter().all(|&count| (1..=37).contains(&count)), "{places:?}");
    assert!((150..=250).contains(&flips), "{flips}");
    assert_eq!(targets.labels.size(), [400]);
    assert!(targets.shares.is_none());
}

#[test]
fn crops_of_zero_padding_reach_every_place() {
    check_windows(Fill::Zero, |plain| plain.constant_pad_nd([2, 2, 2, 2]));
}

#[test]
fn crops_of_mirrored_padding_reach_every_place() {
    check_windows(Fill::Reflect, |plain| plain.reflection_pad2d([2, 2, 2, 2]));
}

#[test]
fn images_are_resized_bilinearly() {
    let images = images(3);
    let device = DeviceImages::new(&images, &data(Some(224)), PLAIN, Device::Cpu).unwrap();
    let (batch, _) = device.in_order(0, 3).unwrap();
    let plain = pixels(&images).to_kind(Kind::Float) / 255.0;
    let wanted = plain.upsample_bilinear2d([224, 224], false, None, None);
    assert!(batch.allclose(&wanted, 1e-5, 1e-5, false));
}
