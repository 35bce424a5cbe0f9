#!/usr/bin/env python3
"""Writes the evidence of the metrics, tests/family/metric/*.txt, by their definitions in exact fractions: pairs are counted one by one, averages summed
class by class. Nothing is shared with the library, which counts in one pass.

    python make_metrics.py             (the standard library alone; where scikit-learn is installed, everything that it knows is checked against it)

Every probability is a multiple of 1/64, so that it is the same number in float and double and equal ones are really equal. A case has the settings, the
form of the targets, predictions [n, outputs], targets [n] or [n, outputs], where it matters the counts of the training classes, and the value; nan: none.
"""
import math
import os
import random
from fractions import Fraction as F

try:
    import numpy as np
    from sklearn import metrics as sk
except ImportError:
    sk = None

HERE = os.path.dirname(os.path.abspath(__file__))
NAN = float("nan")


def number(x):
    text = repr(float(x))
    return text[:-2] if text.endswith(".0") else text


def tensor(name, rows):
    shape, flat = [], rows
    while isinstance(flat, list):
        shape.append(len(flat))
        flat = flat[0] if flat else None
    def flatten(v):
        return [y for x in v for y in flatten(x)] if isinstance(v, list) else [v]
    return " ".join(["tensor", name, *map(str, shape), ":", *map(number, flatten(rows))])


class File:
    def __init__(self, member, what):
        self.member, self.lines = member, [f"# metric {member}: {what}. Written by make_metrics.py."]
        self.n = 0

    def case(self, name, settings, form, prediction, target, value, counts=None, classes=None):
        inner = f", {settings}" if settings else ""
        self.lines += [f"case {name}", f"set {{type: {self.member}{inner}}}", f"word form {form}"]
        if classes:
            self.lines.append(f"word classes {classes}")
        self.lines += [tensor("prediction", prediction), tensor("target", target)]
        if counts:
            self.lines.append(tensor("counts", counts))
        self.lines.append(f"tensor value : {number(value)}")
        self.n += 1

    def write(self):
        assert 2 <= self.n <= 32
        os.makedirs(os.path.join(HERE, "metric"), exist_ok=True)
        with open(os.path.join(HERE, "metric", self.member + ".txt"), "w") as f:
            f.write("\n".join(self.lines) + "\n")


def agree(a, b):
    assert (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-12 * max(1, abs(b)), (a, b)


# ---- data ----

def shares(rng, k, sharp):
    """k probabilities in 64ths that sum to 1, none of them 0."""
    cuts = [rng.random() ** sharp for _ in range(k)]
    whole = [1 + int((64 - k) * c / sum(cuts)) for c in cuts]
    whole[rng.randrange(k)] += 64 - sum(whole)
    return [F(w, 64) for w in whole]


def classes(seed, n, k, weights=None, sharp=2, lean=0.5):
    """Targets, and predictions that lean towards them; weights: how often each class is true."""
    rng = random.Random(seed)
    y = rng.choices(range(k), weights or [1] * k, k=n)
    p = []
    for label in y:
        row = shares(rng, k, sharp)
        if rng.random() < lean:
            at = row.index(max(row))
            row[label], row[at] = row[at], row[label]
        p.append(row)
    return p, y


def guess(row):
    return row.index(max(row))


def yes_no(seed, n, width, often=0.4):
    rng = random.Random(seed)
    y = [[int(rng.random() < often) for _ in range(width)] for _ in range(n)]
    p = [[F(min(63, max(1, int(64 * (0.35 * t + 0.65 * rng.random())))), 64) for t in row] for row in y]
    return p, y


# ---- definitions ----

def cells(true, said, k):
    """TP, FP, FN of class k, counted sample by sample."""
    tp = fp = fn = 0
    for t, s in zip(true, said):
        tp += t == k and s == k
        fp += t != k and s == k
        fn += t == k and s != k
    return tp, fp, fn


def ratio(a, b):
    return F(a, b) if b else F(0)


def figure(which, tp, fp, fn):
    return {"f1": ratio(2 * tp, 2 * tp + fp + fn), "precision": ratio(tp, tp + fp), "recall": ratio(tp, tp + fn)}[which]


def averaged(which, table, how):
    """table: (TP, FP, FN) a class; those neither true nor predicted do not count."""
    table = [c for c in table if sum(c)]
    if how == "micro":
        return figure(which, *[sum(c[i] for c in table) for i in range(3)])
    values = [figure(which, *c) for c in table]
    weights = [c[0] + c[2] for c in table] if how == "weighted" else [1] * len(table)
    return ratio_sum(values, weights)


def ratio_sum(values, weights):
    total = sum(weights)
    return sum(v * w for v, w in zip(values, weights)) / total if total else F(0)


def area(scores, yes):
    """Of all pairs of a yes and a no: those in the right order, equal ones by half."""
    ups = [s for s, t in zip(scores, yes) if t]
    downs = [s for s, t in zip(scores, yes) if not t]
    if not ups or not downs:
        return NAN
    return sum(F(1) if u > d else F(1, 2) if u == d else F(0) for u in ups for d in downs) / (len(ups) * len(downs))


def mean(values):
    return sum(values) / len(values)


# ---- files ----

def averages(which):
    f = File(which, "counted sample by sample")
    sk_of = sk and {"f1": sk.f1_score, "precision": sk.precision_score, "recall": sk.recall_score}[which]

    def two(name, settings, p, y, positive, counts=None):
        said = [guess(r) for r in p]
        v = float(figure(which, *cells(y, said, positive)))
        if sk:
            agree(v, sk_of(y, said, pos_label=positive, average="binary", zero_division=0, labels=[0, 1]))
        f.case(name, settings, "class", p, y, v, counts)

    def many(name, how, p, y, k):
        said = [guess(r) for r in p]
        v = float(averaged(which, [cells(y, said, c) for c in range(k)], how))
        if sk:
            agree(v, sk_of(y, said, average=how, zero_division=0))
        f.case(name, "" if how == "macro" else f"average: {how}", "class", p, y, v)

    p, y = classes(1, 40, 2, [3, 1])
    two("rarer_is_1", "", p, y, 1, [300, 100])
    two("rarer_is_0", "", p, y, 0, [100, 101])
    two("counts_alike_mean_1", "", p, y, 1, [50, 50])
    two("nothing_known_means_1", "", p, y, 1)
    two("positive_0_whatever_the_counts", "positive: 0", p, y, 0, [300, 100])
    two("positive_1_whatever_the_counts", "positive: 1", p, y, 1, [1, 100])
    always = [[F(3, 4), F(1, 4)] for _ in range(30)]
    two("always_the_majority", "", always, [0] * 29 + [1], 1, [99, 1])
    two("no_positive_anywhere", "", always, [0] * 30, 1, [99, 1])
    two("never_true", "", [[F(1, 4), F(3, 4)]] + always, [0] * 31, 1, [99, 1])
    said = [guess(r) for r in p]
    for how in ("macro", "micro", "weighted"):
        v = float(averaged(which, [cells(y, said, c) for c in range(2)], how))
        if sk:
            agree(v, sk_of(y, said, average=how, zero_division=0))
        f.case(f"two_{how}", f"average: {how}", "class", p, y, v, [300, 100])
    p, y = classes(2, 60, 5, [8, 4, 2, 1, 1])
    for how in ("macro", "micro", "weighted"):
        many(f"five_{how}", how, p, y, 5)
    p, y = classes(3, 25, 6, [5, 3, 0, 0, 1, 0], sharp=6, lean=0.9)
    for how in ("macro", "micro", "weighted"):
        many(f"absent_{how}", how, p, y, 6)
    p, y = classes(4, 20, 3)
    rows = [p[2 * i] + p[2 * i + 1] for i in range(10)]
    said = [guess(r) for r in p]
    f.case("two_positions", "", "class", rows, [[y[2 * i], y[2 * i + 1]] for i in range(10)],
           float(averaged(which, [cells(y, said, c) for c in range(3)], "macro")), classes=3)
    for seed, width, often in ((5, 4, 0.4), (6, 3, 0.1)):
        p, y = yes_no(seed, 30, width, often)
        table = []
        for k in range(width):
            table.append(cells([r[k] for r in y], [int(r[k] >= F(1, 2)) for r in p], 1))
        for how in ("macro", "micro", "weighted"):
            v = float(averaged(which, table, how))
            if sk and all(sum(c) for c in table):
                agree(v, sk_of(np.array(y), np.array([[int(x >= F(1, 2)) for x in r] for r in p]), average=how, zero_division=0))
            f.case(f"labels_{width}_{how}", "" if how == "macro" else f"average: {how}", "labels", p, y, v)
    f.case("labels_never", "", "labels", [[F(1, 4), F(1, 8)]] * 5, [[0, 0]] * 5, 0.0)
    f.write()


def accuracy():
    f = File("accuracy", "counted sample by sample")
    for seed, n, k in ((11, 30, 2), (12, 50, 7)):
        p, y = classes(seed, n, k)
        v = float(mean([F(int(guess(r) == t)) for r, t in zip(p, y)]))
        if sk:
            agree(v, sk.accuracy_score(y, [guess(r) for r in p]))
        f.case(f"classes_{k}", "", "class", p, y, v)
    p, y = yes_no(13, 25, 3)
    f.case("labels", "", "labels", p, y, float(mean([F(int((x >= F(1, 2)) == bool(t))) for r, s in zip(p, y) for x, t in zip(r, s)])))
    p, _ = classes(14, 20, 4)
    q, _ = classes(15, 20, 4)
    f.case("distributions", "", "distribution", p, q, float(mean([F(int(guess(a) == guess(b))) for a, b in zip(p, q)])))
    f.write()


def balanced_accuracy():
    f = File("balanced_accuracy", "the mean of the recalls of classes that are there")
    for seed, n, k, w in ((21, 40, 2, [9, 1]), (22, 60, 5, [8, 4, 2, 1, 1]), (23, 25, 6, [5, 3, 0, 0, 1, 0])):
        p, y = classes(seed, n, k, w)
        said = [guess(r) for r in p]
        v = float(mean([figure("recall", *cells(y, said, c)) for c in sorted(set(y))]))
        if sk:
            agree(v, float(np.mean(sk.recall_score(y, said, labels=sorted(set(y)), average=None, zero_division=0))))
        f.case(f"classes_{k}", "", "class", p, y, v)
    f.write()


def mcc():
    """As the correlation of one-hot truth and one-hot prediction, from their covariances."""
    f = File("mcc", "the correlation of one-hot truth and prediction")

    def covariance(a, b, k):
        n = len(a)
        return sum(F(sum(int(x == c) * int(z == c) for x, z in zip(a, b)), n) - F(sum(x == c for x in a), n) * F(sum(z == c for z in b), n)
                   for c in range(k))

    def case(name, p, y, k):
        said = [guess(r) for r in p]
        product = covariance(y, y, k) * covariance(said, said, k)
        v = float(covariance(y, said, k)) / math.sqrt(product) if product else 0.0
        if sk:
            agree(v, float(sk.matthews_corrcoef(y, said)))
        f.case(name, "", "class", p, y, v)

    for seed, n, k, w in ((31, 40, 2, [4, 1]), (32, 60, 5, [8, 4, 2, 1, 1]), (33, 25, 6, [5, 3, 0, 0, 1, 0])):
        case(f"classes_{k}", *classes(seed, n, k, w), k)
    case("opposite", *([[F(1, 4), F(3, 4)], [F(3, 4), F(1, 4)]], [0, 1]), 2)
    case("one_prediction", [[F(3, 4), F(1, 4)]] * 10, [0] * 9 + [1], 2)
    case("one_truth", [[F(3, 4), F(1, 4)]] * 5 + [[F(1, 4), F(3, 4)]], [1] * 6, 2)
    f.write()


def top_k():
    f = File("top_k", "classes sorted by probability, equal ones by number")
    for seed, k, tops in ((41, 5, (1, 2, 3, 5)), (42, 8, (1, 5)), (43, 2, (1, 2))):
        p, y = classes(seed, 40, k, sharp=3, lean=0.2)
        for top in tops:
            first = [sorted(range(k), key=lambda c: (-r[c], c))[:top] for r in p]
            f.case(f"{top}_of_{k}", f"k: {top}", "class", p, y, float(mean([F(int(t in s)) for s, t in zip(first, y)])))
    p, y = classes(44, 30, 8)
    first = [sorted(range(8), key=lambda c: (-r[c], c))[:5] for r in p]
    f.case("5_by_default", "", "class", p, y, float(mean([F(int(t in s)) for s, t in zip(first, y)])))
    f.write()


def auc():
    f = File("auc", "all pairs counted one by one")
    for seed, n, w in ((51, 40, [1, 1]), (52, 60, [9, 1]), (53, 7, [1, 2])):
        p, y = classes(seed, n, 2, w)
        v = float(area([r[1] for r in p], y))
        if sk:
            agree(v, sk.roc_auc_score(y, [float(r[1]) for r in p]))
        f.case(f"two_{seed}", "", "class", p, y, v)
    f.case("all_alike", "", "class", [[F(1, 2), F(1, 2)]] * 6, [0, 1, 1, 0, 1, 0], 0.5)
    f.case("perfect", "", "class", [[F(1, 8), F(7, 8)], [F(7, 8), F(1, 8)], [F(5, 8), F(3, 8)]], [1, 0, 0], 1.0)
    f.case("reversed", "", "class", [[F(1, 8), F(7, 8)], [F(7, 8), F(1, 8)], [F(5, 8), F(3, 8)]], [0, 1, 1], 0.0)
    f.case("one_kind", "", "class", [[F(1, 8), F(7, 8)], [F(7, 8), F(1, 8)]], [1, 1], NAN)
    for seed, n, k in ((54, 50, 3), (55, 90, 6)):
        p, y = classes(seed, n, k, [k] + [1] * (k - 1))
        v = float(mean([area([r[c] for r in p], [t == c for t in y]) for c in range(k)]))
        if sk:
            agree(v, sk.roc_auc_score(y, [[float(x) for x in r] for r in p], multi_class="ovr", average="macro"))
        f.case(f"classes_{k}", "", "class", p, y, v)
    p, y = classes(56, 20, 4, [1, 1, 1, 0])
    f.case("class_missing", "", "class", p, y, NAN)
    p, y = yes_no(57, 40, 3)
    v = float(mean([area([r[c] for r in p], [t[c] for t in y]) for c in range(3)]))
    if sk:
        agree(v, sk.roc_auc_score(np.array(y), np.array([[float(x) for x in r] for r in p]), average="macro"))
    f.case("labels", "", "labels", p, y, v)
    p, y = yes_no(58, 10, 2)
    f.case("label_missing", "", "labels", p, [[t[0], 0] for t in y], NAN)
    f.write()


def logs():
    loss, perplexity, bits = (File(m, w) for m, w in (("log_loss", "logarithms summed one by one"), ("perplexity", "by products of probabilities"),
                                                      ("bits_per_byte", "logarithms to base 2")))
    for seed, n, k in ((61, 30, 2), (62, 40, 5), (63, 15, 16)):
        p, y = classes(seed, n, k)
        right = [r[t] for r, t in zip(p, y)]
        v = math.fsum(-math.log(x) for x in right) / n
        if sk:
            agree(v, sk.log_loss(y, [[float(x) for x in r] for r in p], labels=list(range(k))))
        loss.case(f"classes_{k}", "", "class", p, y, v)
        product = F(1)
        for x in right:
            product *= x
        top, bottom = product.numerator, product.denominator  # beyond a double: by the logarithms of whole numbers
        perplexity.case(f"classes_{k}", "", "class", p, y, math.exp((math.log(bottom) - math.log(top)) / n))
        bits.case(f"classes_{k}", "", "class", p, y, math.fsum(-math.log2(x) for x in right) / n)
    p, y = yes_no(64, 20, 3)
    loss.case("labels", "", "labels", p, y, math.fsum(-math.log(x if t else 1 - x) for r, s in zip(p, y) for x, t in zip(r, s)) / 60)
    soft = [[F(t * 3 + 1, 8) for t in row] for row in y]
    loss.case("soft_labels", "", "labels", p, soft,
              math.fsum(-float(t) * math.log(x) - float(1 - t) * math.log(1 - x) for r, s in zip(p, soft) for x, t in zip(r, s)) / 60)
    p, _ = classes(65, 20, 4)
    q, _ = classes(66, 20, 4)
    loss.case("distributions", "", "distribution", p, q, math.fsum(-float(t) * math.log(x) for r, s in zip(p, q) for x, t in zip(r, s)) / 20)
    p, y = classes(67, 12, 3)
    rows, pairs = [p[2 * i] + p[2 * i + 1] for i in range(6)], [[y[2 * i], y[2 * i + 1]] for i in range(6)]
    v = math.fsum(-math.log(r[t]) for r, t in zip(p, y)) / 12
    for f, x in ((loss, v), (perplexity, math.exp(v)), (bits, v / math.log(2))):
        f.case("two_positions", "", "class", rows, pairs, x, classes=3)
        f.write()


def values():
    rmse, mae, r2 = (File(m, "in exact fractions") for m in ("rmse", "mae", "r2"))
    rng = random.Random(71)
    for name, n, width, offset in (("one", 20, 1, 0), ("three", 15, 3, 0), ("far_from_0", 12, 2, 2 ** 16)):
        y = [[F(rng.randrange(-640, 640), 64) + offset for _ in range(width)] for _ in range(n)]
        p = [[t + F(rng.randrange(-200, 200), 64) for t in row] for row in y]
        d = [[a - t for a, t in zip(r, s)] for r, s in zip(p, y)]
        squares = mean([x * x for row in d for x in row])
        rmse.case(name, "", "values", p, y, math.sqrt(squares))
        absolute = float(mean([abs(x) for row in d for x in row]))
        mae.case(name, "", "values", p, y, absolute)
        parts = []
        for k in range(width):
            middle = mean([row[k] for row in y])
            parts.append(1 - sum(row[k] ** 2 for row in d) / sum((row[k] - middle) ** 2 for row in y))
        explained = float(mean(parts))
        if sk:
            a, b = ([[float(x) for x in row] for row in rows] for rows in (y, p))
            agree(explained, sk.r2_score(a, b))
            agree(absolute, sk.mean_absolute_error(a, b))
            agree(math.sqrt(squares), math.sqrt(sk.mean_squared_error(a, b)))
        r2.case(name, "", "values", p, y, explained)
    r2.case("constant", "", "values", [[F(1)], [F(2)], [F(3)]], [[F(5, 2)]] * 3, NAN)
    r2.case("one_of_two_constant", "", "values", [[F(1), F(1)], [F(2), F(1)]], [[F(5, 2), F(0)], [F(5, 2), F(1)]], NAN)
    r2.case("worse_than_the_mean", "", "values", [[F(5)], [F(-5)]], [[F(-1)], [F(1)]], -35.0)
    p, _ = classes(72, 20, 4)
    q, _ = classes(73, 20, 4)
    d = [a - b for r, s in zip(p, q) for a, b in zip(r, s)]
    rmse.case("distributions", "", "distribution", p, q, math.sqrt(mean([x * x for x in d])))
    mae.case("distributions", "", "distribution", p, q, float(mean([abs(x) for x in d])))
    for f in (rmse, mae, r2):
        f.write()


for one in ("f1", "precision", "recall"):
    averages(one)
accuracy()
balanced_accuracy()
mcc()
top_k()
auc()
logs()
values()
print("checked against scikit-learn" if sk else "scikit-learn is not here: only written")
