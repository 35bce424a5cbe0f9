"""Studies of gradus tune against Optuna's TPE: tune.py GRADUS FOLDER [STUDIES]. Prints a line a recipe; exit 1 where ours is worse in the median.

The same recipes, spaces, number of trials and training seeds; the best validation cost of each study is compared. Optuna's trials are trained by the same command."""
import json
import os
import statistics
import subprocess
import sys

import optuna

TRIALS = 40

SPIRALS = """
gradus: 1
name: spirals
data: {train: {type: synthetic, kind: spirals, n: 300, classes: 2, noise: 0.1, seed: 2}, validation: {split: 0.3}, batch: 20, prepare: [standardize]}
model: {input: [2], layers: [{type: dense, units: 24, activation: relu, name: h}, {type: dense, units: 2}]}
cost: cross_entropy
optimizer: {type: sgdm, lr: 0.02}
stop: {epochs: 12}
validate: {every: 12 epochs}
"""
DIGITS = """
gradus: 1
name: digits
data: {train: {type: synthetic, kind: digits, n: 300, noise: 0.6, seed: 1}, validation: {split: 0.3}, batch: 30, prepare: [standardize]}
model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 24, activation: relu}, {type: dropout, rate: 0.2}, {type: dense, units: 10}]}
cost: cross_entropy
optimizer: {type: adam, lr: 0.001}
stop: {epochs: 4}
validate: {every: 4 epochs}
"""
LINE = """
gradus: 1
name: line
data: {train: {type: synthetic, kind: regression, n: 200, features: 8, noise: 0.3, seed: 4}, validation: {split: 0.3}, batch: 20, prepare: [standardize]}
model: {input: [8], layers: [{type: dense, units: 12, activation: tanh, name: h}, {type: dense, units: 1}]}
cost: mse
optimizer: {type: sgdm, lr: 0.02}
stop: {epochs: 4}
validate: {every: 4 epochs}
"""
# A space: how gradus writes it, and how Optuna is asked for it.
CASES = {
    "spirals": (SPIRALS, {
        "optimizer.lr": ("log(1e-4,10)", lambda t, k: t.suggest_float(k, 1e-4, 10, log=True)),
        "optimizer.momentum": ("uniform(0,0.99)", lambda t, k: t.suggest_float(k, 0, 0.99)),
        "data.batch": ("int_log(4,128)", lambda t, k: t.suggest_int(k, 4, 128, log=True)),
    }),
    "digits": (DIGITS, {
        "optimizer.lr": ("log(1e-5,1)", lambda t, k: t.suggest_float(k, 1e-5, 1, log=True)),
        "optimizer.weight_decay": ("log(1e-6,1)", lambda t, k: t.suggest_float(k, 1e-6, 1, log=True)),
        "model.layers[2].rate": ("uniform(0,0.8)", lambda t, k: t.suggest_float(k, 0, 0.8)),
        "model.layers[1].units": ("int_log(4,128)", lambda t, k: t.suggest_int(k, 4, 128, log=True)),
    }),
    "line": (LINE, {
        "optimizer": ("{adam,sgdm,rmsprop}", lambda t, k: t.suggest_categorical(k, ["adam", "sgdm", "rmsprop"])),
        "optimizer.lr": ("log(1e-5,1)", lambda t, k: t.suggest_float(k, 1e-5, 1, log=True)),
        "model.layers[0].units": ("int(2,40)", lambda t, k: t.suggest_int(k, 2, 40)),
        "model.layers[0].activation": ("{tanh,relu,sigmoid}", lambda t, k: t.suggest_categorical(k, ["tanh", "relu", "sigmoid"])),
    }),
}


def ours(gradus, folder, recipe, spaces, seed):
    study = f"{folder}/ours-{os.path.basename(recipe)}-{seed}.db"
    words = [gradus, "tune", recipe, "--json", "--seed", str(seed), "--trials", str(TRIALS), "--metric", "cost", "--study", study, "--method", "tpe"]
    for key, (text, _) in spaces.items():
        words += ["--try", f"{key}={text}"]
    out = subprocess.run(words, capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return json.loads(out.stdout.splitlines()[-1])["best"]["metric"]


def train(gradus, folder, recipe, seed, values):
    """The same training by a grid of one point: the cost, or none where it diverged."""
    study = f"{folder}/one.db"
    for end in ("", "-claims"):
        if os.path.exists(study + end):
            os.unlink(study + end)
    words = [gradus, "tune", recipe, "--json", "--seed", str(seed), "--metric", "cost", "--study", study, "--method", "grid"]
    for key, value in values.items():
        words += ["--try", f"{key}={{{value}}}"]
    out = subprocess.run(words, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[0])["metric"] if out.stdout else None


def optunas(gradus, folder, recipe, spaces, seed):
    def objective(trial):
        cost = train(gradus, folder, recipe, seed, {k: ask(trial, k) for k, (_, ask) in spaces.items()})
        if cost is None:
            raise optuna.TrialPruned()
        return cost

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=TRIALS)
    return study.best_value


def main():
    gradus, folder = sys.argv[1], sys.argv[2]
    studies = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bad = 0
    for name, (text, spaces) in CASES.items():
        recipe = f"{folder}/{name}.yaml"
        with open(recipe, "w") as f:
            f.write(text)
        a = [ours(gradus, folder, recipe, spaces, s) for s in range(1, studies + 1)]
        b = [optunas(gradus, folder, recipe, spaces, s) for s in range(1, studies + 1)]
        better = sum(x < y for x, y in zip(a, b))
        worse = statistics.median(a) > statistics.median(b)
        bad += worse
        print(f"{name}: median best cost of {studies} studies of {TRIALS} trials: gradus {statistics.median(a):.5g}, Optuna {statistics.median(b):.5g}; "
              f"gradus better in {better} of {studies}{'  WORSE' if worse else ''}", flush=True)
    sys.exit(bad > 0)


main()
