//! Records: golden bytes of the four tables, statistics, and the folder on the disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use resweep::records::{
    Access, AccuracyRow, AxisColumns, BenchRow, CertifyRow, CertifyRunRow, ClassPairRow, ClassRow,
    CompareRow, ConfusionRow, DisagreeRow, Ending, Environment, EpochRow, Facts, Found, HalvingRow,
    Layout, Record, Row, RunId, RunRow, SeedsRow, Span, Status, Store, StoreError, Tables,
    TimingRow, atomic, columns_markdown, csv_bytes, summary,
};

fn id(experiment: &str, seed: u64) -> RunId {
    let spec_hash = format!("{:0>64}", experiment.len());
    RunId { experiment: experiment.to_owned(), seed, spec_hash }
}

fn facts() -> Facts {
    Facts {
        params: 11_173_962,
        macs: 555_422_720,
        activation_bytes: Some(9_830_400),
        precision: "fp32".to_owned(),
        batch: 128,
        train_images: 50_000,
        test_images: 10_000,
    }
}

fn environment(device: &str, overrides: &[&str]) -> Environment {
    Environment {
        device: device.to_owned(),
        device_name: (device != "cpu").then(|| "Example GPU".to_owned()),
        threads: 8,
        overrides: overrides.iter().map(ToString::to_string).collect(),
        code_version: "0.1.0".to_owned(),
        tch_version: Some("0.24.0".to_owned()),
        libtorch_version: Some("2.11.0".to_owned()),
        ..Environment::default()
    }
}

fn epoch(id: &RunId, epoch: u32, top1: Option<f64>, epoch_s: f64) -> EpochRow {
    EpochRow {
        experiment: id.experiment.clone(),
        seed: id.seed,
        epoch,
        lr: 0.1 / f64::from(epoch),
        train_loss: 2.3 / f64::from(epoch),
        train_top1: Some(40.0),
        test_loss: top1.map(|top1| 2.0 - top1 / 100.0),
        top1,
        epoch_s,
        eval_s: top1.map(|_| 0.5),
        train_images_per_s: Some(50_000.0 / epoch_s),
        eval_images_per_s: top1.map(|_| 20_000.0),
        ..EpochRow::default()
    }
}

fn ending(status: Status, reason: Option<&str>) -> Ending {
    let reason = reason.map(str::to_owned);
    let (latency_ms, peak_memory_mb) = (Some(2.5), Some(812.25));
    Ending { reason, latency_ms, peak_memory_mb, ..Ending::of(status) }
}

fn span() -> Span {
    let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    Span { started, wall: Duration::from_millis(12_500) }
}

fn record(id: &RunId, epochs: Vec<EpochRow>, ending: Ending) -> Record {
    Record::new(id, &facts(), &environment("cuda:0", &[]), epochs, ending, span())
}

fn completed(experiment: &str, seed: u64, top1: [f64; 2]) -> Record {
    let id = id(experiment, seed);
    let rows = vec![epoch(&id, 1, Some(top1[0]), 4.0), epoch(&id, 2, Some(top1[1]), 6.0)];
    record(&id, rows, ending(Status::Ok, None))
}

fn diverged() -> Record {
    let id = id("resnet18", 2);
    let mut broken = epoch(&id, 2, None, 4.0);
    broken.train_loss = f64::NAN;
    let reason = "the loss became NaN or infinite in epoch 2";
    let rows = vec![epoch(&id, 1, Some(30.0), 4.0), broken];
    record(&id, rows, ending(Status::Diverged, Some(reason)))
}

/// Two seeds and a divergence; one seed; nothing but a failure without an epoch.
fn sweep() -> Vec<Record> {
    let failure = Ending {
        latency_ms: None,
        peak_memory_mb: None,
        ..ending(Status::Failed, Some("CUDA out of memory, \"tried\" to allocate 2 GiB"))
    };
    let alone = id("wide, \"k=10\"", 0);
    let environment = environment("cpu", &["train.epochs=1", "data.train=2000"]);
    let rows = vec![epoch(&alone, 1, Some(95.25), 10.0)];
    vec![
        completed("resnet18", 0, [94.5, 94.0]),
        completed("resnet18", 1, [90.0, 95.0]),
        diverged(),
        Record::new(&alone, &facts(), &environment, rows, ending(Status::Ok, None), span()),
        record(&id("plain34", 0), Vec::new(), failure),
    ]
}

const EXPERIMENTS: [&str; 3] = ["resnet18", "wide, \"k=10\"", "plain34"];

fn tables() -> Tables {
    Tables::of(&Layout::plain(&EXPERIMENTS), &sweep())
}

fn text<R: Row>(rows: &[R]) -> String {
    String::from_utf8(csv_bytes(rows, &AxisColumns::default()).unwrap()).unwrap()
}

/// What is written by another takes a file's place as a whole; what cannot be written leaves the old.
#[test]
fn a_file_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, before) = (folder.path().join("checkpoint"), folder.path().join("before"));
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let write = |text: &'static str| move |path: &Path| fs::write(path, text);
    let half = |path: &Path| {
        fs::write(path, "half")?;
        Err(std::io::Error::other("the disk is full"))
    };
    atomic::replace_by(&path, write("first")).unwrap();
    atomic::rotate_by(&path, &before, write("second")).unwrap();
    assert_eq!((read(&path), read(&before)), ("second".into(), "first".into()));
    for failed in [atomic::rotate_by(&path, &before, half), atomic::replace_by(&path, half)] {
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert_eq!((read(&path), read(&before)), ("second".into(), "first".into()));
    }
    // Killed between the two renames.
    fs::remove_file(&path).unwrap();
    atomic::rotate_by(&path, &before, write("third")).unwrap();
    assert_eq!((read(&path), read(&before)), ("third".into(), "first".into()));
    fs::write(folder.path().join(".writing-x"), "").unwrap();
    atomic::tidy(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half made is left");
}

/// The folder of a run is set aside as a whole, and only once.
#[test]
fn a_run_that_is_trained_anew_keeps_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "quick", Access::Alone).unwrap();
    let id = id("resnet18", 0);
    store.supersede(&id).unwrap();
    for text in ["first", "second"] {
        store.begin(&id, text, &Environment::default()).unwrap();
        store.supersede(&id).unwrap();
    }
    assert!(!store.run(&id).path().exists());
    let aside = store.run(&id).path().with_extension("superseded");
    assert_eq!(fs::read_to_string(aside.join("spec.ron")).unwrap(), "second");
}

#[test]
fn the_tables_are_these_bytes() {
    let tables = tables();
    insta::assert_snapshot!("accuracy.csv", text(&tables.accuracy));
    insta::assert_snapshot!("timing.csv", text(&tables.timing));
    insta::assert_snapshot!("runs.csv", text(&tables.runs));
    insta::assert_snapshot!("epochs.csv", text(&tables.epochs));
}

#[test]
fn the_summary_is_this_text() {
    insta::assert_snapshot!("summary", summary(&tables()));
}

/// The sweep with two axes; the first two experiments have a value for both.
fn layout(baseline: Option<&str>) -> Layout {
    let cells = [vec!["0.1", "Sgd(lr: 0.1)"], vec!["0.2", ""], vec![]];
    let owned = |cells: &Vec<&str>| cells.iter().map(ToString::to_string).collect();
    Layout {
        experiments: EXPERIMENTS
            .iter()
            .zip(&cells)
            .map(|(e, c)| (e.to_string(), owned(c)))
            .collect(),
        axes: vec!["lr".to_owned(), "optimizer".to_owned()],
        baseline: baseline.map(str::to_owned),
    }
}

fn with_axes<R: Row>(rows: &[R], tables: &Tables) -> String {
    String::from_utf8(csv_bytes(rows, &tables.axes).unwrap()).unwrap()
}

#[test]
fn axes_have_a_column_each_after_the_experiment() {
    let tables = Tables::of(&layout(None), &sweep());
    let texts = [
        with_axes(&tables.accuracy, &tables),
        with_axes(&tables.timing, &tables),
        with_axes(&tables.runs, &tables),
        with_axes(&tables.epochs, &tables),
    ];
    for text in &texts {
        assert!(text.starts_with("experiment,axis_lr,optimizer,"), "`lr` is in epochs.csv: {text}");
        for line in text.lines().skip(1) {
            let wanted = match line.split(',').next().unwrap() {
                "resnet18" => "resnet18,0.1,Sgd(lr: 0.1),",
                "plain34" => "plain34,,,",
                _ => "\"wide, \"\"k=10\"\"\",0.2,,",
            };
            assert!(line.starts_with(wanted), "{line}");
        }
    }
    // Beside these columns nothing is different.
    let plain = text(&tables.runs);
    let cut = texts[2]
        .replace(",axis_lr,optimizer,", ",")
        .replace("resnet18,0.1,Sgd(lr: 0.1),", "resnet18,");
    assert_eq!(cut.replace("\",0.2,,", "\",").replace("plain34,,,", "plain34,"), plain);
}

#[test]
fn columns_of_axes_come_from_the_sweep_and_not_from_its_rows() {
    let none = Tables::of(&layout(None), &[]);
    assert!(with_axes(&none.runs, &none).starts_with("experiment,axis_lr,optimizer,seed,"));
    let names = |axes: &[&str]| {
        let axes = axes.iter().map(ToString::to_string).collect();
        Layout { axes, ..Layout::default() }.columns().names
    };
    assert_eq!(names(&["width", "batch", "seed"]), ["width", "axis_batch", "axis_seed"]);
    assert_eq!(names(&["lr", "axis_lr"]), ["axis_axis_lr", "axis_lr"]);
}

#[test]
fn experiments_are_compared_with_the_baseline() {
    let compared = |baseline, experiment: usize| {
        Tables::of(&layout(baseline), &sweep()).accuracy[experiment].top1_vs_baseline
    };
    assert_eq!(compared(Some("resnet18"), 0), None, "the baseline itself");
    assert_eq!(compared(Some("resnet18"), 1), Some(95.25 - 94.5));
    assert_eq!(compared(Some("resnet18"), 2), None, "no run ended well");
    assert_eq!(compared(Some("plain34"), 0), None, "the baseline has no mean");
    assert_eq!(compared(None, 1), None);
    let text = summary(&Tables::of(&layout(Some("resnet18")), &sweep()));
    assert!(text.contains("vs baseline") && text.contains("+0.75"), "{text}");
    assert!(
        text.contains("vs baseline: top-1 less that of resnet18, in percentage points"),
        "{text}"
    );
    assert!(!summary(&tables()).contains("baseline"));
}

#[test]
fn a_table_without_rows_is_its_header() {
    let header: Vec<&str> = RunRow::COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(text::<RunRow>(&[]), header.join(",") + "\n");
}

#[test]
fn statistics_are_over_the_runs_that_ended_well() {
    let row = &tables().accuracy[0];
    assert_eq!((row.n, row.failed), (2, 1));
    assert_eq!(row.top1_mean, Some(94.5));
    assert_eq!(row.top1_std, Some(0.5_f64.sqrt()));
    assert_eq!((row.top1_min, row.top1_max), (Some(94.0), Some(95.0)));
    assert_eq!(row.top1_best_mean, Some(94.75));
    assert_eq!(tables().timing[0].epoch_s_mean, Some(5.0));
    assert_eq!(tables().timing[0].epoch_s_std, Some((4.0_f64 / 3.0).sqrt()));
}

#[test]
fn one_run_has_no_spread_and_none_has_no_mean() {
    let tables = tables();
    let (one, none) = (&tables.accuracy[1], &tables.accuracy[2]);
    assert_eq!((one.n, one.top1_mean, one.top1_std), (1, Some(95.25), None));
    assert_eq!((none.n, none.failed, none.top1_mean), (0, 1, None));
    assert_eq!((tables.timing[2].device.as_deref(), tables.timing[2].epoch_s_mean), (None, None));
}

#[test]
fn the_best_epoch_is_chosen_on_held_out_images_where_there_are_any() {
    let id = id("resnet18", 0);
    let rows = |validated: [Option<f64>; 3]| {
        let tests = [94.0, 96.0, 95.0];
        let row = |(n, (top1, val_top1))| EpochRow {
            val_top1,
            val_loss: val_top1.map(|top1| 2.0 - top1 / 100.0),
            top1_tta: (n == 3).then_some(95.5),
            ..epoch(&id, n, Some(top1), 4.0)
        };
        (1..).zip(tests.into_iter().zip(validated)).map(row).collect::<Vec<_>>()
    };
    let run = |rows: Vec<EpochRow>| record(&id, rows, ending(Status::Ok, None)).run;
    let chosen = run(rows([Some(91.0), Some(92.0), Some(93.0)]));
    assert_eq!((chosen.top1_best, chosen.top1_best_epoch), (Some(95.0), Some(3)));
    assert_eq!((chosen.val_top1, chosen.val_loss), (Some(93.0), Some(2.0 - 0.93)));
    assert_eq!((chosen.top1, chosen.top1_tta), (Some(95.0), Some(95.5)));
    let first_of_equals = run(rows([Some(93.0), Some(93.0), Some(92.0)]));
    assert_eq!((first_of_equals.top1_best, first_of_equals.top1_best_epoch), (Some(94.0), Some(1)));
    let on_the_test_set = run(rows([None; 3]));
    assert_eq!((on_the_test_set.top1_best, on_the_test_set.top1_best_epoch), (Some(96.0), Some(2)));
    assert_eq!((on_the_test_set.val_top1, on_the_test_set.val_loss), (None, None));
}

#[test]
fn views_and_held_out_images_have_their_means() {
    let with = |seed, tta, val| {
        let mut record = completed("resnet18", seed, [94.5, 94.0]);
        (record.run.top1_tta, record.run.val_top1) = (Some(tta), Some(val));
        record
    };
    let records = [with(0, 94.5, 91.0), with(1, 95.5, 92.0)];
    let row = &Tables::of(&Layout::plain(&EXPERIMENTS), &records).accuracy[0];
    assert_eq!((row.top1_tta_mean, row.val_top1_mean), (Some(95.0), Some(91.5)));
    assert_eq!(row.top1_mean, Some(94.0), "the single view stays the headline");
}

#[test]
fn a_run_that_stopped_short_has_no_headline() {
    let run = diverged().run;
    assert_eq!((run.epochs, run.top1, run.test_loss), (2, None, None));
    assert_eq!((run.top1_best, run.top1_best_epoch), (Some(30.0), Some(1)));
    assert!(run.train_loss.unwrap().is_nan());
}

#[test]
fn devices_that_differ_are_both_named() {
    let mut records = sweep();
    records[1].run.device = "cpu".to_owned();
    records[1].run.threads = 2;
    let timing = &Tables::of(&Layout::plain(&EXPERIMENTS), &records).timing[0];
    assert_eq!((timing.device.as_deref(), timing.threads), (Some("cuda:0 + cpu"), None));
}

#[test]
fn every_column_says_what_it_means() {
    let all = [RunRow::COLUMNS, EpochRow::COLUMNS, AccuracyRow::COLUMNS, TimingRow::COLUMNS];
    let others = [
        HalvingRow::COLUMNS,
        SeedsRow::COLUMNS,
        BenchRow::COLUMNS,
        CertifyRow::COLUMNS,
        CertifyRunRow::COLUMNS,
    ];
    let images =
        [ClassRow::COLUMNS, ClassPairRow::COLUMNS, ConfusionRow::COLUMNS, DisagreeRow::COLUMNS];
    for column in all.iter().chain(&others).chain(&images).copied().flatten() {
        assert!(column.doc.ends_with('.') && !column.doc.contains(['|', '\n']), "{column:?}");
        let timed = column.name.ends_with("_s") && !column.name.ends_with("_per_s");
        assert!(!timed || column.unit == "s", "{column:?}");
    }
}

/// The text with the columns of table `R` put between its marks.
fn with_columns<R: Row>(text: &str) -> String {
    let mark = format!("<!-- columns of {} -->\n", R::FILE);
    let (before, rest) = text.split_once(&mark).expect("results/README.md marks each table");
    let (_, after) = rest.split_once("<!-- end -->").expect("a mark ends");
    format!("{before}{mark}{}<!-- end -->{after}", columns_markdown::<R>())
}

#[test]
fn the_results_readme_explains_every_column() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/README.md");
    let found = fs::read_to_string(&path).unwrap();
    let text = with_columns::<AccuracyRow>(&found);
    let text = with_columns::<TimingRow>(&text);
    let text = with_columns::<RunRow>(&text);
    let text = with_columns::<EpochRow>(&text);
    let text = with_columns::<HalvingRow>(&text);
    let text = with_columns::<SeedsRow>(&text);
    let text = with_columns::<BenchRow>(&text);
    let text = with_columns::<CertifyRow>(&text);
    let text = with_columns::<CertifyRunRow>(&text);
    let text = with_columns::<CompareRow>(&text);
    let text = with_columns::<ClassRow>(&text);
    let text = with_columns::<ConfusionRow>(&text);
    let text = with_columns::<DisagreeRow>(&text);
    if std::env::var_os("RESWEEP_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    } else {
        assert_eq!(found, text, "RESWEEP_BLESS=1 cargo test --test records rewrites it");
    }
}

proptest! {
    #[test]
    fn the_order_in_which_runs_end_changes_nothing(
        shuffled in Just(sweep()).prop_shuffle()
    ) {
        let (ours, other) = (tables(), Tables::of(&Layout::plain(&EXPERIMENTS), &shuffled));
        prop_assert_eq!(text(&ours.runs), text(&other.runs));
        prop_assert_eq!(text(&ours.epochs), text(&other.epochs));
        prop_assert_eq!(text(&ours.accuracy), text(&other.accuracy));
        prop_assert_eq!(text(&ours.timing), text(&other.timing));
    }

    #[test]
    fn a_record_reads_back_bit_for_bit(numbers in prop::array::uniform4(prop::num::f64::ANY)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
        let mut record = diverged();
        let row = &mut record.epochs[0];
        (row.lr, row.train_loss, row.top1, row.eval_s) =
            (numbers[0], numbers[1], Some(numbers[2]), Some(numbers[3]));
        store.save(&record).unwrap();
        let Found::Record(back) = store.find(&record.id()).unwrap() else { panic!("not found") };
        let row = &back.epochs[0];
        let read = [row.lr, row.train_loss, row.top1.unwrap(), row.eval_s.unwrap()];
        for (read, number) in read.into_iter().zip(numbers) {
            // A NaN keeps being one; RON does not tell them apart.
            prop_assert!(read.to_bits() == number.to_bits() || read.is_nan() && number.is_nan());
        }
        prop_assert!(back.epochs[1].train_loss.is_nan());
    }
}

#[test]
fn a_record_of_an_earlier_version_without_a_column_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
    let record = completed("resnet18", 0, [94.5, 94.0]);
    store.save(&record).unwrap();
    let path = only_file(&store.folder().join("runs")).join("record.ron");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("        peak_memory_mb: Some(812.25),\n", "")).unwrap();
    let Found::Record(back) = store.find(&record.id()).unwrap() else { panic!("not found") };
    assert_eq!(back.run.peak_memory_mb, None);
    assert_eq!(back.epochs, record.epochs);
}

#[test]
fn a_record_that_cannot_be_used_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
    let record = completed("resnet18", 0, [94.5, 94.0]);
    store.save(&record).unwrap();
    let path = only_file(&store.folder().join("runs")).join("record.ron");
    let whole = fs::read(&path).unwrap();
    for broken in [&b"(run: (exp"[..], b"", b"\xff\xfe", &whole[..whole.len() / 2]] {
        fs::write(&path, broken).unwrap();
        let found = store.find(&record.id()).unwrap();
        let Found::SetAside { path: was, aside, .. } = found else { panic!("{found:?}") };
        assert_eq!((&was, fs::read(&aside).unwrap().as_slice()), (&path, broken));
        assert!(aside.to_string_lossy().ends_with(".ron.corrupt"));
        assert_eq!(store.find(&record.id()).unwrap(), Found::Nothing);
    }
}

#[test]
fn a_record_counts_for_its_own_run_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
    let record = completed("resnet18", 0, [94.5, 94.0]);
    store.save(&record).unwrap();
    let other = RunId { spec_hash: "f".repeat(64), ..record.id() };
    assert_eq!(store.find(&other).unwrap(), Found::Nothing);
    let same_name = RunId { spec_hash: format!("{:f<64}", "0".repeat(12)), ..record.id() };
    assert!(matches!(store.find(&same_name).unwrap(), Found::SetAside { why, .. }
        if why == "it is the record of another run"));
}

#[test]
fn files_are_named_after_their_run_and_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "../up", Access::Alone).unwrap();
    store.save(&completed("../../x", 7, [1.0, 2.0])).unwrap();
    let name = only_file(&folder.path().join("%2E.%2Fup/runs"));
    assert_eq!(name.file_name().unwrap(), "%2E.%2F..%2Fx-seed7-000000000000");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results");
    fs::write(&file, "not a folder").unwrap();
    let error = Store::open(&file, "depth", Access::Alone).unwrap_err();
    assert!(matches!(&error, StoreError::Folder { path, .. } if path.starts_with(&file)));
    assert!(error.to_string().contains("--results"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_told_before_training() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("depth/runs");
    fs::create_dir_all(&runs).unwrap();
    fs::set_permissions(&runs, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(runs.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write to a read-only folder");
        return;
    }
    let error = Store::open(folder.path(), "depth", Access::Alone).unwrap_err();
    assert!(matches!(&error, StoreError::Write { path, .. } if *path == runs));
    assert!(error.to_string().contains("--results"), "{error}");
}

#[test]
fn a_table_that_cannot_be_replaced_keeps_no_other_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
    let blocked = store.folder().join("accuracy.csv");
    fs::create_dir(&blocked).unwrap();
    let error = store.write_tables(&tables()).unwrap_err();
    assert!(matches!(error, StoreError::Write { path, .. } if path == blocked));
    let runs = fs::read_to_string(store.folder().join("runs.csv")).unwrap();
    assert_eq!(runs, text(&tables().runs));
}

#[cfg(unix)]
#[test]
fn others_may_read_the_files_as_any_other_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), "depth", Access::Alone).unwrap();
    store.write_tables(&tables()).unwrap();
    fs::write(folder.path().join("plain"), "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let table = store.folder().join("runs.csv");
    assert_eq!(mode(&table), mode(&folder.path().join("plain")));
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 7, "no temporary file is left");
}

/// The one file of a folder.
fn only_file(folder: &Path) -> std::path::PathBuf {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    file.clone()
}
