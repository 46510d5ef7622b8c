//! What the plan says of an operation against what libtorch makes of it, on random sizes.

use proptest::prelude::*;
use resweep::op::{BatchNorm2d, Call, Conv2d, Init, InitScheme, Linear, MaxPool2d, Op, Shape};
use tch::{Device, Kind, Tensor};

/// Runs an operation on a batch of two and compares the shape with the planned one.
fn check(op: &Op, input: Shape) -> Result<(), TestCaseError> {
    let Ok(planned) = op.operation().output(&[input]) else { return Ok(()) };
    let dims: Vec<i64> = match input {
        Shape::Maps(c, h, w) => vec![2, c as i64, h as i64, w as i64],
        Shape::Features(f) => vec![2, f as i64],
    };
    let x = Tensor::ones(&dims, (Kind::Float, Device::Cpu));
    let weights: Vec<Tensor> = op
        .operation()
        .weights(&[input], InitScheme::Torchvision)
        .iter()
        .map(|weight| {
            let dims: Vec<i64> = weight.dims.iter().map(|&d| d as i64).collect();
            let value = if weight.init == Init::Zeros { 0.0 } else { 1.0 };
            Tensor::full(&dims, value, (Kind::Float, Device::Cpu))
        })
        .collect();
    let call = Call { inputs: &[&x], weights: &weights, training: false, in_place: false };
    let result = op.operation().forward(&call).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let found = match *result.size() {
        [2, c, h, w] => Shape::Maps(c as u64, h as u64, w as u64),
        [2, f] => Shape::Features(f as u64),
        ref other => return Err(TestCaseError::fail(format!("{other:?}"))),
    };
    prop_assert_eq!(planned, found);
    check_macs(op, input, planned, &result)
}

/// With ones everywhere, an output far from the border is the number of products in its sum.
fn check_macs(op: &Op, input: Shape, output: Shape, result: &Tensor) -> Result<(), TestCaseError> {
    let products = match op {
        Op::Conv2d(conv) if conv.padding == Some(0) && !conv.bias => result.max(),
        Op::Linear(linear) if !linear.bias => result.max(),
        _ => return Ok(()),
    };
    let macs = products.double_value(&[]) as u64 * output.numel();
    prop_assert_eq!(op.operation().macs(&[input], output), macs);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn conv2d(
        (groups, ins, outs) in (1_u64..4, 1_u64..4, 1_u64..4),
        (kernel, stride, dilation) in (1_u64..6, 1_u64..4, 1_u64..4),
        padding in prop::option::of(0_u64..4),
        (height, width) in (1_u64..20, 1_u64..20),
        bias in any::<bool>(),
    ) {
        let out = outs * groups;
        let conv = Conv2d { out, kernel, stride, padding, dilation, groups, bias };
        check(&Op::Conv2d(conv), Shape::Maps(ins * groups, height, width))?;
    }

    #[test]
    fn max_pool2d(
        kernel in 1_u64..6,
        stride in prop::option::of(1_u64..4),
        padding in 0_u64..3,
        (height, width) in (1_u64..20, 1_u64..20),
    ) {
        check(&Op::MaxPool2d(MaxPool2d { kernel, stride, padding }), Shape::Maps(3, height, width))?;
    }

    #[test]
    fn others((channels, side, out) in (1_u64..9, 1_u64..9, 1_u64..9), bias in any::<bool>()) {
        let norm = Op::BatchNorm2d(BatchNorm2d { eps: 1e-5, momentum: 0.1 });
        check(&norm, Shape::Maps(channels, side, side))?;
        check(&Op::Linear(Linear { out, bias }), Shape::Features(channels))?;
        check(&Op::Relu(resweep::op::Relu {}), Shape::Maps(channels, side, side))?;
        check(&Op::GlobalAvgPool(resweep::op::GlobalAvgPool {}), Shape::Maps(channels, side, side))?;
    }
}
