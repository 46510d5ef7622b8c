"""Tensors from a formula, so that weights and inputs need no files.

Element i (row-major) of the tensor with number k is made from a 32-bit hash. All arithmetic is on
uint32 and wraps:

    mix(x):  x ^= x >> 16;  x *= 0x7FEB352D;  x ^= x >> 15;  x *= 0x846CA68B;  x ^= x >> 16
    hash(k, i) = mix(mix(k + 0x9E3779B9) + i)
    u(k, i)    = ((hash(k, i) >> 8) - 2^23) / 2^23

u lies in [-1, 1) and is exact in float32. A weight's k is its place, from 0, in the state dict's
order without `num_batches_tracked`. Its key's last part and its shape decide its value. Every
operation below is one float32 operation and every constant the float32 nearest to it:

    weight, 2-D or 4-D   scale * u     scale = float32(sqrt(6 / fan_in)), the root taken in float64,
                                       fan_in = product of all dimensions but the first
    weight, 1-D          0.125 + 0.03125 * u                     (BatchNorm)
    bias                 sign * (1 + 0.25 * u)                   sign = +1 for even i, -1 for odd i
    running_mean         u
    running_var          0.03125 + 0.015625 * u

Inputs have k of their own, with n counting the images from 0:

    images [count, 3, h, w]   (2 * (n + 1) / count) * u(1000000, i)
    labels [count]            hash(1000001, n) mod classes

Why these constants: in training mode BatchNorm makes every channel bias + 0.125 * (about normal), so
no value comes near the corner of a ReLU, where a rounding error would switch a whole gradient path;
the alternating sign keeps half the channels off. Float32 and float64 gradients then agree to 1e-5
even after 152 layers, where plain random weights give 1e-1. In eval mode the running statistics lift
each branch by 0.125 / sqrt(0.03125) = 0.7 instead, so that inputs do cross the corners there, and
the images differ in contrast, so that logits differ between images.
"""

import math

import numpy as np
import torch

IMAGES, LABELS = 1_000_000, 1_000_001


def mix(x):
    x = x.astype(np.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    return x ^ (x >> np.uint32(16))


def hashes(k, count):
    """hash(k, i) for i in 0..count, as uint32."""
    seed = mix(np.array([(k + 0x9E3779B9) % 2**32]))
    return mix(seed + np.arange(count, dtype=np.uint32))


def uniform(k, shape):
    """The float32 tensor of u(k, i)."""
    centred = (hashes(k, math.prod(shape)) >> np.uint32(8)).astype(np.int32) - 2**23
    return torch.from_numpy(centred.astype(np.float32) / np.float32(2**23)).reshape(shape)


def weight(k, key, shape):
    """The value of state-dict entry number k."""
    u = uniform(k, shape)
    match key.rsplit(".", 1)[-1]:
        case "weight" if len(shape) > 1:
            return u * torch.tensor(math.sqrt(6 / math.prod(shape[1:])), dtype=torch.float32)
        case "weight":
            return 0.125 + 0.03125 * u
        case "bias":
            return (1 - 2 * (torch.arange(len(u)) % 2)) * (1 + 0.25 * u)
        case "running_mean":
            return u
        case "running_var":
            return 0.03125 + 0.015625 * u
    raise ValueError(f"{key}: the formula has no rule for it")


def state(model):
    """The model's state dict in order, without `num_batches_tracked`."""
    return {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}


def fill(model):
    """Overwrites all weights of the model, and its BatchNorm statistics, by the formula."""
    for k, (key, value) in enumerate(state(model).items()):
        value.copy_(weight(k, key, tuple(value.shape)))
    return model


def images(shape):
    count = shape[0]
    contrast = 2 * torch.arange(1, count + 1, dtype=torch.float32) / count
    return contrast.view(-1, 1, 1, 1) * uniform(IMAGES, shape)


def labels(count, classes):
    return torch.from_numpy((hashes(LABELS, count) % np.uint32(classes)).astype(np.int64))
