//! Classes and images: the numbers against scikit-learn (tests/reference/classes_golden.py), and what
//! `classes` and `disagree` say of folders that the tests write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use clap::Parser as _;
use results::Results;
use resweep::cli::{ClassesArgs, DisagreeArgs};
use resweep::commands;
use resweep::compare::classes::{Answer, Answers, Confusion, Tally, accuracies, agreement};
use resweep::data::{IMAGE_BYTES, cifar10, shapes10};
use resweep::records::{Folder, Status, Unreadable};
use resweep::saved::RunFile;

#[path = "common/results.rs"]
mod results;

fn classes(text: &str) -> Vec<u8> {
    text.split(' ').map(|class| class.parse().unwrap()).collect()
}

fn answers(labels: &str, predicted: &str) -> Answers {
    let (labels, predicted) = (classes(labels), classes(predicted));
    let loss = vec![0.0; labels.len()];
    Answers { experiment: "net".into(), labels, runs: vec![Answer { seed: 0, predicted, loss }] }
}

#[test]
fn confusion_recall_and_kappa_are_those_of_scikit_learn() {
    let path = format!("{}/tests/golden/classes.csv", env!("CARGO_MANIFEST_DIR"));
    let rows: Vec<_> =
        csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 16);
    let mut without_kappa = 0;
    for row in rows {
        let (first, second) = (answers(&row[0], &row[1]), answers(&row[0], &row[2]));
        let confusion = Confusion::of(&Tally::of(&first), 10);
        let told: Vec<String> = confusion.rows().flatten().map(u64::to_string).collect();
        assert_eq!(told.join(" "), row[3]);
        let recall = row[4].split(' ').map(|number| number.parse::<f64>().unwrap());
        for (told, wanted) in accuracies(&Tally::of(&first), 10).iter().zip(recall) {
            let close = |mean: f64| (mean - 100.0 * wanted).abs() < 1e-9;
            assert!(told.mean.map_or(wanted.is_nan(), close), "{told:?} is not {wanted}");
        }
        let told = agreement(&first, &second).unwrap();
        assert!((told.share - row[6].parse::<f64>().unwrap()).abs() < 1e-9, "{told:?}");
        match told.kappa {
            Some(kappa) => assert!((kappa - row[5].parse::<f64>().unwrap()).abs() < 1e-12),
            None => {
                assert_eq!(&row[5], "");
                without_kappa += 1;
            }
        }
    }
    assert!((1..4).contains(&without_kappa), "{without_kappa}");
}

/// Ten images of each class of shapes10.
const IMAGES: usize = 100;

fn labels() -> Vec<u8> {
    shapes10::generate(0, IMAGES, 0).test.labels
}

/// What a network says that has so many of the ten images of a class wrong, others with every seed, and
/// takes them for the next class.
fn said(labels: &[u8], seed: u64, wrong: impl Fn(u8) -> u64) -> Vec<u8> {
    let mut met = [3 * seed; 10];
    let own = |label: &u8| {
        met[usize::from(*label)] += 1;
        if met[usize::from(*label)] % 10 < wrong(*label) { (label + 1) % 10 } else { *label }
    };
    labels.iter().map(own).collect()
}

/// net2 hardly knows class 3, the squares, net9 does; net5, of other seeds, is between them.
fn sweep() -> Results {
    let made = Results::new("made");
    let labels = labels();
    let data = "set: Shapes10(seed: 0), test: 100";
    for seed in 0..4 {
        let odd = seed % 2;
        let weak = |class| if class == 3 { 9 - odd } else { 4 + (odd + u64::from(class)) % 3 };
        let same = |class| if class == 3 { 5 + odd } else { 4 };
        let strong = |class| if class == 3 { u64::from(seed == 0) } else { 3 + odd };
        let two = said(&labels, seed, weak);
        made.spec(&made.predict("net2", seed, &labels, &two), data);
        let five = said(&labels, seed, same);
        made.spec(&made.predict("net5", 10 + seed, &labels, &five), data);
        let nine = said(&labels, seed, strong);
        made.spec(&made.predict("net9", seed, &labels, &nine), data);
    }
    made
}

#[derive(Debug, clap::Parser)]
struct ClassesCli {
    #[command(flatten)]
    args: ClassesArgs,
}

#[derive(Debug, clap::Parser)]
struct DisagreeCli {
    #[command(flatten)]
    args: DisagreeArgs,
}

fn words<'a>(made: &'a str, arguments: &'a str) -> impl Iterator<Item = &'a str> {
    ["command", made].into_iter().chain(arguments.split_whitespace())
}

fn told(made: &Results, arguments: &str) -> String {
    let (text, unreadable) = asked(made, arguments).unwrap();
    assert_eq!(unreadable, []);
    text
}

fn asked(
    made: &Results,
    arguments: &str,
) -> Result<(String, Vec<Unreadable>), commands::classes::Error> {
    let path = made.path();
    let words = words(path.to_str().unwrap(), arguments);
    commands::classes::text(&ClassesCli::try_parse_from(words).unwrap().args)
}

fn apart(
    made: &Results,
    arguments: &str,
) -> Result<(String, Vec<Unreadable>), commands::disagree::Error> {
    let path = made.path();
    let words = words(path.to_str().unwrap(), arguments);
    commands::disagree::text(&DisagreeCli::try_parse_from(words).unwrap().args)
}

#[test]
fn classes_are_told_in_every_format() {
    let made = sweep();
    let table = told(&made, "");
    insta::assert_snapshot!("table", table);
    let square = table.lines().find(|line| line.contains("square")).unwrap();
    assert!(square.trim_end().ends_with("net9"), "{square}");
    insta::assert_snapshot!("csv", told(&made, "net2 net9 --format csv"));
    insta::assert_snapshot!("markdown", told(&made, "net2 net9 --format markdown"));
    insta::assert_snapshot!("latex", told(&made, "net2 net9 --format latex"));
    let json: serde_json::Value = serde_json::from_str(&told(&made, "--format json")).unwrap();
    let size = |name: &str| json[name].as_array().unwrap().len();
    assert_eq!((size("classes"), size("pairs"), size("confusion")), (30, 30, 300));
    assert_eq!(json["pairs"][9]["class"], "square");
}

#[test]
fn confusions_are_told() {
    let made = sweep();
    insta::assert_snapshot!("confusion", told(&made, "net2 net9 --confusion"));
    let rows = told(&made, "net9 --confusion --format csv");
    let counts = csv::Reader::from_reader(rows.as_bytes()).into_records();
    let total: u64 = counts.map(|row| row.unwrap()[3].parse::<u64>().unwrap()).sum();
    assert_eq!(total, 4 * IMAGES as u64);
}

/// The last row of the table is the accuracy that the records have.
#[test]
fn all_classes_together_are_the_headline() {
    let made = sweep();
    let json: serde_json::Value = serde_json::from_str(&told(&made, "--format json")).unwrap();
    let folder = Folder::open(&made.path()).unwrap();
    for own in json["experiments"].as_array().unwrap() {
        let of = folder.runs.iter().map(|run| &run.row);
        let top1: Vec<f64> = of
            .filter(|run| run.experiment == own["experiment"])
            .filter_map(|run| run.top1)
            .collect();
        assert_eq!(top1.len(), 4);
        let mean = top1.iter().sum::<f64>() / 4.0;
        assert!((own["top1_mean"].as_f64().unwrap() - mean).abs() < 1e-9, "{own}");
    }
}

#[test]
fn other_test_sets_are_not_mixed() {
    let made = sweep();
    let labels = labels();
    let less = made.predict("net9", 3, &labels[..50], &labels[..50]);
    made.spec(&less, "set: Shapes10(seed: 0), test: 50");
    let others: Vec<u8> = labels.iter().map(|label| 9 - label).collect();
    made.predict("net5", 10, &others, &others);
    let text = told(&made, "");
    assert!(text.contains("net9, n 3") && text.contains("net5, n 3"), "{text}");
    assert!(
        text.contains("net9: 1 run of another test set left out (50 images and not 100)"),
        "{text}"
    );
    assert!(
        text.contains("net5: 1 run of another test set left out (100 images of other classes)"),
        "{text}"
    );
}

#[test]
fn a_run_without_predictions_and_one_with_anothers_are_noted() {
    let made = sweep();
    let id = made.run("net9", 7, Status::Ok, &[50.0]);
    let labels = labels();
    let strange = made.run("net2", 3, Status::Ok, &[12.5]);
    made.keep(&strange, &labels, &labels);
    let text = told(&made, "");
    assert!(
        text.contains("net9: 1 run without predictions.safetensors left out, of seed 7"),
        "{text}"
    );
    assert!(
        text.contains(
            "net2: the predictions of seed 3 are 100.00 % right and its record says 12.50 %"
        ),
        "{text}"
    );
    fs::write(made.store.run(&id).file(RunFile::Predictions), "no").unwrap();
    let (_, unreadable) = asked(&made, "").unwrap();
    assert_eq!(unreadable.len(), 1);
    assert!(unreadable[0].why.contains("no safetensors file"), "{unreadable:?}");
}

#[test]
fn without_a_spec_classes_go_by_numbers() {
    let made = Results::new("made");
    let labels = labels();
    made.predict("net2", 0, &labels, &labels);
    let text = told(&made, "");
    let last = text.lines().find(|line| line.starts_with(" 9 ")).unwrap();
    assert_eq!(last.split_whitespace().collect::<Vec<_>>(), ["9", "10", "100.00"]);
    assert!(text.contains("classes go by their numbers, as "), "{text}");
    assert!(
        text.contains("spec.ron does not say what the run was tested on: it is not there;"),
        "{text}"
    );
}

#[test]
fn disagreements_are_listed() {
    let made = sweep();
    let told = |arguments: &str| made.tidy(&apart(&made, arguments).unwrap().0);
    insta::assert_snapshot!("disagree_table", told("net9 net2 --top 6"));
    insta::assert_snapshot!("disagree_csv", told("net9 net2 --top 6 --format csv"));
    let json: serde_json::Value =
        serde_json::from_str(&told("net9 net2 --share 0.5 --format json")).unwrap();
    assert!(json["found"].as_u64() > Some(25), "{json}");
    assert_eq!(json["images"].as_array().unwrap().len(), 25);
}

/// The pictures are those of the data set, in the order of the list.
#[test]
fn disagreements_are_drawn() {
    let made = sweep();
    let file = made.root.path().join("apart.png");
    let (text, _) =
        apart(&made, &format!("net9 net2 --top 5 --pictures {}", file.display())).unwrap();
    assert!(text.contains("apart.png; the list: "), "{text}");
    let beside = fs::read_to_string(file.with_extension("csv")).unwrap();
    assert_eq!(beside, apart(&made, "net9 net2 --top 5 --format csv").unwrap().0);
    let places: Vec<usize> =
        beside.lines().skip(1).map(|row| row.split(',').next().unwrap().parse().unwrap()).collect();
    let images = shapes10::generate(0, IMAGES, 0).test;
    let (pixels, width) = decoded(&file);
    assert_eq!((width, places.len()), (4 + 3 * 132, 5));
    for (tile, place) in places.into_iter().enumerate() {
        let image = &images.pixels[place * IMAGE_BYTES..][..IMAGE_BYTES];
        let (x, y) = (4 + tile % 3 * 132, 4 + tile / 3 * 132);
        for (row, column) in [(0, 0), (5, 17), (31, 31)] {
            let drawn = &pixels[((y + row * 4 + 3) * width + x + column * 4) * 3..][..3];
            assert_eq!(drawn, &image[(row * 32 + column) * 3..][..3], "{tile} {row} {column}");
        }
    }
    let folder = made.root.path().join("new/pictures");
    apart(&made, &format!("net9 net2 --pictures {}", folder.display())).unwrap();
    assert!(folder.join("net9-against-net2.png").exists());
}

fn decoded(path: &Path) -> (Vec<u8>, usize) {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (pixels, info.width as usize)
}

/// A folder of images with other names of classes, in the layout of CIFAR-10.
#[test]
fn images_of_a_folder_are_found() {
    let made = Results::new("made");
    let mut set = shapes10::generate(10, IMAGES, 3);
    set.classes = (0..10).map(|class| format!("kind{class}")).collect();
    let data = made.root.path().join("data");
    cifar10::write(&set, &data).unwrap();
    let labels = set.test.labels.clone();
    let wrong: Vec<u8> = labels.iter().map(|label| (label + 1) % 10).collect();
    for (experiment, own) in [("net2", &wrong), ("net9", &labels)] {
        made.spec(&made.predict(experiment, 0, &labels, own), "set: Cifar10");
    }
    let option = format!("--data {}", data.display());
    assert!(told(&made, &option).contains(" kind7 "));
    assert!(told(&made, "").contains(" horse "));
    let drawn = made.root.path().join("drawn.png");
    let pictures = format!("net2 net9 {option} --pictures {}", drawn.display());
    let (text, _) = apart(&made, &pictures).unwrap();
    assert!(text.contains("kind") && drawn.exists(), "{text}");

    let other = made.root.path().join("other");
    cifar10::write(&shapes10::generate(10, IMAGES, 4), &other).unwrap();
    let pictures = pictures.replace(data.to_str().unwrap(), other.to_str().unwrap());
    let refused = apart(&made, &pictures).unwrap_err().to_string();
    assert!(refused.contains("are not those that the runs were tested on"), "{refused}");
    assert!(refused.contains("their classes are others; name the folder"), "{refused}");
}

#[test]
fn mistakes_say_how_to_mend_them() {
    let made = sweep();
    let older = Results::new("older");
    older.run("net2", 0, Status::Ok, &[50.0]);
    older.run("net2", 1, Status::Diverged, &[10.0]);
    let all = labels();
    for same in ["net7", "net8"] {
        made.spec(&made.predict(same, 0, &all, &all), "set: Shapes10(seed: 0)");
    }
    let classes = |made: &Results, asked_for: &str| {
        made.tidy(&asked(made, asked_for).unwrap_err().to_string())
    };
    let apart = |asked: &str| made.tidy(&apart(&made, asked).unwrap_err().to_string());
    let mistakes = [
        classes(&made, "net3"),
        classes(&older, ""),
        classes(&Results::new("empty"), ""),
        classes(&made, "--data somewhere"),
        apart("net9 net9"),
        apart("net9 net22"),
        apart("net9 net2 --pictures p.png --data somewhere"),
        apart("net7 net8 --pictures p.png"),
        apart("net9 net2 --pictures /no/such/folder/p.png"),
    ];
    made.run("net1", 0, Status::Ok, &[50.0]);
    let alone = made.tidy(&self::apart(&made, "net9 net1").unwrap_err().to_string());
    insta::assert_snapshot!("mistakes", [&mistakes[..], &[alone]].concat().join("\n"));
}
