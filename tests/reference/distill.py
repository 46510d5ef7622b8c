"""Golden files of knowledge distillation.

    python distill.py           # at once, writes ../golden/distill.safetensors

The loss of PyTorch's tutorial "Knowledge Distillation" (with KLDivLoss(reduction="batchmean")) and its
gradient with respect to the logits, float32, CPU. With u of formula.py, six images and ten classes:
    logits 5 * u(5000000, i), of the teacher 8 * u(5000001, i), labels of formula.py.
CASES are temperature, alpha, label smoothing and whether targets are mixed: 0.7 of each image with 0.3 of
the one before it. `<case>/loss` and `<case>/gradient`.
"""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import formula
from golden import GOLDEN

CASES = {
    "usual": (4.0, 0.9, 0.0, False),
    "smooth": (1.0, 0.5, 0.1, False),
    "mixed": (2.5, 0.3, 0.0, True),
    "teacher": (10.0, 1.0, 0.0, False),
    "labels": (2.0, 0.0, 0.0, False),
}


def results(temperature, alpha, smoothing, mixed):
    logits = (5 * formula.uniform(5_000_000, (6, 10))).requires_grad_()
    teacher = 8 * formula.uniform(5_000_001, (6, 10))
    targets = formula.labels(6, 10)
    if mixed:
        shares = F.one_hot(targets, 10).float()
        targets = 0.7 * shares + 0.3 * shares.roll(1, 0)
    divergence = nn.KLDivLoss(reduction="batchmean")(
        F.log_softmax(logits / temperature, dim=1), F.softmax(teacher / temperature, dim=1)
    )
    labels = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss = alpha * temperature**2 * divergence + (1 - alpha) * labels
    loss.backward()
    return {"loss": loss.detach(), "gradient": logits.grad}


def main():
    tensors = {f"{case}/{name}": value for case, args in CASES.items() for name, value in results(*args).items()}
    save_file(tensors, GOLDEN / "distill.safetensors")


if __name__ == "__main__":
    main()
