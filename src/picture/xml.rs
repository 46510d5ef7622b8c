//! A writer of XML: elements, attributes, text. What goes in comes out escaped.

/// XML as it grows.
#[derive(Debug, Default)]
pub struct Xml {
    text: String,
    open: Vec<&'static str>,
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number, written with one decimal at most.
    Number(f64),
}

impl Xml {
    /// Opens an element.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)]) {
        self.tag(name, attributes);
        self.text += ">";
        self.open.push(name);
    }

    /// Writes an element without content.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)]) {
        self.tag(name, attributes);
        self.text += "/>\n";
    }

    /// Writes an element with text alone.
    pub fn leaf(&mut self, name: &'static str, attributes: &[(&str, Value<'_>)], text: &str) {
        self.tag(name, attributes);
        self.text += &format!(">{}</{name}>\n", escape(text));
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.text += &format!("</{name}>\n");
        }
    }

    /// Writes what is XML already, or holds nothing that XML would take for its own.
    pub fn raw(&mut self, text: &str) {
        self.text += text;
    }

    /// Begins a new line.
    pub fn line(&mut self) {
        self.text += "\n";
    }

    /// The text, with everything closed.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, Value<'_>)]) {
        self.text += &format!("<{name}");
        for (attribute, value) in attributes {
            let value = match value {
                Value::Text(text) => escape(text),
                Value::Number(value) => number(*value),
            };
            self.text += &format!(" {attribute}=\"{value}\"");
        }
    }
}

/// A number with one decimal at most, so that a byte does not hang on rounding.
pub fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

/// A text as XML writes it. Characters that XML does not know become `\u{fffd}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let numbers = [1.0, 1.25, -0.04, 0.1 + 0.2, 1e7];
        assert_eq!(numbers.map(number), ["1", "1.2", "0", "0.3", "10000000"]);
    }

    #[test]
    fn what_goes_in_comes_out_escaped() {
        let mut xml = Xml::default();
        xml.open("g", &[("class", Value::Text("a\"<b"))]);
        xml.leaf("title", &[], "1 < 2 & 3\u{0}");
        let text = xml.finish();
        let wanted = "<g class=\"a&quot;&lt;b\"><title>1 &lt; 2 &amp; 3\u{fffd}</title>\n</g>\n";
        assert_eq!(text, wanted);
    }
}
