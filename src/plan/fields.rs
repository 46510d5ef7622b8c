//! The fields of operations as names and texts, for what tells of any operation without knowing it.

use serde_json::Value;

use crate::op::Op;

/// The fields of an operation in the order of its declaration, those that are left out by default
/// left out here too: `[("out", "64"), ("kernel", "3"), ("bias", "false")]`.
pub fn fields(op: &Op) -> Vec<(String, String)> {
    let variant = match serde_json::to_value(op) {
        Ok(Value::Object(variant)) => variant,
        // An operation is a struct in a variant, so only a defect of this program leads here.
        _ => return Vec::new(),
    };
    let body = variant.into_iter().next().map(|(_, body)| body);
    let Some(Value::Object(body)) = body else { return Vec::new() };
    body.into_iter().map(|(name, value)| (name, text(&value))).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_their_declaration() {
        let op = Op::Relu(crate::op::Relu {});
        assert_eq!(fields(&op), []);
        let op = Op::MaxPool2d(crate::op::MaxPool2d { kernel: 3, stride: Some(2), padding: 1 });
        let names: Vec<_> = fields(&op).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["kernel", "stride", "padding"]);
    }
}
