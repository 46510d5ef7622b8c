"""PyTorch's side of `cargo xtask bench`, which starts it and says when to measure.

    python bench_peer.py --network resnet18 --mode training --batch 128 --peer channels_last
    python bench_peer.py --network resnet18 --batch 32 --check DIR
    python bench_peer.py --gemm

Needs torch alone. A training step is that of a plain PyTorch script: images stay on the device as
uint8; a batch is gathered, normalised, and goes through the network; mean cross-entropy; backward;
torch.optim.SGD with its defaults, Nesterov momentum 0.9 and weight decay 5e-4; losses and hits are
summed on the device. Evaluation is in inference mode, batch after batch in file order. There is no
augmentation on either side.

--peer  nchw            eager, contiguous
        channels_last   eager, network and images channels_last
        compile         torch.compile of the network, in whichever of the two formats is quicker here
        compile_graphs  the same in its mode reduce-overhead, which is CUDA graphs

Precisions: fp32 (no TF32 anywhere), tf32 (convolutions and matrix products), bf16
(torch.autocast). cuDNN may time its algorithms, as on our side. The allocator is left alone.

Protocol, lines of JSON: one with `base_bytes` when all is built; `time K` on stdin is one step, then K
steps under the clock, answered by `seconds`, `steps` and `peak_bytes`; the end of stdin ends it.
`peak_bytes` is the most memory during the K steps: on CUDA of tensors, on the CPU what was resident;
`base_bytes` what was resident before the network was made, PyTorch's libraries and the images
included: one step of a tiny network has loaded them.

--check DIR reads start.safetensors, after.safetensors and batch.safetensors, written by resweep: weights
before and after one step, the images with labels, logits before and after, and the loss. Writes how
far this network is from it with the same start: `logits` and `logits_after` relative to the largest
logit, `loss` relative, `step` the norm of the difference of the two steps relative to that of the
step, all trained weights together.
"""

import argparse
import contextlib
import gc
import json
import struct
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from peer_networks import NETWORKS

IMAGES, TESTS, CLASSES = 50_000, 10_000, 10
MEAN = [255 * mean for mean in (0.4914, 0.4822, 0.4465)]
STD = [255 * std for std in (0.2470, 0.2435, 0.2616)]
LR, MOMENTUM, DECAY = 0.01, 0.9, 5e-4


def say(**values):
    print(json.dumps(values), flush=True)


def resident(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) * 1024


class Memory:
    """The most memory since it was last reset, bytes."""

    def __init__(self, device):
        self.device = device

    def reset(self):
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            Path("/proc/self/clear_refs").write_text("5")

    def peak(self):
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return resident("VmHWM:")

    def now(self):
        return 0 if self.device.type == "cuda" else resident("VmRSS:")


def set_precision(precision):
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


def cast(precision, device):
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def compiled(args, network):
    """A network as a peer runs it."""
    modes = {"compile": "default", "compile_graphs": "reduce-overhead"}
    return torch.compile(network, mode=modes[args.peer]) if args.peer in modes else network


class Work:
    """A network with images on a device, and its steps."""

    def __init__(self, args, device, images, form):
        self.args, self.device = args, device
        self.pixels, self.labels, self.mean, self.std = images
        self.format = torch.contiguous_format if form == "nchw" else torch.channels_last
        self.model = NETWORKS[args.network]().to(device, memory_format=self.format)
        self.run = compiled(args, self.model)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=LR, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY
        )
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.hits = torch.zeros((), dtype=torch.int64, device=device)
        self.at, self.order = 0, None
        self.model.train(args.mode == "training")
        self.step = self.train if args.mode == "training" else self.evaluate

    def normalised(self, pixels):
        images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=self.format)
        return images.sub_(self.mean).div_(self.std)

    def train(self):
        if self.order is None or self.at + self.args.batch > len(self.pixels):
            self.at, self.order = 0, torch.randperm(len(self.pixels)).to(self.device)
        index = self.order[self.at : self.at + self.args.batch]
        self.at += self.args.batch
        images, labels = self.normalised(self.pixels[index]), self.labels[index]
        with cast(self.args.precision, self.device):
            logits = self.run(images)
            loss = F.cross_entropy(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.count(loss.detach() * len(labels), logits.detach(), labels)

    @torch.inference_mode()
    def evaluate(self):
        if self.at + self.args.batch > len(self.pixels):
            self.at = 0
        part = slice(self.at, self.at + self.args.batch)
        self.at += self.args.batch
        images, labels = self.normalised(self.pixels[part]), self.labels[part]
        with cast(self.args.precision, self.device):
            logits = self.run(images)
        self.count(F.cross_entropy(logits.float(), labels, reduction="sum"), logits, labels)

    def count(self, loss, logits, labels):
        self.loss += loss
        self.hits += (logits.argmax(1) == labels).sum()

    def timed(self, steps):
        """Seconds of so many steps, after one that does not count."""
        memory = Memory(self.device)
        self.step()
        self.wait()
        memory.reset()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        self.wait()
        return time.perf_counter() - start, memory.peak()

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def images(count, device):
    pixels = torch.randint(0, 256, (count, 32, 32, 3), dtype=torch.uint8).to(device)
    labels = torch.randint(0, CLASSES, (count,)).to(device)
    row = lambda values: torch.tensor(values, device=device).view(1, 3, 1, 1)
    return pixels, labels, row(MEAN), row(STD)


def build(args, device, data):
    """The work of a peer; of torch.compile that in the quicker format."""
    if not args.peer.startswith("compile"):
        return Work(args, device, data, args.peer), args.peer
    best = None
    for form in ["channels_last", "nchw"]:
        torch._dynamo.reset()
        work = Work(args, device, data, form)
        # Graphs are recorded in the first steps.
        work.timed(3)
        seconds, _ = work.timed(50 if device.type == "cuda" else 3)
        if best is None or seconds < best[0]:
            best = seconds, work, form
        del work
        gc.collect()
    return best[1], best[2]


def load_libraries(args, device):
    """Much of PyTorch is loaded by its first use: one step of a network of next to nothing."""
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    net = net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR, momentum=MOMENTUM)
    run = compiled(args, net)
    F.cross_entropy(run(torch.ones(4, 3, 8, 8, device=device)), torch.zeros(4, dtype=int, device=device)).backward()
    optimizer.step()
    del net, run, optimizer
    torch._dynamo.reset()
    gc.collect()


def measure(args, device):
    data = images(IMAGES if args.mode == "training" else TESTS, device)
    load_libraries(args, device)
    base = Memory(device).now()
    work, form = build(args, device, data)
    work.step()
    say(base_bytes=base, form=form)
    for line in sys.stdin:
        seconds, peak = work.timed(int(line.split()[1]))
        say(seconds=seconds, steps=int(line.split()[1]), peak_bytes=peak)


def read_safetensors(path):
    """The tensors of a file: its length of header, header in JSON, bytes."""
    kinds = {"F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            first, end = (8 + length + offset for offset in entry["data_offsets"])
            flat = torch.frombuffer(data[first:end], dtype=kinds[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def check(args, device):
    start, after, batch = (
        read_safetensors(args.check / f"{name}.safetensors") for name in ("start", "after", "batch")
    )
    row = lambda values: torch.tensor(values, device=device).view(1, 3, 1, 1)
    data = batch["pixels"].to(device), batch["labels"].to(device), row(MEAN), row(STD)
    args.batch = len(data[1])
    work = Work(args, device, data, "nchw")
    missing, unknown = work.model.load_state_dict(start, strict=False)
    if unknown or [name for name in missing if not name.endswith("num_batches_tracked")]:
        raise SystemExit(f"the networks differ: {missing} {unknown}")

    @torch.inference_mode()
    def logits():
        work.model.eval()
        with cast(args.precision, device):
            result = work.model(work.normalised(work.pixels)).float().cpu()
        work.model.train()
        return result

    before = logits()
    work.train()
    state = {name: tensor.cpu() for name, tensor in work.model.state_dict().items()}
    loss = work.loss.item() / args.batch
    trained = [name for name, _ in work.model.named_parameters()]
    say(
        logits=relative(batch["logits"], before),
        logits_after=relative(batch["logits_after"], logits()),
        loss=abs(batch["loss"].item() - loss) / loss,
        step=norm(after[name] - state[name] for name in trained)
        / norm(state[name] - start[name] for name in trained),
    )


def relative(ours, theirs):
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def norm(tensors):
    """Of all tensors together."""
    return torch.stack([tensor.norm() for tensor in tensors]).norm().item()


def gemm(args, device):
    """Answers each line by the best rate of a large matrix product within a second, GFLOP/s."""
    side = 8192 if device.type == "cuda" else 2048
    kind = torch.bfloat16 if args.precision == "bf16" else torch.float32
    a, b = (torch.randn(side, side, dtype=kind, device=device) for _ in range(2))
    out = torch.empty(side, side, dtype=kind, device=device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.mm(a, b, out=out)
    say(base_bytes=0)
    for _ in sys.stdin:
        torch.mm(a, b, out=out)
        best, started = 0.0, time.perf_counter()
        while time.perf_counter() - started < 1:
            wait()
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            wait()
            best = max(best, 2 * side**3 / (time.perf_counter() - start) / 1e9)
        say(gflops=best)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS)
    parser.add_argument("--mode", choices=["training", "evaluation"], default="training")
    parser.add_argument("--peer", choices=["nchw", "channels_last", "compile", "compile_graphs"], default="nchw")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=["fp32", "tf32", "bf16"], default="fp32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="PyTorch's own choice by default")
    parser.add_argument("--check", type=Path, metavar="DIR")
    parser.add_argument("--gemm", action="store_true")
    parser.add_argument("--version", action="store_true", help="write torch's version and build, and end")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    device = torch.device(args.device)
    set_precision(args.precision)
    if args.version:
        say(version=torch.__version__, python=sys.version.split()[0], config=torch.__config__.show())
    elif args.gemm:
        gemm(args, device)
    elif args.check:
        check(args, device)
    else:
        measure(args, device)


if __name__ == "__main__":
    main()
