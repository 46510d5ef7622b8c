"""The rows of family.py: networks of the residual family, their specs under experiments/models, and
what papers and libraries print of their sizes."""

from decimal import Decimal
from typing import NamedTuple

import torchvision

import networks as N
import patches as P
import variants as V

CIFAR, IMAGENET = (3, 32, 32), (3, 224, 224)
HE = "He et al. 2016, table 6"
WRN = "Zagoruyko and Komodakis 2016, table 4"


class Row(NamedTuple):
    name: str
    make: object
    spec: str
    set: str = ""
    input: tuple = CIFAR
    published: str = ""  # parameters, millions, as printed
    source: str = ""
    difference: str = ""
    golden: str = "eval"  # "train": loss and gradient too; "count": neither
    keys: bool = False  # whether the state dict's keys are written
    gmacs: float = 0  # published, where they are
    fill: str = "formula"


def he(depth, published, **more):
    make = lambda: N.cifar_resnet(depth, "A")
    where = "cifar_resnet_a", f"params.depth={depth}", CIFAR
    return Row(f"resnet{depth}_a", make, *where, published, HE, **more)


def other(depth, way, spec, **more):
    make = lambda: N.cifar_resnet(depth, way)
    suffix = "b" if way else "plain"
    return Row(f"resnet{depth}_{suffix}", make, spec, f"params.depth={depth}", **more)


def wrn(depth, widen, published, **more):
    set = f"params.depth={depth} params.widen={widen}"
    make = lambda: N.wrn(depth, widen)
    return Row(f"wrn{depth}_{widen}", make, "wrn", set, published=published, source=WRN, **more)


def twin(name, golden, spec="", set="", input=IMAGENET, fill="formula"):
    """torchvision's own network, with the exact count of its weights' metadata."""
    make = getattr(torchvision.models, name)
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    published = str(Decimal(meta["num_params"]) / 10**6)
    more = {"golden": golden, "keys": golden != "count", "gmacs": meta["_ops"]}
    return Row(name, make, spec or name, set, input, published, "torchvision", fill=fill, **more)


def efficientnet(name, width, depth, dropout, side):
    params = f"params.width={width} params.depth={depth} params.dropout={dropout}"
    where = f"{params} input=(3,{side},{side})", (3, side, side)
    return twin(f"efficientnet_{name}", "count", "efficientnet", *where)


def regnet(name, depth, w_0, w_a, w_m, group_width):
    params = {"depth": depth, "w_0": w_0, "w_a": w_a, "w_m": w_m, "group_width": group_width}
    set = " ".join(f"params.{key}={value}" for key, value in params.items())
    return twin(f"regnet_y_{name}", "count", "regnet_y", set)


def preact_bottleneck(depth, published, **more):
    make = lambda: N.preact_bottleneck(depth)
    set, source = f"params.depth={depth}", "Zagoruyko and Komodakis 2016, table 5"
    spec = "preact_bottleneck"
    return Row(f"preact_resnet{depth}", make, spec, set, published=published, source=source, **more)


def resnext29(groups, published, **more):
    make = lambda: N.cifar_resnext(groups, 64)
    name, set, source = f"resnext29_{groups}x64d", f"params.groups={groups}", "Xie et al. 2017, table 7"
    return Row(name, make, "resnext29", set, published=published, source=source, **more)


def se_resnet50(reduction, published, **more):
    make = lambda: V.se_resnet50(reduction)
    source = "Hu et al. 2020 (journal version), reduction ratios"
    where = "se_resnet50_imagenet", f"params.reduction={reduction}", IMAGENET
    return Row(f"se_resnet50_r{reduction}", make, *where, published, source, **more)


ROWS = [
    twin("wide_resnet50_2", "train"),
    twin("wide_resnet101_2", "count"),
    twin("resnext50_32x4d", "train"),
    twin("resnext101_32x8d", "count"),
    twin("resnext101_64x4d", "count"),
    twin("densenet121", "train"),
    he(20, "0.27", golden="train", keys=True),
    he(32, "0.46"),
    he(44, "0.66"),
    he(56, "0.85"),
    he(110, "1.7"),
    he(1202, "19.4", golden="count"),
    other(20, "B", "cifar_resnet", golden="train", keys=True),
    other(32, "B", "cifar_resnet", golden="count"),
    other(44, "B", "cifar_resnet", golden="count"),
    other(56, "B", "cifar_resnet"),
    other(110, "B", "cifar_resnet"),
    other(1202, "B", "cifar_resnet", golden="count"),
    other(20, None, "cifar_plain", golden="train", fill="lively"),
    other(56, None, "cifar_plain", fill="lively"),
    other(110, None, "cifar_plain", golden="count"),
    Row(
        "preact_resnet18", lambda: N.preact_resnet(N.PreactBasic, [2, 2, 2, 2]), "preact_resnet18",
        golden="train", keys=True,
    ),
    Row(
        "preact_resnet50", lambda: N.preact_resnet(N.PreactBottleneck, [3, 4, 6, 3]),
        "preact_resnet50",
    ),
    preact_bottleneck(164, "1.7", keys=True),
    preact_bottleneck(
        1001, "10.2", golden="count",
        difference="10.3 here; 10.2 without the parameters of BatchNorm",
    ),
    wrn(16, 8, "11.0", golden="train", keys=True),
    wrn(28, 10, "36.5", golden="count"),
    wrn(40, 4, "8.9"),
    resnext29(8, "34.4"),
    resnext29(
        16, "68.1", golden="count",
        difference="68.155 here, which the paper seems to have cut off",
    ),
    Row(
        "se_resnet18", lambda: V.cifar(V.ResNet(V.SeBasic, [2, 2, 2, 2])), "se_resnet18",
        golden="train", keys=True,
    ),
    Row("se_resnet50", lambda: V.cifar(V.se_resnet50()), "se_resnet50", golden="count"),
    se_resnet50(16, "28.1", keys=True),
    se_resnet50(8, "30.7", golden="count", difference="30.6 here; 30.7 with the running statistics"),
    se_resnet50(32, "26.9", golden="count", difference="26.8 here; 26.9 with the running statistics"),
    Row("resnet50d", V.resnet50d, "resnet50d", "", IMAGENET, "25.58", "timm, resnet50d", keys=True),
    Row(
        "densenet_bc_100_12", lambda: N.densenet_bc(100, 12), "densenet_bc", "", CIFAR, "0.8",
        "Huang et al. 2017, table 2", golden="train", keys=True,
    ),
    Row(
        "densenet_bc_250_24", lambda: N.densenet_bc(250, 24), "densenet_bc",
        "params.depth=250 params.growth=24", CIFAR, "15.3", "Huang et al. 2017, table 2",
        golden="count",
    ),
    Row(
        "pyramidnet110_270", lambda: N.PyramidNet(110, 270), "pyramidnet", "params.alpha=270",
        CIFAR, "28.3", "Han et al. 2017, table 4",
        "28.485 here, with widths rounded to the nearest as in the authors' PyTorch code",
        golden="count",
    ),
    Row(
        "convmixer256_8_k9_p1", lambda: P.ConvMixer(256, 8, 9, 1), "convmixer",
        "params.kernel=9 params.patch=1", golden="count",
    ),
    Row(
        "pyramidnet110_84", lambda: N.PyramidNet(110, 84), "pyramidnet", "", CIFAR, "3.8",
        "Han et al. 2017, table 4",
        "3.904 here, with widths rounded to the nearest as in the authors' PyTorch code",
        golden="train", keys=True,
    ),
    Row(
        "resnet18_group_norm", V.group_norm_resnet18, "resnet18_group_norm", golden="train",
        fill="lively",
    ),
    Row("resnet18_zero_init", V.zero_init_resnet18, "resnet18_zero_init", golden="count"),
    Row(
        "rezero_resnet18", lambda: V.cifar(V.ResNet(V.ReZeroBasic, [2, 2, 2, 2])),
        "rezero_resnet18", golden="train", keys=True,
    ),
    Row(
        "skipinit_wrn16_4", lambda: N.skipinit_wrn(16, 4), "skipinit_wrn", golden="train",
        keys=True,
    ),
    Row(
        "eca_resnet18", lambda: V.cifar(V.ResNet(V.EcaBasic, [2, 2, 2, 2])), "eca_resnet18",
        golden="train", keys=True,
    ),
    Row(
        "res2net50_26w_4s", V.res2net50, "res2net50", "", IMAGENET, "25.70",
        "timm, res2net50_26w_4s", golden="train", keys=True,
    ),
    Row("convmixer256_8", lambda: P.ConvMixer(256, 8, 5, 2), "convmixer", keys=True),
    Row(
        "convnext_cifar", lambda: P.ConvNeXt([2, 2, 4], [48, 96, 192], 0.1), "convnext", keys=True,
        fill="lively",
    ),
    Row(
        "stochastic_depth110", lambda: N.stochastic_depth_resnet(110, 0.5), "stochastic_depth", "",
        CIFAR, "1.7", "Huang et al. 2016, section 4",
    ),
    twin("mobilenet_v2", "eval", fill="mild"),
    twin("efficientnet_b0", "eval", "efficientnet", fill="mild"),
    efficientnet("b1", 1, 1.1, 0.2, 240),
    efficientnet("b2", 1.1, 1.2, 0.3, 288),
    efficientnet("b3", 1.2, 1.4, 0.3, 300),
    efficientnet("b4", 1.4, 1.8, 0.4, 380),
    twin("regnet_y_400mf", "eval", "regnet_y"),
    regnet("800mf", 14, 56, 38.84, 2.4, 16),
    regnet("1_6gf", 27, 48, 20.71, 2.65, 24),
    regnet("3_2gf", 21, 80, 42.63, 2.66, 24),
    regnet("8gf", 17, 192, 76.82, 2.19, 56),
    regnet("16gf", 18, 200, 106.23, 2.48, 112),
    regnet("32gf", 20, 232, 115.89, 2.53, 232),
    twin("shufflenet_v2_x1_0", "eval", "shufflenet_v2", fill="mild"),
    twin("shufflenet_v2_x0_5", "count", "shufflenet_v2", "params.width=48"),
    twin("shufflenet_v2_x1_5", "count", "shufflenet_v2", "params.width=176"),
    twin("shufflenet_v2_x2_0", "count", "shufflenet_v2", "params.width=244 params.last=2048"),
    Row(
        "sknet50", V.sknet50, "sknet50", "", IMAGENET, "27.5", "Li et al. 2019, table 2", keys=True,
    ),
]
