//! Every block of RON in the documentation is read, and planned where it is a network or a sweep;
//! every `$ cargo xtask plan ..`, `show` and `sweep .. --dry-run` prints what the page shows.
//!
//! A block that starts with `Network(`, `Block(`, `Sweep(` or `Train(` is whole. A fragment says
//! what it is a part of: ```` ```ron,node ````, ```` ```ron,stages ````, as [`fragment`] knows them.
//! A first line such as `// experiments/blocks/mine.ron` makes the block that file for the other
//! blocks of the page. Paths start from `experiments/models` in networks and stages, from
//! `experiments/blocks` in blocks and nodes, and from `experiments` in sweeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use resweep::cli::{PlanArgs, ShowArgs, SweepArgs};
use resweep::commands::plan::{self, PlanError};
use resweep::commands::{dry_run, show};
use resweep::experiment;
use resweep::op::{InitScheme, Nonlinearity, Start};
use resweep::spec::data::{Data, DataSet, Normalize};
use resweep::spec::de::{self, Cx};
use resweep::spec::error::{Problem, SpecError};
use resweep::spec::expr::{Env, Number};
use resweep::spec::halving::Halving;
use resweep::spec::load::Loader;
use resweep::spec::network::Stage;
use resweep::spec::node::NodeSpec;
use resweep::spec::sweep::Entry;
use resweep::spec::train::{
    Augment, Distill, EarlyStop, Ema, Eval, Group, Groups, Optimizer, Schedule, Swa, Teacher, Train,
};
use resweep::spec::until_resolved::UntilResolved;
use serde::de::DeserializeOwned;

const PAGES: [&str; 5] = [
    "README.md",
    "experiments/CLUSTER.md",
    "experiments/README.md",
    "experiments/REFERENCE.md",
    "results/README.md",
];

/// The marker of a block in another language.
const OTHER: &str = "another language";
/// The marker of a block without a language.
const CONSOLE: &str = "a console";

/// A block of code of a page.
#[derive(Debug, Clone)]
struct Snippet {
    /// The line of its first line.
    line: usize,
    /// What comes after `ron,`.
    marker: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn snippets(page: &'static str) -> Vec<Snippet> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let mut found: Vec<Snippet> = Vec::new();
    let mut open: Option<Snippet> = None;
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim().strip_prefix("```");
        match (&mut open, fence) {
            (Some(_), Some(_)) => found.extend(open.take().filter(|snippet| snippet.is_checked())),
            (Some(snippet), None) => snippet.text += &format!("{line}\n"),
            (None, Some(info)) => {
                let marker = match info.trim().strip_prefix("ron") {
                    Some(rest) => rest.trim_start_matches(',').to_string(),
                    None if info.trim().is_empty() => CONSOLE.into(),
                    None => OTHER.into(),
                };
                open = Some(Snippet { line: index + 2, marker, text: String::new() });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{page}: a block of code does not end");
    found
}

impl Snippet {
    /// Whether it is RON, or a command that needs no tensors.
    fn is_checked(&self) -> bool {
        let quick = ["plan ", "show "].iter().any(|command| self.runs(command))
            || (self.runs("sweep ") && self.text.lines().next().unwrap().ends_with("--dry-run"));
        self.marker != OTHER && (self.marker != CONSOLE || quick)
    }

    fn runs(&self, command: &str) -> bool {
        self.text.strip_prefix("$ cargo xtask ").is_some_and(|rest| rest.starts_with(command))
    }

    /// The file that it stands for, from the repository's root.
    fn file(&self) -> Option<&str> {
        let first = self.text.lines().next()?.strip_prefix("// ")?;
        first.split_whitespace().next().filter(|name| name.ends_with(".ron") && name.contains('/'))
    }

    /// The first line that is no comment.
    fn start(&self) -> &str {
        let mut lines = self.text.lines().map(str::trim);
        lines.find(|line| !line.is_empty() && !line.starts_with("//")).unwrap_or_default()
    }

    fn path(&self, folder: &str) -> PathBuf {
        let file = self.file().map(PathBuf::from);
        file.unwrap_or_else(|| Path::new("experiments").join(folder).join("doc.ron"))
    }

    /// Reads it; `files` are those of the page.
    fn check(&self, files: &[Snippet]) -> Result<(), String> {
        let loader = Loader::default();
        let told = |error: SpecError| error.render(&loader.sources);
        for file in files {
            loader.text(&file.path(""), file.text.clone()).map_err(told)?;
        }
        if self.marker == CONSOLE {
            return console(&loader, &self.text);
        }
        if self.marker == "sweep" || self.marker == "axes" {
            let text = format!("{SWEEP}{}\n)", self.text);
            return Self { marker: String::new(), text, ..self.clone() }.check(files);
        }
        if !self.marker.is_empty() {
            return fragment(&self.marker, &self.text);
        }
        let whole = |folder: &str| {
            let path = self.path(folder);
            loader.text(&path, self.text.clone()).map(|_| path)
        };
        let start = self.start();
        if start.starts_with("Network(") {
            let path = whole("models").map_err(told)?;
            experiment::network(&loader, &path, &[], None).map(drop).map_err(told)
        } else if start.starts_with("Block(") {
            let path = whole("blocks").map_err(told)?;
            let user = PathBuf::from("experiments/models/user.ron");
            let name = path.file_name().unwrap().to_str().unwrap();
            let text = USER.replace("BLOCK", &format!("../blocks/{name}"));
            loader.text(&user, text).map_err(told)?;
            experiment::network(&loader, &user, &[], None).map(drop).map_err(told)
        } else if start.starts_with("Sweep(") {
            let path = whole("").map_err(told)?;
            let rendered = |errors: Vec<SpecError>| {
                errors.into_iter().map(told).collect::<Vec<_>>().join("\n")
            };
            experiment::sweep(&loader, &path, &[]).map(drop).map_err(rendered)
        } else if start.starts_with("Train(") {
            fragment("train", &self.text)
        } else {
            Err("say what this is a part of, as in ```ron,node".into())
        }
    }
}

/// The commands whose output pages show.
#[derive(clap::Parser)]
enum Command {
    Plan(PlanArgs),
    Show(ShowArgs),
    Sweep(Box<SweepArgs>),
}

/// Compares what a command prints with what a page shows; `...` stands for any lines.
fn console(loader: &Loader, text: &str) -> Result<(), String> {
    let (command, shown) = text.split_once('\n').unwrap();
    let arguments = command.strip_prefix("$ cargo ").unwrap().split_whitespace();
    let command = Command::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let printed = match &command {
        Command::Plan(args) => plan::text(loader, args),
        Command::Show(args) => show::text(loader, args).map_err(PlanError::from),
        Command::Sweep(args) => {
            let sweep = experiment::sweep(loader, &args.spec, &args.set);
            sweep.map(|sweep| dry_run::text(&sweep)).map_err(PlanError::from)
        }
    };
    let printed = printed.unwrap_or_else(|error| error.rendered(loader));
    let lines = |text: &str| -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        // How wide columns and rules are is not what pages are about.
        text.trim_end().lines().map(|line| words(line.trim_matches(['═', '─']))).collect()
    };
    let (printed, shown) = (lines(&printed), lines(shown));
    let mut at = 0;
    for (index, part) in shown.split(|line| line == "...").enumerate() {
        let found = printed[at..].windows(part.len().max(1)).position(|window| window == part);
        match found {
            _ if part.is_empty() => {}
            Some(skipped) if skipped == 0 || index > 0 => at += skipped + part.len(),
            _ => return Err(format!("not printed: {}\nbut:\n{}", part[0], printed.join("\n"))),
        }
    }
    match at == printed.len() || shown.last().is_some_and(|line| line == "...") {
        true => Ok(()),
        false => Err(format!("more is printed: {}", printed[at])),
    }
}

/// A network that uses a block.
const USER: &str = r#"
Network(
    stem: [("conv", Conv2d(out: 16, kernel: 3))],
    block: "BLOCK",
    stages: [(layers: 2, width: 16), (layers: 2, width: 32, stride: 2)],
    head: [("avgpool", GlobalAvgPool()), ("fc", Linear(out: "classes"))],
)
"#;

/// A sweep, but for some fields: those that are not required.
const SWEEP: &str = r#"
Sweep(
    networks: ["models/resnet18.ron"],
    data: (set: Cifar10),
    train: (epochs: 10, batch: 128, optimizer: Sgd(lr: 0.1)),
"#;

/// Reads a part of a spec.
fn fragment(marker: &str, text: &str) -> Result<(), String> {
    let list = || format!("[{text}]");
    match marker {
        "node" => read_in::<NodeSpec>("experiments/blocks", text),
        "nodes" => read_in::<Vec<NodeSpec>>("experiments/blocks", &list()),
        "stage" => read_in::<Stage>("experiments/models", text),
        "stages" => read_in::<Vec<Stage>>("experiments/models", &list()),
        "entry" => read::<Entry>(text),
        "data" => read::<Data>(text),
        "dataset" => read::<DataSet>(text),
        "normalize" => read::<Normalize>(text),
        "initscheme" => read::<InitScheme>(text),
        "start" => read::<Start>(text),
        "nonlinearity" => read::<Nonlinearity>(text),
        "train" => read::<Train>(text),
        "optimizer" => read::<Optimizer>(text),
        "distill" => read::<Distill>(text),
        "teacher" => read::<Teacher>(text),
        "ema" => read::<Ema>(text),
        "swa" => read::<Swa>(text),
        "earlystop" => read::<EarlyStop>(text),
        "halving" => read::<Halving>(text),
        "untilresolved" => read::<UntilResolved>(text),
        "groups" => read::<Groups>(text),
        "group" => read::<Group>(text),
        "schedule" => read::<Schedule>(text),
        "augment" => read::<Augment>(text),
        "eval" => read::<Eval>(text),
        _ => Err(format!("tests/docs.rs does not know what `{marker}` is; add it to `fragment`")),
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<(), String> {
    read_in::<T>("experiments", text)
}

/// Reads a type in a folder. The names that its expressions use have one value, and some of these
/// must do: `"(depth - 4) / 6"` is not whole for all.
fn read_in<T: DeserializeOwned>(folder: &str, text: &str) -> Result<(), String> {
    let mut results = [2, 16, 20, 64].map(|value| read_with::<T>(folder, text, value)).into_iter();
    let first = results.next().unwrap_or(Ok(()));
    first.or_else(|fault| results.find_map(Result::ok).ok_or(fault))
}

fn read_with<T: DeserializeOwned>(folder: &str, text: &str, value: i64) -> Result<(), String> {
    let mut env = Env::new();
    loop {
        let loader = Loader::default();
        let path = Path::new(folder).join("doc.ron");
        let read = loader
            .text(&path, text.into())
            .and_then(|tree| de::read::<T>(&tree, Cx { loader: &loader, env: &env }, "this"));
        let Err(error) = read else { return Ok(()) };
        match error.problem() {
            Problem::UnknownName { name, .. } if !env.contains_key(name) => {
                env.insert(name.clone(), Number::Int(value));
            }
            _ => return Err(error.render(&loader.sources)),
        }
    }
}

#[test]
fn every_block_of_ron_is_what_it_says() {
    let mut faults = String::new();
    for page in PAGES {
        let all = snippets(page);
        let files: Vec<_> =
            all.iter().filter(|snippet| snippet.file().is_some()).cloned().collect();
        for snippet in &all {
            if let Err(fault) = snippet.check(&files) {
                faults += &format!("{page}:{}: {fault}\n\n", snippet.line);
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// A block that is wrong is found, at its line; so is one that does not say what it is.
#[test]
fn wrong_blocks_are_told() {
    let snippet =
        |marker: &str, text: &str| Snippet { line: 1, marker: marker.into(), text: text.into() };
    let told = |marker, text| snippet(marker, text).check(&[]).unwrap_err();
    assert!(told("", "optimizer: Sgd(lr: 0.1)").contains("say what this is a part of"));
    assert!(told("node", "(\"a\", Conv3d())").contains("Conv3d"));
    assert!(told("recipe", "()").contains("tests/docs.rs does not know"));
    let command = "$ cargo xtask plan experiments/models/resnet18.ron\n...\n";
    let shown = |lines: &str| snippet(CONSOLE, &format!("{command}{lines}")).check(&[]);
    assert_eq!(shown("params 11,173,962   GMACs 0.555   activations 5.90 MB per image\n"), Ok(()));
    assert!(shown("params 11,173,963   GMACs 0.555   activations 5.90 MB per image\n").is_err());
    assert!(
        shown(" fc                      Linear                    10       5,130        5,120\n")
            .is_err()
    );
    let sweep = format!("{})", SWEEP.replace("resnet18", "resnet19"));
    assert!(told("", &sweep).contains("resnet18.ron"));
    assert!(told("sweep", "axis: []").contains("did you mean `axes`?"));
    assert!(told("", "Block(nodes: [(\"a\", Add(from: [\"input\", \"b\"]))])").contains("`b`"));
    assert!(snippets("README.md").len() >= 3);
}

/// Links to files of the repository lead somewhere.
#[test]
fn links_lead_to_files() {
    for page in PAGES {
        let path = root().join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(path.with_file_name(target).exists(), "{page} links to {target}");
            }
        }
    }
}
