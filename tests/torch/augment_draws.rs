//! What augmentations draw, against the statistics of torchvision's.

use std::collections::HashMap;

use resweep::random::{Purpose, generator};
use resweep::spec::train::{Augment, Space};
use resweep::train::augment::change::Change;
use resweep::train::augment::draw::{Erasing, Jitter, Rectangle, square, trivial};
use resweep::train::augment::mix::Mix;
use tch::{Device, IndexOp, Kind, Tensor};

use crate::augment::{apply, one_hot};
use crate::formula::{find, golden};

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
