"""Writes tests/study/baselines: tables, and what scikit-learn's models are worth on them.

    python3 tests/study/make_baselines.py       needs numpy and scikit-learn
"""
import os

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baselines")
os.makedirs(here, exist_ok=True)
random = np.random.default_rng(11)
lines = []


def write(name, part, x, y):
    with open(os.path.join(here, f"{name}-{part}.csv"), "w") as f:
        print(*[f"x{i}" for i in range(x.shape[1])], "y", sep=",", file=f)
        for a, b in zip(x, y):
            print(*[f"{v:.12g}" for v in a], b, sep=",", file=f)


def table(n, d, rank):
    """Numbers that text and sums hold exactly, so that what depends on each other does so to the last bit."""
    mix = np.eye(d) if rank == d else random.integers(-2, 3, size=(rank, d)).astype(float)
    return np.round(random.normal(size=(n, rank)) * 64) / 64 @ mix + 3


def classes(name, x, y, c):
    n = len(x) * 2 // 3
    write(name, "train", x[:n], [f"k{v}" for v in y[:n]])
    write(name, "validation", x[n:], [f"k{v}" for v in y[n:]])
    m = LogisticRegression(C=c, tol=1e-12, max_iter=100000, solver="newton-cholesky").fit(x[:n], y[:n])
    p = m.predict_proba(x[n:])
    lines.append(f'{{"{name}", {c}, {float(log_loss(y[n:], p, labels=m.classes_))!r}, {float((p.argmax(1) != y[n:]).mean())!r}}},')


def values(name, x, y):
    n = len(x) * 2 // 3
    y = y.astype(np.float32).astype(float)
    write(name, "train", x[:n], [repr(float(v)) for v in y[:n]])
    write(name, "validation", x[n:], [repr(float(v)) for v in y[n:]])
    p = LinearRegression().fit(x[:n], y[:n]).predict(x[n:])
    lines.append(f'{{"{name}", 0, {float(np.sqrt(((p - y[n:]) ** 2).mean()))!r}, NAN}},')


x = table(90, 4, 4)
classes("three", x, (x[:, :3] + random.gumbel(size=(90, 3))).argmax(1), 1.0)
classes("two", x, (x[:, 0] + random.normal(size=90) > 3).astype(int), 0.1)
x = table(60, 6, 3)  # numbers that depend on each other
classes("dependent", x, (x[:, :3] + random.gumbel(size=(60, 3))).argmax(1), 10.0)
values("line", table(90, 4, 4), random.normal(size=90))
x = table(60, 6, 3)
values("short", x, x[:, 0] - 2 * x[:, 4] + random.normal(size=60))
x = table(24, 30, 16)  # more numbers than samples
values("wide", x, x[:, 0] + random.normal(size=24))
with open(os.path.join(here, "expected.inc"), "w") as f:
    f.write("/* Written by tests/study/make_baselines.py: name, C, log loss or root mean square, error. */\n")
    f.write("\n".join(lines) + "\n")
