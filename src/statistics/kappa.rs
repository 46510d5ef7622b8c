//! Whether two name the same classes.

/// Cohen's kappa (1960) of two who each name a class for the same things: how often they agree beyond
/// what chance would give with classes as often as each names them, by how often they could. 1 where
/// they always agree, 0 where as by chance. None without things, of different numbers of things, and
/// where both name one and the same class throughout.
#[must_use]
pub fn cohen_kappa(first: &[u8], second: &[u8]) -> Option<f64> {
    if first.len() != second.len() {
        return None;
    }
    let n = first.len() as f64;
    let same = first.iter().zip(second).filter(|(a, b)| a == b).count() as f64;
    let (first, second) = (counts(first), counts(second));
    let by_chance = |(count, other): (&u64, &u64)| *count as f64 * *other as f64;
    let by_chance = first.iter().zip(&second).map(by_chance).sum::<f64>() / n;
    (n > by_chance).then(|| (same - by_chance) / (n - by_chance))
}

/// How often each class is named.
fn counts(classes: &[u8]) -> [u64; 256] {
    let mut counts = [0; 256];
    for class in classes {
        counts[usize::from(*class)] += 1;
    }
    counts
}
