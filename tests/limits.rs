//! Small specs that ask for a great deal: each is refused before it has taken much time or memory, and
//! told which limit it meets and what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use resweep::experiment;
use resweep::spec::load::Loader;
use tempfile::TempDir;

/// A spec may take as long until it is refused: two seconds or so, and ten times that without
/// optimisation on a machine that does other things beside.
const LONGEST: Duration = Duration::from_secs(30);
/// And as much memory, in units of 1024 bytes.
const MOST_MEMORY: u32 = 3 << 20;

/// Where the child finds the spec.
const SPEC: &str = "RESWEEP_LIMITS_SPEC";

const RECIPE: &str = "(epochs: 2, batch: 8, optimizer: Sgd(lr: 0.1))";
const NETWORK: &str = "Network(stem: [(\"conv\", Conv2d(out: 8, kernel: 3))], \
    head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))])";

/// A sweep of these networks, with more fields.
fn sweep(networks: &str, more: &str) -> String {
    format!("Sweep(networks: [{networks}], data: (), train: {RECIPE}, {more})")
}

/// A sweep of one network, with more fields.
fn with(more: &str) -> String {
    sweep(&one(NETWORK), more)
}

fn one(network: &str) -> String {
    format!("(name: \"net\", network: {network})")
}

/// A sweep of a network with this stem.
fn stem(nodes: &str) -> String {
    let network = NETWORK.replace("[(\"conv\", Conv2d(out: 8, kernel: 3))]", &format!("[{nodes}]"));
    sweep(&one(&network), "")
}

/// A sweep of a network with these fields between stem and head.
fn middle(fields: &str) -> String {
    sweep(&one(&NETWORK.replace("head:", &format!("{fields}, head:"))), "")
}

const BLOCK: &str = "block: Block(nodes: [(\"conv\", Conv2d(out: \"width\", kernel: 3))])";

/// Writes a spec and its files.
fn written(text: &str, files: &[(String, String)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join("spec.ron");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Reads a spec in a process of its own, which may have so much memory alone; what it says.
#[track_caller]
fn read(name: &str, path: &Path) -> (bool, String) {
    attempt(name, path).unwrap_or_else(|reason| panic!("{name}: {reason}"))
}

/// As [`read`], and why it came to no end.
fn attempt(name: &str, path: &Path) -> Result<(bool, String), String> {
    // One at a time, as each is timed.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let started = Instant::now();
    let limited = format!("ulimit -v {MOST_MEMORY}; exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "one_spec", "--ignored", "--nocapture", "--test-threads=1"])
        .env(SPEC, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What it says is read beside, as it does not end while nobody does.
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let told = std::thread::spawn(move || drain(&mut out));
    let end = std::thread::spawn(move || drain(&mut err));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("took longer than {LONGEST:?}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let (told, end) = (told.join().unwrap(), end.join().unwrap());
    eprintln!("{name}: {:?}", started.elapsed());
    match status.success() {
        true => Ok((told.contains("it fits"), told)),
        false => Err(format!("{status}: {}", end.chars().take(2000).collect::<String>())),
    }
}

fn drain(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Checks that a spec is refused, in words that have these in them.
#[track_caller]
fn refused(name: &str, text: &str, files: &[(String, String)], words: &str) {
    let (_folder, path) = written(text, files);
    let (fits, told) = read(name, &path);
    let shown: String = told.chars().take(1500).collect();
    assert!(!fits && told.contains("error: "), "{name}: {shown}");
    assert!(told.contains(words), "{name} is told otherwise than by `{words}`: {shown}");
    assert!(told.len() < 100_000, "{name}: the message has {} bytes", told.len());
}

/// The spec that the environment names, planned.
#[test]
#[ignore = "a part of the other tests, in a process of its own"]
fn one_spec() {
    let Some(path) = std::env::var_os(SPEC) else { return };
    let loader = Loader::default();
    match experiment::sweep(&loader, Path::new(&path), &[]) {
        Ok(sweep) => println!("it fits: {} experiments", sweep.list.len()),
        Err(errors) => {
            errors.iter().for_each(|error| println!("{}", error.render(&loader.sources)))
        }
    }
}

#[test]
fn what_fits_is_told_to_fit() {
    let (_folder, path) = written(&with(""), &[]);
    let (fits, told) = read("a sweep", &path);
    assert!(fits, "{told}");
}

#[test]
fn networks_too_large_are_refused() {
    let huge = "9000000000000000000";
    let cases = [
        ("layers", middle(&format!("{BLOCK}, stages: [(layers: 4000000000, width: 8)]")), "layers"),
        (
            "layers beyond 64 bits",
            middle(&format!("{BLOCK}, stages: [(layers: {huge}0, width: 8)]")),
            "64 bits",
        ),
        ("width", middle(&format!("{BLOCK}, stages: [(layers: 2, width: {huge})]")), "weights"),
        (
            "width by an expression",
            middle(&format!("{BLOCK}, stages: [(layers: 2, width: \"pow(2, 62)\")]")),
            "weights",
        ),
        ("kernel", stem(&format!("(\"conv\", Conv2d(out: 8, kernel: {huge}))")), "kernel"),
        (
            "stages",
            middle(&format!("{BLOCK}, stages: [{}]", "(layers: 10000, width: 1),".repeat(40))),
            "more than 100000 nodes",
        ),
    ];
    for (name, text, words) in cases {
        refused(name, &text, &[], words);
    }
}

/// Files that use one another twice each are as many blocks as two to the power of the files.
#[test]
fn files_that_multiply_are_refused() {
    for leaf in ["(\"relu\", Relu())", ""] {
        let files: Vec<(String, String)> = (0..30)
            .map(|at| {
                let next = format!("Use(block: \"b{}.ron\")", at + 1);
                let nodes = match at {
                    29 => leaf.to_owned(),
                    _ => format!("(\"a\", {next}), (\"b\", {next})"),
                };
                (format!("b{at}.ron"), format!("Block(nodes: [{nodes}])"))
            })
            .collect();
        let text = stem("(\"a\", Use(block: \"b0.ron\"))");
        refused("files", &text, &files, "more than 100000 nodes");
    }
}

#[test]
fn sweeps_too_large_are_refused() {
    let values = (0..10).map(|value| value.to_string()).collect::<Vec<_>>().join(", ");
    let labels = ["lr", "momentum", "weight_decay", "dampening"];
    let list: Vec<String> =
        labels.iter().map(|label| format!("\"train.optimizer.{label}\": [{values}]")).collect();
    let wide = format!(
        "axes: [Grid({{ {} }}), Grid({{ \"train.batch\": Range(1, 1000, 1) }})]",
        list.join(", ")
    );
    let seeds: Vec<String> = (0..50_000).map(|seed| seed.to_string()).collect();
    let axis = |values: &str| with(&format!("axes: [Grid({{ \"train.batch\": {values} }})]"));
    let cases = [
        ("product of axes", with(&wide), "more than 100000 combinations"),
        ("a range", axis("Range(1, 1000000000000, 1)"), "more than 100000 values"),
        ("a range by count", axis("LinRange(1, 2, 1000000000000)"), "more than 100000 values"),
        (
            "samples",
            with(
                "axes: [Sample(count: 1000000000000, seed: 0, of: { \"train.optimizer.lr\": Uniform(0.1, 1) })]",
            ),
            "more than 100000 samples",
        ),
        ("seeds", with("seeds: 1000000000000"), "from 1 to 10000"),
        ("a list of seeds", with(&format!("seeds: [{}]", seeds.join(","))), "10000"),
        ("seeds until resolved", with("seeds: UntilResolved(max: 4000000000)"), "1000 at most"),
        (
            "images",
            with("").replace("data: ()", "data: (set: Shapes10(), train: 4000000000)"),
            "use 1 to",
        ),
        (
            "the side of images",
            with("").replace("data: ()", "data: (resize: 4000000000)"),
            "use 1 to 4096",
        ),
    ];
    for (name, text, words) in cases {
        refused(name, &text, &[], words);
    }
}

/// The texts are short, and what they ask for is planned once for each of very many experiments.
#[test]
fn sweeps_that_multiply_are_refused() {
    let model = |name: &str| format!("{}/experiments/models/{name}", env!("CARGO_MANIFEST_DIR"));
    let rates = |count: u32| {
        format!("axes: [Grid({{ \"train.optimizer.lr\": LinRange(0.1, 1, {count}) }})]")
    };
    let path = format!("{:?}", model("resnet152.ron"));
    let layers = "(name: \"net\", network: Network(params: { \"deep\": 1 }, stem: [(\"conv\", Conv2d(\
        out: 8, kernel: 3))], block: Block(nodes: [(\"relu\", Relu())]), stages: [(layers: \"deep\", \
        width: 8)], head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))]))";
    let deep = "axes: [Grid({ \"with.deep\": Range(9000, 9999, 1) })]";
    let empty = layers.replace("(\"relu\", Relu())", "(\"relu\", Relu(when: \"false\"))");
    let copies = (0..20).map(|at| one(NETWORK).replace("net", &format!("net{at}")) + ",");
    let names: String = (0..9).map(|at| format!("(name: \"n{at}\", network: {path}),")).collect();
    let (operations, nodes) = ("more than 1000000 operations", "more than 500000 nodes");
    let runs = "more than 1000000 runs";
    let cases = [
        ("one large network with many rates", sweep(&path, &rates(100_000)), operations),
        ("many networks of nothing", sweep(&empty, deep), nodes),
        ("networks by axes", sweep(&names, &rates(99_999)), "more than 100000 experiments"),
        (
            "copies",
            sweep(&copies.collect::<String>(), &rates(90_000)),
            "more than 100000 experiments",
        ),
        ("runs", with(&format!("{}, seeds: 10000", rates(1000))), runs),
        (
            "a mistake in every one",
            with(&rates(100_000)).replace("epochs: 2", "epochs: 0"),
            "epochs",
        ),
    ];
    for (name, text, words) in cases {
        refused(name, &text, &[], words);
    }
}

/// Text that goes deep, or on and on.
#[test]
fn deep_and_long_texts_are_refused() {
    let many = |part: &str, count: usize| part.repeat(count);
    let numbered = |start: &str, end: &str, count: usize| {
        (0..count).map(|at| format!("{start}{at}{end}")).collect::<String>()
    };
    let expression = |text: &str| stem(&format!("(\"conv\", Conv2d(out: \"{text}\", kernel: 3))"));
    let (deep, wide, ron) = (200_000, 20_000, "this is not RON");
    let items = "more than 10000 items";
    let long = "more than 1000 bytes";
    let cases = [
        ("lists", many("[", deep), ron),
        ("whole lists", many("[", deep) + &many("]", deep), ron),
        ("parentheses", many("(", deep), ron),
        ("structs", many("(a:", deep), ron),
        ("maps", many("{\"a\":", deep), ron),
        ("options", many("Some(", deep), ron),
        ("comments", many("/*", deep), ron),
        ("seeds", with(&format!("seeds: {}", many("[", deep))), ron),
        (
            "lists in a hundred lists",
            with(&format!("x: {}{}", many("[", 99), many("[],", deep))),
            ron,
        ),
        ("expression", expression(&(many("(", 400) + "8" + &many(")", 400))), "nests too deeply"),
        ("signs", expression(&(many("-", 900) + "8")), "nests too deeply"),
        ("sums", expression(&(many("1+", wide) + "8")), long),
        ("conditions", with(&format!("where: \"{}1\"", many("1 and ", wide))), long),
        ("negations", with(&format!("where: \"{}1\"", many("not ", 200))), "nests too deeply"),
        ("a long name", with(&format!("name: \"{}\"", many("a", 1 << 19))), "100 letters"),
        ("unknown fields", with(&numbered("x", ": 1,", wide)), items),
        (
            "fields of a map",
            sweep(&one(&format!("{NETWORK}, with: {{ {} }}", numbered("\"x", "\": 1,", wide))), ""),
            items,
        ),
        ("networks", sweep(&many("\"none.ron\",", wide), ""), items),
        ("nodes", stem(&numbered("(\"n", "\", Relu()),", wide)), items),
        (
            "stages",
            middle(&format!("{BLOCK}, stages: [{}]", many("(layers: 1, width: 1),", wide))),
            items,
        ),
        ("sources", stem(&format!("(\"add\", Add(from: [{}]))", many("\"a\",", wide))), items),
        (
            "axes",
            with(&format!("axes: [{}]", numbered("Grid({\"train.x", "\": [1]}),", wide))),
            items,
        ),
        ("excluded", with(&format!("exclude: [{}]", many("\"1 == 2\",", wide))), items),
        (
            "values",
            with(&format!("x: [{}]", many(&format!("[{}],", many("1,", 9000)), 30))),
            "more than 200000 values",
        ),
        ("a line", many(" ", 1 << 19) + "x", "starts with `Sweep(`"),
        ("a file", many(" ", (1 << 20) + 1), "more than 1 MiB"),
    ];
    for (name, text, words) in cases {
        refused(name, &text, &[], words);
    }
}

/// As wide as a text may be, it is planned, or told what is wrong with it.
#[test]
fn texts_at_the_limit_are_read() {
    let numbered = |start: &str, end: &str, count: usize| {
        (0..count).map(|at| format!("{start}{at}{end}")).collect::<String>()
    };
    let most = 9_990;
    let seeds = (0..most).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",");
    let cases = [
        ("nodes", stem(&numbered("(\"n", "\", Relu()),", most)), true),
        (
            "nodes that nothing reads",
            stem(&(numbered("(\"n", "\", Relu(from: \"input\")),", most))),
            false,
        ),
        ("nodes of one name", stem(&"(\"n\", Relu()),".repeat(most)), false),
        (
            "sources",
            stem(&format!("(\"a\", Relu()), (\"add\", Add(from: [{}]))", "\"a\",".repeat(most))),
            true,
        ),
        ("seeds", with(&format!("seeds: [{seeds}]")), true),
        ("unknown fields", with(&numbered("x", ": 1,", most)), false),
        ("missing networks", sweep(&"\"none.ron\",".repeat(most), ""), false),
        (
            "axes of nothing",
            with(&format!("axes: [{}]", numbered("Grid({\"train.x", "\": [1]}),", most))),
            false,
        ),
        ("conditions", with(&format!("exclude: [{}]", "\"1 == 2\",".repeat(most))), true),
        (
            "wide blocks in a deep network",
            middle(&format!(
                "block: Block(nodes: [{}]), stages: [(layers: 9, width: 8)]",
                numbered("(\"n", "\", Relu()),", 9_000)
            )),
            true,
        ),
    ];
    for (name, text, fits) in cases {
        let (_folder, path) = written(&text, &[]);
        let (found, told) = read(name, &path);
        let shown: String = told.chars().take(1500).collect();
        assert_eq!(found, fits, "{name}: {shown}");
        assert!(told.len() < 20_000_000, "{name}: the message has {} bytes", told.len());
    }
}

/// What is no file is refused at once, wherever a spec may be named: a pipe that nobody writes to would
/// be waited for, and a device may never end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_specs() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.ron");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let zero = folder.path().join("zero.ron");
    std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
    for path in [&pipe, &zero] {
        let (fits, told) = read("itself", path);
        assert!(!fits && told.contains("a pipe or a device"), "{told}");
        let place = |text: String| refused("named", &text, &[], "a pipe or a device");
        place(sweep(&format!("{path:?}"), ""));
        place(with("").replace(RECIPE, &format!("{path:?}")));
        place(stem(&format!("(\"a\", Use(block: {path:?}))")));
    }
}
