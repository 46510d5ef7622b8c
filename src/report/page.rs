//! The page.

use std::fmt::Write;

use super::chart::{self, Chart};
use super::figure::figure;
use super::{Report, again, classes, costs, headline, networks, pairs, pictures, setup};
use crate::picture::xml::{Value, Xml};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// More notes than that are counted.
const MOST_NOTES: usize = 500;

/// A section: its id, its title, and what writes it.
type Section<'a> = (&'static str, &'static str, Box<dyn Fn(&mut Xml) + 'a>);

/// The page of a report. One that is served to be `watched` may ask its server for the next.
pub fn page(report: &Report, watched: bool) -> String {
    let mut xml = Xml::default();
    xml.open("html", &[("lang", Value::Text("en"))]);
    head(report, watched, &mut xml);
    xml.open("body", &[]);
    let skip = [("class", Value::Text("skip")), ("href", Value::Text("#main"))];
    xml.leaf("a", &skip, "Skip to the results");
    let sections = sections(report);
    top(report, &sections, &mut xml);
    xml.open("main", &[("id", Value::Text("main"))]);
    for (id, title, write) in &sections {
        let heading = format!("h-{id}");
        let attributes =
            [("id", Value::Text(id)), ("aria-labelledby", Value::Text(heading.as_str()))];
        xml.open("section", &attributes);
        xml.leaf("h2", &[("id", Value::Text(&heading))], title);
        write(&mut xml);
        xml.close();
    }
    xml.close();
    let tip = [
        ("id", Value::Text("tip")),
        ("role", Value::Text("status")),
        ("aria-live", Value::Text("polite")),
    ];
    xml.leaf("div", &tip, "");
    let script = format!("const watched = {watched};\n{SCRIPT}");
    xml.open("script", &[]);
    xml.raw(&script);
    xml.close();
    format!("<!DOCTYPE html>\n{}", xml.finish())
}

fn head(report: &Report, watched: bool, xml: &mut Xml) {
    let connect = if watched { "; connect-src 'self'" } else { "" };
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'{connect}"
    );
    xml.open("head", &[]);
    xml.empty("meta", &[("charset", Value::Text("utf-8"))]);
    let named = |name, content| [("name", Value::Text(name)), ("content", Value::Text(content))];
    let policy = [
        ("http-equiv", Value::Text("Content-Security-Policy")),
        ("content", Value::Text(policy.as_str())),
    ];
    xml.empty("meta", &policy);
    xml.empty("meta", &named("viewport", "width=device-width, initial-scale=1"));
    xml.empty("meta", &named("color-scheme", "light dark"));
    xml.leaf("title", &[], &format!("{}: report of resweep", report.sweep));
    xml.open("style", &[]);
    xml.raw(STYLE);
    xml.raw(&chart::css(true));
    xml.close();
    xml.close();
}

fn top(report: &Report, sections: &[Section<'_>], xml: &mut Xml) {
    xml.open("header", &[]);
    xml.leaf("h1", &[], &report.sweep);
    xml.leaf("p", &[], &about(report));
    if let Some(few) = report.told_of_few() {
        xml.leaf("p", &[], &few);
    }
    let setup = setup::sentence(report);
    if !setup.is_empty() {
        xml.leaf("p", &[("class", Value::Text("setup"))], &setup);
    }
    xml.open("nav", &[("aria-label", Value::Text("Sections"))]);
    xml.open("ul", &[]);
    for (id, title, _) in sections {
        xml.open("li", &[]);
        let link = format!("#{id}");
        xml.leaf("a", &[("href", Value::Text(&link))], title);
        xml.close();
    }
    xml.close();
    xml.close();
    xml.close();
}

/// `3 experiments, 15 runs that ended well, 1 unfinished`.
fn about(report: &Report) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let ok: usize = report.groups.iter().map(|group| group.ok().count()).sum();
    let other: usize = report.groups.iter().map(|group| group.runs.len()).sum::<usize>() - ok;
    let unfinished: usize = report.groups.iter().map(|group| group.unfinished.len()).sum();
    let mut text = format!(
        "A sweep of resweep: {}, {} that ended well",
        count(report.groups.len(), "experiment"),
        count(ok, "run")
    );
    // Writing to a String cannot fail.
    if other > 0 {
        let _ = write!(text, ", {other} that did not");
    }
    if unfinished > 0 {
        let _ = write!(text, ", {unfinished} unfinished");
    }
    text + "."
}

fn sections(report: &Report) -> Vec<Section<'_>> {
    let charts = report.charts();
    let (costs, curves): (Vec<Chart>, Vec<Chart>) =
        charts.into_iter().partition(|chart| chart.id.starts_with("cost-"));
    let mut found: Vec<Section<'_>> = Vec::new();
    found.push(("results", "Results", Box::new(|xml| headline::write(report, xml))));
    if !costs.is_empty() {
        let write = move |xml: &mut Xml| costs_section(report, &costs, xml);
        found.push(("cost", "Accuracy against cost", Box::new(write)));
    }
    if !curves.is_empty() {
        let write = move |xml: &mut Xml| {
            let strays = report.told().iter().any(|group| group.curves.has_strays());
            let strays = if strays {
                " Thin lines are runs that diverged or failed: they are in no mean."
            } else {
                ""
            };
            let about = format!(
                "Lines are means over the seeds, bands their range.{strays} Point at a chart, or focus it and \
                 use the arrow keys, to read it; click a name, or press Enter on it, to hide it, with Shift to see it \
                 alone."
            );
            xml.leaf("p", &[], &about);
            curves.iter().for_each(|chart| figure(chart, xml));
        };
        found.push(("curves", "Learning curves", Box::new(write)));
    }
    if report.groups.len() > 2 && report.comparison.is_some() {
        found.push(("pairs", "Every two experiments", Box::new(|xml| pairs::write(report, xml))));
    }
    if let Some(own) = &report.classes {
        let write = |xml: &mut Xml| classes::write(report, own, xml);
        found.push(("classes", "Classes", Box::new(write)));
    }
    if !report.galleries.is_empty() {
        let write = |xml: &mut Xml| pictures::write(&report.galleries, xml);
        found.push(("images", "Images", Box::new(write)));
    }
    if !report.networks.is_empty() {
        let write = |xml: &mut Xml| networks::write(&report.networks, xml);
        found.push(("networks", "Networks", Box::new(write)));
    }
    found.push(("again", "How to have it again", Box::new(|xml| again::write(report, xml))));
    if !report.notes.is_empty() {
        let write = |xml: &mut Xml| {
            xml.open("ul", &[]);
            let shown = report.notes.iter().take(MOST_NOTES);
            shown.for_each(|note| xml.leaf("li", &[], note));
            if report.notes.len() > MOST_NOTES {
                let more = report.notes.len() - MOST_NOTES;
                let told = "which `cargo xtask compare --format json` tells";
                xml.leaf("li", &[], &format!("and {more} more, {told}"));
            }
            xml.close();
        };
        found.push(("notes", "What was left out", Box::new(write)));
    }
    found
}

fn costs_section(report: &Report, charts: &[Chart], xml: &mut Xml) {
    let about = "The dashed stairs are the Pareto front: no experiment that costs as little has a higher \
                 mean than those on it; whether two means really differ is told under Results. Bars are ± one \
                 sample standard deviation.";
    xml.leaf("p", &[], about);
    if !costs::are_timed_alike(report) {
        let why = "Times are not drawn: the experiments did not all train on the same device with as many \
                   threads.";
        xml.leaf("p", &[], why);
    }
    tabs(charts, xml);
}

/// Charts of which one is shown at a time.
fn tabs(charts: &[Chart], xml: &mut Xml) {
    let frame = [
        ("class", Value::Text("tabs")),
        ("role", Value::Text("radiogroup")),
        ("aria-label", Value::Text("Cost")),
    ];
    xml.open("div", &frame);
    for (at, chart) in charts.iter().enumerate() {
        let id = format!("t{at}");
        let mut attributes = vec![
            ("type", Value::Text("radio")),
            ("name", Value::Text("cost")),
            ("id", Value::Text(id.as_str())),
        ];
        if at == 0 {
            attributes.push(("checked", Value::Text("checked")));
        }
        xml.empty("input", &attributes);
        let axis = chart.x.split(" (").next().unwrap_or_default();
        xml.leaf("label", &[("for", Value::Text(&id))], axis);
    }
    for (at, chart) in charts.iter().enumerate() {
        let class = format!("panel p{at}");
        xml.open("div", &[("class", Value::Text(&class))]);
        figure(chart, xml);
        xml.close();
    }
    xml.close();
}
