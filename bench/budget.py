#!/usr/bin/env python3
"""Time of an update against the memory it may take, Gradus and PyTorch, each in a process of its own.

Gradus trains under budgets (`memory`) from near the least that its plan can do with to the bytes of keeping everything, and keeps within them. PyTorch is as it is (eager), and with
checkpoint_sequential, the network cut into several numbers of segments where but one value is read on; with --compile also under its compiler's activation_memory_budget. Bytes are
the most that the process held (VmHWM), milliseconds the least of its updates behind the first. A point of PyTorch's is beaten where one of ours took fewer bytes and less time.
"""
import argparse
import json
import os
import sys
import tempfile
import typing

import compare as c

SLACK = 16 * 2**20  # what a process may hold beside its plan, and 2 % of that


class Case(typing.NamedTuple):
    recipe: str
    segments: tuple[int, ...]
    variant: str = "fused"
    share: float | None = None  # of eager PyTorch's peak, within which training must take at most MORE of the time of keeping all


MORE = 1.35
NEAR = 0.97  # of the way from all to the least: the last bytes cost the most time
CASES = {
    "resnet50": Case("bench/recipes/resnet50.yaml", (2, 4, 8), "fused+channels_last", 0.25),
    "vgg16": Case("bench/recipes/vgg16.yaml", (2, 3, 5), "fused+channels_last"),
    "bert": Case("bench/recipes/bert.yaml", (2, 4, 12)),
    "deep": Case("bench/recipes/deep.yaml", (4, 7, 16, 48)),
}


def plan(o, case, threads, budget=None):
    """The plan, or the error, of which `least_bytes` is the least budget."""
    argv = [o.gradus, "plan", os.path.join(c.ROOT, CASES[case].recipe), "--json", "--threads", str(threads)] + (["--budget", str(budget)] if budget else [])
    try:
        return json.loads(c.run(argv, c.environment(threads))[0])
    except c.Failed as e:
        if not e.output:
            raise
        return json.loads(e.output)


def ours(o, case, threads, budget):
    with tempfile.TemporaryDirectory(prefix="gradus-budget-") as folder:
        sets = {"log.every": 1, "stop": f"{{steps: {o.steps}}}", **({"memory": budget} if budget else {})}
        lines, _, _, peak = c.gradus(o, CASES[case].recipe, threads, sets)
        at = [0.0] + [x["seconds"] for x in lines]
    return {"side": "gradus", "how": "all kept" if not budget else f"memory: {budget}", "ms": 1e3 * min(b - a for a, b in zip(at[1:], at[2:])), "bytes": peak}


def theirs(o, case, threads, segments):
    how = "eager" if not segments else f"{segments} segments" if isinstance(segments, int) else segments
    c.note(f"{case}: PyTorch, {how}")
    d = c.torch(threads, "recomputed", os.path.join(c.ROOT, CASES[case].recipe), threads, o.steps, segments, CASES[case].variant, malloc=o.malloc)
    return {"side": "pytorch", "how": how, "ms": min(d["ms"][1:]), "bytes": d["peak"]}


def measure(o, case, threads):
    """Points, budgets of ours between the least and all in turn with PyTorch's ways."""
    full, least = plan(o, case, threads)["bytes"]["total"], plan(o, case, threads, 1)["error"]["least_bytes"]
    budgets = [None] + [int(full - (full - least) * NEAR * i / (o.points - 1)) for i in range(1, o.points)]
    ways = [0, *CASES[case].segments] + ([f"budget:{b}" for b in (0.75, 0.5, 0.25)] if o.compile else [])
    f = {"case": case, "threads": threads, "full": full, "least": least, "points": []}
    for i in range(max(len(budgets), len(ways))):
        if i < len(budgets):
            c.note(f"{case}: gradus, {c.mib(budgets[i] or full)}")
            p = ours(o, case, threads, budgets[i])
            planned = budgets[i] or full
            f["points"].append({**p, "planned": planned, "within": p["bytes"] <= planned + SLACK + planned // 50})
        if i < len(ways) and o.torch:
            f["points"].append(theirs(o, case, threads, ways[i]))
    return f


def judge(f):
    """Which of PyTorch's points none of ours beats, and what else fails."""
    mine = [p for p in f["points"] if p["side"] == "gradus"]
    bad = [f"{p['how']} took {c.mib(p['bytes'])}" for p in mine if not p["within"]]
    for p in f["points"]:
        if p["side"] == "pytorch":
            p["beaten"] = any(m["bytes"] <= p["bytes"] and m["ms"] <= p["ms"] for m in mine)
            bad += [] if p["beaten"] else [f"PyTorch, {p['how']}, is not beaten"]
    share, eager = CASES[f["case"]].share, next((p for p in f["points"] if p["how"] == "eager"), None)
    if share and eager:
        kept = next(p["ms"] for p in mine if p["how"] == "all kept")
        ok = [m for m in mine if m["bytes"] <= share * eager["bytes"] and m["ms"] <= MORE * kept]
        bad += [] if ok else [f"no budget within {share:g} of eager PyTorch's memory takes at most {MORE:g} of the time of keeping all"]
    return bad


def rows(f):
    first = {side: next((p for p in f["points"] if p["side"] == side), None) for side in ("gradus", "pytorch")}
    for p in sorted(f["points"], key=lambda p: (p["side"], -p["bytes"])):
        yield [f["case"], p["side"], p["how"], c.mib(p["bytes"]), c.ms(p["ms"]), f"{p['ms'] / first[p['side']]['ms']:.2f}",
               "within the plan" if p.get("within") else "beaten" if p.get("beaten") else "NO"]


def main():
    parser = argparse.ArgumentParser(prog="./dev bench budget", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all of them by default")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--points", type=int, default=5, metavar="N", help="budgets, from all kept down to near the least (5)")
    parser.add_argument("--steps", type=int, default=4, metavar="N", help="updates of a process (4)")
    parser.add_argument("--malloc", action="store_true", help="PyTorch with malloc settings that keep freed memory: faster, and more of it")
    parser.add_argument("--compile", action="store_true", help="also torch.compile under activation_memory_budget (minutes; needs a C++ compiler)")
    parser.add_argument("--gradus-only", dest="torch", action="store_false", help="only our side")
    parser.add_argument("--json", metavar="FILE", help="writes every figure")
    parser.add_argument("--gradus", default=os.path.join(c.ROOT, "build", "gradus"), metavar="COMMAND")
    o = parser.parse_args()
    wrong = [x for x in o.case if x not in CASES]
    if wrong or o.points < 2 or o.steps < 2 or o.threads < 1:
        parser.error(f"there is no case {wrong[0]}; there are {', '.join(CASES)}" if wrong else "--points and --steps are at least 2, --threads 1")
    o.gradus = os.path.abspath(o.gradus)
    if not os.path.exists(os.path.join(c.DATA, "words-y.npy")):
        c.torch(1, "data", c.DATA)
    results, bad = [], []
    for case in o.case or CASES:
        f = measure(o, case, o.threads)
        results.append(f)
        bad += [f"{case}: {x}" for x in judge(f)]
        print(f"{case}: all kept takes {c.mib(f['full'])}, at least {c.mib(f['least'])} ({f['least']} bytes)")
        c.show([(f"An update of {case}, {o.threads} threads", ["case", "side", "how", "peak", "ms", "of all kept", ""], list(rows(f)))])
    if o.json:
        with open(o.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    print("\n".join(bad) or "every point of PyTorch's is beaten, all within their plans")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except c.Failed as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
