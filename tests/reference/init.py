"""Golden facts of the initialisation: which distribution each weight of a ResNet-18 starts from.

    python init.py              # seconds, writes ../golden/init.csv

Made with torch 2.11.0 and torchvision 0.26.0 on a resnet18 of 1000 classes, two schemes:

torchvision   as `torchvision.models.resnet18()` leaves it: convolutions kaiming normal, fan-out, ReLU;
              BatchNorm 1 and 0; fc PyTorch's default, which torchvision does not touch
pytorch       every module's own `reset_parameters()`: convolutions and linear layers kaiming uniform
              with a = sqrt(5), which is uniform within 1 / sqrt(fan_in), and so are their biases (no
              convolution of a ResNet has one; the row `conv_bias` is that of Conv2d(64, 64, 3))

Columns   scheme, key, shape
          distribution    normal (mean 0), uniform (about 0), constant
          value           the normal's standard deviation, the uniform's bound, the constant: analytic
          std             the distribution's standard deviation: analytic
          empirical_mean, empirical_std    of the tensor with seed 0, the std with n - 1

A test draws its own numbers, so it compares with the analytic columns: with n elements, the mean lies
within 5 * std / sqrt(n), the standard deviation within 5 * std / sqrt(2 * n) of theirs, and no uniform
element is outside its bound. The empirical columns show that PyTorch itself keeps to that.
"""

import csv
import math

import torch
import torchvision
from torch import nn

from golden import GOLDEN, dims

HEADER = "scheme key shape distribution value std empirical_mean empirical_std".split()


def kaiming_normal(weight):
    _, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
    std = nn.init.calculate_gain("relu") / math.sqrt(fan_out)
    return "normal", std, std


def default_uniform(weight):
    """PyTorch's default of convolutions and linear layers, and of their biases given the weight."""
    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(weight)
    std = nn.init.calculate_gain("leaky_relu", math.sqrt(5)) / math.sqrt(fan_in)
    return "uniform", math.sqrt(3) * std, std


def constant(value):
    return "constant", float(value), 0.0


def facts(model, conv):
    """Yields (key, tensor, analytic fact) for every parameter; `conv` is the rule of convolutions."""
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            yield f"{name}.weight", module.weight, constant(1)
            yield f"{name}.bias", module.bias, constant(0)
            yield f"{name}.running_mean", module.running_mean, constant(0)
            yield f"{name}.running_var", module.running_var, constant(1)
        elif isinstance(module, nn.Conv2d):
            yield f"{name}.weight", module.weight, conv(module.weight)
        elif isinstance(module, nn.Linear):
            yield f"{name}.weight", module.weight, default_uniform(module.weight)
            yield f"{name}.bias", module.bias, default_uniform(module.weight)


def rows(scheme, entries):
    for key, tensor, (distribution, value, std) in entries:
        mean, spread = tensor.mean().item(), tensor.std().item()
        check(key, tensor, distribution, value, std)
        analytic, empirical = (f"{value:.9g}", f"{std:.9g}"), (f"{mean:.6g}", f"{spread:.6g}")
        yield [scheme, key, dims(tensor), distribution, *analytic, *empirical]


def check(key, tensor, distribution, value, std):
    """The test that the docstring proposes, on PyTorch's own numbers."""
    n, centre = tensor.numel(), value if distribution == "constant" else 0.0
    assert abs(tensor.mean().item() - centre) <= 5 * std / math.sqrt(n), key
    assert abs(tensor.std().item() - std) <= 5 * std / math.sqrt(2 * n), key
    assert distribution != "uniform" or tensor.abs().max().item() <= value * (1 + 1e-6), key


@torch.no_grad()
def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torchvision_model = torchvision.models.resnet18()
    pytorch_model = torchvision.models.resnet18()
    torch.manual_seed(0)
    for module in pytorch_model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    conv = nn.Conv2d(64, 64, 3)
    bias = ("conv_bias", conv.bias, default_uniform(conv.weight))
    with (GOLDEN / "init.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows("torchvision", facts(torchvision_model, kaiming_normal)))
        writer.writerows(rows("pytorch", [*facts(pytorch_model, default_uniform), bias]))


if __name__ == "__main__":
    main()
