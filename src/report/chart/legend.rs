//! What the colours stand for.

use super::Chart;
use super::style::{class, dash, mark};
use crate::picture::text::{Weight, fitted, width};
use crate::picture::xml::{Value, Xml};

/// The height of a line of keys.
const LINE: f64 = 20.0;
/// From the left end of a key to its name.
const SAMPLE: f64 = 26.0;
/// Between keys.
const GAP: f64 = 14.0;
const SIZE: f64 = 12.0;

/// The keys with their places.
#[derive(Debug)]
pub struct Legend {
    keys: Vec<Key>,
    /// What they take from the top.
    pub height: f64,
}

#[derive(Debug)]
struct Key {
    series: usize,
    number: usize,
    line: bool,
    name: String,
    place: (f64, f64),
    width: f64,
}

impl Legend {
    /// Those of a chart, in lines of a width.
    pub fn of(chart: &Chart, left: f64, limit: f64) -> Self {
        let (mut keys, mut x, mut y) = (Vec::new(), left, LINE / 2.0);
        for (series, own) in chart.series.iter().enumerate() {
            let name = fitted(&own.name, SIZE, Weight::Regular, limit - SAMPLE);
            let wide = SAMPLE + width(&name, SIZE, Weight::Regular);
            if x > left && x + wide > left + limit {
                (x, y) = (left, y + LINE);
            }
            let place = (x, y);
            keys.push(Key { series, number: own.number, line: own.line, name, place, width: wide });
            x += wide + GAP;
        }
        let height = if keys.is_empty() { 0.0 } else { y + LINE / 2.0 + 4.0 };
        Self { keys, height }
    }

    /// Draws them, `down` from the top of the page.
    pub fn draw(&self, chart: &Chart, down: f64, xml: &mut Xml) {
        for key in &self.keys {
            let (x, y) = (key.place.0, key.place.1 + down);
            let class = format!("key {}", class(key.number));
            let number = key.number.to_string();
            let label = format!("{}: shown", chart.series[key.series].name);
            let attributes = [
                ("class", Value::Text(&class)),
                ("data-series", Value::Text(&number)),
                ("aria-label", Value::Text(&label)),
            ];
            xml.open("g", &attributes);
            let ground = [
                ("class", Value::Text("ground")),
                ("x", Value::Number(x - 3.0)),
                ("y", Value::Number(y - LINE / 2.0)),
                ("width", Value::Number(key.width + 6.0)),
                ("height", Value::Number(LINE)),
                ("rx", Value::Number(4.0)),
            ];
            xml.empty("rect", &ground);
            if key.line {
                let path = format!("M{x:.1} {y:.1}h20");
                let dash = dash(key.number);
                let attributes = [
                    ("class", Value::Text("line")),
                    ("d", Value::Text(&path)),
                    ("stroke-dasharray", Value::Text(if dash.is_empty() { "none" } else { dash })),
                ];
                xml.empty("path", &attributes);
            }
            let path = mark(key.number, (x + 10.0, y), 4.0);
            xml.empty("path", &[("class", Value::Text("mark")), ("d", Value::Text(&path))]);
            let place = [("x", Value::Number(x + SAMPLE)), ("y", Value::Number(y + 4.0))];
            xml.leaf("text", &place, &key.name);
            xml.close();
        }
    }
}
