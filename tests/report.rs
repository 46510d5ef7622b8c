//! The report of a sweep: what its page says, that it stands by itself, and that its charts stay in
//! their frames.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use results::Results;
use resweep::data::shapes10;
use resweep::records::{RunId, Status};
use resweep::report::chart::{Chart, Form, Point, Series, Stray, svg};
use resweep::saved::{RunFile, RunFolder};

#[path = "common/results.rs"]
mod results;

/// Two networks with three seeds, of which the second knows more; runs that failed, diverged, wait and
/// train; names that HTML would take for its own.
fn made() -> Results {
    let made = Results::new("made <b>&\"sweep\"");
    let labels = shapes10::generate(0, 100, 0).test.labels;
    for seed in 0..3 {
        for (name, wrong) in [("net2", 40 + 2 * seed), ("net5 <i>", 10 + seed)] {
            let said = labels.iter().zip(0..).map(|(label, at)| match at < wrong {
                true => (label + 1) % 10,
                false => *label,
            });
            let id = made.predict(name, seed, &labels, &said.collect::<Vec<_>>());
            made.spec(&id, "set: Shapes10(seed: 0), train: 100, test: 100");
        }
    }
    made.run("net9", 0, Status::Failed, &[20.0]);
    made.run("net9", 1, Status::Diverged, &[10.0, 10.0]);
    unfinished(&made, "net9", 2, &[30.0, 40.0]);
    made
}

/// A run that has begun and not ended; its folder.
fn unfinished(made: &Results, experiment: &str, seed: u64, top1: &[f64]) -> RunFolder {
    let id = made.run(experiment, seed, Status::Ok, top1);
    let folder = made.store.run(&id);
    fs::remove_file(folder.file(RunFile::Record)).unwrap();
    folder
}

/// Changes a text in the record of a run.
fn change(made: &Results, id: &RunId, from: &str, to: &str) {
    let path = made.store.run(id).file(RunFile::Record);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Runs the command in this process; its exit code and the page.
fn report(results: &Path, more: &[&str]) -> (u8, String) {
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: resweep::cli::ReportArgs,
    }
    let args = ["report", results.to_str().unwrap()].into_iter().chain(more.iter().copied());
    let code = resweep::commands::report::run(&Cli::parse_from(args).args);
    let page = fs::read_to_string(results.join("report.html")).unwrap_or_default();
    let code = [0, 1, 2].into_iter().find(|own| code == std::process::ExitCode::from(*own));
    (code.unwrap(), page)
}

fn parsed(page: &str) -> roxmltree::Document<'_> {
    let (doctype, rest) = page.split_once('\n').unwrap();
    assert_eq!(doctype, "<!DOCTYPE html>");
    roxmltree::Document::parse(rest).unwrap()
}

fn texts(document: &roxmltree::Document<'_>, tag: &str) -> Vec<String> {
    let nodes = document.descendants().filter(|node| node.has_tag_name(tag));
    nodes
        .map(|node| {
            node.descendants().filter(roxmltree::Node::is_text).filter_map(|it| it.text()).collect()
        })
        .collect()
}

#[test]
fn the_page_is_whole_and_asks_for_nothing() {
    let made = made();
    let (code, page) = report(&made.path(), &[]);
    assert_eq!(code, 0);
    let document = parsed(&page);
    assert_eq!(texts(&document, "h1"), ["made <b>&\"sweep\""]);
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        for attribute in node.attributes() {
            let is_address = ["src", "href", "action"].contains(&attribute.name());
            let value = attribute.value();
            let is_own = value.starts_with('#') || value.starts_with("data:");
            assert!(!is_address || is_own, "{}: {value}", node.tag_name().name());
        }
        assert!(!["link", "iframe", "object", "form"].contains(&node.tag_name().name()));
    }
    let policy = document.descendants().find(|node| node.attribute("http-equiv").is_some());
    assert!(policy.unwrap().attribute("content").unwrap().starts_with("default-src 'none'"));
    let mut ids: Vec<&str> =
        document.descendants().filter_map(|node| node.attribute("id")).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
    for link in document.descendants().filter_map(|node| node.attribute("href")) {
        assert!(ids.contains(&&link[1..]), "{link} leads nowhere");
    }
}

#[test]
fn the_first_table_says_what_compare_says() {
    let made = made();
    let (_, page) = report(&made.path(), &[]);
    let document = parsed(&page);
    let rows = texts(&document, "tr");
    let row = |name: &str| rows.iter().find(|row| row.starts_with(name)).unwrap().clone();
    // 100 images, of which 40, 42, 44 and 10, 11, 12 are wrong.
    assert!(row("net2").contains("58.00 ± 2.00"), "{}", row("net2"));
    assert!(row("net5 <i>").contains("89.00 ± 1.00"), "{}", row("net5 <i>"));
    // The differences are 30, 31 and 32: 31 ± t(0.975, 2) / sqrt(3), and t is 4.302653.
    assert!(row("net5 <i>").contains("+31.00 (+28.52 to +33.48), better"), "{}", row("net5 <i>"));
    assert!(
        row("net9").contains("1 diverged, 1 failed, 1 unfinished, at epoch 2"),
        "{}",
        row("net9")
    );
    let results = document.descendants().find(|node| node.attribute("id") == Some("results"));
    let best = |node: &roxmltree::Node<'_, '_>| node.attribute("class") == Some("best");
    // net9 has no value, so nothing is better than every other.
    assert_eq!(results.unwrap().descendants().filter(best).count(), 0);
    let lead = texts(&document, "header").concat();
    assert!(lead.contains("6 runs that ended well, 2 that did not, 1 unfinished"), "{lead}");
    assert!(texts(&document, "caption").iter().any(|text| text.starts_with("net2: of the images")));
}

#[test]
fn one_run_and_no_run_that_ended_well_are_told_too() {
    let one = Results::new("one");
    one.run("net1", 0, Status::Ok, &[50.0]);
    let (code, page) = report(&one.path(), &[]);
    assert_eq!(code, 0);
    let text = texts(&parsed(&page), "body").concat();
    assert!(text.contains("There is one experiment, so nothing is compared."), "{text}");
    assert!(text.contains("no run that ended well kept its predictions"), "{text}");

    let none = Results::new("none");
    none.run("net1", 0, Status::Failed, &[]);
    let (code, page) = report(&none.path(), &[]);
    assert_eq!(code, 0);
    assert!(texts(&parsed(&page), "tr").iter().any(|row| row.contains("1 failed")));
}

#[test]
fn a_sweep_that_has_only_begun_has_a_page() {
    let made = Results::new("begun");
    assert_eq!(report(&made.path(), &[]).0, 2);
    let folder = unfinished(&made, "net1", 0, &[20.0, 30.0]);
    fs::create_dir_all(made.store.run(&id("resnet18", 1)).path()).unwrap();
    made.spec(&id("resnet18", 1), "set: Shapes10(seed: 0), train: 100, test: 100");
    let (code, page) = report(&made.path(), &[]);
    assert_eq!(code, 0);
    let document = parsed(&page);
    let rows = texts(&document, "tr");
    // What a spec says is known before its first epoch has ended: 11.17 million parameters.
    let planned = rows.iter().find(|row| row.starts_with("resnet18")).unwrap();
    assert!(planned.contains("1 unfinished, at epoch 0 of 2"), "{planned}");
    assert!(planned.contains("11.174"), "{planned}");
    let trained = rows.iter().find(|row| row.starts_with("net1")).unwrap();
    assert!(trained.contains("1 unfinished, at epoch 2"), "{trained}");
    let text = texts(&document, "body").concat();
    assert!(text.contains("No run has ended well yet"), "{text}");
    assert!(page.contains(r#"id="curve-top1""#) && page.contains(r#"id="network-0""#));

    fs::write(folder.file(RunFile::Epochs), "nonsense\n").unwrap();
    assert_eq!(report(&made.path(), &[]).0, 1);
}

fn id(experiment: &str, seed: u64) -> RunId {
    RunId { experiment: experiment.into(), seed, spec_hash: "a".repeat(64) }
}

#[test]
fn an_unfinished_run_of_another_spec_is_left_out() {
    let made = Results::new("made");
    made.run("net1", 0, Status::Ok, &[50.0]);
    let folder = unfinished(&made, "net1", 1, &[90.0]);
    let name = folder.path().to_str().unwrap();
    fs::rename(name, name.replace(&"a".repeat(12), &"b".repeat(12))).unwrap();
    let page = report(&made.path(), &[]).1;
    let text = texts(&parsed(&page), "body").concat();
    let note = "net1: an unfinished run of another spec is left out, seed 1 of bbbbbbbbbbbb";
    assert!(text.contains(note), "{text}");
    assert!(!page.contains("90.0000") && page.contains("<td>50.0000</td>"));
}

#[test]
fn runs_that_diverged_are_in_no_mean_and_drawn_by_themselves() {
    let made = Results::new("made");
    made.run("net1", 0, Status::Ok, &[50.0, 60.0]);
    made.run("net1", 1, Status::Ok, &[52.0, 62.0]);
    made.run("net1", 2, Status::Diverged, &[10.0]);
    made.run("net2", 0, Status::Diverged, &[11.0, 10.0]);
    let page = report(&made.path(), &[]).1;
    let document = parsed(&page);
    let figure = |node: &roxmltree::Node<'_, '_>| node.attribute("id") == Some("curve-top1");
    let figure = document.descendants().find(figure).unwrap();
    let series = figure.descendants().find(|node| node.attribute("data-name") == Some("net1"));
    let points = series.unwrap().attribute("data-points").unwrap();
    assert!(points.contains("epoch 1, 51.0000 (n 2, 50.0000 to 52.0000)"), "{points}");
    let stray = |node: &roxmltree::Node<'_, '_>| node.attribute("class") == Some("stray");
    let strays: std::collections::BTreeSet<&str> = figure
        .descendants()
        .filter(stray)
        .filter_map(|node| node.first_element_child().and_then(|title| title.text()))
        .collect();
    let both = ["net1, seed 2, diverged", "net2, seed 0, diverged"];
    assert_eq!(strays, both.into_iter().collect());
}

#[test]
fn every_ending_is_told() {
    let made = Results::new("made");
    made.run("net1", 0, Status::Ok, &[50.0]);
    made.run("net1", 1, Status::Dropped, &[40.0]);
    made.run("net1", 2, Status::Paused, &[40.0]);
    let page = report(&made.path(), &[]).1;
    let document = parsed(&page);
    let rows = texts(&document, "tr");
    let row = rows.iter().find(|row| row.starts_with("net1")).unwrap();
    assert!(row.contains("50.00") && row.contains("1 dropped, 1 paused"), "{row}");
    let notes = texts(&document, "section").concat();
    assert!(notes.contains("seed 2 waits at a rung of halving"), "{notes}");
}

#[test]
fn times_of_different_devices_are_not_set_against_one_another() {
    let made = Results::new("made");
    for seed in 0..2 {
        for name in ["net1", "net2"] {
            let id = made.run(name, seed, Status::Ok, &[50.0 + seed as f64]);
            change(&made, &id, "latency_ms: None", "latency_ms: Some(1.25)");
        }
    }
    let alike = report(&made.path(), &[]).1;
    assert!(alike.contains(r#"id="cost-train""#) && alike.contains(r#"id="cost-latency""#));
    assert!(
        texts(&parsed(&alike), "tr")
            .iter()
            .any(|row| row.starts_with("net2") && row.contains("1.25"))
    );
    change(&made, &id("net2", 1), "device: \"cpu\"", "device: \"cuda:0\"");
    let apart = report(&made.path(), &[]).1;
    assert!(!apart.contains(r#"id="cost-train""#) && apart.contains(r#"id="cost-macs""#));
    let text = texts(&parsed(&apart), "body").concat();
    assert!(
        text.contains("Times are not drawn") && text.contains("they cannot be compared"),
        "{text}"
    );
    let rows = texts(&parsed(&apart), "tr");
    let row = rows.iter().find(|row| row.starts_with("net2")).unwrap();
    assert!(!row.contains("1.25"), "{row}");
}

#[test]
fn the_page_says_what_was_trained_and_how_to_have_it_again() {
    let made = Results::new("it's");
    for seed in [3, 5] {
        let id = made.run("net1", seed, Status::Ok, &[50.0, 60.0]);
        made.spec(&id, "set: Shapes10(seed: 0), train: 100, test: 100");
        let on = resweep::records::Environment::default();
        let on = ron::to_string(&on).unwrap();
        fs::write(made.store.run(&id).file(RunFile::Environment), on).unwrap();
    }
    let page = report(&made.path(), &[]).1;
    let document = parsed(&page);
    let lead = texts(&document, "header").concat();
    let setup = "shapes10 (drawn, seed 0), 100 images to train and 100 to test on; 2 epochs in batches of \
                 10; cpu, 2 threads, fp32; begun 2023-11-14.";
    assert!(lead.contains(setup), "{lead}");
    let commands = texts(&document, "pre").concat();
    // The apostrophe of the sweep's name is a byte in the name of its folder, which a shell leaves alone.
    let run = made.store.run(&id("net1", 3));
    let spec = run.file(RunFile::Spec);
    let sweep = format!(
        "cargo xtask sweep {} --set 'seeds=[3, 5]' --threads 2 --results again\n",
        spec.display()
    );
    assert!(commands.contains(&sweep), "{commands}");
    assert!(
        commands.contains(&format!("cargo xtask rerun {}\n", run.path().display())),
        "{commands}"
    );
    let loader = resweep::spec::load::Loader::default();
    let sets = ["seeds=[3, 5]".to_owned()];
    assert_eq!(resweep::experiment::sweep(&loader, &spec, &sets).unwrap().seeds, [3, 5]);
    let rows = texts(&document, "tr");
    assert!(rows.iter().any(|row| row == "seeds\n3, 5\n"), "{rows:?}");
}

#[test]
fn a_large_sweep_has_a_page_that_can_be_sent() {
    let made = Results::new("large");
    let top1: Vec<f64> = (0..200).map(|epoch| 95.0 - 80.0 / f64::from(epoch + 1)).collect();
    for seed in 0..5 {
        for net in 0..10 {
            made.run(&format!("net{net}"), seed, Status::Ok, &top1);
        }
    }
    let (code, page) = report(&made.path(), &[]);
    assert_eq!(code, 0);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let made = made();
    assert_eq!(report(&made.path(), &["--baseline", "net3"]).0, 2);
    assert_eq!(report(&made.path(), &["--output", "/none/report.html"]).0, 1);
    assert_eq!(report(&made.root.path().join("none"), &[]).0, 2);
    let run = fs::read_dir(made.path().join("runs")).unwrap().flatten().next().unwrap().path();
    fs::write(run.join("record.ron"), "(").unwrap();
    let (code, page) = report(&made.path(), &[]);
    assert_eq!(code, 1);
    assert!(parsed(&page).root().has_children());

    let made = Results::new("predictions");
    let labels = [0, 1, 2, 3];
    let id = made.predict("net1", 0, &labels, &labels);
    assert_eq!(report(&made.path(), &[]).0, 0);
    fs::write(made.store.run(&id).file(RunFile::Predictions), "no").unwrap();
    let (code, page) = report(&made.path(), &[]);
    assert_eq!(code, 1);
    let text = texts(&parsed(&page), "body").concat();
    assert!(text.contains("no predictions can be read"), "{text}");
}

#[test]
fn charts_are_written_as_files() {
    let made = made();
    let plots = made.root.path().join("plots");
    let (code, _) = report(&made.path(), &["--plots", plots.to_str().unwrap()]);
    assert_eq!(code, 0);
    for name in ["cost-params", "cost-macs", "curve-top1", "curve-train_loss"] {
        let svg = fs::read_to_string(plots.join(format!("{name}.svg"))).unwrap();
        roxmltree::Document::parse(&svg).unwrap();
        let png = fs::read(plots.join(format!("{name}.png"))).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        assert_eq!(reader.info().width, 1440);
    }
}

/// Every number of a path and of a place, by its frame.
fn places(document: &roxmltree::Document<'_>) -> Vec<(f64, f64)> {
    let is_drawn = |class: &str| ["mark", "line", "band", "stray"].contains(&class);
    let drawn = document.descendants().filter(|node| node.attribute("class").is_some_and(is_drawn));
    let series = drawn.filter(|node| {
        node.parent().and_then(|it| it.attribute("class")).is_some_and(|it| it.contains("series"))
    });
    let corners = |path: &str| -> Vec<(f64, f64)> {
        let inner = path.trim_start_matches('M').trim_end_matches('z');
        let pair = |pair: &str| {
            let (x, y) = pair.split_once(' ')?;
            let y: String = y.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            Some((x.parse().ok()?, y.parse().ok()?))
        };
        inner.split('L').filter_map(pair).collect()
    };
    series.flat_map(|node| corners(node.attribute("d").unwrap())).collect()
}

fn chart(line: bool, values: &[(f64, f64, f64)], log: bool) -> Chart {
    let point = |(x, y, spread): &(f64, f64, f64)| Point {
        x: *x,
        y: *y,
        spread: (*spread > 0.0).then_some((y - spread, y + spread)),
        said: format!("{x}, {y}; <said>"),
    };
    let points: Vec<Point> = values.iter().map(point).collect();
    let series = match line {
        true => {
            let stray = Stray { points: vec![(1.0, 20.0), (2.0, 1e9)], said: "<stray>".into() };
            vec![Series { number: 0, name: "a & b".into(), line, points, strays: vec![stray] }]
        }
        false => (0..)
            .zip(points)
            .map(|(number, point)| Series {
                number,
                name: format!("net{number}"),
                line,
                points: vec![point],
                strays: Vec::new(),
            })
            .collect(),
    };
    Chart {
        id: "chart".into(),
        title: "A chart".into(),
        about: "What it shows".into(),
        x: "x".into(),
        y: "y".into(),
        log,
        whole: line,
        steep: log,
        bounded: false,
        series,
        front: Vec::new(),
    }
}

#[test]
fn everything_stays_in_its_frame() {
    let cases = [
        chart(true, &[(1.0, 10.0, 2.0), (2.0, 90.0, 5.0), (3.0, 91.5, 0.0)], false),
        chart(true, &[(1.0, 0.0, 0.0)], false),
        chart(true, &[(1.0, 1e-9, 1e-10), (2.0, 2e-9, 0.0)], false),
        chart(false, &[(1e-3, 50.0, 1.0), (1e3, 60.0, 30.0), (1.0, 55.0, 0.0)], true),
        chart(false, &[(0.27, 57.3, 2.4), (0.27, 57.3, 2.4)], false),
        chart(false, &[], false),
    ];
    for chart in &cases {
        for form in [Form::Wide, Form::Narrow, Form::File] {
            let text = svg(chart, form);
            let document = roxmltree::Document::parse(&text).unwrap();
            let view = document.root_element().attribute("viewBox").unwrap();
            let size: Vec<f64> = view.split(' ').map(|number| number.parse().unwrap()).collect();
            for (x, y) in places(&document) {
                assert!((50.0..=size[2] - 10.0).contains(&x), "{x} in {view}: {text}");
                assert!((20.0..=size[3] - 40.0).contains(&y), "{y} in {view}: {text}");
            }
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}

#[test]
fn a_point_that_is_higher_stands_higher() {
    let drawn = chart(true, &[(1.0, 10.0, 0.0), (2.0, 30.0, 0.0), (3.0, 20.0, 0.0)], false);
    let text = svg(&drawn, Form::Wide);
    let document = roxmltree::Document::parse(&text).unwrap();
    let line = document.descendants().find(|node| node.attribute("class") == Some("line")).unwrap();
    let path = line.attribute("d").unwrap();
    let corners: Vec<(f64, f64)> = path[1..]
        .split('L')
        .map(|pair| pair.split_once(' ').unwrap())
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    let [(a, low), (b, high), (c, middle)] = corners[..] else { panic!("{path}") };
    assert!(a < b && b < c && high < middle && middle < low, "{path}");
    // Evenly spaced values are evenly spaced places.
    assert!(
        (b - a - (c - b)).abs() < 0.2 && (low - middle - (middle - high)).abs() < 0.2,
        "{path}"
    );
}

/// Three experiments with so many seeds.
fn three(seeds: u32) -> Results {
    let made = Results::new("made");
    for seed in 0..seeds {
        for (name, top1) in [("net1", 50.0), ("net2", 60.0), ("net3", 61.0)] {
            made.run(name, seed.into(), Status::Ok, &[top1 + f64::from(seed)]);
        }
    }
    made
}

#[test]
fn the_baseline_of_the_sweep_leads_the_first_table() {
    let made = three(3);
    let table = "experiment,top1_mean,top1_vs_baseline\nnet1,51,-10\nnet2,61,\nnet3,62,1\n";
    fs::write(made.path().join("accuracy.csv"), table).unwrap();
    let head = |more: &[&str]| texts(&parsed(&report(&made.path(), more).1), "th").concat();
    assert!(head(&[]).contains("against net2"), "{}", head(&[]));
    assert!(head(&["--baseline", "net3"]).contains("against net3"));
    fs::remove_file(made.path().join("accuracy.csv")).unwrap();
    assert!(head(&[]).contains("against net1"), "else the cheapest");
}

#[test]
fn what_a_sequential_test_found_is_not_told_as_corrected() {
    let made = three(4);
    let captions = || texts(&parsed(&report(&made.path(), &[]).1), "caption").concat();
    assert!(captions().contains("after Holm's correction"), "{}", captions());
    let pair = |name: &str, other: &str| format!("{name},{other},1,top1,4,10,8,12,600,60,better\n");
    let head = "experiment,other,round,metric,n,difference,low,high,e_value,threshold,decision\n";
    let told = |rows: &[String]| {
        fs::write(made.path().join("seeds.csv"), head.to_owned() + &rows.concat()).unwrap();
        captions()
    };
    let all = [pair("net2", "net1"), pair("net3", "net1"), pair("net3", "net2")];
    let of_all = told(&all);
    assert!(!of_all.contains("Holm's correction") && !of_all.contains("corrected for"), "{of_all}");
    assert!(of_all.contains("resolved by the sequential test that added seeds."), "{of_all}");
    // Of a sweep with a baseline the other pairs are tested as ever.
    let of_some = told(&all[..2]);
    assert!(of_some.contains("sequential test where that added seeds, elsewhere"), "{of_some}");
    assert!(of_some.contains("Where the test is `sequential t`, seeds were added"), "{of_some}");
    assert!(of_some.contains("Elsewhere intervals are of 95 % for each alone"), "{of_some}");
}
