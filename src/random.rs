//! Random numbers. Every use has a stream of its own, derived from the run's seed, so that runs do
//! not disturb one another, and an epoch can be repeated without those before it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Init = 1,
    /// The order of the images in an epoch.
    Order = 2,
    /// Augmentation of the images of an epoch.
    Augment = 3,
    /// What operations such as dropout draw in training.
    Forward = 4,
    /// The side that alternating flips begin with.
    Flip = 5,
    /// The mixing of batches.
    Mix = 6,
    /// Which training images are held out, by the seed of the data set.
    Split = 7,
}

/// The generator of a seed, a purpose and an epoch.
pub fn generator(seed: u64, purpose: Purpose, epoch: u32) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(((purpose as u64) << 32) | u64::from(epoch));
    generator
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, purpose, epoch| generator(seed, purpose, epoch).random::<u64>();
        let first = draw(0, Purpose::Order, 1);
        assert_eq!(first, draw(0, Purpose::Order, 1));
        let others =
            [draw(0, Purpose::Order, 2), draw(0, Purpose::Augment, 1), draw(1, Purpose::Order, 1)];
        assert!(!others.contains(&first));
    }
}
