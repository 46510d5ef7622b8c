//! What differs between two networks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use resweep::cli::PlanArgs;
use resweep::commands::plan;
use resweep::experiment;
use resweep::plan::Plan;
use resweep::plan::diff::{Diff, Mark, between};
use resweep::spec::load::Loader;

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("experiments/models/{name}.ron"))
}

fn changed(path: &Path, sets: &[&str]) -> Plan {
    let loader = Loader::default();
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_string()).collect();
    experiment::network(&loader, path, &sets, None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

fn network(name: &str) -> Plan {
    changed(&model(name), &[])
}

/// Mark, subject and what differs, of every line.
fn lines(diff: &Diff) -> Vec<(char, &str, &str)> {
    let line = |line: &'_ resweep::plan::diff::Line| line.mark.sign();
    diff.lines.iter().map(|l| (line(l), l.subject.as_str(), l.what.as_str())).collect()
}

const ALL: [&str; 5] = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet18_imagenet"];

#[test]
fn a_network_does_not_differ_from_itself() {
    for name in ALL {
        let diff = between(&network(name), &network(name));
        assert!(diff.is_empty(), "{name}: {diff}");
        assert_eq!(diff.to_string(), "no difference\n");
        assert!(diff.totals.iter().all(|total| total.values.0 == total.values.1));
    }
}

/// What one direction adds the other removes, and steps are neither lost nor made.
#[test]
fn the_other_direction_tells_the_opposite() {
    let plans = ALL.map(network);
    for (a, first) in plans.iter().zip(ALL) {
        for (b, second) in plans.iter().zip(ALL) {
            let (there, back) = (between(a, b), between(b, a));
            let counts = |diff: &Diff| (diff.counts.changed, diff.counts.renamed);
            assert_eq!(counts(&there), counts(&back), "{first} {second}");
            assert_eq!(there.counts.added, back.counts.removed, "{first} {second}");
            assert_eq!(there.counts.removed, back.counts.added, "{first} {second}");
            let kept = a.steps.len() - there.counts.removed;
            assert_eq!(kept + there.counts.added, b.steps.len(), "{first} {second}");
            for (x, y) in there.totals.iter().zip(&back.totals) {
                assert_eq!((x.name, x.values), (y.name, (y.values.1, y.values.0)));
            }
        }
    }
}

/// ResNet-34 has 3, 4, 6 and 3 blocks where ResNet-18 has 2 each, of 7 steps.
#[test]
fn blocks_that_are_added_are_told_whole_and_together() {
    let diff = between(&network("resnet18"), &network("resnet34"));
    let subjects: Vec<_> = lines(&diff).into_iter().map(|(mark, at, _)| (mark, at)).collect();
    let wanted = ["layer1.2", "layer2.2 to layer2.3", "layer3.2 to layer3.5", "layer4.2"];
    assert_eq!(subjects, wanted.map(|subject| ('+', subject)));
    assert_eq!((diff.counts.added, diff.counts.changed, diff.counts.removed), (8 * 7, 0, 0));
}

/// A convolution of 5x5 has 25/9 of the weights of one of 3x3, in 16 blocks.
#[test]
fn the_same_change_in_many_blocks_is_told_once() {
    let path = model("resnet34");
    let diff = between(&changed(&path, &[]), &changed(&path, &["block.nodes.conv2.kernel=5"]));
    let subjects: Vec<&str> = lines(&diff).iter().map(|line| line.1).collect();
    let wanted = [1, 2, 3, 4].map(|stage| format!("layer{stage}.0 to layer{stage}."));
    assert_eq!(subjects.len(), 4, "{diff}");
    for (subject, start) in subjects.iter().zip(&wanted) {
        assert!(subject.starts_with(start.as_str()) && subject.ends_with(": conv2"), "{subject}");
    }
    assert_eq!(lines(&diff)[0].2, "kernel: 3 -> 5, params: 36,864 -> 102,400");
    assert_eq!(diff.counts.changed, 16);
}

/// A stage with another name has the same steps.
#[test]
fn renamed_steps_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(model("resnet18")).unwrap();
    let block = model("../blocks/basic").canonicalize().unwrap();
    let text = text.replace("../blocks/basic.ron", block.to_str().unwrap());
    let file = folder.path().join("renamed.ron");
    std::fs::write(&file, text.replace("stride: 1)", "stride: 1, name: \"first\")")).unwrap();
    let diff = between(&network("resnet18"), &changed(&file, &[]));
    let wanted = [('=', "first.0", "was layer1.0"), ('=', "first.1", "was layer1.1")];
    assert_eq!(lines(&diff), wanted);
    let counts = (diff.counts.renamed, diff.counts.added, diff.counts.removed);
    assert_eq!((counts, diff.counts.changed), ((14, 0, 0), 0));
}

#[test]
fn operations_that_change_and_initial_values_are_told() {
    let path = model("resnet18");
    let pooled = ["head.avgpool=(\"avgpool\", GlobalMaxPool())"];
    let diff = between(&changed(&path, &[]), &changed(&path, &pooled));
    assert_eq!(lines(&diff), [('~', "avgpool", "GlobalAvgPool -> GlobalMaxPool")]);
    let diff = between(&changed(&path, &[]), &changed(&path, &["init=Pytorch"]));
    assert_eq!(diff.counts.changed, 20, "{diff}");
    assert!(diff.lines.iter().all(|l| l.mark == Mark::Changed && l.what == "initial values"));
}

/// ResNet-18 to ResNet-50: 110.5 % more parameters (23,520,842 / 11,173,962 = 2.10497).
#[test]
fn totals_have_differences_and_percentages() {
    let text = between(&network("resnet18"), &network("resnet50")).to_string();
    let row = text.lines().find(|line| line.trim_start().starts_with("params")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["params", "11,173,962", "23,520,842", "+12,346,880", "+110.5"]);
    insta::assert_snapshot!("resnet18_resnet34", {
        between(&network("resnet18"), &network("resnet34")).to_string()
    });
}

#[test]
fn a_sweep_is_not_compared() {
    let sweep = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/depth.ron");
    for (first, second) in [(&sweep, &model("resnet18")), (&model("resnet18"), &sweep)] {
        let other = Some(second.clone());
        let args = PlanArgs { spec: first.clone(), other, diff: true, ..PlanArgs::default() };
        let Err(plan::PlanError::Format(error)) = plan::text(&Loader::default(), &args) else {
            panic!("a sweep was compared")
        };
        let text = error.to_string();
        assert!(text.starts_with("--diff compares two networks, but `"), "{text}");
        assert!(text.contains("depth.ron` is a sweep"), "{text}");
    }
}

#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    args: PlanArgs,
}

/// What clap says to arguments of `plan`.
fn parsed(line: &str) -> Result<PlanArgs, String> {
    let words = ["plan"].into_iter().chain(line.split_whitespace());
    let parsed = <CommandLine as clap::Parser>::try_parse_from(words);
    parsed.map(|line| line.args).map_err(|error| error.to_string())
}

#[test]
fn the_command_line_is_checked() {
    for line in ["a.ron b.ron", "a.ron --diff", "a.ron b.ron --diff --format svg", "", "--diff"] {
        let error = parsed(line).unwrap_err();
        assert!(error.contains("Usage: "), "{line}: {error}");
    }
    let args = parsed("a.ron --format svg --unfold layer2 --unfold layer3").unwrap();
    assert_eq!(args.unfold, ["layer2", "layer3"]);
    assert_eq!(parsed("a.ron --unfold").unwrap().unfold, ["*"]);
    assert!(parsed("a.ron b.ron --diff").unwrap().diff);
}
