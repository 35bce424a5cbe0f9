"""Holds `gradus check` against planted faults and sound recipes. ../mutants.sh says how to run it."""
import argparse
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import zlib

import planted
import sets
import sound

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
LIMIT = 300  # seconds of a processor for one check


class Runs:
    """Checks of recipes in a work folder, several at a time. What was told is kept in a file there, so that a run which was ended goes on."""

    def __init__(self, build, work, environment, jobs):
        self.build, self.work, self.jobs = build, work, jobs
        self.environment = {**os.environ, **environment}
        self.kept, self.known = work + "/told.jsonl", {}
        self.mark = {c: self.sum(build + "/" + c) for c in ("gradus", "gradus_faulty")}
        if os.path.exists(self.kept):
            with open(self.kept) as f:
                self.known = {line["call"]: line["told"] for line in map(json.loads, f)}

    @staticmethod
    def sum(path):
        with open(path, "rb") as f:
            return "%08x" % zlib.crc32(f.read())

    def recipe(self, name, text):
        path = "%s/%s.yaml" % (self.work, name)
        with open(path, "w") as f:
            f.write("gradus: 1\nname: %s\n%s\n" % (name, text.strip()))
        return path

    def run(self, call):
        """Exit code, seconds of a processor, standard output, standard error."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            bounded = lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
            p = subprocess.Popen(call, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=bounded)
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0), err.seek(0)
            return p.returncode, used.ru_utime + used.ru_stime, out.read().decode(errors="replace"), err.read().decode(errors="replace")

    def check(self, command, path, changes, only=None, seed=None):
        """{"code", "seconds", "error", "verdict": {id: verdict}, "message": {id: text}}"""
        call = [self.build + "/" + command, "check", path, "--json", "--threads", "1"]
        for key, value in changes.items():
            call += ["--set", "%s=%s" % (key, value)]
        if only:
            call += ["--only", ",".join(only)]
        if seed is not None:
            call += ["--seed", str(seed)]
        key = self.mark[command] + self.sum(path) + " ".join(call[1:])
        if key not in self.known:
            code, seconds, out, err = self.run(call)
            told = {"code": code, "seconds": seconds, "error": "", "verdict": {}, "message": {}}
            try:
                for c in json.loads(out)["checks"]:
                    told["verdict"][c["id"]], told["message"][c["id"]] = c["verdict"], c["message"]
            except (ValueError, KeyError, TypeError):
                said = " ".join(line for line in err.splitlines() if "warning:" not in line and "note:" not in line)
                told["error"] = said[:300] or "no answer"
            self.known[key] = told
            with open(self.kept, "a") as f:
                f.write(json.dumps({"call": key, "told": told}) + "\n")
        return self.known[key]

    def all(self, calls):
        """calls: {key: arguments of check}. Gives {key: what it told}, and says how far it is."""
        told, start = {}, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            waiting = {pool.submit(self.check, *a): key for key, a in calls.items()}
            for n, one in enumerate(concurrent.futures.as_completed(waiting), 1):
                told[waiting[one]] = one.result()
                left = (time.monotonic() - start) / n * (len(calls) - n)
                print("  %d of %d checks, about %.0f s left" % (n, len(calls), left), file=sys.stderr, flush=True)
        return told


# ---- planted faults ----


def is_told(fault, told):
    verdict = told["verdict"].get(fault.check)
    if fault.how == "refused":
        return told["code"] in (2, 3) and re.search(fault.words, told["error"]) is not None
    wanted = {"failed": ("failed",), "warning": ("warning",), "either": ("failed", "warning")}[fault.how]
    return verdict in wanted and (not fault.words or re.search(fault.words, told["message"][fault.check]) is not None)


def what_was_told(check, told):
    if told["error"]:
        return "exit code %d: %s" % (told["code"], told["error"])
    return "%s: %s" % (told["verdict"].get(check, "no such check"), told["message"].get(check, ""))


def run_faults(runs, faults):
    """[(fault, what it told, caught)], {(base, changes, check): (what the sound twin told, does it pass)}"""
    calls, twins = {}, {}
    for f in faults:
        path = runs.recipe(f.base, planted.BASES[f.base])
        calls[f.name] = ("gradus_faulty", path, f.sets, [f.check])
        twins.setdefault((f.base, tuple(sorted(f.twin.items()))), set()).add(f.check)
    for (base, changes), ids in twins.items():
        calls[(base, changes)] = ("gradus_faulty", runs.recipe(base, planted.BASES[base]), dict(changes), sorted(ids))
    told = runs.all(calls)
    sound = {(base, changes, i): (told[(base, changes)], told[(base, changes)]["verdict"].get(i) == "ok") for (base, changes), ids in twins.items() for i in ids}
    return [(f, told[f.name], is_told(f, told[f.name])) for f in faults], sound


# ---- sound recipes ----


def run_sound(runs, recipes, seeds):
    """[(recipe, [(seed, what it told, [alarms])])]: an alarm is a failed check, or a warning that the recipe is not known for."""
    calls = {}
    paths = {r.name: r.path or runs.recipe(r.name, r.text) for r in recipes}
    for seed in range(1, seeds + 1):
        for r in recipes:
            calls[(r.name, seed)] = ("gradus", paths[r.name], r.changes, None, seed)
    told = runs.all(calls)
    rows = []
    for r in recipes:
        of = []
        for seed in range(1, seeds + 1):
            t = told[(r.name, seed)]
            alarms = ["%s %s: %s" % (i, v, t["message"][i]) for i, v in t["verdict"].items() if v == "failed" or (v == "warning" and i not in r.known)]
            if t["error"]:
                alarms.append("no verdict: " + t["error"])
            of.append((seed, t, alarms))
        rows.append((r, of))
    return rows


def bound(k, n):
    """The largest rate that k of n or fewer would still be met with in one of twenty such counts (Clopper and Pearson, one side, 95 %)."""
    if k >= n:
        return 1.0

    def below(p):
        term = total = (1 - p) ** n
        for i in range(k):
            term *= (n - i) / (i + 1) * p / (1 - p)
            total += term
        return total

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) > 0.05 else (low, middle)
    return high


# ---- what is written ----


def write_faults(rows, twins):
    areas = {}
    for f, told, caught in rows:
        a = areas.setdefault(f.area, [0, 0])
        a[0] += 1
        a[1] += caught
    total = [sum(a[i] for a in areas.values()) for i in (0, 1)]
    passed = sum(passes for _, passes in twins.values())
    out = ["%d planted faults, %d told by the right check; of the %d checks of their sound twins %d say `ok`." % (*total, len(twins), passed), "",
           "| area | planted | told | missed | missed at most, with 95 % confidence |", "| --- | --- | --- | --- | --- |"]
    for area, (n, caught) in list(areas.items()) + [("all", total)]:
        out.append("| %s | %d | %d | %d | %.1f %% |" % (area, n, caught, n - caught, 100 * bound(n - caught, n)))
    out += ["", "| fault | area | what is wrong | check | verdict |", "| --- | --- | --- | --- | --- |"]
    for f, told, caught in rows:
        verdict = "refused, exit code %d" % told["code"] if told["error"] else told["verdict"].get(f.check, "none")
        out.append("| %s | %s | %s | %s | %s |" % (f.name, f.area, f.what, f.check, verdict if caught else "**missed**: " + verdict))
    return out, 2 * total[0] - 2 * total[1] + len(twins) - passed, "%d of %d told by the right check; %d of %d checks of sound twins pass" % (total[1], total[0], passed, len(twins))


def write_sound(rows, seeds):
    n = sum(len(of) for _, of in rows)
    false = sum(bool(a) for _, of in rows for _, _, a in of)
    failed = sum(any("failed" in x or "no verdict" in x for x in a) for _, of in rows for _, _, a in of)
    touched = sum(any(a for _, _, a in of) for _, of in rows)
    out = ["%d sound recipes, %d seeds each: %d checks." % (len(rows), seeds, n), "",
           "| | counted | of | at most, with 95 %% confidence |".replace("%%", "%"), "| --- | --- | --- | --- |",
           "| checks with a false alarm | %d | %d | %.1f %% |" % (false, n, 100 * bound(false, n)),
           "| of these with a failed verdict | %d | %d | %.1f %% |" % (failed, n, 100 * bound(failed, n)),
           "| recipes with a false alarm for any seed | %d | %d | %.1f %% |" % (touched, len(rows), 100 * bound(touched, len(rows))),
           "", "| recipe | from | false alarms | known warnings | seconds a check |", "| --- | --- | --- | --- | --- |"]
    for r, of in rows:
        alarms = sorted({x.split(":")[0] for _, _, a in of for x in a})
        count = sum(bool(a) for _, _, a in of)
        known = "; ".join("%s: %s" % i for i in sorted(r.known.items())) or "-"
        out.append("| %s | %s | %s | %s | %.1f |" % (r.name, r.origin, "%d: %s" % (count, ", ".join(alarms)) if count else "0", known, sum(t["seconds"] for _, t, _ in of) / len(of)))
    return out, false


def put(path, mark, lines):
    """Lines between the comments `mark: begin` and `mark: end` of a page."""
    with open(path) as f:
        text = f.read()
    begin, end = "<!-- %s: begin -->" % mark, "<!-- %s: end -->" % mark
    head, rest = text.split(begin)
    with open(path, "w") as f:
        f.write(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="where Fashion-MNIST is")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--deep-seeds", type=int, help="of the large networks, which stand in a table of their own")
    p.add_argument("--quick", action="store_true", help="a few cheap faults and recipes, one seed")
    p.add_argument("--faults", nargs="*", help="these alone, by name or check; without names all, and no sound recipe")
    p.add_argument("--sound", nargs="*", help="these alone; without names all, and no fault")
    p.add_argument("--docs", help="the page whose tables are written anew")
    p.add_argument("--keep", help="a folder to work in, which stays")
    o = p.parse_args()
    faults = [f for f in planted.faults if not o.quick or f.name in planted.QUICK]
    recipes = [r for r in sound.recipes(ROOT, o.build) if not o.quick or r.name in sound.QUICK]
    seeds = 1 if o.quick else o.seeds
    if o.faults is not None or o.sound is not None:
        faults = [f for f in faults if o.faults is not None and (not o.faults or f.name in o.faults or f.check in o.faults)]
        recipes = [r for r in recipes if o.sound is not None and (not o.sound or r.name in o.sound)]
    with tempfile.TemporaryDirectory() as folder:
        work = os.path.abspath(o.keep or folder)
        os.makedirs(work, exist_ok=True)
        runs = Runs(os.path.abspath(o.build), work, sets.make(work, o.data, ROOT), o.jobs)
        wrong, start = 0, time.monotonic()
        if faults:
            rows, twins = run_faults(runs, faults)
            for f, told, caught in rows:
                if not caught:
                    print("MISSED  %-26s %-4s %s\n        %s" % (f.name, f.check, f.what, what_was_told(f.check, told)))
            for (base, changes, check), (told, passes) in twins.items():
                if not passes:
                    print("FALSE   %-26s %-4s a sound twin%s\n        %s" % (base, check, "".join(" %s=%s" % c for c in changes), what_was_told(check, told)))
            lines, amiss, said = write_faults(rows, twins)
            print("faults: %s; %.0f s" % (said, time.monotonic() - start))
            print("  slowest: " + ", ".join("%s %.1f s" % (f.name, told["seconds"]) for f, told, _ in sorted(rows, key=lambda r: -r[1]["seconds"])[:5]))
            wrong += amiss
            if o.docs:
                put(o.docs, "mutants", lines)
        deep = [r for r in recipes if r.name in sound.DEEP]
        for mark, recipes, seeds in (("sound", [r for r in recipes if r not in deep], seeds), ("deep", deep, o.deep_seeds or seeds)):
            if not recipes:
                continue
            start = time.monotonic()
            rows = run_sound(runs, recipes, seeds)
            for r, of in rows:
                for seed, told, alarms in of:
                    for a in alarms:
                        print("FALSE   %-26s seed %-2d %s" % (r.name, seed, a))
            lines, false = write_sound(rows, seeds)
            print("sound recipes: %d of %d checks with a false alarm; %.0f s" % (false, sum(len(of) for _, of in rows), time.monotonic() - start))
            print("  slowest: " + ", ".join("%s %.1f s" % (r.name, sum(t["seconds"] for _, t, _ in of) / len(of)) for r, of in sorted(rows, key=lambda r: -sum(t["seconds"] for _, t, _ in r[1]))[:12]))
            wrong += false
            if o.docs:
                put(o.docs, mark, lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
