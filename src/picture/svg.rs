//! A page as SVG.

use super::page::Page;
use super::scene::{Anchor, Item, Look, Point, Text};
use super::xml::{Value, Xml, number};

/// Of the corners of lines.
const ROUND: f64 = 7.0;
/// Length and half the width of an arrow's head.
const HEAD: (f64, f64) = (6.0, 3.2);

/// Colours for white paper, and for screens that are set to dark.
const STYLE: &str = "
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1f2328}
.t-title{font-size:17px;font-weight:700}
.t-stage{font-size:13px;font-weight:700}
.t-block,.t-name{font-size:11px;font-weight:700}
.t-op{font-size:11px}
.t-small{font-size:9.5px;fill:#59636e}
.t-sign{font-size:13px;font-weight:700}
.page{fill:#ffffff}
.stage rect{fill:#f6f8fa;stroke:#d1d9e0}
.block{fill:#ffffff;stroke:#b6bfc8}
.pill{fill:#ffffff;stroke:#59636e}
.w{fill:none;stroke:#656d76;stroke-width:1.3}
.a{fill:#656d76}
.conv rect{fill:#d8e9fc;stroke:#4d8fd6}
.lin rect{fill:#e6defa;stroke:#8a6bd1}
.norm rect{fill:#eceff2;stroke:#a3adb8}
.elem rect{fill:#fdeccb;stroke:#d9a13b}
.pool rect{fill:#d6f1dc;stroke:#4fa866}
.resh rect{fill:#d3f1f0;stroke:#3fa19d}
.rand rect{fill:#fadcea;stroke:#cf6a9d}
.join circle{fill:#ffe0d6;stroke:#d9592b;stroke-width:1.6}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.t-small{fill:#9da7b3}
.page{fill:#0d1117}
.stage rect{fill:#151b23;stroke:#3d444d}
.block{fill:#0d1117;stroke:#565f69}
.pill{fill:#0d1117;stroke:#9198a1}
.w{stroke:#9198a1}
.a{fill:#9198a1}
.conv rect{fill:#14304f;stroke:#4d8fd6}
.lin rect{fill:#2d2150;stroke:#9a7ee0}
.norm rect{fill:#262c33;stroke:#6b7683}
.elem rect{fill:#45320c;stroke:#c8922f}
.pool rect{fill:#12381e;stroke:#4fa866}
.resh rect{fill:#0f3736;stroke:#3fa19d}
.rand rect{fill:#47182f;stroke:#cf6a9d}
.join circle{fill:#54210f;stroke:#f0764a}
}
";

/// Writes a page. The same page gives the same bytes.
pub fn write(page: &Page, title: &str, about: &str) -> String {
    let (width, height) = (page.size.0.ceil(), page.size.1.ceil());
    let view = format!("0 0 {} {}", number(width), number(height));
    let mut xml = Xml::default();
    xml.open(
        "svg",
        &[
            ("xmlns", Value::Text("http://www.w3.org/2000/svg")),
            ("width", Value::Number(width)),
            ("height", Value::Number(height)),
            ("viewBox", Value::Text(&view)),
            ("role", Value::Text("img")),
            ("aria-label", Value::Text(&format!("{title}: {about}"))),
        ],
    );
    xml.line();
    xml.leaf("title", &[], title);
    xml.leaf("desc", &[], about);
    xml.leaf("style", &[], STYLE);
    rectangle(&mut xml, (0.0, 0.0), (width, height), 0.0, "page");
    page.items.iter().for_each(|item| write_item(&mut xml, item));
    xml.finish()
}

fn write_item(xml: &mut Xml, item: &Item) {
    match item {
        Item::Box { at, size, radius, class } => rectangle(xml, *at, *size, *radius, class),
        Item::Circle { at, radius, class } => {
            let (x, y, r) = (Value::Number(at.0), Value::Number(at.1), Value::Number(*radius));
            let place = [("class", Value::Text(class)), ("cx", x), ("cy", y), ("r", r)];
            xml.empty("circle", &place[usize::from(class.is_empty())..]);
        }
        Item::Line { points, arrow } => line(xml, points, *arrow),
        Item::Text(text) => write_text(xml, text),
        Item::Group { class, title, items } => {
            xml.open("g", &[("class", Value::Text(class))]);
            xml.leaf("title", &[], title);
            items.iter().for_each(|item| write_item(xml, item));
            xml.close();
        }
    }
}

fn rectangle(xml: &mut Xml, at: Point, size: Point, radius: f64, class: &str) {
    let attributes = [
        ("class", Value::Text(class)),
        ("x", Value::Number(at.0)),
        ("y", Value::Number(at.1)),
        ("width", Value::Number(size.0)),
        ("height", Value::Number(size.1)),
        ("rx", Value::Number(radius)),
    ];
    let rest = attributes.len() - usize::from(radius == 0.0);
    xml.empty("rect", &attributes[usize::from(class.is_empty())..rest]);
}

fn write_text(xml: &mut Xml, Text { at, anchor, look, text }: &Text) {
    let anchor = match anchor {
        Anchor::Start => None,
        Anchor::Middle => Some(("text-anchor", Value::Text("middle"))),
        Anchor::End => Some(("text-anchor", Value::Text("end"))),
    };
    let mut attributes = vec![
        ("class", Value::Text(Look::class(*look))),
        ("x", Value::Number(at.0)),
        ("y", Value::Number(at.1)),
    ];
    attributes.extend(anchor);
    xml.leaf("text", &attributes, text);
}

fn line(xml: &mut Xml, points: &[Point], arrow: bool) {
    let mut points = points.to_vec();
    let last = points.len() - 1;
    let (tip, before) = (points[last], points[last - 1]);
    let way = direction(before, tip);
    if arrow {
        // The line ends within the head, lest its blunt end show.
        points[last] = (tip.0 - way.0 * HEAD.0 / 2.0, tip.1 - way.1 * HEAD.0 / 2.0);
    }
    let path = path(&points);
    xml.empty("path", &[("class", Value::Text("w")), ("d", Value::Text(&path))]);
    if arrow {
        let back = (tip.0 - way.0 * HEAD.0, tip.1 - way.1 * HEAD.0);
        let (dx, dy) = (way.1 * HEAD.1, way.0 * HEAD.1);
        let corners = [tip, (back.0 + dx, back.1 + dy), (back.0 - dx, back.1 - dy)];
        let path = corners.map(pair).join("L");
        xml.empty("path", &[("class", Value::Text("a")), ("d", Value::Text(&format!("M{path}Z")))]);
    }
}

/// The points as a path whose corners are rounded as far as its pieces allow.
fn path(points: &[Point]) -> String {
    let mut path = format!("M{}", pair(points[0]));
    for at in 1..points.len() - 1 {
        let (before, corner, after) = (points[at - 1], points[at], points[at + 1]);
        let room = distance(before, corner).min(distance(corner, after)) / 2.0;
        let (into, out) = (direction(before, corner), direction(corner, after));
        let round = ROUND.min(room);
        let start = (corner.0 - into.0 * round, corner.1 - into.1 * round);
        let end = (corner.0 + out.0 * round, corner.1 + out.1 * round);
        path += &format!("L{}Q{} {}", pair(start), pair(corner), pair(end));
    }
    path + &format!("L{}", pair(points[points.len() - 1]))
}

fn pair(point: Point) -> String {
    format!("{},{}", number(point.0), number(point.1))
}

fn distance(a: Point, b: Point) -> f64 {
    (a.0 - b.0).abs() + (a.1 - b.1).abs()
}

/// Of a piece along one axis; 0 for one without length.
fn direction(a: Point, b: Point) -> Point {
    let sign =
        |from: f64, to: f64| if (to - from).abs() < 0.05 { 0.0 } else { (to - from).signum() };
    (sign(a.0, b.0), sign(a.1, b.1))
}
