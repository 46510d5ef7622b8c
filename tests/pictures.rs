//! Pictures of networks, and plans as rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/svg.rs"]
mod svg;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use resweep::cli::{PlanArgs, PlanFormat};
use resweep::commands::plan;
use resweep::experiment;
use resweep::picture::{self, Unfold};
use resweep::plan::Plan;
use resweep::spec::load::Loader;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn network(path: &Path) -> Plan {
    let loader = Loader::default();
    experiment::network(&loader, path, &[], None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

fn small() -> PathBuf {
    root().join("tests/pictures/small.ron")
}

fn told(spec: &Path, format: PlanFormat) -> String {
    let args = PlanArgs { spec: spec.to_path_buf(), format, ..PlanArgs::default() };
    plan::text(&Loader::default(), &args).unwrap()
}

/// Every network that ships.
fn shipped() -> Vec<(String, Plan)> {
    let entries = std::fs::read_dir(root().join("experiments/models")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), network(path))).collect()
}

#[test]
fn the_formats_of_a_small_network_are_as_they_were() {
    insta::assert_snapshot!("small.svg", told(&small(), PlanFormat::Svg));
    insta::assert_snapshot!("small.dot", told(&small(), PlanFormat::Dot));
    insta::assert_snapshot!("small.csv", told(&small(), PlanFormat::Csv));
    insta::assert_snapshot!("small.json", told(&small(), PlanFormat::Json));
}

#[test]
fn every_picture_can_be_read() {
    for (name, plan) in shipped() {
        let folded = picture::svg(&plan, &name, &Unfold::Nothing).unwrap();
        let whole = picture::svg(&plan, &name, &Unfold::Everything).unwrap();
        assert!(svg::check(&name, &folded) <= plan.steps.len(), "{name}");
        assert_eq!(svg::check(&name, &whole), plan.steps.len(), "{name}");
        assert_eq!(folded, picture::svg(&plan, &name, &Unfold::Nothing).unwrap(), "{name}");
    }
}

/// Stem 3, head 2; two drawn blocks in each stage, of 10 and 8 steps with the projection and
/// without, but for the first stage of ResNet-18, whose blocks are all the same.
#[test]
fn blocks_that_repeat_are_drawn_once() {
    let nodes = |name: &str, unfold| {
        let plan = network(&root().join(format!("experiments/models/{name}.ron")));
        svg::check(name, &picture::svg(&plan, name, &unfold).unwrap())
    };
    assert_eq!(nodes("resnet50", Unfold::Nothing), 3 + 4 * (12 + 10) + 2);
    assert_eq!(nodes("resnet152", Unfold::Nothing), 3 + 4 * (12 + 10) + 2);
    assert_eq!(nodes("resnet34", Unfold::Nothing), 3 + 7 + 3 * (9 + 7) + 2);
    let third = Unfold::Stages(vec!["layer3".into()]);
    assert_eq!(nodes("resnet50", third), 3 + 3 * (12 + 10) + (12 + 5 * 10) + 2);
}

/// Each block of a dense stage reads more channels than the one before it.
#[test]
fn blocks_that_differ_in_numbers_alone_are_drawn_with_their_range() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dense.ron");
    let text = r#"Network(
        input: (16, 8, 8), classes: 2, stem: [("stem", Relu())],
        stages: [(layers: 24, width: 4, stride: 1, block: Block(nodes: [
            ("conv", Conv2d(out: 12, kernel: 3)), ("concat", Concat(from: ["input", "conv"])),
        ]))],
        head: [("pool", GlobalAvgPool()), ("fc", Linear(out: "classes"))],
    )"#;
    std::fs::write(&file, text).unwrap();
    let picture = picture::svg(&network(&file), "dense", &Unfold::Nothing).unwrap();
    assert_eq!(svg::check("dense", &picture), 1 + 2 + 2);
    for text in ["× 24", "16…292×8×8", "28…304×8×8", "1.73k…31.5k params"] {
        assert!(picture.contains(text), "{text} is not in\n{picture}");
    }
}

#[test]
fn windows_strides_and_groups_are_written_at_the_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("windows.ron");
    let text = r#"Network(
        input: (4, 16, 16), classes: 2,
        stem: [
            ("wide", Conv2d(out: 8, kernel: (1, 7), stride: (1, 2))),
            ("grouped", Conv2d(out: 8, kernel: 3, stride: 2, groups: 4)),
        ],
        stages: [], head: [("pool", GlobalAvgPool()), ("fc", Linear(out: "classes"))],
    )"#;
    std::fs::write(&file, text).unwrap();
    let picture = picture::svg(&network(&file), "windows", &Unfold::Nothing).unwrap();
    for text in ["Conv2d 1×7 /1×2<", "Conv2d 3×3 /2 groups 4<", "stride: (1, 2)"] {
        assert!(picture.contains(text), "{text} is not in\n{picture}");
    }
}

#[test]
fn names_are_escaped() {
    let plan = network(&small());
    let title = "a <b> & \"c\"\n";
    let picture = picture::svg(&plan, title, &Unfold::Nothing).unwrap();
    svg::check("escaped", &picture);
    assert!(picture::dot(&plan, title).starts_with("digraph \"a <b> & \\\"c\\\"\\n\" {"));
}

#[test]
fn dot_has_every_step_and_every_edge() {
    for (name, plan) in shipped() {
        let dot = picture::dot(&plan, &name);
        let edges: usize = plan.steps.iter().map(|step| step.inputs.len()).sum();
        assert_eq!(dot.matches(" -> ").count(), edges + 1, "{name}");
        assert_eq!(dot.matches("tooltip=").count(), plan.steps.len(), "{name}");
        let parts = plan.scopes.iter().filter(|scope| !scope.path.is_empty());
        let stages = dot.matches("\n  subgraph ").count();
        assert_eq!(dot.matches("subgraph ").count(), stages + parts.count(), "{name}");
        assert_eq!(dot.matches('{').count(), dot.matches('}').count(), "{name}");
    }
}

/// What the rows of a network add up to is what the plan says.
#[test]
fn rows_add_up_to_the_plan() {
    for (name, plan) in shipped() {
        let path = root().join(format!("experiments/models/{name}.ron"));
        let text = told(&path, PlanFormat::Csv);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let sum = |column: &str| -> u64 {
            let at = header.iter().position(|other| other == column).unwrap();
            rows.iter().map(|row| row[at].parse::<u64>().unwrap()).sum()
        };
        let sums = (rows.len(), sum("params"), sum("macs"), sum("activation_bytes"));
        let wanted = (plan.steps.len(), plan.params(), plan.macs(), plan.activation_bytes());
        assert_eq!(sums, wanted, "{name}");
        let json: serde_json::Value = serde_json::from_str(&told(&path, PlanFormat::Json)).unwrap();
        assert_eq!(json["params"], plan.params(), "{name}");
        assert_eq!(json["steps"].as_array().unwrap().len(), rows.len(), "{name}");
        let columns: Vec<&String> = json["steps"][0].as_object().unwrap().keys().collect();
        assert_eq!(columns, header.iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_sweep_has_a_row_an_experiment_and_no_picture() {
    let sweep = root().join("experiments/depth.ron");
    let rows = told(&sweep, PlanFormat::Csv);
    assert_eq!(rows.lines().count(), 6);
    assert!(rows.starts_with("experiment,input,layers,params,macs,activation_bytes,spec_hash\n"));
    assert!(rows.contains("\nresnet18,3x32x32,21,11173962,555422720,"), "{rows}");
    let json: serde_json::Value = serde_json::from_str(&told(&sweep, PlanFormat::Json)).unwrap();
    assert_eq!(json["experiments"][4]["experiment"], "resnet152");
    let args = PlanArgs { spec: sweep, format: PlanFormat::Svg, ..PlanArgs::default() };
    let Err(plan::PlanError::Format(error)) = plan::text(&Loader::default(), &args) else {
        panic!("a sweep was drawn")
    };
    assert!(error.to_string().contains("is a sweep of 5; name a network file"), "{error}");
}

#[test]
fn a_stage_to_unfold_must_be_there() {
    let unfold = Unfold::Stages(vec!["layer5".into()]);
    let error = picture::svg(&network(&small()), "small", &unfold).unwrap_err().to_string();
    assert_eq!(error, "the network has no stage `layer5` to unfold; it has layer1");
}

/// A block of so many nodes whose wires are drawn from numbers: each reads one or several of the
/// nodes before it, and a last join reads what is left.
fn block(wires: &[Vec<usize>]) -> String {
    let name = |index: usize| if index == 0 { "input".into() } else { format!("n{index}") };
    let mut unread: Vec<usize> = Vec::new();
    let mut text = String::from("Block(nodes: [\n");
    for (index, from) in wires.iter().enumerate() {
        let from: Vec<usize> = from.iter().map(|number| number % (index + 1)).collect();
        unread.retain(|node| !from.contains(node));
        unread.push(index + 1);
        let names = from.iter().map(|&node| format!("{:?}", name(node))).collect::<Vec<_>>();
        let (op, from) = match names.as_slice() {
            [one] if index % 3 > 0 => ("Conv2d(kernel: 1, out: 100, ", one.clone()),
            [one] => ("Relu(", one.clone()),
            several => ("Concat(", format!("[{}]", several.join(", "))),
        };
        let _ = writeln!(text, "({:?}, {op}from: {from})),", name(index + 1));
    }
    if unread.len() > 1 {
        let names = unread.iter().map(|&node| format!("{:?}", name(node))).collect::<Vec<_>>();
        let _ = writeln!(text, "(\"end\", Concat(from: [{}])),", names.join(", "));
    }
    text + "])"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// No boxes on one another, no text on another, no line through a node.
    #[test]
    fn any_wiring_can_be_read(
        wires in prop::collection::vec(prop::collection::vec(0_usize..1000, 1..4), 1..14)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("random.ron");
        let text = format!(
            "Network(input: (4, 4, 4), classes: 2, stem: [(\"stem\", Relu())], \
             stages: [(layers: 2, width: 4, stride: 1, block: {})], \
             head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))])",
            block(&wires)
        );
        std::fs::write(&file, &text).unwrap();
        let plan = network(&file);
        let picture = picture::svg(&plan, "random", &Unfold::Everything).unwrap();
        prop_assert_eq!(svg::check(&text, &picture), plan.steps.len());
    }
}
