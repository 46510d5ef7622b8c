#![allow(clippy::unwrap_used)]

use super::*;

fn env() -> Env {
    [("width".to_string(), Number::Int(64)), ("expansion".into(), Number::Int(4))].into()
}

#[test]
fn values() {
    let cases = [
        ("width * expansion", Number::Int(256)),
        (" 1 + 2 * 3 ", Number::Int(7)),
        ("(1 + 2) * -3", Number::Int(-9)),
        ("width / 4", Number::Int(16)),
        ("width / 3 * 3", Number::Float(64.0)),
        ("floor(width / 3)", Number::Int(21)),
        ("round_to(width * 0.7, 8)", Number::Int(48)),
        ("max(width, 100, 3) % 7", Number::Int(2)),
        ("1e-3 * 2", Number::Float(0.002)),
        ("3e6", Number::Float(3e6)),
        ("2E+2 - 1", Number::Float(199.0)),
        ("1_000 + 1", Number::Int(1001)),
        ("2e1-1", Number::Float(19.0)),
        ("10 - 3 - 2", Number::Int(5)),
        ("abs(3 - 5)", Number::Int(2)),
        ("abs(-0.5)", Number::Float(0.5)),
        ("sqrt(width)", Number::Float(8.0)),
        ("log2(width)", Number::Float(6.0)),
        ("round_to(20, 8)", Number::Int(24)),
        ("round_to(12, 8)", Number::Int(16)),
        // torchvision's _make_divisible.
        ("make_divisible(32 * 0.35, 8)", Number::Int(16)),
        ("make_divisible(24 * 0.35, 8)", Number::Int(8)),
        ("make_divisible(1, 8)", Number::Int(8)),
        ("make_divisible(44.8, 8)", Number::Int(48)),
        ("make_divisible(20, 8)", Number::Int(24)),
        ("make_divisible(11, 8)", Number::Int(16)),
        ("pow(2, 10)", Number::Int(1024)),
        ("pow(2, -1)", Number::Float(0.5)),
        ("if(width >= 64, 1, 1 / 0)", Number::Int(1)),
        ("if(width < 64 or expansion == 1, nonsense, 2)", Number::Int(2)),
        ("if(not (width > 8 and false), 3, 4)", Number::Int(3)),
    ];
    for (text, wanted) in cases {
        assert_eq!(evaluate(text, &env()).unwrap(), wanted, "{text}");
    }
}

fn holds(text: &str) -> Result<bool, ExprError> {
    Expr::parse(text)?.holds(&|name| match name {
        "network" => Ok(Value::Text("resnet18".into())),
        "train.optimizer.nesterov" => Ok(Value::Bool(true)),
        "lr" => Ok(Value::Number(Number::Float(0.3))),
        "params" => Ok(Value::Number(Number::Int(2_900_000))),
        other => Err(unknown_name(text, other, vec!["network".into(), "lr".into()])),
    })
}

#[test]
fn conditions() {
    let cases = [
        ("params < 3e6 and lr <= 0.3", true),
        ("params < 3e6 and lr < 0.3", false),
        ("network == 'resnet18'", true),
        ("network != 'resnet18' or lr == 0.3", true),
        ("train.optimizer.nesterov", true),
        ("train.optimizer.nesterov == false", false),
        ("not lr > 1 and true", true),
        ("1 < 2 or 1 / 0 > 2", true),
        ("false and missing", false),
        ("false or true and false", false),
        ("9007199254740993 == 9007199254740992", false),
    ];
    for (text, wanted) in cases {
        assert_eq!(holds(text), Ok(wanted), "{text}");
    }
}

#[test]
fn mistakes_of_conditions_are_located() {
    let cases = [
        ("lr and true", (0, 2)),
        ("true and lr", (9, 11)),
        ("network > 3", (0, 7)),
        ("3 < network", (4, 11)),
        ("network == 3", (0, 7)),
        ("network == true", (11, 15)),
        ("network < 'z'", (0, 7)),
        ("lr", (0, 2)),
        ("1 < lr < 3", (6, 8)),
        ("netwrok == 'x'", (0, 7)),
        ("lr = 3", (3, 6)),
        ("network == 'x", (11, 13)),
        ("lr > 'x'", (5, 8)),
        ("not 3", (4, 5)),
        ("1 + true", (4, 8)),
        ("and 3", (0, 3)),
        ("if(true, 1)", (0, 11)),
    ];
    for (text, at) in cases {
        assert_eq!(holds(text).unwrap_err().at, at, "{text}");
    }
}

#[test]
fn mistakes_are_located() {
    let cases = [
        ("widht * 2", (0, 5)),
        ("2 * (width", (4, 10)),
        ("width 2", (6, 7)),
        ("1 / 0", (0, 5)),
        ("9223372036854775807 + 1", (0, 23)),
        ("squrt(width)", (0, 5)),
        ("sqrt(0 - width)", (0, 15)),
        ("log2(0)", (0, 7)),
        ("1e", (0, 2)),
        ("1.2.3", (0, 5)),
        ("1e400", (0, 5)),
        ("width > 3", (0, 9)),
        ("", (0, 0)),
        ("2 *", (3, 3)),
    ];
    for (text, at) in cases {
        assert_eq!(evaluate(text, &env()).unwrap_err().at, at, "{text}");
    }
}

#[test]
fn long_and_deep_text_cannot_exhaust_the_stack() {
    for open in ["(", "-", "not ", "abs(", "if(true, "] {
        assert!(evaluate(&open.repeat(100_000), &env()).is_err());
    }
    let sum = |terms| "1".to_string() + &"+1".repeat(terms);
    assert_eq!(evaluate(&sum(499), &env()), Ok(Number::Int(500)));
    assert_eq!(holds(&("true".to_string() + &" and true".repeat(99))), Ok(true));
    // It is read again for every node, so a long one is none.
    let told = evaluate(&sum(500), &env()).unwrap_err().problem.to_string();
    assert!(told.contains("1+1+ ...`: this has more than 1000 bytes"), "{told}");
}

#[test]
fn names_are_listed_with_their_places() {
    let expr = Expr::parse("if(a.b > 1, min(c, 2), not d)").unwrap();
    assert_eq!(expr.names(), [("a.b", (3, 6)), ("c", (16, 17)), ("d", (27, 28))]);
}
