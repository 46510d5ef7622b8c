"""Golden files of the optimisers and of the learning-rate schedules.

    python optim.py             # seconds, writes ../golden/optim.safetensors and schedule.csv

Made with torch 2.11.0's own optimisers and schedulers, CPU, float32, foreach=False.

optim.safetensors   Ten steps of each case on four parameters: p0 [3, 4] a matrix, p1 [5] a bias,
    p2 [10, 2, 2, 2] a kernel, p3 [2, 3] the head's matrix. `<case>/<t>/<p>` is parameter p after step
    t = 0..9, e.g. `adam/9/p1`. With u of formula.py,
        start      of p:              u(3000000 + p, i)
        gradient   of p in step t:    u(2000000 + 10 * t + p, i)
        rate       in step t:         lr * (1 - t / 20), in float64
    CASES below names the arguments of each case; all others are torch's defaults (dampening 0,
    betas 0.9 and 0.999, eps 1e-8, no amsgrad). Lion and Lookahead, which torch does not have, are
    written out here from their papers. Muon is torch's on p0 and on p2 as the matrix [10, 8], with
    another optimiser on p1 and p3; where a case says so its iteration runs in float32 instead of
    torch's bfloat16, whose last digits differ between processors.

    `ema`, `ema_every` and `swa` are averages of the parameters of `sgd_momentum` by torch's
    AveragedModel: of decay 0.9, of decay 0.6 every third step, and equal. Before an average begins
    it holds the start values.

schedule.csv   case, step, lr: the rate used in each of 50 steps, peak 0.1, five steps an epoch, float64
    to all digits. torch computes most of them by recursion, so compare with a relative 1e-12.
        constant               0.1
        step                   times 0.1 every 3 epochs, i.e. from steps 15, 30 and 45 on
        multistep              times 0.1 from epoch 5 and from epoch 8 on: steps 25 and 40
        cosine                 CosineAnnealingLR a step, T_max 50, eta_min 0: the 51st rate would be 0
        warmup_cosine          w = 10 steps of warm-up, then cosine over the other 40:
                               0.1 * (t + 1) / w for t < w, which is LinearLR(1 / w, total_iters=w - 1);
                               0.1 * (1 + cos(pi * (t - w) / (50 - w))) / 2 for t >= w
        warmup_late_cosine     the same with LinearLR(1 / w, total_iters=w), which reaches the peak one
                               step later: 0.1 * (1 / w + (1 - 1 / w) * t / w) for t < w
        step_every             StepLR every 2 epochs, gamma 0.5
        exponential            ExponentialLR every epoch, gamma 0.8
        restarts               CosineAnnealingWarmRestarts a step, T_0 2 epochs, T_mult 1, eta_min 0.001
        restarts_longer        the same, T_0 1 epoch, T_mult 2, eta_min 0
        warmup_restarts        10 steps of warm-up as above, then T_0 1 epoch, T_mult 2
        polynomial             PolynomialLR a step, total_iters 50, power 2
        linear                 the same, power 1
        warmup_polynomial      10 steps of warm-up as above, then power 0.9 over the other 40
        one_cycle              OneCycleLR, its defaults, cycle_momentum=False
        one_cycle_linear       the same, pct_start 0.45, div_factor 10, final_div_factor 100, linear
        triangular             LambdaLR of airbench94's numpy.interp(t, [0, int(0.23 * 50), 50],
                               [0.2, 1, 0.07])
        triangular_plain       the same from 0 over int(0.3 * 50) to 0
"""

import csv

import numpy as np
import torch
from safetensors.torch import save_file
from torch import optim
from torch.optim import _muon
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn
from torch.optim import lr_scheduler as schedulers

import formula
from golden import GOLDEN

GRADIENTS, START = 2_000_000, 3_000_000
SHAPES = [(3, 4), (5,), (10, 2, 2, 2), (2, 3)]
STEPS = 10


class Lion(optim.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * p.grad
                p -= lr * (c.sign() + decay * p)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


class Lookahead:
    """Zhang et al. 2019, algorithm 1; alpha goes to alpha_end as airbench94's does (Jordan 2024)."""

    def __init__(self, inner, every=5, alpha=0.5, alpha_end=None):
        self.inner, self.every, self.done = inner, every, 0
        self.alpha, self.alpha_end = alpha, alpha if alpha_end is None else alpha_end
        self.slow = [p.detach().clone() for group in inner.param_groups for p in group["params"]]

    @property
    def param_groups(self):
        return self.inner.param_groups

    @torch.no_grad()
    def step(self):
        self.inner.step()
        self.done += 1
        if self.done % self.every:
            return
        alpha = self.alpha + (self.alpha_end - self.alpha) * (self.done / STEPS) ** 3
        fast = [p for group in self.param_groups for p in group["params"]]
        for slow, p in zip(self.slow, fast):
            slow += alpha * (p - slow)
            p.copy_(slow)


def iterate_in_float32(grad, coefficients, steps, eps):
    """torch.optim._muon._zeropower_via_newtonschulz without its bfloat16."""
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if grad.size(0) > grad.size(1) else x


class Muon(optim.Muon):
    """torch's on the first and third parameter, another optimiser on the others."""

    def __init__(self, params, others, float32=True, normalize=False, **arguments):
        self.flat = [params[0], params[2].detach().view(10, 8)]
        self.whole, self.others = [params[0], params[2]], others([params[1], params[3]])
        self.float32, self.normalize = float32, normalize
        super().__init__(self.flat, **arguments)
        self.param_groups += self.others.param_groups

    @torch.no_grad()
    def step(self):
        for flat, whole in zip(self.flat, self.whole):
            flat.grad = whole.grad.view(flat.shape)
            if self.normalize:  # airbench94_muon.py
                flat.mul_(len(flat) ** 0.5 / flat.norm())
        published = _muon._zeropower_via_newtonschulz
        if self.float32:
            _muon._zeropower_via_newtonschulz = iterate_in_float32
        groups, self.param_groups = self.param_groups, self.param_groups[:1]
        super().step()
        self.param_groups = groups
        _muon._zeropower_via_newtonschulz = published
        self.others.step()


def sgd(**arguments):
    return lambda params: optim.SGD(params, foreach=False, **arguments)


def adam(kind=optim.Adam, **arguments):
    return lambda params: kind(params, lr=1e-3, foreach=False, **arguments)


def rmsprop(**arguments):
    return lambda params: optim.RMSprop(params, lr=0.01, foreach=False, **arguments)


def lion(**arguments):
    return lambda params: Lion(params, lr=1e-3, **arguments)


def muon(others, **arguments):
    return lambda params: Muon(params, others, lr=0.02, **arguments)


def lookahead(inner, **arguments):
    return lambda params: Lookahead(inner(params), **arguments)


def groups(kind, common, *own):
    """A parameter group for each parameter, with what it has of its own."""
    return lambda params: kind(
        [dict(params=[p], **arguments) for p, arguments in zip(params, own)], foreach=False, **common
    )


class Clipped(optim.SGD):
    """Clips the norm of all gradients together before its step."""

    def step(self):
        params = [p for group in self.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(params, 2.5)
        super().step()


class OwnRates(Clipped):
    """Five epochs of two steps; the biases are trained in two of them, down a straight line, and the
    convolutions go down a cosine."""

    done = 0

    def step(self):
        _, biases, convolutions, _ = self.param_groups
        biases["lr"] = 0.2 * (1 - self.done / 4)
        convolutions["lr"] = 0.1 * (1 + np.cos(np.pi * self.done / STEPS)) / 2
        if self.done >= 4:
            biases["params"][0].grad = None
        self.done += 1
        super().step()


def averages(function, every=1):
    """Yields (t, p, value) of the averaged parameters after every step of `sgd_momentum`."""
    params = torch.nn.ParameterList(formula.uniform(START + p, s) for p, s in enumerate(SHAPES))
    averaged = AveragedModel(params, multi_avg_fn=function)
    for t, p, value in trajectory(CASES["sgd_momentum"]):
        params[p].data = value
        if p == len(SHAPES) - 1:
            if (t + 1) % every == 0:
                averaged.update_parameters(params)
            yield from ((t, p, param.detach().clone()) for p, param in enumerate(averaged.module))


OTHERS = sgd(lr=0.05, momentum=0.85, nesterov=True, weight_decay=0.01)

CASES = {
    "sgd": sgd(lr=0.1),
    "sgd_momentum": sgd(lr=0.1, momentum=0.9),
    "sgd_nesterov": sgd(lr=0.1, momentum=0.9, nesterov=True),
    "sgd_dampening": sgd(lr=0.1, momentum=0.9, dampening=0.5, weight_decay=5e-4),
    "sgd_clipped": lambda params: Clipped(params, lr=0.1, foreach=False, momentum=0.9),
    "sgd_weight_decay": sgd(lr=0.1, weight_decay=5e-4),
    "sgd_momentum_weight_decay": sgd(lr=0.1, momentum=0.9, weight_decay=5e-4),
    "sgd_nesterov_weight_decay": sgd(lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "adam": adam(),
    "adam_weight_decay": adam(weight_decay=0.01),
    "adamw": adam(optim.AdamW, weight_decay=0.01),
    "rmsprop": rmsprop(),
    "rmsprop_momentum": rmsprop(momentum=0.9, weight_decay=5e-4),
    "rmsprop_centered": rmsprop(centered=True, alpha=0.9),
    "rmsprop_centered_momentum": rmsprop(centered=True, momentum=0.9),
    "lion": lion(),
    "lion_weight_decay": lion(betas=(0.95, 0.98), weight_decay=1.0),
    "muon": muon(OTHERS),
    "muon_plain": muon(OTHERS, momentum=0.8, nesterov=False, weight_decay=0.0, ns_steps=3),
    "muon_adamw": muon(
        adam(optim.AdamW, weight_decay=0.01), adjust_lr_fn="match_rms_adamw"
    ),
    "muon_normalized": muon(OTHERS, normalize=True, weight_decay=0.0, momentum=0.6, ns_steps=3),
    "muon_bf16": muon(OTHERS, float32=False),
    # p1 biases, p2 convolutions, p3 the head; p0 goes with the rest
    "groups_sgd": groups(
        optim.SGD,
        dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        dict(),
        dict(lr=0.64, weight_decay=0.0),
        dict(weight_decay=0.1),
        dict(lr=0.05),
    ),
    # p1 biases, p2 convolutions; p0 and p3 go with the rest
    "groups_epochs": groups(
        OwnRates,
        dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        *(dict(), dict(), dict(), dict()),
    ),
    # p0 the first, p1 biases; p2 and p3 go with the rest
    "groups_adamw": groups(
        optim.AdamW,
        dict(lr=1e-3, weight_decay=0.01),
        dict(lr=0.0),
        dict(lr=2e-3, weight_decay=0.5),
        dict(),
        dict(),
    ),
    "lookahead": lookahead(sgd(lr=0.1, momentum=0.9)),
    "lookahead_ramp": lookahead(sgd(lr=0.1), every=3, alpha=1.0, alpha_end=0.25),
    "lookahead_adam": lookahead(adam(), every=2, alpha=0.8),
}

AVERAGES = {
    "ema": (get_ema_multi_avg_fn(0.9), 1),
    "ema_every": (get_ema_multi_avg_fn(0.6), 3),
    "swa": (get_swa_multi_avg_fn(), 1),
}

PEAK, TOTAL, EPOCH, WARMUP = 0.1, 50, 5, 10


def trajectory(make):
    """Yields (t, p, value) of every parameter after every step."""
    params = [formula.uniform(START + p, shape).requires_grad_() for p, shape in enumerate(SHAPES)]
    optimizer = make(params)
    full = [group["lr"] for group in optimizer.param_groups]
    for t in range(STEPS):
        for group, lr in zip(optimizer.param_groups, full):
            group["lr"] = lr * (1 - t / 20)
        for p, param in enumerate(params):
            param.grad = formula.uniform(GRADIENTS + 10 * t + p, param.shape)
        optimizer.step()
        yield from ((t, p, param.detach().clone()) for p, param in enumerate(params))


def warmed(optimizer, then, total_iters=WARMUP - 1):
    """Linear warm-up, then the scheduler that `then` makes."""
    warmup = schedulers.LinearLR(optimizer, start_factor=1 / WARMUP, total_iters=total_iters)
    return schedulers.SequentialLR(optimizer, [warmup, then(optimizer)], milestones=[WARMUP])


def cosine(optimizer):
    return schedulers.CosineAnnealingLR(optimizer, T_max=TOTAL - WARMUP)


def restarts(optimizer, epochs, mult, lowest=0.0):
    return schedulers.CosineAnnealingWarmRestarts(optimizer, epochs * EPOCH, mult, lowest)


def polynomial(optimizer, power, steps=TOTAL):
    return schedulers.PolynomialLR(optimizer, total_iters=steps, power=power)


def one_cycle(optimizer, **arguments):
    arguments |= dict(max_lr=PEAK, total_steps=TOTAL, cycle_momentum=False)
    return schedulers.OneCycleLR(optimizer, **arguments)


def triangular(optimizer, start, peak, end):
    """The schedule of airbench94.py (Jordan 2024)."""
    places = [0, int(peak * TOTAL), TOTAL]
    return schedulers.LambdaLR(optimizer, lambda t: float(np.interp(t, places, [start, 1, end])))


# case: (scheduler of an optimizer, steps between two of its steps)
SCHEDULES = {
    "constant": (lambda o: schedulers.ConstantLR(o, factor=1), 1),
    "step": (lambda o: schedulers.StepLR(o, step_size=3, gamma=0.1), EPOCH),
    "multistep": (lambda o: schedulers.MultiStepLR(o, milestones=[5, 8], gamma=0.1), EPOCH),
    "cosine": (lambda o: schedulers.CosineAnnealingLR(o, T_max=TOTAL), 1),
    "warmup_cosine": (lambda o: warmed(o, cosine), 1),
    "warmup_late_cosine": (lambda o: warmed(o, cosine, WARMUP), 1),
    "step_every": (lambda o: schedulers.StepLR(o, step_size=2, gamma=0.5), EPOCH),
    "exponential": (lambda o: schedulers.ExponentialLR(o, gamma=0.8), EPOCH),
    "restarts": (lambda o: restarts(o, 2, 1, 0.001), 1),
    "restarts_longer": (lambda o: restarts(o, 1, 2), 1),
    "warmup_restarts": (lambda o: warmed(o, lambda o: restarts(o, 1, 2)), 1),
    "polynomial": (lambda o: polynomial(o, 2), 1),
    "linear": (lambda o: polynomial(o, 1), 1),
    "warmup_polynomial": (lambda o: warmed(o, lambda o: polynomial(o, 0.9, TOTAL - WARMUP)), 1),
    "one_cycle": (lambda o: one_cycle(o), 1),
    "one_cycle_linear": (
        lambda o: one_cycle(
            o, pct_start=0.45, div_factor=10, final_div_factor=100, anneal_strategy="linear"
        ),
        1,
    ),
    "triangular": (lambda o: triangular(o, 0.2, 0.23, 0.07), 1),
    "triangular_plain": (lambda o: triangular(o, 0, 0.3, 0), 1),
}


def rates(make, every):
    """The learning rate used in each step."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    scheduler = make(optimizer)
    for step in range(1, TOTAL + 1):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        if step % every == 0:
            scheduler.step()


def main():
    torch.set_num_threads(1)
    tensors = {
        f"{case}/{t}/p{p}": value
        for case, make in CASES.items()
        for t, p, value in trajectory(make)
    }
    tensors |= {
        f"{case}/{t}/p{p}": value
        for case, (function, every) in AVERAGES.items()
        for t, p, value in averages(function, every)
    }
    save_file(tensors, GOLDEN / "optim.safetensors")
    with (GOLDEN / "schedule.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "step", "lr"])
        for case, schedule in SCHEDULES.items():
            writer.writerows([case, step, repr(float(lr))] for step, lr in enumerate(rates(*schedule)))


if __name__ == "__main__":
    main()
