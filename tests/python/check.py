"""The Python package against the library: run by tests/command/test_python.sh with the package on the path, GRADUS_LIBRARY and the command's path as arguments.

    check.py COMMAND ABI
"""

import contextlib
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading

import gradus
import numpy as np
from gradus import _library

command, abi = sys.argv[1:3]
rng = np.random.default_rng(7)
N = 240
X = (rng.normal(size=(N, 3)) * [1, 5, 100] + [10, -3, 500]).astype("f4")
Y = (X[:, 0] > 10).astype(int) + (X[:, 1] > -3).astype(int)
NAMES = ["none", "one", "both"]
RECIPE = {
    "gradus": 1, "name": "small", "seed": 3,
    "data": {"train": "program", "validation": {"split": 0.25}, "batch": 20, "prepare": ["standardize"]},
    "model": {"input": [3], "layers": [{"type": "dense", "units": 16, "activation": "tanh"}, {"type": "dense", "units": 3, "name": "head"}]},
    "cost": "cross_entropy", "optimizer": {"type": "adam", "lr": 0.03}, "stop": {"epochs": 15},
}
DATA = gradus.Data(X, Y, classes=NAMES)
tests = []


def test(f):
    tests.append(f)
    return f


@contextlib.contextmanager
def raises(kind, says):
    try:
        yield
    except kind as e:
        assert re.search(says, str(e)), f"{e!r} does not say {says}"
        return
    raise AssertionError(f"no {kind.__name__} that says {says}")


@test
def layouts_are_those_of_the_headers():
    found, struct, functions = {}, None, set()
    for line in open(abi):
        if m := re.match(r"struct (\w+): (\d+) bytes", line):
            struct = found.setdefault(m[1], (int(m[2]), []))[1]
        elif m := re.match(r" +(\d+) +(\d+)  (\w+):", line):
            struct.append((m[3], int(m[1]), int(m[2])))
        elif m := re.search(r"\b(gr_\w+)\(.*;$", line):
            functions.add(m[1])
    for name, mine in _library.STRUCTS.items():
        size, fields = found[name]
        assert _library.c.sizeof(mine) == size, name
        assert [(f, getattr(mine, f).offset, getattr(mine, f).size) for f, *_ in mine._fields_] == fields, name
    assert set(_library.FUNCTIONS) <= functions
    version = dict(re.findall(r"^(\w+_VERSION) = (\d+)$", open(abi).read(), re.M))
    assert [version[k] for k in ("GR_DATA_FIELD_VERSION", "GR_WATCHER_VERSION", "GR_TRAINER_VERSION")] == ["1"] * 3  # what the package writes


@test
def trains_and_predicts():
    told = []
    r = gradus.train(RECIPE, DATA, out="run", after_evaluation=lambda p: told.append((p.step, p.evaluation.error, p.best)))
    assert r.reason == "epochs" and r.steps == 135 and len(told) == 15 and r.folder == "run" and r.peak_bytes == r.planned_bytes
    assert min(e for _, e, _ in told) == r.best_error < 0.2
    with gradus.load("run/best.safetensors") as m:
        assert m.classes == NAMES and m.inputs == {"input": (3,)} and m.heads == ["main"] and "lr: 0.03" in m.recipe
        p = m.predict(X)
        assert p.shape == (N, 3) and p.dtype == np.float32 and np.allclose(p.sum(1), 1, atol=1e-5)
        assert (p.argmax(1) == Y).mean() > 0.85
        one = m.predict(X[5])
        assert one.shape == (3,) and np.allclose(one, p[5], atol=1e-6)
        assert np.array_equal(m.predict(X.astype("f8").astype(">f4")), p) and np.array_equal(m.predict(X[::-1][::-1]), p)
        assert m.tensors["head.weight"].shape == (3, 16)
        subprocess.run([command, "prune", "run/best.safetensors", "--sparsity", "0.5", "-o", "pruned.safetensors", "--quiet"], check=True)
        with gradus.load("pruned.safetensors") as pruned:
            t = pruned.tensors
            assert sorted(set(t["head.weight.mask"].ravel())) == [0, 1] and np.all(t["head.weight"][t["head.weight.mask"] == 0] == 0)
            assert pruned.predict(X).shape == p.shape
        e = m.evaluate(X, Y)
        assert e.samples == N and abs(e.metrics["accuracy"] + e.error - 1) < 1e-12 and e.confusion.sum() == N and not e.heads
        assert abs(e.error - (p.argmax(1) != Y).mean()) < 1e-12
        np.save("x.npy", X)
        assert np.array_equal(m.predict("x.npy"), p)
        assert m.predict({"input": X}).shape == p.shape
    out = subprocess.run([command, "predict", "run/best.safetensors", "x.npy", "--json"], capture_output=True, text=True, check=True).stdout
    assert np.array_equal(np.array([json.loads(line)["probabilities"] for line in out.splitlines()], "f4"), p)  # the command's bits [D18]
    assert r.best().tensors["head.weight"].shape == r.last().tensors["head.weight"].shape


@test
def runs_are_those_of_the_command():
    source = {"type": "synthetic", "kind": "blobs", "features": 3, "classes": 3, "n": 150}
    recipe = dict(RECIPE, name="points", data={"train": source, "validation": {"split": 0.2}, "test": {"split": 0.2}, "batch": 20, "prepare": ["standardize"]}, stop={"epochs": 3})
    with open("points.yaml", "w") as f:
        json.dump(recipe, f, indent=1)
    r = gradus.train("points.yaml", out="by-python")
    subprocess.run([command, "train", "points.yaml", "--out", "by-command", "--quiet"], check=True)
    for name in ("best.safetensors", "last.safetensors", "recipe.yaml"):
        assert open(f"by-python/{name}", "rb").read() == open(f"by-command/{name}", "rb").read(), name
    said = json.loads(subprocess.run([command, "eval", "by-command/best.safetensors", "--split", "validation", "--json"], capture_output=True, check=True).stdout)
    with r.best() as m:
        e = m.evaluate(part="validation")
        assert (e.samples, e.cost, e.error) == (said["samples"], said["cost_mean"], said["error"]) and e.metrics == said["metrics"]
        assert e.confusion.tolist() == said["confusion"] and e.cost == r.best_cost
        for _ in range(2):
            m.evaluate(part="test")
    assert len(open("by-python/test-looks.jsonl").readlines()) == 2  # looks at the test part are counted


@test
def every_type_of_numbers():
    whole = np.round(X).astype("i8")
    with gradus.load("run/best.safetensors") as m:
        p = m.predict(whole)
        for t in ("i2", "i4", "f4", "f8"):
            assert np.allclose(m.predict(whole.astype(t)), p, atol=1e-6), t
        bits = m.predict(np.array([[True, False, True]]))
        assert np.array_equal(bits, m.predict(np.array([[1, 0, 1]], "u1")))
        for wrong in (X.astype("c8"), np.array([["a", "b", "c"]]), X.astype("g")):
            with raises(TypeError, "numbers are wanted"):
                m.predict(wrong)


@test
def a_reader_gives_samples():
    calls = []
    read = gradus.Reader(lambda i: calls.append(i) or X[i], N, (3,))
    a = gradus.train(RECIPE, gradus.Data(read, Y, classes=NAMES), out="read")
    b = gradus.train(RECIPE, DATA, out="again")
    assert a.final_cost == b.final_cost and sorted(calls) == list(range(N))

    def broken(i):
        if i == 7:
            raise KeyError("seven")
        return X[i]

    with raises(KeyError, "seven"):
        gradus.train(RECIPE, gradus.Data(gradus.Reader(broken, N, (3,)), Y), out="broken")
    assert not os.path.exists("broken")
    with gradus.load("run/best.safetensors") as m:
        with raises(ValueError, r"sample 0 has the shape \(2,\)"):
            m.predict(gradus.Data(gradus.Reader(lambda i: X[i, :2], 4, (3,))))
        assert m.predict(X[:2]).shape == (2, 3)  # it goes on


@test
def callbacks_stop_and_fail():
    r = gradus.train(RECIPE, DATA, out="stopped", after_update=lambda p: gradus.STOP if p.step == 9 else None)
    assert r.reason == "asked" and r.steps == 9
    saved = []
    r = gradus.train(RECIPE, DATA, out="stopped", resume=True, before_checkpoint=lambda p: saved.append(p.step))
    whole = gradus.train(RECIPE, DATA, out="whole")
    assert r.steps == whole.steps and r.final_cost == whole.final_cost and r.best_error == whole.best_error and saved[-1] == r.steps

    def breaks(p):
        raise OSError(f"at {p.step}")

    for name in ("after_update", "after_evaluation", "before_checkpoint", "progress"):
        with raises(OSError, "at "):
            gradus.train(RECIPE, DATA, out="fails-" + name, **{name: breaks})


@test
def interrupts_write_a_checkpoint():
    def press(p):
        if p.step == 4:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with raises(KeyboardInterrupt, "interrupted after step [45]"):
        gradus.train(RECIPE, DATA, out="pressed", after_update=press)
    assert signal.getsignal(signal.SIGINT) is before and os.listdir("pressed/checkpoints")
    assert gradus.train(RECIPE, DATA, out="pressed", resume=True).steps == 135

    def raises_itself(p):
        if p.step == 4:
            raise KeyboardInterrupt("mine")

    with raises(KeyboardInterrupt, "mine"):
        gradus.train(RECIPE, DATA, out="itself", after_update=raises_itself)
    assert os.listdir("itself/checkpoints")


@test
def errors_have_places():
    open("bad.yaml", "w").write("gradus: 1\ndata: {train: program}\nmodel: {input: [3], layers: [{type: dense, units: 2}]}\ncost: cross_entropy\noptimizer: {type: adam, beta2: 1.5}\n")
    try:
        gradus.train("bad.yaml", DATA)
        raise AssertionError("it trains")
    except gradus.RecipeError as e:
        assert (e.code, e.file, e.line, e.key) == ("E_RANGE", "bad.yaml", 5, "optimizer.beta2") and e.column > 20 and isinstance(e, ValueError)
        assert str(e).startswith("bad.yaml:5:")
    with raises(gradus.RecipeError, 'did you mean "optimizer"'):
        gradus.train(RECIPE, DATA, set={"optimiser.lr": 1})
    with raises(gradus.DataError, "none.safetensors"):
        gradus.load("none.safetensors")
    with raises(gradus.RecipeError, "run"):
        gradus.train(RECIPE, DATA, out="run")
    with raises(gradus.BudgetError, "budget"):
        gradus.train(RECIPE, DATA, out="poor", budget=2000)
    with raises(MemoryError, "budget"):
        gradus.load("run/best.safetensors", budget=100).predict(X)
    try:
        gradus.train(RECIPE, DATA, out="far", set={"optimizer": "{type: sgd, lr: 1e38}"})
        raise AssertionError("it does not diverge")
    except gradus.Diverged as e:
        assert e.result.reason == "diverged" and e.code == "E_DIVERGED"
    with gradus.load("run/best.safetensors") as m:
        for call, says in ((lambda: m.predict(X[:, :2]), "the model takes"), (lambda: m.predict({"table": X}), 'no input "input"'),
                           (lambda: m.evaluate(X), 'no target "main"'), (lambda: m.evaluate(X, Y + 1), "3"), (lambda: m.evaluate(part="test"), "no test data"),
                           (lambda: m.predict(X * np.nan), "nan"), (lambda: m.predict("none.npy"), "none.npy")):
            with raises(gradus.Error, says):
                call()
        with raises(ValueError, "different numbers of samples"):
            m.evaluate(X, Y[:-1])
        with raises(TypeError, "evaluate takes"):
            m.evaluate()
    with raises(ValueError, "closed"):
        m.predict(X)


@test
def warnings_are_logged():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger("gradus").addHandler(handler)
    with gradus.load("run/best.safetensors") as m:
        m.predict(X)
        assert stream.getvalue() == ""
        m.predict((X - X.mean(0)) / X.std(0))
        assert "give raw input" in stream.getvalue()
    logging.getLogger("gradus").removeHandler(handler)


@test
def several_inputs_and_heads():
    recipe = dict(RECIPE, name="many", heads={"kind": {"from": "k", "cost": "cross_entropy"}, "size": {"from": "s", "cost": "mse"}})
    del recipe["cost"]
    recipe["model"] = {"inputs": {"a": [2], "b": [1]}, "layers": [
        {"type": "dense", "units": 8, "from": "a", "activation": "tanh", "name": "u"}, {"type": "dense", "units": 8, "from": "b", "name": "v"},
        {"type": "add", "from": ["u", "v"], "name": "w"}, {"type": "dense", "units": 3, "from": "w", "name": "k"},
        {"type": "dense", "units": 1, "from": "w", "name": "s"}]}
    data = gradus.Data({"a": X[:, :2], "b": X[:, 2:]}, {"kind": Y, "size": X[:, 0]}, weights=np.ones(N), classes={"kind": NAMES})
    gradus.train(recipe, data, out="many", set={"stop.epochs": 2})
    with gradus.load("many/best.safetensors") as m:
        assert m.inputs == {"a": (2,), "b": (1,)} and m.heads == ["kind", "size"] and m.classes == {"kind": NAMES, "size": None}
        p = m.predict({"a": X[:, :2], "b": X[:, 2:]})
        assert p["kind"].shape == (N, 3) and p["size"].shape == (N, 1)
        e = m.evaluate(data)
        assert set(e.heads) == {"kind", "size"} and np.isnan(e.error) and "accuracy" in e.heads["kind"].metrics
        assert abs(e.cost - e.heads["kind"].cost - e.heads["size"].cost) < 1e-9 * abs(e.cost)


@test
def threads_do_not_meet():
    found = [None] * 4

    def work(i):
        r = gradus.train(RECIPE, DATA, out=f"thread-{i}", set={"stop.epochs": 3}, threads=1)
        with r.best() as m:
            found[i] = (r.final_cost, m.predict(X).tobytes())

    all = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in all:
        t.start()
    for t in all:
        t.join()
    assert found[0] is not None and found == [found[0]] * 4


for f in tests:
    f()
    print("ok", f.__name__, flush=True)
print(len(tests), "held")
