//! What the colours stand for.

use crate::plan::Plan;

use super::label::Kind;
use super::scene::{Anchor, Item, Look, Point};

/// What a kind is called; of joins, those that the network has.
pub fn words(plan: &Plan, kind: Kind) -> String {
    if kind != Kind::Join {
        return kind.words().into();
    }
    let signs = [("Add", "+ add"), ("Mul", "× multiply"), ("Concat", "‖ concatenate")];
    let used = signs.iter().filter(|(op, _)| plan.steps.iter().any(|s| s.op.name() == *op));
    let words: Vec<&str> = used.map(|(_, words)| *words).collect();
    format!("{}: {}", kind.words(), words.join(", "))
}

/// A kind's colour and words, from their lower left corner.
pub fn entry(kind: Kind, words: String, (x, y): Point) -> Item {
    let sign = match kind {
        Kind::Join => Item::Circle { at: (x + 5.0, y - 4.0), radius: 5.5, class: "" },
        _ => Item::Box { at: (x, y - 9.0), size: (11.0, 11.0), radius: 2.0, class: "" },
    };
    let text = Item::text((x + 16.0, y), Anchor::Start, Look::Small, words);
    let class = format!("l {}", kind.class());
    Item::Group { class, title: kind.words().into(), items: vec![sign, text] }
}
