"""Golden facts of the initial weights that a node can choose, as torch.nn.init draws them.

    python start.py             # seconds, writes ../golden/start.csv and start.safetensors

Made with torch 2.11.0. start.csv has a row for each rule and layer:

spec, input        the operation as a spec writes it, and the shape that it reads
distribution       normal (mean 0), truncated (a normal cut off), uniform (about 0), orthogonal, constant
value              normal: the standard deviation; truncated, uniform: the largest magnitude; orthogonal: the
                   length of rows or columns; constant: the value
std                the distribution's standard deviation, analytic
empirical_std      of the tensor that torch.nn.init makes with seed 0

start.safetensors has the kernels of `dirac_`, under the specs of DIRAC, and those of `Whiten` by numpy in
float64: `whiten/filters` [24, 3, 2, 2] with eps 0.0005 for all patches of `whiten/images` [20, 32, 32, 3],
bytes, normalised with CIFAR-10's mean and standard deviation. Their signs are numpy's choice.
"""

import csv
import math

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import init

from golden import GOLDEN

# Spec, module, input, torch's rule.
CONV = ("Conv2d(out: 96, kernel: 3, groups: 2, init: {})", nn.Conv2d(64, 96, 3, groups=2), "64x8x8")
LINEAR = ("Linear(out: 300, init: {})", nn.Linear(200, 300), "200")
TALL = ("Linear(out: 40, init: {})", nn.Linear(30, 40), "30")
WIDE = ("Conv2d(out: 20, kernel: 3, init: {})", nn.Conv2d(6, 20, 3), "6x8x8")

KAIMING = {
    "": dict(nonlinearity="relu"),
    "mode: FanOut, nonlinearity: Relu": dict(mode="fan_out", nonlinearity="relu"),
    "nonlinearity: Linear": dict(nonlinearity="linear"),
    "nonlinearity: Sigmoid": dict(nonlinearity="sigmoid"),
    "nonlinearity: Tanh": dict(nonlinearity="tanh"),
    "nonlinearity: Selu": dict(nonlinearity="selu"),
    "nonlinearity: LeakyRelu(slope: 0.3)": dict(a=0.3, nonlinearity="leaky_relu"),
}
DIRAC = [
    ("Conv2d(out: 5, kernel: 3, init: Dirac())", nn.Conv2d(3, 5, 3), 1),
    ("Conv2d(out: 3, kernel: (1, 4), padding: 0, init: Dirac())", nn.Conv2d(7, 3, (1, 4)), 1),
    ("Conv2d(out: 8, kernel: 3, groups: 2, init: Dirac())", nn.Conv2d(6, 8, 3, groups=2), 2),
]


def kaiming_std(weight, mode="fan_in", a=0, nonlinearity="leaky_relu"):
    fans = dict(zip(("fan_in", "fan_out"), init._calculate_fan_in_and_fan_out(weight)))
    return init.calculate_gain(nonlinearity, a) / math.sqrt(fans[mode])


def truncated_std(std, bound):
    """Of a normal cut off at both sides."""
    cut = bound / std
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    return std * math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))


def rules(weight):
    """Rule as a spec writes it, distribution, value, standard deviation, torch's function."""
    for text, given in KAIMING.items():
        std = kaiming_std(weight, **given)
        yield (f"KaimingNormal({text})", "normal", std, std,
               lambda w, given=given: init.kaiming_normal_(w, **given))
        yield (f"KaimingUniform({text})", "uniform", math.sqrt(3) * std, std,
               lambda w, given=given: init.kaiming_uniform_(w, **given))
    std = 1.5 * math.sqrt(2 / sum(init._calculate_fan_in_and_fan_out(weight)))
    yield "XavierNormal(gain: 1.5)", "normal", std, std, lambda w: init.xavier_normal_(w, 1.5)
    yield ("XavierUniform(gain: 1.5)", "uniform", math.sqrt(3) * std, std,
           lambda w: init.xavier_uniform_(w, 1.5))
    yield "Normal(std: 0.03)", "normal", 0.03, 0.03, lambda w: init.normal_(w, std=0.03)
    yield ("TruncNormal(std: 2)", "truncated", 2, truncated_std(2, 2),
           lambda w: init.trunc_normal_(w, std=2))
    yield ("TruncNormal(std: 0.02, bound: 0.03)", "truncated", 0.03, truncated_std(0.02, 0.03),
           lambda w: init.trunc_normal_(w, std=0.02, a=-0.03, b=0.03))
    yield ("Uniform(bound: 0.2)", "uniform", 0.2, 0.2 / math.sqrt(3),
           lambda w: init.uniform_(w, -0.2, 0.2))
    yield "Zeros", "constant", 0, 0, init.zeros_
    yield "Constant(value: 0.25)", "constant", 0.25, 0, lambda w: init.constant_(w, 0.25)


def orthogonal(weight):
    columns = weight[0].numel()
    for text, gain in (("", 1), ("gain: 1.4", 1.4)):
        std = gain / math.sqrt(max(len(weight), columns))
        yield (f"Orthogonal({text})", "orthogonal", gain, std,
               lambda w, gain=gain: init.orthogonal_(w, gain))


@torch.no_grad()
def rows():
    for (spec, module, shape), of in [(CONV, rules), (LINEAR, rules), *((layer, orthogonal) for layer in
                                      (CONV, LINEAR, TALL, WIDE))]:
        for text, distribution, value, std, draw in of(module.weight):
            torch.manual_seed(0)
            weight = draw(torch.empty_like(module.weight))
            n = weight.numel()
            empirical = weight.std().item()
            assert abs(empirical - std) <= max(5 * std / math.sqrt(2 * n), std * 0.02), (spec, text)
            numbers = [f"{number:.9g}" for number in (value, std)]
            yield [spec.format(text), shape, distribution, *numbers, f"{empirical:.6g}"]


def whiten():
    """Images whose neighbouring pixels and channels go together, and their whitening filters."""
    random = np.random.default_rng(0)
    coarse = random.normal(0, 50, (20, 8, 16, 1)).repeat(4, axis=1).repeat(2, axis=2)
    fine = random.normal(0, 1, (20, 33, 33, 3)) * (8, 12, 20)
    fine = fine[:, 1:] + 0.6 * fine[:, :-1]
    fine = fine[:, :, 1:] + 0.3 * fine[:, :, :-1]
    images = (120 + coarse + fine).clip(0, 255).astype(np.uint8)
    pixels = (images / 255 - (0.4914, 0.4822, 0.4465)) / (0.2470, 0.2435, 0.2616)
    # In the order channel, row, column.
    parts = [pixels[:, y : y + 31, x : x + 31, c] for c in range(3) for y in (0, 1) for x in (0, 1)]
    patches = np.stack(parts, axis=-1).reshape(-1, 12)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    assert np.diff(values).min() > 0.02 * values.min(), "eigenvectors of equal values are any"
    filters = (vectors / np.sqrt(values + 5e-4)).T.reshape(12, 3, 2, 2)
    return {"whiten/images": torch.from_numpy(images),
            "whiten/filters": torch.from_numpy(np.concatenate([filters, -filters])).contiguous()}


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    with (GOLDEN / "start.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("spec input distribution value std empirical_std".split())
        writer.writerows(rows())
    kernels = {spec: init.dirac_(module.weight, groups).contiguous() for spec, module, groups in DIRAC}
    save_file(kernels | whiten(), GOLDEN / "start.safetensors")


if __name__ == "__main__":
    main()
