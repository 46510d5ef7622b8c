//! Operations without tensors: what the plan says of them against what PyTorch made of them, and
//! how specs write them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/cases.rs"]
mod cases;

use std::collections::BTreeSet;

use cases::op;
use resweep::op::{InitScheme, Op, Shape};

#[test]
fn shapes_are_those_of_pytorch() {
    for case in cases::all() {
        let planned = case.op.operation().output(&case.inputs);
        assert_eq!(planned.clone().ok(), case.output, "{case:?}: {planned:?}");
        if let Err(misfit) = planned {
            assert!(!misfit.reason.is_empty() && misfit.help.is_some(), "{case:?}: {misfit:?}");
        }
    }
}

#[test]
fn weights_are_those_of_pytorch() {
    for case in cases::all().iter().filter(|case| case.output.is_some()) {
        let weights = case.op.operation().weights(&case.inputs, InitScheme::Pytorch);
        let ours: Vec<_> = weights.into_iter().map(|w| (w.name, w.dims)).collect();
        assert_eq!(ours, case.weights, "{case:?}");
    }
}

/// Each number of a kernel or matrix is used once for each pixel of the result (once for each
/// channel in a `ChannelConv`); nothing else counts.
#[test]
fn convolutions_and_linear_layers_count() {
    for case in cases::all() {
        let Some(output) = case.output else { continue };
        let uses = match (&case.op, output) {
            (Op::Conv2d(_), Shape::Maps(_, height, width)) => height * width,
            (Op::ChannelConv(_), Shape::Features(channels)) => channels,
            (Op::Linear(_), _) => 1,
            _ => 0,
        };
        let kernel = case.weights.iter().find(|(name, _)| name == "weight");
        let numbers: u64 = kernel.map_or(0, |(_, dims)| dims.iter().product());
        assert_eq!(case.op.operation().macs(&case.inputs, output), uses * numbers, "{case:?}");
    }
}

/// Every operation was checked against PyTorch.
#[test]
fn every_operation_has_cases() {
    let cases = cases::all();
    let known: BTreeSet<&str> = cases.iter().map(|case| case.op.name()).collect();
    let table = include_str!("../src/op/mod.rs");
    let (_, table) = table.split_once("operations! {\n    ///").unwrap();
    let names = table.lines().filter_map(|line| line.trim().split_once(" in "));
    let names: BTreeSet<&str> =
        names.filter(|(_, end)| end.ends_with(';')).map(|(n, _)| n).collect();
    assert_eq!(names, known);
}

fn written(text: &str) -> String {
    ron::to_string(&op(text, &[("k", 3), ("width", 64)]).unwrap()).unwrap()
}

/// Hashes of experiments are made of this text: what a new field leaves as it was is not in it.
#[test]
fn operations_are_written_as_before_they_had_more_fields() {
    for (text, wanted) in [
        ("BatchNorm2d()", "BatchNorm2d((eps:1e-5,momentum:0.1))"),
        ("BatchNorm2d(init: 1)", "BatchNorm2d((eps:1e-5,momentum:0.1))"),
        (
            "Conv2d(out: 8, kernel: 3)",
            "Conv2d((out:8,kernel:3,stride:1,dilation:1,groups:1,bias:false))",
        ),
        (
            "Conv2d(out: 8, kernel: (3, 3), stride: 2, padding: 1)",
            "Conv2d((out:8,kernel:3,stride:2,padding:Some(1),dilation:1,groups:1,bias:false))",
        ),
        ("MaxPool2d(kernel: 3)", "MaxPool2d((kernel:3,padding:0))"),
        (
            "MaxPool2d(kernel: 3, stride: 2, padding: 1, dilation: 1, ceil_mode: false)",
            "MaxPool2d((kernel:3,stride:Some(2),padding:1))",
        ),
    ] {
        assert_eq!(written(text), wanted, "{text}");
    }
}

#[test]
fn new_fields_are_written_where_they_say_something() {
    for (text, wanted) in [
        ("BatchNorm2d(init: 0)", "init:0.0"),
        ("MaxPool2d(kernel: 3, dilation: 2)", "dilation:2"),
        ("MaxPool2d(kernel: 3, ceil_mode: true)", "ceil_mode:true"),
        ("Conv2d(out: 8, kernel: (1, 7))", "kernel:(1,7)"),
        ("Slice(end: 3)", "end:Some(3)"),
    ] {
        assert!(written(text).contains(wanted), "{text}: {}", written(text));
    }
}

#[test]
fn sizes_are_numbers_expressions_or_pairs() {
    let kernel = |size: &str| written(&format!("Conv2d(out: 8, kernel: {size})"));
    for three in ["\"k\"", "(3, 3)", "(\"k\", 3)", "(\"k\", \"width / 16 - 1\")"] {
        assert_eq!(kernel(three), kernel("3"), "{three}");
    }
    assert_eq!(kernel("(\"k - 2\", \"2 * k + 1\")"), kernel("(1, 7)"));
    assert_ne!(kernel("(1, 7)"), kernel("(7, 1)"));
    for (wrong, reason) in [
        ("(3, 3, 3)", "a whole number or a pair"),
        ("[3, 3]", "a whole number or a pair"),
        ("(3, 2.5)", "a whole number"),
        ("\"k / 2\"", "a whole number"),
        ("(3, -1)", "0 or more"),
        ("(3, \"z\")", "nothing here is called `z`"),
        ("true", "a whole number"),
    ] {
        let error = op(&format!("Conv2d(out: 8, kernel: {wrong})"), &[("k", 3)]).unwrap_err();
        assert!(error.contains(reason), "{wrong}: {error}");
    }
}

/// Numbers near the limits of their type are refused or planned, without overflow.
#[test]
fn absurd_sizes_do_not_overflow() {
    let (most, maps) = (i64::MAX, Shape::Maps(4, 8, 8));
    for text in [
        format!("MaxPool2d(kernel: 3, stride: {most}, ceil_mode: true)"),
        format!("MaxPool2d(kernel: {most}, padding: {})", most / 2),
        format!(
            "AvgPool2d(kernel: {most}, stride: {most}, padding: {}, ceil_mode: true)",
            most / 2
        ),
        format!("MaxPool2d(kernel: 3, dilation: {most}, ceil_mode: true)"),
        format!("Conv2d(out: {most}, kernel: {most}, dilation: {most}, stride: {most})"),
        format!("Upsample(scale: {most})"),
        format!("ChannelPad(out: {most})"),
        format!("AdaptiveAvgPool2d(out: {most})"),
        format!("Slice(start: {most}, end: {most})"),
        format!("BlurPool(kernel: {most}, stride: {most})"),
        format!("GroupNorm(groups: {most})"),
        format!("ChannelConv(kernel: {most})"),
    ] {
        let op = op(&text, &[]).unwrap();
        if let Ok(shape) = op.operation().output(&[maps]) {
            op.operation().weights(&[maps], InitScheme::Torchvision);
            op.operation().macs(&[maps], shape);
        }
    }
}
