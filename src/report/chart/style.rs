//! Colours, dashes and marks. Colour is never the only cue: lines are dashed and marks are shaped by
//! series too.

use std::fmt::Write;

/// Of series, on white and on dark: after Okabe and Ito, "Color Universal Design" (2008), made
/// darker or lighter until a line of it has a contrast of 3 against its ground.
const COLOURS: [(&str, &str); 8] = [
    ("#0072b2", "#56b4e9"),
    ("#c04e00", "#ff8f3f"),
    ("#00785a", "#2cc7a0"),
    ("#a8478a", "#e08cc0"),
    ("#7a6100", "#f0e442"),
    ("#1b1f24", "#e6edf3"),
    ("#2a7fbd", "#9fd3f5"),
    ("#a33030", "#ff8080"),
];

/// Of lines; none is whole.
const DASHES: [&str; 4] = ["", "6 3", "2 3", "9 3 2 3"];

/// The class of a series.
pub fn class(number: usize) -> String {
    format!("s{}", number % COLOURS.len())
}

/// The dashes of the line of a series; empty for a whole line.
pub fn dash(number: usize) -> &'static str {
    DASHES[number % DASHES.len()]
}

/// The mark of a series around a place, as the data of a path.
pub fn mark(number: usize, (x, y): (f64, f64), r: f64) -> String {
    let (l, t, b, e) = (x - r, y - r, y + r, x + r);
    match number % 5 {
        0 => format!("M{l:.1} {y:.1}a{r} {r} 0 1 0 {0} 0a{r} {r} 0 1 0 -{0} 0z", 2.0 * r),
        1 => format!("M{l:.1} {t:.1}H{e:.1}V{b:.1}H{l:.1}z"),
        2 => format!("M{x:.1} {t:.1}L{e:.1} {b:.1}H{l:.1}z"),
        3 => format!("M{x:.1} {t:.1}L{e:.1} {y:.1}L{x:.1} {b:.1}L{l:.1} {y:.1}z"),
        _ => format!("M{l:.1} {t:.1}H{e:.1}L{x:.1} {b:.1}z"),
    }
}

/// The rules of charts; with `dark`, of screens that are set to dark too.
pub fn css(dark: bool) -> String {
    let mut text = rules(|(light, _)| light, ["#1f2328", "#59636e", "#d8dee4", "#ffffff"]);
    if dark {
        let rules = rules(|(_, dark)| dark, ["#e6edf3", "#9da7b3", "#30363d", "#0d1117"]);
        // Paper is white on any screen. Writing to a String cannot fail.
        let _ = writeln!(text, "@media screen and (prefers-color-scheme:dark){{{rules}}}");
    }
    text + FIXED
}

const FIXED: &str = ".chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
.chart .band{fill-opacity:.16;stroke:none}
.chart .stray{fill:none;stroke-width:1;stroke-linecap:round}
.chart .mark{stroke-width:1}
.chart .bar{fill:none;stroke-width:1.5}
.chart .front{fill:none;stroke-width:1.5;stroke-dasharray:4 4}
.chart .grid{stroke-width:1;fill:none}
.chart text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px}
.chart .heading{font-size:15px;font-weight:700}
";

fn rules(pick: fn(&(&'static str, &'static str)) -> &'static str, fixed: [&str; 4]) -> String {
    let [ink, pale, grid, ground] = fixed;
    let mut text = format!(
        ".chart text{{fill:{ink}}}.chart .pale{{fill:{pale}}}.chart .grid{{stroke:{grid}}}\
         .chart .front{{stroke:{pale}}}.chart .ground{{fill:{ground}}}.chart .mark{{stroke:{ground}}}\n"
    );
    for (number, colours) in COLOURS.iter().enumerate() {
        let colour = pick(colours);
        let _ = writeln!(
            text,
            ".s{number} .line,.s{number} .bar,.s{number} .stray{{stroke:{colour}}}.s{number} .band,.s{number} .mark{{fill:{colour}}}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let part = |from: usize| {
            let byte = u8::from_str_radix(&colour[from..from + 2], 16).unwrap_or(0);
            let share = f64::from(byte) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_line_stands_out_on_its_ground() {
        for (light, dark) in COLOURS {
            assert!(contrast(light, "#ffffff") >= 3.0, "{light}");
            assert!(contrast(dark, "#0d1117") >= 3.0, "{dark}");
        }
    }

    #[test]
    fn series_differ_by_more_than_colour() {
        let cues = |number| (class(number), dash(number), mark(number, (0.0, 0.0), 1.0));
        for a in 0..40 {
            assert!((a + 1..40).all(|b| cues(a) != cues(b)), "{a}");
        }
    }
}
