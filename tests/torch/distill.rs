//! Knowledge distillation: loss and gradient are PyTorch's (`tests/reference/distill.py`), a pupil
//! comes near its teacher, and the teacher stays as it is.

use std::path::{Path, PathBuf};

use resweep::model::Model;
use resweep::spec::train::{Distill, Teacher, Train};
use resweep::train::batches::Targets;
use resweep::train::distill::loss;
use resweep::train::fit::{self, Course, Sets, Stopped};
use tch::{Device, Kind, Tensor};

use crate::cli::{resweep, stderr, table_of};
use crate::formula::{self, find, golden, relative, uniform};
use crate::training::{Seen, images, plan, recipe};

fn spec(temperature: f64, alpha: f64) -> Distill {
    Distill { teacher: Teacher::default(), temperature, alpha }
}

#[test]
fn loss_and_gradient_are_pytorchs() {
    let wanted = golden("distill.safetensors");
    let cases = [
        ("usual", 4.0, 0.9, 0.0),
        ("smooth", 1.0, 0.5, 0.1),
        ("mixed", 2.5, 0.3, 0.0),
        ("teacher", 10.0, 1.0, 0.0),
        ("labels", 2.0, 0.0, 0.0),
    ];
    assert_eq!(wanted.len(), 2 * cases.len());
    for (name, temperature, alpha, smoothing) in cases {
        let logits = (uniform(5_000_000, &[6, 10]) * 5.0).set_requires_grad(true);
        let teacher = uniform(5_000_001, &[6, 10]) * 8.0;
        let labels = formula::labels(6, 10);
        let shares = (name == "mixed").then(|| {
            let shares = labels.one_hot(10).to_kind(Kind::Float);
            &shares * 0.7 + shares.roll([1], [0]) * 0.3
        });
        let of_labels = fit::loss(&logits, &Targets { labels, shares }, smoothing).unwrap();
        let loss = loss(&logits, &teacher, &of_labels, &spec(temperature, alpha)).unwrap();
        loss.backward();
        for (what, value) in [("loss", loss.detach()), ("gradient", logits.grad())] {
            let error = relative(&value, find(&wanted, &format!("{name}/{what}")));
            assert!(error < 2e-6, "{name}: {what} is off by {error:e}");
        }
    }
}

fn train(teacher: Option<&Model>, recipe: &Train) -> (Seen, Result<(), Stopped>) {
    let model = Model::new(plan(), 0, Device::Cpu).unwrap();
    let ([train, _, test], mut seen) = (images(), Seen::default());
    let sets = Sets { train: &train, validation: None, test: &test };
    let course = Course::new(&model, recipe, 0, sets).unwrap().taught_by(teacher);
    let result =
        course.map_err(Stopped::from).and_then(|mut course| course.train(recipe.epochs, &mut seen));
    (seen, result.map(|_| ()))
}

#[test]
fn a_pupil_comes_near_its_teacher_which_stays_as_it_is() {
    let teacher = Model::new(plan(), 7, Device::Cpu).unwrap();
    let before: Vec<Tensor> = teacher.weights().map(|(_, value)| value.detach().copy()).collect();
    let recipe = Train { distill: Some(spec(2.0, 1.0)), label_smoothing: 0.0, ..recipe(0.05, 6) };
    let (seen, result) = train(Some(&teacher), &recipe);
    result.unwrap();
    let losses: Vec<f64> = seen.epochs.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[5] < 0.5 * losses[0], "{losses:?}");
    for ((weight, value), before) in teacher.weights().zip(&before) {
        assert!(value.equal(before), "{} has changed", weight.name);
        assert!(!value.grad().defined(), "{} has a gradient", weight.name);
    }
    // With no share for the teacher it is training by labels, but for rounding.
    let labels = Train { distill: Some(spec(2.0, 0.0)), ..recipe.clone() };
    let plain = Train { distill: None, ..recipe.clone() };
    let (labels, plain) = (train(Some(&teacher), &labels).0, train(None, &plain).0);
    assert!((labels.epochs[0].loss - plain.epochs[0].loss).abs() < 1e-4);
    assert!(matches!(train(None, &recipe).1, Err(Stopped::Torch(_))));
}

/// The teacher's sweep, then its pupil's; in the other order nothing trains.
#[test]
fn a_run_learns_from_a_saved_one() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path();
    let sweep = |spec: &str, more: &[&str]| {
        let path = format!("experiments/{spec}.ron");
        let mut args = vec!["sweep", &path, "--results", results.to_str().unwrap()];
        args.extend(["--device", "cpu"]);
        let few = ["train.epochs=1", "data.train=100", "data.test=50", "seeds=1"];
        args.extend(few.iter().flat_map(|set| ["--set", set]));
        args.extend(more);
        resweep(&args)
    };
    let early = sweep("distill", &[]);
    assert_eq!(early.status.code(), Some(2));
    assert!(stderr(&early).contains("run the sweep `teacher`"), "{}", stderr(&early));
    assert!(!results.join("distill").exists(), "nothing was begun");

    let teacher = sweep("teacher", &[]);
    assert!(teacher.status.success(), "{}", stderr(&teacher));
    let pupil = sweep("distill", &["--no-weights"]);
    assert!(pupil.status.success(), "{}", stderr(&pupil));
    let runs = table_of(results, "distill", "runs.csv");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["status"] == "ok"), "{runs:?}");
    assert_ne!(runs[0]["train_loss"], runs[1]["train_loss"]);
    assert_eq!(weights(results, "distill"), Vec::<PathBuf>::new());
    saved_weights_are_the_networks(&weights(results, "teacher"));
}

/// The final weights of a sweep's runs.
fn weights(results: &Path, sweep: &str) -> Vec<PathBuf> {
    let runs = std::fs::read_dir(results.join(sweep).join("runs")).unwrap();
    let files = runs.map(|run| run.unwrap().path().join("weights.safetensors"));
    files.filter(|file| file.exists()).collect()
}

fn saved_weights_are_the_networks(files: &[PathBuf]) {
    assert_eq!(files.len(), 1, "{files:?}");
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/teacher.ron");
    let loader = resweep::spec::load::Loader::default();
    let plan = resweep::experiment::sweep(&loader, &spec, &[]).unwrap().list.remove(0).plan;
    let (mut model, fresh) = (
        Model::new(plan.clone(), 0, Device::Cpu).unwrap(),
        Model::new(plan, 0, Device::Cpu).unwrap(),
    );
    model.load(&files[0]).unwrap();
    let changed = model.weights().zip(fresh.weights()).all(|(a, b)| !a.1.equal(b.1));
    assert!(changed, "training changes every weight and statistic");
}
