//! A network with one combination of the axes, before it is known whether it becomes an
//! experiment: what it reads as. `lookup` says what its names stand for.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::spec::axes::{Axes, Setting, full};
use crate::spec::data::Data;
use crate::spec::de::{self, Cx};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::Env;
use crate::spec::load::Loader;
use crate::spec::overlay;
use crate::spec::source::Span;
use crate::spec::train::Train;
use crate::spec::tree::{self, Tree};

/// A network of the sweep.
pub(super) struct Base {
    /// The name it goes by.
    pub name: String,
    /// `(name: .., network: .., with: ..)`.
    pub tree: Rc<Tree>,
}

impl Base {
    pub fn new(tree: &Rc<Tree>) -> Self {
        let name = match overlay::label(tree) {
            name if name.is_empty() => "network".into(),
            name => name,
        };
        Self { name, tree: Rc::clone(tree) }
    }

    /// Where its name stands, or the whole.
    pub fn span(&self) -> Span {
        self.tree.get("name").map_or(self.tree.span, |field| field.tree.span)
    }
}

/// A network with one combination of the axes.
pub(super) struct Candidate<'a> {
    pub loader: &'a Loader,
    pub axes: &'a Axes,
    /// The network.
    pub base: &'a Base,
    /// The values of the axes.
    pub settings: Vec<&'a Setting>,
    /// The sweep without its networks.
    body: &'a Rc<Tree>,
    train: OnceCell<Result<(Train, Rc<Tree>), SpecError>>,
    data: OnceCell<Result<Data, SpecError>>,
}

impl<'a> Candidate<'a> {
    pub fn new(
        loader: &'a Loader,
        axes: &'a Axes,
        base: &'a Base,
        body: &'a Rc<Tree>,
        number: usize,
    ) -> Self {
        let settings = axes.combination(number);
        let (train, data) = Default::default();
        Self { loader, axes, base, settings, body, train, data }
    }

    /// The labels with their values, as tables have them; empty where a case sets no such field.
    pub fn cells(&self) -> Vec<(String, String)> {
        let cell = |label: &str| self.setting(label).map(|setting| full(&setting.value));
        let labels = self.axes.labels().map(|label| &label.name);
        labels.map(|label| (label.clone(), cell(label).unwrap_or_default())).collect()
    }

    pub fn setting(&self, label: &str) -> Option<&'a Setting> {
        self.settings.iter().find(|setting| setting.label == label).copied()
    }

    /// The sweep without its networks, with this combination.
    pub fn body(&self) -> Result<Rc<Tree>, SpecError> {
        self.change(self.body, &["train", "data"])
    }

    /// The network's entry with this combination.
    pub fn entry(&self) -> Result<Rc<Tree>, SpecError> {
        self.change(&self.base.tree, &["network", "with"])
    }

    fn change(&self, tree: &Rc<Tree>, roots: &[&str]) -> Result<Rc<Tree>, SpecError> {
        self.changes(roots).try_fold(Rc::clone(tree), |tree, setting| match &setting.change {
            Some(change) => change.apply(self.loader, &tree),
            None => Ok(tree),
        })
    }

    /// What is set below these roots.
    fn changes<'r>(&'r self, roots: &'r [&str]) -> impl Iterator<Item = &'a Setting> + 'r {
        self.settings.iter().copied().filter(|setting| {
            let change = setting.change.as_ref();
            change.is_some_and(|change| roots.contains(&root(&change.path)))
        })
    }

    /// What tells the entry with this combination from the others of its network.
    pub fn entry_key(&self) -> String {
        let key = |setting: &Setting| {
            let place = (setting.value.span.start, setting.value.span.end);
            format!("{}\n{place:?}{}\n", setting.label, setting.value.to_ron())
        };
        self.changes(&["network", "with"]).map(key).collect()
    }

    /// The recipe, and the tree that it is read from.
    pub fn train(&self) -> Result<(Train, Rc<Tree>), SpecError> {
        let read = || -> Result<_, SpecError> {
            let body = self.change(self.body, &["train"])?;
            let Some(field) = body.get("train") else { return self.missing(&body, "train") };
            let tree = match &field.tree.value {
                tree::Value::Str(path) => self.loader.follow(path, field.tree.span)?,
                _ => Rc::clone(&field.tree),
            };
            let cx = Cx { loader: self.loader, env: &Env::new() };
            let read = de::read(&tree, cx, "`train`")
                .and_then(|train: Train| train.check(&tree).map(|()| (train, Rc::clone(&tree))));
            read.map_err(|error| match &field.tree.value {
                tree::Value::Str(path) => {
                    error.within(format!("in `{path}`"), Some(field.tree.span))
                }
                _ => error,
            })
        };
        let explained = || read().map_err(|error| self.explain(error, &["train"]));
        self.train.get_or_init(explained).clone()
    }

    /// The data set.
    pub fn data(&self) -> Result<Data, SpecError> {
        let read = || {
            let body = self.change(self.body, &["data"])?;
            let Some(field) = body.get("data") else { return self.missing(&body, "data") };
            let cx = Cx { loader: self.loader, env: &Env::new() };
            let data: Data = de::read(&field.tree, cx, "`data`")?;
            data.check(&field.tree).map(|()| data)
        };
        let explained = || read().map_err(|error| self.explain(error, &["data"]));
        self.data.get_or_init(explained).clone()
    }

    /// What decides by held-out images needs some.
    pub fn check_held_out(
        &self,
        (train, tree): &(Train, Rc<Tree>),
        data: &Data,
    ) -> Result<(), SpecError> {
        if train.early_stop.is_none() || data.validation.is_some() {
            return Ok(());
        }
        let reason = "`early_stop` decides by held-out images, and `data` holds none out".into();
        let problem = Problem::Value { reason, help: HOLD_OUT.into() };
        let error = SpecError::at(tree.find("early_stop"), problem);
        Err(self.explain(error, &["train", "data"]))
    }

    fn missing<T>(&self, body: &Tree, field: &str) -> Result<T, SpecError> {
        let (owner, field) = ("`Sweep`".to_string(), field.to_string());
        let problem = Problem::MissingField { owner, field };
        Err(SpecError::at(body.head(), problem))
    }

    /// Says with which values of the axes a mistake comes; those below `roots` can have caused it.
    pub fn explain(&self, error: SpecError, roots: &[&str]) -> SpecError {
        let inside = |outer: Span| {
            error.span().is_some_and(|span| {
                span.source == outer.source && outer.start <= span.start && span.end <= outer.end
            })
        };
        let mut all: Vec<&Setting> = self.changes(roots).collect();
        let at = all.iter().position(|setting| {
            let base = setting.change.as_ref().map(|change| change.base);
            inside(setting.value.span) || base.is_some_and(inside)
        });
        if let Some(at) = at {
            all = vec![all[at]];
        }
        // The place of a value is no news where the mistake is that value.
        let place = |setting: &Setting| at.is_none().then_some(setting.value.span);
        all.into_iter().fold(error, |error, setting| {
            let text = format!("with {}", listed(&[setting]));
            error.within(text, place(setting))
        })
    }
}

/// How held-out images come to be.
pub(super) const HOLD_OUT: &str = "write `data: (.., validation: 5000)` to hold 5,000 training \
     images out; test images choose nothing";

/// The first part of a path.
fn root(path: &str) -> &str {
    path.split('.').next().unwrap_or_default()
}

/// Settings as a person reads them: `` `width` = 16 and `lr` = 0.3 ``.
pub(super) fn listed(settings: &[&Setting]) -> String {
    let one = |setting: &&Setting| format!("`{}` = {}", setting.label, full(&setting.value));
    settings.iter().map(one).collect::<Vec<_>>().join(" and ")
}
