"""PyTorch modules of the residual family, small and readable.

Names of attributes give the state-dict keys, and the specs under experiments/models use the same.
Where a module has a public twin (torchvision, timm), the keys are the twin's. `family.py` counts
and runs these.
"""

from itertools import count

import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth


def conv(inputs, out, kernel, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, out, kernel, stride, kernel // 2, groups=groups, bias=bias)


class ResNet(nn.Module):
    """3x3 stem, stages of blocks, pooled linear head, for 32x32 images.

    `widths` has one number for each stage, or one list for each stage with a number for each block.
    `block(channels, width, stride)` makes a module with `out` channels.
    """

    def __init__(self, block, layers, stem, widths, preact=False, stem_norm=True, classes=10):
        super().__init__()
        self.conv1 = conv(3, stem, 3, bias=not (stem_norm or preact))
        self.bn1 = nn.BatchNorm2d(stem) if stem_norm else None
        self.preact = preact
        channels = stem
        self.stages = len(layers)
        for stage, (number, width) in enumerate(zip(layers, widths)):
            blocks = []
            for layer in range(number):
                stride = 2 if layer == 0 and stage > 0 else 1
                own = width[layer] if isinstance(width, list) else width
                blocks.append(block(channels, own, stride))
                channels = blocks[-1].out
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn = nn.BatchNorm2d(channels) if preact == "norm" else None
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.conv1(x)
        if self.bn1 is not None:
            x = self.bn1(x)
        x = x if self.preact else F.relu(x)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        if self.bn is not None:
            x = self.bn(x)
        x = F.relu(x) if self.preact else x
        return self.fc(x.mean((2, 3)))


# He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2: 6n + 2 layers.


class Way(nn.Module):
    """Option A: every second pixel, and zeros before and after the channels; no parameters."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.stride, self.zeros = stride, (width - channels) // 2

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.zeros, self.zeros))


class CifarBlock(nn.Module):
    """Two 3x3 convolutions; `way` is "A", "B" (1x1 convolution and BatchNorm) or None (plain)."""

    def __init__(self, channels, width, stride, way, drop=0.0):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.drop = StochasticDepth(drop, "row")
        self.way, self.out = way, width
        changes = stride != 1 or channels != width
        if way == "A" and changes:
            self.downsample = Way(channels, width, stride)
        if way == "B" and changes:
            self.downsample = nn.Sequential(conv(channels, width, 1, stride), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.drop(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        if self.way:
            y = y + (self.downsample(x) if hasattr(self, "downsample") else x)
        return F.relu(y)


def cifar_resnet(depth, way):
    block = lambda *where: CifarBlock(*where, way)
    return ResNet(block, [(depth - 2) // 6] * 3, 16, [16, 32, 64])


def stochastic_depth_resnet(depth, last):
    """Huang et al. 2016, "Deep Networks with Stochastic Depth", equation 4: block l of L is dropped
    with probability l / L * (1 - p_L); evaluation keeps each block as it is, since training scales
    the kept ones by 1 / p (torchvision.ops.StochasticDepth)."""
    total, number = (depth - 2) // 2, count(1)
    block = lambda *where: CifarBlock(*where, "A", next(number) / total * (1 - last))
    return ResNet(block, [total // 3] * 3, 16, [16, 32, 64])


# He et al. 2016, "Identity Mappings in Deep Residual Networks": BN and ReLU before each convolution.
# Where the shape changes, the 1x1 shortcut reads relu(bn1(x)), elsewhere the sum takes x itself.


class PreactBasic(nn.Module):
    """Also the block of Zagoruyko and Komodakis 2016, "Wide Residual Networks", with dropout."""

    def __init__(self, channels, width, stride, dropout=0.0):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        self.dropout, self.out = nn.Dropout(dropout), width
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(conv(channels, width, 1, stride))

    def forward(self, x):
        a = F.relu(self.bn1(x))
        way = self.shortcut(a) if hasattr(self, "shortcut") else x
        return self.conv2(self.dropout(F.relu(self.bn2(self.conv1(a))))) + way


class PreactBottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.out = 4 * width
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(width), conv(width, self.out, 1)
        if stride != 1 or channels != self.out:
            self.shortcut = nn.Sequential(conv(channels, self.out, 1, stride))

    def forward(self, x):
        a = F.relu(self.bn1(x))
        way = self.shortcut(a) if hasattr(self, "shortcut") else x
        y = self.conv2(F.relu(self.bn2(self.conv1(a))))
        return self.conv3(F.relu(self.bn3(y))) + way


def preact(block, layers, stem, widths):
    return ResNet(block, layers, stem, widths, preact="norm", stem_norm=False)


def preact_resnet(block, layers):
    return preact(block, layers, 64, [64, 128, 256, 512])


def preact_bottleneck(depth):
    return preact(PreactBottleneck, [(depth - 2) // 9] * 3, 16, [16, 32, 64])


def wrn(depth, widen, dropout=0.0):
    block = lambda *where: PreactBasic(*where, dropout)
    return preact(block, [(depth - 4) // 6] * 3, 16, [16 * widen, 32 * widen, 64 * widen])


class Scale(nn.Module):
    """A learned factor: one number, or one for each channel."""

    def __init__(self, numbers, value):
        super().__init__()
        self.weight = nn.Parameter(torch.full((numbers,), float(value)))

    def forward(self, x):
        return x * self.weight.view(1, -1, 1, 1)


class SkipInitBasic(nn.Module):
    """De and Smith 2020, "Batch Normalization Biases Residual Blocks Towards the Identity Function":
    no normalisation, biases, and a scalar of 0 at the end of each branch."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = conv(channels, width, 3, stride, bias=True)
        self.conv2 = conv(width, width, 3, bias=True)
        self.scale, self.out = Scale(1, 0), width
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(conv(channels, width, 1, stride, bias=True))

    def forward(self, x):
        a = F.relu(x)
        way = self.shortcut(a) if hasattr(self, "shortcut") else x
        return self.scale(self.conv2(F.relu(self.conv1(a)))) + way


def skipinit_wrn(depth, widen):
    widths = [16 * widen, 32 * widen, 64 * widen]
    net = ResNet(SkipInitBasic, [(depth - 4) // 6] * 3, 16, widths, preact="bare", stem_norm=False)
    net.conv1 = conv(3, 16, 3, bias=True)
    return net


class ResNeXtBlock(nn.Module):
    """Xie et al. 2017, "Aggregated Residual Transformations", figure 3c; keys as torchvision's."""

    def __init__(self, channels, width, stride, groups, base_width):
        super().__init__()
        inner, self.out = width * base_width // 64 * groups, 4 * width
        self.conv1, self.bn1 = conv(channels, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, stride, groups), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = conv(inner, self.out, 1), nn.BatchNorm2d(self.out)
        if stride != 1 or channels != self.out:
            way = conv(channels, self.out, 1, stride), nn.BatchNorm2d(self.out)
            self.downsample = nn.Sequential(*way)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        way = self.downsample(x) if hasattr(self, "downsample") else x
        return F.relu(self.bn3(self.conv3(y)) + way)


def cifar_resnext(groups, base_width):
    block = lambda *where: ResNeXtBlock(*where, groups, base_width)
    return ResNet(block, [3, 3, 3], 64, [64, 128, 256])


class PyramidBlock(nn.Module):
    """Han et al. 2017, "Deep Pyramidal Residual Networks", figure 6d: no ReLU first, BN last; the
    shortcut averages 2x2 pixels and adds channels of zeros behind."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        self.bn3 = nn.BatchNorm2d(width)
        self.stride, self.zeros, self.out = stride, width - channels, width

    def forward(self, x):
        y = self.bn3(self.conv2(F.relu(self.bn2(self.conv1(self.bn1(x))))))
        way = F.avg_pool2d(x, 2, ceil_mode=True) if self.stride == 2 else x
        return y + F.pad(way, (0, 0, 0, 0, 0, self.zeros))


class PyramidNet(ResNet):
    def __init__(self, depth, alpha):
        n = (depth - 2) // 6
        widths = [round(16 + alpha * (block + 1) / (3 * n)) for block in range(3 * n)]
        stages = [widths[:n], widths[n : 2 * n], widths[2 * n :]]
        super().__init__(PyramidBlock, [n] * 3, 16, stages, preact="norm")


def densenet_bc(depth, growth):
    """Huang et al. 2017, "Densely Connected Convolutional Networks", table 2: torchvision's DenseNet
    with a 3x3 stem for 32x32 images."""
    layers = (depth - 4) // 6
    net = torchvision.models.DenseNet(growth, (layers,) * 3, 2 * growth, num_classes=10)
    net.features.conv0 = conv(3, 2 * growth, 3)
    del net.features.norm0, net.features.relu0, net.features.pool0
    return net
