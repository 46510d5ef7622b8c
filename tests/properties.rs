//! Properties of the stages without tensors: on random networks, on damaged specs, on any text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use resweep::experiment;
use resweep::op::Shape;
use resweep::plan::Plan;
use resweep::spec::error::SpecError;
use resweep::spec::expr::{Env, Expr, ExprError, Number, Value as Answer, evaluate, unknown_name};
use resweep::spec::load::Loader;
use resweep::spec::tree::{Field, Tree, Value};

/// A node of a random chain.
#[derive(Debug, Clone, Copy)]
enum Step {
    Conv {
        out: u64,
        kernel: u64,
        stride: u64,
        padding: Option<u64>,
        dilation: u64,
        bias: bool,
    },
    Grouped {
        groups: u64,
    },
    Norm,
    Relu,
    Pool {
        kernel: u64,
        stride: Option<u64>,
        padding: u64,
    },
    /// A sum with the input of the step before; it fits where that kept the shape.
    Add,
    Shortcut {
        out: u64,
        stride: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let conv = (
        1..=12_u64,
        1..=5_u64,
        1..=3_u64,
        prop_oneof![Just(None), (0..=3_u64).prop_map(Some)],
        1..=2_u64,
        any::<bool>(),
    );
    let pool = (2..=3_u64, prop_oneof![Just(None), (1..=3_u64).prop_map(Some)], 0..=1_u64);
    prop_oneof![
        4 => conv.prop_map(|(out, kernel, stride, padding, dilation, bias)| Step::Conv {
            out, kernel, stride, padding, dilation, bias
        }),
        1 => (1..=4_u64).prop_map(|groups| Step::Grouped { groups }),
        2 => Just(Step::Norm),
        2 => Just(Step::Relu),
        1 => pool.prop_map(|(kernel, stride, padding)| Step::Pool { kernel, stride, padding }),
        2 => Just(Step::Add),
        2 => (1..=12_u64, 1..=2_u64).prop_map(|(out, stride)| Step::Shortcut { out, stride }),
    ]
}

/// What a network should come to, worked out apart from the crate.
#[derive(Debug, Default)]
struct Expected {
    nodes: String,
    shapes: Vec<(u64, u64, u64)>,
    params: u64,
    macs: u64,
}

/// Sides as in PyTorch's documentation of `Conv2d`.
fn side(input: u64, kernel: u64, stride: u64, padding: u64, dilation: u64) -> Option<u64> {
    let reach = dilation * (kernel - 1) + 1;
    (input + 2 * padding).checked_sub(reach).map(|room| room / stride + 1)
}

impl Expected {
    fn conv(
        &mut self,
        from: (u64, u64, u64),
        fields: (u64, u64, u64, u64, u64, u64),
    ) -> Option<(u64, u64, u64)> {
        let (out, kernel, stride, padding, dilation, groups) = fields;
        let (channels, height, width) = from;
        let height = side(height, kernel, stride, padding, dilation)?;
        let width = side(width, kernel, stride, padding, dilation)?;
        let weights = out * (channels / groups) * kernel * kernel;
        self.params += weights;
        self.macs += weights * height * width;
        Some((out, height, width))
    }

    /// Adds the step and returns the new shape; nothing where it would not fit.
    fn add(
        &mut self,
        at: usize,
        step: Step,
        now: (u64, u64, u64),
        before: (u64, u64, u64),
    ) -> Option<(u64, u64, u64)> {
        let (text, shape) = match step {
            Step::Conv { out, kernel, stride, padding, dilation, bias } => {
                let pad = padding.unwrap_or(dilation * (kernel - 1) / 2);
                let shape = self.conv(now, (out, kernel, stride, pad, dilation, 1))?;
                self.params += if bias { out } else { 0 };
                let padding = padding.map_or(String::new(), |p| format!(", padding: {p}"));
                let text = format!(
                    "Conv2d(out: {out}, kernel: {kernel}, stride: {stride}{padding}, dilation: {dilation}, bias: {bias})"
                );
                (text, shape)
            }
            Step::Grouped { groups } => {
                let groups = if now.0.is_multiple_of(groups) { groups } else { 1 };
                let shape = self.conv(now, (2 * now.0, 3, 1, 1, 1, groups))?;
                (format!("Conv2d(out: {}, kernel: 3, groups: {groups})", shape.0), shape)
            }
            Step::Norm => {
                self.params += 2 * now.0;
                ("BatchNorm2d()".into(), now)
            }
            Step::Relu => ("Relu".into(), now),
            Step::Pool { kernel, stride, padding } => {
                let step = stride.unwrap_or(kernel);
                let height = side(now.1, kernel, step, padding, 1)?;
                let width = side(now.2, kernel, step, padding, 1)?;
                let stride = stride.map_or(String::new(), |s| format!(", stride: {s}"));
                let text = format!("MaxPool2d(kernel: {kernel}{stride}, padding: {padding})");
                (text, (now.0, height, width))
            }
            Step::Add => {
                let second = if at < 2 { "input".into() } else { format!("n{}", at - 2) };
                let first = if at == 0 { "input".into() } else { format!("n{}", at - 1) };
                let fits = now == before && at > 0;
                let second = if fits { second } else { first.clone() };
                (format!("Add(from: [\"{first}\", \"{second}\"])"), now)
            }
            Step::Shortcut { out, stride } => {
                let chain = format!(
                    "(\"0\", Conv2d(out: {out}, kernel: 1, stride: {stride})), (\"1\", BatchNorm2d())"
                );
                let text = format!("Shortcut(nodes: [{chain}])");
                let shape = (out, (now.1 - 1) / stride + 1, (now.2 - 1) / stride + 1);
                if shape != now {
                    self.conv(now, (out, 1, stride, 0, 1, 1))?;
                    self.params += 2 * out;
                }
                (text, shape)
            }
        };
        writeln!(self.nodes, "        (\"n{at}\", {text}),").unwrap();
        self.shapes.push(shape);
        Some(shape)
    }
}

/// The network of these steps, without those that would not fit.
fn expected(steps: &[Step], input: (u64, u64, u64)) -> Expected {
    let mut all = Expected::default();
    let (mut before, mut now) = (input, input);
    for &step in steps {
        let at = all.shapes.len();
        if let Some(next) = all.add(at, step, now, before) {
            (before, now) = (now, next);
        }
    }
    all.params += 10 * now.0 + 10;
    all.macs += 10 * now.0;
    all
}

fn spec(nodes: &str, input: (u64, u64, u64)) -> String {
    format!(
        "Network(\n    input: {input:?},\n    stem: [\n{nodes}    ],\n    head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))],\n)\n"
    )
}

fn planned(text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.ron");
    std::fs::write(&file, text).unwrap();
    let loader = Loader::default();
    let told = |error: SpecError| error.render(&loader.sources);
    experiment::network(&loader, &file, &[], None).map_err(told)
}

/// The shape of each node's result; a shortcut that is left out has none.
fn shape_of(plan: &Plan, node: usize) -> Option<Shape> {
    let (name, inside) = (format!("n{node}"), format!("n{node}."));
    let mut steps = plan.steps.iter().rev();
    steps.find(|step| step.path == name || step.path.starts_with(&inside)).map(|step| step.shape)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn plans_equal_arithmetic_on_paper(
        steps in prop::collection::vec(step(), 0..14),
        channels in 1..=4_u64,
        height in 1..=40_u64,
        width in 1..=40_u64,
    ) {
        let input = (channels, height, width);
        let wanted = expected(&steps, input);
        let text = spec(&wanted.nodes, input);
        let plan = planned(&text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        prop_assert_eq!(plan.params(), wanted.params, "{}", text);
        prop_assert_eq!(plan.macs(), wanted.macs, "{}", text);
        for (node, &(c, h, w)) in wanted.shapes.iter().enumerate() {
            if let Some(shape) = shape_of(&plan, node) {
                prop_assert_eq!(shape, Shape::Maps(c, h, w), "n{} of {}", node, text);
            }
        }
    }

    /// Values are made before they are read, freed once, and never overwritten while still read.
    #[test]
    fn plans_run_in_order(steps in prop::collection::vec(step(), 0..14)) {
        let input = (3, 16, 16);
        let plan = planned(&spec(&expected(&steps, input).nodes, input)).unwrap();
        let mut freed = vec![false; plan.steps.len() + 1];
        for (index, step) in plan.steps.iter().enumerate() {
            for &value in &step.inputs {
                prop_assert!(value <= index && !freed[value]);
            }
            if step.in_place {
                prop_assert!(step.last_uses.contains(&step.inputs[0]));
            }
            step.last_uses.iter().for_each(|&value| freed[value] = true);
        }
        prop_assert!(!freed[plan.output]);
    }

    /// A join that stands before the nodes it reads runs after them, and everything else keeps the
    /// order of the file.
    #[test]
    fn order_is_that_of_the_file_but_for_forward_references(branches in 2..6_usize, at in 0..6_usize) {
        let names: Vec<String> = (0..branches).map(|branch| format!("b{branch}")).collect();
        let mut nodes: Vec<String> = names
            .iter()
            .map(|name| format!("(\"{name}\", Conv2d(from: \"input\", out: 4, kernel: 3)),\n"))
            .collect();
        let from: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        nodes.insert(at.min(branches), format!("(\"sum\", Add(from: [{}])),\n", from.join(", ")));
        nodes.push("(\"relu\", Relu(from: \"sum\")),\n".into());
        let plan = planned(&spec(&nodes.concat(), (3, 8, 8))).unwrap();
        let found: Vec<&str> = plan.steps.iter().map(|step| step.path.as_str()).collect();
        let mut wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        wanted.extend(["sum", "relu", "pool", "fc"]);
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn expressions_never_panic(text in "\\PC{0,40}") {
        check_expression(&text);
    }

    #[test]
    fn expressions_of_their_own_words_never_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "width", "stride", "9223372036854775807", "0", "1", "2.5", ".", "+", "-", "*", "/", "%",
            "(", ")", ",", "min(", "max(", "floor(", "ceil(", "round(", "round_to(", " ", "é",
            "abs(", "sqrt(", "log2(", "pow(", "if(", " and ", " or ", "not ", "true", "false", "<",
            "<=", ">", ">=", "==", "!=", "=", "'", "'text'", "flag", "network", "a.b.c", "3e6",
            "1e-3", "1e", "1_0", "least", "missing",
        ]), 0..16),
    ) {
        check_expression(&words.concat());
    }
}

fn check_expression(text: &str) {
    let env: Env = [("width", 64), ("stride", 2), ("least", i64::MIN)]
        .map(|(name, value)| (name.to_string(), Number::Int(value)))
        .into();
    match evaluate(text, &env) {
        Ok(value) => assert!(value.as_f64().is_finite(), "{text}"),
        Err(error) => check_mistake(text, &error),
    }
    let holds = Expr::parse(text).and_then(|expr| {
        for (name, at) in expr.names() {
            assert_eq!(&text[at.0..at.1], name);
        }
        expr.holds(&|name| match (env.get(name), name) {
            (Some(number), _) => Ok(Answer::Number(*number)),
            (None, "flag") => Ok(Answer::Bool(true)),
            (None, "network") => Ok(Answer::Text("resnet18".into())),
            _ => Err(unknown_name(text, name, vec!["network".into()])),
        })
    });
    if let Err(error) = holds {
        check_mistake(text, &error);
    }
}

fn check_mistake(text: &str, error: &ExprError) {
    assert!(!error.problem.to_string().is_empty());
    let (start, end) = error.at;
    assert!(start <= end && start <= text.len() && end <= text.len() + 1, "{text}: {error:?}");
}

/// Every file under `experiments`, by its path from there.
fn shipped() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in ["", "blocks", "models"] {
        for entry in std::fs::read_dir(Path::new("experiments").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ron") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix("experiments").unwrap().to_path_buf(), text));
            }
        }
    }
    files.sort();
    files
}

/// Damage to a text.
#[derive(Debug, Clone)]
enum Damage {
    DeleteByte(usize),
    DoubleByte(usize),
    ReplaceByte(usize, u8),
    DeleteToken(usize),
    DoubleToken(usize),
    SwapToken(usize, &'static str),
    DeleteLine(usize),
    DoubleLine(usize),
    Truncate(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let words = vec![
        "0",
        "-1",
        "1e400",
        "NaN",
        "inf",
        "18446744073709551615",
        "\"\"",
        "\"width / 0\"",
        "()",
        "[]",
        "{}",
        "(",
        ")",
        "None",
        "Some(1)",
        "true",
        "'x'",
        "r#\"raw\"#",
        "/*",
        "//",
        "Relu",
        "Add",
        "\"input\"",
        "\"../models/resnet18.ron\"",
        "#![enable(implicit_some)]",
        "Block",
        ":",
        "Grid",
        "Zip({\"with.width\": [1, 2]})",
        "Range(from: 1, to: 3, step: 0.3)",
        "LogUniform(0.1, 1)",
        "\"train.optimizer\"",
        "\"{network}\"",
        "\"params < 3e6\"",
    ];
    let at = 0..4000_usize;
    prop_oneof![
        at.clone().prop_map(Damage::DeleteByte),
        at.clone().prop_map(Damage::DoubleByte),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::ReplaceByte(at, byte)),
        at.clone().prop_map(Damage::DeleteToken),
        at.clone().prop_map(Damage::DoubleToken),
        (at.clone(), prop::sample::select(words))
            .prop_map(|(at, word)| Damage::SwapToken(at, word)),
        at.clone().prop_map(Damage::DeleteLine),
        at.clone().prop_map(Damage::DoubleLine),
        at.prop_map(Damage::Truncate),
    ]
}

/// The text cut into words and single characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || c == '_' || c == '.';
        match tokens.last_mut() {
            Some(last) if word && in_word => last.push(c),
            _ => tokens.push(c.into()),
        }
        in_word = word;
    }
    tokens
}

fn damaged(text: &str, damage: &Damage) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let byte = |at: usize| at % text.len();
    let mut tokens = tokens(text);
    let token = |at: usize| at % tokens.len();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = |at: usize| at % lines.len();
    match *damage {
        Damage::DeleteByte(at) => drop(bytes.remove(byte(at))),
        Damage::DoubleByte(at) => bytes.insert(byte(at), bytes[byte(at)]),
        Damage::ReplaceByte(at, new) => bytes[byte(at)] = new,
        Damage::Truncate(at) => bytes.truncate(byte(at)),
        Damage::DeleteToken(at) => {
            let at = token(at);
            tokens.remove(at);
            return tokens.concat().into();
        }
        Damage::DoubleToken(at) => {
            let at = token(at);
            tokens.insert(at, tokens[at].clone());
            return tokens.concat().into();
        }
        Damage::SwapToken(at, word) => {
            let at = token(at);
            tokens[at] = word.into();
            return tokens.concat().into();
        }
        Damage::DeleteLine(at) => {
            let at = line(at);
            lines.remove(at);
            return lines.concat().into();
        }
        Damage::DoubleLine(at) => {
            let at = line(at);
            lines.insert(at, lines[at]);
            return lines.concat().into();
        }
    }
    bytes
}

/// Reads a sweep or a network, and every message it leads to.
fn try_all(file: &Path) -> Result<(), String> {
    let loader = Loader::default();
    let sweep = experiment::sweep(&loader, file, &[]).err().unwrap_or_default();
    let network = experiment::network(&loader, file, &[], None).err();
    for error in sweep.iter().chain(&network) {
        if error.to_string().is_empty() || !error.render(&loader.sources).starts_with("error: ") {
            return Err(format!("{error:?}"));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn damaged_specs_are_planned_or_told(
        which in 0..100_usize,
        damages in prop::collection::vec(damage(), 1..3),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let files = shipped();
        let which = which % files.len();
        for (index, (path, text)) in files.iter().enumerate() {
            let mut bytes = text.clone().into_bytes();
            if index == which {
                for damage in &damages {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    bytes = if text.is_empty() { break } else { damaged(&text, damage) };
                }
            }
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        // A block is read by way of the networks that name it.
        let name = &files[which].0;
        let users: &[&str] = match name.to_str().unwrap() {
            "blocks/basic.ron" => &["models/resnet18.ron"],
            "blocks/bottleneck.ron" => &["models/resnet50.ron"],
            _ => &[],
        };
        for file in users.iter().map(Path::new).chain([name.as_path()]) {
            prop_assert_eq!(try_all(&folder.path().join(file)), Ok(()));
        }
    }

    #[test]
    fn any_change_by_command_line_is_made_or_told(
        path in prop::collection::vec(prop::sample::select(vec![
            "networks", "train", "data", "seeds", "name", "0", "7", "resnet18", "network", "with",
            "block", "nodes", "stages", "conv1", "from", "optimizer", "lr", "params", "width", "", " ",
        ]), 0..6),
        value in prop::sample::select(vec![
            "1", "", "()", "[]", "{}", "Relu", "\"x.ron\"", "models/resnet18.ron", "\"é", "(a: 1)",
            "é", "[(1)]", "Sgd(lr: 0.1)",
        ]),
        equals in any::<bool>(),
    ) {
        let loader = Loader::default();
        let set = format!("{}{}{value}", path.join("."), if equals { "=" } else { "" });
        let sweep = Path::new("experiments/depth.ron");
        for error in experiment::sweep(&loader, sweep, &[set]).err().unwrap_or_default() {
            prop_assert!(error.render(&loader.sources).starts_with("error: "));
        }
    }
}

/// A few lines ask for 2^24 nodes, in shortcuts that come to nothing; or for 10^7 blocks without any.
#[test]
fn specs_that_multiply_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for at in 0..24 {
        let next = format!("Shortcut(nodes: [(\"u\", Use(block: \"{}.ron\"))])", at + 1);
        write(&format!("{at}.ron"), &format!("Block(nodes: [(\"l\", {next}), (\"r\", {next})])"));
    }
    write("24.ron", "Block(nodes: [(\"conv\", Conv2d(out: 3, kernel: 3))])");
    let head = "head: [(\"pool\", GlobalAvgPool()), (\"fc\", Linear(out: \"classes\"))]";
    write("a.ron", &format!("Network(stem: [(\"a\", Use(block: \"0.ron\"))], {head})"));
    let stages = "(layers: 10000),".repeat(1000);
    write(
        "b.ron",
        &format!("Network(stem: [], block: Block(nodes: []), stages: [{stages}], {head})"),
    );
    for name in ["a.ron", "b.ron"] {
        let loader = Loader::default();
        let error = experiment::network(&loader, &folder.path().join(name), &[], None).unwrap_err();
        let text = error.render(&loader.sources);
        assert!(text.contains("the network has more than 100000 nodes"), "{name}: {text}");
    }
}

#[test]
fn deep_nesting_is_told() {
    for (open, close) in [("[", "]"), ("(", ")"), ("Some(", ")"), ("{\"a\":", "}")] {
        for depth in [50, 100, 1_000, 100_000] {
            let inner = open.repeat(depth) + "1" + &close.repeat(depth);
            let text = format!("Network(params: {{\"a\": {inner}}}, stem: [], head: [])");
            assert!(planned(&text).is_err(), "{open} {depth}");
        }
    }
    let mut chain = "(\"0\", Relu)".to_string();
    for _ in 0..60 {
        chain = format!("(\"0\", Shortcut(nodes: [{chain}]))");
    }
    let _ = planned(&spec(&format!("{chain},\n"), (3, 8, 8)));
}

/// A RON value as text.
fn ron() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        "[ -~éß\\n\\t]{0,12}".prop_map(|text| format!("{text:?}")),
        "[A-Z][a-z0-9]{0,8}",
        any::<bool>().prop_map(|value| value.to_string()),
        Just("()".to_string()),
    ];
    leaf.prop_recursive(4, 40, 9, |inner| {
        let items = prop::collection::vec(inner.clone(), 0..10);
        let fields = prop::collection::btree_map("[a-z][a-z0-9_]{0,6}", inner, 1..8);
        let name = prop_oneof![Just(String::new()), "[A-Z][a-z]{1,6}"];
        prop_oneof![
            items.clone().prop_map(|items| format!("[{}]", items.join(", "))),
            (name.clone(), items).prop_filter_map("a tuple has items", |(name, items)| {
                (!items.is_empty()).then(|| format!("{name}({})", items.join(",")))
            }),
            (name, fields.clone()).prop_map(|(name, fields)| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k} : {v}")).collect();
                format!("{name}({}) // a comment\n", fields.join(" ,\n"))
            }),
            fields.prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
                format!("{{ {} /* a comment */ }}", fields.join(", "))
            }),
        ]
    })
}

/// The tree without places.
fn bare(tree: &Tree) -> String {
    let items = |items: &[std::rc::Rc<Tree>]| -> Vec<String> {
        items.iter().map(|item| bare(item)).collect()
    };
    let fields = |fields: &[Field]| -> Vec<(String, String)> {
        fields.iter().map(|field| (field.name.clone(), bare(&field.tree))).collect()
    };
    match &tree.value {
        Value::List(list) => format!("List {:?}", items(list)),
        Value::Tuple(name, list) => format!("Tuple {name:?} {:?}", items(list)),
        Value::Map(list) => format!("Map {:?}", fields(list)),
        Value::Struct(name, list) => format!("Struct {name:?} {:?}", fields(list)),
        leaf => format!("{leaf:?}"),
    }
}

fn opened(text: &str) -> std::rc::Rc<Tree> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value.ron");
    std::fs::write(&file, text).unwrap();
    let loader = Loader::default();
    loader.open(&file).unwrap_or_else(|e| panic!("{text}\n{}", e.render(&loader.sources)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn printed_trees_read_back_equal(text in ron()) {
        let tree = opened(&text);
        let printed = tree.to_ron();
        let again = opened(&printed);
        prop_assert_eq!(bare(&tree), bare(&again), "{}", &printed);
        prop_assert_eq!(again.to_ron(), printed);
    }
}

/// Words that axes, conditions and names are made of, and some that they are not.
fn axis_value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[1, 2]",
        "[]",
        "[0.1, \"x\"]",
        "Range(1, 3, 1)",
        "Range(from: 0, to: 1, step: 0)",
        "3",
        "LinRange(0, 1, 3)",
        "LogRange(1e-300, 1e300, 5)",
        "LogRange(-1, 1, 2)",
        "Choice([1, 2])",
        "Range(-9223372036854775808, 9223372036854775807, 1)",
        "LinRange(0, 1, 99999999999)",
        "IntUniform(-9223372036854775808, 9223372036854775807)",
        "LogIntUniform(1, 9)",
        "Uniform(-1e308, 1e308)",
        "LogUniform(1e-308, 1e308)",
        "Uniform(1)",
        "Choice(3)",
        "{}",
        "[Sgd(lr: 0.1), Adam(lr: 0.1)]",
        "[\"models/resnet18.ron\", \"é\"]",
        "[()]",
        "None",
    ])
    .prop_map(String::from)
}

fn axis_text() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "train.epochs",
        "train.optimizer.lr",
        "train",
        "data.train",
        "with.width",
        "network",
        "network.stages.0.layers",
        "network.block.nodes.conv1.kernel",
        "a = train.batch",
        "=",
        "é",
        "seeds",
        "a=b=c",
        "",
        "train..lr",
        "width = train.optimizer",
        "network.stem",
    ]);
    let map = prop::collection::btree_map(key, axis_value(), 0..3).prop_map(|entries| {
        let entries: Vec<_> =
            entries.iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
        format!("{{{}}}", entries.join(", "))
    });
    (0..6_u32, map).prop_map(|(kind, map)| match kind {
        0 | 1 => format!("Grid({map})"),
        2 => format!("Zip({map})"),
        3 => format!("Sample(count: 3, of: {map})"),
        4 => format!("Cases(name: \"c\", cases: {{\"a\": {map}, \"b é\": {{}}}})"),
        _ => map,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_axes_are_spelled_out_or_told(
        axes in prop::collection::vec(axis_text(), 0..3),
        condition in prop::sample::select(vec![
            "lr > 0.1", "params < 3e6", "network == 'resnet18'", "é", "", "train.optimizer == 'Sgd'",
            "with.width / 0 > 1", "network.stages.0.layers > 1", "data.set == 'Cifar10'", "c == 'a'",
        ]),
        names in prop::sample::select(vec![
            "", "names: \"{network}-{lr}\",", "names: \"{\",", "names: \"x\",", "baseline: \"é\",",
        ]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sweep.ron");
        let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/models/resnet18.ron");
        let text = format!(
            "Sweep(networks: [{network:?}], axes: [{}], where: {condition:?}, {names} data: (),
             train: (epochs: 1, batch: 8, optimizer: Sgd(lr: 0.1)))",
            axes.join(", ")
        );
        std::fs::write(&file, &text).unwrap();
        let loader = Loader::default();
        match experiment::sweep(&loader, &file, &[]) {
            Ok(sweep) => prop_assert!(!sweep.list.is_empty()),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(error.render(&loader.sources).starts_with("error: "));
                }
            }
        }
    }
}
