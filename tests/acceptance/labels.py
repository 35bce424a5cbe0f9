"""Flipped labels of Fashion-MNIST, and what is found of them.
   labels.py flip IN OUT          labels of an IDX file (gzip), 5 % of them another class, drawn with a fixed seed; OUT.npy: which
   labels.py judge OUT FIX P.npy  precision and recall of the rows that FIX calls suspicious_label, of cleanlab's on the same
                                  probabilities, and whether they agree within 1 %; exit code 1 where they do not, or are too low"""
import gzip
import re
import sys

import numpy as np


def flip(source, out):
    data = gzip.open(source).read()
    labels = np.frombuffer(data[8:], np.uint8).copy()
    rng = np.random.default_rng(11)
    which = np.sort(rng.choice(len(labels), len(labels) // 20, replace=False))
    labels[which] = (labels[which] + rng.integers(1, 10, len(which))) % 10
    open(out, "wb").write(data[:8] + labels.tobytes())
    np.save(out + ".npy", which)


def figures(found, flipped):
    right = len(set(found) & set(flipped))
    return right / max(len(found), 1), right / len(flipped)


def judge(out, fix, probabilities):
    from cleanlab.filter import find_label_issues
    labels = np.frombuffer(open(out, "rb").read()[8:], np.uint8).astype(int)
    flipped, p = np.load(out + ".npy"), np.load(probabilities)
    ours = [int(m[1]) for m in re.finditer(r"^# train (\d+) suspicious_label$", open(fix).read(), re.M)]
    theirs = np.flatnonzero(find_label_issues(labels, p, filter_by="prune_by_noise_rate"))
    print("out of sample right of the given labels: %.4f" % (p.argmax(1) == labels).mean())
    rows = {"gradus": figures(ours, flipped), "cleanlab": figures(theirs, flipped)}
    for name, (precision, recall) in rows.items():
        print("%-9s precision %.4f, recall %.4f" % (name, precision, recall))
    print("found by both %d, by gradus alone %d, by cleanlab alone %d" % (
        len(set(ours) & set(theirs)), len(set(ours) - set(theirs)), len(set(theirs) - set(ours))))
    near = all(abs(a - b) <= 0.01 for a, b in zip(rows["gradus"], rows["cleanlab"]))
    good = rows["gradus"][0] >= 0.6 and rows["gradus"][1] >= 0.7
    print("within 1 % of cleanlab:", near, " precision 0.6 and recall 0.7:", good)
    return 0 if near and good else 1


if sys.argv[1] == "flip":
    flip(*sys.argv[2:])
else:
    sys.exit(judge(*sys.argv[2:]))
