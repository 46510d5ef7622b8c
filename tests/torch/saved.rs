//! A run that is saved and restored goes on bit for bit as one that never stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use resweep::data::shapes10;
use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::saved::{RunFile, RunFolder};
use resweep::spec::data::{Data, DataSet, Normalize};
use resweep::spec::load::Loader;
use resweep::spec::train::Train;
use resweep::train::batches::DeviceImages;
use resweep::train::checkpoint::{Checkpoints, Moment};
use resweep::train::fit::{Course, Epoch, Reached, Sets, Step, Then, Watch};
use resweep::train::precision::arithmetic;
use resweep::train::saved::{FileError, Keeper, Misfit, Saved, read, write};
use resweep::train::split::split;
use tch::{Device, Tensor};

/// Normalisation has running statistics. Dropout is left to `cli`: its random numbers are drawn from
/// the generator of the process, which tests share.
const NETWORK: &str = r#"
    Network(
        stem: [
            ("conv", Conv2d(out: 8, kernel: 3, stride: 2)), ("bn", BatchNorm2d()), ("relu", Relu()),
            ("conv2", Conv2d(out: 8, kernel: 3)), ("bn2", BatchNorm2d()),
            ("add", Add(from: ["bn2", "relu"])),
        ],
        head: [("pool", GlobalAvgPool()), ("fc", Linear(out: "classes"))],
    )"#;

pub fn plan() -> Plan {
    let (loader, file) = (Loader::default(), Path::new("/saved/network.ron"));
    let _ = loader
        .text(file, NETWORK.into())
        .unwrap_or_else(|e| panic!("{}", e.render(&loader.sources)));
    experiment::network(&loader, file, &[], None)
        .unwrap_or_else(|e| panic!("{}", e.render(&loader.sources)))
}

/// Four epochs of six steps, the last of them smaller.
pub fn recipe(fields: &str) -> Train {
    let rest = "epochs: 4, batch: 20, eval_batch: 64, schedule: Cosine(), warmup_epochs: 1";
    ron::from_str(&format!("({rest}, {fields})")).unwrap()
}

pub struct Images([DeviceImages; 3]);

impl Images {
    pub fn new() -> Self {
        let data = shapes10::generate(140, 40, 0);
        let spec = Data { set: DataSet::Shapes10 { seed: 0 }, ..Data::default() };
        let normalize = Normalize { mean: (0.39, 0.39, 0.39), std: (0.22, 0.22, 0.22) };
        let set = |images| DeviceImages::new(images, &spec, normalize, Device::Cpu).unwrap();
        let (train, held_out) = split(data.train, &Data { validation: Some(30), ..spec.clone() });
        Self([set(&train), set(&held_out.unwrap()), set(&data.test)])
    }

    pub fn sets(&self) -> Sets<'_> {
        let [train, validation, test] = &self.0;
        Sets { train, validation: Some(validation), test }
    }
}

/// Counts what it is told.
#[derive(Default)]
pub struct Told {
    pub epochs: Vec<u32>,
}

impl Watch for Told {
    fn step(&mut self, _: &Step) {}
    fn epoch(&mut self, epoch: &Epoch) {
        self.epochs.push(epoch.number);
    }
}

const SEED: u64 = 5;

fn model(seed: u64) -> Model {
    Model::new(plan(), seed, Device::Cpu).unwrap()
}

/// A model that computes as a recipe says.
fn model_of(recipe: &Train, seed: u64) -> Model {
    model(seed).computing_with(arithmetic(recipe.precision))
}

fn saved(course: &mut Course<'_>) -> Saved {
    Keeper::save(|keeper| course.keep(keeper)).unwrap()
}

fn timeless(epochs: &[Epoch]) -> Vec<Epoch> {
    let timeless = |epoch: &Epoch| {
        let mut epoch = Epoch { seconds: 0.0, ..*epoch };
        epoch.test.seconds = 0.0;
        let all = [&mut epoch.validation, &mut epoch.ema, &mut epoch.swa];
        all.into_iter().flatten().for_each(|evaluation| evaluation.seconds = 0.0);
        epoch
    };
    epochs.iter().map(timeless).collect()
}

/// The bits of a tensor: equal numbers are not enough.
fn bits(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.contiguous();
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

/// Stops after a step of an epoch, and writes the state to a file.
struct StopsAt<'a> {
    at: (u32, u64),
    now: (u32, u64),
    path: &'a Path,
}

impl Watch for StopsAt<'_> {
    fn step(&mut self, step: &Step) {
        self.now = (step.epoch, step.step);
    }
    fn epoch(&mut self, _: &Epoch) {}
    fn then(&mut self, moment: Moment) -> Then {
        match moment == Moment::Step && self.now == self.at {
            true => Then::Stop,
            false => Then::GoOn,
        }
    }
    fn save(&mut self, state: &Saved) {
        write(self.path, state).unwrap();
    }
}

/// A run that is stopped within an epoch, even before its evaluation, goes on bit for bit.
#[test]
fn a_run_goes_on_within_an_epoch() {
    let (images, folder) = (Images::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("run.safetensors");
    for fields in [
        "optimizer: Lookahead(inner: Sgd(lr: 0.1, momentum: 0.9), every: 4, alpha: 0.8)",
        "optimizer: Muon(lr: 0.02, others: AdamW(lr: 0.003)), ema: Some((decay: 0.9, every: 4)),
         swa: Some((from: 0.2)), accumulate: 3, clip_norm: Some(0.5),
         augment: [RandomCrop(padding: 2), AlternatingFlip, Mixup(alpha: 0.2)],
         early_stop: Some((patience: 9, restore_best: true))",
    ] {
        let recipe = recipe(fields);
        let whole_model = model(SEED);
        let mut whole = Course::new(&whole_model, &recipe, SEED, images.sets()).unwrap();
        whole.train(4, &mut Told::default()).unwrap();
        for at in [(1, 1), (2, 4), (3, 6), (4, 6)] {
            let first_model = model(SEED);
            let mut first = Course::new(&first_model, &recipe, SEED, images.sets()).unwrap();
            let mut stops = StopsAt { at, now: (0, 0), path: &path };
            assert_eq!(first.train(4, &mut stops).unwrap(), Reached::Stop);
            assert_eq!(first.point(), (at.0 - 1, at.1));

            let (second_model, mut told) = (model(SEED + 1), Told::default());
            let mut second = Course::new(&second_model, &recipe, SEED, images.sets()).unwrap();
            Keeper::restore(read(&path).unwrap(), |keeper| second.keep(keeper)).unwrap();
            assert_eq!(second.point(), first.point());
            assert_eq!(second.train(4, &mut told).unwrap(), Reached::End);
            assert_eq!(told.epochs, (at.0..=4).collect::<Vec<_>>());
            assert_same(&format!("{fields} at {at:?}"), &mut whole, &mut second);
        }
    }
}

fn assert_same(what: &str, whole: &mut Course<'_>, second: &mut Course<'_>) {
    assert_eq!(timeless(second.epochs()), timeless(whole.epochs()), "{what}");
    let (whole, second) = (saved(whole), saved(second));
    assert_eq!(whole.tensors.len(), second.tensors.len());
    for (name, tensor) in &whole.tensors {
        assert!(bits(tensor) == bits(&second.tensors[name]), "{what}: {name} differs");
    }
    let timeless = |name: &str| name != "epochs" && name != "seconds";
    for (name, value) in whole.values.iter().filter(|(name, _)| timeless(name)) {
        assert_eq!(*value, second.values[name], "{what}: {name}");
    }
}

/// Trains by a recipe in one go, and with a stop after `at` epochs; both must come to one state.
fn check(images: &Images, fields: &str, at: u32) {
    let (recipe, folder) = (recipe(fields), tempfile::tempdir().unwrap());
    let path = folder.path().join("run.safetensors");
    let whole_model = model_of(&recipe, SEED);
    let mut whole = Course::new(&whole_model, &recipe, SEED, images.sets()).unwrap();
    whole.train(4, &mut Told::default()).unwrap();

    let first_model = model_of(&recipe, SEED);
    let mut first = Course::new(&first_model, &recipe, SEED, images.sets()).unwrap();
    first.train(at, &mut Told::default()).unwrap();
    write(&path, &saved(&mut first)).unwrap();

    // Whatever the new run begins with is replaced.
    let (second_model, mut told) = (model_of(&recipe, SEED + 1), Told::default());
    let mut second = Course::new(&second_model, &recipe, SEED, images.sets()).unwrap();
    Keeper::restore(read(&path).unwrap(), |keeper| second.keep(keeper)).unwrap();
    assert_eq!(second.epochs(), first.epochs(), "{fields}");
    second.train(4, &mut told).unwrap();

    let last = whole.epochs().len() as u32;
    assert_eq!(told.epochs, (at + 1..=last).collect::<Vec<_>>(), "{fields}");
    assert_same(fields, &mut whole, &mut second);
}

#[test]
fn every_optimiser_goes_on() {
    let images = Images::new();
    for optimizer in [
        "Sgd(lr: 0.1)",
        "Sgd(lr: 0.1, momentum: 0.9, dampening: 0.5, weight_decay: 0.0005)",
        "Adam(lr: 0.003)",
        "AdamW(lr: 0.003)",
        "RmsProp(lr: 0.002, momentum: 0.5, centered: true)",
        "Lion(lr: 0.001, weight_decay: 0.1)",
        "Muon(lr: 0.02, others: AdamW(lr: 0.003))",
        "Lookahead(inner: Sgd(lr: 0.1, momentum: 0.9), every: 4, alpha: 0.8, alpha_end: Some(1))",
    ] {
        check(&images, &format!("optimizer: {optimizer}"), 2);
    }
}

#[test]
fn averages_augmentations_and_parts_of_batches_go_on() {
    let images = Images::new();
    let sgd = "optimizer: Sgd(lr: 0.1, momentum: 0.9)";
    for fields in [
        "ema: Some((decay: 0.9, every: 4)), swa: Some((from: 0.2))",
        "ema: Some((from: 0.6)), swa: Some((from: 0.6))",
        "augment: [RandomCrop(padding: 2), AlternatingFlip, Cutout(size: 8), ColorJitter(hue: 0.1)]",
        "augment: [TrivialAugment(), RandomErasing(), Mixup(alpha: 0.2), CutMix(alpha: 1)]",
        "clip_norm: Some(0.5), accumulate: 3, label_smoothing: 0.1",
        "early_stop: Some((patience: 2, min_delta: 100, restore_best: true)), eval: (views: Flip)",
        "early_stop: Some((patience: 9, metric: ValLoss)), swa: Some((from: 0.9))",
        "groups: (convolution: Some((epochs: Some(1))), norm: Some((epochs: Some(2))))",
        "groups: (bias: Some((lr: 4)), norm: Some((weight_decay: Some(0)))), eval: (views: Flip)",
    ] {
        for at in [1, 2] {
            check(&images, &format!("{sgd}, {fields}"), at);
        }
    }
}

/// In float16 the scale of the loss, and the steps since it last fell, go on too.
#[test]
fn sixteen_bits_go_on() {
    let images = Images::new();
    for precision in ["Fp16", "Bf16", "PureBf16"] {
        let fields = format!("optimizer: Sgd(lr: 0.1, momentum: 0.9), precision: {precision}");
        check(&images, &fields, 2);
    }
}

/// A saved run of two epochs, and its file.
fn on_disk() -> (tempfile::TempDir, PathBuf, Train) {
    let (images, model, folder) = (Images::new(), model(SEED), tempfile::tempdir().unwrap());
    let recipe = recipe("optimizer: AdamW(lr: 0.003)");
    let mut course = Course::new(&model, &recipe, SEED, images.sets()).unwrap();
    course.train(2, &mut Told::default()).unwrap();
    let path = folder.path().join("run.safetensors");
    write(&path, &saved(&mut course)).unwrap();
    (folder, path, recipe)
}

#[test]
fn a_file_that_was_cut_short_or_changed_is_told() {
    let (_folder, path, _) = on_disk();
    let whole = fs::read(&path).unwrap();
    let unusable = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match read(&path) {
            Err(error @ FileError::Unusable { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        unusable(&whole[..length]);
    }
    // A bit in the length, in the header, in the first and in the last number. A digit of the
    // header, which is still JSON, is found by the hash.
    for at in [0, 40, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        unusable(&changed);
    }
    // The byte of the header's text on which `what` ends is another.
    let with = |what: &str, byte| {
        let at = whole.windows(what.len()).position(|bytes| bytes == what.as_bytes()).unwrap();
        let mut changed = whole.clone();
        changed[at + what.len() - 1] = byte;
        changed
    };
    assert!(unusable(&with("\"seed\":\"5", b'6')).contains("it was changed"));
    let newer = unusable(&with("\"resweep.format\":\"2", b'3'));
    assert!(newer.contains("version 3, and this resweep reads 2"), "{newer}");
    fs::write(&path, &whole).unwrap();
    assert!(read(&path).is_ok());
    fs::remove_file(&path).unwrap();
    assert!(matches!(read(&path), Err(FileError::Missing { .. })));
}

#[test]
fn a_file_that_cannot_be_replaced_stays() {
    let (folder, path, _) = on_disk();
    let before = fs::read(&path).unwrap();
    let nowhere = folder.path().join("none/run.safetensors");
    assert!(matches!(write(&nowhere, &read(&path).unwrap()), Err(FileError::Unwritable { .. })));
    // A folder cannot be replaced by a file.
    let blocked = folder.path().join("blocked");
    fs::create_dir(&blocked).unwrap();
    assert!(matches!(write(&blocked, &read(&path).unwrap()), Err(FileError::Unwritable { .. })));
    write(&path, &read(&path).unwrap()).unwrap();
    assert_eq!(read(&path).unwrap().tensors.len(), read(&path).unwrap().tensors.len());
    assert_eq!(fs::read(&path).unwrap().len(), before.len());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

/// The one before is used where the latest was cut short or changed, or is not there.
#[test]
fn an_earlier_checkpoint_is_used_where_the_latest_cannot_be() {
    let (_folder, path, _) = on_disk();
    let sweep = tempfile::tempdir().unwrap();
    let run = RunFolder::of(sweep.path(), "r20", 0, "0123456789ab");
    let mut checkpoints = Checkpoints::new(run.clone(), Duration::ZERO, 0);
    assert!(Checkpoints::read(&run).0.is_none());
    for number in 1..=3 {
        let mut state = read(&path).unwrap();
        state.values.insert("number".into(), number.to_string());
        checkpoints.write(&state).unwrap();
    }
    let found = || {
        let (saved, words) = Checkpoints::read(&run);
        (saved.map(|saved| saved.values["number"].clone()), words)
    };
    let (latest, before) = (run.file(RunFile::Checkpoint), run.file(RunFile::EarlierCheckpoint));
    assert_eq!(found(), (Some("3".into()), vec![]));
    let whole = fs::read(&latest).unwrap();
    fs::write(&latest, &whole[..whole.len() - 1]).unwrap();
    let (number, words) = found();
    assert_eq!((number.as_deref(), words.len()), (Some("2"), 1));
    assert!(words[0].contains("cut short or changed") && words[0].contains(".corrupt"));
    assert!(!latest.exists(), "or the next checkpoint would take the good one's place");
    assert_eq!(found(), (Some("2".into()), vec![]));
    fs::write(&before, b"").unwrap();
    assert_eq!((found().0, found().1.len()), (None, 0));

    // A disk that cannot be written keeps the last one.
    checkpoints.write(&read(&path).unwrap()).unwrap();
    let blocked = RunFolder::of(&latest, "r20", 0, "0123456789ab");
    let failed = Checkpoints::new(blocked, Duration::ZERO, 0).write(&read(&path).unwrap());
    assert!(matches!(failed, Err(FileError::Unwritable { .. })));
}

#[test]
fn the_state_of_another_run_is_refused() {
    let (_folder, path, _) = on_disk();
    let (images, model) = (Images::new(), model(SEED));
    let refused = |optimizer: &str, seed| {
        let recipe = recipe(&format!("optimizer: {optimizer}"));
        let mut course = Course::new(&model, &recipe, seed, images.sets()).unwrap();
        match Keeper::restore(read(&path).unwrap(), |keeper| course.keep(keeper)) {
            Err(Misfit::Part(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused("AdamW(lr: 0.003)", 6), "`seed` is 5, and 6 in the run");
    let text = refused("RmsProp(lr: 0.003, momentum: 0.9, centered: true)", SEED);
    assert!(text.contains("optim.group0.state2.0"), "{text}");
    let text = refused("Sgd(lr: 0.1)", SEED);
    assert!(text.contains("the run has no `optim.group0.state0.0`"), "{text}");
    let text = refused("Lookahead(inner: AdamW(lr: 0.003))", SEED);
    assert_eq!(text, "`optim.lookahead.slow.0` is missing");
}
