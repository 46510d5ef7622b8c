"""Golden files of the operations of the spec language.

    python operations.py        # seconds, writes ../golden/operations.safetensors and operations.csv

operations.csv   One row a case. `op` is the operation as a spec writes it, `inputs` the shapes it reads
    without the batch (`4x5x6` or `4`, several apart by `;`), `mode` says whether PyTorch's module was in
    `train` or `eval`, `weights` are its parameters and buffers as `name:dims` apart by `;`, and `output` is
    the shape of PyTorch's result, empty where PyTorch refuses.

operations.safetensors   For each case that PyTorch takes, by its number: the result, then the gradient
    of each input, then that of each trained weight, flat and one after another. With u of formula.py and
    a batch of 2,
        input  i:  2 * u(4000000 + 100 * case + i, .)
        weight j:  u(4000050 + 100 * case + j, .), a running_var 0.5 + 0.25 * u
        loss:      the sum of result * u(4000099 + 100 * case, .)

Everything is PyTorch's or torchvision's own module; what they lack is written here in plain tensor
arithmetic (BlurPool as in antialiased_cnns, with its own filter table).
"""

import csv
import itertools
import math
import warnings

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import StochasticDepth

import formula
from golden import GOLDEN

FIRST = 4_000_000
MAPS = [(4, 5, 6), (1, 1, 1), (6, 7, 3), (8, 1, 9)]
VECTORS = [(5,), (1,), (12,)]


def pair(value):
    """As a spec writes it."""
    return f"({value[0]}, {value[1]})" if isinstance(value, tuple) else str(value).lower()


def ron(name, **fields):
    return f"{name}({', '.join(f'{k}: {pair(v)}' for k, v in fields.items() if v is not None)})"


class BlurPool(nn.Module):
    ROWS = {
        2: [1, 1],
        3: [1, 2, 1],
        4: [1, 3, 3, 1],
        5: [1, 4, 6, 4, 1],
        6: [1, 5, 10, 10, 5, 1],
        7: [1, 6, 15, 20, 15, 6, 1],
    }

    def __init__(self, kernel, stride):
        super().__init__()
        row = torch.tensor(self.ROWS[kernel], dtype=torch.float32)
        self.filter = row[:, None] * row[None, :] / row.sum() ** 2
        self.stride = stride
        before, after = int((kernel - 1) / 2), math.ceil((kernel - 1) / 2)
        self.pad = nn.ReflectionPad2d([before, after, before, after])

    def forward(self, x):
        channels = x.shape[1]
        filters = self.filter.repeat(channels, 1, 1, 1)
        return F.conv2d(self.pad(x), filters, stride=self.stride, groups=channels)


class ChannelConv(nn.Conv1d):
    def __init__(self, kernel):
        super().__init__(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x):
        return super().forward(x[:, None])[:, 0]


class Scale(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count))

    def forward(self, x):
        return x * (self.weight[:, None, None] if x.dim() == 4 else self.weight)


def as_maps(x, dims):
    return x[:, :, None, None] if x.dim() == 2 and dims == 4 else x


def mul(*inputs):
    dims = max(x.dim() for x in inputs)
    return math.prod(as_maps(x, dims) for x in inputs)


def pad_channels(x, out, both):
    added = out - x.shape[1]
    if added < 0:
        raise ValueError("fewer channels")
    before = added // 2 if both else 0
    zeros = lambda count: torch.zeros(len(x), count, *x.shape[2:])
    return torch.cat([zeros(before), x, zeros(added - before)], 1)


def option_a(x, planes):
    """The shortcut of akamaster/pytorch_resnet_cifar10, but for its stride."""
    return F.pad(x, (0, 0, 0, 0, planes // 4, planes // 4), "constant", 0)


def activations():
    modules = [
        ("Relu()", nn.ReLU()), ("Relu6()", nn.ReLU6()), ("Silu()", nn.SiLU()), ("Mish()", nn.Mish()),
        ("Hardswish()", nn.Hardswish()), ("Hardsigmoid()", nn.Hardsigmoid()), ("Sigmoid()", nn.Sigmoid()),
        ("Tanh()", nn.Tanh()), ("Gelu()", nn.GELU()), ("Gelu(approximate: Exact)", nn.GELU()),
        ("Gelu(approximate: Tanh)", nn.GELU(approximate="tanh")), ("LeakyRelu()", nn.LeakyReLU()),
        ("LeakyRelu(slope: 0.01)", nn.LeakyReLU(0.01)), ("LeakyRelu(slope: 0.2)", nn.LeakyReLU(0.2)),
        ("LeakyRelu(slope: 0)", nn.LeakyReLU(0.0)), ("LeakyRelu(slope: -0.5)", nn.LeakyReLU(-0.5)),
        ("LeakyRelu(slope: 1.5)", nn.LeakyReLU(1.5)), ("Softmax()", nn.Softmax(dim=1)),
    ]  # fmt: skip
    for (text, module), shape in itertools.product(modules, [*MAPS, *VECTORS]):
        yield text, lambda module=module: module, [shape]
    for shape in [*MAPS, *VECTORS]:
        yield "Prelu()", nn.PReLU, [shape]
        yield "Prelu(per: Channel, init: 0.1)", lambda c=shape[0]: nn.PReLU(c), [shape]
        yield "Scale(init: 0)", lambda: Scale(1), [shape]
        yield "Scale(per: Channel, init: 0.000001)", lambda c=shape[0]: Scale(c), [shape]


class BranchSoftmax(nn.Module):
    """Attention over branches, as in SKNet: [n, branches, channels, ...] along the branches."""

    def __init__(self, branches):
        super().__init__()
        self.branches = branches

    def forward(self, x):
        if x.shape[1] % self.branches:
            raise ValueError("branches that do not divide the channels")
        return torch.cat([*torch.stack(x.chunk(self.branches, 1)).softmax(0)], 1)


def branches():
    for shape in [*MAPS, *VECTORS]:
        for count in (1, 2, 3, shape[0]):
            yield f"Softmax(branches: {count})", lambda count=count: BranchSoftmax(count), [shape]
        yield "Affine(scale: -1, shift: 1)", lambda: (lambda x: 1 - x), [shape]
        yield "Affine(scale: 0.1)", lambda: (lambda x: x * 0.1), [shape]


def norms():
    for shape in [*MAPS, *VECTORS]:
        if len(shape) == 3:
            yield "LayerNorm(eps: 0.000001)", lambda c=shape[0]: LayerNorm2d(c, eps=1e-6), [shape]
            yield "LayerNorm()", lambda c=shape[0]: LayerNorm2d(c, eps=1e-5), [shape]
            other = "eps: 0.001, momentum: 0.3, init: 0"
            for text, fields in [("", {}), (other, dict(eps=1e-3, momentum=0.3))]:
                make = lambda c=shape[0], fields=fields: nn.BatchNorm2d(c, **fields)
                yield f"BatchNorm2d({text})", make, [shape]
                yield f"BatchNorm2d({text})", make, [shape], "train"
        else:
            yield "LayerNorm()", lambda c=shape[0]: nn.LayerNorm(c), [shape]
        for groups, eps in [(1, None), (2, 0.001), (3, None), (4, 0.5), (shape[0], None)]:
            fields = dict(eps=eps) if eps else {}
            make = lambda g=groups, c=shape[0], fields=fields: nn.GroupNorm(g, c, **fields)
            yield ron("GroupNorm", groups=groups, eps=eps), make, [shape]


CONVOLUTIONS = [
    # input, out, kernel, stride, padding, dilation, groups, bias
    ((3, 7, 6), 4, 3, None, None, None, None, None),
    ((3, 7, 6), 4, 3, 2, 0, None, None, True),
    ((4, 6, 6), 6, 3, 1, 1, 1, 2, True), ((4, 6, 6), 4, 3, None, None, None, 4, None),
    ((3, 9, 8), 2, (1, 7), None, (0, 3), None, None, None),
    ((3, 9, 8), 2, (7, 1), None, None, None, None, True),
    ((3, 9, 8), 2, (3, 5), (2, 1), None, None, None, None), ((2, 9, 9), 3, 3, None, None, 2, None, None),
    ((2, 9, 9), 3, (3, 2), (1, 3), (2, 1), (2, 3), None, True), ((2, 9, 5), 3, 5, 3, 2, None, None, None),
    ((1, 1, 1), 2, 1, None, None, None, None, None), ((1, 1, 1), 2, 3, None, None, None, None, True),
    ((2, 4, 4), 2, 5, None, 0, None, None, None), ((2, 4, 4), 2, (1, 5), None, 0, None, None, None),
    ((2, 4, 4), 2, 3, None, 0, 2, None, None), ((3, 4, 4), 4, 3, None, None, None, 2, None),
    ((4, 4, 4), 3, 3, None, None, None, 2, None), ((6, 2, 3), 6, 2, 2, 1, None, 3, None),
    ((2, 5, 5), 2, 1, 7, 0, None, None, None), ((2, 6, 6), 2, 4, None, 2, None, None, None),
]  # fmt: skip


def convolutions():
    for shape, out, kernel, stride, padding, dilation, groups, bias in CONVOLUTIONS:
        fields = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, bias=bias)
        text = ron("Conv2d", out=out, kernel=kernel, **fields)
        halves = lambda k, d: (d or 1) * (k - 1) // 2
        if padding is None and isinstance(kernel, tuple):
            padding = tuple(halves(k, 1) for k in kernel)
        elif padding is None:
            padding = halves(kernel, dilation)
        arguments = (shape[0], out, kernel, stride or 1, padding, dilation or 1, groups or 1, bool(bias))
        yield text, lambda a=arguments: nn.Conv2d(*a), [shape]
    for kernel, channels in itertools.product([1, 3, 5, 9], [1, 2, 4, 7]):
        yield ron("ChannelConv", kernel=kernel), lambda k=kernel: ChannelConv(k), [(channels,)]
    for out, bias, features in itertools.product([1, 3], [None, False, True], [1, 4]):
        make = lambda a=(features, out, bias is not False): nn.Linear(*a)
        yield ron("Linear", out=out, bias=bias), make, [(features,)]


def pools():
    sides = [(5, 6), (7, 3), (4, 4), (1, 1), (2, 9)]
    settings = [
        # kernel, stride, padding, ceil_mode
        (2, None, None, None), (2, None, None, True), (3, 2, 1, None), (3, 2, 1, True), (3, 2, None, True),
        (2, 3, 1, True), (3, 1, 1, None), ((2, 1), None, None, True), ((1, 3), (2, 2), (0, 1), True),
        (2, 1, 1, True), (5, 2, 2, True), (3, 4, None, True), (3, 1, 2, None), (1, 3, None, True),
    ]  # fmt: skip
    for (kernel, stride, padding, ceil), side in itertools.product(settings, sides):
        shape = (2, *side)
        fields = dict(kernel=kernel, stride=stride, padding=padding)
        arguments = (kernel, stride, padding or 0)
        if kernel != 1:
            text = ron("MaxPool2d", **fields, ceil_mode=ceil)
            yield text, lambda a=arguments, c=bool(ceil): nn.MaxPool2d(*a, ceil_mode=c), [shape]
        for count in [None, False] if padding else [None]:
            text = ron("AvgPool2d", **fields, ceil_mode=ceil, count_include_pad=count)
            make = lambda a=arguments, c=bool(ceil), n=count is not False: nn.AvgPool2d(*a, c, n)
            yield text, make, [shape]
    for dilation, ceil, side in itertools.product([2, (1, 3)], [None, True], [(5, 6), (7, 7), (3, 8)]):
        text = ron("MaxPool2d", kernel=3, stride=2, padding=1, dilation=dilation, ceil_mode=ceil)
        yield text, lambda d=dilation, c=bool(ceil): nn.MaxPool2d(3, 2, 1, d, ceil_mode=c), [(2, *side)]
    for out, side in itertools.product([1, 3, (2, 4), (5, 1)], sides):
        yield ron("AdaptiveAvgPool2d", out=out), lambda o=out: nn.AdaptiveAvgPool2d(o), [(2, *side)]
        yield ron("AdaptiveMaxPool2d", out=out), lambda o=out: nn.AdaptiveMaxPool2d(o), [(2, *side)]
    for shape in MAPS:
        flat = lambda pool: nn.Sequential(pool(1), nn.Flatten())
        yield "GlobalAvgPool()", lambda flat=flat: flat(nn.AdaptiveAvgPool2d), [shape]
        yield "GlobalMaxPool()", lambda flat=flat: flat(nn.AdaptiveMaxPool2d), [shape]
    for kernel, stride, side in itertools.product(range(2, 8), [1, 2, 3], [(5, 6), (4, 9), (2, 3)]):
        text = ron("BlurPool", kernel=kernel, stride=stride)
        yield text, lambda k=kernel, s=stride: BlurPool(k, s), [(2, *side)]


def joins():
    tensor = lambda function: lambda: function
    c, h, w = 3, 4, 5
    for shapes in [
        [(c, h, w), (c, h, w)], [(c, h, w), (c, 1, 1)], [(c, 1, 1), (c, h, w)], [(c, h, w), (1, h, w)],
        [(c, h, w), (c,)], [(c,), (c, h, w)], [(c, h, w), (1,)], [(c,), (c,)], [(c,), (1,)],
        [(1, h, w), (c, 1, 1)],
        [(1, h, w), (c,)], [(c, h, w), (c,), (1, h, w)], [(c,), (c,), (1, h, w)], [(c, 1, w), (c, h, 1)],
        [(c, h, w), (2,)], [(c, h, w), (c, 2, 2)], [(c,), (2,)], [(c, h, w), (2, h, w)], [(1, 1, 1), (c,)],
    ]:  # fmt: skip
        yield "Mul()", tensor(mul), shapes
    for shapes in [
        [(c, h, w), (1, h, w)], [(c, h, w), (c, h, w), (2, h, w)], [(c,), (2,)], [(1,), (1,), (4,)],
        [(c, h, w), (c, h, 4)], [(c, h, w), (c,)], [(c, 1, 1), (c,)], [(1, 1, 1), (2, 1, 1)],
    ]:  # fmt: skip
        yield "Concat()", tensor(lambda *inputs: torch.cat(inputs, 1)), shapes
    for shapes in [[(c, h, w)] * 2, [(c, h, w)] * 3, [(c,)] * 2, [(1, 1, 1)] * 2]:
        yield "Add()", tensor(lambda *inputs: torch.stack(inputs).sum(0)), shapes


def channels():
    tensor = lambda function: lambda: function
    for out, shape in itertools.product([4, 5, 7, 8], [(4, 3, 2), (3, 1, 1), (5, 2, 4)]):
        end = tensor(lambda x, out=out: pad_channels(x, out, False))
        both = tensor(lambda x, out=out: pad_channels(x, out, True))
        yield ron("ChannelPad", out=out), end, [shape]
        yield ron("ChannelPad", out=out, place="End").replace("end", "End"), end, [shape]
        yield ron("ChannelPad", out=out, place="Both").replace("both", "Both"), both, [shape]
    yield "ChannelPad(out: 8, place: Both)", tensor(lambda x: option_a(x, 8)), [(4, 3, 2)]
    for stride, side in itertools.product([1, 2, 3, 9], [(5, 6), (1, 1), (7, 4)]):
        yield ron("Subsample", stride=stride), tensor(lambda x, s=stride: x[:, :, ::s, ::s]), [(2, *side)]
    for start, end, shape in itertools.product([None, 0, 2], [None, 3, 4], [(4, 2, 3), (5,), (4, 1, 1)]):
        yield ron("Slice", start=start, end=end), tensor(lambda x, a=start, b=end: x[:, a:b]), [shape]
    for groups, shape in itertools.product([1, 2, 3, 4, 6, 12], [(12, 3, 2), (6, 1, 1)]):
        yield ron("ChannelShuffle", groups=groups), lambda g=groups: nn.ChannelShuffle(g), [shape]
    for shape in [*MAPS, (2, 3, 4), (3, 3, 3)]:
        yield "Flatten()", nn.Flatten, [shape]
    modes, sides = [None, "Nearest", "Bilinear"], [(3, 4), (1, 1), (5, 2)]
    for scale, mode, side in itertools.product([1, 2, 3], modes, sides):
        kind = mode or "Nearest"
        corners = None if kind == "Nearest" else False
        make = lambda s=scale, m=kind.lower(), a=corners: nn.Upsample(scale_factor=s, mode=m, align_corners=a)
        mode = f", mode: {mode}" if mode else ""
        yield f"Upsample(scale: {scale}{mode})", make, [(2, *side)]
    for p, shape in itertools.product([0, 0.3, 1], [(3, 2, 2), (4,)]):
        yield ron("Dropout", p=p), lambda p=p: nn.Dropout(p), [shape]
        yield ron("DropPath", p=p), lambda p=p: StochasticDepth(p, "row"), [shape]
    for shape in [(3, 2, 2), (4,)]:
        yield "Dropout(p: 0)", lambda: nn.Dropout(0), [shape], "train"
        yield "Dropout(p: 1)", lambda: nn.Dropout(1), [shape], "train"
        yield "DropPath(p: 0)", lambda: StochasticDepth(0, "row"), [shape], "train"
        yield "DropPath(p: 1)", lambda: StochasticDepth(1, "row"), [shape], "train"


def run(case, make, shapes, mode):
    """Weights with their names, shape of the result, and all numbers; raises where PyTorch refuses."""
    k = FIRST + 100 * case
    module = make()
    weights = {}
    if isinstance(module, nn.Module):
        module.train(mode == "train")
        weights = formula.state(module)
        for j, (name, value) in enumerate(weights.items()):
            u = formula.uniform(k + 50 + j, tuple(value.shape))
            value.copy_(0.5 + 0.25 * u if name.endswith("running_var") else u)
    inputs = [(2 * formula.uniform(k + i, (2, *shape))).requires_grad_() for i, shape in enumerate(shapes)]
    trained = list(module.parameters()) if isinstance(module, nn.Module) else []
    result = module(*inputs)
    if 0 in result.shape:
        raise ValueError("an empty result")
    (result * formula.uniform(k + 99, tuple(result.shape))).sum().backward()
    parts = [result.detach()] + [x.grad for x in inputs + trained]
    return weights, tuple(result.shape[1:]), torch.cat([part.flatten() for part in parts])


def dims(shape):
    return "x".join(map(str, shape))


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows, tensors = [], {}
    kinds = [activations, norms, convolutions, pools, joins, channels, branches]
    for case, (op, make, shapes, *mode) in enumerate(itertools.chain(*(kind() for kind in kinds))):
        mode = mode[0] if mode else "eval"
        try:
            weights, output, tensors[str(case)] = run(case, make, shapes, mode)
            weights = ";".join(f"{name}:{dims(value.shape)}" for name, value in weights.items())
        except (RuntimeError, ValueError, IndexError):
            weights, output = "", ()
        rows.append([case, op, ";".join(map(dims, shapes)), mode, weights, dims(output)])
    save_file(tensors, GOLDEN / "operations.safetensors")
    with (GOLDEN / "operations.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "op", "inputs", "mode", "weights", "output"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
