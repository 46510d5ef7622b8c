"""Golden files of the augmentations.

    python augment.py           # seconds, writes ../golden/augment.safetensors and augment.csv

augment.safetensors   `images` are 4 images [4, 32, 32, 3] of bytes: waves of colour, noise, low contrast,
    and one with channels of a single value. Every other name is a case, `name/number`, or `name` alone:
    the images after torchvision's function, on bytes as tensors, image by image.
        brightness, contrast, saturation, hue, sharpness, posterize, solarize, autocontrast, equalize
        shear_x, shear_y, translate_x, translate_y, rotate: as TrivialAugmentWide's `_apply_op`
    `mixed/...` is made with v2.MixUp and v2.CutMix on float images [6, 3, 32, 32] (`floats`) with labels
    0 to 5 of ten classes: `mixup/<lambda>`, `cutmix/<lambda>/<row>/<column>`, with `.labels` beside them.
    `loss/<smoothing>` is torch.nn.CrossEntropyLoss of `logits` [6, 10] on the labels of mixup/0.3.

augment.csv   what torchvision's random transforms draw, `name, n, mean, std`: means over n draws and the
    standard deviation of one draw.
        erased, erased_height      share of the image erased by RandomErasing(), 0 where nothing is; the
                                   height in pixels where it is
        erased_large, .._height    the same for scale (0.4, 0.9), ratio (0.2, 1), where attempts fail
        lambda_0.2, lambda_1       the share of the image itself in MixUp(alpha)
        pasted_1                   the share of the other image in CutMix(alpha=1), cut off at the edge
        jitter_brightness, ...     the factors of ColorJitter(0.4, 1.5, 0.2, 0.1)
        identity                   share of images that TrivialAugmentWide leaves as they are
        change                     mean absolute change of a byte by TrivialAugmentWide, over image 0
"""

import csv
import math

import torch
from safetensors.torch import save_file
from torchvision.transforms import ColorJitter, RandomErasing, TrivialAugmentWide, v2
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

from golden import GOLDEN

SIDE = 32


def images():
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    waves = [127.5 + 127.5 * torch.sin(0.31 * x * (c + 1) - 0.17 * y * (2 - c)) for c in range(3)]
    noise = torch.randint(0, 256, (3, SIDE, SIDE), generator=torch.Generator().manual_seed(1))
    low = 90 + (x * 3 + y * 5) % 40
    flat = torch.stack([x * 8, torch.full_like(x, 77), torch.full_like(x, 0)])
    rows = [torch.stack(waves), noise, torch.stack([low, low.T + 20, low]), flat]
    return torch.stack([row.to(torch.uint8) for row in rows])


def cases():
    for factor in (0.0, 0.35, 1.0, 1.7):
        yield f"brightness/{factor}", lambda i, f=factor: F.adjust_brightness(i, f)
        yield f"contrast/{factor}", lambda i, f=factor: F.adjust_contrast(i, f)
        yield f"saturation/{factor}", lambda i, f=factor: F.adjust_saturation(i, f)
        yield f"sharpness/{factor}", lambda i, f=factor: F.adjust_sharpness(i, f)
    for turn in (-0.5, -0.13, 0.0, 0.31):
        yield f"hue/{turn}", lambda i, f=turn: F.adjust_hue(i, f)
    for bits in (2, 5, 8):
        yield f"posterize/{bits}", lambda i, b=bits: F.posterize(i, b)
    for threshold in (0.0, 93.5, 255.0):
        yield f"solarize/{threshold}", lambda i, t=threshold: F.solarize(i, t)
    yield "autocontrast", F.autocontrast
    yield "equalize", F.equalize
    names = {
        "shear_x": ("ShearX", (-0.99, 0.297)),
        "shear_y": ("ShearY", (-0.297, 0.627)),
        "translate_x": ("TranslateX", (-7.0, 32.0)),
        "translate_y": ("TranslateY", (-12.0, 3.0)),
        "rotate": ("Rotate", (-135.0, 31.5, 90.0)),
    }
    for name, (op, amounts) in names.items():
        for amount in amounts:
            yield f"{name}/{amount}", lambda i, o=op, a=amount: _apply_op(
                i, o, a, F.InterpolationMode.NEAREST, None
            )


class Fixed:
    """In place of a Beta distribution."""

    def __init__(self, value):
        self.value = value

    def sample(self, _):
        return torch.tensor([self.value])


def mixed(floats):
    labels = torch.arange(len(floats))
    for value in (0.3, 0.85):
        mix = v2.MixUp(num_classes=10)
        mix._dist = Fixed(value)
        yield f"mixup/{value}", mix(floats, labels)
    for value, row, column in ((0.3, 5, 20), (0.6, 30, 1), (0.9, 16, 16)):
        mix = v2.CutMix(num_classes=10)
        mix._dist = Fixed(value)
        places = iter((column, row))
        original = torch.randint
        torch.randint = lambda *_, **__: torch.tensor([next(places)])
        yield f"cutmix/{value}/{row}/{column}", mix(floats, labels)
        torch.randint = original


def tensors():
    source = images()
    result = {"images": source}
    for name, change in cases():
        result[name] = torch.stack([change(image) for image in source])
    result = {name: t.permute(0, 2, 3, 1).contiguous() for name, t in result.items()}
    random = torch.Generator().manual_seed(2)
    floats = torch.rand(6, 3, SIDE, SIDE, generator=random)
    result["floats"] = floats
    for name, (inputs, labels) in mixed(floats):
        result[name], result[f"{name}.labels"] = inputs.contiguous(), labels.contiguous()
    logits = torch.randn(6, 10, generator=random)
    result["logits"] = logits
    for smoothing in (0.0, 0.1):
        loss = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
        result[f"loss/{smoothing}"] = loss(logits, result["mixup/0.3.labels"]).reshape(1)
    return result


def erasing(n, **fields):
    erase, shares, heights = RandomErasing(**fields), [], []
    image = torch.zeros(1, SIDE, SIDE)
    for _ in range(n):
        height, width = 0, 0
        if torch.rand(1) < erase.p:
            _, _, height, width, value = erase.get_params(image, erase.scale, erase.ratio, [1.0])
            if value is image:
                height, width = 0, 0
        shares.append(height * width / SIDE**2)
        if height:
            heights.append(height)
    return shares, heights


def mix_shares(transform, n):
    """The share that the target gives to the image's own label."""
    images, labels = torch.zeros(2, 1, SIDE, SIDE), torch.arange(2)
    return [transform(images, labels)[1][0, 0].item() for _ in range(n)]


def statistics():
    yield "erased", (plain := erasing(40_000))[0]
    yield "erased_height", plain[1]
    yield "erased_large", (large := erasing(40_000, scale=(0.4, 0.9), ratio=(0.2, 1.0)))[0]
    yield "erased_large_height", large[1]
    yield "lambda_0.2", mix_shares(v2.MixUp(alpha=0.2, num_classes=2), 10_000)
    yield "lambda_1", mix_shares(v2.MixUp(alpha=1.0, num_classes=2), 10_000)
    yield "pasted_1", [1 - s for s in mix_shares(v2.CutMix(alpha=1.0, num_classes=2), 10_000)]
    jitter = ColorJitter(0.4, 1.5, 0.2, 0.1)
    fields = (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
    draws = [ColorJitter.get_params(*fields)[1:] for _ in range(20_000)]
    for name, values in zip(("brightness", "contrast", "saturation", "hue"), zip(*draws)):
        yield f"jitter_{name}", values
    image, augment = images()[0], TrivialAugmentWide()
    changes = [(augment(image).int() - image.int()).abs().double().mean().item() for _ in range(6_000)]
    yield "identity", [float(change == 0) for change in changes]
    yield "change", changes


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    save_file(tensors(), GOLDEN / "augment.safetensors")
    with open(GOLDEN / "augment.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["name", "n", "mean", "std"])
        for name, values in statistics():
            mean = math.fsum(values) / len(values)
            variance = math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)
            rows.writerow([name, len(values), repr(mean), repr(math.sqrt(variance))])


if __name__ == "__main__":
    main()
