"""A plain PyTorch training of a thin ResNet on CIFAR-10: what resweep is compared with.

    python train.py --data cifar-10-batches-bin --train 10000 --epochs 10 --seeds 0 1 2 --out result.csv

Data     the binary layout of CIFAR-10; the first --train training images in file order
         (data_batch_1..5), the first --test test images.
Network  torchvision's ResNet of BasicBlocks with a 3x3 stem of stride 1 and no max-pool; --widths and
         --layers per stage, stride 2 from the second stage on; torchvision's initialisation
         (convolutions kaiming normal, fan-out, ReLU; BatchNorm 1 and 0; PyTorch's default for fc).
Input    train: pad 4 black pixels a side, crop 32x32 at one of 81 offsets, flip with probability 1/2,
         drawn per image; then (x/255 - mean) / std. Test: the last step alone.
Order    a new permutation every epoch; batches of --batch, the last and smaller one kept.
Loss     mean cross-entropy; `train_loss` is the mean over the epoch's images as they were seen.
SGD      momentum 0.9, Nesterov, weight decay 5e-4 on every parameter.
Rate     set before every step. With w steps of warm-up (one epoch), `total` steps, step t from 0:
         lr * (t + 1) / w                                       for t <  w,
         lr * 0.5 * (1 + cos(pi * (t - w) / (total - w)))       for t >= w.
Result   one CSV row an epoch (seed, epoch, train_loss, test_loss, top1 in percent). The headline is
         the last epoch's top1 over the seeds, never the best epoch's.
"""

import argparse
import csv
import math
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, conv1x1, conv3x3

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
PAD, SIZE = 4, 32


class ThinResNet(nn.Module):
    """torchvision's ResNet with free widths, in its CIFAR form, under torchvision's key names."""

    def __init__(self, widths, layers, classes=10):
        super().__init__()
        self.conv1 = conv3x3(3, widths[0])
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.stages = [f"layer{i}" for i in range(1, len(widths) + 1)]
        inputs = widths[0]
        for stage, (name, width, count) in enumerate(zip(self.stages, widths, layers)):
            blocks = []
            for block in range(count):
                blocks.append(basic_block(inputs, width, stride=2 if stage > 0 and block == 0 else 1))
                inputs = width
            self.add_module(name, nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for name in self.stages:
            x = getattr(self, name)(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def basic_block(inputs, width, stride):
    downsample = None
    if stride != 1 or inputs != width:
        downsample = nn.Sequential(conv1x1(inputs, width, stride), nn.BatchNorm2d(width))
    return BasicBlock(inputs, width, stride, downsample)


def read_cifar(files, count):
    """Images as uint8 [n, 3, 32, 32] and labels as int64 [n]: the first `count` records of `files`."""
    records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 3073) for file in files])[:count]
    if len(records) < count:
        raise SystemExit(f"{files[0].parent} holds {len(records)} records, fewer than the {count} asked for")
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, SIZE, SIZE).copy())
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


def augment(images):
    """Crops every image from its zero-padded self at its own offset, and flips half of them."""
    n = len(images)
    padded = F.pad(images, (PAD, PAD, PAD, PAD))
    pixel = torch.arange(SIZE)
    rows = torch.randint(2 * PAD + 1, (n, 1)) + pixel
    flip = torch.rand(n, 1) < 0.5
    columns = torch.randint(2 * PAD + 1, (n, 1)) + torch.where(flip, SIZE - 1 - pixel, pixel)
    image = torch.arange(n).view(n, 1, 1)
    return padded[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def normalise(images):
    images = images.to(torch.float32, memory_format=torch.channels_last)
    return (images / 255 - MEAN) / STD


def learning_rate(step, warmup, total, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def train_epoch(model, optimizer, images, labels, batch, rates):
    """One pass in a new random order; the mean loss over the images as they were seen."""
    model.train()
    total = torch.zeros(())
    for index, rate in zip(torch.randperm(len(images)).split(batch), rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(model(normalise(augment(images[index]))), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(index)
    return total.item() / len(images)


@torch.inference_mode()
def evaluate(model, images, labels, batch=1000):
    """Mean cross-entropy and top-1 accuracy in percent."""
    model.eval()
    loss = correct = 0.0
    for x, y in zip(images.split(batch), labels.split(batch)):
        logits = model(normalise(x))
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        correct += (logits.argmax(1) == y).sum().item()
    return loss / len(images), 100 * correct / len(images)


def run_seed(seed, args, train, test, record):
    """Trains one network, hands a row per epoch to `record`, returns the last top1 and images/s."""
    torch.manual_seed(seed)
    model = ThinResNet(args.widths, args.layers).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = math.ceil(len(train[0]) / args.batch)
    rates = [learning_rate(t, steps, steps * args.epochs, args.lr) for t in range(steps * args.epochs)]
    seconds = 0.0
    for epoch in range(args.epochs):
        start = time.perf_counter()
        train_loss = train_epoch(model, optimizer, *train, args.batch, rates[epoch * steps :])
        seconds += time.perf_counter() - start
        test_loss, top1 = evaluate(model, *test)
        record([seed, epoch + 1, f"{train_loss:.6f}", f"{test_loss:.6f}", f"{top1:.2f}"])
    return top1, len(train[0]) * args.epochs / seconds


def parse_args():
    parser = argparse.ArgumentParser(description="Train a thin ResNet on CIFAR-10 in plain PyTorch.")
    parser.add_argument("--data", type=Path, required=True, help="folder with data_batch_1.bin ...")
    parser.add_argument("--train", type=int, default=50000, help="number of training images")
    parser.add_argument("--test", type=int, default=10000, help="number of test images")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--layers", type=int, nargs="+", default=[2, 2, 2, 2])
    parser.add_argument("--out", type=Path, default=Path("thin_resnet_cifar10.csv"))
    args = parser.parse_args()
    if len(args.widths) != len(args.layers):
        parser.error("--widths and --layers need the same number of stages")
    return args


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    train = read_cifar([args.data / f"data_batch_{i}.bin" for i in range(1, 6)], args.train)
    test = read_cifar([args.data / "test_batch.bin"], args.test)
    with args.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["seed", "epoch", "train_loss", "test_loss", "top1"])

        def record(row):
            writer.writerow(row)
            file.flush()
            print("seed {} epoch {} train_loss {} test_loss {} top1 {}".format(*row), flush=True)

        results = [run_seed(seed, args, train, test, record) for seed in args.seeds]
    top1 = [accuracy for accuracy, _ in results]
    print(f"n {len(top1)}  top1 mean {statistics.mean(top1):.3f} %", end="")
    if len(top1) > 1:
        std = statistics.stdev(top1)
        print(f"  std {std:.3f}  standard error {std / math.sqrt(len(top1)):.3f}", end="")
    print(f"  {statistics.mean(speed for _, speed in results):.0f} img/s in training")


if __name__ == "__main__":
    main()
