//! Runs that end where held-out images no longer gain.

use resweep::model::Model;
use resweep::train::evaluate::evaluate;
use resweep::train::fit::{Course, Epoch};
use tch::{Device, Tensor};

use crate::saved::{Images, Told, plan, recipe};

/// What a run came to.
struct Ran {
    epochs: Vec<Epoch>,
    stopped: Option<String>,
    restored: Option<u32>,
    weights: Vec<Tensor>,
    /// The losses of the weights that it ended with, on the test and on the held-out images.
    losses: [f64; 2],
}

fn run(fields: &str, until: u32) -> Ran {
    let (images, recipe) = (Images::new(), recipe(fields));
    let model = Model::new(plan(), 0, Device::Cpu).unwrap();
    let sets = images.sets();
    let mut course = Course::new(&model, &recipe, 0, sets).unwrap();
    let mut told = Told::default();
    course.train(until, &mut told).unwrap();
    let epochs = course.epochs().to_vec();
    assert_eq!(told.epochs, (1..=epochs.len() as u32).collect::<Vec<_>>());
    let loss = |images| evaluate(&model, images, 64).unwrap().loss;
    Ran {
        stopped: course.stopped(),
        restored: course.restored(),
        weights: model.weights().map(|(_, tensor)| tensor.copy()).collect(),
        losses: [loss(sets.test), loss(sets.validation.unwrap())],
        epochs,
    }
}

fn same(a: &[Tensor], b: &[Tensor]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equal(b))
}

const SGD: &str = "optimizer: Sgd(lr: 0.1, momentum: 0.9)";

/// No gain counts: the first epoch stays the best.
const NO_GAIN: &str = "patience: 2, min_delta: 1000";

#[test]
fn a_run_stops_and_is_evaluated_as_at_its_end() {
    let fields = format!(
        "{SGD}, early_stop: Some(({NO_GAIN})), ema: Some((decay: 0.9)), swa: Some((from: 0.4)), \
         eval: (views: Flip)"
    );
    let stopped = run(&fields, 4);
    assert_eq!(stopped.epochs.len(), 3);
    let reason = stopped.stopped.unwrap();
    assert!(reason.contains("(epoch 1) for 2 epochs"), "{reason}");
    assert!(reason.starts_with("val_top1 not more than 1000 above "), "{reason}");
    let last = stopped.epochs[2];
    assert!(last.tta.is_some() && last.ema.is_some() && last.swa.is_some());
    assert_eq!(stopped.epochs[1].tta, None);
    assert_eq!(stopped.restored, None);

    // The rule changes nothing about the epochs that are trained.
    let plain = run(SGD, 3);
    assert_eq!(plain.stopped, None, "it waits, and is not over");
    assert!(same(&stopped.weights, &plain.weights));
    let losses = |ran: &[Epoch]| ran.iter().map(|e| (e.loss, e.test.loss)).collect::<Vec<_>>();
    assert_eq!(losses(&stopped.epochs), losses(&plain.epochs));
}

#[test]
fn an_average_that_had_not_begun_is_none() {
    let fields = format!("{SGD}, early_stop: Some((patience: 1, min_delta: 1000)), swa: Some(())");
    let ran = run(&fields, 4);
    assert_eq!((ran.epochs.len(), ran.epochs[1].swa), (2, None));
}

#[test]
fn the_weights_of_the_best_epoch_come_back() {
    let best = format!("{SGD}, early_stop: Some(({NO_GAIN}, restore_best: true))");
    let (restored, first) = (run(&best, 4), run(SGD, 1));
    assert_eq!((restored.epochs.len(), restored.restored), (3, Some(1)));
    assert!(same(&restored.weights, &first.weights));
    let row = restored.epochs[0];
    assert_eq!(restored.losses, [row.test.loss, row.validation.unwrap().loss]);
    // Also where the run comes to its last epoch.
    let patient = best.replace("patience: 2", "patience: 9");
    let whole = run(&patient, 4);
    assert_eq!((whole.epochs.len(), whole.stopped, whole.restored), (4, None, Some(1)));
    assert!(same(&whole.weights, &first.weights));
}

/// Slow weights come in at the end, wherever it is.
#[test]
fn the_row_of_the_last_epoch_is_of_the_weights_that_the_run_ends_with() {
    let lookahead = "optimizer: Lookahead(inner: Sgd(lr: 0.1, momentum: 0.9), every: 4)";
    let early = run(&format!("{lookahead}, early_stop: Some(({NO_GAIN}))"), 4);
    let waiting = run(lookahead, 3);
    assert_eq!((early.epochs.len(), waiting.epochs.len()), (3, 3));
    assert!(!same(&early.weights, &waiting.weights), "18 steps end between two of the slow ones");
    for ran in [&early, &waiting, &run(lookahead, 4)] {
        let last = ran.epochs.last().unwrap();
        assert_eq!(ran.losses, [last.test.loss, last.validation.unwrap().loss]);
    }
}
