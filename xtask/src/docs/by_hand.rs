//! Kinds of file that no `Deserialize` reads: their fields by the list in the code.

use std::path::{Path, PathBuf};

use syn::{Expr, Item};

use super::DocsError;
use super::code::{Body, Code, Type};
use super::serde::{Serde, doc, string};

/// The constant that lists the fields of a kind of file.
const FIELDS: &str = "FIELDS";

/// Adds the kinds of file that were not found among the types.
///
/// # Errors
/// A kind without a struct, without a list of its fields, or with a field that nothing explains.
pub fn kinds(code: &mut Code, root: &Path) -> Result<(), DocsError> {
    for kind in code.kinds.clone() {
        if code.types.keys().any(|(_, ident)| *ident == kind) {
            continue;
        }
        let (file, item) = find(root, &kind)?;
        let located = |error: DocsError| error.located(format!("{}: `{kind}`", file.display()));
        let fields = fields(code, &file, &item).map_err(located)?;
        let (doc, serde) = (doc(&item.attrs), Serde::default());
        let body = Body::ByHand(fields);
        let ty = Type { file: file.clone(), ident: kind.clone(), doc, serde, body };
        code.types.insert((file, kind), ty);
    }
    Ok(())
}

fn find(root: &Path, kind: &str) -> Result<(PathBuf, syn::ItemStruct), DocsError> {
    for path in super::files(&root.join("src/spec"), "rs")? {
        let parsed = syn::parse_file(&super::read(&path)?);
        for item in parsed.into_iter().flat_map(|file| file.items) {
            if let Item::Struct(item) = item
                && item.ident == kind
            {
                return Ok((path.strip_prefix(root).unwrap_or(&path).to_path_buf(), item));
            }
        }
    }
    Err(DocsError::Unknown(format!("the kind of file `{kind}`: no struct is called so")))
}

/// The fields that [`FIELDS`] lists. A comment explains the field of its name, or others of the
/// list as in `` `where`: conditions that ... ``.
fn fields(
    code: &Code,
    file: &Path,
    item: &syn::ItemStruct,
) -> Result<Vec<(String, String)>, DocsError> {
    let list = code.constants.get(&(file.to_path_buf(), FIELDS.into()));
    let Some(Expr::Array(list)) = list else {
        return Err(DocsError::Unknown(format!("its fields: there is no `const {FIELDS}`")));
    };
    let names: Vec<String> = list.elems.iter().filter_map(string).collect();
    let docs: Vec<(String, String)> = item
        .fields
        .iter()
        .map(|field| {
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            (name, doc(&field.attrs).replace('\n', " "))
        })
        .collect();
    let mut fields = Vec::new();
    for name in &names {
        let own = docs.iter().find(|(field, _)| field == name).map(|(_, doc)| doc.clone());
        let told = own.or_else(|| docs.iter().find_map(|(_, doc)| told_in(doc, name, &names)));
        let unknown = || DocsError::Unknown(format!("what its field `{name}` is for"));
        fields.push((name.clone(), told.ok_or_else(unknown)?));
    }
    Ok(fields)
}

/// What a comment says of one field after `` `name`: ``, up to the next one.
fn told_in(doc: &str, name: &str, names: &[String]) -> Option<String> {
    let (_, rest) = doc.split_once(&format!("`{name}`: "))?;
    let next = names.iter().filter_map(|other| rest.find(&format!("`{other}`: "))).min();
    let told = rest[..next.unwrap_or(rest.len())].trim();
    let mut letters = told.chars();
    let first = letters.next()?.to_uppercase();
    Some(first.chain(letters).collect())
}
