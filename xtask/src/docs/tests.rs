//! The pages are current, and say something about everything.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::code::{Body, Code, VariantBody};
use super::{pages, root};

#[test]
fn the_pages_are_current() {
    for page in pages(root()).unwrap_or_else(|error| panic!("{error}")) {
        let found = std::fs::read_to_string(root().join(page.path)).unwrap_or_default();
        let first = found.lines().zip(page.text.lines()).position(|(a, b)| a != b);
        let line = first.map_or(found.lines().count().min(page.text.lines().count()), |at| at) + 1;
        assert!(
            found.replace("\r\n", "\n") == page.text,
            "{}:{line} is not what the code says now: run `cargo xtask docs`",
            page.path
        );
    }
}

#[test]
fn everything_that_a_spec_can_have_says_what_it_is() {
    let code = Code::read(root()).unwrap_or_else(|error| panic!("{error}"));
    let mut silent = Vec::new();
    for ty in code.types.values() {
        let mut check = |doc: &str, what: String| {
            if doc.is_empty() {
                silent.push(format!("{}: {what}", ty.file.display()));
            }
        };
        // A type that is read by code of its own is told by what it is read from.
        if !matches!(ty.body, Body::Custom(_)) {
            check(&ty.doc, ty.ident.clone());
        }
        for field in ty.fields() {
            check(&field.doc, format!("{}.{}", ty.ident, field.name));
        }
        let Body::Enum(variants) = &ty.body else { continue };
        for variant in variants {
            let held = matches!(&variant.body, VariantBody::Tuple(_)) && ty.serde.untagged;
            check(
                if held { "held" } else { &variant.doc },
                format!("{}::{}", ty.ident, variant.name),
            );
        }
    }
    for operation in &code.operations {
        let told = !operation.summary.is_empty();
        assert!(told, "src/op/mod.rs: {} has no doc comment in `operations!`", operation.name);
    }
    assert!(silent.is_empty(), "these have no doc comment:\n{}", silent.join("\n"));
}

#[test]
fn links_within_the_reference_lead_somewhere() {
    let pages = pages(root()).unwrap_or_else(|error| panic!("{error}"));
    let text = &pages[0].text;
    let kept = |c: &char| c.is_alphanumeric() || "-_".contains(*c);
    let headings: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .map(|line| line.chars().filter(kept).collect())
        .collect();
    for link in text.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap();
        assert!(headings.iter().any(|heading| heading == anchor), "#{anchor}");
    }
}

/// A type that the generator does not know is told, not left out.
#[test]
fn what_the_generator_does_not_know_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("src/op")).unwrap();
    std::fs::create_dir_all(folder.path().join("src/spec")).unwrap();
    let spec = folder.path().join("src/spec/x.rs");
    let error = |field: &str| {
        let text = format!(
            "fn f() {{ expect_kind(t, \"X\"); }}\noperations! {{ /// Does.\nX in x; }}\n\
             #[derive(Deserialize)] struct X {{ {field} }}"
        );
        std::fs::write(&spec, text).unwrap();
        let made = Code::read(folder.path()).and_then(|code| {
            let ty = code.find(std::path::Path::new("src/spec/x.rs"), "X")?.clone();
            let field = ty.fields()[0].clone();
            code.words(&ty.file, &field.ty)?;
            code.default_of(&ty.file, &field)
        });
        made.map_or_else(|error| error.to_string(), |default| default.unwrap_or_default())
    };
    assert!(error("#[serde(flatten)] a: u8").contains("#[serde(flatten ..)]"));
    assert!(error("a: Unheard").contains("the type `Unheard`"));
    assert!(error("#[serde(default = \"none\")] a: u8").contains("no such function"));
    assert_eq!(error("#[serde(default)] a: Vec<u8>"), "[]");
}
