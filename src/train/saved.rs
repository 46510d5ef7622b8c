//! The state of a run in training, by name: all that decides how it goes on.
//!
//! A run is made of parts, and a part of tensors, values and other parts. Each part says once, in
//! its `keep`, what it is made of. Saving and restoring both walk that one list, so they cannot
//! disagree, and a restored run goes on bit for bit as if it had never stopped. The list begins at
//! [`Course::keep`](super::fit::Course::keep).

pub mod file;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::{TchError, Tensor, no_grad_guard};

pub use file::{FileError, read, write, write_keeping};

/// Tensors and values by name, as [`Keeper`] takes them down.
#[derive(Debug, Default)]
pub struct Saved {
    /// The tensors; those of a run go on changing with it until they are written.
    pub tensors: BTreeMap<String, Tensor>,
    /// The values, each as RON.
    pub values: BTreeMap<String, String>,
}

/// Why a state does not fit the run that is to go on from it.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// What the run is made of is not what was saved.
    #[error("the saved state does not fit the run: {0}")]
    Part(String),
    /// libtorch.
    #[error("{}", crate::torch_error::first_line(.0))]
    Torch(#[from] TchError),
}

/// Takes the parts of a run down, or brings them back.
#[derive(Debug)]
pub struct Keeper {
    saved: Saved,
    mode: Mode,
    /// The names of the parts within which it is, each with a dot after it.
    within: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Save,
    Restore,
}

impl Keeper {
    /// Takes down all that `keep` tells.
    ///
    /// # Errors
    /// What `keep` reports.
    pub fn save(keep: impl FnOnce(&mut Self) -> Result<(), Misfit>) -> Result<Saved, Misfit> {
        let mut keeper = Self::new(Saved::default(), Mode::Save);
        keep(&mut keeper)?;
        Ok(keeper.saved)
    }

    /// Brings back all that `keep` tells. A run that is told of a misfit may be changed in part,
    /// and is to be made anew.
    ///
    /// # Errors
    /// What is missing, what has another shape or type, and what is left over.
    pub fn restore(
        saved: Saved,
        keep: impl FnOnce(&mut Self) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        let mut keeper = Self::new(saved, Mode::Restore);
        keep(&mut keeper)?;
        let Saved { tensors, values } = &keeper.saved;
        match tensors.keys().chain(values.keys()).next() {
            Some(left) => Err(Misfit::Part(format!("the run has no `{left}`"))),
            None => Ok(()),
        }
    }

    fn new(saved: Saved, mode: Mode) -> Self {
        Self { saved, mode, within: String::new() }
    }

    /// What `keep` tells, under the name of a part.
    ///
    /// # Errors
    /// What `keep` reports.
    pub fn part(
        &mut self,
        name: &str,
        keep: impl FnOnce(&mut Self) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        let outside = self.within.len();
        self.within.push_str(name);
        self.within.push('.');
        let kept = keep(self);
        self.within.truncate(outside);
        kept
    }

    /// A tensor. Restored, it keeps its place in memory and its strides.
    ///
    /// # Errors
    /// When restoring: it is missing, or has another shape or kind; what libtorch reports.
    pub fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<(), Misfit> {
        let name = format!("{}{name}", self.within);
        if self.mode == Mode::Save {
            self.saved.tensors.insert(name, tensor.f_detach()?);
            return Ok(());
        }
        let Some(saved) = self.saved.tensors.remove(&name) else { return Err(missing(&name)) };
        let form = |tensor: &Tensor| Ok::<_, TchError>((tensor.f_kind()?, tensor.size()));
        let (found, wanted) = (form(&saved)?, form(tensor)?);
        if found != wanted {
            return Err(Misfit::Part(format!("`{name}` is {found:?}, and {wanted:?} in the run")));
        }
        let _no_grad = no_grad_guard();
        Ok(tensor.shallow_clone().f_copy_(&saved)?)
    }

    /// Tensors, by their numbers from 0.
    ///
    /// # Errors
    /// As for [`Keeper::tensor`].
    pub fn tensors(&mut self, name: &str, tensors: &[Tensor]) -> Result<(), Misfit> {
        self.part(name, |keeper| {
            (0..)
                .zip(tensors)
                .try_for_each(|(at, tensor): (u32, _)| keeper.tensor(&at.to_string(), tensor))
        })
    }

    /// A value that RON can hold; numbers come back bit for bit.
    ///
    /// # Errors
    /// When restoring: it is missing, or is no such value.
    pub fn value<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        value: &mut T,
    ) -> Result<(), Misfit> {
        let name = format!("{}{name}", self.within);
        let unfit = |reason: String| Misfit::Part(format!("`{name}`: {reason}"));
        if self.mode == Mode::Save {
            let text = ron::to_string(value).map_err(|error| unfit(error.to_string()))?;
            self.saved.values.insert(name, text);
            return Ok(());
        }
        let Some(text) = self.saved.values.remove(&name) else { return Err(missing(&name)) };
        *value = ron::from_str(&text).map_err(|error| unfit(error.to_string()))?;
        Ok(())
    }

    /// What must be the same in the run that goes on.
    ///
    /// # Errors
    /// When restoring: it is missing, or another.
    pub fn same<T>(&mut self, name: &str, value: &T) -> Result<(), Misfit>
    where
        T: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug,
    {
        let mut found = value.clone();
        self.value(name, &mut found)?;
        match found == *value {
            true => Ok(()),
            false => Err(Misfit::Part(format!("`{name}` is {found:?}, and {value:?} in the run"))),
        }
    }
}

fn missing(name: &str) -> Misfit {
    Misfit::Part(format!("`{name}` is missing"))
}
