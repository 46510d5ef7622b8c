//! Test images worth a look.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::picture::xml::{Value, Xml};

/// Some images under a title.
#[derive(Debug)]
pub struct Gallery {
    /// What they are.
    pub title: String,
    /// What is to be said of them, or why there are none.
    pub about: String,
    /// The images.
    pub pictures: Vec<Picture>,
}

/// An image.
#[derive(Debug)]
pub struct Picture {
    /// A PNG file.
    pub png: Vec<u8>,
    /// Its class.
    pub class: String,
    /// What is said of it.
    pub said: String,
}

pub(super) fn write(galleries: &[Gallery], xml: &mut Xml) {
    for gallery in galleries {
        xml.leaf("h3", &[], &gallery.title);
        xml.leaf("p", &[], &gallery.about);
        xml.open("div", &[("class", Value::Text("gallery"))]);
        gallery.pictures.iter().for_each(|picture| picture.write(xml));
        xml.close();
    }
}

impl Picture {
    fn write(&self, xml: &mut Xml) {
        let source = data("image/png", &self.png);
        let about = format!("a test image of class {}", self.class);
        xml.open("figure", &[]);
        let attributes = [
            ("class", Value::Text("pixels")),
            ("src", Value::Text(&source)),
            ("alt", Value::Text(&about)),
            ("width", Value::Text("96")),
            ("height", Value::Text("96")),
        ];
        xml.empty("img", &attributes);
        xml.open("figcaption", &[]);
        xml.leaf("b", &[], &self.class);
        xml.leaf("span", &[], &self.said);
        xml.close();
        xml.close();
    }
}

/// A file as an address that holds it.
pub(super) fn data(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}
