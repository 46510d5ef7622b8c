//! What commands that run networks need first: a device, images, a word on both.

use std::collections::BTreeMap;

use super::Error;
use crate::cli::{DeviceChoice, DeviceChoices};
use crate::device::{self, Resolved};
use crate::records::Environment;
use crate::spec::train::Precision;

/// Chooses the device, says which and why, and sets the number of threads where
/// it is given; libtorch takes one a core by itself.
pub fn device(choice: DeviceChoice, threads: Option<u32>) -> Result<Resolved, Error> {
    let resolved = take(choice)?;
    eprintln!("device {}", resolved.why);
    if let Some(threads) = threads {
        tch::set_num_threads(threads as i32);
    }
    Ok(resolved)
}

/// Chooses the devices, and says which and why.
pub fn devices(choices: &DeviceChoices) -> Result<Vec<Resolved>, Error> {
    choices.0.iter().map(|choice| device(*choice, None)).collect()
}

/// The device of a run as it is on record; of several that its sweep had, the first.
pub fn recorded(text: &str) -> Result<DeviceChoice, Error> {
    let choices = text.parse::<DeviceChoices>();
    choices.map(|all| all.first()).map_err(|_| Error::RecordedDevice(text.to_owned()))
}

/// Chooses the device.
pub fn take(choice: DeviceChoice) -> Result<Resolved, Error> {
    let resolved = device::resolve(choice)?;
    if let tch::Device::Cuda(_) = resolved.device {
        // Shapes repeat: cuDNN may time its algorithms once and keep the quickest.
        tch::Cuda::cudnn_set_benchmark(true);
    }
    Ok(resolved)
}

/// What a recipe computes with on a device, as records have it. Where it says nothing that is
/// libtorch's default: convolutions in TF32 on GPUs (since Ampere), float32 on the CPU.
pub fn precision(device: &Resolved, asked: Precision) -> Result<&'static str, Error> {
    let on_gpu = matches!(device.device, tch::Device::Cuda(_));
    match asked {
        Precision::Tf32 if !on_gpu => Err(Error::NoTf32),
        Precision::Auto if on_gpu => Ok("tf32"),
        Precision::Tf32 => Ok("tf32"),
        Precision::Auto | Precision::Fp32 => Ok("fp32"),
        Precision::Bf16 => Ok("bf16"),
        Precision::Fp16 => Ok("fp16"),
        Precision::PureBf16 => Ok("pure bf16"),
    }
}

/// The name of a device: `cpu`, `cuda:0`.
pub fn name(device: &Resolved) -> String {
    match device.device {
        tch::Device::Cuda(index) => format!("cuda:{index}"),
        _ => "cpu".into(),
    }
}

/// The names of several: `cuda:0,cuda:1`.
pub fn names(devices: &[Resolved]) -> String {
    devices.iter().map(name).collect::<Vec<_>>().join(",")
}

/// What all runs of an invocation share.
pub fn environment(devices: &[Resolved], overrides: &[String]) -> Environment {
    let (_, commit) = env!("RESWEEP_CODE_VERSION").split_once('+').unzip();
    let mut models: Vec<String> = Vec::new();
    for model in devices.iter().map(|device| device::describe(device.device)) {
        if !models.contains(&model) {
            models.push(model);
        }
    }
    Environment {
        device: names(devices),
        device_name: Some(models.join(", ")),
        threads: tch::get_num_threads() as u32,
        overrides: overrides.to_vec(),
        code_version: env!("RESWEEP_CODE_VERSION").into(),
        tch_version: Some(TCH_VERSION.into()),
        libtorch_version: Some(LIBTORCH_VERSION.into()),
        commit: commit.map(|commit| commit.trim_end_matches("-dirty").into()),
        dirty: commit.is_some_and(|commit| commit.ends_with("-dirty")),
        machine: BTreeMap::new(),
    }
}

/// Pinned in Cargo.toml; a test compares them.
const TCH_VERSION: &str = "0.24.0";
/// The version that tch 0.24.0 is made for; set-up admits no other.
const LIBTORCH_VERSION: &str = "2.11.0";
