//! What is not the same where two runs part, in words.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use crate::saved::{How, Parted};

/// Most lines of specs that are shown, and most tensors.
const MOST: usize = 12;

/// The tensors of a step that differ.
#[derive(Debug)]
pub(super) struct Parting {
    /// In the order in which they came to be.
    found: Vec<Parted>,
    /// For each part of a step, how many of how many tensors differ.
    parts: Vec<(&'static str, usize, usize)>,
    kept: Vec<String>,
}

/// The parts of a step in order, by the first words of the names of their tensors.
const PARTS: [(&str, &str); 8] = [
    ("batch.", "batch"),
    ("activations.", "activations"),
    ("loss", "loss"),
    ("gradients.", "gradients"),
    ("optim.", "optimiser"),
    ("weights.", "weights"),
    ("averages.", "averages"),
    ("", "sums"),
];

impl Parting {
    /// Of the tensors that differ, and the names of all on both sides in the order in which they come
    /// to be.
    pub(super) fn of(
        first: &[String],
        second: &[String],
        mut found: Vec<Parted>,
        kept: &[&Path],
    ) -> Self {
        let mut order: HashMap<&str, usize> = HashMap::new();
        for (at, name) in first.iter().chain(second).enumerate() {
            order.entry(name).or_insert(at);
        }
        found.sort_by_key(|it| order.get(it.name.as_str()).copied().unwrap_or(usize::MAX));
        let count = |part: &'static str, names: &mut dyn Iterator<Item = &str>| {
            names.filter(|name| part_of(name) == part).count()
        };
        let parts = PARTS.iter().map(|(_, part)| {
            let of = count(part, &mut order.keys().copied());
            let differ = count(part, &mut found.iter().map(|it| it.name.as_str()));
            (*part, differ, of)
        });
        let parts = parts.filter(|(.., of)| *of > 0).collect();
        let kept = kept.iter().map(|path| path.display().to_string()).collect();
        Self { found, parts, kept }
    }
}

fn part_of(name: &str) -> &'static str {
    let found = PARTS.iter().find(|(start, _)| name.starts_with(start));
    found.map_or("sums", |(_, part)| part)
}

/// `the gradient of conv1.weight`.
fn called(name: &str) -> String {
    let rest = |start: &str| name.strip_prefix(start).map(str::to_owned);
    let named = [("activations.", "the activations of "), ("gradients.", "the gradient of ")];
    let named = named.iter().find_map(|(start, said)| Some(format!("{said}{}", rest(start)?)));
    named
        .or_else(|| rest("weights."))
        .or_else(|| Some(format!("the {}", rest("batch.")?)))
        .unwrap_or_else(|| if name == "loss" { "the loss".into() } else { name.to_owned() })
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.found.first() else {
            return write!(
                f,
                "What the step makes is the same when it is done once more: the arithmetic is not repeatable"
            );
        };
        writeln!(f, "First: {}, {}", called(&first.name), first.how)?;
        let parts = self.parts.iter().map(|(part, differ, of)| format!("{part} {differ} of {of}"));
        write!(f, "In all tensors of the step: {}", parts.collect::<Vec<_>>().join(", "))?;
        for Parted { name, how } in self.found.iter().take(MOST).filter(|it| !is_small(&it.how)) {
            write!(f, "\n  {name}: {how}")?;
        }
        if self.found.len() > MOST {
            write!(f, "\n  and {} more", self.found.len() - MOST)?;
        }
        match self.kept.as_slice() {
            [] => Ok(()),
            kept => write!(f, "\nAll tensors of the step are in {}", kept.join(" and ")),
        }
    }
}

/// Nothing to be shown of it.
fn is_small(how: &How) -> bool {
    matches!(how, How::Values { of: 0, .. })
}

/// The lines of two specs that the other has not, where there are some.
pub(super) fn unlike_lines(first: &str, second: &str) -> String {
    let alone = |name: &str, own: &str, other: &str| {
        let other: Vec<&str> = other.lines().map(str::trim).collect();
        let own = own.lines().map(str::trim).filter(|line| !other.contains(line));
        own.map(|line| format!("  {name}  {line}\n")).collect::<Vec<_>>()
    };
    let mut lines = alone("A", first, second);
    lines.extend(alone("B", second, first));
    if lines.is_empty() {
        return String::new();
    }
    let more = match lines.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("  and {more} lines more\n"),
    };
    lines.truncate(MOST);
    format!("Their specs differ:\n{}{more}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(name: &str) -> Parted {
        let how = How::Values { differ: 1, of: 2, most: Some(1e-3), largest: Some(2.0) };
        Parted { name: name.into(), how }
    }

    #[test]
    fn the_first_in_the_order_of_the_step_is_named() {
        let order = ["batch.images", "loss", "gradients.fc.weight", "gradients.a", "weights.a"];
        let order = order.map(str::to_owned);
        let found = vec![parted("gradients.a"), parted("gradients.fc.weight"), parted("weights.a")];
        let text = Parting::of(&order, &order, found, &[]).to_string();
        let wanted = "First: the gradient of fc.weight, 1 of 2 values differ, by up to 1.0e-3 where the \
                      largest is 2.0e0\nIn all tensors of the step: batch 0 of 1, loss 0 of 1, gradients \
                      2 of 2, weights 1 of 1\n  gradients.fc.weight: ";
        assert!(text.starts_with(wanted), "{text}");
    }

    #[test]
    fn specs_are_told_by_the_lines_that_differ() {
        assert_eq!(unlike_lines("a\n  b\n", "a\nb\n"), "");
        let told = unlike_lines("seeds: [0]\nlr: 1\n", "seeds: [1]\nlr: 1\n");
        assert_eq!(told, "Their specs differ:\n  A  seeds: [0]\n  B  seeds: [1]\n");
    }
}
