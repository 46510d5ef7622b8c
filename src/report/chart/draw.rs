//! A chart as SVG.

use super::labels::{Area, places};
use super::legend::Legend;
use super::scale::Scale;
use super::style::{class, css, dash, mark};
use super::{Chart, Point, Series, Stray};
use crate::picture::xml::{Value, Xml, number};

/// For what a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page that is as wide as a screen.
    Wide,
    /// The same on a telephone.
    Narrow,
    /// A file of its own, with its title and colours.
    File,
}

/// Width and height of what the axes enclose and surround.
fn size(form: Form) -> (f64, f64) {
    match form {
        Form::Wide | Form::File => (720.0, 360.0),
        Form::Narrow => (348.0, 320.0),
    }
}

/// What is left at the sides of the axes: left, right, bottom.
const MARGINS: (f64, f64, f64) = (56.0, 16.0, 44.0);
/// Most points of a line that are marked.
const MOST_MARKED: usize = 24;

/// A chart with its places.
struct Drawing<'a> {
    chart: &'a Chart,
    form: Form,
    size: (f64, f64),
    top: f64,
    x: Scale,
    y: Scale,
}

/// Draws a chart. The same chart gives the same bytes.
pub fn svg(chart: &Chart, form: Form) -> String {
    let (width, height) = size(form);
    let title = if form == Form::File { 30.0 } else { 4.0 };
    let (left, right, bottom) = MARGINS;
    let legend = Legend::of(chart, left, width - left - right);
    let top = title + legend.height + 6.0;
    let height = height + title + legend.height;
    let x = Scale::of(chart.across(), chart.log, (left, width - right));
    let x = if chart.whole { x.of_whole_numbers() } else { x };
    let y = Scale::of(chart.down(), false, (height - bottom, top)).not_below(0.0);
    let drawing = Drawing { chart, form, size: (width, height), top, x, y };
    drawing.write(&legend, title)
}

impl Drawing<'_> {
    fn write(&self, legend: &Legend, title: f64) -> String {
        let Self { chart, form, size: (width, height), .. } = self;
        let view = format!("0 0 {} {}", number(*width), number(*height));
        let class = match form {
            Form::Wide => "chart wide",
            Form::Narrow => "chart narrow",
            Form::File => "chart",
        };
        let mut xml = Xml::default();
        let mut attributes = vec![
            ("class", Value::Text(class)),
            ("viewBox", Value::Text(&view)),
            ("role", Value::Text("img")),
            ("aria-label", Value::Text(&chart.about)),
        ];
        if *form == Form::File {
            attributes.push(("xmlns", Value::Text("http://www.w3.org/2000/svg")));
            attributes.push(("width", Value::Number(*width)));
            attributes.push(("height", Value::Number(*height)));
        }
        xml.open("svg", &attributes);
        if *form == Form::File {
            xml.leaf("style", &[], &css(false));
            let ground = [("class", Value::Text("ground")), ("width", Value::Text("100%"))];
            xml.empty("rect", &[ground[0], ground[1], ("height", Value::Text("100%"))]);
            self.text(&mut xml, "heading", (MARGINS.0, 20.0), "start", &chart.title);
        }
        self.axes(&mut xml);
        self.front(&mut xml);
        chart.series.iter().for_each(|series| self.series(&mut xml, series));
        self.names(&mut xml);
        legend.draw(chart, title, &mut xml);
        xml.finish()
    }

    fn text(&self, xml: &mut Xml, class: &str, (x, y): (f64, f64), anchor: &str, text: &str) {
        let attributes = [
            ("class", Value::Text(class)),
            ("x", Value::Number(x)),
            ("y", Value::Number(y)),
            ("text-anchor", Value::Text(anchor)),
        ];
        xml.leaf("text", &attributes, text);
    }

    fn axes(&self, xml: &mut Xml) {
        let (left, right, bottom) = MARGINS;
        let (width, height) = self.size;
        let base = height - bottom;
        let (across, down) = if self.form == Form::Narrow { (4, 5) } else { (8, 6) };
        for (value, text) in self.y.ticks(down) {
            let y = self.y.place(value);
            let path = format!("M{left} {y:.1}H{}", width - right);
            xml.empty("path", &[("class", Value::Text("grid")), ("d", Value::Text(&path))]);
            self.text(xml, "pale", (left - 8.0, y + 4.0), "end", &text);
        }
        for (value, text) in self.x.ticks(across) {
            let x = self.x.place(value);
            let path = format!("M{x:.1} {base:.1}v5");
            xml.empty("path", &[("class", Value::Text("grid")), ("d", Value::Text(&path))]);
            self.text(xml, "pale", (x, base + 18.0), "middle", &text);
        }
        let path = format!("M{left} {base:.1}H{}", width - right);
        xml.empty("path", &[("class", Value::Text("grid")), ("d", Value::Text(&path))]);
        self.text(xml, "", ((left + width - right) / 2.0, height - 8.0), "middle", &self.chart.x);
        let middle = (self.top + base) / 2.0;
        let turn = format!("translate(14 {}) rotate(-90)", number(middle));
        let attributes =
            [("transform", Value::Text(&turn)), ("text-anchor", Value::Text("middle"))];
        xml.leaf("text", &attributes, &self.chart.y);
    }

    /// A staircase through the points that none is better than.
    fn front(&self, xml: &mut Xml) {
        let Some((first, rest)) = self.chart.front.split_first() else { return };
        let place = |(x, y): &(f64, f64)| (self.x.place(*x), self.y.place(*y));
        let (x, y) = place(first);
        let mut path = format!("M{x:.1} {y:.1}");
        for point in rest {
            let (x, y) = place(point);
            path += &format!("H{x:.1}V{y:.1}");
        }
        path += &format!("H{}", self.size.0 - MARGINS.1);
        xml.empty("path", &[("class", Value::Text("front")), ("d", Value::Text(&path))]);
    }

    /// What the staircase covers.
    fn stairs(&self) -> Vec<Area> {
        let place = |(x, y): &(f64, f64)| (self.x.place(*x), self.y.place(*y));
        let corners: Vec<(f64, f64)> = self.chart.front.iter().map(place).collect();
        let ends = corners.iter().skip(1).map(|corner| corner.0).chain([self.size.0 - MARGINS.1]);
        let steps = corners.iter().zip(ends).map(|((x, y), end)| (*x, y - 1.0, end, y + 1.0));
        let rises =
            corners.windows(2).map(|two| (two[1].0 - 1.0, two[1].1, two[1].0 + 1.0, two[0].1));
        steps.chain(rises).collect()
    }

    fn series(&self, xml: &mut Xml, series: &Series) {
        let class = format!("series {}", class(series.number));
        let number = series.number.to_string();
        let place = |point: &Point| (self.x.place(point.x), self.y.place(point.y));
        let points: Vec<String> = series
            .points
            .iter()
            .map(|point| {
                let (x, y) = place(point);
                format!("{x:.1},{y:.1},{}", point.said.replace(';', ","))
            })
            .collect();
        let points = points.join(";");
        let attributes = [
            ("class", Value::Text(&class)),
            ("data-series", Value::Text(&number)),
            ("data-name", Value::Text(&series.name)),
            ("data-points", Value::Text(&points)),
        ];
        let is_page = self.form != Form::File;
        xml.open("g", if is_page { &attributes } else { &attributes[..1] });
        series.strays.iter().for_each(|stray| self.stray(xml, stray));
        match series.line {
            true => self.line(xml, series),
            false => series.points.iter().for_each(|point| self.bar(xml, point)),
        }
        let every = series.points.len().div_ceil(MOST_MARKED).max(1);
        let r = if series.line { 2.6 } else { 5.5 };
        let is_marked = |at: usize| at.is_multiple_of(every) || at + 1 == series.points.len();
        for (_, point) in series.points.iter().enumerate().filter(|(at, _)| is_marked(*at)) {
            let path = mark(series.number, place(point), r);
            xml.open("path", &[("class", Value::Text("mark")), ("d", Value::Text(&path))]);
            xml.leaf("title", &[], &format!("{}: {}", series.name, point.said));
            xml.close();
        }
        xml.close();
    }

    fn line(&self, xml: &mut Xml, series: &Series) {
        let corner = |x: f64, y: f64| format!("{:.1} {:.1}", self.x.place(x), self.y.place(y));
        let spread: Vec<(f64, (f64, f64))> =
            series.points.iter().filter_map(|point| Some((point.x, point.spread?))).collect();
        if spread.len() > 1 {
            let above = spread.iter().map(|(x, (_, high))| corner(*x, *high));
            let below = spread.iter().rev().map(|(x, (low, _))| corner(*x, *low));
            let path = format!("M{}z", above.chain(below).collect::<Vec<_>>().join("L"));
            xml.empty("path", &[("class", Value::Text("band")), ("d", Value::Text(&path))]);
        }
        let corners: Vec<String> = series.points.iter().map(|it| corner(it.x, it.y)).collect();
        if corners.len() > 1 {
            let path = format!("M{}", corners.join("L"));
            let dash = dash(series.number);
            let attributes = [
                ("class", Value::Text("line")),
                ("d", Value::Text(&path)),
                ("stroke-dasharray", Value::Text(if dash.is_empty() { "none" } else { dash })),
            ];
            xml.empty("path", &attributes);
        }
    }

    /// A run by itself, as far as it stays in the frame.
    fn stray(&self, xml: &mut Xml, stray: &Stray) {
        let (top, bottom) = (self.top, self.size.1 - MARGINS.2);
        let mut corners = Vec::new();
        for (x, y) in &stray.points {
            let (x, y) = (self.x.place(*x), self.y.place(*y));
            corners.push(format!("{x:.1} {:.1}", y.clamp(top, bottom)));
            if y < top || y > bottom {
                break;
            }
        }
        let path = match corners.as_slice() {
            // A single epoch is a dot.
            [only] => format!("M{only}h0.1"),
            _ => format!("M{}", corners.join("L")),
        };
        xml.open("path", &[("class", Value::Text("stray")), ("d", Value::Text(&path))]);
        xml.leaf("title", &[], &stray.said);
        xml.close();
    }

    fn bar(&self, xml: &mut Xml, point: &Point) {
        let Some((low, high)) = point.spread else { return };
        let (x, low, high) = (self.x.place(point.x), self.y.place(low), self.y.place(high));
        let left = x - 4.0;
        let path = format!("M{left:.1} {high:.1}h8M{x:.1} {high:.1}V{low:.1}M{left:.1} {low:.1}h8");
        xml.empty("path", &[("class", Value::Text("bar")), ("d", Value::Text(&path))]);
    }

    /// The names of series that are points.
    fn names(&self, xml: &mut Xml) {
        let points = self.chart.series.iter().filter(|series| !series.line);
        let points: Vec<((f64, f64), &str, usize)> = points
            .filter_map(|series| {
                let point = series.points.first()?;
                let place = (self.x.place(point.x), self.y.place(point.y));
                Some((place, series.name.as_str(), series.number))
            })
            .collect();
        let named: Vec<_> = points.iter().map(|(place, name, _)| (*place, *name)).collect();
        let frame = (MARGINS.0, self.top, self.size.0 - MARGINS.1, self.size.1 - MARGINS.2);
        for ((_, name, number), place) in points.iter().zip(places(&named, frame, &self.stairs())) {
            let Some((x, y)) = place else { continue };
            let number = number.to_string();
            let attributes = [
                ("class", Value::Text("name")),
                ("data-series", Value::Text(&number)),
                ("x", Value::Number(x)),
                ("y", Value::Number(y)),
            ];
            xml.leaf("text", &attributes, name);
        }
    }
}
