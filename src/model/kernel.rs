//! What a forward pass runs: the steps of a plan, some of which go together in one kernel. A sum and a
//! ReLU after a normalisation cost a pass over memory each, which is most of their time.

use crate::op::{BatchNorm2d, Conv2d, Op};
use crate::plan::{Plan, ValueId};

/// One call of a forward pass.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    /// What it does.
    pub(super) work: Work,
    /// What it reads first.
    pub(super) input: ValueId,
    /// What it adds.
    pub(super) add: Option<ValueId>,
    /// Whether a ReLU comes last.
    pub(super) relu: bool,
    /// Its result.
    pub(super) output: ValueId,
    /// Values that no later kernel reads.
    pub(super) last_uses: Vec<ValueId>,
}

/// The step that gives a kernel its numbers.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// Any step, alone.
    Step(usize),
    /// Batch normalisation.
    Norm(usize, BatchNorm2d),
    /// Convolution, and the normalisation that is folded into it.
    Conv(usize, Conv2d, Option<(usize, BatchNorm2d)>),
}

/// Whether running statistics are constants, which can be folded into convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Statistics of each batch.
    Training,
    /// Running statistics.
    Evaluation,
}

/// The kernels of a plan, in order.
pub(super) fn kernels(plan: &Plan, of: Use) -> Vec<Kernel> {
    let mut fusion = Fusion::new(plan);
    // Of two branches that a sum joins, the later one takes it in.
    for step in (0..plan.steps.len()).rev() {
        match &plan.steps[step].op {
            Op::BatchNorm2d(norm) => fusion.norm(step, norm, of),
            Op::Conv2d(conv) if of == Use::Evaluation => fusion.conv(step, conv),
            _ => {}
        }
    }
    let mut kernels = fusion.in_order();
    mark_last_uses(plan, &mut kernels);
    kernels
}

struct Fusion<'a> {
    plan: &'a Plan,
    /// How many steps read each value.
    readers: Vec<usize>,
    /// The step that reads a value, where it is the only one.
    reader: Vec<Option<usize>>,
    /// The kernel that ends with each step; none where the step is part of another's.
    kernels: Vec<Option<Kernel>>,
    taken: Vec<bool>,
}

impl<'a> Fusion<'a> {
    fn new(plan: &'a Plan) -> Self {
        let count = plan.steps.len();
        let (mut readers, mut reader) = (vec![0; count + 1], vec![None; count + 1]);
        readers[plan.output] += 1;
        for (index, step) in plan.steps.iter().enumerate() {
            for &value in &step.inputs {
                readers[value] += 1;
                reader[value] = Some(index);
            }
        }
        Self { plan, readers, reader, kernels: vec![None; count], taken: vec![false; count] }
    }

    /// The only step that reads a value, unless it is part of a kernel already.
    fn only_reader(&self, value: ValueId) -> Option<usize> {
        let step = self.reader[value].filter(|_| self.readers[value] == 1)?;
        (!self.taken[step]).then_some(step)
    }

    /// A normalisation, and the convolution before it where nothing else reads that.
    fn norm(&mut self, step: usize, norm: &BatchNorm2d, of: Use) {
        let input = self.plan.steps[step].inputs[0];
        let before = input.checked_sub(1).filter(|_| of == Use::Evaluation);
        let before = before.filter(|_| self.readers[input] == 1);
        let conv = before.and_then(|maker| match &self.plan.steps[maker].op {
            Op::Conv2d(conv) => Some((maker, conv)),
            _ => None,
        });
        match conv {
            Some((maker, conv)) => {
                let folded = Some((step, norm.clone()));
                self.kernel(Work::Conv(maker, conv.clone(), folded), &[maker, step]);
            }
            None => self.kernel(Work::Norm(step, norm.clone()), &[step]),
        }
    }

    fn conv(&mut self, step: usize, conv: &Conv2d) {
        if !self.taken[step] {
            self.kernel(Work::Conv(step, conv.clone(), None), &[step]);
        }
    }

    /// A kernel of some steps in a row, and the sum and ReLU that follow.
    fn kernel(&mut self, work: Work, steps: &[usize]) {
        let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else { return };
        let input = self.plan.steps[first].inputs[0];
        let mut kernel =
            Kernel { work, input, add: None, relu: false, output: last + 1, last_uses: Vec::new() };
        steps.iter().for_each(|&step| self.taken[step] = true);
        if let Some((sum, other)) = self.sum_after(kernel.output) {
            (kernel.add, kernel.output) = (Some(other), sum + 1);
            self.taken[sum] = true;
        }
        if let Some(relu) = self.relu_after(kernel.output) {
            (kernel.relu, kernel.output) = (true, relu + 1);
            self.taken[relu] = true;
        }
        let end = kernel.output - 1;
        self.kernels[end] = Some(kernel);
    }

    /// The sum of two that alone reads a value, and what else it reads.
    fn sum_after(&self, value: ValueId) -> Option<(usize, ValueId)> {
        let sum = self.only_reader(value)?;
        match (&self.plan.steps[sum].op, self.plan.steps[sum].inputs.as_slice()) {
            (Op::Add(_), &[a, b]) if a != b => Some((sum, if a == value { b } else { a })),
            _ => None,
        }
    }

    /// The ReLU that alone reads a value and may overwrite it.
    fn relu_after(&self, value: ValueId) -> Option<usize> {
        let relu = self.only_reader(value)?;
        let step = &self.plan.steps[relu];
        (matches!(step.op, Op::Relu(_)) && step.in_place).then_some(relu)
    }

    fn in_order(self) -> Vec<Kernel> {
        let alone = |step: usize| Kernel {
            work: Work::Step(step),
            input: self.plan.steps[step].inputs[0],
            add: None,
            relu: false,
            output: step + 1,
            last_uses: Vec::new(),
        };
        let all = self.kernels.into_iter().zip(self.taken).enumerate();
        all.filter_map(|(step, (kernel, taken))| match kernel {
            None if !taken => Some(alone(step)),
            kernel => kernel,
        })
        .collect()
    }
}

impl Kernel {
    /// Everything that it reads.
    fn inputs<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = ValueId> + 'a {
        let step: &[ValueId] = match self.work {
            Work::Step(step) => &plan.steps[step].inputs,
            _ => &[],
        };
        let own = std::iter::once(self.input).chain(self.add);
        own.chain(step.iter().copied())
    }
}

fn mark_last_uses(plan: &Plan, kernels: &mut [Kernel]) {
    let mut seen = vec![false; plan.steps.len() + 1];
    seen[plan.output] = true;
    for kernel in kernels.iter_mut().rev() {
        let mut last: Vec<ValueId> = kernel.inputs(plan).collect();
        last.retain(|&value| !std::mem::replace(&mut seen[value], true));
        kernel.last_uses = last;
    }
}
