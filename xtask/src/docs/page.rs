//! The reference page as Markdown.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::DocsError;
use super::code::{Body, Code, Field, Operation, Type, Variant, VariantBody};
use super::operation::facts;
use super::uses::Uses;
use super::words::title;

const INTRODUCTION: &str = include_str!("introduction.md");

/// A page under way: its text and its headings.
#[derive(Default)]
struct Writer {
    text: String,
    headings: Vec<(usize, String)>,
}

impl Writer {
    fn heading(&mut self, level: usize, title: &str) {
        self.headings.push((level, title.into()));
        let _ = write!(self.text, "\n{} {title}\n", "#".repeat(level));
    }

    fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            let _ = write!(self.text, "\n{}\n", text.trim_end());
        }
    }

    /// Links to the headings down to a level.
    fn contents(&self) -> String {
        let mut seen = BTreeSet::new();
        let mut out = String::new();
        for (level, title) in &self.headings {
            // GitHub numbers headings of one name; here each has its own.
            if seen.insert(anchor(title)) && *level <= 3 {
                let _ = writeln!(out, "{}- {}", "  ".repeat(level - 2), link(title));
            }
        }
        out
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

/// A link to a heading.
pub fn link(title: &str) -> String {
    format!("[{title}](#{})", anchor(title))
}

/// The whole page.
///
/// # Errors
/// A construct of the code that the generator does not know.
pub fn reference(code: &Code, root: &Path) -> Result<String, DocsError> {
    let uses = Uses::of(code, root)?;
    let mut page = Writer::default();
    let mut told: Vec<&Type> = Vec::new();
    for kind in &code.kinds {
        let ty = code.find(Path::new(""), kind)?;
        let mut reached = told.clone();
        code.reach(ty, &mut reached)?;
        if let Body::ByHand(_) = ty.body {
            code.reach_rest(&mut reached)?;
        }
        for (index, ty) in reached.iter().skip(told.len()).enumerate() {
            page.heading(if index == 0 { 2 } else { 3 }, &title(ty));
            page.section(code, &uses, ty)?;
        }
        told = reached;
    }
    for section in super::modules::sections(root)? {
        page.heading(2, &section.title);
        page.paragraph(&section.text);
    }
    page.operations(code, &uses, &mut told)?;
    let section = super::modules::expressions(root)?;
    page.heading(2, &section.title);
    page.paragraph(&section.text);
    page.unique()?;
    Ok(format!("{}\n\n{}{}", INTRODUCTION.trim_end(), page.contents(), page.text))
}

impl Writer {
    /// Two headings of one name would lead a link astray.
    fn unique(&self) -> Result<(), DocsError> {
        let mut seen = BTreeSet::new();
        match self.headings.iter().find(|(_, title)| !seen.insert(anchor(title))) {
            None => Ok(()),
            Some((_, twice)) => {
                Err(DocsError::Unknown(format!("which of the two sections is `{twice}`")))
            }
        }
    }

    /// A type: its doc, an example, its fields or variants.
    fn section(&mut self, code: &Code, uses: &Uses, ty: &Type) -> Result<(), DocsError> {
        let located = |error: DocsError| error.located(format!("`{}`", ty.ident));
        self.paragraph(&prose(&ty.doc));
        let marker = title(ty).to_lowercase();
        let marker = if code.kinds.contains(&ty.ident) { String::new() } else { marker };
        match &ty.body {
            Body::Struct(fields) => {
                // Nodes are shown by operations, files by shipped ones.
                let example = match uses.get(&ty.ident).filter(|_| !ty.doc.contains("```ron")) {
                    Some(used) => used.clone(),
                    None => code.example(ty, 0).map_err(located)?,
                };
                self.example(&marker, &example);
                if ty.serde.rename.as_deref() == Some("node") {
                    self.paragraph(
                        "Written as a pair; `from` and `when` stand within the operation.",
                    );
                }
                self.shorthand(ty);
                self.fields(code, ty, fields).map_err(located)
            }
            Body::Enum(variants) => self.variants(code, uses, ty, variants).map_err(located),
            Body::ByHand(fields) => {
                self.paragraph(&uses.get(&ty.ident).map(fenced).unwrap_or_default());
                let mut table = String::from("| field | meaning |\n|---|---|\n");
                for (name, doc) in fields {
                    let _ = writeln!(table, "| `{name}` | {} |", escaped(&prose(doc)));
                }
                self.paragraph(&table);
                Ok(())
            }
            Body::Newtype(_) | Body::Custom(_) => Ok(()),
        }
    }

    fn example(&mut self, marker: &str, example: &str) {
        let marker = if marker.is_empty() { String::new() } else { format!(",{marker}") };
        self.paragraph(&format!("```ron{marker}\n{example}\n```"));
    }

    /// What serde's name of a type says.
    fn shorthand(&mut self, ty: &Type) {
        let field = ty.serde.rename.as_deref().and_then(|name| name.strip_prefix("shorthand:"));
        if let Some(field) = field {
            self.paragraph(&format!("The {field} alone is short for `({field}: ..)`."));
        }
    }

    fn fields(&mut self, code: &Code, ty: &Type, fields: &[Field]) -> Result<(), DocsError> {
        if fields.is_empty() {
            self.paragraph("No fields.");
            return Ok(());
        }
        let mut table = String::from("| field | value | default | meaning |\n|---|---|---|---|\n");
        for field in fields {
            let located = |error: DocsError| error.located(format!("field `{}`", field.name));
            let words = code.words(&ty.file, &field.ty).map_err(located)?;
            let default = match code.default_of(&ty.file, field).map_err(located)? {
                None => "required".into(),
                Some(none) if none.is_empty() => String::new(),
                Some(value) => format!("`{value}`"),
            };
            let cells = [format!("`{}`", field.name), words, default, prose(&field.doc)];
            let _ = writeln!(table, "| {} |", cells.map(|cell| escaped(&cell)).join(" | "));
        }
        self.paragraph(&table);
        Ok(())
    }

    fn variants(
        &mut self,
        code: &Code,
        uses: &Uses,
        ty: &Type,
        variants: &[Variant],
    ) -> Result<(), DocsError> {
        let plain = variants.iter().all(|variant| matches!(variant.body, VariantBody::Unit));
        if plain {
            let mut table = String::from("| value | meaning |\n|---|---|\n");
            for variant in variants {
                let default = if variant.default { " (default)" } else { "" };
                let doc = escaped(&prose(&variant.doc));
                let _ = writeln!(table, "| `{}`{default} | {doc} |", variant.name);
            }
            self.paragraph(&table);
            return Ok(());
        }
        for variant in variants {
            let located = |error: DocsError| error.located(format!("`{}`", variant.name));
            let default = if variant.default { " (default)" } else { "" };
            self.paragraph(&format!("**`{}`**{default}: {}", variant.name, prose(&variant.doc)));
            let example = match uses.get(&format!("{}::{}", ty.ident, variant.name)) {
                Some(used) => used.clone(),
                None => {
                    code.variant_example(ty, &variant.name, &variant.body, 0).map_err(located)?
                }
            };
            self.example(&ty.ident.to_lowercase(), &example);
            if let VariantBody::Struct(fields) = &variant.body {
                self.fields(code, ty, fields).map_err(located)?;
            }
        }
        Ok(())
    }

    fn operations<'a>(
        &mut self,
        code: &'a Code,
        uses: &Uses,
        told: &mut Vec<&'a Type>,
    ) -> Result<(), DocsError> {
        self.heading(2, "Operations");
        let mut operations: Vec<&Operation> = code.operations.iter().collect();
        operations.sort_by(|a, b| a.name.cmp(&b.name));
        let mut table = String::from("| operation | what it does |\n|---|---|\n");
        for operation in &operations {
            let summary = escaped(&prose(&operation.summary));
            let _ = writeln!(table, "| {} | {summary} |", link(&operation.name));
        }
        self.paragraph(&table);
        for operation in operations {
            let located = |error: DocsError| error.located(format!("`{}`", operation.name));
            self.operation(code, operation, uses, told).map_err(located)?;
        }
        Ok(())
    }

    fn operation<'a>(
        &mut self,
        code: &'a Code,
        operation: &Operation,
        uses: &Uses,
        told: &mut Vec<&'a Type>,
    ) -> Result<(), DocsError> {
        let ty = code.find(&operation.file, &operation.name)?;
        let already = told.len();
        code.reach(ty, told)?;
        self.heading(3, &operation.name);
        self.paragraph(&prose(&ty.doc));
        let node = code.node_example(ty, uses)?;
        self.example("node", &node);
        if let Some(facts) = facts(&node)? {
            let mut line = format!("Reads {}.", facts.arity);
            if !facts.weights.is_empty() {
                let names: Vec<_> = facts.weights.iter().map(|name| format!("`{name}`")).collect();
                let _ = write!(line, " Weights: {}.", names.join(", "));
            }
            self.paragraph(&line);
        }
        if let Body::Struct(fields) = &ty.body {
            self.fields(code, ty, fields)?;
        }
        for (index, other) in told[already..].iter().enumerate() {
            if index > 0 {
                self.heading(4, &title(other));
                self.section(code, uses, other)?;
            }
        }
        Ok(())
    }
}

fn fenced(example: &String) -> String {
    format!("```ron\n{example}\n```")
}

/// A doc comment as Markdown: links within the code become plain, examples are shown apart.
fn prose(doc: &str) -> String {
    let text = match doc.split_once("```ron") {
        Some((before, rest)) => {
            format!("{before}{}", rest.split_once("```").map_or("", |(_, after)| after))
        }
        None => doc.into(),
    };
    let mut out = String::new();
    let mut rest = text.trim();
    while let Some((before, after)) = rest.split_once("[`") {
        out.push_str(before);
        let (name, after) = after.split_once("`]").unwrap_or((after, ""));
        // `[`name`](path)`: the path leads into the code.
        let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        let _ = write!(out, "`{name}`");
        rest = target.map_or(after, |(_, after)| after);
    }
    out + rest
}

/// A text that fits a cell of a table.
fn escaped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The words of the language, as a dictionary for libFuzzer.
pub fn dictionary(code: &Code) -> String {
    let mut words: BTreeSet<&str> = code.kinds.iter().map(String::as_str).collect();
    words.extend(code.operations.iter().map(|operation| operation.name.as_str()));
    for ty in code.types.values() {
        words.extend(ty.fields().iter().map(|field| field.name.as_str()));
        if let Body::Enum(variants) = &ty.body {
            words.extend(variants.iter().map(|variant| variant.name.as_str()));
        }
    }
    words.extend(resweep::spec::expr::FUNCTIONS.iter().map(|function| function.name));
    words.iter().map(|word| format!("\"{word}\"\n")).collect()
}
