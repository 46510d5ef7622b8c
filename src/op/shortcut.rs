use serde::{Deserialize, Serialize};

use super::{Misfit, NodeSpec, Operation, Shape};
use crate::spec::node::check_name;

/// The path around a residual block: its chain of nodes where that changes the shape, else the
/// input itself (He et al. 2016, section 3.2, option B: projections where dimensions grow).
///
/// `Shortcut(from: "input", nodes: [("0", Conv2d(..)), ("1", BatchNorm2d())])` called `downsample`
/// has the weights `downsample.0.weight` and so on where the chain stands, and none where it does
/// not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortcut {
    /// The chain; each node reads the one before it.
    pub nodes: Vec<NodeSpec>,
}

impl Shortcut {
    fn end_of_chain(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        let mut shape = inputs[0];
        for (index, node) in self.nodes.iter().enumerate() {
            self.check_node(index)?;
            let output = node.op.value.operation().output(&[shape]);
            shape = output.map_err(|misfit| Misfit {
                reason: format!("its node `{}`: {}", node.name.value, misfit.reason),
                span: misfit.span.or(Some(node.op.span)),
                ..misfit
            })?;
        }
        Ok(shape)
    }

    /// What the graph checks of other nodes.
    fn check_node(&self, index: usize) -> Result<(), Misfit> {
        let NodeSpec { name, from, op } = &self.nodes[index];
        let at = |span, reason: String, help: &str| {
            Err(Misfit { span: Some(span), ..Misfit::new(reason, help) })
        };
        if let Err(problem) = check_name("node", &name.value) {
            return at(name.span, problem.to_string(), &problem.help().unwrap_or_default());
        }
        if self.nodes[..index].iter().any(|other| other.name.value == name.value) {
            let reason = format!("two of its nodes are called `{}`", name.value);
            return at(name.span, reason, "give one of them another name");
        }
        let arity = op.value.operation().arity();
        if !arity.admits(1) {
            let reason = format!("its node `{}` takes {arity}", name.value);
            return at(op.span, reason, "the nodes of a `Shortcut` are a chain: each reads one");
        }
        if from.is_some() {
            let reason = format!("its node `{}` names what it reads", name.value);
            let help = "leave out `from`: each node of a `Shortcut` reads the one before it";
            return at(op.span, reason, help);
        }
        Ok(())
    }
}

impl Operation for Shortcut {
    fn output(&self, inputs: &[Shape]) -> Result<Shape, Misfit> {
        self.end_of_chain(inputs)
    }

    fn expansion(&self, inputs: &[Shape]) -> Option<&[NodeSpec]> {
        match self.end_of_chain(inputs) {
            Ok(shape) if shape == inputs[0] => Some(&[]),
            _ => Some(&self.nodes),
        }
    }

    #[cfg(feature = "torch")]
    fn forward(&self, call: &super::Call<'_>) -> Result<tch::Tensor, tch::TchError> {
        // The plan puts the chain, or nothing, in the place of a shortcut.
        Err(super::miscounted(call.weights))
    }
}
