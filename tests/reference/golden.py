"""Golden files of the seven reference networks: shapes, counts, logits, loss and gradient.

    pip install -r requirements.txt
    python golden.py            # one thread, about a minute, writes ../golden

Made with torch 2.11.0 and torchvision 0.26.0 on CPU, float32, contiguous. Weights, images and labels
follow formula.py; nothing is drawn at random.

Networks  torchvision's resnet18, 34, 50, 101 and 152 (form `imagenet`: 1000 classes, input
          2x3x224x224), and resnet18 and resnet50 in form `cifar`: the first convolution 3x3, stride 1,
          padding 1, no bias; no max-pool; 10 classes; input 4x3x32x32.

Writes    <network>_<form>.safetensors, all float32:
            logits              eval mode, [images, classes]
            loss                training mode: mean cross-entropy, a scalar
            conv1_grad          its gradient with respect to conv1.weight
            bn1_running_mean    bn1's statistics after that one step in training mode
            bn1_running_var
          state_dict/<network>_<form>.csv   key and shape in order, without num_batches_tracked
          params.csv      parameters, and multiply-accumulates of convolutions and linear layers
                          for one image
          errors.csv      per tensor, max |float32 - float64| / max |float64|: how far rounding alone
                          moves a golden; this script refuses to write above 2e-5. Compare gradients with
                          1e-4 and logits with 1e-5: exchanging the elements of any one weight
                          moves the logits by 3e-3 or more up to resnet50, by 1e-4 in resnet152.
          formula.safetensors   test vectors of the formula: `<k>/<key>/<shape>` holds the first
                          five and the last five values of that tensor (float32), and
                          `1000001/labels/<count>/<classes>` all labels (int64)
"""

import csv
from pathlib import Path

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

import formula

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
DEPTHS = (18, 34, 50, 101, 152)
NETWORKS = [(f"resnet{d}", "imagenet") for d in DEPTHS] + [("resnet18", "cifar"), ("resnet50", "cifar")]
INPUT = {"imagenet": (2, 3, 224, 224), "cifar": (4, 3, 32, 32)}
CLASSES = {"imagenet": 1000, "cifar": 10}
ERROR_LIMIT = 2e-5


def build(network, form):
    """The network with the formula's weights and BatchNorm statistics."""
    model = getattr(torchvision.models, network)(num_classes=CLASSES[form])
    if form == "cifar":
        model.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        model.maxpool = nn.Identity()
    return formula.fill(model)


def results(network, form, dtype):
    """The golden tensors, computed in `dtype` from the same float32 weights and images."""
    model = build(network, form).to(dtype)
    images = formula.images(INPUT[form]).to(dtype)
    labels = formula.labels(len(images), CLASSES[form])
    with torch.no_grad():
        logits = model.eval()(images)
    loss = F.cross_entropy(model.train()(images), labels)
    loss.backward()
    return {
        "logits": logits,
        "loss": loss.detach(),
        "conv1_grad": model.conv1.weight.grad,
        "bn1_running_mean": model.bn1.running_mean,
        "bn1_running_var": model.bn1.running_var,
    }


def relative_error(value, exact):
    return ((value - exact).abs().max() / exact.abs().max()).item()


def count_macs(model, shape):
    """Multiply-accumulates of all convolutions and linear layers for one image."""
    macs = []

    def add(module, _, output):
        positions = output[0, 0].numel()  # 1 for a linear layer
        macs.append(module.weight.numel() * positions)

    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(add)
    model.eval().to("meta")(torch.empty(1, *shape[1:], device="meta"))
    return sum(macs)


def formula_vectors():
    """The ends of one tensor of each role, and every set of labels."""
    def ends(k, key, tensor):
        flat = tensor.flatten()
        return f"{k}/{key}/{dims(tensor)}", torch.cat([flat[:5], flat[-5:]])

    entries = list(enumerate(formula.state(build("resnet18", "imagenet")).items()))
    vectors = dict(ends(k, key, value) for k, (key, value) in entries[:7] + entries[-2:])
    for form, shape in INPUT.items():
        vectors.update([ends(formula.IMAGES, "images", formula.images(shape))])
        labels = formula.labels(shape[0], CLASSES[form])
        vectors[f"{formula.LABELS}/labels/{len(labels)}/{CLASSES[form]}"] = labels
    return vectors


def dims(tensor):
    return "x".join(map(str, tensor.shape))


def write_csv(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main():
    torch.set_num_threads(1)
    params, errors = [], []
    for network, form in NETWORKS:
        name = f"{network}_{form}"
        model = build(network, form)
        keys = [(key, dims(value)) for key, value in formula.state(model).items()]
        write_csv(GOLDEN / "state_dict" / f"{name}.csv", ["key", "shape"], keys)
        count = sum(p.numel() for p in model.parameters())
        params.append([network, form, count, count_macs(model, INPUT[form])])

        golden, exact = results(network, form, torch.float32), results(network, form, torch.float64)
        for key, value in golden.items():
            error = relative_error(value, exact[key])
            if error > ERROR_LIMIT:
                raise SystemExit(f"{name}: {key} is off by {error:.1e} in float32, limit {ERROR_LIMIT}")
            errors.append([network, form, key, f"{error:.1e}"])
        save_file(golden, GOLDEN / f"{name}.safetensors")
        print(*params[-1], *(f"{row[2]} {row[3]}" for row in errors[-5:]), flush=True)
    write_csv(GOLDEN / "params.csv", ["network", "form", "params", "macs"], params)
    write_csv(GOLDEN / "errors.csv", ["network", "form", "tensor", "float32_error"], errors)
    save_file(formula_vectors(), GOLDEN / "formula.safetensors")


if __name__ == "__main__":
    main()
