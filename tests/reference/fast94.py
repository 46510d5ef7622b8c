"""The plain PyTorch version of experiments/fast94.ron, to compare with.

    python fast94.py --data DIR --train 10000 --epochs 4 --seeds 0 1 --threads 2
    python fast94.py --golden   # seconds, writes ../golden/fast94.safetensors

`DIR` holds cifar-10-batches-bin. Prints a line an epoch: mean training loss, accuracy on the training
images as they were seen, test loss and accuracy; after the last epoch also the accuracy by six views.

It follows airbench94_muon.py of KellerJordan/cifar10-airbench (commit f1c599c) in float32 on the CPU:
that file says what is trained at which rate, this one says it again with other words and names, those of
models/airbench94.ron, so that state dicts go from one to the other. What differs: float32 for half
precision, and the iteration of Muon in float32 where `--precise` is given.

fast94.safetensors: GOLDEN_EPOCHS epochs of two steps of 10 images each, all in float32; step t takes images
10 * (t mod 2) to 10 * (t mod 2) + 9. Images, labels and weights are those of formula.py, but normalisations
start as always (1, 0, 0, 1), and the head is sqrt(3) * u. `losses` holds the mean loss of every step, `logits`
those of all images in evaluation afterwards, `<key>` the entries of SHOWN in the state dict afterwards, and
`first/<key>` after the first step.
"""

import argparse
import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH, SMOOTHING = 2000, 0.2
BIAS_LR, HEAD_LR, MUON_LR = 0.053, 0.67, 0.24
# The weight decay of a step, whatever the learning rate, for the summed loss of a batch.
DECAY = 2e-6 * BATCH
WHITEN_EPOCHS, GOLDEN_EPOCHS = 3, 4


def norm(channels):
    """BatchNorm with a fixed scale, whose statistics are six parts old and four parts new."""
    layer = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    layer.weight.requires_grad_(False)
    return layer


def conv(channels, out):
    """The first filters pass their own channel on; the others are as PyTorch draws them."""
    layer = nn.Conv2d(channels, out, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:channels])
    return layer


class Block(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.conv1, self.norm1 = conv(channels, width), norm(width)
        self.conv2, self.norm2 = conv(width, width), norm(width)

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Net(nn.Module):
    def __init__(self, widths=(64, 256, 256)):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad_(False)
        channels = 24
        for stage, width in enumerate(widths, 1):
            setattr(self, f"layer{stage}", nn.Sequential(Block(channels, width)))
            channels = width
        self.head = nn.Linear(channels, 10, bias=False)
        self.head.weight.data /= self.head.weight.data.std()

    def forward(self, x, bias_learns=True):
        bias = self.whiten.bias if bias_learns else self.whiten.bias.detach()
        x = F.gelu(F.conv2d(x, self.whiten.weight, bias))
        x = F.max_pool2d(self.layer3(self.layer2(self.layer1(x))), 3).flatten(1)
        return self.head(x) / x.size(1)


def whitening(images, side=2, eps=5e-4):
    """Filters that make patches of these images white, and their negatives."""
    patches = F.unfold(images, side).transpose(1, 2).reshape(-1, images.size(1) * side * side).double()
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + eps).sqrt()).T.float().reshape(-1, images.size(1), side, side)
    return torch.cat([filters, -filters])


def orthogonal(grad, precise, steps=3):
    """Newton-Schulz iteration towards the nearest matrix with orthonormal rows or columns."""
    x = grad if precise else grad.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.size(0) > x.size(1)
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Before a step, every kernel gets the norm sqrt(filters)."""

    def __init__(self, params, lr, momentum, precise):
        super().__init__(params, dict(lr=lr, momentum=momentum, precise=precise))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                sum_ = self.state[p].setdefault("sum", torch.zeros_like(p))
                sum_.mul_(group["momentum"]).add_(p.grad)
                update = p.grad + group["momentum"] * sum_
                p.mul_(math.sqrt(len(p)) / p.norm())
                update = orthogonal(update.reshape(len(p), -1), group["precise"])
                p.sub_(group["lr"] * update.reshape(p.shape))


class Optim:
    """The optimisers of the recipe for a run of so many steps."""

    def __init__(self, net, steps_per_epoch, epochs, precise=False):
        self.steps, self.short = epochs * steps_per_epoch, WHITEN_EPOCHS * steps_per_epoch
        kernels = [p for p in net.parameters() if p.dim() == 4 and p.requires_grad]
        shifts = [m.bias for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
        parts = [([net.whiten.bias], BIAS_LR), (shifts, BIAS_LR), ([net.head.weight], HEAD_LR)]
        groups = [dict(params=p, lr=lr, weight_decay=DECAY / lr) for p, lr in parts]
        self.all = [
            torch.optim.SGD(groups, momentum=0.85, nesterov=True),
            Muon(kernels, MUON_LR, momentum=0.6, precise=precise),
        ]
        self.groups = [group for optim in self.all for group in optim.param_groups]
        self.full = [group["lr"] for group in self.groups]
        self.done = 0

    def bias_learns(self):
        return self.done < self.short

    def step(self, net):
        for group, full in zip(self.groups, self.full):
            steps = self.short if group["params"][0] is net.whiten.bias else self.steps
            group["lr"] = full * (1 - self.done / steps)
        for optim in self.all:
            optim.step()
        net.zero_grad(set_to_none=True)
        self.done += 1


def train_step(net, optim, images, labels):
    """One step; the mean loss and the logits before it. The loss of a full batch is summed."""
    logits = net(images, optim.bias_learns())
    loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    (BATCH * loss).backward()
    optim.step(net)
    return loss.item(), logits.detach()


SHOWN = ["whiten.bias", "layer1.0.conv1.weight", "layer2.0.norm1.bias", "layer3.0.norm2.bias",
         "layer3.0.norm1.running_mean", "layer3.0.norm2.running_var", "head.weight"]


def golden():
    """The steps of fast94.safetensors."""
    import formula
    from golden import GOLDEN
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    net = Net().to(memory_format=torch.channels_last)
    with torch.no_grad():
        for k, (key, value) in enumerate(formula.state(net).items()):
            if "norm" not in key:
                value.copy_(formula.weight(k, key, tuple(value.shape)))
            if key == "head.weight":
                value.copy_(math.sqrt(3) * formula.uniform(k, tuple(value.shape)))
    optim = Optim(net, 2, GOLDEN_EPOCHS, precise=True)
    images, labels = formula.images((20, 3, 32, 32)), formula.labels(20, 10)
    images = images.to(memory_format=torch.channels_last)
    losses, out = [], {}
    for step in range(2 * GOLDEN_EPOCHS):
        batch = slice(10 * (step % 2), 10 * (step % 2) + 10)
        losses.append(train_step(net, optim, images[batch], labels[batch])[0])
        if step == 0:
            out |= {f"first/{key}": net.state_dict()[key].clone() for key in SHOWN}
    net.eval()
    with torch.no_grad():
        out |= {key: net.state_dict()[key] for key in SHOWN}
        out |= {"losses": torch.tensor(losses), "logits": net(images)}
    save_file({key: value.contiguous() for key, value in out.items()}, GOLDEN / "fast94.safetensors")


def read(folder, files, count):
    rows = np.concatenate([np.fromfile(f"{folder}/cifar-10-batches-bin/{f}", np.uint8).reshape(-1, 3073)
                           for f in files])[:count]
    images = torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 255
    shape = (1, 3, 1, 1)
    images = (images - torch.tensor(MEAN).view(shape)) / torch.tensor(STD).view(shape)
    return images, torch.from_numpy(rows[:, 0].astype(np.int64))


def epoch_of(images, flips, epoch, random):
    """Every image at a random place of its mirrored frame, on the side that is this epoch's turn."""
    flips = flips ^ (epoch % 2 == 1)
    images = torch.where(flips.view(-1, 1, 1, 1), images.flip(-1), images)
    padded = F.pad(images, (2, 2, 2, 2), "reflect")
    rows, columns = torch.randint(0, 5, (2, len(images), 1), generator=random)
    rows, columns = rows + torch.arange(32), columns + torch.arange(32)
    at = torch.arange(len(images)).view(-1, 1, 1)
    return padded.permute(0, 2, 3, 1)[at, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@torch.no_grad()
def evaluate(net, images, labels, views=False):
    net.eval()
    loss = right = 0
    for x, y in zip(images.split(500), labels.split(500)):
        logits = net(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        if views:
            padded = F.pad(x, (1, 1, 1, 1), "reflect")
            moved = [padded[:, :, :32, :32], padded[:, :, 2:, 2:]]
            both = [(net(v) + net(v.flip(-1))) / 2 for v in [x, *moved]]
            logits = both[0] / 2 + (both[1] + both[2]) / 4
        right += (logits.argmax(1) == y).sum().item()
    net.train()
    return loss / len(labels), 100 * right / len(labels)


def run(seed, args):
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    train, labels = read(args.data, [f"data_batch_{i}.bin" for i in range(1, 6)], args.train)
    test = [part.to(args.device) for part in read(args.data, ["test_batch.bin"], args.test)]
    net = Net().to(memory_format=torch.channels_last)
    net.whiten.weight.data.copy_(whitening(train[:5000]))
    net.to(args.device)
    steps = len(train) // BATCH
    optim = Optim(net, steps, args.epochs, args.precise)
    flips = torch.rand(len(train), generator=random) < 0.5
    for epoch in range(args.epochs):
        started, losses, right = time.time(), [], 0
        images, order = epoch_of(train, flips, epoch, random), torch.randperm(len(train), generator=random)
        for batch in order[: steps * BATCH].split(BATCH):
            x = images[batch].contiguous(memory_format=torch.channels_last).to(args.device)
            y = labels[batch].to(args.device)
            loss, logits = train_step(net, optim, x, y)
            losses.append(loss)
            right += (logits.argmax(1) == y).sum().item()
        seconds = time.time() - started
        loss, top1 = evaluate(net, *test)
        print(f"seed {seed} epoch {epoch + 1} train_loss {np.mean(losses):.4f} "
              f"train_top1 {100 * right / steps / BATCH:.2f} test_loss {loss:.4f} top1 {top1:.2f} "
              f"seconds {seconds:.1f}", flush=True)
    print(f"seed {seed} top1_tta {evaluate(net, *test, views=True)[1]:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--golden", action="store_true", help="writes the golden file alone")
    parser.add_argument("--data")
    parser.add_argument("--train", type=int, default=50000)
    parser.add_argument("--test", type=int, default=10000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precise", action="store_true", help="Muon's iteration in float32")
    args = parser.parse_args()
    if args.golden:
        return golden()
    if args.data is None:
        parser.error("name the folder of cifar-10-batches-bin by --data")
    torch.set_num_threads(args.threads)
    for seed in args.seeds:
        run(seed, args)


if __name__ == "__main__":
    main()
