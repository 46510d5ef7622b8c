//! What the types of the code are made of: fields and variants.

use syn::Fields;

use super::DocsError;
use super::code::{Body, Field, Variant, VariantBody};
use super::serde::{Serde, doc};

/// The body of a struct.
///
/// # Errors
/// A construct that the generator does not know.
pub fn of_struct(fields: &Fields, serde: &Serde) -> Result<Body, DocsError> {
    match fields {
        Fields::Named(_) => {
            let fields = self::fields(fields, serde.rename_all.as_deref())?;
            match fields.as_slice() {
                [only] if serde.transparent => Ok(Body::Newtype(Box::new(only.ty.clone()))),
                _ => Ok(Body::Struct(fields)),
            }
        }
        Fields::Unnamed(list) if list.unnamed.len() == 1 => {
            Ok(Body::Newtype(Box::new(list.unnamed[0].ty.clone())))
        }
        Fields::Unit => Ok(Body::Struct(Vec::new())),
        Fields::Unnamed(_) => {
            Err(DocsError::Unknown("a struct of several fields without names".into()))
        }
    }
}

fn fields(fields: &Fields, rule: Option<&str>) -> Result<Vec<Field>, DocsError> {
    let mut list = Vec::new();
    for field in fields {
        let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let located = |error: DocsError| error.located(format!("field `{ident}`"));
        let serde = Serde::of(&field.attrs).map_err(located)?;
        if !serde.skip {
            let name = serde.name(ident.trim_start_matches("r#"), rule).map_err(located)?;
            list.push(Field { name, doc: doc(&field.attrs), serde, ty: field.ty.clone() });
        }
    }
    Ok(list)
}

/// The variants of an enum.
///
/// # Errors
/// A construct that the generator does not know.
pub fn variants(item: &syn::ItemEnum, serde: &Serde) -> Result<Vec<Variant>, DocsError> {
    let mut list = Vec::new();
    for variant in &item.variants {
        let ident = variant.ident.to_string();
        let located = |error: DocsError| error.located(format!("`{ident}`"));
        let attrs = Serde::of(&variant.attrs).map_err(located)?;
        if attrs.skip {
            continue;
        }
        let body = match &variant.fields {
            Fields::Unit => VariantBody::Unit,
            Fields::Named(_) => VariantBody::Struct(
                fields(&variant.fields, attrs.rename_all.as_deref()).map_err(located)?,
            ),
            Fields::Unnamed(list) => {
                VariantBody::Tuple(list.unnamed.iter().map(|field| field.ty.clone()).collect())
            }
        };
        list.push(Variant {
            name: attrs.name(&ident, serde.rename_all.as_deref()).map_err(located)?,
            doc: doc(&variant.attrs),
            default: variant.attrs.iter().any(|attr| attr.path().is_ident("default")),
            body,
        });
    }
    Ok(list)
}
