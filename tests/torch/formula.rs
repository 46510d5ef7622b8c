//! Tensors from the formula of `tests/reference/formula.py`.

use std::path::PathBuf;

use tch::{Kind, Tensor};

pub fn golden(name: &str) -> Vec<(String, Tensor)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    Tensor::read_safetensors(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn find<'a>(tensors: &'a [(String, Tensor)], name: &str) -> &'a Tensor {
    &tensors.iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name}")).1
}

fn mix(mut x: u32) -> u32 {
    for (shift, factor) in [(16, 0x7FEB_352D), (15, 0x846C_A68B)] {
        x ^= x >> shift;
        x = x.wrapping_mul(factor);
    }
    x ^ (x >> 16)
}

fn hash(k: u32, i: u32) -> u32 {
    mix(mix(k.wrapping_add(0x9E37_79B9)).wrapping_add(i))
}

pub fn uniform(k: u32, dims: &[i64]) -> Tensor {
    let count: i64 = dims.iter().product();
    let u = |i| ((hash(k, i) >> 8) as i32 - (1 << 23)) as f32 / (1 << 23) as f32;
    let values: Vec<f32> = (0..count as u32).map(u).collect();
    Tensor::from_slice(&values).view(dims)
}

/// Entry number `k` of a state dict.
pub fn weight(k: u32, key: &str, dims: &[i64]) -> Tensor {
    let u = uniform(k, dims);
    let scalar = |value: f32| Tensor::from_slice(&[value]);
    match key.rsplit('.').next().unwrap() {
        "weight" if dims.len() > 1 => {
            let fan_in: i64 = dims[1..].iter().product();
            u * scalar((6.0 / fan_in as f64).sqrt() as f32)
        }
        "weight" => scalar(0.125) + scalar(0.03125) * u,
        "bias" => {
            let sign: Vec<f32> = (0..dims[0]).map(|i| 1.0 - 2.0 * (i % 2) as f32).collect();
            Tensor::from_slice(&sign) * (scalar(1.0) + scalar(0.25) * u)
        }
        "running_mean" => u,
        "running_var" => scalar(0.03125) + scalar(0.015625) * u,
        other => panic!("the formula has no rule for {other}"),
    }
}

pub fn images(dims: &[i64]) -> Tensor {
    let count = dims[0];
    let contrast: Vec<f32> = (1..=count).map(|n| 2.0 * n as f32 / count as f32).collect();
    Tensor::from_slice(&contrast).view([-1, 1, 1, 1]) * uniform(1_000_000, dims)
}

pub fn labels(count: i64, classes: u32) -> Tensor {
    let labels: Vec<i64> =
        (0..count as u32).map(|n| i64::from(hash(1_000_001, n) % classes)).collect();
    Tensor::from_slice(&labels)
}

/// Largest difference, relative to the largest value.
pub fn relative(value: &Tensor, wanted: &Tensor) -> f64 {
    let (value, wanted) = (value.to_kind(Kind::Double), wanted.to_kind(Kind::Double));
    ((value - &wanted).abs().max() / wanted.abs().max()).double_value(&[])
}

#[test]
fn the_formula_is_that_of_the_script() {
    for (name, values) in golden("formula.safetensors") {
        let parts: Vec<&str> = name.split('/').collect();
        let k: u32 = parts[0].parse().unwrap();
        let ours = match parts[1] {
            "labels" => labels(parts[2].parse().unwrap(), parts[3].parse().unwrap()),
            key => {
                let dims: Vec<i64> = parts[2].split('x').map(|d| d.parse().unwrap()).collect();
                let flat = match k {
                    1_000_000 => images(&dims),
                    _ => weight(k, key, &dims),
                }
                .flatten(0, -1);
                let count = flat.size()[0];
                match count <= values.size()[0] {
                    true => flat,
                    false => Tensor::cat(&[flat.narrow(0, 0, 5), flat.narrow(0, count - 5, 5)], 0),
                }
            }
        };
        assert!(ours.equal(&values), "{name}: {ours:?} {values:?}");
    }
}
