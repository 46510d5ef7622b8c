//! Sweeps: networks, a recipe, seeds, a data set.

use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;

use super::data::Data;
use super::de::{self, Cx, Spanned};
use super::error::{Problem, SpecError};
use super::expr::Env;
use super::load::{Include, Loader};
use super::network::{Network, expect_kind};
use super::params::Params;
use super::source::Span;
use super::train::Train;
use super::tree::Tree;

/// A sweep: every network with every seed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The folder under `results/`; the file's name by default.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The networks to compare, by path or with other parameters.
    pub networks: Spanned<Vec<Spanned<Entry>>>,
    /// Each network is trained once with each seed.
    #[serde(default = "seed_zero")]
    pub seeds: Spanned<Seeds>,
    /// The data set.
    pub data: Spanned<Data>,
    /// The recipe, by path or in place.
    pub train: Spanned<Include<Train>>,
}

/// A network of a sweep. `"models/resnet18.ron"` alone is short for `(network: ..)`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename = "shorthand:network", deny_unknown_fields)]
pub struct Entry {
    /// The experiment's name in tables; the file's name by default.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// The network.
    pub network: Include<Network>,
    /// Parameters given to the network.
    #[serde(default)]
    pub with: Params,
}

/// The seeds of a sweep.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Seeds(pub Vec<Spanned<u64>>);

fn seed_zero() -> Spanned<Seeds> {
    let span = Span::new(0, 0, 0);
    Spanned { value: Seeds(vec![Spanned { value: 0, span }]), span }
}

impl Sweep {
    /// Reads a sweep.
    ///
    /// # Errors
    /// Everything that does not fit.
    pub fn read(loader: &Loader, tree: &Rc<Tree>) -> Result<Self, SpecError> {
        expect_kind(tree, "Sweep")?;
        let env = Env::new();
        let sweep: Self = de::read(tree, Cx { loader, env: &env }, "`Sweep`")?;
        let nothing = |what: &str| Problem::Value {
            reason: format!("the sweep has no {what}"),
            help: "list at least one".into(),
        };
        if sweep.networks.value.is_empty() {
            return Err(SpecError::at(sweep.networks.span, nothing("networks")));
        }
        let seeds = &sweep.seeds.value.0;
        if seeds.is_empty() {
            return Err(SpecError::at(sweep.seeds.span, nothing("seeds")));
        }
        for (at, seed) in seeds.iter().enumerate() {
            if seeds[..at].iter().any(|other| other.value == seed.value) {
                let reason = format!("seed {} stands twice", seed.value);
                let problem = Problem::Value { reason, help: "name each seed once".into() };
                return Err(SpecError::at(seed.span, problem));
            }
        }
        Ok(sweep)
    }
}

impl Entry {
    /// The experiment's name in tables.
    pub fn name(&self, loader: &Loader) -> String {
        let stem = || {
            let path = self.network.path(loader)?;
            Some(Path::new(&path).file_stem()?.to_string_lossy().into_owned())
        };
        let given = self.name.as_ref().map(|name| name.value.clone());
        given.or_else(stem).unwrap_or_else(|| "network".into())
    }
}
