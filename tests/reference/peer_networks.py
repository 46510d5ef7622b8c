"""The networks that `cargo xtask bench` and `cargo xtask certify` compare, in plain PyTorch.

Needs torch alone. Attributes have the names that the specs under experiments/models have, so that
weights pass from one side to the other by name.
"""

from torch import nn
from torch.nn import functional as F


def conv(inputs, out, kernel, stride=1):
    return nn.Conv2d(inputs, out, kernel, stride, kernel // 2, bias=False)


class SqueezeExcite(nn.Module):
    """Hu et al. 2018, section 3."""

    def __init__(self, channels, reduction):
        super().__init__()
        self.fc1 = nn.Linear(channels, channels // reduction)
        self.fc2 = nn.Linear(channels // reduction, channels)

    def forward(self, x):
        gate = self.fc2(F.relu(self.fc1(x.mean((2, 3)))))
        return x * gate.sigmoid()[:, :, None, None]


class Basic(nn.Module):
    """Two 3x3 convolutions (He et al. 2016, figure 5 left); a projection where the shape changes.
    `way=False` leaves the way around them out, `reduction` puts a gate before the sum."""

    def __init__(self, channels, width, stride, way=True, reduction=None):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.se = SqueezeExcite(width, reduction) if reduction else None
        self.downsample = projection(channels, width, stride) if way else None
        self.way, self.out = way, width

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.se is not None:
            y = self.se(y)
        if self.way:
            y = y + (x if self.downsample is None else self.downsample(x))
        return F.relu(y)


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up (He et al. 2016, figure 5 right), the stride in the 3x3 convolution."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.out = 4 * width
        self.conv1, self.bn1 = conv(channels, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, self.out, 1), nn.BatchNorm2d(self.out)
        self.downsample = projection(channels, self.out, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Preact(nn.Module):
    """BatchNorm and ReLU before each convolution (He et al. 2016, "Identity Mappings", figure 4e);
    also the block of wide residual networks."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), conv(channels, width, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3)
        changes = stride != 1 or channels != width
        self.shortcut = nn.Sequential(conv(channels, width, 1, stride)) if changes else None
        self.out = width

    def forward(self, x):
        a = F.relu(self.bn1(x))
        way = x if self.shortcut is None else self.shortcut(a)
        return self.conv2(F.relu(self.bn2(self.conv1(a)))) + way


def projection(channels, out, stride):
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(conv(channels, out, 1, stride), nn.BatchNorm2d(out))


class ResNet(nn.Module):
    """A 3x3 stem, stages of blocks, a pooled linear head, for images of 32x32; initial weights as
    torchvision's ResNets have them."""

    def __init__(self, block, layers, stem, widths, preact=False, classes=10):
        super().__init__()
        self.conv1 = conv(3, stem, 3)
        self.bn1 = None if preact else nn.BatchNorm2d(stem)
        channels, self.stages = stem, []
        for stage, (number, width) in enumerate(zip(layers, widths)):
            blocks = []
            for layer in range(number):
                blocks.append(block(channels, width, 2 if layer == 0 and stage > 0 else 1))
                channels = blocks[-1].out
            self.stages.append(f"layer{stage + 1}")
            self.add_module(self.stages[-1], nn.Sequential(*blocks))
        self.bn = nn.BatchNorm2d(channels) if preact else None
        self.fc = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.conv1(x)
        if self.bn1 is not None:
            x = F.relu(self.bn1(x))
        for name in self.stages:
            x = getattr(self, name)(x)
        if self.bn is not None:
            x = F.relu(self.bn(x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def widths(width, stages=4):
    return [width << stage for stage in range(stages)]


def se_basic(reduction):
    return lambda *where: Basic(*where, reduction=reduction)


def plain_basic(*where):
    return Basic(*where, way=False)


# By the name that the commands know each by.
NETWORKS = {
    "resnet18": lambda: ResNet(Basic, [2, 2, 2, 2], 64, widths(64)),
    "resnet50": lambda: ResNet(Bottleneck, [3, 4, 6, 3], 64, widths(64)),
    "wrn16_8": lambda: ResNet(Preact, [2, 2, 2], 16, widths(128, 3), preact=True),
    "resnet20": lambda: ResNet(Basic, [3, 3, 3], 16, widths(16, 3)),
    # For trials of the bench itself.
    "resnet18_thin": lambda: ResNet(Basic, [2, 2, 2, 2], 8, widths(8)),
    # For certify.
    "plain20": lambda: ResNet(plain_basic, [3, 3, 3], 16, widths(16, 3)),
    "resnet18_w12": lambda: ResNet(Basic, [2, 2, 2, 2], 12, widths(12)),
    "preact18_w12": lambda: ResNet(Preact, [2, 2, 2, 2], 12, widths(12), preact=True),
    "se18_w12": lambda: ResNet(se_basic(4), [2, 2, 2, 2], 12, widths(12)),
}
