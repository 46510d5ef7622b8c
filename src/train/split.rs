//! Training images that are held out.

use rand::seq::SliceRandom;

use crate::data::Images;
use crate::random::{Purpose, generator};
use crate::spec::data::Data;

/// The images to train on, and those that the spec holds out, both in file order. Which these are
/// hangs on the spec's `validation_seed` and the number of images alone: every run of a sweep has
/// the same. All images are equally likely; classes are not counted.
pub fn split(images: Images, spec: &Data) -> (Images, Option<Images>) {
    let Some(held_out) = spec.validation else { return (images, None) };
    let mut places: Vec<usize> = (0..images.len()).collect();
    places.shuffle(&mut generator(spec.validation_seed, Purpose::Split, 0));
    let mut chosen = vec![false; images.len()];
    places.iter().take(held_out as usize).for_each(|&place| chosen[place] = true);
    let (held_out, train) = images.partition(&chosen);
    (train, Some(held_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::IMAGE_BYTES;

    /// Images whose pixels say which they are.
    fn images(count: usize) -> Images {
        let number = |image: usize| [image as u8, (image >> 8) as u8];
        let pixels = (0..count).flat_map(|image| number(image).repeat(IMAGE_BYTES / 2)).collect();
        Images { pixels, labels: (0..count).map(|image| (image % 10) as u8).collect() }
    }

    fn numbers(images: &Images) -> Vec<usize> {
        let number = |pixels: &[u8]| usize::from(pixels[0]) + 256 * usize::from(pixels[1]);
        images.pixels.chunks(IMAGE_BYTES).map(number).collect()
    }

    fn held_out(count: usize, validation: u32, validation_seed: u64) -> (Images, Images) {
        let data = Data { validation: Some(validation), validation_seed, ..Data::default() };
        let (train, held_out) = split(images(count), &data);
        (train, held_out.unwrap_or_default())
    }

    #[test]
    fn every_image_trains_or_is_held_out() {
        let (train, held) = held_out(1000, 200, 0);
        assert_eq!((train.len(), held.len()), (800, 200));
        let (train, held) = (numbers(&train), numbers(&held));
        assert!(train.is_sorted() && held.is_sorted());
        let mut all = [train, held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        // From all of the set: the mean of 200 of 0..1000 has a standard error of 18.3.
        let mean = held.iter().sum::<usize>() as f64 / 200.0;
        assert!((mean - 499.5).abs() < 5.0 * 18.3, "{mean}");
    }

    #[test]
    fn labels_stay_with_their_images() {
        let (train, held) = held_out(300, 100, 7);
        for images in [train, held] {
            let labels: Vec<usize> = images.labels.iter().map(|&label| label.into()).collect();
            assert_eq!(labels, numbers(&images).iter().map(|n| n % 10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_seed_holds_out_the_same_images_always() {
        let of = |seed| numbers(&held_out(500, 50, seed).1);
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        assert_eq!(split(images(20), &Data::default()), (images(20), None));
    }
}
