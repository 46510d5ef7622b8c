//! A network as Graphviz text: a cluster for each stage, and in it one for each block.

use std::fmt::Write as _;

use crate::graph::Part;
use crate::plan::{Plan, Step};

use super::fold::part_name;
use super::label::{self, Kind};

/// Writes a network. Every block is written: folding is for the tool that draws it.
pub fn write(plan: &Plan, title: &str) -> String {
    let mut out = format!("digraph {} {{\n", quoted(title));
    out += "  rankdir=TB;\n  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\", fontsize=11];\n";
    out += "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#656d76\"];\n";
    let input = format!("input\n{}", label::shape(plan.input));
    line(&mut out, 1, &format!("v0 [label={}, shape=oval];", quoted(&input)));
    parts(&mut out, plan);
    line(&mut out, 1, "output [shape=oval];");
    for (index, step) in plan.steps.iter().enumerate() {
        for &from in &step.inputs {
            edge(&mut out, plan, from, &format!("v{}", index + 1));
        }
    }
    edge(&mut out, plan, plan.output, "output");
    out + "}\n"
}

/// The nodes in their clusters.
fn parts(out: &mut String, plan: &Plan) {
    let steps: Vec<(usize, &Step)> = plan.steps.iter().enumerate().collect();
    let part = |step: &Step| part_name(&plan.scopes[step.scope]);
    for (number, steps) in steps.chunk_by(|a, b| part(a.1) == part(b.1)).enumerate() {
        line(out, 1, &format!("subgraph cluster_{number} {{"));
        line(out, 2, &format!("label={};", quoted(&part(steps[0].1))));
        for (block, steps) in steps.chunk_by(|a, b| a.1.scope == b.1.scope).enumerate() {
            let scope = &plan.scopes[steps[0].1.scope];
            let framed = matches!(scope.part, Part::Stage { .. });
            if framed {
                line(out, 2, &format!("subgraph cluster_{number}_{block} {{"));
                line(out, 3, &format!("label={};", quoted(&scope.path)));
            }
            for (index, step) in steps {
                let text = node(plan, *index, step);
                line(out, 2 + usize::from(framed), &text);
            }
            if framed {
                line(out, 2, "}");
            }
        }
        line(out, 1, "}");
    }
}

fn node(plan: &Plan, index: usize, step: &Step) -> String {
    let kind = Kind::of(plan, step);
    let costs = label::costs(plan.params_of(step), step.macs);
    let lines = [step.path.clone(), label::operation(&step.op), costs];
    let text = lines.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join("\n");
    let shape = match kind {
        Kind::Join => ", shape=circle",
        _ => "",
    };
    let text = if kind == Kind::Join { label::sign(&step.op).into() } else { text };
    let (text, tip) = (quoted(&text), quoted(&step.path));
    format!(
        "v{} [label={text}, tooltip={tip}, fillcolor={}{shape}];",
        index + 1,
        quoted(fill(kind))
    )
}

fn fill(kind: Kind) -> &'static str {
    match kind {
        Kind::Convolution => "#d8e9fc",
        Kind::Linear => "#e6defa",
        Kind::Norm => "#eceff2",
        Kind::Elementwise => "#fdeccb",
        Kind::Pool => "#d6f1dc",
        Kind::Reshape => "#d3f1f0",
        Kind::Random => "#fadcea",
        Kind::Join => "#ffe0d6",
    }
}

fn edge(out: &mut String, plan: &Plan, from: usize, to: &str) {
    let shape = quoted(&label::shape(plan.shape(from)));
    line(out, 1, &format!("v{from} -> {to} [label={shape}];"));
}

fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}{text}", "  ".repeat(depth));
}

/// A text as Graphviz quotes it; what it would take for an escape is one no more.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted() {
        assert_eq!(quoted("a \"b\"\nc\\d"), r#""a \"b\"\nc\\d""#);
    }
}
