"""Holds `gradus baseline` against scikit-learn and against XGBoost's own package, on tables that it makes.

    baselines.py GRADUS FOLDER          a line a comparison; exit 1 where one does not hold

It takes the parts from `gradus data split -o`, prepares them by itself in float64, and fits to convergence."""
import csv
import json
import os
import subprocess
import sys

import numpy as np
import xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

GRADUS, FOLDER = (os.path.abspath(p) for p in sys.argv[1:3])
LIBRARY = os.path.join(os.path.dirname(xgboost.__file__), "lib", "libxgboost.so")
failed = 0


def say(what, ours, theirs, close):
    global failed
    failed += not close
    print(f"{'ok  ' if close else 'FAIL'} {what:34} gradus {ours:.12g}  theirs {theirs:.12g}")


def run(*args):
    out = subprocess.run([GRADUS, *args, "--json"], capture_output=True, text=True, cwd=FOLDER)
    if out.returncode:
        sys.exit(f"{args}: {out.stdout}{out.stderr}")
    return json.loads(out.stdout)


def parts(recipe):
    """Row numbers of training and validation."""
    run("data", "split", recipe, "-o", "split.tsv")
    with open(os.path.join(FOLDER, "split.tsv")) as f:
        rows = [r for r in csv.reader((x for x in f if not x.startswith("#")), delimiter="\t")]
    of = {"train": [], "validation": []}
    for r in rows:
        at = next((p for p in of if p in r), None)
        if at:
            of[at].append(int(r[0]))
    return np.array(of["train"]), np.array(of["validation"])


def table(name, x, y, weight=None):
    heads = [f"x{i}" for i in range(x.shape[1])] + ["y"] + (["w"] if weight is not None else [])
    with open(os.path.join(FOLDER, f"{name}.csv"), "w") as f:
        print(*heads, sep=",", file=f)
        for i in range(len(x)):
            cells = [repr(float(v)) for v in x[i]] + [str(y[i]) if isinstance(y[i], str) else repr(float(y[i]))]
            print(*cells, *([repr(float(weight[i]))] if weight is not None else []), sep=",", file=f)
    weights = ", weights: w" if weight is not None else ""
    classes = sorted(set(y)) if isinstance(y[0], str) else []
    units = len(classes) or 1
    cost = "cross_entropy" if classes else "mse"
    metrics = f"[accuracy, log_loss{', auc' if units == 2 else ''}]" if classes else "[rmse]"
    with open(os.path.join(FOLDER, f"{name}.yaml"), "w") as f:
        f.write(f"gradus: 1\nname: {name}\ndata:\n"
                f"  source: {{type: csv, file: {name}.csv, target: y{weights}, header: true}}\n"
                f"  split: {{validation: 0.3}}\n  prepare: [standardize]\n"
                f"model: {{input: [{x.shape[1]}], layers: [{{type: dense, units: {units}}}]}}\n"
                f"cost: {cost}\nmetrics: {metrics}\noptimizer: adam\nstop: {{epochs: 1}}\n")
    return classes


def prepared(x, train, validation):
    mean, spread = x[train].mean(0), x[train].std(0)
    z = (x - mean) / np.where(spread > 0, spread, 1)
    return z[train], z[validation]


def compare(name, x, y, weight=None):
    classes = table(name, x, y, weight)
    train, validation = parts(f"{name}.yaml")
    a, b = prepared(x, train, validation)
    w = weight[train] if weight is not None else None
    found = {r["name"]: r for r in run("baseline", f"{name}.yaml", "--xgboost", LIBRARY)["baselines"]}
    if classes:
        codes = np.array([classes.index(v) for v in y])
        model = LogisticRegression(C=1, tol=1e-10, max_iter=100000, solver="newton-cholesky" if a.shape[1] < 200 else "lbfgs")
        p = model.fit(a, codes[train], w).predict_proba(b)
        ours = found["logistic"]["metrics"]
        theirs = log_loss(codes[validation], p, labels=range(len(classes)))
        say(f"{name} logistic log loss", ours["log_loss"], theirs, abs(ours["log_loss"] - theirs) < 1e-6)
        right = (p.argmax(1) == codes[validation]).mean()
        say(f"{name} logistic accuracy", ours["accuracy"], right, abs(ours["accuracy"] - right) < 1e-12)
        if len(classes) == 2:
            auc = roc_auc_score(codes[validation], p[:, 1])
            say(f"{name} logistic auc", ours["auc"], auc, abs(ours["auc"] - auc) < 1e-6)
        tree = xgboost.XGBClassifier(n_estimators=100, tree_method="hist", random_state=1)
        right = (tree.fit(a, codes[train], sample_weight=w).predict(b) == codes[validation]).mean()
        mine = found["boosted_trees"]["metrics"]["accuracy"]
        say(f"{name} boosted accuracy", mine, right, abs(mine - right) <= 0.01)
    else:
        y = y.astype(np.float32).astype(float)  # as the recipe holds targets
        p = LinearRegression().fit(a, y[train], w).predict(b)
        theirs, ours = np.sqrt(((p - y[validation]) ** 2).mean()), found["linear"]["validation_error"]
        say(f"{name} linear rmse", ours, theirs, abs(ours - theirs) <= 1e-6 * theirs)
        p = xgboost.XGBRegressor(n_estimators=100, tree_method="hist", random_state=1)
        p = p.fit(a, y[train], sample_weight=w).predict(b)
        theirs, ours = np.sqrt(((p - y[validation]) ** 2).mean()), found["boosted_trees"]["validation_error"]
        say(f"{name} boosted rmse", ours, theirs, abs(ours - theirs) <= 0.01 * theirs)


random = np.random.default_rng(7)
for n, d in (400, 5), (3000, 40), (60, 90):
    x = random.normal(size=(n, d)) @ random.normal(size=(d, d))
    y = x @ random.normal(size=d) + random.normal(size=n)
    compare(f"values{n}x{d}", x, y)
    kinds = (x @ random.normal(size=(d, 4)) / np.sqrt(d) + random.gumbel(size=(n, 4))).argmax(1)
    compare(f"four{n}x{d}", x, [f"k{k}" for k in kinds])
    compare(f"two{n}x{d}", x, [f"k{k % 2}" for k in kinds])
x = random.normal(size=(500, 6))
x = np.hstack([x, x[:, :2] + x[:, 2:4], np.ones((500, 1)), 1e4 + 1e-3 * random.normal(size=(500, 1))])  # of rank 7, and badly scaled
compare("dependent", x, x @ random.normal(size=x.shape[1]) + 0.1 * random.normal(size=500))
compare("dependent2", x, [f"k{int(v)}" for v in (x[:, 0] + random.normal(size=500) > 0)])
weight = random.uniform(0, 2, size=500)
compare("weighted", x[:, :6], x[:, :6] @ random.normal(size=6) + random.normal(size=500), weight)
compare("weighted3", x[:, :6], [f"k{k}" for k in (x[:, :3] + random.gumbel(size=(500, 3))).argmax(1)], weight)
separable = np.where(x[:, 0] > 0.3, "yes", "no")
compare("separable", x[:, :6], list(separable))
sys.exit(failed > 0)
