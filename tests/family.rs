//! The specs of the residual family against PyTorch and the literature: parameters,
//! multiply-accumulates, and the names, shapes and order of the weights.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/family.rs"]
mod family;

use std::collections::BTreeMap;

use family::{golden, rows};
use resweep::op::Init;
use resweep::plan::Plan;

/// PyTorch lists all `convs` before all `bns`; the plan has them in the order in which they run.
const OTHER_ORDER: &str = "res2net50_26w_4s";

#[test]
fn params_and_macs_are_those_that_pytorch_counts() {
    let rows = rows();
    assert_eq!(rows.len(), 68);
    for row in rows {
        let plan = row.plan(None);
        let ours = (plan.input.to_string(), plan.params(), plan.macs());
        assert_eq!(ours, (row.input, row.params, row.macs), "{}", row.name);
    }
}

#[test]
fn weights_have_the_names_shapes_and_order_of_the_state_dicts() {
    let mut compared = 0;
    for row in rows() {
        let Some(mut wanted) = row.keys() else { continue };
        let mut ours = keys(&row.plan(None));
        if row.name == OTHER_ORDER {
            ours.sort();
            wanted.sort();
        }
        let differs = ours.iter().zip(&wanted).find(|(ours, wanted)| ours != wanted);
        assert_eq!(differs, None, "{}", row.name);
        assert_eq!(ours.len(), wanted.len(), "{}", row.name);
        compared += 1;
    }
    assert_eq!(compared, 24);
}

fn keys(plan: &Plan) -> Vec<(String, String)> {
    let dims = |dims: &[u64]| dims.iter().map(u64::to_string).collect::<Vec<_>>().join("x");
    plan.weights.iter().map(|weight| (weight.name.clone(), dims(&weight.dims))).collect()
}

/// The comment of a spec says how many parameters it has.
#[test]
fn comments_say_the_number_of_parameters() {
    let mut first = BTreeMap::new();
    for row in rows() {
        first.entry(row.spec.clone()).or_insert(row);
    }
    for (spec, row) in first {
        let path = format!("{}/experiments/models/{spec}.ron", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap().replace("\n// ", " ");
        let wanted = format!("{} parameters", thousands(row.plan_of_defaults().params()));
        assert!(text.contains(&wanted), "{spec}.ron does not say {wanted:?}");
    }
}

impl family::Row {
    /// The plan of its spec as it is written.
    fn plan_of_defaults(self) -> Plan {
        Self { set: String::new(), ..self }.plan(None)
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|d| std::str::from_utf8(d).unwrap()).collect();
    groups.join(",")
}

/// Torchvision's `zero_init_residual`: the last normalisation of each block starts from 0.
#[test]
fn the_last_norm_starts_from_zero_where_the_spec_says_so() {
    let row = rows().into_iter().find(|row| row.name == "resnet18_zero_init").unwrap();
    let plan = row.plan(None);
    let mut reader = csv::Reader::from_path(golden("family_init.csv")).unwrap();
    let wanted: BTreeMap<String, u8> = reader.deserialize().map(|row| row.unwrap()).collect();
    assert_eq!(wanted.values().filter(|&&value| value == 0).count(), 8);
    for (key, value) in wanted {
        let weight = plan.weights.iter().find(|weight| weight.name == key).unwrap();
        let init = if value == 0 { Init::Zeros } else { Init::Ones };
        assert_eq!(weight.init, init, "{key}");
    }
}

/// Huang et al. 2016, equation 4: block l of L is dropped with probability 0.5 l / L.
#[test]
fn stochastic_depth_drops_more_with_depth() {
    use resweep::op::Op;
    let row = rows().into_iter().find(|row| row.name == "stochastic_depth110").unwrap();
    let plan = row.plan(None);
    let dropped = plan.steps.iter().filter_map(|step| match &step.op {
        Op::DropPath(drop) => Some(drop.p),
        _ => None,
    });
    let dropped: Vec<f64> = dropped.collect();
    let wanted: Vec<f64> = (1..=54).map(|block| 0.5 * f64::from(block) / 54.0).collect();
    assert_eq!(dropped.len(), wanted.len());
    for (ours, wanted) in dropped.iter().zip(wanted) {
        assert!((ours - wanted).abs() < 1e-12, "{dropped:?}");
    }
}
