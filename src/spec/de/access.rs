//! Fields, items and variants, one after another.

use std::rc::Rc;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::reader::Length;
use super::{TreeDe, field_element};
use crate::spec::error::{ITEM, Problem, SpecError};
use crate::spec::tree::{Field, Tree, Value};

/// The fields of a struct or map, one after another.
pub(super) struct Fields<'a, 'f> {
    pub(super) de: TreeDe<'a>,
    pub(super) fields: std::vec::IntoIter<&'f Field>,
    pub(super) value: Option<&'f Field>,
}

impl<'f> MapAccess<'static> for Fields<'_, 'f> {
    type Error = SpecError;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SpecError> {
        self.value = self.fields.next();
        let Some(field) = self.value else { return Ok(None) };
        let key = Rc::new(Tree { value: Value::Str(field.name.clone()), span: field.span });
        let key = TreeDe { tree: &key, ..self.de };
        let wrong = |error: SpecError| error.or_at(field.span).or_element(field_element(field));
        seed.deserialize(key).map(Some).map_err(wrong)
    }

    fn next_value_seed<V: DeserializeSeed<'static>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SpecError> {
        let Some(field) = self.value else {
            return Err(de::Error::custom("a value without a key"));
        };
        let de = TreeDe { tree: &field.tree, ..self.de };
        seed.deserialize(de).map_err(|error| {
            let error = error.named(&format!("`{}`", field.name)).or_at(field.tree.span);
            error.or_element(field_element(field))
        })
    }
}

/// The items of a list or tuple.
pub(super) struct Items<'a> {
    pub(super) de: TreeDe<'a>,
    pub(super) length: Length,
    pub(super) items: std::vec::IntoIter<&'a Rc<Tree>>,
}

impl SeqAccess<'static> for &mut Items<'_> {
    type Error = SpecError;

    fn next_element_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, SpecError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let of_item = |error: SpecError| {
            let error = error.named(ITEM).or_at(item.span);
            match self.length {
                Length::Any => error.or_element((item.span, item.span)),
                Length::Fixed => error,
            }
        };
        seed.deserialize(self.de.of(item)).map(Some).map_err(of_item)
    }
}

impl<'a> EnumAccess<'static> for TreeDe<'a> {
    type Error = SpecError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'static>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), SpecError> {
        let name = self.tree.name().unwrap_or_default().into_deserializer();
        let variant = seed.deserialize(name).map_err(|e: SpecError| e.or_at(self.tree.head()))?;
        Ok((variant, self))
    }
}

impl VariantAccess<'static> for TreeDe<'_> {
    type Error = SpecError;

    fn unit_variant(self) -> Result<(), SpecError> {
        match &self.tree.value {
            Value::Name(_) => Ok(()),
            Value::Struct(_, fields) if fields.is_empty() => Ok(()),
            _ => {
                let name = self.tree.name().unwrap_or_default();
                Err(self.wrong(&format!("`{name}` alone, which has no fields").as_str()))
            }
        }
    }

    /// `Variant(field: ..)` for a variant that holds a struct, `Variant(value)` for any other.
    fn newtype_variant_seed<T: DeserializeSeed<'static>>(
        self,
        seed: T,
    ) -> Result<T::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(_, items) if items.len() == 1 && !items[0].is_plain() => {
                seed.deserialize(self.of(&items[0]))
            }
            _ => seed.deserialize(VariantBody(self)),
        }
    }

    fn tuple_variant<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(_, items) if items.len() == len => {
                self.items(items, Length::Fixed, visitor)
            }
            _ => Err(self.wrong(&format!("{len} values in `(...)`").as_str())),
        }
    }

    fn struct_variant<V: Visitor<'static>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        VariantBody(self).deserialize_struct("", fields, visitor)
    }
}

/// The inside of `Variant(field: ..)`: a struct that goes by the variant's name.
struct VariantBody<'a>(TreeDe<'a>);

impl Deserializer<'static> for VariantBody<'_> {
    type Error = SpecError;

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let name = self.0.tree.name().unwrap_or_default();
        match &self.0.tree.value {
            Value::Struct(_, fields) => self.0.fields(&format!("`{name}`"), fields, visitor),
            Value::Name(_) => self.0.fields(&format!("`{name}`"), &[], visitor),
            _ => Err(self.0.wrong(&"fields with names")),
        }
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match (&self.0.tree.value, fields) {
            (Value::Tuple(name, _), [first, ..]) => {
                let name = name.as_deref().unwrap_or_default();
                let reason = format!("the fields of `{name}` have names");
                let help = format!("write `{name}({first}: ...)`");
                Err(SpecError::at(self.0.tree.head(), Problem::Value { reason, help }))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'static>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
