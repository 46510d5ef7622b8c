//! The specs of the residual family against PyTorch's results (`tests/reference/family.py`): logits,
//! and for some networks the loss and its gradient in the first convolution.

#[path = "../common/family.rs"]
mod rows;

use std::collections::HashMap;

use resweep::model::Model;
use resweep::op::Role;
use resweep::plan::Plan;
use resweep::spec::network::Task;
use tch::Tensor;

use crate::formula::{golden, images, labels, weight as formula};
use crate::reference::{LIMIT, LOGITS, assert_close, dims, model, training_loss, weight};
use rows::Row;

/// Networks of which rounding alone moves the logits by up to 4e-6 (`family_errors.csv`), or that
/// are so deep that another order of sums may.
const DEEP: [&str; 6] = [
    "preact_resnet164",
    "pyramidnet110_84",
    "resnet110_a",
    "resnet110_b",
    "resnet56_plain",
    "stochastic_depth110",
];

/// The side of the images that ImageNet networks are run on.
const SIDE: u64 = 64;

fn check(name: &str) {
    let row = rows::rows().into_iter().find(|row| row.name == name).unwrap();
    let imagenet = row.input == "3x224x224";
    let task = imagenet.then_some(Task { input: (3, SIDE, SIDE), classes: 1000 });
    let plan = row.plan(task);
    let model = with_formula_weights(&row, &plan);
    let side = if imagenet { SIDE as i64 } else { 32 };
    let (images, labels) = (images(&[2, 3, side, side]), labels(2, plan.classes as u32));
    let all = golden("family.safetensors");
    let wanted = |what: &str| all.iter().find(|(key, _)| *key == format!("{name}/{what}"));

    let logits = tch::no_grad(|| model.forward(&images, false).unwrap());
    let limit = if DEEP.contains(&name) { LIMIT } else { LOGITS };
    assert_close(&logits, &wanted("logits").unwrap().1, "logits", limit);
    let frozen = model.frozen().unwrap().forward(&images).unwrap();
    assert_close(&frozen, &wanted("logits").unwrap().1, "logits with folded normalisation", limit);

    let (Some((_, loss)), Some((_, gradient))) = (wanted("loss"), wanted("conv1_grad")) else {
        return;
    };
    assert_close(&training_loss(&model, &images, &labels), loss, "loss", LIMIT);
    let first = plan.weights.iter().find(|weight| weight.role == Role::Convolution).unwrap();
    assert_close(&weight(&model, &first.name).grad(), gradient, "gradient", LIMIT);
}

/// A weight's number in the formula is its place in PyTorch's state dict, which in one network is
/// not its place in the plan.
fn with_formula_weights(row: &Row, plan: &Plan) -> Model {
    let keys = row.keys().unwrap_or_default().into_iter().enumerate();
    let places: HashMap<String, usize> = keys.map(|(place, (key, _))| (key, place)).collect();
    model(plan, |place, weight| {
        let place = places.get(&weight.name).copied().unwrap_or(place);
        let value = formula(place as u32, &weight.name, &dims(weight));
        scaled(&weight.name, value, &row.fill)
    })
}

/// As `fill` in `tests/reference/family.py`.
fn scaled(name: &str, value: Tensor, fill: &str) -> Tensor {
    let (scale, bias): (f64, f64) = match fill {
        "formula" => return value,
        "mild" => (1.25, 0.25),
        "lively" => (2.0, 0.125),
        other => panic!("{other}"),
    };
    match name.rsplit('.').next() {
        Some("weight") if value.dim() == 1 => value * scale,
        Some("bias") => value * bias,
        _ => value,
    }
}

macro_rules! networks {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_network_that_pytorch_ran_is_compared() {
            let mut compared = vec![$(format!("{}/logits", stringify!($name))),*];
            let ran = golden("family.safetensors").into_iter().map(|(key, _)| key);
            let mut ran: Vec<String> = ran.filter(|key| key.ends_with("/logits")).collect();
            compared.sort();
            ran.sort();
            assert_eq!(compared, ran);
        }
    };
}

networks! {
    convmixer256_8
    convnext_cifar
    densenet121
    densenet_bc_100_12
    eca_resnet18
    efficientnet_b0
    mobilenet_v2
    preact_resnet164
    preact_resnet18
    preact_resnet50
    pyramidnet110_84
    regnet_y_400mf
    res2net50_26w_4s
    resnet110_a
    resnet110_b
    resnet18_group_norm
    resnet20_a
    resnet20_b
    resnet20_plain
    resnet32_a
    resnet44_a
    resnet50d
    resnet56_a
    resnet56_b
    resnet56_plain
    resnext29_8x64d
    resnext50_32x4d
    rezero_resnet18
    se_resnet18
    se_resnet50_r16
    shufflenet_v2_x1_0
    skipinit_wrn16_4
    sknet50
    stochastic_depth110
    wide_resnet50_2
    wrn16_8
    wrn40_4
}
