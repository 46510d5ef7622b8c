//! Which step of one network is which of the other.

use std::collections::HashMap;

use crate::plan::{Plan, Step};

/// More comparisons than this are not made: what is left is told as removed and added.
const MOST: usize = 16_000_000;

/// For each step of `a` the step of `b` that is the same or took its place: the one of the same
/// path, and among the rest those of one operation and shape, in order (the longest common
/// subsequence): they have another name.
pub(super) fn align(a: &Plan, b: &Plan) -> Vec<Option<usize>> {
    let by_path: HashMap<&str, usize> =
        b.steps.iter().enumerate().map(|(index, step)| (step.path.as_str(), index)).collect();
    let mut pairs: Vec<Option<usize>> =
        a.steps.iter().map(|step| by_path.get(step.path.as_str()).copied()).collect();
    let mut taken = vec![false; b.steps.len()];
    pairs.iter().flatten().for_each(|&index| taken[index] = true);
    let left: Vec<usize> = (0..a.steps.len()).filter(|&index| pairs[index].is_none()).collect();
    let right: Vec<usize> = (0..b.steps.len()).filter(|&index| !taken[index]).collect();
    let same = |x: usize, y: usize| alike(&a.steps[left[x]], &b.steps[right[y]]);
    for (x, y) in common(left.len(), right.len(), same) {
        pairs[left[x]] = Some(right[y]);
    }
    pairs
}

fn alike(a: &Step, b: &Step) -> bool {
    (a.shape, &a.op, a.inputs.len()) == (b.shape, &b.op, b.inputs.len())
}

/// A longest common subsequence of two lists of these lengths, as pairs of positions.
fn common(a: usize, b: usize, same: impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    if a.saturating_mul(b) > MOST {
        return Vec::new();
    }
    let width = b + 1;
    // `longest[x * width + y]` is the length for what follows position x and y.
    let mut longest = vec![0_u32; (a + 1) * width];
    for x in (0..a).rev() {
        for y in (0..b).rev() {
            longest[x * width + y] = match same(x, y) {
                true => longest[(x + 1) * width + y + 1] + 1,
                false => longest[(x + 1) * width + y].max(longest[x * width + y + 1]),
            };
        }
    }
    let (mut x, mut y, mut pairs) = (0, 0, Vec::new());
    while x < a && y < b {
        match longest[(x + 1) * width + y].cmp(&longest[x * width + y + 1]) {
            _ if same(x, y) => {
                pairs.push((x, y));
                (x, y) = (x + 1, y + 1);
            }
            std::cmp::Ordering::Less => y += 1,
            _ => x += 1,
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(a: &str, b: &str) -> usize {
        let (a, b) = (a.as_bytes(), b.as_bytes());
        let pairs = common(a.len(), b.len(), |x, y| a[x] == b[y]);
        assert!(pairs.iter().all(|&(x, y)| a[x] == b[y]));
        assert!(pairs.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        pairs.len()
    }

    #[test]
    fn the_subsequence_is_longest() {
        assert_eq!(length("", "abc"), 0);
        assert_eq!(length("abcbdab", "bdcaba"), 4);
        assert_eq!(length("bdcaba", "abcbdab"), 4);
    }
}
