//! Dropout and stochastic depth: how much they drop, and that a seed decides what.

use resweep::op::Call;
use tch::{Device, Kind, Tensor, manual_seed};

use crate::cases::op;
use crate::seeds;

fn train(text: &str, x: &Tensor) -> Tensor {
    let op = op(text, &[]).unwrap();
    assert!(op.operation().is_random(), "{text}");
    let call = Call { inputs: &[x], weights: &[], training: true, in_place: false };
    op.operation().forward(&call).unwrap()
}

/// Ones and twos, so that a dropped number is told from any other.
fn images(count: i64) -> Tensor {
    Tensor::arange(count * 64, (Kind::Float, Device::Cpu)).remainder(2.0).view([count, 4, 4, 4]) + 1
}

/// The share of 1 within five standard deviations of `1 - p`.
fn assert_share(kept: &Tensor, p: f64) {
    let count = kept.numel() as f64;
    let share = kept.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
    let sigma = (p * (1.0 - p) / count).sqrt();
    assert!((share - (1.0 - p)).abs() < 5.0 * sigma, "{share} of {count} were kept at p = {p}");
}

/// Each number is 0 or its value over `1 - p`.
fn assert_scaled(x: &Tensor, result: &Tensor, p: f64) -> Tensor {
    let kept = result.not_equal(0.0).to_kind(Kind::Float);
    let wanted = x / (1.0 - p) * &kept;
    let error = ((result - &wanted) / x).abs().max().double_value(&[]);
    assert!(error < 1e-6, "off by {error:e} at p = {p}");
    kept
}

#[test]
fn dropout_drops_numbers() {
    let _guard = seeds::alone();
    manual_seed(1);
    let x = images(500);
    for p in [0.1, 0.5, 0.9] {
        let kept = assert_scaled(&x, &train(&format!("Dropout(p: {p})"), &x), p);
        assert_share(&kept, p);
        let vector = x.flatten(1, -1);
        let kept = assert_scaled(&vector, &train(&format!("Dropout(p: {p})"), &vector), p);
        assert_share(&kept, p);
    }
}

#[test]
fn drop_path_drops_images() {
    let _guard = seeds::alone();
    manual_seed(2);
    let x = images(4000);
    for p in [0.1, 0.5, 0.9] {
        for x in [&x, &x.flatten(1, -1)] {
            let kept = assert_scaled(x, &train(&format!("DropPath(p: {p})"), x), p);
            let images = kept.flatten(1, -1);
            assert!(images.amin([1], false).equal(&images.amax([1], false)), "a part was dropped");
            assert_share(&images.select(1, 0), p);
        }
    }
}

#[test]
fn the_same_seed_drops_the_same() {
    let _guard = seeds::alone();
    let x = images(200);
    for text in ["Dropout(p: 0.5)", "DropPath(p: 0.5)"] {
        let with_seed = |seed| {
            manual_seed(seed);
            train(text, &x)
        };
        assert!(with_seed(7).equal(&with_seed(7)), "{text}");
        assert!(!with_seed(7).equal(&with_seed(8)), "{text}");
        let (first, second) = (with_seed(7), train(text, &x));
        assert!(!first.equal(&second), "{text} drew the same twice");
    }
}

#[test]
fn what_is_dropped_has_no_gradient() {
    let _guard = seeds::alone();
    manual_seed(3);
    for text in ["Dropout(p: 0.25)", "DropPath(p: 0.25)"] {
        let x = images(50).set_requires_grad(true);
        let result = train(text, &x);
        result.sum(Kind::Float).backward();
        let wanted = result.detach().not_equal(0.0).to_kind(Kind::Float) / 0.75;
        let error = (x.grad() - wanted).abs().max().double_value(&[]);
        assert!(error < 1e-6, "{text}: off by {error:e}");
    }
}

/// Nothing is random in evaluation, nor where nothing is dropped: the result is the input itself.
#[test]
fn evaluation_changes_nothing() {
    let x = images(3);
    for (text, training) in [
        ("Dropout(p: 0.5)", false),
        ("DropPath(p: 0.5)", false),
        ("Dropout(p: 1)", false),
        ("Dropout(p: 0)", true),
        ("DropPath(p: 0)", true),
    ] {
        let op = op(text, &[]).unwrap();
        let call = Call { inputs: &[&x], weights: &[], training, in_place: false };
        let result = op.operation().forward(&call).unwrap();
        assert!(result.equal(&x), "{text}");
        assert_eq!(op.operation().is_random(), !training, "{text}");
    }
}
