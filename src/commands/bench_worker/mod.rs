//! `bench-worker`: resweep's side of `cargo xtask bench`, which starts it and says when to measure.
//! What is timed is the loop that sweeps train and evaluate with, on drawn images that stay on the
//! device.

mod check;
mod clock;

use std::process::ExitCode;

use rand::RngCore;
use tch::{Device, Kind, TchError, Tensor};

use super::plan::report;
use super::{Error, prepare};
use crate::cli::{BenchMode, BenchPrecision, BenchWorkerArgs};
use crate::data::{CLASSES, IMAGE_BYTES, Images, cifar10};
use crate::device;
use crate::experiment;
use crate::model::Model;
use crate::plan::Plan;
use crate::random::{Purpose, generator};
use crate::records::Environment;
use crate::spec::data::{Data, Normalize};
use crate::spec::load::Loader;
use crate::spec::train::{Precision, Train};
use crate::train::batches::DeviceImages;
use crate::train::evaluate::each_batch;
use crate::train::fit::{Epoch, Sets, Step, Watch, fit};
use crate::train::meter;
use crate::train::precision::{arithmetic, set_up};

use clock::Clock;

/// As many as CIFAR-10 has, so that epochs end as often as in a sweep.
const TRAIN: usize = 50_000;
/// As many as CIFAR-10 has.
const TEST: usize = 10_000;

/// Serves measurements until stdin ends.
pub fn run(args: &BenchWorkerArgs) -> ExitCode {
    let loader = Loader::default();
    let plan = match experiment::network(&loader, &args.network, &args.set, None) {
        Ok(plan) => plan,
        Err(error) => return report(&loader, &[error]),
    };
    match work(args, plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::fail(&error),
    }
}

fn work(args: &BenchWorkerArgs, plan: Plan) -> Result<(), Error> {
    let resolved = prepare::device(args.device, args.threads)?;
    let environment = prepare::environment(std::slice::from_ref(&resolved), &args.set);
    let device = resolved.device;
    match (&args.check, args.mode) {
        (Some(folder), _) => check::write(args, plan, device, folder),
        (None, BenchMode::Training) => training(args, plan, device, environment),
        (None, BenchMode::Evaluation) => evaluation(args, plan, device, environment),
    }
}

/// Trains without end; the clock stops it.
fn training(
    args: &BenchWorkerArgs,
    plan: Plan,
    device: Device,
    environment: Environment,
) -> Result<(), Error> {
    let train = images(TRAIN, device)?;
    let test = images(1, device)?;
    let base = base(device)?;
    let model = model(args, plan, device)?;
    let sets = Sets { train: &train, validation: None, test: &test };
    let mut clock = Clock::new(device, base, environment);
    fit(&model, &recipe(args, u32::MAX)?, 0, sets, &mut clock).map_err(Error::from)
}

/// Evaluates without end; the clock stops it.
fn evaluation(
    args: &BenchWorkerArgs,
    plan: Plan,
    device: Device,
    environment: Environment,
) -> Result<(), Error> {
    let test = images(TEST, device)?;
    let base = base(device)?;
    let model = model(args, plan, device)?;
    let mut clock = Clock::new(device, base, environment);
    loop {
        each_batch(&model, &test, i64::from(args.batch), |_, _| {
            clock.tick();
            Ok(())
        })?;
    }
}

/// What is resident before there is a model, bytes: libraries, which a first use loads, and images.
/// What loading left free goes back first: it is no memory of the model.
fn base(device: Device) -> Result<Option<u64>, TchError> {
    load_libraries(device)?;
    device::release_memory();
    Ok(meter::resident_bytes(device))
}

/// One step of a network of next to nothing, as the peer does.
fn load_libraries(device: Device) -> Result<(), TchError> {
    let ones = |dims: &[i64]| Tensor::f_ones(dims, (Kind::Float, device));
    let (kernel, matrix) = (ones(&[8, 3, 3, 3])?, ones(&[10, 288])?);
    let (kernel, matrix) = (kernel.f_set_requires_grad(true)?, matrix.f_set_requires_grad(true)?);
    let maps = ones(&[4, 3, 8, 8])?.f_conv2d::<&Tensor>(&kernel, None, 1, 0, 1, 1)?.f_relu()?;
    let logits = maps.f_flatten(1, -1)?.f_linear::<&Tensor>(&matrix, None)?;
    logits.f_log_softmax(-1, None)?.f_sum(None)?.f_backward()
}

impl Watch for Clock {
    fn step(&mut self, step: &Step) {
        self.tick_training(step.is_replayed);
    }

    fn epoch(&mut self, _: &Epoch) {}

    fn note(&mut self, text: &str) {
        Self::note(self, text);
    }
}

/// Plain SGD at a rate that no network loses its loss at. The peer has the same.
fn recipe(args: &BenchWorkerArgs, epochs: u32) -> Result<Train, Error> {
    let batch = args.batch;
    let optimizer = "Sgd(lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 0.0005)";
    let text = format!("(epochs: {epochs}, batch: {batch}, optimizer: {optimizer})");
    Ok(Train { precision: precision(args), ..ron::from_str(&text)? })
}

fn precision(args: &BenchWorkerArgs) -> Precision {
    match args.precision {
        None => Precision::Auto,
        Some(BenchPrecision::Fp32) => Precision::Fp32,
        Some(BenchPrecision::Tf32) => Precision::Tf32,
        Some(BenchPrecision::Bf16) => Precision::Bf16,
    }
}

/// A network that computes as sweeps have it do in this precision.
fn model(args: &BenchWorkerArgs, plan: Plan, device: Device) -> Result<Model, TchError> {
    set_up(precision(args), device)?;
    Ok(Model::new(plan, 0, device)?.computing_with(arithmetic(precision(args))))
}

/// Images of random bytes, with random labels, normalised as CIFAR-10's.
fn images(count: usize, device: Device) -> Result<DeviceImages, Error> {
    let row = |[r, g, b]: [f32; 3]| (f64::from(r), f64::from(g), f64::from(b));
    let normalize = Normalize { mean: row(cifar10::MEAN), std: row(cifar10::STD) };
    Ok(DeviceImages::new(&drawn(count), &Data::default(), normalize, device)?)
}

fn drawn(count: usize) -> Images {
    let mut random = generator(0, Purpose::Augment, 0);
    let (mut pixels, mut labels) = (vec![0; count * IMAGE_BYTES], vec![0; count]);
    random.fill_bytes(&mut pixels);
    random.fill_bytes(&mut labels);
    labels.iter_mut().for_each(|label| *label %= CLASSES as u8);
    Images { pixels, labels }
}
