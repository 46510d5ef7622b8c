//! How wide a text is, without a font at hand.

/// Advance widths of DejaVu Sans in thousandths of its size, from the space to the tilde. It is
/// among the widest of the usual sans-serif fonts, so what fits by it fits in the others.
const WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];
/// Of characters beyond ASCII.
const OTHER: u16 = 1000;
/// How much wider than the regular cut the bold one is, at most.
const BOLD: f64 = 1.15;

/// The weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As running text.
    Regular,
    /// Of names and titles.
    Bold,
}

/// An upper bound for the width of a text in a font of this size, in the size's unit.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let thousandths: f64 = text.chars().map(|c| f64::from(advance(c))).sum();
    let factor = if weight == Weight::Bold { BOLD } else { 1.0 };
    (thousandths * size * factor / 1000.0).ceil()
}

fn advance(c: char) -> u16 {
    match c {
        '×' | '→' => 838,
        '·' => 380,
        _ => WIDTHS.get((c as usize).wrapping_sub(32)).copied().unwrap_or(OTHER),
    }
}

/// The text, its end replaced by `…` where it would be wider than this.
pub fn fitted(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let longer = format!("{kept}{c}");
        if width(&format!("{longer}…"), size, weight) > limit {
            break;
        }
        kept = longer;
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_fits() {
        let cut = fitted("a rather long name of a node", 11.0, Weight::Bold, 80.0);
        assert!(cut.ends_with('…') && width(&cut, 11.0, Weight::Bold) <= 80.0, "{cut}");
        assert_eq!(fitted("bn1", 11.0, Weight::Regular, 80.0), "bn1");
    }
}
