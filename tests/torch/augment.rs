//! Augmentations against torchvision: results for given parameters, statistics for random ones.

use std::collections::HashMap;

use rand::Rng;
use resweep::data::{Images, shapes10};
use resweep::random::{Purpose, generator};
use resweep::spec::data::Normalize;
use resweep::spec::train::{Augment, Erased, Fill, Space};
use resweep::train::augment::affine::{rotate, shear_x, shear_y, translate};
use resweep::train::augment::change::{self, Change};
use resweep::train::augment::draw::{Erasing, Jitter, Rectangle, square, trivial};
use resweep::train::augment::mix::Mix;
use resweep::train::batches::{DeviceImages, Targets};
use resweep::train::fit::loss;
use tch::{Device, IndexOp, Kind, Tensor};

use crate::batches::{bytes, data, on_device};
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
fn apply(images: &Tensor, changes: &[Change]) -> Tensor {
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

/// A mean over `n` draws and the standard deviation of one.
#[derive(Debug, Clone, Copy)]
struct Moments {
    n: f64,
    mean: f64,
    std: f64,
}

impl Moments {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { n, mean, std: (squares / (n - 1.0)).sqrt() }
    }

    /// Within 5 standard errors of the difference of means; spreads within 5 %.
    fn check(self, wanted: Self, name: &str) {
        let error = (self.std.powi(2) / self.n + wanted.std.powi(2) / wanted.n).sqrt();
        let off = (self.mean - wanted.mean).abs();
        assert!(off < 5.0 * error, "{name}: {self:?} is not {wanted:?}");
        assert!((self.std / wanted.std - 1.0).abs() < 0.05, "{name}: {self:?}, not {wanted:?}");
    }
}

fn torchvisions() -> HashMap<String, Moments> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/augment.csv");
    let rows = csv::Reader::from_path(path).unwrap().into_deserialize();
    let row = |row: Result<(String, f64, f64, f64), _>| row.unwrap();
    rows.map(row).map(|(name, n, mean, std)| (name, Moments { n, mean, std })).collect()
}

#[test]
fn rectangles_are_drawn_as_torchvisions() {
    let wanted = torchvisions();
    let mut random = generator(1, Purpose::Augment, 1);
    let mut check = |name: &str, scale, ratio| {
        let shape = Erasing { p: 0.5, scale, ratio };
        let drawn: Vec<Rectangle> = (0..40_000).map(|_| shape.rectangle(&mut random)).collect();
        let inside = |r: &Rectangle| 0 <= r.top && r.bottom <= 32 && 0 <= r.left && r.right <= 32;
        assert!(drawn.iter().all(inside));
        let area = |r: &Rectangle| ((r.bottom - r.top) * (r.right - r.left)) as f64 / 1024.0;
        Moments::of(drawn.iter().map(area)).check(wanted[name], name);
        let heights = drawn.iter().filter(|r| r.bottom > r.top).map(|r| (r.bottom - r.top) as f64);
        let name = format!("{name}_height");
        Moments::of(heights).check(wanted[&name], &name);
    };
    check("erased", (0.02, 0.33), (0.3, 3.3));
    check("erased_large", (0.4, 0.9), (0.2, 1.0));
}

#[test]
fn squares_of_cutout_have_the_area_that_the_edge_leaves() {
    let mut random = generator(2, Purpose::Augment, 1);
    for size in [8_i64, 16] {
        // DeVries and Taylor: from the middle less half the size to before the middle plus it.
        let side = |middle: i64| ((middle + size / 2).min(32) - (middle - size / 2).max(0)) as f64;
        let wanted = (0..32).map(side).sum::<f64>() / 32.0;
        let squares: Vec<Rectangle> = (0..20_000).map(|_| square(size, &mut random)).collect();
        let area = |r: &Rectangle| ((r.bottom - r.top) * (r.right - r.left)) as f64;
        let areas = Moments::of(squares.iter().map(area));
        assert!((areas.mean - wanted * wanted).abs() < 5.0 * areas.std / areas.n.sqrt());
        let full = squares.iter().filter(|r| area(r) == (size * size) as f64).count() as f64;
        // The middle can be at 33 - size of 32 places each way.
        let share = ((33 - size) as f64 / 32.0).powi(2);
        let error = (share * (1.0 - share) / 20_000.0).sqrt();
        assert!((full / 20_000.0 - share).abs() < 5.0 * error, "{full}");
    }
}

#[test]
fn jitter_is_drawn_as_torchvisions_in_every_order() {
    let wanted = torchvisions();
    let jitter = Jitter { brightness: 0.4, contrast: 1.5, saturation: 0.2, hue: 0.1 };
    let rounds = jitter.rounds(20_000, &mut generator(3, Purpose::Augment, 1));
    let mut drawn: HashMap<&str, Vec<f64>> = HashMap::new();
    let mut first: HashMap<&str, u32> = HashMap::new();
    for (round, changes) in rounds.iter().enumerate() {
        for change in changes {
            let (name, factor) = match *change {
                Change::Brightness(factor) => ("jitter_brightness", factor),
                Change::Contrast(factor) => ("jitter_contrast", factor),
                Change::Saturation(factor) => ("jitter_saturation", factor),
                Change::Hue(turn) => ("jitter_hue", turn),
                other => panic!("{other:?}"),
            };
            drawn.entry(name).or_default().push(factor);
            *first.entry(name).or_default() += u32::from(round == 0);
        }
    }
    for (name, factors) in drawn {
        assert_eq!(factors.len(), 20_000, "each image once: {name}");
        Moments::of(factors).check(wanted[name], name);
        // 5 sigma of 20,000 coins of 1/4 are 306.
        assert!(first[name].abs_diff(5000) < 306, "{first:?}");
    }
    let none = Jitter { brightness: 0.0, contrast: 0.0, saturation: 0.3, hue: 0.0 };
    assert_eq!(none.rounds(5, &mut generator(3, Purpose::Augment, 1)).len(), 1);
}

#[test]
fn trivial_augment_changes_as_much_as_torchvisions() {
    let wanted = torchvisions();
    let golden = golden("augment.safetensors");
    let image = find(&golden, "images").i(0);
    let mut random = generator(4, Purpose::Augment, 1);
    let changes: Vec<Change> = (0..6000).map(|_| trivial(Space::Wide, &mut random)).collect();
    let images = image.unsqueeze(0).expand([6000, 32, 32, 3], false).contiguous();
    let off = apply(&images, &changes).to_kind(Kind::Int) - images.to_kind(Kind::Int);
    let off = off.abs().to_kind(Kind::Double).mean_dim([1_i64, 2, 3].as_slice(), false, None);
    let off: Vec<f64> = off.try_into().unwrap();
    Moments::of(off.iter().map(|&off| f64::from(off == 0.0))).check(wanted["identity"], "identity");
    Moments::of(off).check(wanted["change"], "change");
}

#[test]
fn the_narrow_space_stays_within_its_bounds() {
    let mut random = generator(4, Purpose::Augment, 1);
    for _ in 0..5000 {
        let good = match trivial(Space::Narrow, &mut random) {
            Change::Posterize(bits) => (4..=8).contains(&bits),
            Change::Affine([_, _, right, _, _, down]) => right.abs() <= 10.0 && down.abs() <= 10.0,
            Change::Brightness(by)
            | Change::Contrast(by)
            | Change::Saturation(by)
            | Change::Sharpness(by) => (0.1 - 1e-12..=1.9 + 1e-12).contains(&by),
            _ => true,
        };
        assert!(good);
    }
}

fn one_hot(count: i64) -> Tensor {
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
fn shares_are_drawn_as_torchvisions() {
    let wanted = torchvisions();
    let mut random = generator(5, Purpose::Mix, 1);
    let (images, shares) = (Tensor::zeros([2, 1, 32, 32], (Kind::Float, Device::Cpu)), one_hot(2));
    let mut drawn = |augment| {
        let mix = |_| Mix::draw(augment, &mut random).unwrap();
        let share = |mix: Mix| mix.apply(&images, &shares).unwrap().1.double_value(&[0, 0]);
        Moments::of((0..10_000).map(mix).collect::<Vec<_>>().into_iter().map(share))
    };
    drawn(Augment::Mixup { alpha: 0.2, p: 1.0 }).check(wanted["lambda_0.2"], "lambda_0.2");
    drawn(Augment::Mixup { alpha: 1.0, p: 1.0 }).check(wanted["lambda_1"], "lambda_1");
    let kept = drawn(Augment::CutMix { alpha: 1.0, p: 1.0 });
    Moments { mean: 1.0 - kept.mean, ..kept }.check(wanted["pasted_1"], "pasted_1");
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
    /// 2 % of an epoch of ResNet-18 at 45 images per second, the rate of two processors.
    const MOST: f64 = 0.02 * 2.0 * 50_000.0 / 45.0;
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
