//! The networks as pictures.

use super::pictures::data;
use crate::picture::xml::{Value, Xml};

/// A network.
#[derive(Debug)]
pub struct Drawn {
    /// The experiments that train it.
    pub experiments: Vec<String>,
    /// Its picture, SVG.
    pub svg: String,
}

pub(super) fn write(networks: &[Drawn], xml: &mut Xml) {
    for (at, network) in networks.iter().enumerate() {
        let names = network.experiments.join(", ");
        let id = format!("network-{at}");
        xml.open("details", &[("id", Value::Text(&id))]);
        xml.leaf("summary", &[], &names);
        let about = format!("The network of {names}");
        let frame = [
            ("class", Value::Text("scroll")),
            ("role", Value::Text("region")),
            ("tabindex", Value::Text("0")),
            ("aria-label", Value::Text(&about)),
        ];
        xml.open("div", &frame);
        let source = data("image/svg+xml", network.svg.as_bytes());
        let attributes = [
            ("src", Value::Text(&source)),
            ("alt", Value::Text(&about)),
            ("loading", Value::Text("lazy")),
        ];
        xml.empty("img", &attributes);
        xml.close();
        xml.close();
    }
}
