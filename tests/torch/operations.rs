//! What the plan says of an operation against what libtorch makes of it, on random sizes.

use proptest::prelude::*;
use resweep::op::{Call, Init, InitScheme, Op, Shape};
use tch::{Device, Kind, Tensor};

use crate::cases::op;

fn dims(shape: Shape) -> Vec<i64> {
    match shape {
        Shape::Maps(c, h, w) => vec![2, c as i64, h as i64, w as i64],
        Shape::Features(f) => vec![2, f as i64],
    }
}

/// The result of an operation on ones, a batch of two, with weights of 1 and biases of 0.
fn on_ones(op: &Op, inputs: &[Shape]) -> Result<Tensor, tch::TchError> {
    let ones = |dims: &[i64]| Tensor::ones(dims, (Kind::Float, Device::Cpu));
    let weights = op.operation().weights(inputs, InitScheme::Torchvision);
    let weights: Vec<Tensor> = weights
        .iter()
        .map(|weight| {
            let dims: Vec<i64> = weight.dims.iter().map(|&d| d as i64).collect();
            let value = if weight.init == Init::Zeros { 0.0 } else { 1.0 };
            Tensor::full(&dims, value, (Kind::Float, Device::Cpu))
        })
        .collect();
    let inputs: Vec<Tensor> = inputs.iter().map(|&shape| ones(&dims(shape))).collect();
    let call = Call {
        inputs: &inputs.iter().collect::<Vec<_>>(),
        weights: &weights,
        training: false,
        in_place: false,
    };
    op.operation().forward(&call)
}

/// The planned shape is libtorch's, and what is refused libtorch refuses.
fn check(text: &str, inputs: &[Shape]) -> Result<(), TestCaseError> {
    let op = op(text, &[]).map_err(TestCaseError::fail)?;
    let found = on_ones(&op, inputs);
    match (op.operation().output(inputs), found) {
        (Ok(planned), Ok(found)) => {
            prop_assert_eq!(dims(planned), found.size(), "{} on {:?}", text, inputs);
            check_macs(&op, inputs, planned, &found)
        }
        (Err(_), Err(_)) => Ok(()),
        (planned, found) => {
            Err(TestCaseError::fail(format!("{text} on {inputs:?}: {planned:?}, {found:?}")))
        }
    }
}

/// With ones everywhere, an output far from the border is the number of products in its sum.
fn check_macs(op: &Op, inputs: &[Shape], out: Shape, result: &Tensor) -> Result<(), TestCaseError> {
    let products = match op {
        Op::Conv2d(conv) if conv.padding == Some(0.into()) && !conv.bias => result.max(),
        Op::Linear(linear) if !linear.bias => result.max(),
        _ => return Ok(()),
    };
    let macs = products.double_value(&[]) as u64 * out.numel();
    prop_assert_eq!(op.operation().macs(inputs, out), macs);
    Ok(())
}

/// A size as a spec writes it: a number or a pair.
fn size(range: std::ops::Range<u64>) -> impl Strategy<Value = String> {
    prop_oneof![
        range.clone().prop_map(|side| side.to_string()),
        (range.clone(), range).prop_map(|(height, width)| format!("({height}, {width})")),
    ]
}

fn field(name: &str, value: Option<String>) -> String {
    value.map_or_else(String::new, |value| format!(", {name}: {value}"))
}

fn maps() -> impl Strategy<Value = Shape> {
    (1_u64..9, 1_u64..20, 1_u64..20).prop_map(|(c, h, w)| Shape::Maps(c, h, w))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn conv2d(
        (groups, ins, outs) in (1_u64..4, 1_u64..4, 1_u64..4),
        (kernel, stride, dilation) in (size(1..6), size(1..4), size(1..4)),
        padding in prop::option::of(size(0..4)),
        (height, width) in (1_u64..20, 1_u64..20),
        bias in any::<bool>(),
    ) {
        let (out, padding) = (outs * groups, field("padding", padding));
        let text = format!("Conv2d(out: {out}, kernel: {kernel}, stride: {stride}{padding}, dilation: {dilation}, groups: {groups}, bias: {bias})");
        check(&text, &[Shape::Maps(ins * groups, height, width)])?;
    }

    #[test]
    fn pools(
        (kernel, stride) in (size(1..6), prop::option::of(size(1..5))),
        (padding, dilation) in (prop::option::of(size(0..4)), prop::option::of(size(1..4))),
        (ceil, count) in (any::<bool>(), any::<bool>()),
        input in maps(),
    ) {
        let fields = format!(
            "kernel: {kernel}{}{}, ceil_mode: {ceil}", field("stride", stride), field("padding", padding)
        );
        check(&format!("AvgPool2d({fields}, count_include_pad: {count})"), &[input])?;
        check(&format!("MaxPool2d({fields}{})", field("dilation", dilation)), &[input])?;
    }

    #[test]
    fn other_sizes(
        (kernel, stride) in (2_u64..8, 1_u64..6),
        out in size(1..9),
        input in maps(),
    ) {
        check(&format!("BlurPool(kernel: {kernel}, stride: {stride})"), &[input])?;
        check(&format!("Subsample(stride: {stride})"), &[input])?;
        check(&format!("Upsample(scale: {stride})"), &[input])?;
        check(&format!("Upsample(scale: {stride}, mode: Bilinear)"), &[input])?;
        check(&format!("AdaptiveAvgPool2d(out: {out})"), &[input])?;
        check(&format!("AdaptiveMaxPool2d(out: {out})"), &[input])?;
        check("GlobalAvgPool()", &[input])?;
        check("GlobalMaxPool()", &[input])?;
        check("Flatten()", &[input])?;
    }

    #[test]
    fn channels(
        (groups, start, end, added) in (1_u64..5, 0_u64..4, 1_u64..5, 0_u64..9),
        (multiple, features) in (1_u64..4, 5_u64..12),
        (height, width) in (1_u64..9, 1_u64..9),
    ) {
        let input = Shape::Maps(groups * multiple, height, width);
        check(&format!("GroupNorm(groups: {groups})"), &[input])?;
        check(&format!("ChannelShuffle(groups: {groups})"), &[input])?;
        let out = groups * multiple + added;
        check(&format!("ChannelPad(out: {out})"), &[input])?;
        check(&format!("ChannelPad(out: {out}, place: Both)"), &[input])?;
        let vector = Shape::Features(features);
        if start < end {
            check(&format!("Slice(start: {start}, end: {end})"), &[vector])?;
            check(&format!("Slice(start: {start})"), &[Shape::Maps(features, height, width)])?;
        }
        check(&format!("ChannelConv(kernel: {})", 2 * groups - 1), &[vector])?;
        check(&format!("Linear(out: {out}, bias: false)"), &[vector])?;
        check("LayerNorm()", &[input])?;
        check("LayerNorm()", &[vector])?;
        check("BatchNorm2d()", &[input])?;
    }

    /// Sizes of 1 and 2 alone, so that inputs fit as often as not. (Two vectors as one input of a
    /// `Concat` of maps are refused by both; a vector counts as maps of one pixel in a `Mul` only.)
    #[test]
    fn joins(
        shapes in prop::collection::vec((1_u64..3, 1_u64..3, 1_u64..3), 2..4),
        vectors in prop::collection::vec(any::<bool>(), 3),
    ) {
        let maps: Vec<Shape> = shapes.iter().map(|&(c, h, w)| Shape::Maps(c, h, w)).collect();
        let mixed: Vec<Shape> = shapes
            .iter()
            .zip(&vectors)
            .map(|(&(c, h, w), &vector)| if vector { Shape::Features(c) } else { Shape::Maps(c, h, w) })
            .collect();
        check("Mul()", &maps)?;
        check("Mul()", &mixed)?;
        check("Concat()", &maps)?;
        check("Concat()", &mixed)?;
    }
}
