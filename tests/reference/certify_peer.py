"""PyTorch's side of `cargo xtask certify`: the recipes of experiments/certify in plain PyTorch.

    python certify_peer.py --recipe resnet20_sgd --data DIR --seeds 0 1 2

Needs torch alone. DIR is cifar-10-batches-bin. Each recipe is written out below with torch's own
optimisers and schedulers; the spec of its name says the same, and nothing is passed between the two.

Data     the first 5,000 training images in file order, the first 2,000 test images.
Input    augmentations as the recipe has them, drawn per image; then (x/255 - mean) / std.
         crop: 4 black pixels a side, one of 81 windows; flip with probability 1/2; cutout: a square of
         8 pixels around a random pixel, cut off at the edges, mean colour.
Order    a new permutation every epoch; batches of 64, the last and smaller one kept.
Loss     mean cross-entropy; `train_loss` is the mean over the images of the last epoch as they were
         seen, with label smoothing where the recipe has it; `test_loss` is without.
Result   a line of JSON a seed: seed, top1 (%) and test_loss after the last epoch, train_loss.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim.lr_scheduler import LambdaLR, MultiStepLR, OneCycleLR, PolynomialLR, StepLR

from peer_networks import NETWORKS

TRAIN, TEST, BATCH = 5000, 2000, 64
STEPS = math.ceil(TRAIN / BATCH)
MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)


def read_cifar(files, count):
    """The first images as float [n, 3, 32, 32] of 0 to 255, and their labels."""
    data = bytearray(b"".join(file.read_bytes() for file in files))
    records = torch.frombuffer(data, dtype=torch.uint8).view(-1, 3073)[:count]
    if len(records) < count:
        raise SystemExit(f"{files[0].parent} holds {len(records)} records, fewer than {count}")
    return records[:, 1:].reshape(-1, 3, 32, 32).float(), records[:, 0].long()


def crop(images):
    padded = F.pad(images, (4, 4, 4, 4))
    offsets = torch.randint(9, (len(images), 2)).tolist()
    return torch.stack([x[:, top : top + 32, left : left + 32] for x, (top, left) in zip(padded, offsets)])


def flip(images):
    chosen = (torch.rand(len(images)) < 0.5).view(-1, 1, 1, 1)
    return torch.where(chosen, images.flip(3), images)


def cutout(images):
    images = images.clone()
    for image, (y, x) in zip(images, torch.randint(32, (len(images), 2)).tolist()):
        image[:, max(y - 4, 0) : y + 4, max(x - 4, 0) : x + 4] = 255 * MEAN[0]
    return images


def normalise(images):
    return ((images / 255 - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def spared(model, decay):
    """Weight decay on matrices and kernels, none on biases and normalisations."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def warm_cosine(step, warmup, total):
    """One epoch up, the rest down; a share of the full rate."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


class Recipe:
    """A recipe, and its defaults. `every` says how often the scheduler is stepped."""

    epochs, smoothing, augment, every, clip = 5, 0.0, [], "step", None


class resnet20_sgd(Recipe):
    network, epochs, augment, every = "resnet20_w8", 4, [crop, flip], "epoch"

    def optimizer(self, model):
        return SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def scheduler(self, optimizer):
        return MultiStepLR(optimizer, milestones=[2, 3], gamma=0.1)


class se18_adamw(Recipe):
    network, augment = "se18_w8", [flip, cutout]

    def optimizer(self, model):
        return AdamW(spared(model, 0.05), lr=0.003)

    def scheduler(self, optimizer):
        return LambdaLR(optimizer, lambda step: warm_cosine(step, STEPS, STEPS * self.epochs))


class plain20_adam(Recipe):
    network, epochs, every = "plain20_w8", 4, "epoch"

    def optimizer(self, model):
        return Adam(model.parameters(), lr=0.001, weight_decay=1e-4)

    def scheduler(self, optimizer):
        return StepLR(optimizer, step_size=2, gamma=0.2)


class resnet18_onecycle(Recipe):
    network, smoothing, augment = "resnet18_w8", 0.1, [crop, flip]

    def optimizer(self, model):
        return SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def scheduler(self, optimizer):
        return OneCycleLR(optimizer, max_lr=0.1, total_steps=STEPS * self.epochs, cycle_momentum=False)


class preact18_rmsprop(Recipe):
    network, augment, clip = "preact18_w8", [flip], 1.0

    def optimizer(self, model):
        return RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-5, momentum=0.9, weight_decay=1e-4)

    def scheduler(self, optimizer):
        return PolynomialLR(optimizer, total_iters=STEPS * self.epochs, power=1.0)


RECIPES = {recipe.__name__: recipe for recipe in Recipe.__subclasses__()}


def train_epoch(recipe, model, optimizer, scheduler, images, labels):
    """The mean loss over the images as they were seen."""
    model.train()
    total = 0.0
    for index in torch.randperm(len(images)).split(BATCH):
        batch = images[index]
        for change in recipe.augment:
            batch = change(batch)
        loss = F.cross_entropy(model(normalise(batch)), labels[index], label_smoothing=recipe.smoothing)
        optimizer.zero_grad()
        loss.backward()
        if recipe.clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        total += loss.item() * len(index)
        if recipe.every == "step":
            scheduler.step()
    if recipe.every == "epoch":
        scheduler.step()
    return total / len(images)


@torch.inference_mode()
def evaluate(model, images, labels):
    model.eval()
    logits = torch.cat([model(normalise(batch)) for batch in images.split(250)])
    return F.cross_entropy(logits, labels).item(), 100 * (logits.argmax(1) == labels).float().mean().item()


def run(recipe, seed, train, test):
    torch.manual_seed(seed)
    model = NETWORKS[recipe.network]().to(memory_format=torch.channels_last)
    optimizer = recipe.optimizer(model)
    scheduler = recipe.scheduler(optimizer)
    for _ in range(recipe.epochs):
        train_loss = train_epoch(recipe, model, optimizer, scheduler, *train)
    test_loss, top1 = evaluate(model, *test)
    return {"seed": seed, "top1": top1, "test_loss": test_loss, "train_loss": train_loss}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=RECIPES, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--threads", type=int, help="PyTorch's own choice by default")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    train = read_cifar([args.data / f"data_batch_{i}.bin" for i in range(1, 6)], TRAIN)
    test = read_cifar([args.data / "test_batch.bin"], TEST)
    for seed in args.seeds:
        print(json.dumps(run(RECIPES[args.recipe](), seed, train, test)), flush=True)


if __name__ == "__main__":
    main()
