//! The fields of operations as names and texts, for what tells of any operation without knowing it.

use serde_json::{Map, Value};

use crate::op::Op;

/// The fields of an operation in the order of its declaration, those that are left out by default
/// left out here too: `[("out", "64"), ("kernel", "3"), ("bias", "false")]`.
pub fn fields(op: &Op) -> Vec<(String, String)> {
    values(op).into_iter().map(|(name, value)| (name, text(&value))).collect()
}

/// The same with their values as they are.
pub fn values(op: &Op) -> Map<String, Value> {
    let variant = match serde_json::to_value(op) {
        Ok(Value::Object(variant)) => variant,
        // An operation is a struct in a variant, so only a defect of this program leads here.
        _ => return Map::new(),
    };
    match variant.into_iter().next() {
        Some((_, Value::Object(body))) => body,
        _ => Map::new(),
    }
}

/// A value as a spec writes it, strings without their quotes.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("({})", items.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_their_declaration() {
        assert_eq!(fields(&Op::Relu(crate::op::Relu {})), []);
        let op = Op::Linear(crate::op::Linear { out: 10, bias: true, init: None, frozen: None });
        let wanted = [("out", "10"), ("bias", "true")];
        assert_eq!(fields(&op), wanted.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(text(&serde_json::json!([1, 7])), "(1, 7)");
    }
}
