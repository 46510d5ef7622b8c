//! How experiments are called.

use std::collections::HashMap;

use super::candidate::{Candidate, listed};
use super::check_name;
use super::lookup::QUANTITIES;
use crate::spec::axes::{Part, Setting};
use crate::spec::error::{Problem, SpecError};
use crate::spec::source::Span;
use crate::spec::sweep::Sweep;

/// The names of a sweep's experiments, each given once.
pub(super) struct Names<'a> {
    sweep: &'a Sweep,
    /// Names in small letters: the name itself, and the network and values that it stands for.
    taken: HashMap<String, (String, usize, Vec<&'a Setting>)>,
}

impl<'a> Names<'a> {
    pub fn new(sweep: &'a Sweep) -> Self {
        Self { sweep, taken: HashMap::new() }
    }

    /// The experiment's name, which no other has.
    pub fn name(&mut self, index: usize, candidate: &Candidate<'a>) -> Result<String, SpecError> {
        let name = self.called(candidate)?;
        let base = candidate.base;
        let template = self.sweep.names.as_ref().map(|template| template.span);
        if let Err(problem) = check_name(&name) {
            return Err(SpecError::at(template.unwrap_or(base.span()), problem));
        }
        let value = (name.clone(), index, candidate.settings.clone());
        match self.taken.insert(name.to_lowercase(), value) {
            None => Ok(name),
            Some(other) => Err(self.coincidence(&name, index, candidate, &other)),
        }
    }

    fn called(&self, candidate: &Candidate<'_>) -> Result<String, SpecError> {
        let Some(template) = &self.sweep.names else {
            let varied = candidate
                .settings
                .iter()
                .filter(|setting| self.sweep.axes.is_varied(&setting.label));
            let texts = varied.map(|setting| {
                let text = candidate.text(&setting.label)?.unwrap_or_default();
                Ok(format!(",{}={text}", setting.label))
            });
            let texts: String = texts.collect::<Result<_, SpecError>>()?;
            return Ok(candidate.base.name.clone() + &texts);
        };
        let part = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Name(name, span) => {
                candidate.text(name)?.ok_or_else(|| unknown_in_names(name, *span, candidate))
            }
        };
        template.parts.iter().map(part).collect()
    }

    /// Two experiments that would have one name.
    fn coincidence(
        &self,
        name: &str,
        index: usize,
        candidate: &Candidate<'_>,
        (other, other_index, settings): &(String, usize, Vec<&Setting>),
    ) -> SpecError {
        let differing: Vec<usize> = (0..settings.len().min(candidate.settings.len()))
            .filter(|&at| settings[at].value != candidate.settings[at].value)
            .collect();
        let template = self.sweep.names.as_ref().map(|template| template.span);
        if index != *other_index || differing.is_empty() {
            let span = template.unwrap_or(candidate.base.span());
            return SpecError::at(
                span,
                match other == name {
                    true => Problem::DuplicateExperiment(name.into()),
                    false => Problem::Value {
                        reason: format!(
                            "`{other}` and `{name}` differ only in case, which some disks ignore"
                        ),
                        help: "give one of them a `name` of its own".into(),
                    },
                },
            );
        }
        let of = |settings: &[&Setting]| {
            listed(&differing.iter().map(|&at| settings[at]).collect::<Vec<_>>())
        };
        let reason = format!(
            "two experiments are called `{name}`: that with {}, and that with {}",
            of(settings),
            of(&candidate.settings)
        );
        let label = &candidate.settings[differing[0]].label;
        let help = match template {
            Some(_) => format!("add `{{{label}}}` to `names`"),
            None => "name the values with `Cases`, or list the experiments one by one".into(),
        };
        let span = template.unwrap_or(candidate.settings[differing[0]].value.span);
        SpecError::at(span, Problem::Value { reason, help })
    }
}

/// A name in the template that nothing has.
pub(super) fn unknown_in_names(name: &str, span: Span, candidate: &Candidate<'_>) -> SpecError {
    let known = candidate.known().into_iter().filter(|name| !QUANTITIES.contains(&name.as_str()));
    let (what, found, expected) = ("axis or field".into(), name.into(), known.collect());
    SpecError::at(span, Problem::UnknownVariant { what, found, expected })
}
