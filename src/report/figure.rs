//! A chart in its place on the page, with its values.

use super::chart::{Chart, Form, Point, Series, svg};
use super::table::{Cell, Table};
use crate::picture::xml::{Value, Xml};

/// A chart, for screens and for telephones, with its values as a table.
pub(super) fn figure(chart: &Chart, xml: &mut Xml) {
    xml.open("figure", &[("class", Value::Text("plot")), ("id", Value::Text(&chart.id))]);
    xml.leaf("figcaption", &[], &chart.title);
    for form in [Form::Wide, Form::Narrow] {
        xml.raw(&svg(chart, form));
    }
    let id = format!("{}-values", chart.id);
    xml.open("details", &[("id", Value::Text(&id))]);
    xml.leaf("summary", &[], "The values");
    values(chart).write(xml);
    xml.close();
    xml.close();
}

/// The values of lines side by side, a row for each place along the x axis; those of single points below
/// one another.
fn values(chart: &Chart) -> Table {
    let caption = format!("{}: the values", chart.title);
    let is_of_lines = chart.series.iter().all(|series| series.line);
    let (header, rows) = if is_of_lines { side_by_side(chart) } else { listed(chart) };
    Table { caption, class: "numbers", header, rows }
}

fn side_by_side(chart: &Chart) -> (Vec<String>, Vec<Vec<Cell>>) {
    let names = chart.series.iter().map(|series| series.name.clone());
    let header = [chart.x.clone()].into_iter().chain(names).collect();
    let mut places: Vec<f64> =
        chart.series.iter().flat_map(|series| &series.points).map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let cell = |series: &Series, x: f64| {
        let at = series.points.binary_search_by(|point| point.x.total_cmp(&x));
        at.map(|at| Cell::of(with_spread(&series.points[at]))).unwrap_or_default()
    };
    let row = |x: &f64| {
        let cells = chart.series.iter().map(|series| cell(series, *x));
        [Cell::of(x.to_string())].into_iter().chain(cells).collect()
    };
    (header, places.iter().map(row).collect())
}

/// `1.2345 (1.2 to 1.3)`.
fn with_spread(point: &Point) -> String {
    let spread = point.spread.map(|(low, high)| format!(" ({low:.4} to {high:.4})"));
    format!("{:.4}{}", point.y, spread.unwrap_or_default())
}

fn listed(chart: &Chart) -> (Vec<String>, Vec<Vec<Cell>>) {
    let number = |value: f64| Cell::of(format!("{value:.4}"));
    let row = |series: &Series, point: &Point| {
        let (low, high) = point.spread.unzip();
        let end = |value: Option<f64>| value.map(number).unwrap_or_default();
        let name = Cell::of(series.name.clone());
        vec![name, number(point.x), number(point.y), end(low), end(high)]
    };
    let rows =
        chart.series.iter().flat_map(|series| series.points.iter().map(|it| row(series, it)));
    let header = ["experiment", &chart.x, &chart.y, "low", "high"].map(str::to_owned);
    (header.to_vec(), rows.collect())
}
