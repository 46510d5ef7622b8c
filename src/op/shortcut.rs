use serde::{Deserialize, Serialize};

use super::{Misfit, NodeSpec, Operation, Shape};

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
        for node in &self.nodes {
            if let Some(from) = &node.from {
                let reason = format!("its node `{}` names what it reads", node.name.value);
                let _ = from;
                return Err(Misfit::new(
                    reason,
                    "leave out `from`: the nodes of a `Shortcut` are a chain",
                ));
            }
            let op = node.op.value.operation();
            if !op.arity().admits(1) {
                let reason = format!("its node `{}` takes {}", node.name.value, op.arity());
                return Err(Misfit::new(reason, "the nodes of a `Shortcut` are a chain"));
            }
            shape = op.output(&[shape]).map_err(|misfit| Misfit {
                reason: format!("its node `{}`: {}", node.name.value, misfit.reason),
                ..misfit
            })?;
        }
        Ok(shape)
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
