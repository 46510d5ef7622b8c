//! Trees as RON text.

use std::rc::Rc;

use super::{Field, Tree, Value};

impl Tree {
    /// The tree as RON text, without comments: the same tree always gives the same text.
    pub fn to_ron(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    /// Writes it on one line where it fits, else its items on lines of their own.
    fn write(&self, out: &mut String, depth: usize) {
        let line = self.on_one_line();
        let column = out.len() - out.rfind('\n').map_or(0, |at| at + 1);
        if column + line.len() < WIDTH {
            out.push_str(&line);
            return;
        }
        match &self.value {
            Value::List(items) => write_items(out, depth, "[", items, "]"),
            Value::Map(fields) => write_fields(out, depth, "{", fields, "}"),
            Value::Tuple(name, items) => write_items(out, depth, &open(name), items, ")"),
            Value::Struct(name, fields) => write_fields(out, depth, &open(name), fields, ")"),
            _ => out.push_str(&line),
        }
    }

    fn on_one_line(&self) -> String {
        let items = |items: &[Rc<Tree>]| {
            items.iter().map(|item| item.on_one_line()).collect::<Vec<_>>().join(", ")
        };
        let fields = |fields: &[Field], quoted: bool| {
            let field = |f: &Field| format!("{}{}", key(f, quoted), f.tree.on_one_line());
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        };
        match &self.value {
            Value::Unit => "()".into(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => float(*value),
            Value::Str(text) => format!("{text:?}"),
            Value::Name(name) => name.clone(),
            Value::List(list) => format!("[{}]", items(list)),
            Value::Map(map) => format!("{{{}}}", fields(map, true)),
            Value::Tuple(name, list) => format!("{}{})", open(name), items(list)),
            Value::Struct(name, list) => format!("{}{})", open(name), fields(list, false)),
        }
    }
}

/// Lines of printed trees are no longer, where that can be.
const WIDTH: usize = 100;

fn open(name: &Option<String>) -> String {
    format!("{}(", name.as_deref().unwrap_or_default())
}

fn key(field: &Field, quoted: bool) -> String {
    match quoted {
        true => format!("{:?}: ", field.name),
        false => format!("{}: ", field.name),
    }
}

fn write_items(out: &mut String, depth: usize, open: &str, items: &[Rc<Tree>], close: &str) {
    out.push_str(open);
    for item in items {
        new_line(out, depth + 1);
        item.write(out, depth + 1);
        out.push(',');
    }
    new_line(out, depth);
    out.push_str(close);
}

fn write_fields(out: &mut String, depth: usize, open: &str, fields: &[Field], close: &str) {
    out.push_str(open);
    for field in fields {
        new_line(out, depth + 1);
        out.push_str(&key(field, open == "{"));
        field.tree.write(out, depth + 1);
        out.push(',');
    }
    new_line(out, depth);
    out.push_str(close);
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"    ".repeat(depth));
}

fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        format!("{value:?}")
    }
}
