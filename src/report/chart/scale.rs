//! Numbers to places on an axis.

/// An axis from one number to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    from: f64,
    to: f64,
    log: bool,
    /// The least step between numbers that are written.
    least: f64,
    /// Where these are on the page.
    places: (f64, f64),
}

impl Scale {
    /// An axis that holds all finite numbers, with room at its ends, between two places on the page.
    /// One that goes by factors needs numbers above 0.
    pub fn of(numbers: impl Iterator<Item = f64>, log: bool, places: (f64, f64)) -> Self {
        let inner = |number: f64| if log { number.ln() } else { number };
        let ends = numbers.map(inner).filter(|number| number.is_finite());
        let ends = ends.fold(None, |ends: Option<(f64, f64)>, number| {
            Some(ends.map_or((number, number), |(low, high)| (low.min(number), high.max(number))))
        });
        let (low, high) = ends.unwrap_or((0.0, 1.0));
        // A single number stands in the middle.
        let least = if log { 0.1 } else { low.abs().max(1e-3) * 0.02 };
        let room = if high > low { (high - low) * 0.05 } else { least };
        Self { from: low - room, to: high + room, log, least: 0.0, places }
    }

    /// The same axis without room below `least`, which no number is below.
    pub fn not_below(self, least: f64) -> Self {
        Self { from: if self.log { self.from } else { self.from.max(least) }, ..self }
    }

    /// The same axis, on which whole numbers alone are written.
    pub fn of_whole_numbers(self) -> Self {
        Self { least: 1.0, ..self }
    }

    /// The place of a number.
    pub fn place(&self, number: f64) -> f64 {
        let inner = if self.log { number.ln() } else { number };
        let share = (inner - self.from) / (self.to - self.from);
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// The numbers that are written at the axis, about `count`, each with its text.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match self.log {
            true => self.log_ticks(count),
            false => self.even_ticks(count),
        }
    }

    fn even_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = nice((self.to - self.from) / (count as f64 + 0.9)).max(self.least);
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (self.from / step).ceil();
        let numbers = (0..=2 * count).map(|at| (first + at as f64) * step);
        let within = numbers.take_while(|number| *number <= self.to + step * 1e-9);
        within.map(|number| (number, text(number, decimals))).collect()
    }

    fn log_ticks(&self, count: usize) -> Vec<(f64, String)> {
        let (from, to) = (self.from.exp(), self.to.exp());
        let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
        let of = |steps: &'static [f64]| {
            let numbers = decades.clone().flat_map(|exponent| {
                steps.iter().map(move |step| (step * 10_f64.powi(exponent), exponent))
            });
            let within = numbers.filter(|(number, _)| (from..=to).contains(number));
            within
                .map(|(number, exponent)| (number, text(number, (-exponent).clamp(0, 9) as usize)))
                .collect::<Vec<_>>()
        };
        let many: [&'static [f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
        let fitting = many.into_iter().map(of).find(|ticks| ticks.len() <= count.max(2));
        match fitting {
            Some(ticks) if ticks.len() >= 2 => ticks,
            // Less than a decade, or too many of them.
            _ => self.few_log_ticks(),
        }
    }

    /// The ends and the middle.
    fn few_log_ticks(&self) -> Vec<(f64, String)> {
        let shares = [0.1, 0.5, 0.9].map(|share| self.from + share * (self.to - self.from));
        let written = shares.map(|inner| {
            let number = inner.exp();
            let decimals = (1.0 - number.log10().floor()).clamp(0.0, 9.0) as usize;
            let text = text(number, decimals);
            (text.parse().unwrap_or(number), text)
        });
        written.to_vec()
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * 0.999);
    factor.unwrap_or(10.0) * power
}

fn text(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() { "0".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(numbers: &[f64], log: bool, count: usize) -> Vec<String> {
        let scale = Scale::of(numbers.iter().copied(), log, (0.0, 100.0));
        scale.ticks(count).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn round_numbers_are_written() {
        assert_eq!(written(&[0.0, 100.0], false, 5), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(written(&[64.7, 65.3], false, 4), ["64.8", "65.0", "65.2"]);
        assert_eq!(written(&[-1.0, 1.0], false, 4), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
        assert_eq!(written(&[1.0, 1000.0], true, 6), ["1", "10", "100", "1000"]);
        assert_eq!(written(&[0.2, 3.0], true, 6), ["0.2", "0.5", "1", "2"]);
        assert_eq!(written(&[0.27, 0.272], true, 6).len(), 3);
    }

    #[test]
    fn numbers_have_their_places() {
        let scale = Scale::of([0.0, 10.0].into_iter(), false, (100.0, 0.0));
        assert!((scale.place(5.0) - 50.0).abs() < 1e-9);
        assert!(scale.place(0.0) < 100.0 && scale.place(10.0) > 0.0);
        let one = Scale::of([3.0].into_iter(), false, (0.0, 100.0));
        assert!((one.place(3.0) - 50.0).abs() < 1e-9);
        assert!(!one.ticks(4).is_empty());
        let none = Scale::of(std::iter::empty(), true, (0.0, 100.0));
        assert!(none.place(1.0).is_finite());
        let floor = Scale::of([0.0, 10.0].into_iter(), false, (0.0, 100.0)).not_below(0.0);
        assert!(floor.place(0.0).abs() < 1e-9);
    }
}
