//! The side of the bench that is resweep's, as `cargo xtask bench` talks to it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use resweep::model::Model;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

fn worker(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_resweep"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["bench-worker", "experiments/models/cifar_resnet.ron", "--device", "cpu"])
        .args(["--set", "params.width=4", "--set", "params.depth=8", "--threads", "1"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn answers(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn both_modes_are_timed_when_stdin_says_so() {
    for mode in ["training", "evaluation"] {
        let output = worker(&["--mode", mode, "--batch", "20"], "time 2\ntime 5\n");
        let [ready, two, five] = answers(&output).try_into().unwrap();
        assert_eq!((&ready["device"], &ready["threads"]), (&"cpu".into(), &1.into()));
        // Those are a GPU's.
        assert!(ready["cuda_graph"].is_null() && ready["notes"] == Value::Array(Vec::new()));
        let base = ready["base_bytes"].as_u64().unwrap();
        for (sample, steps) in [(two, 2), (five, 5)] {
            assert_eq!(sample["steps"], steps);
            assert!(sample["seconds"].as_f64().unwrap() > 0.0);
            assert!(sample["peak_bytes"].as_u64().unwrap() > base, "{mode}: {sample} {base}");
        }
    }
}

#[test]
fn what_is_no_command_is_told() {
    for wrong in ["time 0\n", "time soon\n", "hello\n"] {
        let output = worker(&["--batch", "10"], wrong);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("say `time K`"), "{told}");
    }
}

/// What the peer computes again can be computed again.
#[test]
fn one_step_is_written_for_the_peer() {
    let folder = tempfile::tempdir().unwrap();
    let check = folder.path().to_str().unwrap();
    assert!(worker(&["--batch", "12", "--check", check], "").status.success());

    let read = Tensor::read_safetensors(folder.path().join("batch.safetensors")).unwrap();
    let find = |name: &str| &read.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!(find("pixels").size(), [12, 32, 32, 3]);
    assert_eq!(find("pixels").kind(), Kind::Uint8);
    let row = |values: [f32; 3]| Tensor::from_slice(&values.map(|x| x * 255.0)).view([1, 3, 1, 1]);
    let images = find("pixels").permute([0, 3, 1, 2]).to_kind(Kind::Float);
    let images = (images - row([0.4914, 0.4822, 0.4465])) / row([0.2470, 0.2435, 0.2616]);

    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("experiments/models/cifar_resnet.ron");
    let set = ["params.width=4".to_string(), "params.depth=8".to_string()];
    let loader = resweep::spec::load::Loader::default();
    let plan = resweep::experiment::network(&loader, &path, &set, None).unwrap();
    let mut model = Model::new(plan, 7, Device::Cpu).unwrap();
    for (weights, logits) in [("start", "logits"), ("after", "logits_after")] {
        model.load(&folder.path().join(format!("{weights}.safetensors"))).unwrap();
        let again = tch::no_grad(|| model.forward(&images, false).unwrap());
        let far = (&again - find(logits)).abs().max().double_value(&[]);
        assert!(far <= 1e-4 * again.abs().max().double_value(&[]), "{logits}: {far}");
    }
    let moved = (find("logits") - find("logits_after")).abs().max().double_value(&[]);
    assert!(moved > 1e-3, "the step does something: {moved}");
    let loss = find("loss").double_value(&[0]);
    assert!((1.5..5.0).contains(&loss), "{loss}");
}
