//! Values out of their range.

/// Where in the recipe, what is wrong, and what to write.
pub(super) struct Fault {
    pub(super) path: String,
    pub(super) reason: &'static str,
    pub(super) help: &'static str,
}

/// The demands that are not met: whether each is, where, what is wrong, and what to write.
pub(super) fn unmet(demands: &[(bool, &str, &'static str, &'static str)]) -> Vec<Fault> {
    let unmet = demands.iter().filter(|demand| !demand.0);
    unmet.map(|&(_, path, reason, help)| Fault { path: path.into(), reason, help }).collect()
}

/// Faults of a part of the recipe, with its place before theirs.
pub(super) fn within(part: &str, faults: Vec<Fault>) -> Vec<Fault> {
    let at = |fault: Fault| Fault { path: format!("{part}.{}", fault.path), ..fault };
    faults.into_iter().map(at).collect()
}
