//! The passes of batches on a GPU as CUDA graphs: recorded at the first of them, then replayed in one
//! call each, where a pass given operation by operation is some hundreds of calls, which small networks
//! wait for. The last batch of an epoch, which may be smaller, has a graph of its own: given without one
//! it would take memory beside what the graph of whole batches keeps.
//!
//! Forward pass, loss, backward pass and, with a teacher, its forward pass are recorded. What changes
//! from step to step in more than values stays outside: the gathering of a batch, and the optimiser,
//! whose learning rate is a number of the host. Both are a few calls.
//!
//! **Invariant:** a graph is replayed only after it has been seen to give the loss and gradients that
//! the same pass gives without it, on images of the batch that it was recorded at. Where it cannot be
//! recorded, or gives others, passes go on without.

use tch::{Device, Kind, TchError, Tensor, no_grad_guard};

use super::augment::copied;
use super::batches::Targets;
use super::pass::{Pass, Passed};
use crate::device;
use crate::model::Model;
use crate::op::Weight;
use crate::shim::{self, Graph, Stream};

/// Passes before the one that is recorded: libraries choose their kernels and take their memory.
const WARM_UPS: usize = 3;
/// How far loss and gradients of a replay may be from those without, relative to these. Kernels that
/// add up in no fixed order differ by rounding, which formats of 16 bits make large; a graph that reads
/// what is no longer there differs by everything.
const LOSS: f64 = 0.01;
const GRADIENTS: f64 = 0.1;

/// The batches of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batches {
    /// Images in all of an epoch but the last.
    whole: i64,
    /// Images in the last of an epoch, where they are fewer; else 0.
    last: i64,
}

impl Batches {
    /// Of an epoch of so many images.
    pub(super) fn of(images: i64, batch: i64) -> Self {
        let whole = batch.min(images);
        Self { whole, last: images.checked_rem(whole).unwrap_or(0) }
    }
}

/// How passes are done.
#[derive(Debug)]
pub(super) enum Replay {
    /// Operation by operation.
    Off,
    /// The next one of a whole batch is recorded.
    Due(usize, Batches),
    /// As at the first one.
    On(Box<Recorded>),
}

impl Replay {
    /// For a network on a device, whose passes are the same work each time, or draw random numbers.
    pub(super) fn on(device: Device, batches: Batches, is_same: bool) -> Self {
        match device {
            Device::Cuda(index) if is_same => Self::Due(index, batches),
            _ => Self::Off,
        }
    }

    /// The stream that passes are recorded and replayed on: libtorch's usual one cannot be. To be
    /// held while they are.
    pub(super) fn stream(&self) -> Result<Option<Stream>, TchError> {
        match self {
            Self::Off => Ok(None),
            Self::Due(device, _) => Stream::enter(*device).map(Some),
            Self::On(recorded) => Stream::enter(recorded.device).map(Some),
        }
    }

    /// Whether the last pass was a replay.
    pub(super) fn is_on(&self) -> bool {
        matches!(self, Self::On(_))
    }

    /// A pass of a batch, whose parameters have no gradients yet. `say` is told why there is no graph.
    pub(super) fn pass(
        &mut self,
        pass: &Pass<'_>,
        (images, targets): (&Tensor, &Targets),
        say: impl FnOnce(&str),
    ) -> Result<Passed, TchError> {
        if let Self::On(recorded) = self {
            if !recorded.trains(pass) {
                // Some parameters have had their epochs since.
                *self = Self::Due(recorded.device, recorded.batches);
            } else if let Some(passed) = recorded.replay(images, targets)? {
                return Ok(passed);
            }
        }
        if let Self::Due(device, batches) = *self
            && images.size()[0] == batches.whole
        {
            match Recorded::of(pass, (images, targets), (device, batches)) {
                Ok((recorded, passed)) => {
                    *self = Self::On(Box::new(recorded));
                    return Ok(passed);
                }
                Err(error) => {
                    *self = Self::Off;
                    let why = crate::torch_error::first_line(&error);
                    say(&format!("trains without a CUDA graph: {why}"));
                }
            }
        }
        pass.run(images, targets, 1.0)
    }
}

/// Images and targets at a fixed place.
#[derive(Debug)]
struct Inputs {
    images: Tensor,
    targets: Targets,
}

impl Inputs {
    /// The first `count` of a batch.
    fn of(images: &Tensor, targets: &Targets, count: i64) -> Result<Self, TchError> {
        let first = |tensor: &Tensor| copied(&tensor.f_narrow(0, 0, count)?);
        let shares = targets.shares.as_ref().map(first).transpose()?;
        let targets = Targets { labels: first(&targets.labels)?, shares };
        Ok(Self { images: first(images)?, targets })
    }

    fn fit(&self, images: &Tensor, targets: &Targets) -> bool {
        self.images.size() == images.size()
            && self.targets.shares.is_some() == targets.shares.is_some()
    }

    fn set(&mut self, images: &Tensor, targets: &Targets) -> Result<(), TchError> {
        let _no_grad = no_grad_guard();
        self.images.f_copy_(images)?;
        self.targets.labels.f_copy_(&targets.labels)?;
        match (&mut self.targets.shares, &targets.shares) {
            (Some(own), Some(shares)) => own.f_copy_(shares),
            _ => Ok(()),
        }
    }
}

/// The recorded passes of a run. They give the same tensors as gradients, and take the same memory on the
/// way to them.
#[derive(Debug)]
pub(super) struct Recorded {
    device: usize,
    batches: Batches,
    params: Vec<Tensor>,
    gradients: Vec<Tensor>,
    /// Of a whole batch; and of the last of an epoch, where that is another.
    passes: Vec<RecordedPass>,
}

/// A recorded pass, and the tensors that it reads and writes.
#[derive(Debug)]
struct RecordedPass {
    graph: Graph,
    inputs: Inputs,
    passed: Passed,
}

/// What a pass gives without a graph: the loss, and the gradients.
type Expected = (Tensor, Vec<Tensor>);

impl Recorded {
    /// Records the passes of a run, and does that of a batch.
    fn of(
        pass: &Pass<'_>,
        (images, targets): (&Tensor, &Targets),
        on: (usize, Batches),
    ) -> Result<(Self, Passed), TchError> {
        let params = pass.optim.trained_params();
        let untrained = Untrained::of(pass.model)?;
        let made = Self::checked(pass, (images, targets), on, (&params, &untrained));
        if made.is_err() {
            shim::forget_gradients(&params)?;
            untrained.restore()?;
        }
        made
    }

    fn checked(
        pass: &Pass<'_>,
        (images, targets): (&Tensor, &Targets),
        (device, batches): (usize, Batches),
        (params, untrained): (&[Tensor], &Untrained),
    ) -> Result<(Self, Passed), TchError> {
        let counts = [batches.whole, batches.last].into_iter().filter(|&count| count > 0);
        let inputs = counts.map(|count| Inputs::of(images, targets, count));
        let inputs: Vec<Inputs> = inputs.collect::<Result<_, _>>()?;
        let mut expected = Vec::new();
        for inputs in &inputs {
            let eager = || Self::eager(pass, inputs, (params, untrained));
            expected.push(match inputs.images.size()[0] == batches.whole {
                true => (1..WARM_UPS).try_fold(eager()?, |_, _| eager())?,
                false => device::without_search(Device::Cuda(device), eager)?,
            });
        }
        shim::forget_gradients(params)?;
        let params = params.iter().map(Tensor::shallow_clone).collect();
        let (gradients, passes) = (Vec::new(), Vec::new());
        let mut recorded = Self { device, batches, params, gradients, passes };
        for inputs in inputs {
            recorded.record(pass, inputs)?;
        }
        // The whole batch comes last: what it leaves is what a pass leaves.
        for (at, expected) in expected.iter().enumerate().skip(1) {
            recorded.check(at, expected, untrained)?;
        }
        let passed = recorded.check(0, &expected[0], untrained)?;
        Ok((recorded, passed))
    }

    /// A pass without a graph, after which nothing is changed but gradients.
    fn eager(
        pass: &Pass<'_>,
        inputs: &Inputs,
        (params, untrained): (&[Tensor], &Untrained),
    ) -> Result<Expected, TchError> {
        untrained.restore()?;
        shim::forget_gradients(params)?;
        let passed = pass.run(&inputs.images, &inputs.targets, 1.0)?;
        Ok((passed.loss, gradients(params)?))
    }

    /// Records one more pass. The first makes the gradients, and the others write them.
    fn record(&mut self, pass: &Pass<'_>, inputs: Inputs) -> Result<(), TchError> {
        let Self { device, params, gradients: own, passes, .. } = self;
        let first = passes.first().map(|first: &RecordedPass| &first.graph);
        let work = || {
            zero(own)?;
            pass.run(&inputs.images, &inputs.targets, 1.0)
        };
        let (graph, passed) = Graph::record(*device, first, work)?;
        if own.is_empty() {
            *own = gradients(params)?;
        }
        passes.push(RecordedPass { graph, inputs, passed });
        Ok(())
    }

    /// Replays a pass on the images that it was recorded with: it must give what is expected.
    fn check(
        &mut self,
        at: usize,
        (loss, expected): &Expected,
        untrained: &Untrained,
    ) -> Result<Passed, TchError> {
        let Inputs { images, targets } = &self.passes[at].inputs;
        let Inputs { images, targets } = Inputs::of(images, targets, images.size()[0])?;
        // Other images first: what a replay gives must not be left from another.
        self.replay_one(at, &images.f_zeros_like()?, &targets)?;
        untrained.restore()?;
        let passed = self.replay_one(at, &images, &targets)?;
        agree((&passed.loss, &self.gradients), (loss, expected))?;
        Ok(passed)
    }

    /// Whether it gives gradients to the parameters that are trained.
    fn trains(&self, pass: &Pass<'_>) -> bool {
        self.params.len() == pass.optim.count_trained()
    }

    /// The pass of so many images, with others; none where none is recorded. What it gives is there until
    /// the next one.
    fn replay(&mut self, images: &Tensor, targets: &Targets) -> Result<Option<Passed>, TchError> {
        let at = self.passes.iter().position(|pass| pass.inputs.fit(images, targets));
        at.map(|at| self.replay_one(at, images, targets)).transpose()
    }

    fn replay_one(
        &mut self,
        at: usize,
        images: &Tensor,
        targets: &Targets,
    ) -> Result<Passed, TchError> {
        let pass = &mut self.passes[at];
        pass.inputs.set(images, targets)?;
        pass.graph.replay()?;
        shim::set_gradients(&self.params, &self.gradients)?;
        let Passed { loss, logits } = &pass.passed;
        Ok(Passed { loss: loss.shallow_clone(), logits: logits.shallow_clone() })
    }
}

fn zero(tensors: &[Tensor]) -> Result<(), TchError> {
    let _no_grad = no_grad_guard();
    tensors.iter().try_for_each(|tensor| tensor.shallow_clone().f_zero_().map(drop))
}

/// What a forward pass changes in a model, as it was: running statistics.
struct Untrained {
    own: Vec<Tensor>,
    before: Vec<Tensor>,
}

impl Untrained {
    fn of(model: &Model) -> Result<Self, TchError> {
        let weights = model.weights().filter(|(weight, _): &(&Weight, _)| !weight.is_trained());
        let own: Vec<Tensor> = weights.map(|(_, tensor)| tensor.shallow_clone()).collect();
        let before = shim::copies(&own)?;
        Ok(Self { own, before })
    }

    fn restore(&self) -> Result<(), TchError> {
        shim::copy(&self.own, &self.before)
    }
}

fn gradients(params: &[Tensor]) -> Result<Vec<Tensor>, TchError> {
    let gradients: Vec<Tensor> = params.iter().map(Tensor::f_grad).collect::<Result<_, _>>()?;
    match gradients.iter().all(Tensor::defined) && !gradients.is_empty() {
        true => Ok(gradients),
        false => Err(TchError::Torch("a pass leaves trained parameters without gradients".into())),
    }
}

/// Whether loss and gradients are those that are expected. Waits for the device.
fn agree(
    (loss, gradients): (&Tensor, &[Tensor]),
    (expected_loss, expected): (&Tensor, &[Tensor]),
) -> Result<(), TchError> {
    let _no_grad = no_grad_guard();
    let (loss, expected_loss) = (loss.f_double_value(&[])?, expected_loss.f_double_value(&[])?);
    let of_loss = (loss - expected_loss).abs() / expected_loss.abs().max(1e-3);
    let differences: Vec<Tensor> =
        gradients.iter().zip(expected).map(|(a, b)| a.f_sub(b)).collect::<Result<_, _>>()?;
    let (difference, norm) = (norm(&differences)?, norm(expected)?);
    let of_gradients = difference / norm;
    // The scale of a float16 loss may be too large at first, for both.
    let is_scaled_away = !norm.is_finite();
    if of_loss <= LOSS && (of_gradients <= GRADIENTS || is_scaled_away) {
        return Ok(());
    }
    Err(TchError::Torch(format!(
        "its loss is {loss} where {expected_loss} is expected, and its gradients are {of_gradients:.2} of \
         their size away from those expected"
    )))
}

/// The norm of all tensors together.
fn norm(tensors: &[Tensor]) -> Result<f64, TchError> {
    let squares: Vec<Tensor> = tensors
        .iter()
        .map(|tensor| tensor.f_to_kind(Kind::Double)?.f_square()?.f_sum(Kind::Double))
        .collect::<Result<_, _>>()?;
    Ok(Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?.f_double_value(&[])?.sqrt())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::experiment;
    use crate::plan::Plan;
    use crate::spec::load::Loader;
    use crate::spec::train::Train;
    use crate::train::optim::Optim;

    fn plan() -> Plan {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
        let set = ["params.width=4".to_string()];
        experiment::network(&Loader::default(), &path, &set, None).unwrap()
    }

    fn batch() -> (Tensor, Targets) {
        let count = 8 * 3 * 32 * 32;
        let values: Vec<f32> = (0..count).map(|at| (at as f32 * 0.37).sin()).collect();
        let images = Tensor::from_slice(&values).view([8, 32, 32, 3]).permute([0, 3, 1, 2]);
        let labels = Tensor::from_slice(&[0i64, 1, 2, 3, 4, 5, 6, 7]);
        (images, Targets { labels, shares: None })
    }

    /// Loss, gradients and weights after a pass of a fresh network; and what it said.
    fn passed(mut replay: Replay) -> (Vec<Tensor>, Vec<String>) {
        let recipe: Train =
            ron::from_str("(epochs: 1, batch: 8, optimizer: Sgd(lr: 0.1, momentum: 0.9))").unwrap();
        let model = Model::new(plan(), 0, Device::Cpu).unwrap();
        let optim = Optim::new(&recipe, 1, &model).unwrap();
        let pass = Pass { model: &model, recipe: &recipe, lesson: None, optim: &optim };
        let ((images, targets), mut said) = (batch(), Vec::new());
        let passed = replay.pass(&pass, (&images, &targets), |why| said.push(why.into())).unwrap();
        assert!(!replay.is_on());
        let mut all = vec![passed.loss, passed.logits];
        all.extend(gradients(&optim.trained_params()).unwrap());
        all.extend(model.weights().map(|(_, weight)| weight.detach()));
        (all, said)
    }

    /// Here there is no CUDA: what was tried leaves no trace.
    #[test]
    fn where_nothing_can_be_recorded_a_pass_is_the_same_without() {
        let (tried, said) = passed(Replay::Due(0, Batches::of(19, 8)));
        assert!(
            said[0].starts_with("trains without a CUDA graph: this libtorch has no "),
            "{said:?}"
        );
        let (plain, nothing) = passed(Replay::Off);
        assert!(nothing.is_empty());
        assert_eq!(tried.len(), plain.len());
        assert!(tried.iter().zip(&plain).all(|(a, b)| a.equal(b)));
    }

    #[test]
    fn the_last_batch_is_what_is_left() {
        let sizes = |images, batch| {
            let Batches { whole, last } = Batches::of(images, batch);
            (whole, last)
        };
        assert_eq!(sizes(500, 48), (48, 20));
        assert_eq!(sizes(480, 48), (48, 0));
        assert_eq!((sizes(30, 48), sizes(0, 48)), ((30, 0), (0, 0)));
    }

    #[test]
    fn a_graph_that_gives_something_else_is_told() {
        let tensors = |values: [f64; 2]| values.map(|value| Tensor::from_slice(&[value, 1.0]));
        let loss = |value: f64| Tensor::from(value);
        let (same, rounded, other) =
            (tensors([1.0, 2.0]), tensors([1.001, 2.0]), tensors([1.0, -2.0]));
        let check = |l: f64, a: &[Tensor]| agree((&loss(l), a), (&loss(2.0), &same));
        assert!(check(2.001, &rounded).is_ok());
        assert!(check(2.1, &rounded).is_err());
        assert!(check(f64::NAN, &rounded).is_err());
        let told = check(2.0, &other).unwrap_err().to_string();
        assert!(told.contains("gradients are 1.51"), "{told}");
        let too_large = tensors([f64::INFINITY, 1.0]);
        assert!(agree((&loss(2.0), &too_large), (&loss(2.0), &too_large)).is_ok());
    }
}
