//! Working in place saves memory and changes nothing: neither results nor gradients.

use std::fmt::Write as _;

use proptest::prelude::*;
use resweep::experiment;
use resweep::model::Model;
use resweep::plan::Plan;
use resweep::spec::load::Loader;
use tch::{Device, Kind, Tensor, manual_seed};

use crate::formula::images;
use crate::seeds;

/// Operations that keep 8 channels and the size: those that work in place, those whose results
/// must not be overwritten, and those that hand their input on.
const CHAIN: [&str; 40] = [
    "Relu()",
    "Sigmoid()",
    "Tanh()",
    "LeakyRelu()",
    "LeakyRelu(slope: 0.2)",
    "Relu6()",
    "Silu()",
    "Gelu()",
    "Gelu(approximate: Tanh)",
    "Mish()",
    "Hardswish()",
    "Hardsigmoid()",
    "Softmax()",
    "Prelu()",
    "Prelu(per: Channel)",
    "Scale(init: 0.5)",
    "Scale(per: Channel, init: 2)",
    "BatchNorm2d()",
    "BatchNorm2d(init: 0.5)",
    "GroupNorm(groups: 2)",
    "GroupNorm(groups: 8)",
    "LayerNorm()",
    "Conv2d(out: 8, kernel: 3)",
    "Conv2d(out: 8, kernel: (1, 3), groups: 8)",
    "Dropout(p: 0.3)",
    "DropPath(p: 0.3)",
    "Dropout(p: 0)",
    "DropPath(p: 0)",
    "ChannelShuffle(groups: 1)",
    "ChannelShuffle(groups: 2)",
    "ChannelShuffle(groups: 8)",
    "Subsample(stride: 1)",
    "Slice()",
    "ChannelPad(out: 8)",
    "MaxPool2d(kernel: 3, stride: 1, padding: 1)",
    "AvgPool2d(kernel: 3, stride: 1, padding: 1)",
    "AdaptiveAvgPool2d(out: 6)",
    "AdaptiveMaxPool2d(out: 6)",
    "BlurPool(stride: 1)",
    "Upsample(scale: 1, mode: Bilinear)",
];

/// Joins and gates: parts that read a node more than once. `A` stands for the node before, `N` for
/// the names of the part.
const PARTS: [&str; 7] = [
    r#"("N", Add(from: ["A", "B"])),"#,
    r#"("N", Mul(from: ["A", "B"])),"#,
    r#"("Na", Slice(from: "A", end: 4)), ("Nb", Slice(from: "A", start: 4)), ("Nc", Relu()),
       ("N", Concat(from: ["Na", "Nc"])),"#,
    r#"("Na", Slice(from: "A", end: 4)), ("Nb", Sigmoid()), ("Nc", Concat(from: ["Nb", "Nb"])),
       ("N", Add(from: ["A", "Nc"])),"#,
    r#"("Na", GlobalAvgPool(from: "A")), ("Nb", Linear(out: 8)), ("Nc", Relu()), ("Nd", Linear(out: 8)),
       ("Ne", Sigmoid()), ("N", Mul(from: ["A", "Ne"])),"#,
    r#"("Na", GlobalMaxPool(from: "A")), ("Nb", ChannelConv(kernel: 3)), ("Nc", Tanh()),
       ("N", Mul(from: ["A", "Nc"])),"#,
    r#"("Na", Dropout(from: "A", p: 0.3)), ("Nb", Relu()), ("N", Add(from: ["A", "Nb"])),"#,
];

/// Node `n0` reads the input; a join reads one of the nodes before.
fn spec(choices: &[(usize, usize)]) -> String {
    let mut nodes = "(\"n0\", Conv2d(out: 8, kernel: 3, bias: true)),\n".to_string();
    for (index, &(choice, other)) in choices.iter().enumerate() {
        let (name, before) = (format!("n{}", index + 1), format!("n{index}"));
        let text = match choice.checked_sub(CHAIN.len()) {
            None => format!("(\"{name}\", {}),", CHAIN[choice]),
            Some(part) => PARTS[part]
                .replace("\"N", &format!("\"{name}"))
                .replace("\"A\"", &format!("{before:?}"))
                .replace("\"B\"", &format!("\"n{}\"", other % (index + 1))),
        };
        writeln!(nodes, "{text}").unwrap();
    }
    format!(
        "Network(input: (3, 6, 6), stem: [{nodes}], head: [(\"flat\", Flatten()), (\"relu\", Relu()), (\"fc\", Linear(out: \"classes\"))])"
    )
}

fn planned(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.ron");
    std::fs::write(&file, text).unwrap();
    let loader = Loader::default();
    experiment::network(&loader, &file, &[], None)
        .unwrap_or_else(|error| panic!("{}", error.render(&loader.sources)))
}

/// Logits in evaluation and in training, and all gradients.
fn outcome(plan: &Plan) -> Vec<Tensor> {
    let model = Model::new(plan.clone(), 5, Device::Cpu).unwrap();
    manual_seed(9);
    let images = images(&[4, 3, 6, 6]).set_requires_grad(true);
    let evaluated = tch::no_grad(|| model.forward(&images, false).unwrap());
    let trained = model.forward(&images, true).unwrap();
    (&trained * &trained).sum(Kind::Float).backward();
    let mut outcome = vec![evaluated, trained.detach(), images.grad()];
    outcome.extend(model.weights().filter(|(w, _)| w.is_trained()).map(|(_, t)| t.grad()));
    outcome
}

fn without_in_place(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.steps.iter_mut().for_each(|step| step.in_place = false);
    plan
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn results_and_gradients_stay(
        choices in prop::collection::vec((0..CHAIN.len() + PARTS.len(), 0..20_usize), 1..12),
    ) {
        let text = spec(&choices);
        let plan = planned(&text);
        let _guard = seeds::alone();
        let (with, without) = (outcome(&plan), outcome(&without_in_place(&plan)));
        for (index, (a, b)) in with.iter().zip(&without).enumerate() {
            prop_assert_eq!(a.defined(), b.defined());
            let same = !a.defined() || a.allclose(b, 0.0, 0.0, true);
            prop_assert!(same, "number {} of the outcome differs: {}", index, text);
        }
    }
}

/// The activations that PyTorch derives from the result alone do work in place after a
/// normalisation, and nothing works over what another node reads or a backward pass needs.
#[test]
fn memory_is_saved_where_it_can_be() {
    let in_place = |nodes: &str| -> Vec<String> {
        let text = format!(
            "Network(stem: [(\"c\", Conv2d(out: 8, kernel: 3)), {nodes}], head: [(\"p\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))])"
        );
        let plan = planned(&text);
        plan.steps.into_iter().filter(|step| step.in_place).map(|step| step.path).collect()
    };
    for op in ["Relu()", "LeakyRelu()", "Sigmoid()", "Tanh()"] {
        assert_eq!(in_place(&format!("(\"n\", BatchNorm2d()), (\"a\", {op})")), ["a"], "{op}");
        assert_eq!(in_place(&format!("(\"n\", GroupNorm(groups: 2)), (\"a\", {op})")), ["a"]);
        let after = format!("(\"s\", Sigmoid()), (\"a\", {op})");
        assert_eq!(in_place(&after), ["s"], "{op} would overwrite what the sigmoid needs");
        for view in ["Slice()", "Subsample(stride: 1)", "Dropout()", "ChannelShuffle(groups: 1)"] {
            let nodes =
                format!("(\"v\", {view}), (\"a\", {op}), (\"j\", Add(from: [\"c\", \"a\"]))");
            assert!(in_place(&nodes).is_empty(), "{op} would overwrite what {view} shares");
        }
    }
    for op in ["Silu()", "Gelu()", "Mish()", "Hardswish()", "Relu6()", "LeakyRelu(slope: 0.1)"] {
        assert!(in_place(&format!("(\"n\", BatchNorm2d()), (\"a\", {op})")).is_empty(), "{op}");
    }
}
