//! What serde reports, as mistakes of a spec.

use std::fmt;

use super::{Problem, SpecError};

impl ::serde::de::Error for SpecError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Custom(message.to_string()))
    }

    fn invalid_type(
        unexpected: ::serde::de::Unexpected<'_>,
        expected: &dyn ::serde::de::Expected,
    ) -> Self {
        use ::serde::de::Unexpected;
        let found = match unexpected {
            Unexpected::Signed(number) => format!("the number {number}"),
            Unexpected::Unsigned(number) => format!("the number {number}"),
            Unexpected::Float(number) => format!("the number {number:?}"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Str(text) => format!("{text:?}"),
            Unexpected::Seq => "a list".into(),
            other => other.to_string(),
        };
        Self::new(Problem::WrongType { expected: expected.to_string(), found })
    }

    fn invalid_value(
        unexpected: ::serde::de::Unexpected<'_>,
        expected: &dyn ::serde::de::Expected,
    ) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(found: usize, expected: &dyn ::serde::de::Expected) -> Self {
        Self::new(Problem::WrongLength { expected: expected.to_string(), found })
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownVariant {
            what: String::new(),
            found: found.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        })
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownField {
            owner: String::new(),
            found: found.into(),
            expected: expected.iter().map(ToString::to_string).collect(),
        })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::MissingField { owner: String::new(), field: field.into() })
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Problem::DuplicateField(field.into()))
    }
}
