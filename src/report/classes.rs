//! Single classes: how well each is known, and what it is taken for.

use super::table::{Cell, Table, value};
use super::{Classes, Report};
use crate::compare::classes::{ClassStanding, Confusion};
use crate::picture::xml::{Value, Xml};

pub(super) fn write(report: &Report, classes: &Classes, xml: &mut Xml) {
    accuracies(classes).write(xml);
    xml.leaf("h3", &[], "What is taken for what");
    for (at, ((name, n), confusion)) in
        classes.experiments.iter().zip(&classes.confusions).enumerate()
    {
        let id = format!("confusion-{}", report.number(name).unwrap_or(at));
        let open = [("id", Value::Text(&id)), ("open", Value::Text("open"))];
        xml.open("details", if at == 0 { &open } else { &open[..1] });
        xml.leaf("summary", &[], &format!("{name}, n {n}"));
        matrix(classes, name, confusion).write(xml);
        xml.close();
    }
}

fn named(classes: &Classes, class: usize) -> String {
    classes.names.get(class).cloned().unwrap_or_else(|| class.to_string())
}

fn accuracies(classes: &Classes) -> Table {
    let names = classes.experiments.iter().map(|(name, n)| format!("{name}, n {n}"));
    let header = ["class".to_owned(), "images".into()].into_iter().chain(names).collect();
    let row = |standing: &ClassStanding| {
        let images = standing.accuracies.first().map_or(0, |own| own.images);
        let start =
            [Cell::of(named(classes, usize::from(standing.class))), Cell::of(images.to_string())];
        let cells = standing.accuracies.iter().enumerate().map(|(at, own)| {
            let class = if standing.best == Some(at) { "best" } else { "" };
            Cell::classed(value(own.mean, own.std), class)
        });
        start.into_iter().chain(cells).collect()
    };
    Table {
        caption: "Of the test images of each class the share that is right, %: mean ± sample standard \
                  deviation over the runs. Bold is better than every other, each difference resolved after \
                  Holm's correction for all classes and pairs."
            .into(),
        class: "numbers",
        header,
        rows: classes.standings.iter().map(row).collect(),
    }
}

fn matrix(classes: &Classes, name: &str, confusion: &Confusion) -> Table {
    let numbers = || (0..confusion.classes()).filter_map(|class| u8::try_from(class).ok());
    let header = numbers().map(|class| named(classes, usize::from(class)));
    let cell = |class: u8, taken_for: u8| {
        let count = confusion.count(class, taken_for);
        let Some(share) = confusion.share(class, taken_for).filter(|_| count > 0) else {
            return Cell::default();
        };
        let (from, to) =
            (named(classes, usize::from(class)), named(classes, usize::from(taken_for)));
        let colour = if class == taken_for { "0,120,90" } else { "192,78,0" };
        // The share of what goes wrong is small: it is shown by its root.
        let alpha = (share / 100.0).sqrt() * if class == taken_for { 0.45 } else { 0.75 };
        Cell {
            text: format!("{share:.1}"),
            title: format!("{from} taken for {to}: {count} times, {share:.1} %"),
            style: format!("background:rgba({colour},{alpha:.2})"),
            ..Cell::default()
        }
    };
    let row = |class: u8| {
        let cells = numbers().map(|taken_for| cell(class, taken_for));
        [Cell::of(named(classes, usize::from(class)))].into_iter().chain(cells).collect()
    };
    Table {
        caption: format!(
            "{name}: of the images of a class (row) the share that was taken for each class (column), %, \
             all runs together; empty where that never happened."
        ),
        class: "matrix",
        header: ["class".to_owned()].into_iter().chain(header).collect(),
        rows: numbers().map(row).collect(),
    }
}
