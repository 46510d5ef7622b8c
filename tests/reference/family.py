"""Golden files of the residual family: parameters, MACs, state-dict keys, logits, losses, gradients.

    python family.py            # one thread, writes ../golden

The networks are the rows of family_rows.py: torchvision's own and those of networks.py, patches.py
and variants.py. Weights, running statistics, images and labels follow formula.py; nothing is drawn
at random. ImageNet networks are counted for 3x224x224 (larger EfficientNets for larger images) and
run on 2x3x64x64, the others on 2x3x32x32.

Writes    family_params.csv   a row for each network: name; `spec` and `set`, the file under
            experiments/models and its parameters (`a=1 b=2`); input; params; macs of convolutions
            and linear layers for one image (a 1-d convolution over C channels counts kernel * C);
            the published number of parameters, its source, and how ours differs where it does.
            `fill`: the weights (see `fill` below).
            The script refuses a network that differs without saying so, and torchvision's networks
            that differ from the counts in torchvision's own weight metadata at all.
          family.safetensors  `<name>/logits` in eval mode; for some `<name>/loss` and
            `<name>/conv1_grad` in training mode (gradient of the loss in the first convolution)
          family_errors.csv   max |float32 - float64| / max |float64| of each
          family_init.csv     initial value of each normalisation's weight in resnet18_zero_init
          state_dict/<name>.csv   key and shape in order, without num_batches_tracked
"""

from decimal import ROUND_HALF_UP, Decimal

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import formula
import variants as V
from family_rows import CIFAR, ROWS
from golden import GOLDEN, dims, relative_error, write_csv

ERROR_LIMIT = 2e-5


def counts(row):
    """Parameters, and multiply-accumulates of convolutions and linear layers for one image."""
    model = row.make().to("meta").eval()
    macs = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv1d, nn.Linear)):
            add = lambda module, _, output: macs.append(module.weight.numel() * output[0, 0].numel())
            module.register_forward_hook(add)
    model(torch.empty(1, *row.input, device="meta"))
    return sum(p.numel() for p in model.parameters()), sum(macs)


def check_published(row, params, macs):
    """Refuses a count that is not the published one to its last digit, unless the row says why."""
    if row.gmacs and round(macs / 1e9, 3) != row.gmacs:
        raise SystemExit(f"{row.name}: {macs} MACs, {row.gmacs} * 10^9 published")
    if not row.published:
        return
    published = Decimal(row.published)
    ours = (Decimal(params) / 10**6).quantize(published, ROUND_HALF_UP)
    if (ours != published) != bool(row.difference):
        raise SystemExit(f"{row.name}: {ours} M parameters, {published} M published, {row.difference!r}")


# What `fill` multiplies scales of normalisations and biases with.
FILLS = {"formula": (1, 1), "mild": (1.25, 1 / 4), "lively": (2, 1 / 8)}


def fill(row):
    """The network with the formula's weights, but for other scales of normalisations (1-D weights)
    and biases where the row says so: without shortcuts, or with norms that keep no running
    statistics, the formula's biases would drown what comes from the image."""
    model, (scale, bias) = formula.fill(row.make()), FILLS[row.fill]
    for key, value in formula.state(model).items():
        if key.endswith("weight") and value.dim() == 1:
            value *= scale
        if key.endswith("bias"):
            value *= bias
    return model


def results(row, dtype):
    """The golden tensors in `dtype`, from the same float32 weights and images."""
    model = fill(row).to(dtype)
    side = 32 if row.input == CIFAR else 64
    images = formula.images((2, 3, side, side)).to(dtype)
    with torch.no_grad():
        found = {"logits": model.eval()(images)}
    if row.golden == "train":
        first = next(m for m in model.modules() if isinstance(m, nn.Conv2d))
        labels = formula.labels(len(images), found["logits"].shape[1])
        loss = F.cross_entropy(model.train()(images), labels)
        loss.backward()
        found |= {"loss": loss.detach(), "conv1_grad": first.weight.grad}
    return found


def golden(row):
    """The tensors of a network, and their rounding errors."""
    tensors, exact = results(row, torch.float32), results(row, torch.float64)
    errors = {key: relative_error(value, exact[key]) for key, value in tensors.items()}
    if max(errors.values()) > ERROR_LIMIT:
        raise SystemExit(f"{row.name}: float32 is off by {errors}, limit {ERROR_LIMIT}")
    return {f"{row.name}/{key}": value.contiguous() for key, value in tensors.items()}, errors


def initial_norms(model):
    """Key and value of the weight of each normalisation, which must be one number."""
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            (value,) = module.weight.unique().tolist()
            yield f"{name}.weight", int(value)


def main():
    torch.set_num_threads(1)
    params, errors, tensors = [], [], {}
    for row in ROWS:
        count, macs = counts(row)
        check_published(row, count, macs)
        where = row.name, row.spec, row.set, "x".join(map(str, row.input))
        params.append([*where, count, macs, row.published, row.source, row.difference, row.fill])
        print(*params[-1], flush=True)
        if row.keys:
            keys = [(key, dims(value)) for key, value in formula.state(row.make()).items()]
            write_csv(GOLDEN / "state_dict" / f"{row.name}.csv", ["key", "shape"], keys)
        if row.golden != "count":
            found, off = golden(row)
            tensors |= found
            errors += [[row.name, key, f"{error:.1e}"] for key, error in off.items()]
            print(*(f"    {key} {error:.1e}" for key, error in off.items()), flush=True)
    header = "name spec set input params macs published source difference fill".split()
    write_csv(GOLDEN / "family_params.csv", header, params)
    write_csv(GOLDEN / "family_errors.csv", ["name", "tensor", "float32_error"], errors)
    write_csv(GOLDEN / "family_init.csv", ["key", "value"], initial_norms(V.zero_init_resnet18()))
    save_file(tensors, GOLDEN / "family.safetensors")


if __name__ == "__main__":
    main()
