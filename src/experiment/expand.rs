//! From networks and axes to experiments: which combinations there are, which conditions leave
//! them out, how they are called.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::candidate::{Base, Candidate};
use super::lookup::{QUANTITIES, quantity};
use super::naming::{Names, unknown_in_names};
use super::teacher::Teachers;
use super::{Experiment, LeftOut, plan, resolve};
use crate::plan::Plan;
use crate::spec::axes::{Condition, Part, Rule};
use crate::spec::de::{self, Cx};
use crate::spec::error::{Problem, SpecError};
use crate::spec::expr::{Env, unknown_name};
use crate::spec::load::Loader;
use crate::spec::network::Task;
use crate::spec::params::{Given, Params};
use crate::spec::sweep::{Entry, Sweep};
use crate::spec::tree::{Tree, Value};

/// More mistakes than this are not looked for.
const MAX_ERRORS: usize = 20;
/// Nor are more experiments with mistakes looked at, as each may have the same ones.
const MAX_FAULTY: usize = 20;
/// A sweep with more combinations of networks and axes than this is refused.
const MAX_EXPERIMENTS: usize = 100_000;
/// And one with more runs: experiments by seeds.
const MAX_RUNS: usize = 1_000_000;
/// And one whose experiments have more operations in all, each kept for its experiment.
const MAX_OPERATIONS: usize = 1_000_000;
/// And one whose networks, each built once, have more nodes in all.
const MAX_NODES: usize = 500_000;

/// The experiments of a sweep, in order: networks outermost, the last axis fastest.
///
/// # Errors
/// Every mistake that was found.
pub(super) fn expand(
    loader: &Loader,
    sweep: &Sweep,
    body: &Rc<Tree>,
) -> Result<(Vec<Experiment>, LeftOut), Vec<SpecError>> {
    let combinations = sweep.axes.count().saturating_mul(sweep.networks.len());
    if combinations > MAX_EXPERIMENTS {
        let reason = format!(
            "{} networks with {} combinations of axes are more than {MAX_EXPERIMENTS} experiments",
            sweep.networks.len(),
            sweep.axes.count()
        );
        return Err(vec![too_many(sweep, reason, "use fewer values, or several sweeps")]);
    }
    let bases: Vec<Base> = sweep.networks.iter().map(Base::new).collect();
    let mut expansion = Expansion {
        loader,
        sweep,
        bases: &bases,
        body,
        list: Vec::new(),
        left_out: LeftOut::default(),
        rejected: vec![0; sweep.conditions.len()],
        errors: Vec::new(),
        faulty: 0,
        operations: 0,
        foreseen: 0,
        nodes: 0,
        plans: HashMap::new(),
        names: Names::new(sweep),
        hashes: HashMap::new(),
        teachers: Teachers::default(),
    };
    expansion.run();
    expansion.finish()
}

/// A network of one combination.
struct Planned {
    plan: Plan,
    network: Rc<Tree>,
    with: Params,
}

struct Expansion<'a> {
    loader: &'a Loader,
    sweep: &'a Sweep,
    bases: &'a [Base],
    body: &'a Rc<Tree>,
    list: Vec<Experiment>,
    left_out: LeftOut,
    /// How many each condition left out.
    rejected: Vec<usize>,
    errors: Vec<SpecError>,
    /// How many experiments have mistakes.
    faulty: usize,
    /// Operations of all experiments so far.
    operations: usize,
    /// Those that there will be, where that is known.
    foreseen: usize,
    /// Nodes of all networks so far.
    nodes: usize,
    /// Networks that several combinations share.
    plans: HashMap<(usize, String, Option<Task>), Rc<Planned>>,
    names: Names<'a>,
    /// The first experiment of each hash.
    hashes: HashMap<String, String>,
    teachers: Teachers,
}

impl<'a> Expansion<'a> {
    fn run(&mut self) {
        for (index, base) in self.bases.iter().enumerate() {
            let mut seen = HashSet::new();
            for number in 0..self.sweep.axes.count() {
                let axes = &self.sweep.axes;
                let candidate = Candidate::new(self.loader, axes, base, self.body, number);
                if index == 0 && number == 0 && !self.check_names(&candidate) {
                    return;
                }
                if !seen.insert(candidate.cells()) {
                    self.left_out.repeated += 1;
                    continue;
                }
                let made = self.experiment(index, &candidate);
                self.faulty += usize::from(made.is_err());
                self.errors_of(made);
                if number == 0 {
                    self.foresee();
                }
                if self.errors.len() >= MAX_ERRORS || self.faulty >= MAX_FAULTY || !self.has_room()
                {
                    return;
                }
            }
        }
    }

    /// Counts the operations of all experiments of a network by its first, where all of them have this
    /// network and none is left out.
    fn foresee(&mut self) {
        let axes = &self.sweep.axes;
        let is_of_recipe = |path: &String| path.starts_with("train.");
        let recipe = axes.labels().all(|label| label.path.as_ref().is_some_and(is_of_recipe));
        if let (true, true, Some(first)) =
            (recipe, self.sweep.conditions.is_empty(), self.list.last())
        {
            self.foreseen = self.operations + first.plan.steps.len() * (axes.count() - 1);
        }
    }

    /// Whether one more experiment may be planned; where it may not, that is told.
    fn has_room(&mut self) -> bool {
        if self.operations.max(self.foreseen) > MAX_OPERATIONS {
            let reason =
                format!("these experiments have more than {MAX_OPERATIONS} operations in all");
            let help = "use fewer values, smaller networks, or several sweeps";
            self.errors.push(too_many(self.sweep, reason, help));
        } else if self.nodes > MAX_NODES {
            let reason = format!("these networks have more than {MAX_NODES} nodes in all");
            let help = "use fewer values, smaller networks, or several sweeps";
            self.errors.push(too_many(self.sweep, reason, help));
        } else if self.list.len().saturating_mul(self.sweep.seeds.len()) > MAX_RUNS {
            let reason =
                format!("these experiments with their seeds are more than {MAX_RUNS} runs");
            let help = "use fewer values, fewer seeds, or several sweeps";
            self.errors.push(too_many(self.sweep, reason, help));
        } else {
            return true;
        }
        false
    }

    fn errors_of(&mut self, made: Result<(), Vec<SpecError>>) {
        let made = made.err().unwrap_or_default();
        for error in made.into_iter().flat_map(SpecError::split) {
            // One mistake in a block that many networks share is told once.
            let what = (error.span(), std::mem::discriminant(error.problem()));
            let mut told = self.errors.iter();
            if !told.any(|e| (e.span(), std::mem::discriminant(e.problem())) == what) {
                self.errors.push(error);
            }
        }
    }

    /// Whether every name in conditions and in the template that has no dots stands for something.
    fn check_names(&mut self, candidate: &Candidate<'_>) -> bool {
        let known = candidate.known();
        let names: Vec<&String> = known.iter().filter(|name| !name.contains('.')).collect();
        let is_known = |name: &str| name.contains('.') || names.iter().any(|other| *other == name);
        for condition in &self.sweep.conditions {
            for (name, at) in condition.expr.names() {
                if !is_known(name) {
                    let problem = unknown_name(&condition.text, name, known.clone());
                    self.errors.push(SpecError::at(condition.part(at), problem));
                }
            }
        }
        let parts = self.sweep.names.iter().flat_map(|template| &template.parts);
        for part in parts {
            match part {
                Part::Name(name, span) if !is_known(name) || self.is_quantity(name) => {
                    self.errors.push(unknown_in_names(name, *span, candidate));
                }
                _ => {}
            }
        }
        self.errors.is_empty()
    }

    /// Whether a name is known from the plan alone. An axis of that name comes first.
    fn is_quantity(&self, name: &str) -> bool {
        QUANTITIES.contains(&name) && !self.sweep.axes.labels().any(|label| label.name == name)
    }

    fn experiment(
        &mut self,
        index: usize,
        candidate: &Candidate<'a>,
    ) -> Result<(), Vec<SpecError>> {
        let one = |error| vec![error];
        if self.is_left_out(candidate, None).map_err(one)? {
            return Ok(());
        }
        let (train, data) = (candidate.train(), candidate.data());
        let task = data.as_ref().ok().map(|data| data.task());
        let planned = self.planned(index, candidate, task);
        let (train, data, planned) = match (train, data, planned) {
            (Ok(train), Ok(data), Ok(planned)) => (train, data, planned),
            (train, data, planned) => {
                let errors = [train.err(), data.err(), planned.err()];
                return Err(errors.into_iter().flatten().collect());
            }
        };
        if self.is_left_out(candidate, Some(&planned.plan)).map_err(one)? {
            return Ok(());
        }
        candidate.check_held_out(&train, &data).map_err(one)?;
        train.0.check_images(&train.1, data.train_images()).map_err(one)?;
        let name = self.names.name(index, candidate).map_err(one)?;
        let explain = |error| vec![candidate.explain(error, &["train", "data"])];
        let teacher = self.teachers.of(self.loader, (&train.0, &train.1), &data, &planned.plan);
        let teacher = teacher.map_err(explain)?;
        let hash =
            resolve::identity(&planned.plan, &data, &train.0, teacher.as_ref()).map_err(one)?;
        let body = candidate.body().map_err(one)?;
        let network = (&planned.network, &planned.with);
        let resolved = resolve::resolved(self.loader, &body, &train.1, &name, network);
        let first = self.hashes.entry(hash.clone()).or_insert_with(|| name.clone());
        let same_as = Some(first.clone()).filter(|first| *first != name);
        self.operations += planned.plan.steps.len();
        self.list.push(Experiment {
            name,
            plan: planned.plan.clone(),
            train: train.0,
            data,
            teacher,
            axes: candidate.cells(),
            hash,
            same_as,
            resolved,
        });
        Ok(())
    }

    fn planned(
        &mut self,
        index: usize,
        candidate: &Candidate<'_>,
        task: Option<Task>,
    ) -> Result<Rc<Planned>, SpecError> {
        let key = (index, candidate.entry_key(), task);
        if let Some(planned) = self.plans.get(&key) {
            return Ok(Rc::clone(planned));
        }
        let (planned, nodes) = self
            .plan(candidate, task)
            .map_err(|error| candidate.explain(error, &["network", "with", "data"]))?;
        self.nodes += nodes;
        let planned = Rc::new(planned);
        self.plans.insert(key, Rc::clone(&planned));
        Ok(planned)
    }

    /// A network, and how many nodes were looked at for it.
    fn plan(
        &self,
        candidate: &Candidate<'_>,
        task: Option<Task>,
    ) -> Result<(Planned, usize), SpecError> {
        let loader = self.loader;
        let cx = Cx { loader, env: &Env::new() };
        let entry: Entry = de::read(&candidate.entry()?, cx, "an item of `networks`")?;
        let network = entry.network.tree(loader);
        let file = entry.network.path(loader).unwrap_or_else(|| entry.name(loader));
        let given = Given { file: &file, params: &[&entry.with] };
        let explain = |error: SpecError| match entry.network.path(loader) {
            Some(_) => entry.network.explain(loader, error),
            None => {
                let base = candidate.base;
                error.within(format!("in network `{}`", base.name), Some(base.span()))
            }
        };
        let (plan, nodes) = plan(loader, &network, &given, task).map_err(explain)?;
        Ok((Planned { plan, network, with: entry.with }, nodes))
    }

    /// Whether a condition leaves the candidate out; before the plan is there, those that need it
    /// are not asked, and after it only those.
    fn is_left_out(
        &mut self,
        candidate: &Candidate<'_>,
        plan: Option<&Plan>,
    ) -> Result<bool, SpecError> {
        for (index, condition) in self.sweep.conditions.iter().enumerate() {
            let needs_plan = condition.expr.names().iter().any(|name| self.is_quantity(name.0));
            if needs_plan == plan.is_some() && rejects(condition, candidate, plan)? {
                self.rejected[index] += 1;
                match condition.rule {
                    Rule::Where => self.left_out.by_where += 1,
                    Rule::Exclude => self.left_out.by_exclude += 1,
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn finish(mut self) -> Result<(Vec<Experiment>, LeftOut), Vec<SpecError>> {
        if self.errors.is_empty() && self.list.is_empty() {
            self.errors.extend(self.nothing_left());
        }
        if self.errors.is_empty() { Ok((self.list, self.left_out)) } else { Err(self.errors) }
    }

    fn nothing_left(&self) -> Option<SpecError> {
        let counts = self.sweep.conditions.iter().zip(&self.rejected);
        let most = counts.clone().max_by_key(|(_, count)| **count)?.0;
        let told = counts.map(|(condition, count)| format!("`{}` rejects {count}", condition.text));
        let total: usize = self.rejected.iter().sum();
        let reason = format!(
            "the conditions leave none of {total} experiments: {}",
            told.collect::<Vec<_>>().join(", ")
        );
        let help = "loosen them, or change the axes; each is asked about what those before leave";
        Some(SpecError::at(most.span(), Problem::Value { reason, help: help.into() }))
    }
}

/// A sweep that asks for too much, told at its networks.
fn too_many(sweep: &Sweep, reason: String, help: &str) -> SpecError {
    let problem = Problem::Value { reason, help: help.into() };
    match sweep.networks.first() {
        Some(network) => SpecError::at(network.span, problem),
        None => SpecError::new(problem),
    }
}

/// Whether a condition leaves a candidate out.
fn rejects(
    condition: &Condition,
    candidate: &Candidate<'_>,
    plan: Option<&Plan>,
) -> Result<bool, SpecError> {
    // What keeps a field from being read is told in place of the condition.
    let unreadable = RefCell::new(None);
    let holds = condition.expr.holds(&|name| match candidate.value(name) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => plan
            .and_then(|plan| quantity(plan, name))
            .ok_or_else(|| unknown_name(&condition.text, name, candidate.known())),
        Err(error) => {
            let problem = error.problem().clone();
            unreadable.replace(Some(error));
            Err(problem)
        }
    });
    match (holds, unreadable.take()) {
        (Ok(holds), _) => Ok(holds == (condition.rule == Rule::Exclude)),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(condition.locate(error)),
    }
}

/// The sweep without what makes experiments of it: what an experiment keeps beside its network.
pub(super) fn body(tree: &Rc<Tree>) -> Rc<Tree> {
    const MAKES: [&str; 9] =
        ["name", "networks", "axes", "where", "exclude", "names", "seeds", "baseline", "halving"];
    let fields = tree.fields().iter().filter(|field| !MAKES.contains(&field.name.as_str()));
    let value = Value::Struct(Some("Sweep".into()), fields.cloned().collect());
    Rc::new(Tree { value, span: tree.span })
}
