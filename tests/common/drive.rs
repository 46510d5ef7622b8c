//! A text through the whole crate, without a file: as a sweep, a network, and a block.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use resweep::experiment;
use resweep::spec::error::SpecError;
use resweep::spec::load::Loader;

/// The folder of the text and of what it can name; it is on no disk.
const ROOT: &str = "/resweep-texts";

/// A network that uses the text as its block.
const USER: &str = r#"
Network(
    stem: [("conv", Conv2d(out: 8, kernel: 3))],
    block: "text.ron",
    stages: [(layers: 1, width: 8), (layers: 2, width: 16, stride: 2)],
    head: [("avgpool", GlobalAvgPool()), ("fc", Linear(out: "classes"))],
)
"#;

/// The files under `experiments`, by their paths from there.
static SHIPPED: LazyLock<BTreeMap<PathBuf, String>> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    // The manifest is the repository's, or that of the fuzz target within it.
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    if let Some(root) = above.map(|folder| folder.join("experiments")).find(|f| f.is_dir()) {
        collect(&root, &root, &mut files);
    }
    files
});

fn collect(root: &Path, folder: &Path, into: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, into);
        } else if let (Ok(text), Ok(name)) =
            (std::fs::read_to_string(&path), path.strip_prefix(root))
        {
            into.insert(name.to_path_buf(), text);
        }
    }
}

/// The shipped files that a text names, and those that they name.
fn named(text: &str) -> BTreeMap<&'static Path, &'static str> {
    let mut found = BTreeMap::new();
    let mut texts = vec![text];
    while let Some(text) = texts.pop() {
        for (path, content) in &*SHIPPED {
            let name = path.file_name().and_then(|name| name.to_str());
            let new = !found.contains_key(path.as_path());
            if new && name.is_some_and(|name| text.contains(name)) {
                found.insert(path.as_path(), content.as_str());
                texts.push(content);
            }
        }
    }
    found
}

/// As what a text was planned.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// As a sweep.
    pub sweep: bool,
    /// As a network.
    pub network: bool,
    /// As the block of a network.
    pub block: bool,
}

/// Reads a text as a sweep, as a network and as a block, and renders every message.
pub fn drive(text: &str) -> Planned {
    let loader = Loader::default();
    // Where sweeps and where networks and blocks have their neighbours.
    for (path, content) in named(text) {
        for root in ["", "models"] {
            let _ = loader.text(&Path::new(ROOT).join(root).join(path), content.into());
        }
    }
    let file = Path::new(ROOT).join("models/text.ron");
    let user = Path::new(ROOT).join("models/user.ron");
    let _ = loader.text(&user, USER.into());
    if let Err(error) = loader.text(&file, text.into()) {
        told(&loader, &[error]);
        return Planned::default();
    }
    let fits = |errors: Vec<SpecError>| {
        told(&loader, &errors);
        errors.is_empty()
    };
    let network = |file| experiment::network(&loader, file, &[], None).err().into_iter().collect();
    Planned {
        sweep: fits(experiment::sweep(&loader, &file, &[]).err().unwrap_or_default()),
        network: fits(network(&file)),
        block: fits(network(&user)),
    }
}

/// Every message has words, and can be shown.
fn told(loader: &Loader, errors: &[SpecError]) {
    for error in errors {
        assert!(!error.to_string().is_empty(), "{error:?}");
        assert!(error.render(&loader.sources).starts_with("error: "), "{error:?}");
    }
}
