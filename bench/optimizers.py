#!/usr/bin/env python3
"""Updates of every optimizer over the tensors of ResNet-50 (25.6 million numbers), gradients given: against the speed of memory and against PyTorch.

Gradus's side is build/bench_optimizers: the plan of an update, and in turn with it a plain loop that reads and writes the same arrays on the same threads. PyTorch
steps tensors of the same shapes in each of its forms (a loop over tensors, foreach, fused where it has that for processors); the best one counts. The two sides run
in turn, in rounds, and the best update of all rounds counts for each. One thread is timed by its own processor time, several by the clock.
"""
import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time

import compare

LOOP_SHARE, FOREACH_RATIO, PASSES = 0.8, 1.5, 2  # promised: of the loop's speed; over PyTorch where it has no fused form; a pass for norms, and the update's

# PyTorch's twins, with the settings that are defaults here: class, arguments
TWINS = {
    "gd": ("SGD", {}),
    "sgd": ("SGD", {}),
    "sgdm": ("SGD", {"momentum": 0.9}),
    "nag": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {"alpha": 0.9}),
    "adadelta": ("Adadelta", {"rho": 0.95}),
    "adam": ("Adam", {"eps": 1e-3}),
    "adamw": ("AdamW", {"eps": 1e-3, "weight_decay": 0.01}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "nadam": ("NAdam", {}),
    "radam": ("RAdam", {}),
}


# ---- the two sides ----

def program(o, *arguments):
    p = subprocess.run([o.program, *arguments], capture_output=True, text=True, check=False)
    if p.returncode:
        raise compare.Failed(p.stderr.strip() or f"{o.program}: exit {p.returncode}")
    return p.stdout.splitlines()


def ours(o, name, threads):
    head, line = program(o, "-t", str(threads), "-s", str(o.seconds), name)
    f = dict(zip(head.split(), line.split()))
    return {k: v if k == "optimizer" else float(v) for k, v in f.items()}


def forms(torch, kind):
    known = inspect.signature(getattr(torch.optim, kind)).parameters
    return {"loop": {"foreach": False}, "foreach": {"foreach": True}, **({"fused": {"fused": True}} if "fused" in known else {})}


def torch_form(torch, o, shapes, twin, form, threads):
    """Milliseconds of the best update; None: PyTorch has no such form here."""
    kind, arguments = twin
    torch.manual_seed(1)
    params = [torch.nn.Parameter(torch.empty(s).uniform_(-0.1, 0.1)) for s in shapes]
    for p in params:
        p.grad = torch.empty_like(p).uniform_(-0.01, 0.01)
    try:
        optimizer = getattr(torch.optim, kind)(params, lr=1e-6, **arguments, **form)
        optimizer.step()
    except (RuntimeError, TypeError, NotImplementedError):
        return None
    clock = time.thread_time if threads == 1 else time.perf_counter
    best, begin, n = float("inf"), clock(), 0
    while n < 3 or clock() - begin < o.seconds / 2:
        at = clock()
        optimizer.step()
        best, n = min(best, clock() - at), n + 1
    return 1e3 * best


def theirs(o, shapes, name, threads):
    if name not in TWINS:
        return {}
    import torch
    torch.set_num_threads(threads)
    with torch.no_grad():
        r = {k: torch_form(torch, o, shapes, TWINS[name], f, threads) for k, f in forms(torch, TWINS[name][0]).items()}
    return {k: v for k, v in r.items() if v is not None}


# ---- figures ----

def spread(values):
    return statistics.median(values) / min(values) - 1


def against_torch(f, rounds):
    modes = {k: min(r[1][k] for r in rounds) for k in rounds[0][1]}
    f["torch_modes"], f["torch_mode"] = modes, min(modes, key=modes.get)
    f["torch_ms"] = modes[f["torch_mode"]]
    f["torch_ratio"] = f["torch_ms"] / f["ms"]
    f["spread"] = max(spread([r[0]["ms"] for r in rounds]), spread([min(r[1].values()) for r in rounds]))
    f["torch_target"] = 1.0 if "fused" in modes else FOREACH_RATIO
    f["torch_ok"] = f["torch_ratio"] >= (1 / (1 + f["spread"]) if "fused" in modes else FOREACH_RATIO)


def measure(o, shapes, name, threads):
    rounds = []
    for _ in range(o.rounds):
        rounds.append((ours(o, name, threads), {} if o.no_torch else theirs(o, shapes, name, threads)))
    best = min((r[0] for r in rounds), key=lambda x: x["ms"])
    f = {**best, "threads": threads, "loop_ms": min(r[0]["loop_ms"] for r in rounds), "guarded_ms": min(r[0]["guarded_ms"] for r in rounds)}
    f["ratio"] = f["loop_ms"] / f["ms"]
    f["loop_ok"] = f["ratio"] >= LOOP_SHARE and f["passes"] <= PASSES
    if rounds[0][1]:
        against_torch(f, rounds)
    compare.note(f"{name}, {threads} threads: {f['ms']:.1f} ms, {100 * f['ratio']:.0f} % of the loop's speed"
                 + (f", PyTorch {f['torch_ms']:.1f} ms ({f['torch_mode']})" if "torch_ms" in f else ""))
    return f


def word(ok):
    return "ok" if ok else "short"


def table(figures):
    memory = [[f["optimizer"], str(f["threads"]), f"{f['passes']:.0f}", f"{f['bytes']:.1f}", f"{f['ms']:.1f}", f"{f['loop_ms']:.1f}", f"{f['GB/s']:.1f}",
               f"{100 * f['ratio']:.0f} %", word(f["loop_ok"]), f"{f['guarded_ms']:.1f}"] for f in figures]
    rivals = [[f["optimizer"], str(f["threads"]), f"{f['ms']:.1f}", f"{f['torch_ms']:.1f}", f["torch_mode"], f"{f['torch_ratio']:.2f}", f">= {f['torch_target']:g}",
               f"{100 * f['spread']:.0f} %", word(f["torch_ok"])] for f in figures if "torch_ms" in f]
    return [("Updates against memory", ["optimizer", "threads", "passes", "bytes a number", "ms", "loop ms", "GB/s", "of the loop's speed", ">= 80 %", "with norm and guard, ms"],
             memory)] + ([("Updates against PyTorch", ["optimizer", "threads", "ms", "PyTorch ms", "its best form", "ratio", "target", "spread", ""], rivals)] if rivals else [])


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench optimizers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", nargs="*", help="optimizers; all of them by default")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N", help="numbers of threads (1 2)")
    p.add_argument("--rounds", type=int, default=3, metavar="N", help="alternating rounds (3)")
    p.add_argument("--seconds", type=float, default=2.0, metavar="S", help="of a round, each side (2)")
    p.add_argument("--targets", action="store_true", help="exit code 1 when a target is missed")
    p.add_argument("--json", metavar="FILE", help="writes every figure")
    p.add_argument("--markdown", action="store_true", help="writes the tables into docs/performance.md")
    p.add_argument("--no-torch", action="store_true", help="only against memory")
    p.add_argument("--program", default=os.path.join(compare.ROOT, "build", "bench_optimizers"), metavar="FILE", help="build/bench_optimizers")
    o = p.parse_args()
    if o.rounds < 1 or min(o.threads) < 1 or o.seconds <= 0:
        p.error("--rounds and --threads are at least 1, --seconds above 0")
    if not os.access(o.program, os.X_OK):
        p.error(f"{o.program} is not there: ninja -C build bench_optimizers")
    known = program(o, "-n")
    wrong = [n for n in o.name if n not in known]
    if wrong:
        p.error(f"there is no optimizer {wrong[0]}; there are {', '.join(known)}")
    o.name, o.threads, o.gradus = o.name or known, sorted(set(o.threads)), os.path.join(compare.ROOT, "build", "gradus")
    return o


def main():
    o = arguments()
    shapes = [tuple(map(int, line.split()[1:])) for line in program(o, "-l")]
    r = {"machine": compare.machine(o), "rounds": o.rounds, "updates": []}
    print(compare.about(r), flush=True)
    for threads in o.threads:
        for name in o.name:
            r["updates"].append(measure(o, shapes, name, threads))
    compare.show(table(r["updates"]))
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(r, f, indent=1)
    if o.markdown:
        compare.markdown("bench optimizers", r, table(r["updates"]))
    missed = [f for f in r["updates"] if not f["loop_ok"] or f.get("torch_ok") is False]
    return 1 if o.targets and missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except compare.Failed as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
