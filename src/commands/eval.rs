//! `eval NETWORK --weights FILE`: loss and accuracy of one network, and its predictions.

use std::path::Path;
use std::process::ExitCode;

use tch::{Kind, TchError, Tensor};

use super::plan::report;
use super::{Error, prepare};
use crate::cli::EvalArgs;
use crate::data::Dataset;
use crate::experiment;
use crate::model::Model;
use crate::plan::Plan;
use crate::spec::data::Data;
use crate::spec::load::Loader;
use crate::train::batches::DeviceImages;
use crate::train::evaluate::{Evaluation, each_batch};
use crate::train::runner::normalize;

/// Evaluates a network.
pub fn run(args: &EvalArgs) -> ExitCode {
    let loader = Loader::default();
    let plan = match experiment::network(&loader, &args.network, &args.set, None) {
        Ok(plan) => plan,
        Err(error) => return report(&loader, &[error]),
    };
    match eval(args, plan) {
        Ok(result) => {
            println!("top-1 {:.2} %   loss {:.6}", result.top1, result.loss);
            ExitCode::SUCCESS
        }
        Err(error) => super::fail(&error),
    }
}

fn eval(args: &EvalArgs, plan: Plan) -> Result<Evaluation, Error> {
    let device = prepare::device(args.device, args.threads)?;
    let spec = Data::for_input(plan.input);
    let data = super::dataset::load(&spec, args.data.as_deref())?;
    check_classes(&plan, &data)?;
    let mut model = Model::new(plan, 0, device.device)?;
    model.load(&args.weights)?;
    let images = DeviceImages::new(&data.test, &spec, normalize(&spec, &data), device.device)?;
    match &args.predictions {
        None => Ok(each_batch(&model, &images, i64::from(args.batch), |_, _| Ok(()))?),
        Some(path) => with_predictions(&model, &images, i64::from(args.batch), path),
    }
}

fn check_classes(plan: &Plan, data: &Dataset) -> Result<(), Error> {
    match data.classes.len() as u64 {
        classes if classes == plan.classes => Ok(()),
        classes => Err(Error::Classes { network: plan.classes, data: classes }),
    }
}

/// Evaluates, and writes a row an image: index, label, predicted, logits with every digit.
fn with_predictions(
    model: &Model,
    images: &DeviceImages,
    batch: i64,
    path: &Path,
) -> Result<Evaluation, Error> {
    let mut rows = Vec::new();
    let result =
        each_batch(model, images, batch, |logits, labels| append(&mut rows, logits, labels))?;
    let unwritable = |error: csv::Error| Error::Predictions {
        path: path.to_path_buf(),
        reason: error.to_string(),
    };
    let mut writer = csv::Writer::from_path(path).map_err(unwritable)?;
    let logits = (0..model.plan().classes).map(|class| format!("logit_{class}"));
    let header = ["index", "label", "predicted"].map(String::from).into_iter().chain(logits);
    writer.write_record(header).map_err(unwritable)?;
    for (index, row) in rows.iter().enumerate() {
        let head = [index.to_string(), row.label.to_string(), row.predicted.to_string()];
        let logits = row.logits.iter().map(f32::to_string);
        writer.write_record(head.into_iter().chain(logits)).map_err(unwritable)?;
    }
    writer.flush().map_err(|error| unwritable(error.into()))?;
    Ok(result)
}

/// One image.
struct Row {
    label: i64,
    predicted: i64,
    logits: Vec<f32>,
}

fn append(rows: &mut Vec<Row>, logits: &Tensor, labels: &Tensor) -> Result<(), TchError> {
    let predicted = Vec::<i64>::try_from(logits.f_argmax(-1, false)?)?;
    let labels = Vec::<i64>::try_from(labels)?;
    let classes = logits.size()[1] as usize;
    let flat = logits.f_to_kind(Kind::Float)?.f_contiguous()?.f_flatten(0, -1)?;
    let flat = Vec::<f32>::try_from(flat)?;
    for ((label, predicted), logits) in labels.into_iter().zip(predicted).zip(flat.chunks(classes))
    {
        rows.push(Row { label, predicted, logits: logits.to_vec() });
    }
    Ok(())
}
