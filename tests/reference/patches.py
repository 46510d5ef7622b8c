"""PyTorch modules of networks that read patches: ConvMixer and a small ConvNeXt."""

from itertools import count

from torch import nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from networks import Scale, conv


class ConvMixerBlock(nn.Module):
    def __init__(self, width, kernel):
        super().__init__()
        self.dwconv = conv(width, width, kernel, groups=width, bias=True)
        self.bn1 = nn.BatchNorm2d(width)
        self.pwconv, self.bn2 = conv(width, width, 1, bias=True), nn.BatchNorm2d(width)

    def forward(self, x):
        x = x + self.bn1(F.gelu(self.dwconv(x)))
        return self.bn2(F.gelu(self.pwconv(x)))


class ConvMixer(nn.Module):
    """Trockman and Kolter 2022, "Patches Are All You Need?", section 2."""

    def __init__(self, width, depth, kernel, patch):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(*(ConvMixerBlock(width, kernel) for _ in range(depth)))
        self.fc = nn.Linear(width, 10)

    def forward(self, x):
        x = self.layer1(self.bn1(F.gelu(self.conv1(x))))
        return self.fc(x.mean((2, 3)))


class LayerNorm(nn.LayerNorm):
    """Over the channels of each pixel."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """torchvision's CNBlock with 1x1 convolutions for its linear layers; before the first block of a
    stage `down` halves the image."""

    def __init__(self, channels, width, stride, drop):
        super().__init__()
        if stride != 1:
            down = nn.Conv2d(channels, width, stride, stride)
            self.down = nn.ModuleDict({"norm": LayerNorm(channels, eps=1e-6), "conv": down})
        self.dwconv = conv(width, width, 7, groups=width, bias=True)
        self.norm = LayerNorm(width, eps=1e-6)
        self.pwconv1 = conv(width, 4 * width, 1, bias=True)
        self.pwconv2 = conv(4 * width, width, 1, bias=True)
        self.scale, self.drop = Scale(width, 1e-6), StochasticDepth(drop, "row")

    def forward(self, x):
        if hasattr(self, "down"):
            x = self.down["conv"](self.down["norm"](x))
        y = self.pwconv2(F.gelu(self.pwconv1(self.norm(self.dwconv(x)))))
        return x + self.drop(self.scale(y))


class ConvNeXt(nn.Module):
    """Liu et al. 2022, "A ConvNet for the 2020s", made small for 32x32 images: 2x2 patches, three
    stages; drop path grows linearly from 0 in the first block to `drop` in the last."""

    def __init__(self, layers, widths, drop):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, widths[0], 2, 2), LayerNorm(widths[0], eps=1e-6)
        channels, number, last = widths[0], count(), sum(layers) - 1
        for stage, (blocks, width) in enumerate(zip(layers, widths)):
            made = []
            for layer in range(blocks):
                stride = 2 if layer == 0 and stage > 0 else 1
                made.append(ConvNeXtBlock(channels, width, stride, drop * next(number) / last))
                channels = width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*made))
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = self.norm1(self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.norm(x.mean((2, 3))))
