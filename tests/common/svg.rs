//! What an SVG of a network must be for a reader: checked on its text, as a browser gets it.

use resweep::picture::text::{Weight, width};

/// A rectangle: left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
pub struct Area(pub f64, pub f64, pub f64, pub f64);

impl Area {
    fn overlaps(self, other: Self) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn holds(self, other: Self) -> bool {
        self.0 <= other.0 && other.2 <= self.2 && self.1 <= other.1 && other.3 <= self.3
    }

    fn shrunk(self, by: f64) -> Self {
        Self(self.0 + by, self.1 + by, self.2 - by, self.3 - by)
    }
}

type Element<'a> = roxmltree::Node<'a, 'a>;

/// Checks a picture, and returns how many nodes it draws.
pub fn check(name: &str, svg: &str) -> usize {
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name} has a number that is none");
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{name}: {e}"));
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")), "{name}");
    let children: Vec<&str> = root.children().map(|child| child.tag_name().name()).collect();
    for child in ["title", "desc", "style"] {
        assert!(children.contains(&child), "{name} has no {child}");
    }
    let page = Area(0.0, 0.0, number(root, "width"), number(root, "height"));
    let view = format!("0 0 {} {}", page.2, page.3);
    assert_eq!(root.attribute("viewBox"), Some(view.as_str()), "{name}");
    let all: Vec<Element<'_>> = root.descendants().collect();
    for element in &all {
        let drawn = area(*element);
        assert!(drawn.is_none_or(|area| page.holds(area)), "{name}: {element:?} is off the page");
    }
    let nodes: Vec<Area> =
        all.iter().filter(|e| is_node(**e)).map(|e| check_node(name, *e)).collect();
    apart(name, "nodes", &nodes);
    let texts = all.iter().filter(|element| element.has_tag_name("text"));
    let texts: Vec<Area> = texts.filter_map(|text| area(*text)).collect();
    apart(name, "texts", &texts);
    for (path, line) in all.iter().filter_map(|path| Some((path, lines(*path)?))) {
        for piece in line.windows(2) {
            let (a, b) = (piece[0], piece[1]);
            let piece = Area(a.0.min(b.0), a.1.min(b.1), a.0.max(b.0), a.1.max(b.1));
            let crossed = nodes.iter().find(|node| node.shrunk(1.0).overlaps(widened(piece)));
            let line = path.attribute("d");
            assert!(crossed.is_none(), "{name}: {line:?} crosses the node at {crossed:?}");
            let struck = texts.iter().find(|text| text.shrunk(1.0).overlaps(widened(piece)));
            assert!(struck.is_none(), "{name}: {line:?} strikes the text at {struck:?} through");
        }
    }
    nodes.len()
}

/// A line has no area of its own to overlap with.
fn widened(Area(left, top, right, bottom): Area) -> Area {
    Area(left - 0.01, top - 0.01, right + 0.01, bottom + 0.01)
}

fn is_node(element: Element<'_>) -> bool {
    element.attribute("class").is_some_and(|class| class.starts_with("n "))
}

/// The area of a node, whose texts are within its box.
fn check_node(name: &str, node: Element<'_>) -> Area {
    let shape = node.children().find(|e| e.has_tag_name("rect") || e.has_tag_name("circle"));
    let shape = area(shape.unwrap()).unwrap();
    for text in node.children().filter(|e| e.has_tag_name("text")) {
        // The name of a join stands beside it.
        if node.attribute("class") != Some("n join") {
            assert!(
                shape.holds(area(text).unwrap()),
                "{name}: `{:?}` is wider than its box",
                text.text()
            );
        }
    }
    assert!(
        node.children().any(|e| e.has_tag_name("title")),
        "{name}: a node tells nothing on hover"
    );
    shape
}

fn apart(name: &str, what: &str, areas: &[Area]) {
    for (index, area) in areas.iter().enumerate() {
        for other in &areas[index + 1..] {
            assert!(!area.overlaps(*other), "{name}: {what} overlap: {area:?} and {other:?}");
        }
    }
}

fn number(element: Element<'_>, name: &str) -> f64 {
    element.attribute(name).unwrap_or("0").parse().unwrap()
}

/// What an element covers; none for one that draws nothing itself.
fn area(element: Element<'_>) -> Option<Area> {
    let of = |name: &str| number(element, name);
    match element.tag_name().name() {
        "rect" => Some(Area(of("x"), of("y"), of("x") + of("width"), of("y") + of("height"))),
        "circle" => {
            let (x, y, r) = (of("cx"), of("cy"), of("r"));
            Some(Area(x - r, y - r, x + r, y + r))
        }
        "path" => {
            let points = points(element);
            let low =
                |axis: fn(&(f64, f64)) -> f64| points.iter().map(axis).fold(f64::MAX, f64::min);
            let high =
                |axis: fn(&(f64, f64)) -> f64| points.iter().map(axis).fold(f64::MIN, f64::max);
            Some(Area(low(|p| p.0), low(|p| p.1), high(|p| p.0), high(|p| p.1)))
        }
        "text" => {
            let (size, weight) = match element.attribute("class").unwrap() {
                "t-title" => (17.0, Weight::Bold),
                "t-stage" | "t-sign" => (13.0, Weight::Bold),
                "t-block" | "t-name" => (11.0, Weight::Bold),
                "t-op" => (11.0, Weight::Regular),
                "t-small" => (9.5, Weight::Regular),
                other => panic!("a text of class {other}"),
            };
            let wide = width(element.text().unwrap_or(""), size, weight);
            let left = match element.attribute("text-anchor") {
                None => of("x"),
                Some("middle") => of("x") - wide / 2.0,
                _ => of("x") - wide,
            };
            // Capitals reach up by about 3/4 of the size, tails down by less than 1/4.
            Some(Area(left, of("y") - 0.75 * size, left + wide, of("y") + 0.2 * size))
        }
        _ => None,
    }
}

/// The points of a line of the network.
fn lines(path: Element<'_>) -> Option<Vec<(f64, f64)>> {
    let is_line = path.has_tag_name("path") && path.attribute("class") == Some("w");
    is_line.then(|| points(path))
}

fn points(path: Element<'_>) -> Vec<(f64, f64)> {
    let text = path.attribute("d").unwrap();
    let pairs = text.split(['M', 'L', 'Q', 'Z', ' ']).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (x, y) = pair.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    pairs.map(pair).collect()
}
