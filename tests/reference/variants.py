"""Variants of torchvision's ResNet: gates, other norms, other stems, other blocks."""

import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import ResNet, resnet18, resnet50

from networks import Scale, conv


def cifar(model):
    """The 32x32 form: 3x3 stem with stride 1, no max-pool, 10 classes."""
    model.conv1, model.maxpool = conv(3, 64, 3), nn.Identity()
    model.fc = nn.Linear(model.fc.in_features, 10)
    return model


class Basic(nn.Module):
    """torchvision's BasicBlock with a place for a gate before the sum."""

    expansion = 1

    def __init__(self, channels, width, stride=1, downsample=None, *_, **__):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.add_gate(width)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.gate(y) + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """torchvision's Bottleneck with a place for a gate before the sum."""

    expansion = 4

    def __init__(self, channels, width, stride=1, downsample=None, *_, **__):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.add_gate(4 * width)
        self.downsample = downsample

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = self.gate(self.bn3(self.conv3(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class SqueezeExcitation(nn.Module):
    """Hu et al. 2018, "Squeeze-and-Excitation Networks", section 3."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.fc1 = nn.Linear(channels, channels // reduction)
        self.fc2 = nn.Linear(channels // reduction, channels)

    def forward(self, x):
        gate = torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class EfficientAttention(nn.Module):
    """Wang et al. 2020, "ECA-Net", section 3.2: a 1-d convolution over the pooled channels, whose
    kernel is the odd number at or above the whole part of (log2(channels) + 1) / 2."""

    def __init__(self, channels):
        super().__init__()
        whole = int((math.log2(channels) + 1) / 2)
        kernel = whole if whole % 2 else whole + 1
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x):
        gate = torch.sigmoid(self.conv(x.mean((2, 3))[:, None]))
        return x * gate[:, 0, :, None, None]


class Squeezes:
    reduction = 16

    def add_gate(self, channels):
        self.se = SqueezeExcitation(channels, self.reduction)

    def gate(self, y):
        return self.se(y)


class SeBasic(Squeezes, Basic):
    pass


class SeBottleneck(Squeezes, Bottleneck):
    pass


def se_resnet50(reduction=16):
    class Block(SeBottleneck):
        pass

    Block.reduction = reduction
    return ResNet(Block, [3, 4, 6, 3])


class EcaBasic(Basic):
    def add_gate(self, channels):
        self.eca = EfficientAttention(channels)

    def gate(self, y):
        return self.eca(y)


class ReZeroBasic(Basic):
    """Bachlechner et al. 2021, "ReZero is All You Need", equation 2: a scalar of 0 on the branch."""

    def add_gate(self, _):
        self.scale = Scale(1, 0)

    def gate(self, y):
        return self.scale(y)


def group_norm_resnet18():
    """Wu and He 2018, "Group Normalization": 32 groups."""
    return cifar(resnet18(norm_layer=lambda channels: nn.GroupNorm(32, channels)))


def resnet50d():
    """He et al. 2019, "Bag of Tricks for Image Classification", figure 2: three 3x3 convolutions as
    stem, and an average pool before the shortcut's 1x1 convolution. Keys as timm's resnet50d."""
    net = resnet50()
    relu = nn.ReLU
    parts = conv(3, 32, 3, 2), nn.BatchNorm2d(32), relu(), conv(32, 32, 3), nn.BatchNorm2d(32), relu()
    net.conv1 = nn.Sequential(*parts, conv(32, 64, 3))
    for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
        old = layer[0].downsample[0]
        pool = nn.AvgPool2d(2, 2) if old.stride[0] == 2 else nn.Identity()
        way = conv(old.in_channels, old.out_channels, 1), nn.BatchNorm2d(old.out_channels)
        layer[0].downsample = nn.Sequential(pool, *way)
    return net


class Res2Block(nn.Module):
    """Gao et al. 2019, "Res2Net", figure 2b, with 4 splits of 26 / 64 of the width. The first block
    of a stage does not add the splits and pools the last one. Keys as timm's res2net50_26w_4s."""

    expansion = 4

    def __init__(self, channels, width, stride=1, downsample=None, *_, **__):
        super().__init__()
        self.split = math.floor(width * 26 / 64)
        inner, self.first = 4 * self.split, downsample is not None
        self.conv1, self.bn1 = conv(channels, inner, 1), nn.BatchNorm2d(inner)
        convs = [conv(self.split, self.split, 3, stride) for _ in range(3)]
        self.convs = nn.ModuleList(convs)
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.split) for _ in range(3))
        self.pool = nn.AvgPool2d(3, stride, 1) if self.first else nn.Identity()
        self.conv3, self.bn3 = conv(inner, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x):
        splits = torch.split(F.relu(self.bn1(self.conv1(x))), self.split, 1)
        parts = []
        for i, (convolution, norm) in enumerate(zip(self.convs, self.bns)):
            read = splits[i] if i == 0 or self.first else parts[-1] + splits[i]
            parts.append(F.relu(norm(convolution(read))))
        y = self.bn3(self.conv3(torch.cat([*parts, self.pool(splits[3])], 1)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def res2net50():
    return ResNet(Res2Block, [3, 4, 6, 3])


def conv_norm(convolution):
    return nn.Sequential(OrderedDict(conv=convolution, bn=nn.BatchNorm2d(convolution.out_channels)))


class SelectiveKernel(nn.Module):
    """Li et al. 2019, "Selective Kernel Networks", section 3.1: a 3x3 convolution and a dilated one,
    weighed against each other in each channel by what they see together."""

    def __init__(self, channels, stride, groups=32, reduction=16, least=32):
        super().__init__()
        inner = max(channels // reduction, least)
        where = {"stride": stride, "groups": groups, "bias": False}
        path = lambda d: conv_norm(nn.Conv2d(channels, channels, 3, dilation=d, padding=d, **where))
        self.paths = nn.ModuleList([path(1), path(2)])
        self.attn = nn.ModuleDict()
        self.attn["fc_reduce"], self.attn["bn"] = conv(channels, inner, 1), nn.BatchNorm2d(inner)
        self.attn["fc_select"] = conv(inner, 2 * channels, 1)

    def forward(self, x):
        first, second = (F.relu(path(x)) for path in self.paths)
        z = self.attn["fc_reduce"]((first + second).mean((2, 3), keepdim=True))
        a, b = self.attn["fc_select"](F.relu(self.attn["bn"](z))).chunk(2, 1)
        a, b = torch.softmax(torch.stack([a, b]), 0)
        return a * first + b * second


class SkBottleneck(nn.Module):
    """The SK unit, section 3.2 there: 32 groups of 4 channels at width 64. Keys as timm's
    skresnext50_32x4d."""

    expansion = 4

    def __init__(self, channels, width, stride=1, downsample=None, *_, **__):
        super().__init__()
        self.conv1 = conv_norm(conv(channels, 2 * width, 1))
        self.conv2 = SelectiveKernel(2 * width, stride)
        self.conv3 = conv_norm(conv(2 * width, 4 * width, 1))
        self.downsample = downsample

    def forward(self, x):
        y = self.conv3(self.conv2(F.relu(self.conv1(x))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def sknet50():
    return ResNet(SkBottleneck, [3, 4, 6, 3])


def zero_init_resnet18():
    """Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1: the last BatchNorm of each
    block starts from 0 (torchvision's `zero_init_residual`)."""
    return cifar(resnet18(zero_init_residual=True))
