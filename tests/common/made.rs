//! What runs of tests have in common.

use resweep::records::{Environment, Facts};

/// Where the runs of a test train.
#[allow(dead_code)]
pub fn environment() -> Environment {
    Environment {
        device: "cpu".into(),
        threads: 1,
        code_version: "0".into(),
        ..Environment::default()
    }
}

/// What a network of a test costs.
#[allow(dead_code)]
pub fn facts() -> Facts {
    Facts {
        params: 270_000,
        macs: 41_000_000,
        activation_bytes: None,
        precision: "fp32".to_owned(),
        batch: 128,
        train_images: 2_000,
        test_images: 1_000,
    }
}
