//! Spec files: finding them, reading them once, following the paths they name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::de::{self, Cx, INCLUDE, LATER};
use super::error::{Problem, SpecError, closest};
use super::expr::Env;
use super::source::{Sources, Span};
use super::tree::{Tree, Value};
use crate::regular;

/// A spec file larger than this is refused, bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads spec files and keeps them.
#[derive(Debug, Default)]
pub struct Loader {
    /// The texts read so far.
    pub sources: Sources,
    results: Option<PathBuf>,
    files: RefCell<HashMap<PathBuf, Rc<Tree>>>,
    included: RefCell<Vec<Included>>,
    /// The files that paths stand for, by the places of the paths.
    by_place: RefCell<HashMap<Span, Rc<Tree>>>,
}

/// What an [`Include`] stands for.
#[derive(Debug, Clone)]
struct Included {
    tree: Rc<Tree>,
    /// The path as it was written, with its place; none where the value stands in place.
    path: Option<(String, Span)>,
}

impl Loader {
    /// A loader of specs whose teachers are looked for in this folder of results.
    pub fn with_results(results: &Path) -> Self {
        Self { results: Some(results.to_path_buf()), ..Self::default() }
    }

    /// The folder of results; `results` where nothing else was said.
    pub fn results(&self) -> &Path {
        self.results.as_deref().unwrap_or(Path::new("results"))
    }

    /// The tree of a file named on the command line.
    ///
    /// # Errors
    /// A file that cannot be read, and text that is not RON.
    pub fn open(&self, path: &Path) -> Result<Rc<Tree>, SpecError> {
        let key = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if let Some(tree) = self.files.borrow().get(&key) {
            return Ok(Rc::clone(tree));
        }
        self.parse(path, key, read(path)?)
    }

    /// Takes a text as the file of this path, which need not exist: [`Loader::open`] and specs that
    /// name the path find it without a look at the disk.
    ///
    /// # Errors
    /// A text that is not RON, or is larger than a file may be.
    pub fn text(&self, path: &Path, text: String) -> Result<Rc<Tree>, SpecError> {
        if text.len() as u64 > MAX_FILE {
            return Err(too_large(path));
        }
        self.parse(path, path.canonicalize().unwrap_or_else(|_| path.to_path_buf()), text)
    }

    fn parse(&self, path: &Path, key: PathBuf, text: String) -> Result<Rc<Tree>, SpecError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let id = self.sources.add(path.display().to_string(), folder, text);
        let tree = Tree::parse(&self.sources, id)?;
        self.files.borrow_mut().insert(key, Rc::clone(&tree));
        Ok(tree)
    }

    /// The tree of a file that a spec names, relative to the file it is named in.
    ///
    /// # Errors
    /// As [`Loader::open`], at the place of the path.
    pub fn follow(&self, path: &str, span: Span) -> Result<Rc<Tree>, SpecError> {
        let full = tidy(&self.sources.of(span).folder.join(path));
        self.open(&full).map_err(|error| match error.span() {
            None => error.or_at(span),
            Some(_) => error.within(format!("in `{path}`"), Some(span)),
        })
    }

    /// The value of a `path=value` on the command line; its span points into the whole argument.
    ///
    /// # Errors
    /// A value that is not RON.
    pub fn argument(&self, name: &str, argument: &str, value: &str) -> Result<Rc<Tree>, SpecError> {
        // Blanks in the place of the path keep the value's columns those of the argument.
        let padded =
            format!("{}{value}", " ".repeat(argument.len() - value.len().min(argument.len())));
        let id = self.sources.add(name.into(), Path::new(""), padded);
        let tree = Tree::parse(&self.sources, id);
        self.sources.show(id, argument);
        tree
    }

    /// The file in whose place a path stands, where a spec that was read includes one there.
    pub(crate) fn included(&self, at: Span) -> Option<Rc<Tree>> {
        self.by_place.borrow().get(&at).map(Rc::clone)
    }

    /// Keeps a tree and returns its number.
    pub(crate) fn keep(&self, tree: &Rc<Tree>) -> u32 {
        let mut included = self.included.borrow_mut();
        included.push(Included { tree: Rc::clone(tree), path: None });
        (included.len() - 1) as u32
    }

    /// Keeps a tree, or the file that it names, and returns its number.
    pub(crate) fn include(&self, tree: &Rc<Tree>) -> Result<u32, SpecError> {
        let (tree, path) = match &tree.value {
            Value::Str(path) => (self.follow(path, tree.span)?, Some((path.clone(), tree.span))),
            _ => (Rc::clone(tree), None),
        };
        if let Some((_, place)) = &path {
            self.by_place.borrow_mut().insert(*place, Rc::clone(&tree));
        }
        let mut included = self.included.borrow_mut();
        included.push(Included { tree, path });
        Ok((included.len() - 1) as u32)
    }
}

/// A value that is read later, when the names in its expressions are known.
#[derive(Debug, Clone)]
pub struct Later<T> {
    id: u32,
    kind: PhantomData<T>,
}

impl<T: serde::de::DeserializeOwned> Later<T> {
    /// Its text as a tree.
    pub fn tree(&self, loader: &Loader) -> Rc<Tree> {
        Rc::clone(&loader.included.borrow()[self.id as usize].tree)
    }

    /// Reads it with these names in scope; `what` is what a person calls it.
    ///
    /// # Errors
    /// Everything that does not fit the type.
    pub fn read(&self, loader: &Loader, env: &Env, what: &str) -> Result<T, SpecError> {
        let tree = self.tree(loader);
        de::read(&tree, Cx { loader, env }, what).map_err(|error| error.or_at(tree.span))
    }
}

/// The number of a kept tree, which stands for a value of another type.
fn kept<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
    expecting: &'static str,
) -> Result<u32, D::Error> {
    struct Visit(&'static str);
    impl<'de> Visitor<'de> for Visit {
        type Value = u32;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, de: D) -> Result<u32, D::Error> {
            u32::deserialize(de)
        }
    }
    deserializer.deserialize_newtype_struct(name, Visit(expecting))
}

impl<'de, T> Deserialize<'de> for Later<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { id: kept(deserializer, LATER, "a value")?, kind: PhantomData })
    }
}

fn read(path: &Path) -> Result<String, SpecError> {
    let unreadable = |why: String| unreadable(path, why);
    let file = if is_given_by_shell(path) { File::open(path) } else { regular::open(path) };
    let file = file.map_err(|error| unreadable(reason(&error)))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(reason(&error)))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".into()))
}

/// Whether a path is what a shell puts in the place of `<(command)`, or the standard input: a pipe that
/// someone writes to.
fn is_given_by_shell(path: &Path) -> bool {
    path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
        || path == Path::new("/dev/stdin")
}

fn unreadable(path: &Path, reason: String) -> SpecError {
    let similar = similar(path);
    SpecError::new(Problem::Unreadable { path: path.to_path_buf(), reason, similar })
}

fn too_large(path: &Path) -> SpecError {
    unreadable(
        path,
        "it has more than 1 MiB; share what repeats by paths, or write several sweeps".into(),
    )
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        _ => error.to_string(),
    }
}

/// A file of nearly that name in the same folder.
fn similar(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Some(name.as_ref()) != path.file_name())
        .collect();
    let name = closest(path.file_name()?.to_str()?, &names)?;
    Some(path.with_file_name(name).display().to_string())
}

/// The path without `x/..`.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir
                if matches!(
                    out.components().next_back(),
                    Some(std::path::Component::Normal(_))
                ) =>
            {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// A spec that is named by its path, or stands in place. It is read when its parameters are known.
#[derive(Debug, Clone)]
pub struct Include<T> {
    id: u32,
    kind: PhantomData<T>,
}

impl<T: serde::de::DeserializeOwned> Include<T> {
    /// A spec that is at hand.
    pub fn of(loader: &Loader, tree: &Rc<Tree>) -> Self {
        Self { id: loader.keep(tree), kind: PhantomData }
    }

    /// The tree it stands for.
    pub fn tree(&self, loader: &Loader) -> Rc<Tree> {
        Rc::clone(&loader.included.borrow()[self.id as usize].tree)
    }

    /// Its path as it was written; none where it stands in place.
    pub fn path(&self, loader: &Loader) -> Option<String> {
        loader.included.borrow()[self.id as usize].path.as_ref().map(|path| path.0.clone())
    }

    /// What a person calls it.
    pub fn called(&self, loader: &Loader) -> String {
        self.path(loader).unwrap_or_else(|| "the block".into())
    }

    /// Reads it with these names in scope; `what` is what a person calls it.
    ///
    /// # Errors
    /// Everything that does not fit the type.
    pub fn read(&self, loader: &Loader, env: &Env, what: &str) -> Result<T, SpecError> {
        de::read(&self.tree(loader), Cx { loader, env }, what)
            .map_err(|error| self.explain(loader, error))
    }

    /// Where its path stands.
    pub(crate) fn span(&self, loader: &Loader) -> Option<Span> {
        loader.included.borrow()[self.id as usize].path.as_ref().map(|path| path.1)
    }

    /// Adds the way from the including file to an error inside.
    pub fn explain(&self, loader: &Loader, error: SpecError) -> SpecError {
        match &loader.included.borrow()[self.id as usize].path {
            Some((path, span)) => error.within(format!("in `{path}`"), Some(*span)),
            None => error,
        }
    }
}

impl<'de, T> Deserialize<'de> for Include<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = kept(deserializer, INCLUDE, "the path of a spec file, or a spec")?;
        Ok(Self { id, kind: PhantomData })
    }
}
