#!/usr/bin/env python3
"""Writes the evidence of the schedules: what PyTorch's own give, and plain scripts where it has none, in float64.

    python make_schedules.py            (NumPy and PyTorch 2; the output stands beside this file and is committed, so tests need no Python)

The format is make_evidence.py's. A case of a schedule that learns from evaluations has besides: `every` updates an evaluation, the values
`train` and `validation` of each, and `stop`, the evaluation at which training should end.
"""
import math
import warnings

import torch

from make_evidence import Evidence

L = torch.optim.lr_scheduler
warnings.filterwarnings("ignore", module="torch.optim.lr_scheduler")


def schedule(e, name, settings, rates, lr=0.1, total=None, per_epoch=10.0, **more):
    e.case(name, settings, None, lr=lr, total=len(rates) if total is None else total, updates_per_epoch=per_epoch, rate=rates, **more)


def torch_rates(cls, n, lr=0.1, **k):
    o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    s, rates = cls(o, **k), []
    for _ in range(n):
        rates.append(o.param_groups[0]["lr"])
        o.step()
        if len(rates) < n:
            s.step()
    return rates


def warmup(w, rates, lr=0.1, start=1 / 20):
    return [lr * start + (lr - lr * start) * t / w for t in range(w)] + rates


def tail(rates, length, cycles=4, high=None, low=None):
    """The last `length` rates replaced by a polyline: high, low, high, ..., low, the last corner one update after the end."""
    begins = len(rates) - length
    high = rates[begins] if high is None else high
    low = high / 10 if low is None else low
    side = length / (2 * cycles + 1)
    out = rates[:begins]
    for k in range(length):
        i = int(k / side)
        a, b = (high, low) if i % 2 == 0 else (low, high)
        out.append(a + (b - a) * (k / side - i))
    return out


def constant():
    with Evidence("schedule", "constant", "torch.optim.lr_scheduler.ConstantLR; warm-up and tail by their formulas") as e:
        schedule(e, "plain", "constant", torch_rates(L.ConstantLR, 12, factor=1.0))
        schedule(e, "unknown_length", "constant", [0.1] * 5, total=0)
        schedule(e, "warmup", "{type: constant, warmup: 10}", warmup(10, [0.1] * 5))
        schedule(e, "warmup_fraction", "{type: constant, warmup: 0.3}", warmup(6, [0.1] * 14))
        schedule(e, "warmup_epochs", "{type: constant, warmup: 2 epochs}", warmup(6, [0.1] * 4), per_epoch=3.0, total=0)
        schedule(e, "warmup_from_0", "{type: constant, warmup: 4, warmup_from: 0}", warmup(4, [0.1] * 4, start=0.0), total=0)
        schedule(e, "warmup_1", "{type: constant, warmup: 1}", warmup(1, [0.1] * 4))
        schedule(e, "warmup_all", "{type: constant, warmup: 1.0}", warmup(8, []))
        schedule(e, "warmup_longer_than_the_run", "{type: constant, warmup: 16}", warmup(16, [])[:8])
        schedule(e, "tail", "{type: constant, tail: {}}", tail([0.1] * 100, 20))
        schedule(e, "tail_number", "{type: constant, tail: 0.4}", tail([0.1] * 50, 20))
        schedule(e, "tail_updates", "{type: constant, tail: {fraction: 9, cycles: 0}}", tail([0.1] * 12, 9, cycles=0))
        schedule(e, "tail_bounds", "{type: constant, tail: {fraction: 2 epochs, cycles: 1, high: 0.5, low: 0.2}}",
                 tail([0.1] * 14, 8, cycles=1, high=0.5, low=0.2), per_epoch=4.0)
        schedule(e, "tail_of_a_short_run", "{type: constant, tail: {}}", [0.1] * 2)
        schedule(e, "tail_all_after_warmup", "{type: constant, warmup: 2, tail: 8}", tail(warmup(2, [0.1] * 8), 8))


def step():
    with Evidence("schedule", "step", "torch.optim.lr_scheduler.StepLR, MultiStepLR; factors by their formula") as e:
        schedule(e, "updates", "{type: step, every: 3}", torch_rates(L.StepLR, 14, step_size=3))
        schedule(e, "epochs", "{type: step, every: 2 epochs, gamma: 0.5}", torch_rates(L.StepLR, 14, step_size=6, gamma=0.5), per_epoch=3.0)
        schedule(e, "one_epoch", "{type: step, every: 1 epoch}", torch_rates(L.StepLR, 9, step_size=4), per_epoch=4.0, total=0)
        schedule(e, "at", "{type: step, at: [2, 5, 9], gamma: 0.3}", torch_rates(L.MultiStepLR, 12, milestones=[2, 5, 9], gamma=0.3))
        schedule(e, "factors", "{type: step, at: [1 epoch, 7 updates], factors: [0.5, 2]}", [0.1] * 4 + [0.05] * 3 + [0.1] * 5, per_epoch=4.0)
        schedule(e, "warmup", "{type: step, every: 3, warmup: 4}", warmup(4, torch_rates(L.StepLR, 8, step_size=3)))
        schedule(e, "tail", "{type: step, every: 6, tail: 0.25}", tail(torch_rates(L.StepLR, 20, step_size=6), 5))


def polynomial():
    line = lambda n: torch_rates(L.PolynomialLR, n, total_iters=n, power=1.0)
    with Evidence("schedule", "polynomial", "torch.optim.lr_scheduler.PolynomialLR; end, from, warm-up and tail by their formulas") as e:
        schedule(e, "line", "polynomial", line(20))
        schedule(e, "square", "{type: polynomial, power: 2}", torch_rates(L.PolynomialLR, 20, total_iters=20, power=2.0))
        schedule(e, "end", "{type: polynomial, power: 0.5, end: 0.01}", [(0.1 - 0.01) * (1 - t / 16) ** 0.5 + 0.01 for t in range(16)])
        schedule(e, "beyond", "{type: polynomial, end: 0.02}", [(0.1 - 0.02) * (1 - min(t / 10, 1)) + 0.02 for t in range(14)], total=10)
        schedule(e, "warmup", "{type: polynomial, warmup: 0.1}", warmup(5, line(45)))
        schedule(e, "from_start", "{type: polynomial, warmup: 5, from: start}", warmup(5, line(20)[5:]))
        schedule(e, "tail", "{type: polynomial, warmup: 0.1, tail: {fraction: 0.2, cycles: 4}}", tail(warmup(10, line(90)), 20))
        schedule(e, "one_update", "{type: polynomial, tail: 1}", [0.1])


def cyclic():
    low = lambda n, s, **k: torch_rates(L.CyclicLR, n, base_lr=0.001, max_lr=0.006, step_size_up=s, cycle_momentum=False, **k)
    bounds = "low: 0.001, high: 0.006"
    with Evidence("schedule", "cyclic", "torch.optim.lr_scheduler.CyclicLR, from half a cycle on where it starts high") as e:
        schedule(e, "smith", f"{{type: cyclic, {bounds}, half_cycle: 4, start: low}}", low(20, 4), total=0)
        schedule(e, "triangular2", f"{{type: cyclic, {bounds}, half_cycle: 5, start: low, shape: triangular2}}", low(44, 5, mode="triangular2"))
        schedule(e, "exp_range", f"{{type: cyclic, {bounds}, half_cycle: 5, start: low, shape: exp_range, gamma: 0.97}}",
                 low(44, 5, mode="exp_range", gamma=0.97))
        schedule(e, "high", f"{{type: cyclic, {bounds}, half_cycle: 4}}", low(24, 4)[4:])
        schedule(e, "high_triangular2", f"{{type: cyclic, {bounds}, half_cycle: 3, shape: triangular2}}", low(33, 3, mode="triangular2")[3:])
        schedule(e, "high_exp_range", f"{{type: cyclic, {bounds}, half_cycle: 3, shape: exp_range, gamma: 0.9}}",
                 low(33, 3, mode="exp_range", gamma=0.9)[3:])
        defaults = torch_rates(L.CyclicLR, 36, base_lr=0.01, max_lr=0.1, step_size_up=6, cycle_momentum=False)
        schedule(e, "defaults", "cyclic", defaults[6:], per_epoch=3.0)
        schedule(e, "epochs", "{type: cyclic, half_cycle: 1.5 epochs, start: low}", torch_rates(L.CyclicLR, 20, base_lr=0.01, max_lr=0.1, step_size_up=4.5, cycle_momentum=False), per_epoch=3.0)
        schedule(e, "warmup", "{type: cyclic, half_cycle: 6, warmup: 5}", warmup(5, defaults[6:]))
        schedule(e, "half_cycle_of_1", "{type: cyclic, half_cycle: 1}", [0.1, 0.01] * 5)


def restarts():
    cosine = lambda n, t0, mult, low=0.01: torch_rates(L.CosineAnnealingWarmRestarts, n, T_0=t0, T_mult=mult, eta_min=low)

    def saw(n, t0, mult, low=0.01):
        out, length = [], t0
        while len(out) < n:
            out += [0.1 - (0.1 - low) * u / length for u in range(length)]
            length *= mult
        return out[:n]

    with Evidence("schedule", "restarts", "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; the saw-tooth by its formula") as e:
        schedule(e, "defaults", "restarts", cosine(40, 3, 2), per_epoch=3.0)
        schedule(e, "vector", "{type: restarts, cycle: 4, mult: 2, low: 0.001}", cosine(30, 4, 2, 0.001), total=0)
        schedule(e, "equal", "{type: restarts, cycle: 7, mult: 1, low: 0}", cosine(30, 7, 1, 0.0))
        schedule(e, "triple", "{type: restarts, cycle: 2, mult: 3}", cosine(40, 2, 3))
        schedule(e, "linear", "{type: restarts, cycle: 4, mult: 2, low: 0.001, shape: linear}", saw(30, 4, 2, 0.001))
        schedule(e, "linear_equal", "{type: restarts, cycle: 2 epochs, mult: 1, shape: linear}", saw(20, 6, 1), per_epoch=3.0)
        schedule(e, "warmup", "{type: restarts, cycle: 4, warmup: 3}", warmup(3, cosine(20, 4, 2)))
        schedule(e, "cycle_of_1", "{type: restarts, cycle: 1, mult: 1}", [0.1] * 4)
        schedule(e, "tail", "{type: restarts, cycle: 8, mult: 1, tail: {fraction: 0.5, cycles: 2, high: 0.05}}", tail(cosine(40, 8, 1), 20, cycles=2, high=0.05))


def one_cycle():
    cycle = lambda n, **k: torch_rates(L.OneCycleLR, n, total_steps=n, **{"max_lr": 0.1, **k})
    with Evidence("schedule", "one_cycle", "torch.optim.lr_scheduler.OneCycleLR") as e:
        schedule(e, "defaults", "one_cycle", cycle(30))
        schedule(e, "odd", "{type: one_cycle, high: 0.4}", cycle(37, max_lr=0.4))
        schedule(e, "fraction", "{type: one_cycle, fraction: 0.45}", cycle(33, pct_start=0.45))
        schedule(e, "linear", "{type: one_cycle, shape: linear, start: 1/10, end: 1/1000}", cycle(25, anneal_strategy="linear", div_factor=10, final_div_factor=100))
        schedule(e, "no_rise", "{type: one_cycle, fraction: 0}", cycle(12, pct_start=0.0))
        schedule(e, "short", "one_cycle", cycle(2))
        schedule(e, "one_update", "one_cycle", cycle(1))
        schedule(e, "warmup", "{type: one_cycle, warmup: 4}", warmup(4, cycle(20)))


def reduce_on_plateau(values, every, lr=0.1, **k):
    o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    s, rates = L.ReduceLROnPlateau(o, eps=0, **k), []
    for x in values:
        rates += [o.param_groups[0]["lr"]] * every
        s.step(x)
    return rates + [o.param_groups[0]["lr"]] * every


def chapter_plateau(train, validation, every, lr=0.1, factor=0.1, patience=10, threshold=1e-4, low=0.0, cooldown=0, metric="both", stop=False):
    """The rule in words, over lists of all that was seen: returns the rates and the evaluation that stops (None: none does)."""
    watched = {"both": [train, validation], "train": [train], "validation": [validation]}[metric]
    judge = train if metric == "train" else validation
    rate, rates, drops = lr, [], []
    bad, best = [0] * len(watched), [math.inf] * len(watched)
    helped, rest = True, 0
    for k in range(len(train)):
        rates += [rate] * every
        for i, values in enumerate(watched):
            good = values[k] < best[i] * (1 - threshold)
            if good:
                best[i] = values[k]
                if values is judge:
                    helped = True
            bad[i] = 0 if good or rest else bad[i] + 1
        rest = max(rest - 1, 0)
        if stop and drops and not helped and bad[-1] > patience:
            return rates, k + 1
        if all(b > patience for b in bad):
            drops.append(k)
            rate, helped, rest = max(rate * factor, low), False, cooldown
            bad = [0] * len(bad)
    return rates + [rate] * every, None


def plateau():
    falling = [1.0, 0.8, 0.7, 0.7, 0.71, 0.69999, 0.7, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.39, 0.41, 0.42, 0.43, 0.44, 0.44]
    rising = [0.9, 0.8, 0.75, 0.7, 0.65, 0.65, 0.65, 0.65, 0.65, 0.64, 0.64, 0.64, 0.64, 0.64, 0.64, 0.64, 0.64, 0.64, 0.64]
    hope = [1.0, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]
    late = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]

    def torch_case(e, name, settings, values, metric, every=2, **k):
        train, validation = (values, rising) if metric == "train" else (falling[::-1], values)
        schedule(e, name, f"{{type: plateau, metric: {metric}, {settings}}}", reduce_on_plateau(values, every, **k), total=0, every=every,
                 train=train, validation=validation)

    def ours(e, name, settings, train, validation, every=3, **k):
        rates, stops = chapter_plateau(train, validation, every, **k)
        more = {} if stops is None else {"stop": stops}
        schedule(e, name, f"{{type: plateau, {settings}}}", rates + ([rates[-1]] if stops else []), total=0, every=every, train=train,
                 validation=validation, **more)

    with Evidence("schedule", "plateau", "torch.optim.lr_scheduler.ReduceLROnPlateau for one metric; both and stop by a script of the rule") as e:
        torch_case(e, "validation", "patience: 2", falling, "validation", patience=2)
        torch_case(e, "train", "patience: 1, factor: 0.5", falling, "train", patience=1, factor=0.5)
        torch_case(e, "patience_0", "patience: 0, threshold: 0", falling, "validation", patience=0, threshold=0)
        torch_case(e, "threshold", "patience: 1, threshold: 0.05", falling, "validation", patience=1, threshold=0.05)
        torch_case(e, "cooldown", "patience: 1, cooldown: 2", rising, "validation", patience=1, cooldown=2)
        torch_case(e, "min", "patience: 0, min: 0.002", falling, "validation", patience=0, min_lr=0.002)
        torch_case(e, "nan", "patience: 1", [1.0, math.nan, math.nan, 0.5, math.inf, math.nan, 0.4], "validation", patience=1)
        ours(e, "both", "patience: 2", falling, rising, patience=2)
        ours(e, "both_others", "patience: 1, cooldown: 1", rising, falling, patience=1, cooldown=1)
        ours(e, "never_flat", "patience: 20", falling, rising, patience=20)
        ours(e, "stop", "patience: 2, stop: true", [1.0] * len(hope), hope, patience=2, stop=True)
        ours(e, "stop_validation", "patience: 2, stop: true, metric: validation, factor: 0.5", falling[: len(late)], late, patience=2, stop=True, metric="validation", factor=0.5)
        ours(e, "stop_train", "patience: 1, stop: true, metric: train", hope, hope[::-1], patience=1, stop=True, metric="train")
        ours(e, "stop_cooldown", "patience: 1, stop: true, cooldown: 3", [1.0] * len(late), late, patience=1, stop=True, cooldown=3)


constant(), step(), polynomial(), cyclic(), restarts(), one_cycle(), plateau()
