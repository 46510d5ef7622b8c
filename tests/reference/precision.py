"""Golden files of training in 16 bits.

    python precision.py         # seconds, writes ../golden/precision.safetensors

Made with torch 2.11.0 on the CPU, one thread, channels_last. Weights, images and labels follow
formula.py.

Networks    train.py's ThinResNet of widths 8 to 64, two blocks a stage (`resnet18.ron` with width 8), on 16
    images of 32x32. Precisions:
        bf16, fp16    torch.autocast("cpu", dtype) around the network; the logits go to float32 before
                      the loss, which autocast does by itself on a GPU. fp16 has torch.amp.GradScaler's
                      defaults.
        pure_bf16     the network in bfloat16 with BatchNorm in float32, its gradients copied to float32
                      weights, which the optimiser changes and which are copied back
        fp32          neither
    `<precision>/logits` are those in evaluation mode; `<precision>/loss/<t>` those of five steps of SGD
    (lr 0.02, momentum 0.9, Nesterov, weight decay 5e-4) in training mode on the same batch, and
    `<precision>/<key>` some weights and statistics after them; `fp16/scale` the scale then.

GradScaler  Ten steps of optimisers of optim.py, with its parameters, gradients and rates. In steps 0, 1
    and 5 the gradient of p2 has an infinity, in step 6 that of p1 a NaN. `scaler/<case>/<t>/p<p>` is
    parameter p after step t. `scaler/scale/<t>` is the scale after step t of a growth interval of 3 with
    the faults of FAULTS.
"""

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

import formula
from golden import GOLDEN
from optim import CASES, GRADIENTS, SHAPES, START, STEPS
from train import ThinResNet

KEYS = ("conv1.weight", "layer3.0.downsample.0.weight", "bn1.bias", "bn1.running_mean", "fc.weight")
SCALED = ("sgd_nesterov_weight_decay", "adam_weight_decay", "adamw", "rmsprop_centered_momentum",
          "lion_weight_decay", "muon", "sgd_clipped")
FAULTS = (1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1)


def network():
    model = ThinResNet([8, 16, 32, 64], [2, 2, 2, 2])
    with torch.no_grad():
        formula.fill(model)
    return model.to(memory_format=torch.channels_last)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)


def batch():
    images = formula.images((16, 3, 32, 32)).contiguous(memory_format=torch.channels_last)
    return images, formula.labels(16, 10)


def autocast(dtype):
    """Yields names and values of training in autocast; of plain training without a dtype."""
    model, (images, labels) = network(), batch()
    region = torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None)
    optimizer = sgd(model)
    scaler = torch.amp.GradScaler("cpu", enabled=dtype == torch.float16)
    with region, torch.no_grad():
        yield "logits", model.eval()(images).float()
    model.train()
    for t in range(5):
        with region:
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        yield f"loss/{t}", loss.detach()
    yield from ((key, model.state_dict()[key]) for key in KEYS)
    if scaler.is_enabled():
        yield "scale", torch.tensor(scaler.get_scale())


def pure(dtype):
    """The same with weights in 16 bits and their masters in float32."""
    masters, model, (images, labels) = network(), network(), batch()
    for module in model.modules():
        if not isinstance(module, torch.nn.BatchNorm2d):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)
    optimizer = sgd(masters)
    with torch.no_grad():
        yield "logits", model.eval()(images.to(dtype)).float()
    model.train()
    for t in range(5):
        loss = F.cross_entropy(model(images.to(dtype)).float(), labels)
        model.zero_grad()
        loss.backward()
        for master, parameter in zip(masters.parameters(), model.parameters()):
            master.grad = parameter.grad.float()
        optimizer.step()
        with torch.no_grad():
            for master, parameter in zip(masters.parameters(), model.parameters()):
                parameter.copy_(master)
        yield f"loss/{t}", loss.detach()
    trained = {**model.state_dict(), **dict(masters.named_parameters())}
    yield from ((key, trained[key]) for key in KEYS)


def scaled(make):
    """Yields (t, p, value) of every parameter after every step of a scaled optimiser."""
    params = [formula.uniform(START + p, shape).requires_grad_() for p, shape in enumerate(SHAPES)]
    optimizer, scaler = make(params), torch.amp.GradScaler("cpu")
    # What the scaler looks at are the parameters themselves, which Muon has as matrices.
    carrier = torch.optim.SGD(params, lr=0.1, foreach=False)
    carrier.step = optimizer.step
    full = [group["lr"] for group in optimizer.param_groups]
    for t in range(STEPS):
        for group, lr in zip(optimizer.param_groups, full):
            group["lr"] = lr * (1 - t / 20)
        scale = scaler.scale(torch.ones(()))
        for p, param in enumerate(params):
            param.grad = formula.uniform(GRADIENTS + 10 * t + p, param.shape) * scale
        if t in (0, 1, 5):
            params[2].grad[3, 1, 0, 1] = float("inf")
        if t == 6:
            params[1].grad[2] = float("nan")
        scaler.unscale_(carrier)
        scaler.step(carrier)
        scaler.update()
        yield from ((t, p, param.detach().clone()) for p, param in enumerate(params))


def scales():
    scale, good = torch.tensor(65536.0), torch.tensor(0, dtype=torch.int32)
    for t, fault in enumerate(FAULTS):
        torch._amp_update_scale_(scale, good, torch.tensor(float(fault)), 2.0, 0.5, 3)
        yield t, scale.clone()


def main():
    torch.set_num_threads(1)
    runs = {
        "fp32": autocast(None),
        "bf16": autocast(torch.bfloat16),
        "fp16": autocast(torch.float16),
        "pure_bf16": pure(torch.bfloat16),
    }
    tensors = {f"{run}/{name}": value for run, values in runs.items() for name, value in values}
    tensors |= {
        f"scaler/{case}/{t}/p{p}": value
        for case in SCALED
        for t, p, value in scaled(CASES[case])
    }
    tensors |= {f"scaler/scale/{t}": value for t, value in scales()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, GOLDEN / "precision.safetensors")


if __name__ == "__main__":
    main()
