//! How a sweep is had again, from what its runs keep.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::collect::Trained;
use crate::records::Environment;
use crate::regular;
use crate::report::{Again, Group};
use crate::saved::RunFile;

/// More seeds than that are not named one by one.
const MOST_SEEDS: usize = 20;

/// What a person needs to have the sweep again.
pub(super) fn again(
    results: &Path,
    groups: &[Group],
    folders: &[(String, PathBuf)],
    trained: &[Trained],
) -> Again {
    let spec = |own: &Trained| {
        let spec = regular::read_to_string(own.folder.join(RunFile::Spec.name()));
        (own.name.clone(), spec.unwrap_or_default())
    };
    Again {
        folder: results.display().to_string(),
        facts: facts(groups, folders),
        sweeps: trained.iter().filter_map(|own| sweep(groups, own)).collect(),
        reruns: trained.iter().map(|own| command("rerun", &own.folder)).collect(),
        specs: trained.iter().map(spec).collect(),
    }
}

/// The command that trains all runs of an experiment again. One that learns from another run needs that
/// run beside it, so it has none.
fn sweep(groups: &[Group], own: &Trained) -> Option<String> {
    let group = groups.iter().find(|group| group.name == own.name);
    let group = group.filter(|_| own.experiment.teacher.is_none())?;
    let recorded = group.runs.iter().map(|run| run.seed);
    let mut seeds: Vec<u64> = recorded.chain(group.unfinished.iter().map(|run| run.seed)).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let sweep = command("sweep", &own.folder.join(RunFile::Spec.name()));
    let threads = group.runs.first().map(|run| format!(" --threads {}", run.threads));
    let threads = threads.unwrap_or_default();
    Some(format!("{sweep} --set 'seeds={seeds:?}'{threads} --results again"))
}

/// A command of a path that a shell reads as it is meant.
fn command(name: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=,:@%".contains(letter);
    let path = match path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', r"'\''")),
    };
    format!("cargo xtask {name} {path}")
}

/// What the runs were trained with and on: what it is, and each value with the number of runs.
fn facts(groups: &[Group], folders: &[(String, PathBuf)]) -> Vec<(String, Vec<(String, usize)>)> {
    let mut facts: Vec<(String, BTreeMap<String, usize>)> = Vec::new();
    let mut count = |what: &str, value: Option<String>, runs: usize| {
        let Some(value) = value else { return };
        let place = facts.iter().position(|(known, _)| known == what).unwrap_or_else(|| {
            facts.push((what.to_owned(), BTreeMap::new()));
            facts.len() - 1
        });
        *facts[place].1.entry(value).or_default() += runs;
    };
    // Most runs have trained with and on the same, told in the same words: these are read once.
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut environments: Vec<(String, usize)> = Vec::new();
    for text in folders.iter().filter_map(|(_, folder)| environment(folder)) {
        let place = *places.entry(text.clone()).or_insert(environments.len());
        match environments.get_mut(place) {
            Some((_, runs)) => *runs += 1,
            None => environments.push((text, 1)),
        }
    }
    for (text, runs) in environments {
        let Ok(on) = ron::from_str::<Environment>(&text) else { continue };
        let mut count = |what: &str, value: Option<String>| count(what, value, runs);
        count("resweep", Some(on.code_version));
        count(
            "commit",
            on.commit.map(|it| it + if on.dirty { ", with files changed" } else { "" }),
        );
        count("tch", on.tch_version);
        count("libtorch", on.libtorch_version);
        let model = on.device_name.map(|name| format!(", {name}")).unwrap_or_default();
        count("device", Some(format!("{}{model}", on.device)));
        count("threads", Some(on.threads.to_string()));
        count("--set", Some(on.overrides.join(" ")).filter(|text| !text.is_empty()));
        let machine = on.machine.into_iter();
        machine.for_each(|(what, value)| count(&what.replace('_', " "), Some(value)));
    }
    let seeds = seeds(groups).map(|seeds| ("seeds".to_owned(), vec![(seeds, 1)]));
    let rest = facts.into_iter().map(|(what, values)| (what, values.into_iter().collect()));
    seeds.into_iter().chain(rest).collect()
}

/// What a run says that it trained with and on.
fn environment(folder: &Path) -> Option<String> {
    regular::read_to_string(folder.join(RunFile::Environment.name())).ok()
}

/// `0, 1, 2`, or where these are many and without gaps `0 to 49`.
fn seeds(groups: &[Group]) -> Option<String> {
    let recorded = groups.iter().flat_map(|group| &group.runs).map(|run| run.seed);
    let unfinished = groups.iter().flat_map(|group| &group.unfinished).map(|run| run.seed);
    let seeds: std::collections::BTreeSet<u64> = recorded.chain(unfinished).collect();
    if let (Some(first), Some(last)) = (seeds.first(), seeds.last())
        && seeds.len() > MOST_SEEDS
        && last - first == seeds.len() as u64 - 1
    {
        return Some(format!("{first} to {last}"));
    }
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    (!seeds.is_empty()).then(|| seeds.join(", "))
}
