#!/usr/bin/env python3
"""Writes the evidence of every initialiser: mean, standard deviation and bound by the formulas of the papers, the cut normal's by integration.

    python make_inits.py            (the standard library alone; the output stands beside this file and is committed)

One file a member, tests/family/init/MEMBER.txt, in the form that make_evidence.py describes. Each case fills a vector of a million numbers:
    word shape        the distribution: uniform, normal, truncated or constant
    word fan_in ...   of the parameter, and what follows its layer
    tensor bound      no value is larger (inf: none)
"""
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 1000000


class Evidence:
    def __init__(self, member, source):
        self.path = os.path.join(HERE, "init", member + ".txt")
        self.lines = [f"# init {member}: {source}. Written by make_inits.py."]

    def case(self, name, settings, shape, mean, std, bound, **words):
        self.lines += [f"case {name}", f"set {settings}", f"word shape {shape}"]
        self.lines += [f"word {k} {v}" for k, v in words.items()]
        self.lines += [f"tensor {k} : {number(v)}" for k, v in (("mean", mean), ("std", std), ("bound", bound))]

    def uniform(self, name, settings, bound, **words):
        self.case(name, settings, "uniform", 0, bound / math.sqrt(3), bound, **words)

    def normal(self, name, settings, std, mean=0, **words):
        self.case(name, settings, "normal", mean, std, math.inf, **words)

    def truncated(self, name, settings, std, corrected=True, **words):
        """A cut at two standard deviations of what is cut: `std` is the result's, or that of what is cut."""
        before = std / KEPT if corrected else std
        self.case(name, settings, "truncated", 0, before * KEPT, 2 * before, **words)

    def constant(self, name, settings, value):
        self.case(name, settings, "constant", value, 0, abs(value))

    def blocks(self, name, settings, *values):
        """As many blocks of equal length as there are values, one after the other."""
        self.lines += [f"case {name}", f"set {settings}", "word shape blocks", f"tensor blocks {len(values)} : {' '.join(number(v) for v in values)}"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with open(self.path, "w") as f:
            f.write("\n".join(self.lines) + "\n")


def number(x):
    x = float(x)
    return repr(x) if math.isfinite(x) and x != int(x) else str(int(x)) if math.isfinite(x) else "inf"


def cut_normal():
    """Standard deviation of N(0, 1) redrawn until within 2: Simpson's rule on the density."""
    n = 20000
    total = spread = 0.0
    for i in range(n + 1):
        x = -2 + 4 * i / n
        w = (1 if i in (0, n) else 4 if i % 2 else 2) * math.exp(-x * x / 2)
        total += w
        spread += w * x * x
    return math.sqrt(spread / total)


KEPT = cut_normal()
RELU = dict(fan_in=256, fan_out=64, follow="relu")
TANH = dict(fan_in=256, fan_out=128, follow="tanh")

with Evidence("kaiming", "He et al. 2015, eq. 10 and 14; the cut's size by integration") as e:
    e.truncated("default", "kaiming", math.sqrt(2 / 256), **RELU)
    e.normal("normal", "{type: kaiming, distribution: normal}", math.sqrt(2 / 256), **RELU)
    e.uniform("uniform", "{type: kaiming, distribution: uniform}", math.sqrt(6 / 256), **RELU)
    e.truncated("fan_out", "{type: kaiming, fan: out}", math.sqrt(2 / 64), **RELU)
    e.normal("fan_average", "{type: kaiming, fan: average, distribution: normal}", math.sqrt(2 / 160), **RELU)
    e.truncated("leaky", "kaiming", math.sqrt(2 / (1 + 0.2**2) / 256), fan_in=256, fan_out=64, follow="leaky", slope=0.2)
    e.truncated("linear", "kaiming", math.sqrt(2 / 256), fan_in=256, fan_out=64, follow="nothing")
    e.truncated("uncorrected", "{type: kaiming, correct: false}", math.sqrt(2 / 256), corrected=False, **RELU)
    e.truncated("fan_of_one", "kaiming", math.sqrt(2), fan_in=1, fan_out=1, follow="relu")

with Evidence("xavier", "Glorot & Bengio 2010, eq. 16; gains of PyTorch's calculate_gain") as e:
    e.uniform("default", "xavier", math.sqrt(6 / 384), **TANH)
    e.normal("normal", "{type: xavier, distribution: normal}", math.sqrt(2 / 384), fan_in=256, fan_out=128, follow="sigmoid")
    e.uniform("gain", "{type: xavier, gain: 5/3}", 5 / 3 * math.sqrt(6 / 384), **TANH)
    e.truncated("truncated", "{type: xavier, distribution: truncated_normal}", math.sqrt(2 / 384), **TANH)
    e.truncated("uncorrected", "{type: xavier, distribution: truncated_normal, correct: false}", math.sqrt(2 / 384), corrected=False, **TANH)
    for follow, gain in (("nothing", 1), ("sigmoid", 1), ("tanh", 5 / 3), ("relu", math.sqrt(2))):
        e.uniform("auto_" + follow, "{type: xavier, gain: auto}", gain * math.sqrt(6 / 384), fan_in=256, fan_out=128, follow=follow)
    e.uniform("auto_leaky", "{type: xavier, gain: auto}", math.sqrt(2 / 1.25) * math.sqrt(6 / 384), fan_in=256, fan_out=128, follow="leaky", slope=0.5)

with Evidence("normal", "N(mean, std^2)") as e:
    e.normal("default", "normal", 0.05)
    e.normal("moved", "{type: normal, mean: 3, std: 0.5}", 0.5, mean=3)

with Evidence("uniform", "U[-bound, bound): std bound / sqrt(3); PyTorch's biases: bound 1 / sqrt(fan-in)") as e:
    e.uniform("default", "uniform", 0.05)
    e.uniform("wide", "{type: uniform, bound: 2}", 2)
    e.uniform("fan", "{type: uniform, bound: fan}", 1 / 16, fan_in=256, fan_out=64)
    e.uniform("fan_of_one", "{type: uniform, bound: fan}", 1, fan_in=1, fan_out=64)

with Evidence("truncated_normal", "N(0, s) redrawn within 2 s; s by integration") as e:
    e.truncated("default", "truncated_normal", 0.05)
    e.truncated("wide", "{type: truncated_normal, std: 1}", 1)
    e.truncated("uncorrected", "{type: truncated_normal, std: 0.5, correct: false}", 0.5, corrected=False)

with Evidence("zeros", "0") as e:
    e.constant("default", "zeros", 0)

with Evidence("constant", "the value") as e:
    e.constant("default", "constant", 0.1)
    e.constant("negative", "{type: constant, value: -2.5}", -2.5)

with Evidence("lstm", "the chapter's biases of gates i, f, g, o") as e:
    e.blocks("default", "lstm", -1, 1, 0, -1)
    e.blocks("all", "{type: lstm, forget_bias: 2.5, input_bias: 0, output_bias: -0.125}", 0, 2.5, 0, -0.125)

# A single column of length n is a point of the sphere: its elements are nearly N(0, gain^2 / n).
with Evidence("orthogonal", "one column of a million: uniform on a sphere of radius gain; test_orthogonal.c has matrices") as e:
    e.normal("default", "orthogonal", 1 / math.sqrt(COUNT))
    e.normal("gain", "{type: orthogonal, gain: 2.5}", 2.5 / math.sqrt(COUNT))
    e.normal("auto_tanh", "{type: orthogonal, gain: auto}", 5 / 3 / math.sqrt(COUNT), follow="tanh")


# The head's own fan-in is d: W = H e.
def head(e, name, settings, variance, d=100):
    e.uniform(name, settings, math.sqrt(3 * variance), fan_in=d, fan_out=512)


with Evidence("hyperfan", "Chang, Flokas & Lipson 2020") as e:
    head(e, "default", "{type: hyperfan, fan_in: 64}", 2 / (64 * 100))
    head(e, "linear", "{type: hyperfan, fan_in: 64, relu: false}", 1 / (64 * 100))
    head(e, "with_bias", "{type: hyperfan, fan_in: 64, with_bias: true}", 2 / (2 * 64 * 100))
    head(e, "of_the_bias", "{type: hyperfan, generates: bias}", 2 / (2 * 100))
    head(e, "embedding", "{type: hyperfan, fan_in: 64, variance: 0.25}", 2 / (64 * 100 * 0.25), d=100)
    head(e, "fan_out", "{type: hyperfan, fan: out, fan_out: 32}", 2 / (32 * 100))
    head(e, "fan_out_of_the_bias", "{type: hyperfan, fan: out, generates: bias, fan_in: 8, fan_out: 32}", 2 * (1 - 8 / 32) / 100)
    e.constant("fan_out_of_a_narrowing_bias", "{type: hyperfan, fan: out, generates: bias, fan_in: 64, fan_out: 32}", 0)
