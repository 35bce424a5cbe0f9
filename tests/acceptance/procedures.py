"""new_topology on a noisy quadratic, simulated in float64 by NumPy alone: every drop of the rate, and the end, at the computed update.

    procedures.py GRADUS FOLDER
"""
import csv
import json
import os
import subprocess
import sys

import numpy as np

GRADUS, FOLDER = (os.path.abspath(p) for p in sys.argv[1:3])
BATCH, PATIENCE = 16, 3


def run(*args):
    out = subprocess.run([GRADUS, *args], capture_output=True, text=True, cwd=FOLDER)
    if out.returncode:
        sys.exit(f"{args}: {out.stdout}{out.stderr}")


def simulate(x, y, train, validation, lr):
    """Drops as (updates done, rate), and the updates at the end."""
    w, b, step, drops = np.zeros(x.shape[1]), 0.0, 0, []
    best, bad, helped = [np.inf, np.inf], [0, 0], True
    while True:
        cost = 0.0
        for at in range(0, len(train), BATCH):
            i = train[at:at + BATCH]
            miss = x[i] @ w + b - y[i]
            cost += (miss ** 2).sum()
            w, b = w - lr * 2 * x[i].T @ miss / len(i), b - lr * 2 * miss.mean()
            step += 1
        seen = [cost / len(train), np.sqrt(((x[validation] @ w + b - y[validation]) ** 2).mean())]
        for k in range(2):
            better = seen[k] < best[k] - (1e-4 * abs(best[k]) if np.isfinite(best[k]) else 0)
            best[k], bad[k] = (seen[k], 0) if better else (best[k], bad[k] + 1)
            helped = helped or (better and k == 1)
        if not helped and bad[1] > PATIENCE:
            return drops, step
        if min(bad) > PATIENCE:
            lr, bad, helped = lr * 0.1, [0, 0], False
            drops.append((step, lr))


failed = 0
for seed in range(6):
    random = np.random.default_rng(seed)
    n, d = 150, 2 + seed % 3
    x = random.normal(size=(n, d)) * np.geomspace(1, 0.3, d)
    y = x @ random.normal(size=d) + 1 + 0.5 * random.normal(size=n)
    with open(f"{FOLDER}/q.csv", "w") as f:
        print(*[f"x{k}" for k in range(d)], "y", sep=",", file=f)
        for a, t in zip(x, y):
            print(*map(repr, map(float, a)), repr(float(t)), sep=",", file=f)
    with open(f"{FOLDER}/q.yaml", "w") as f:
        f.write(f"gradus: 1\nname: q\nseed: {seed + 1}\nprecision: float64\ndevice: ref\n"
                "data: {source: {type: csv, file: q.csv, target: y, header: true}, split: {validation: 0.3}, "
                f"batch: {BATCH}, shuffle: none}}\n"
                f"model: {{input: [{d}], layers: [{{type: dense, units: 1}}]}}\n"
                "init: {weights: zeros}\ncost: mse\noptimizer: sgd\nlog: {events: false}\n")
    run("data", "split", "q.yaml", "-o", "q.tsv")
    with open(f"{FOLDER}/q.tsv") as f:
        rows = list(csv.reader(f, delimiter="\t"))
    part = {p: np.array([int(r[0]) for r in rows if r[1] == p]) for p in ("train", "validation")}
    run("train", "q.yaml", "--procedure", "new_topology", "--patience", str(PATIENCE), "--out", "q", "--overwrite")
    with open(f"{FOLDER}/q/procedure.jsonl") as f:
        lines = [json.loads(r) for r in f]
    with open(f"{FOLDER}/q/result.json") as f:
        steps = json.load(f)["steps"]
    drops, end = simulate(x, y, part["train"], part["validation"], lines[0]["lr"])
    found = [(r["step"], r["lr"]) for r in lines[1:]]
    same = len(found) == len(drops) and end == steps and all(
        a[0] == b[0] and abs(a[1] / b[1] - 1) < 1e-9 for a, b in zip(found, drops))
    failed += not same
    print(f"{'ok  ' if same else 'FAIL'} seed {seed}: rate {lines[0]['lr']:.3g}, drops {[a for a, _ in found]}, end {steps};"
          f" simulated {[a for a, _ in drops]}, {end}")
sys.exit(failed > 0)
