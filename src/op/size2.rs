//! Sizes along height and width.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Newtype name of a whole number, or a pair of them in `(...)`, for the reader of specs.
pub(crate) const SIZE2: &str = "size";

/// A size along height and along width: `3` for both, or a pair `(height, width)` such as `(1, 7)`.
///
/// Where both are equal it is written as one number, so that `3` and `(3, 3)` are the same spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size2 {
    /// Along the height.
    pub height: u64,
    /// Along the width.
    pub width: u64,
}

impl Size2 {
    /// The same size along both.
    pub const fn square(side: u64) -> Self {
        Self { height: side, width: side }
    }

    /// 1 along both.
    pub(super) const fn one() -> Self {
        Self::square(1)
    }

    /// 0 along both.
    pub(super) const fn zero() -> Self {
        Self::square(0)
    }

    /// Whether one of them is 0.
    pub(super) fn has_zero(self) -> bool {
        self.height == 0 || self.width == 0
    }

    /// Their product; saturates.
    pub(super) fn area(self) -> u64 {
        self.height.saturating_mul(self.width)
    }

    /// For libtorch.
    #[cfg(feature = "torch")]
    pub(super) fn dims(self) -> [i64; 2] {
        [self.height as i64, self.width as i64]
    }
}

impl From<u64> for Size2 {
    fn from(side: u64) -> Self {
        Self::square(side)
    }
}

impl fmt::Display for Size2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.height == self.width {
            true => write!(f, "{}", self.height),
            false => write!(f, "({}, {})", self.height, self.width),
        }
    }
}

impl Serialize for Size2 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.height == self.width {
            true => self.height.serialize(serializer),
            false => (self.height, self.width).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Size2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SIZE2, NumberOrPair)
    }
}

struct NumberOrPair;

impl<'de> Visitor<'de> for NumberOrPair {
    type Value = Size2;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a pair `(height, width)`")
    }

    fn visit_u64<E>(self, side: u64) -> Result<Size2, E> {
        Ok(Size2::square(side))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Size2, A::Error> {
        let mut next =
            |index| pair.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &"2 sizes"));
        Ok(Size2 { height: next(0)?, width: next(1)? })
    }
}
