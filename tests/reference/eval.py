"""`eval --weights` on real images against torchvision: random weights and running statistics.

    python eval.py --data DIR --resweep ../../target/release/resweep --images 1000

DIR holds cifar-10-batches-bin. For each of NETWORKS, with ten classes:
draws weights and running statistics (seed 0), saves the state dict as safetensors, lets
`resweep eval` predict the first --images test images, and compares every logit with torchvision's
own, in float32. Images are resized to --side by bilinear interpolation after normalising. Prints
the largest difference relative to the largest logit; above 1e-5 it fails.
"""

import argparse
import csv
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional as F

from train import MEAN, STD, read_cifar

# torchvision's function, and the spec under experiments/models.
NETWORKS = {
    "wide_resnet50_2": "wide_resnet50_2",
    "resnext50_32x4d": "resnext50_32x4d",
    "densenet121": "densenet121",
    "mobilenet_v2": "mobilenet_v2",
    "regnet_y_400mf": "regnet_y",
    "shufflenet_v2_x1_0": "shufflenet_v2",
    "efficientnet_b0": "efficientnet",
}
EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
LIMIT = 1e-5


def random_model(name):
    """torchvision's network with its own initial weights, and BatchNorms as after some training."""
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=10).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def cut(source, target, images):
    """A data folder whose test file has the first `images` images."""
    target.mkdir()
    for file in sorted(source.glob("*.bin")):
        records = np.fromfile(file, np.uint8).reshape(-1, 3073)
        records[:images].tofile(target / file.name)
    for file in source.glob("*.txt"):
        (target / file.name).write_bytes(file.read_bytes())


def predicted(path):
    with path.open() as file:
        return torch.tensor([[float(x) for x in row[3:]] for row in list(csv.reader(file))[1:]])


@torch.no_grad()
def logits(model, folder, images, side):
    pixels, _ = read_cifar([folder / "test_batch.bin"], images)
    batches = ((pixels.float() / 255 - MEAN) / STD).split(100)
    return torch.cat([model(F.interpolate(x, (side, side), mode="bilinear")) for x in batches])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--resweep", type=Path, required=True)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--side", type=int, default=64)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        cut(args.data / "cifar-10-batches-bin", folder / "cifar-10-batches-bin", args.images)
        for name, spec in NETWORKS.items():
            model, out = random_model(name), folder / "logits.csv"
            save_file(model.state_dict(), folder / "weights.safetensors")
            command = [args.resweep, "eval", EXPERIMENTS / f"models/{spec}.ron", "--set", "classes=10", "--set",
                       f"input=(3, {args.side}, {args.side})", "--weights", folder / "weights.safetensors",
                       "--data", folder, "--predictions", out, "--device", "cpu"]
            subprocess.run(command, check=True)
            wanted = logits(model, folder / "cifar-10-batches-bin", args.images, args.side)
            error = ((predicted(out) - wanted).abs().max() / wanted.abs().max()).item()
            print(f"{name}: {len(wanted)} images, largest logit {wanted.abs().max():.3f}, off by {error:.1e}", flush=True)
            if error > LIMIT:
                raise SystemExit(1)


if __name__ == "__main__":
    main()
