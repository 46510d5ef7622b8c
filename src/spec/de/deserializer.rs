//! The serde deserializer over a tree.

use serde::de::{Deserializer, IntoDeserializer, Visitor};

use super::reader::{Length, wanted};
use super::spanned::Spanning;
use super::{
    A_STRING, COMPOSITES, FILLED, INCLUDE, LATER, NODE, NUMBER, ONE_OR_MANY, OPERATION, SHORTHAND,
    SPANNED, TreeDe,
};
use crate::op::SIZE2;
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::{self, Number};
use crate::spec::template;
use crate::spec::tree::Value;

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
            let value = self.whole()?;
            let value = <$type>::try_from(value).map_err(|_| {
                let expected = match <$type>::BITS {
                    64 => "a number that is 0 or more".to_string(),
                    _ => format!("a number from {} to {}", <$type>::MIN, <$type>::MAX),
                };
                let problem = Problem::WrongType { expected, found: value.to_string() };
                SpecError::at(self.tree.span, problem)
            })?;
            visitor.$visit(value).map_err(|error: SpecError| error.or_at(self.tree.span))
        }
    )*};
}

impl<'a> Deserializer<'static> for TreeDe<'a> {
    type Error = SpecError;

    whole_numbers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_f64<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let value = self.number(&"a number")?.as_f64();
        if !value.is_finite() {
            return Err(self.wrong(&"a finite number"));
        }
        visitor.visit_f64(value).map_err(|error: SpecError| error.or_at(self.tree.span))
    }

    fn deserialize_f32<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        let value = match &self.tree.value {
            Value::Unit => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(text) | Value::Name(text) => visitor.visit_str(text),
            Value::List(items) => return self.items(items, Length::Any, visitor),
            Value::Tuple(_, items) => return self.items(items, Length::Fixed, visitor),
            Value::Map(fields) | Value::Struct(_, fields) => {
                return self.fields("", fields, visitor);
            }
        };
        value.map_err(|error: SpecError| error.or_at(self.tree.span))
    }

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Str(text) => {
                let holds = expr::condition(text, self.cx.env);
                let wrong = |error: expr::ExprError| {
                    SpecError::at(self.within(text, error.at), error.problem)
                };
                visitor.visit_bool(holds.map_err(wrong)?)
            }
            _ => Err(self.wrong(&"`true`, `false` or a condition such as `\"stride == 1\"`")),
        }
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Str(text) => {
                visitor.visit_str(text).map_err(|error: SpecError| error.or_at(self.tree.span))
            }
            _ => Err(self.wrong(&A_STRING)),
        }
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Name(name) if name == "None" => visitor.visit_none(),
            Value::Tuple(Some(name), items) if name == "Some" && items.len() == 1 => {
                visitor.visit_some(self.of(&items[0]))
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match self.tree.value {
            Value::Unit => visitor.visit_unit(),
            _ => Err(self.wrong(&"`()`")),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Name(found) if found == name => visitor.visit_unit(),
            Value::Struct(Some(found), fields) if found == name && fields.is_empty() => {
                visitor.visit_unit()
            }
            _ => Err(self.wrong(&format!("`{name}`").as_str())),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match name {
            INCLUDE => {
                let id = self.cx.loader.include(self.tree)?;
                visitor.visit_newtype_struct(id.into_deserializer())
            }
            LATER => {
                let id = self.cx.loader.keep(self.tree);
                visitor.visit_newtype_struct(id.into_deserializer())
            }
            ONE_OR_MANY => match &self.tree.value {
                Value::List(items) => self.items(items, Length::Any, visitor),
                Value::Str(_) | Value::Struct(..) => visitor.visit_newtype_struct(self),
                _ => Err(self.wrong(&visitor)),
            },
            FILLED => match &self.tree.value {
                Value::Str(text) => {
                    let filled = template::fill(text, self.tree.span, self.cx.env)?;
                    visitor.visit_newtype_struct(filled.into_deserializer())
                }
                _ => Err(self.wrong(&A_STRING)),
            },
            NUMBER => match self.number(&visitor)? {
                Number::Int(value) => visitor.visit_i64(value),
                Number::Float(value) => visitor.visit_f64(value),
            },
            SIZE2 => match &self.tree.value {
                Value::Tuple(None, items) if items.len() == 2 => {
                    self.items(items, Length::Fixed, visitor)
                }
                Value::Tuple(..) | Value::List(_) => Err(self.wrong(&visitor)),
                _ => self.deserialize_u64(visitor),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::List(items) => self.items(items, Length::Any, visitor),
            _ => Err(self.wrong(&"a list in `[...]`")),
        }
    }

    fn deserialize_tuple<V: Visitor<'static>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            Value::Tuple(None, items) | Value::List(items) if items.len() == len => {
                self.items(items, Length::Fixed, visitor)
            }
            _ => Err(self.wrong(&format!("{len} values in `(...)`").as_str())),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'static>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        match &self.tree.value {
            // A struct without a name is what `--set` makes of a map that the file leaves out.
            Value::Map(fields) | Value::Struct(None, fields) => {
                self.fields("this map", fields, visitor)
            }
            _ => Err(self.wrong(&"a map in `{...}`")),
        }
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        match (name, &self.tree.value) {
            (NODE, _) => self.node(visitor),
            (SPANNED, _) => visitor.visit_map(Spanning { de: self, step: 0 }),
            (_, Value::Struct(None, fields)) => self.fields("", fields, visitor),
            (_, Value::Struct(Some(found), fields)) if found == name => {
                self.fields(&format!("`{name}`"), fields, visitor)
            }
            (_, Value::Unit) => self.fields("", &[], visitor),
            (_, Value::Name(found)) if found == name => self.fields(name, &[], visitor),
            (_, value) => match name.strip_prefix(SHORTHAND) {
                Some(field) if !matches!(value, Value::Struct(Some(_), _)) => {
                    self.shorthand(field, visitor)
                }
                _ => Err(self.wrong(&wanted(name).as_str())),
            },
        }
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        if self.tree.name().is_none() {
            return Err(self.wrong(&format!("a name: one of the {name}s").as_str()));
        }
        visitor.visit_enum(self).map_err(|mut error| {
            if let Problem::UnknownVariant { what, expected, .. } = error.problem_mut()
                && what.is_empty()
                && name == OPERATION
            {
                expected.extend(COMPOSITES.map(String::from));
            }
            error.named(name).or_at(self.tree.head())
        })
    }

    fn deserialize_identifier<V: Visitor<'static>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'static>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SpecError> {
        visitor.visit_unit()
    }

    fn deserialize_bytes<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, SpecError> {
        self.deserialize_str(visitor)
    }
}
