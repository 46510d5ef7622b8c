//! The shim's own layers against libtorch's: results, gradients, running statistics.

use resweep::shim::{Norm, Reuse, Then, Window, batch_norm, conv2d, conv2d_then};
use tch::{Device, Kind, Tensor, no_grad};

use crate::formula::uniform;

/// Largest difference relative to the largest value.
const LIMIT: f64 = 1e-5;

fn channels_last(tensor: &Tensor) -> Tensor {
    let laid = Tensor::empty_permuted(tensor.size(), [0, 2, 3, 1], (tensor.kind(), Device::Cpu));
    no_grad(|| laid.shallow_clone().copy_(tensor));
    laid
}

fn assert_close(ours: &Tensor, theirs: &Tensor, what: &str) {
    assert_eq!(ours.size(), theirs.size(), "{what}");
    let (ours, theirs) = (ours.to_kind(Kind::Double), theirs.to_kind(Kind::Double));
    let largest = theirs.abs().max().double_value(&[]).max(1e-3);
    let apart = (ours - theirs).abs().max().double_value(&[]) / largest;
    assert!(apart <= LIMIT, "{what} differs by {apart:.1e}");
}

fn leaf(tensor: &Tensor, kind: Kind) -> Tensor {
    tensor.detach().to_kind(kind).copy().set_requires_grad(true)
}

/// The values of a normalisation: input, other, weight, bias, running statistics.
fn values(channels: i64, (batch, side): (i64, i64)) -> [Tensor; 6] {
    let maps = [batch, channels, side, side];
    [
        channels_last(&(uniform(1, &maps) * 2.0 + 3.0)),
        channels_last(&uniform(2, &maps)),
        uniform(3, &[channels]) + 0.5,
        uniform(4, &[channels]),
        uniform(5, &[channels]),
        uniform(6, &[channels]).abs() + 0.5,
    ]
}

struct Outcome {
    tensors: Vec<(&'static str, Tensor)>,
}

fn outcome(values: &[Tensor; 6], add: bool, run: impl Fn(&[Tensor; 6]) -> Tensor) -> Outcome {
    let y = run(values);
    let weights = uniform(7, &y.size()).to_kind(y.kind());
    (&y * weights).sum(y.kind()).backward();
    let [x, other, weight, bias, mean, var] = values;
    let mut tensors = vec![
        ("result", y.detach()),
        ("gradient of the input", x.grad()),
        ("gradient of the weight", weight.grad()),
        ("gradient of the bias", bias.grad()),
        ("running mean", mean.shallow_clone()),
        ("running variance", var.shallow_clone()),
    ];
    if add {
        tensors.push(("gradient of what is added", other.grad()));
    }
    Outcome { tensors }
}

fn copies(values: &[Tensor; 6], kind: Kind) -> [Tensor; 6] {
    let [x, other, weight, bias, mean, var] = values;
    let [x, other, weight, bias] = [x, other, weight, bias].map(|tensor| leaf(tensor, kind));
    [x, other, weight, bias, mean.to_kind(kind).copy(), var.to_kind(kind).copy()]
}

/// Batch normalisation by libtorch's kernels in float64.
fn reference(values: &[Tensor; 6], norm: Norm, add: bool, relu: bool) -> Tensor {
    let [x, other, weight, bias, mean, var] = values;
    let (weight, bias, mean, var) = (Some(weight), Some(bias), Some(mean), Some(var));
    let mut y = x.batch_norm(weight, bias, mean, var, norm.training, norm.momentum, norm.eps, true);
    if add {
        y += other;
    }
    if relu { y.relu() } else { y }
}

fn ours(values: &[Tensor; 6], norm: Norm, add: bool, relu: bool) -> Tensor {
    let [x, other, weight, bias, mean, var] = values;
    let then = Then { add: add.then_some(other), relu };
    batch_norm(x, [weight, bias, mean, var], norm, then).unwrap()
}

/// Thin and wide maps, whole groups of rows and a rest, in every combination of what follows.
#[test]
fn normalisation_with_what_follows_is_libtorchs() {
    for channels in [1, 3, 16, 24, 64, 100, 512] {
        for size in [(3, 5), (5, 7), (8, 8)] {
            for then in [(false, false), (false, true), (true, false), (true, true)] {
                assert_libtorchs(channels, size, then);
            }
        }
    }
}

/// Above 16 MB values are written past the caches, a few rows at a time.
#[test]
fn normalisation_of_large_maps_is_libtorchs() {
    for then in [(false, false), (false, true), (true, true)] {
        assert_libtorchs(20, (211, 32), then);
    }
    assert_libtorchs(256, (65, 16), (true, true));
}

fn assert_libtorchs(channels: i64, size: (i64, i64), (add, relu): (bool, bool)) {
    let norm = Norm { training: true, momentum: 0.1, eps: 1e-5 };
    let values = values(channels, size);
    let (single, double) = (copies(&values, Kind::Float), copies(&values, Kind::Double));
    let ours = outcome(&single, add, |values| ours(values, norm, add, relu));
    let theirs = outcome(&double, add, |values| reference(values, norm, add, relu));
    for ((what, ours), (_, theirs)) in ours.tensors.iter().zip(&theirs.tensors) {
        assert_close(ours, theirs, &format!("{what}, {channels} channels, {size:?}, {add} {relu}"));
    }
}

/// A gradient that does not stay a gradient, another layout, float64 and evaluation are right too.
#[test]
fn normalisation_is_right_off_the_quick_path() {
    let values = values(24, (4, 6));
    for training in [true, false] {
        let norm = Norm { training, momentum: 0.3, eps: 1e-3 };
        let double = copies(&values, Kind::Double);
        let theirs = outcome(&double, true, |values| reference(values, norm, true, true));
        let mut contiguous = copies(&values, Kind::Float);
        contiguous[0] = leaf(&values[0].contiguous(), Kind::Float);
        for other in [contiguous, copies(&values, Kind::Double), copies(&values, Kind::Float)] {
            let ours = outcome(&other, true, |values| ours(values, norm, true, true));
            for ((what, ours), (_, theirs)) in ours.tensors.iter().zip(&theirs.tensors) {
                assert_close(ours, theirs, what);
            }
        }
        let single = copies(&values, Kind::Float);
        let without = no_grad(|| ours(&single, norm, true, true));
        assert_close(&without, &theirs.tensors[0].1, "without gradients");
    }
}

/// The mean of the result has a gradient that is one number for all pixels: not laid out at all.
#[test]
fn a_gradient_may_have_any_layout() {
    let values = values(16, (4, 4));
    let norm = Norm { training: true, momentum: 0.1, eps: 1e-5 };
    let (single, double) = (copies(&values, Kind::Float), copies(&values, Kind::Double));
    let weights = uniform(8, &[4, 16]);
    let pooled = |y: Tensor| {
        let kind = y.kind();
        (y.mean_dim([2_i64, 3].as_slice(), false, kind) * weights.to_kind(kind)).sum(kind)
    };
    pooled(ours(&single, norm, false, true)).backward();
    pooled(reference(&double, norm, false, true)).backward();
    for (ours, theirs) in single.iter().zip(&double).filter(|(ours, _)| ours.grad().defined()) {
        assert_close(&ours.grad(), &theirs.grad(), "gradient");
    }
}

const fn window(side: i64, stride: i64) -> Window {
    let padding = [side / 2, side / 2];
    Window { stride: [stride, stride], padding, dilation: [1, 1], groups: 1 }
}

/// Convolutions with 3 x 3 and over small maps have kernels of their own: sizes on both sides of every
/// limit, odd maps, and channels that fill no panel.
#[test]
fn convolutions_are_libtorchs() {
    for (input, out, side, kernel, stride, batch) in [
        (256, 256, 4, 3, 1, 32),
        (256, 512, 8, 3, 2, 32),
        (512, 256, 4, 1, 1, 33),
        (512, 512, 8, 1, 2, 32),
        (256, 256, 2, 3, 1, 128),
        (256, 256, 4, 3, 1, 31),
        (256, 256, 5, 3, 2, 64),
        (128, 256, 4, 3, 1, 32),
        (3, 8, 8, 3, 1, 4),
        (16, 16, 32, 3, 1, 2),
        (48, 80, 7, 3, 1, 5),
        (144, 16, 9, 3, 1, 3),
        (64, 64, 16, 3, 1, 1),
        (64, 64, 14, 3, 1, 1),
        (16, 16, 1, 3, 1, 100),
        (24, 16, 8, 3, 1, 16),
        // oneDNN writes past its memory for these.
        (8, 16, 16, 1, 2, 7),
        (12, 16, 16, 1, 2, 25),
    ] {
        let x = channels_last(&uniform(1, &[batch, input, side, side]));
        let weight = channels_last(&uniform(2, &[out, input, kernel, kernel]));
        let window = window(kernel, stride);
        let run = |kind, convolve: &dyn Fn(&Tensor, &Tensor) -> Tensor| {
            let (x, weight) = (leaf(&x, kind), leaf(&weight, kind));
            let y = convolve(&x, &weight);
            (&y * uniform(3, &y.size()).to_kind(kind)).sum(kind).backward();
            [y.detach(), x.grad(), weight.grad()]
        };
        let ours = run(Kind::Float, &|x, weight| conv2d(x, weight, None, window).unwrap());
        let theirs = run(Kind::Double, &|x, weight| {
            x.conv2d::<Tensor>(weight, None, window.stride, window.padding, window.dilation, 1)
        });
        let case = format!("{input} to {out} on {side} by {kernel}/{stride}, batch {batch}");
        for (what, (ours, theirs)) in
            ["result", "input", "weight"].iter().zip(ours.iter().zip(&theirs))
        {
            assert_close(ours, theirs, &format!("{what}: {case}"));
        }
        let strides = |tensor: &Tensor| tensor.stride();
        assert_eq!(strides(&ours[2]), strides(&weight), "the optimisers walk raw memory: {case}");
    }
}

/// With a bias, a sum and a ReLU, on the quick paths and off them; what is added is overwritten
/// only where that is allowed.
#[test]
fn convolutions_with_what_follows_are_libtorchs() {
    for (channels, side, batch, groups) in
        [(256, 4, 32, 1), (16, 8, 3, 1), (32, 9, 4, 1), (16, 8, 3, 4), (16, 8, 3, 16)]
    {
        let maps = [batch, channels, side, side];
        let x = channels_last(&uniform(1, &maps));
        let weight = channels_last(&uniform(2, &[channels, channels / groups, 3, 3]));
        let bias = uniform(3, &[channels]);
        let window = Window { groups, ..window(3, 1) };
        for (add, relu, reuse) in [
            (false, false, Reuse::Nothing),
            (false, true, Reuse::Nothing),
            (true, false, Reuse::Nothing),
            (true, true, Reuse::Nothing),
            (true, true, Reuse::Added),
        ] {
            for laid in [channels_last(&x), x.contiguous()] {
                let other = channels_last(&uniform(4, &maps));
                let wide = |tensor: &Tensor| tensor.to_kind(Kind::Double);
                let mut theirs = wide(&laid).conv2d(
                    &wide(&weight),
                    Some(wide(&bias)),
                    window.stride,
                    window.padding,
                    window.dilation,
                    groups,
                );
                if add {
                    theirs += &other;
                }
                if relu {
                    theirs = theirs.relu();
                }
                let then = Then { add: add.then_some(&other), relu };
                let ours = conv2d_then(&laid, (&weight, &bias), window, then, reuse).unwrap();
                assert_close(
                    &ours,
                    &theirs,
                    &format!("{channels} channels, {add} {relu} {reuse:?}"),
                );
                if reuse == Reuse::Nothing {
                    assert!(other.equal(&uniform(4, &maps)), "what is added was overwritten");
                }
            }
        }
    }
}
