//! Weights, and what a run says of the test images: safetensors files.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use resweep::records::{Folder, RunId};
use resweep::saved::{RunFile, faults, parted};
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::results::Results;

/// The folder of a run whose files are replaced.
pub struct Bench {
    results: Results,
    run: RunId,
    good: PathBuf,
}

impl Bench {
    pub fn new() -> Self {
        let results = Results::new("made");
        let run = results.predict("net18", 0, &[0, 1, 2], &[0, 1, 1]);
        let good = results.root.path().join("good.safetensors");
        fs::write(&good, &seeds()[0]).unwrap();
        Self { results, run, good }
    }

    /// Reads bytes as weights and as predictions; whether they are the latter.
    pub fn drive(&self, bytes: &[u8]) -> bool {
        let folder = self.results.store.run(&self.run);
        let (weights, predictions) =
            (folder.file(RunFile::Weights), folder.file(RunFile::Predictions));
        fs::write(&weights, bytes).unwrap();
        fs::write(&predictions, bytes).unwrap();
        let wanted: [(&str, &[u64]); 2] = [("conv1.weight", &[2, 1]), ("fc.bias", &[2])];
        let fits = faults(&weights, wanted.into_iter()).is_none();
        for (first, second) in [(&weights, &self.good), (&self.good, &weights)] {
            for part in parted(first, second).into_iter().flatten() {
                assert!(!part.how.to_string().is_empty());
            }
        }
        let same = parted(&weights, &weights);
        assert!(same.iter().flatten().next().is_none(), "a file differs from itself: {same:?}");
        assert!(!fits || same.is_ok() || !is_consistent(bytes), "weights that fit are read");
        let runs = Folder::open(self.results.store.folder()).unwrap().runs;
        let run = &runs[0];
        let (all, said) = (run.predictions(), run.said());
        assert_eq!(all.is_ok(), said.is_ok());
        let all = all.ok().flatten();
        all.is_some_and(|all| all.right().len() == all.loss.len())
    }
}

/// Whether the library itself takes the file.
fn is_consistent(bytes: &[u8]) -> bool {
    resweep::saved::open(bytes).is_ok()
}

/// Weights, predictions, and tensors of other kinds.
pub fn seeds() -> Vec<Vec<u8>> {
    let none = None::<HashMap<String, String>>;
    let file = |tensors: &[(&'static str, Dtype, &[usize], usize)]| {
        let data = [1; 64];
        let view = |own: &(&'static str, Dtype, &[usize], usize)| {
            (own.0, TensorView::new(own.1, own.2.to_vec(), &data[..own.3]).unwrap())
        };
        let views: Vec<_> = tensors.iter().map(view).collect();
        serialize(views, &none).unwrap()
    };
    vec![
        file(&[("conv1.weight", Dtype::F32, &[2, 1], 8), ("fc.bias", Dtype::F32, &[2], 8)]),
        file(&[
            ("labels", Dtype::U8, &[2], 2),
            ("predicted", Dtype::U8, &[2], 2),
            ("loss", Dtype::F16, &[2], 4),
        ]),
        file(&[("conv1.weight", Dtype::F16, &[2, 1], 4), ("fc.bias", Dtype::BF16, &[2], 4)]),
        file(&[
            ("a", Dtype::F64, &[], 8),
            ("b", Dtype::I64, &[0, 3], 0),
            ("c", Dtype::BOOL, &[1], 1),
        ]),
    ]
}
