//! Random numbers that are the same on every machine: ChaCha8 words, and exact arithmetic on them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Split;

/// One stream of random numbers.
pub(super) struct Random(ChaCha8Rng);

/// What a stream is for. No two have a stream in common.
pub(super) enum Stream {
    /// The drawing of one image.
    Image(Split, u64),
    /// The order of the classes in one run of ten images.
    Labels(Split, u64),
}

impl Random {
    /// The start of a stream.
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut key = *b"        resweep shapes10 dataset";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(match stream {
            Stream::Image(split, index) => index << 2 | split as u64,
            Stream::Labels(split, index) => index << 2 | 2 | split as u64,
        });
        Self(words)
    }

    /// Uniform in 0 to below 1.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in `low` to `high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform among the whole numbers from 0 to below `n`.
    pub(super) fn index(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// True with this probability.
    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Bell-shaped with mean 0 and deviation 1: the sum of the four bytes of a word.
    pub(super) fn bell(&mut self) -> f32 {
        let sum: u16 = self.0.next_u32().to_le_bytes().into_iter().map(u16::from).sum();
        // Four uniform bytes have mean 4 x 127.5 and variance 4 x (256^2 - 1) / 12.
        (f32::from(sum) - 510.0) / 147.8
    }

    /// A unit vector in a uniform direction.
    pub(super) fn direction(&mut self) -> [f32; 2] {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if (0.01..1.0).contains(&square) {
                return [x / square.sqrt(), y / square.sqrt()];
            }
        }
    }

    /// Puts the items in a uniform order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}
