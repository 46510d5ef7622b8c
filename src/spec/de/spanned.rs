//! Values with their places.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::{SPANNED, TreeDe};
use crate::spec::error::SpecError;
use crate::spec::source::Span;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// The place is no part of what a spec says.
impl<T: serde::Serialize> serde::Serialize for Spanned<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: de::Deserialize<'de>> de::Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct(SPANNED, &[], SpannedVisitor(std::marker::PhantomData))
    }
}

struct SpannedVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: de::Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spanned<T>, A::Error> {
        let mut next = || map.next_value::<u32>();
        let (source, start, end) = (next()?, next()?, next()?);
        let span = Span::new(source, start as usize, end as usize);
        Ok(Spanned { value: map.next_value()?, span })
    }
}

/// Hands a [`SpannedVisitor`] source, start, end and the value itself.
pub(super) struct Spanning<'a> {
    pub(super) de: TreeDe<'a>,
    pub(super) step: u8,
}

impl MapAccess<'static> for Spanning<'_> {
    type Error = SpecError;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        _: K,
    ) -> Result<Option<K::Value>, SpecError> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SpecError> {
        let span = self.de.tree.span;
        self.step += 1;
        match self.step {
            1 => seed.deserialize(span.source.into_deserializer()),
            2 => seed.deserialize(span.start.into_deserializer()),
            3 => seed.deserialize(span.end.into_deserializer()),
            _ => seed.deserialize(self.de),
        }
    }
}
