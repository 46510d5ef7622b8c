//! Results and gradients of every operation against PyTorch's (`tests/reference/operations.py`).

use resweep::op::{Call, InitScheme, Role, Shape, Weight};
use tch::{Kind, Tensor};

use crate::cases::{self, Case};
use crate::formula::{golden, uniform};

/// Numbers must agree to this, relative to the largest of their kind.
const LIMIT: f64 = 1e-5;

/// Layout of an input in memory; models use the second.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Rows,
    ChannelsLast,
}

fn dims(shape: Shape) -> Vec<i64> {
    match shape {
        Shape::Maps(c, h, w) => vec![2, c as i64, h as i64, w as i64],
        Shape::Features(f) => vec![2, f as i64],
    }
}

/// An input of the case, as a leaf.
fn input(case: &Case, index: usize, layout: Layout) -> Tensor {
    let dims = dims(case.inputs[index]);
    let values = uniform(4_000_000 + 100 * case.number + index as u32, &dims) * 2.0;
    let values = match (layout, dims.len()) {
        (Layout::ChannelsLast, 4) => {
            let options = (Kind::Float, values.device());
            let mut other = Tensor::empty_permuted(&dims, [0, 2, 3, 1], options);
            other.copy_(&values);
            other
        }
        _ => values,
    };
    values.set_requires_grad(true)
}

fn weight(case: &Case, index: usize, weight: &Weight) -> Tensor {
    let dims: Vec<i64> = weight.dims.iter().map(|&dim| dim as i64).collect();
    let u = uniform(4_000_050 + 100 * case.number + index as u32, &dims);
    let value = if weight.name == "running_var" { u * 0.25 + 0.5 } else { u };
    value.set_requires_grad(weight.role != Role::Buffer)
}

/// The result, then the gradients of the inputs and of the trained weights.
fn run(case: &Case, layout: Layout, in_place: bool) -> Vec<Tensor> {
    let leaves: Vec<Tensor> =
        (0..case.inputs.len()).map(|index| input(case, index, layout)).collect();
    // A leaf cannot be overwritten: what an operation reads is always another's result.
    let inputs: Vec<Tensor> = leaves.iter().map(|leaf| leaf * 1.0).collect();
    let declared = case.op.operation().weights(&case.inputs, InitScheme::Pytorch);
    let weights: Vec<Tensor> =
        declared.iter().enumerate().map(|(index, w)| weight(case, index, w)).collect();
    let call = Call {
        inputs: &inputs.iter().collect::<Vec<_>>(),
        weights: &weights,
        training: case.training,
        in_place,
    };
    let result = case.op.operation().forward(&call).unwrap_or_else(|e| panic!("{case:?}: {e}"));
    let factor = uniform(4_000_099 + 100 * case.number, &result.size());
    (&result * factor).sum(Kind::Float).backward();
    let mut parts = vec![result.detach()];
    let trained = weights.iter().filter(|weight| weight.requires_grad());
    parts.extend(leaves.iter().chain(trained).map(Tensor::grad));
    parts
}

/// Compares each part with its share of PyTorch's numbers.
fn check(case: &Case, wanted: &Tensor, layout: Layout, in_place: bool) {
    let mut start = 0;
    let parts = run(case, layout, in_place);
    assert_eq!(Some(parts[0].size()), case.output.map(dims), "{case:?}");
    for (index, part) in parts.iter().enumerate() {
        let flat = part.flatten(0, -1);
        let wanted = wanted.narrow(0, start, flat.size()[0]);
        start += flat.size()[0];
        let largest = wanted.abs().max().double_value(&[]);
        let error = (flat - wanted).abs().max().double_value(&[]);
        assert!(error <= LIMIT * largest, "part {index} is off by {error:e}, {layout:?}: {case:?}");
    }
    assert_eq!(start, wanted.size()[0], "{case:?}");
}

#[test]
fn results_and_gradients_are_those_of_pytorch() {
    let golden = golden("operations.safetensors");
    let mut checked = 0;
    for case in cases::all().iter().filter(|case| case.output.is_some()) {
        let number = case.number.to_string();
        let (_, wanted) = golden.iter().find(|(name, _)| *name == number).unwrap();
        check(case, wanted, Layout::Rows, false);
        check(case, wanted, Layout::ChannelsLast, false);
        if case.op.operation().in_place() {
            check(case, wanted, Layout::Rows, true);
            check(case, wanted, Layout::ChannelsLast, true);
        }
        checked += 1;
    }
    assert_eq!(checked, golden.len());
}
