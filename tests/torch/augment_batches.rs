//! Batches of an epoch with augmentations.

use std::collections::HashMap;

use rand::Rng;
use resweep::data::{Images, shapes10};
use resweep::random::{Purpose, generator};
use resweep::spec::data::Normalize;
use resweep::spec::train::{Augment, Erased, Fill, Space};
use resweep::train::batches::DeviceImages;
use tch::{Device, IndexOp, Kind, Tensor};

use crate::batches::{bytes, data, on_device};

fn images(count: usize) -> Images {
    shapes10::generate(count, 1, 0).train
}

#[test]
fn alternating_flips_show_both_sides_in_two_epochs() {
    let device = on_device(&images(400));
    let flipped = |seed, epoch| {
        let plain = device.epoch(&[], seed, epoch).unwrap().batch(0, 400).unwrap().0;
        let augmented = device.epoch(&[Augment::AlternatingFlip], seed, epoch).unwrap();
        let augmented = augmented.batch(0, 400).unwrap().0;
        // By place in the data set: an image is known by its pixels, which no epoch changes.
        (0..400)
            .map(|index| {
                let (was, is) = (bytes(&plain.i(index)), bytes(&augmented.i(index)));
                let flip = is.equal(&was.flip([2]));
                assert!(flip || is.equal(&was), "image {index} is neither");
                (Vec::<u8>::try_from(was.flatten(0, -1)).unwrap(), flip)
            })
            .collect::<HashMap<_, _>>()
    };
    let [first, second, third] = [1, 2, 3].map(|epoch| flipped(0, epoch));
    assert!(first.iter().all(|(image, flip)| second[image] != *flip && third[image] == *flip));
    let share = first.values().filter(|flip| **flip).count();
    assert!((150..=250).contains(&share), "{share} of 400");
    assert_ne!(first, flipped(1, 1), "another seed begins otherwise");
}

/// Normalised images of an epoch, whose pixels are 0 where they had the mean.
fn normalised(augment: &[Augment], count: i64) -> (Tensor, Tensor) {
    let normalize = Normalize { mean: (0.41, 0.38, 0.29), std: (0.2, 0.3, 0.25) };
    let images = images(count as usize);
    let device = DeviceImages::new(&images, &data(None), normalize, Device::Cpu).unwrap();
    let of = |augment| device.epoch(augment, 0, 1).unwrap().batch(0, count).unwrap().0;
    (of(&[]), of(augment))
}

#[test]
fn erased_pixels_hold_what_was_asked_for() {
    let erasing =
        |value| Augment::RandomErasing { p: 1.0, scale: (0.2, 0.3), ratio: (0.5, 2.0), value };
    let changed = |augment| {
        let (plain, erased) = normalised(&[augment], 200);
        let mask = plain.ne_tensor(&erased);
        let area = mask.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
        assert!((0.15..0.3).contains(&area), "{area}");
        erased.masked_select(&mask)
    };
    for augment in [erasing(Erased::Mean), Augment::Cutout { size: 17 }] {
        let most = changed(augment).abs().max().double_value(&[]);
        assert!(most < 1e-6, "{augment:?}: the mean is 0 after normalisation: {most}");
    }
    let noise = changed(erasing(Erased::Noise));
    let (n, mean) = (noise.size()[0] as f64, noise.mean(Kind::Double).double_value(&[]));
    let std = noise.std(true).double_value(&[]);
    assert!(mean.abs() < 5.0 / n.sqrt() && (std - 1.0).abs() < 0.02, "{mean} {std}");
    let (plain, black) = normalised(&[erasing(Erased::Black)], 50);
    let black = black.masked_select(&plain.ne_tensor(&black));
    let wanted = [-0.41 / 0.2, -0.38 / 0.3, -0.29 / 0.25];
    let values: Vec<f32> = black.try_into().unwrap();
    assert!(values.iter().all(|v| wanted.iter().any(|w| (f64::from(*v) - w).abs() < 1e-5)));
}

#[test]
fn a_batch_can_be_repeated_without_those_before_it() {
    let device = on_device(&images(64));
    let augment = [
        Augment::AlternatingFlip,
        Augment::TrivialAugment { space: Space::Wide },
        Augment::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
        Augment::Cutout { size: 8 },
        Augment::Mixup { alpha: 1.0, p: 0.5 },
        Augment::CutMix { alpha: 1.0, p: 0.5 },
    ];
    let third = |epoch, before: &[i64]| {
        let epoch = device.epoch(&augment, 7, epoch).unwrap();
        before.iter().for_each(|&start| drop(epoch.batch(start, 16).unwrap()));
        epoch.batch(32, 16).unwrap()
    };
    let (whole, alone, other) = (third(2, &[0, 16]), third(2, &[]), third(3, &[]));
    assert!(whole.0.equal(&alone.0) && whole.1.labels.equal(&alone.1.labels));
    assert!(!whole.0.equal(&other.0));
    assert_eq!(whole.0.stride(), [3072, 1, 96, 3], "channels_last after every change");
}

#[test]
fn a_share_of_the_batches_is_mixed_and_labelled_by_the_larger_part() {
    let images = images(400);
    let device = on_device(&images);
    let augment = [Augment::Mixup { alpha: 0.5, p: 0.3 }];
    let (mut mixed, mut random) = (0, generator(8, Purpose::Order, 0));
    for epoch in 1..=20 {
        let (plain, epoch) =
            (device.epoch(&[], 1, epoch).unwrap(), device.epoch(&augment, 1, epoch).unwrap());
        for start in (0..400).step_by(20) {
            let ((was, own), (is, targets)) =
                (plain.batch(start, 20).unwrap(), epoch.batch(start, 20).unwrap());
            let Some(shares) = targets.shares else {
                assert!(is.equal(&was) && targets.labels.equal(&own.labels));
                continue;
            };
            mixed += 1;
            // An image's share follows from its pixels: lambda is where it lies between the two.
            let image = random.random_range(0..20);
            let before = (image + 19) % 20;
            let (a, b) = (was.i(image), was.i(before));
            let lambda = ((is.i(image) - &b) * (&a - &b)).sum(Kind::Double)
                / (&a - &b).square().sum(Kind::Double);
            let label = own.labels.int64_value(&[image]);
            let other = own.labels.int64_value(&[before]);
            let wanted = if label == other { 1.0 } else { lambda.double_value(&[]) };
            assert!((shares.double_value(&[image, label]) - wanted).abs() < 1e-4);
            let larger = if wanted >= 0.5 { label } else { other };
            assert_eq!(targets.labels.int64_value(&[image]), larger);
        }
    }
    // 400 coins of 0.3: 120, and 5 sigma are 46.
    assert!((74..=166).contains(&mixed), "{mixed}");
}

/// Seconds that a processor works for the batches of 50,000 images with each augmentation, less
/// those without any. They do not hang on what else the machine does.
/// `cargo test --release --test torch -- --ignored --nocapture cost`
#[test]
#[ignore = "takes a minute"]
fn the_cost_of_an_epoch_is_small() {
    /// 2 % of an epoch of ResNet-18 at 134 images per second, the rate of two processors
    /// (results/bench/intel-r-xeon-r-processor-2-threads.csv).
    const MOST: f64 = 0.02 * 2.0 * 50_000.0 / 134.0;
    tch::set_num_threads(1);
    let device = on_device(&images(50_000));
    let seconds = |augment: &[Augment]| {
        let started = processor_seconds();
        let epoch = device.epoch(augment, 0, 1).unwrap();
        (0..50_000).step_by(128).for_each(|start| drop(epoch.batch(start, 128).unwrap()));
        processor_seconds() - started
    };
    let plain = seconds(&[]).min(seconds(&[]));
    println!("none: {plain:.2} s");
    let erasing = Augment::RandomErasing {
        p: 0.5,
        scale: (0.02, 0.33),
        ratio: (0.3, 3.3),
        value: Erased::Noise,
    };
    for augment in [
        Augment::RandomCrop { padding: 4, fill: Fill::Zero },
        Augment::RandomCrop { padding: 4, fill: Fill::Reflect },
        Augment::HorizontalFlip { p: 0.5 },
        Augment::AlternatingFlip,
        Augment::Cutout { size: 16 },
        erasing,
        Augment::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
        Augment::TrivialAugment { space: Space::Wide },
        Augment::Mixup { alpha: 1.0, p: 1.0 },
        Augment::CutMix { alpha: 1.0, p: 1.0 },
    ] {
        let more = seconds(&[augment]) - plain;
        println!("{augment:?}: {more:.2} s more");
        assert!(more < MOST, "{augment:?}");
    }
}

/// What this process has used of its processors (Linux: fields 14 and 15 of proc(5) stat, in 1/100 s).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].iter().map(|&at| fields[at].parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
