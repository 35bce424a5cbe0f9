#!/usr/bin/env python3
"""Gradus against PyTorch on this machine: time of a training step, time to the first one, memory, size.

Both sides train the network of the same recipe on the same number of threads, processes alternating in rounds. Gradus is the built command as users run it: the
times are those of its metrics.jsonl. PyTorch has all of its data in memory as ready batches and takes the best of its modes: default, fused optimizer,
channels-last, each also with malloc settings that keep freed memory; torch.compile with --compile. The best window of the best round of each side counts; beside
the ratio stand the least and the median ratio of single rounds, and `reach`: the ratio at which the step's sums and products would take no longer than this
machine's multiply-adds between registers do. A target beyond it is out of reach of direct arithmetic (Winograd's convolutions do with less).
"""
import argparse
import datetime
import functools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
CACHE = os.environ.get("GRADUS_BENCH_CACHE") or os.path.expanduser("~/.cache/gradus-bench")
DATA = os.path.join(CACHE, "data")
MALLOC = {"MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000"}
# What holds both sides to an instruction set: ours, and PyTorch's own kernels, its oneDNN and its MKL.
ISAS = {"avx2": {"GRADUS_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}}
NEVER = "100000000"
FIRST_STEP_S = 0.5
MANY = 20  # windows: short ones and many, so that some fall between the neighbours' work on a shared machine


class Case(typing.NamedTuple):
    recipe: str
    window: int  # updates of one
    windows: int
    ratio: float | None  # that the project promises
    share: float  # of PyTorch's memory that it promises to stay below


CASES = {
    "mlp_tiny": Case("bench/recipes/mlp_tiny.yaml", 400, MANY, 30.0, 0.25),
    "mlp_small": Case("bench/recipes/mlp_small.yaml", 60, MANY, 2.5, 0.25),
    "mlp": Case("bench/recipes/mlp.yaml", 12, MANY, None, 0.25),
    "lenet5": Case("bench/recipes/lenet5.yaml", 10, MANY, None, 0.25),
    "fashion": Case("recipes/fashion.yaml", 6, MANY, 1.0, 0.25),
    "mnistcnn": Case("bench/recipes/mnistcnn.yaml", 3, MANY, None, 0.25),
    "lstm": Case("bench/recipes/lstm.yaml", 2, MANY, 1.5, 0.6),
    "depthwise": Case("bench/recipes/depthwise.yaml", 1, MANY, 2.0, 0.6),
    "transformer": Case("bench/recipes/transformer.yaml", 1, 12, 1.4, 0.6),
    "bert_layer": Case("bench/recipes/bert_layer.yaml", 1, 12, 1.3, 0.6),
    "vgg_block": Case("bench/recipes/vgg_block.yaml", 1, 8, 1.6, 0.6),
    "resnet50": Case("bench/recipes/resnet50.yaml", 1, 4, 1.4, 0.6),
}
START_CASE = "fashion"  # time to the first step: it reads gzipped data


class Failed(Exception):
    output = ""  # what the program said on standard output


# ---- processes ----

def own_peak():
    return int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024


def peak_of(pid):
    try:
        m = re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read())
        return int(m[1]) * 1024 if m else 0
    except OSError:
        return 0


def run(argv, environment, watch=None):
    """(standard output, seconds until watch() held or None, seconds to the end, peak bytes). The peak of a small child is polled: the kernel's own figure for a
    child is never below the size of this process, from which it was forked."""
    floor, polled, seen = own_peak(), 0, None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, cwd=ROOT)
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            took = time.perf_counter() - begin
            if seen is None and watch and watch():
                seen = took
            if pid:
                break
            polled = max(polled, peak_of(p.pid))
            time.sleep(0.001 if watch or took < 1 else 0.02)
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        text, errors = out.read().decode(), err.read().decode("utf-8", "replace")
    if p.returncode:
        failed = Failed(f"{' '.join(argv[:3])}: exit {p.returncode}: {(errors.strip() or text.strip() or 'no word').splitlines()[-1]}")
        failed.output = text
        raise failed
    exact = usage.ru_maxrss * 1024
    return text, seen, took, exact if exact > floor else polled


held = {}  # of ISAS, what --isa asks for


def environment(threads, malloc=False):
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_", "KMP_", "MALLOC_"))}
    return {**plain, "GRADUS_BENCH_DATA": DATA, "OMP_NUM_THREADS": str(threads), **(MALLOC if malloc else {}), **held}


def torch(threads, *arguments, malloc=False):
    text, _, took, peak = run([sys.executable, os.path.join(HERE, "twin.py"), *map(str, arguments)], environment(threads, malloc))
    return json.loads(text.strip().splitlines()[-1])


def gradus(o, recipe, threads, sets, watch=None):
    with tempfile.TemporaryDirectory(prefix="gradus-bench-") as folder:
        metrics = os.path.join(folder, "run", "metrics.jsonl")
        sets = {"validate.every": NEVER, "checkpoint.every": NEVER, **sets}
        argv = [o.gradus, "train", os.path.join(ROOT, recipe), "--out", os.path.join(folder, "run"), "--quiet", "--threads", str(threads)]
        for k, v in sets.items():
            argv += ["--set", f"{k}={v}"]
        _, seen, took, peak = run(argv, environment(threads), (lambda: os.path.exists(metrics) and os.path.getsize(metrics) > 0) if watch else None)
        lines = [json.loads(x) for x in open(metrics, encoding="utf-8")]
        return lines, seen, took, peak


# ---- measurements ----

def gradus_speed(o, case, threads):
    """ms a step of each window but the first, and peak bytes."""
    c = CASES[case]
    lines, _, _, peak = gradus(o, c.recipe, threads, {"log.every": c.window, "stop": f"{{steps: {c.window * (c.windows + 1)}}}"})
    at = [(x["step"], x["seconds"]) for x in lines if x["step"] % c.window == 0]
    if len(at) < 2:
        raise Failed(f"{case}: metrics.jsonl has {len(at)} lines")
    return [1e3 * (b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(at, at[1:])], peak


@functools.cache
def peak(isa, threads):
    """GFLOP/s of multiply-adds on so many threads, or None where there is no compiler or no such loop."""
    program = os.path.join(CACHE, "peak")
    if not shutil.which("cc"):
        return None
    source = os.path.join(HERE, "peak.c")
    if subprocess.run(["cc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", source, "-o", program, "-lpthread"], check=False).returncode:
        raise Failed(f"{source} does not compile")
    done = subprocess.run([program, str(threads), isa], check=False, capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None


def reach(o, case, threads, torch_ms):
    """PyTorch's time over that of the step's arithmetic at this machine's peak, on Gradus's instruction set; None: not known."""
    isa = re.search(r"instruction set +(\w+)", run([o.gradus, "version"], environment(1))[0])[1]
    plan = json.loads(run([o.gradus, "plan", os.path.join(ROOT, CASES[case].recipe), "--json"], environment(threads))[0])
    most = peak(isa, threads)
    return most and torch_ms / (1e3 * plan["step_flops"] / (1e9 * most))


def torch_speed(o, case, threads, conv):
    """mode: ms a step of each window."""
    c = CASES[case]
    variants = ["default", "fused"] + (["channels_last", "fused+channels_last"] if conv else [])
    if o.compile:
        variants += ["fused+compile"] + (["fused+channels_last+compile"] if conv else [])
    result = torch(threads, "speed", os.path.join(ROOT, c.recipe), threads, c.window, c.windows, *variants)
    more = torch(threads, "speed", os.path.join(ROOT, c.recipe), threads, c.window, c.windows, *variants, malloc=True)
    result.update({f"{k}, malloc": v for k, v in more.items()})
    return result


def speed(o, case, threads, conv):
    """The figures of a case: best of each side over rounds that alternate."""
    rounds = []
    for n in range(o.rounds):
        ours, peak = gradus_speed(o, case, threads) if o.gradus else ([], 0)
        theirs = {k: min(v) for k, v in torch_speed(o, case, threads, conv).items()}
        rounds.append({"gradus": min(ours, default=None), "gradus_bytes": peak, "torch": theirs})
        best = min(theirs, key=theirs.get)
        note(f"{case}, {threads} threads, round {n + 1} of {o.rounds}: PyTorch {ms(theirs[best])} ms ({best}), Gradus {ms(rounds[-1]['gradus'])} ms")
    modes = {k: min(r["torch"][k] for r in rounds) for k in rounds[0]["torch"]}
    mode = min(modes, key=modes.get)
    f = {"case": case, "threads": threads, "torch_ms": modes[mode], "torch_mode": mode, "torch_modes": modes, "target": CASES[case].ratio}
    if o.gradus:
        ratios = [min(r["torch"].values()) / r["gradus"] for r in rounds]
        f["gradus_ms"] = min(r["gradus"] for r in rounds)
        f["gradus_bytes"] = max(r["gradus_bytes"] for r in rounds)
        f.update(ratio=f["torch_ms"] / f["gradus_ms"], ratio_min=min(ratios), ratio_median=statistics.median(ratios))
        f["ok"] = f["target"] is None or f["ratio"] >= f["target"]
        f["reach"] = reach(o, case, threads, f["torch_ms"])
    return f


def peaks(o, case, threads, mode, ours):
    c = CASES[case]
    theirs = torch(threads, "memory", os.path.join(ROOT, c.recipe), threads, c.window, mode.split(",")[0])["peak"]
    f = {"case": case, "threads": threads, "torch_bytes": theirs, "target": c.share}
    if o.gradus:
        f.update(gradus_bytes=ours, share=ours / theirs, ok=ours / theirs < c.share)
    return f


def first_step(o, threads):
    """Seconds from the start of the process to the end of the first step, data read from gzip; Gradus also to the end of the process, models written."""
    recipe, f = CASES[START_CASE].recipe, {"case": START_CASE, "threads": threads}
    theirs, ours, whole = [], [], []
    for _ in range(o.rounds):
        if o.gradus:
            _, seen, took, _ = gradus(o, recipe, threads, {"log.every": 1, "schedule": "constant", "stop": "{steps: 1}"}, watch=True)
            ours.append(took if seen is None else seen)
            whole.append(took)
        begin = time.clock_gettime(time.CLOCK_MONOTONIC)
        theirs.append(torch(threads, "first", os.path.join(ROOT, recipe), threads, "fused")["clock"] - begin)
    f["torch_s"] = min(theirs)
    if o.gradus:
        f.update(gradus_s=min(ours), gradus_process_s=min(whole), target=FIRST_STEP_S, ok=min(ours) < FIRST_STEP_S)
    return f


def size(o):
    """Bytes of the command without debugging symbols."""
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "gradus")
        shutil.copy(o.gradus, copy)
        if shutil.which("strip"):
            subprocess.run(["strip", copy], check=False, stderr=subprocess.DEVNULL)
        return os.path.getsize(copy)


def machine(o):
    info = open("/proc/cpuinfo").read()
    model = re.search(r"model name\s*:\s*(.*)", info)
    f = {"processor": model[1] if model else platform.processor(), "cores": len(os.sched_getaffinity(0)), "system": platform.release(),
         "load": os.getloadavg()[0], "date": datetime.date.today().isoformat(), "python": platform.python_version(), **torch(1, "versions")}
    if o.gradus:
        f["gradus_bytes"] = size(o)
        text = run([o.gradus, "version"], environment(1))[0].strip()
        f["gradus"] = text
    return f


# ---- output ----

def note(text):
    print(text, file=sys.stderr, flush=True)


def ms(v):
    return "-" if v is None else f"{v:.4f}" if v < 0.1 else f"{v:.3f}" if v < 10 else f"{v:.1f}"


def verdict(f):
    if f.get("target") is None or "ok" not in f:
        return ""
    return "ok" if f["ok"] else "out of reach" if f.get("reach") and f["reach"] < f["target"] else "short"


def mib(v):
    return "-" if v is None else f"{v / 2**20:.1f} MiB" if v < 2**30 else f"{v / 2**30:.1f} GiB"


def tables(r):
    """[(title, head, rows)] of strings."""
    result = []
    rows = [[f["case"], str(f["threads"]), ms(f["torch_ms"]), f["torch_mode"], ms(f.get("gradus_ms")),
             *([f"{f['ratio']:.2f}", f"{f['ratio_min']:.2f} / {f['ratio_median']:.2f}"] if "ratio" in f else ["-", "-"]),
             f"{f['reach']:.2f}" if f.get("reach") else "-", f">= {f['target']:g}" if f["target"] else "", verdict(f)] for f in r["speed"]]
    result.append(("A training step", ["case", "threads", "PyTorch ms", "its best mode", "Gradus ms", "ratio", "rounds: min / median", "reach", "target", ""], rows))
    rows = [[f["case"], str(f["threads"]), mib(f["torch_bytes"]), mib(f.get("gradus_bytes")), f"{f['share']:.3f}" if "share" in f else "-",
             f"< {f['target']:g}", verdict(f)] for f in r["memory"]]
    result.append(("Peak resident memory", ["case", "threads", "PyTorch", "Gradus", "share", "target", ""], rows))
    rows = []
    if "first" in r:
        f = r["first"]
        rows.append(["process start to end of the first step", f"{f['torch_s']:.2f} s", f"{f['gradus_s']:.3f} s" if "gradus_s" in f else "-", f"< {FIRST_STEP_S:g} s", verdict(f)])
        rows.append(["whole process of one step, models written", "", f"{f['gradus_process_s']:.3f} s" if "gradus_s" in f else "-", "", ""])
    rows.append(["installed size", mib(r["machine"]["bytes"]), mib(r["machine"].get("gradus_bytes")), "", ""])
    result.append(("Start and size", ["", "PyTorch", "Gradus", "target", ""], rows))
    return result


def show(all_tables):
    for title, head, rows in all_tables:
        widths = [max(len(x[i]) for x in [head, *rows]) for i in range(len(head))]
        print(f"\n{title}")
        for x in [head, *rows]:
            print("  " + "  ".join(c.ljust(w) for c, w in zip(x, widths)).rstrip())
    print()


def about(r):
    m = r["machine"]
    only = f", both held to {r['isa'].upper()}" if r.get("isa") else ""
    return (f"{m['processor']}{only}, {m['cores']} processors, Linux {m['system']}; {m['date']}; PyTorch {m['torch']} ({m['isa']}), Python {m['python']}; "
            f"{r['rounds']} rounds; {m['load']:.1f} other programs running before")


def markdown(marker, r, all_tables):
    """Replaces what stands between the markers of docs/performance.md."""
    path, begin, end = os.path.join(ROOT, "docs", "performance.md"), f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
    text = open(path, encoding="utf-8").read()
    if begin not in text or end not in text:
        raise Failed("docs/performance.md has lost its markers")
    lines = [about(r) + ".", ""]
    if "gradus" in r["machine"]:
        lines += ["    " + x for x in r["machine"]["gradus"].splitlines()] + [""]
    for title, head, rows in all_tables:
        lines += [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
        lines += ["| " + " | ".join(c.replace("<", "&lt;").replace(">=", "≥") for c in x) + " |" for x in rows] + [""]
    text = text[:text.index(begin) + len(begin)] + "\n" + "\n".join(lines).rstrip() + "\n" + text[text.index(end):]
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".tmp", path)


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all of them by default")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N", help="numbers of threads (1 2)")
    p.add_argument("--rounds", type=int, default=3, metavar="N", help="alternating rounds (3)")
    p.add_argument("--compile", action="store_true", help="torch.compile among PyTorch's modes (minutes; needs a C++ compiler)")
    p.add_argument("--targets", action="store_true", help="exit code 1 when a target is missed")
    p.add_argument("--json", metavar="FILE", help="writes every figure")
    p.add_argument("--markdown", action="store_true", help="writes the tables into docs/performance.md")
    p.add_argument("--gradus", default=os.path.join(ROOT, "build", "gradus"), metavar="COMMAND", help="the command to measure (build/gradus)")
    p.add_argument("--isa", choices=sorted(ISAS), help="holds both sides to an instruction set")
    p.add_argument("--torch-only", action="store_true", help="only PyTorch's side")
    o = p.parse_args()
    wrong = [c for c in o.case if c not in CASES]
    if wrong:
        p.error(f"there is no case {wrong[0]}; there are {', '.join(CASES)}")
    if o.rounds < 1 or min(o.threads) < 1:
        p.error("--rounds and --threads are at least 1")
    o.case = o.case or list(CASES)
    o.threads = sorted(set(o.threads))
    if o.torch_only:
        o.gradus = None
        if o.targets or o.markdown:
            p.error("--torch-only excludes --targets and --markdown")
    elif not os.access(o.gradus, os.X_OK):
        p.error(f"{o.gradus} is not there: run ./dev build, or --torch-only")
    else:
        o.gradus = os.path.abspath(o.gradus)
    return o


def measure(o, r):
    for case in o.case:
        conv = torch(1, "layers", os.path.join(ROOT, CASES[case].recipe))["conv"]
        for threads in o.threads:
            r["speed"].append(speed(o, case, threads, conv))
        f = r["speed"][-1]
        r["memory"].append(peaks(o, case, f["threads"], f["torch_mode"], f.get("gradus_bytes")))
    if START_CASE in o.case:
        r["first"] = first_step(o, o.threads[-1])


def main():
    o = arguments()
    held.update(ISAS.get(o.isa, {}))
    if not all(os.path.exists(os.path.join(DATA, f)) for f in ("32x256-y.npy", "words-y.npy")):
        torch(1, "data", DATA)
    r = {"machine": machine(o), "isa": o.isa, "rounds": o.rounds, "speed": [], "memory": []}
    print(about(r), flush=True)
    if r["machine"]["load"] > 0.5:
        note(f"the machine is busy (load {r['machine']['load']:.1f}): PyTorch's spinning threads suffer most, so ratios on several threads come out far too good")
    stopped = False
    try:
        measure(o, r)
    except KeyboardInterrupt:
        stopped = True
        note("interrupted; this was measured until here:")
    show(tables(r))
    if o.json:
        with open(o.json, "w", encoding="utf-8") as f:
            json.dump(r, f, indent=1)
    if stopped:
        return 130
    if o.markdown:
        markdown(f"bench {o.isa}" if o.isa else "bench", r, tables(r))
    missed = [f for f in [*r["speed"], *r["memory"], r.get("first", {})] if f.get("ok") is False]
    return 1 if o.targets and missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as e:
        sys.exit(f"bench: {e}")
    except KeyboardInterrupt:
        sys.exit(130)
