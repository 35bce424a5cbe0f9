"""Small sets of data, right and with one thing wrong, as NumPy and text files. No package is needed."""
import gzip
import math
import os
import random
import struct

TYPES = {"f4": ("<f4", "f"), "u1": ("|u1", "B"), "i4": ("<i4", "i")}


def npy(path, kind, shape, values):
    name, code = TYPES[kind]
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }" % (name, "".join("%d, " % n for n in shape))
    head += " " * ((-len(head) - 11) % 64) + "\n"
    flat = [int(v) if code != "f" else v for v in values]
    assert len(flat) == math.prod(shape), path
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<%d%s" % (len(flat), code), *flat))


def rows(path, kind, shape, samples):
    npy(path, kind, [len(samples)] + shape, [v for s in samples for v in s])


def labels(path, classes):
    npy(path, "i4", [len(classes)], classes)


def columns(samples):
    return [(sum(c) / len(c), (sum(v * v for v in c) / len(c) - (sum(c) / len(c)) ** 2) ** 0.5) for c in zip(*samples)]


def standardized(samples, by):
    return [[(v - m) / (s or 1) for v, (m, s) in zip(x, by)] for x in samples]


# ---- a table: six measures in their own units, three kinds ----

UNITS = [(5000, 300), (0.002, 0.0005), (20, 6), (-3, 1), (120, 40), (0.5, 0.1)]


def table_rows(r, n):
    x, y = [], []
    for _ in range(n):
        k = r.randrange(3)
        z = [r.gauss(0, 1) + (1.6 if i % 3 == k else 0) for i in range(6)]
        x.append([m + s * v for (m, s), v in zip(UNITS, z)])
        y.append(k)
    return x, y


def table(folder):
    r = random.Random(1)
    x, y = table_rows(r, 320)
    xv, yv = table_rows(r, 120)
    rows(folder + "/x.npy", "f4", [6], x), labels(folder + "/y.npy", y)
    rows(folder + "/xv.npy", "f4", [6], xv), labels(folder + "/yv.npy", yv)
    shuffled = y[:]
    r.shuffle(shuffled)
    labels(folder + "/y_shuffled.npy", shuffled)
    labels(folder + "/y_shifted.npy", y[1:] + y[:1])
    labels(folder + "/y_constant.npy", [1] * len(y))
    labels(folder + "/y_other.npy", (yv * 3)[: len(y)])
    shuffled = yv[:]
    r.shuffle(shuffled)
    labels(folder + "/yv_shuffled.npy", shuffled)
    rows(folder + "/x_zero.npy", "f4", [6], [[0] * 6 for _ in x])
    rows(folder + "/x_dead.npy", "f4", [6], [s[:3] + [7] + s[4:] for s in x])
    rows(folder + "/x_tiled.npy", "f4", [6], (x[:32] * 10)[: len(x)])
    rows(folder + "/x_noise.npy", "f4", [6], [[r.gauss(m, s) for m, s in UNITS] for _ in x])
    rows(folder + "/x_outlier.npy", "f4", [6], [[v * (3000 if i == 77 else 1) for v in s] for i, s in enumerate(x)])
    rows(folder + "/x_answer.npy", "f4", [6], [s[:5] + [100 * k] for s, k in zip(x, y)])
    # validation that went another way
    rows(folder + "/xv_unit.npy", "f4", [6], [[s[0] / 1000] + s[1:] for s in xv])
    rows(folder + "/xv_order.npy", "f4", [6], [s[1:] + s[:1] for s in xv])
    rows(folder + "/xv_zero.npy", "f4", [6], [[0] * 6 for _ in xv])
    own, other = columns(x), columns(xv)
    rows(folder + "/xv_own.npy", "f4", [6], standardized(xv, other))
    # prepared before they were written
    rows(folder + "/sx.npy", "f4", [6], standardized(x, own)), rows(folder + "/sxv.npy", "f4", [6], standardized(xv, own))
    rows(folder + "/sxv_own.npy", "f4", [6], standardized(xv, other))
    # values: a price far from 0
    price = [[50 + 10 * ((s[0] - 5000) / 300) + 4 * ((s[2] - 20) / 6) + r.gauss(0, 1)] for s in x]
    pricev = [[50 + 10 * ((s[0] - 5000) / 300) + 4 * ((s[2] - 20) / 6) + r.gauss(0, 1)] for s in xv]
    rows(folder + "/p.npy", "f4", [1], price), rows(folder + "/pv.npy", "f4", [1], pricev)
    shuffled = price[:]
    r.shuffle(shuffled)
    rows(folder + "/p_shuffled.npy", "f4", [1], shuffled)
    two = lambda all: [[(s[0] - 5000) / 300, (s[2] - 20) / 6, (s[4] - 120) / 40, (s[3] + 3)] for s in all]
    rows(folder + "/q.npy", "f4", [4], two(x)), rows(folder + "/qv.npy", "f4", [4], two(xv))


# ---- pictures of 12 x 12 in colour: a bar that lies or stands, reddish or bluish, on ground that is darker below ----

SIDE = 12


def picture(r, k):
    out, at = [], r.randrange(3, 9)
    for i in range(SIDE):
        for j in range(SIDE):
            on = at - 1 <= (i if k % 2 else j) <= at
            ground = [150 - 5 * i, 100 - 4 * i, 50 - 2 * i]
            bar = [220, 90, 60] if k < 2 else [90, 110, 190]
            out += [min(255, max(0, round(r.gauss(v, 12)))) for v in (bar if on else ground)]
    return out


def pictures(folder):
    r = random.Random(2)
    y, yv = [i % 4 for i in range(240)], [i % 4 for i in range(80)]
    x, xv = [picture(r, k) for k in y], [picture(r, k) for k in yv]
    rows(folder + "/x.npy", "u1", [SIDE, SIDE, 3], x), labels(folder + "/y.npy", y)
    rows(folder + "/xv.npy", "u1", [SIDE, SIDE, 3], xv), labels(folder + "/yv.npy", yv)
    pixels = lambda s: [s[p : p + 3] for p in range(0, len(s), 3)]
    rows(folder + "/xv_bgr.npy", "u1", [SIDE, SIDE, 3], [[v for p in pixels(s) for v in p[::-1]] for s in xv])
    rows(folder + "/xv_chw.npy", "u1", [SIDE, SIDE, 3], [s[0::3] + s[1::3] + s[2::3] for s in xv])
    rows(folder + "/xv_turned.npy", "u1", [SIDE, SIDE, 3], [[v for j in range(SIDE) for i in range(SIDE) for v in pixels(s)[i * SIDE + j]] for s in xv])
    rows(folder + "/xv_unit.npy", "f4", [SIDE, SIDE, 3], [[v / 255 for v in s] for s in xv])
    rows(folder + "/x_real.npy", "f4", [SIDE, SIDE, 3], x), rows(folder + "/xv_real.npy", "f4", [SIDE, SIDE, 3], xv)
    rows(folder + "/xv_inverted.npy", "u1", [SIDE, SIDE, 3], [[255 - v for v in s] for s in xv])
    rows(folder + "/x_flat.npy", "u1", [SIDE, SIDE, 3], [[v if i % 3 else 9 for i, v in enumerate(s)] for s in x])


# ---- sequences: which of three slow waves it is ----

STEPS = 24


def waves(folder):
    r = random.Random(3)

    def make(n):
        x, y = [], []
        for i in range(n):
            k, phase = i % 3, r.uniform(0, 6.28)
            x.append([v for t in range(STEPS) for v in (math.sin(phase + (0.3 + 0.35 * k) * t) + r.gauss(0, 0.1), math.cos(phase + (0.3 + 0.35 * k) * t) + r.gauss(0, 0.1))])
            y.append(k)
        return x, y

    for name, n in (("", 240), ("v", 90)):
        x, y = make(n)
        rows(folder + "/x%s.npy" % name, "f4", [STEPS, 2], x), labels(folder + "/y%s.npy" % name, y)


# ---- Fashion-MNIST, its first pictures, under the names that recipes know; a text ----


def idx_head(path, count):
    with gzip.open(path, "rb") as f:
        magic = f.read(4)
        sizes = [struct.unpack(">I", f.read(4))[0] for _ in range(magic[3])]
        return magic + struct.pack(">%dI" % len(sizes), count, *sizes[1:]) + f.read(count * math.prod(sizes[1:]))


def fashion(folder, source, train=400, test=100):
    for stem, count in (("train", train), ("t10k", test)):
        for name in ("images-idx3", "labels-idx1"):
            file = "%s-%s-ubyte.gz" % (stem, name)
            with gzip.GzipFile(folder + "/" + file, "wb", mtime=0) as f:
                f.write(idx_head(source + "/" + file, count))


WORDS = "the a small red old cat dog bird house tree sees finds likes and then under over near".split()


def text(folder):
    r = random.Random(4)
    with open(folder + "/book.txt", "w") as f:
        for _ in range(400):
            f.write(" ".join(r.choice(WORDS) for _ in range(r.randrange(4, 9))) + ".\n")


def archive(folder, side, classes, count, name="train.npz"):
    """ImageNet's form at a small size: `inputs` [N, side, side, 3] of bytes, `targets` [N]."""
    import zipfile

    r = random.Random(5)
    hues = [[r.randrange(30, 226) for _ in range(3)] for _ in range(classes)]
    y = [i % classes for i in range(count)]
    x = [[min(255, max(0, v + r.randrange(-40, 41))) for i in range(side * side) for v in (hues[k] if (i // side // 4 + i % side // 4) % 2 else hues[(k + 1) % classes])] for k in y]
    rows(folder + "/inputs.npy", "u1", [side, side, 3], x), labels(folder + "/targets.npy", y)
    with zipfile.ZipFile(folder + "/" + name, "w") as z:
        for part in ("inputs", "targets"):
            z.write(folder + "/" + part + ".npy", part + ".npy")


# ---- tokens for GPT-2 and BERT, and the tables of the pages ----


def tokens(folder):
    r = random.Random(6)
    os.makedirs(folder + "/gpt2-small", exist_ok=True), os.makedirs(folder + "/bert-base", exist_ok=True)
    start = [(r.randrange(16), r.randrange(1, 4)) for _ in range(160)]
    rows(folder + "/gpt2-small/x.npy", "i4", [16], [[(a + b * t) % 16 for t in range(16)] for a, b in start])
    rows(folder + "/gpt2-small/y.npy", "i4", [16], [[(a + b * (t + 1)) % 16 for t in range(16)] for a, b in start])
    words = [[r.randrange(8)] + [r.randrange(8, 64) for _ in range(15)] for _ in range(160)]
    rows(folder + "/bert-base/words.npy", "i4", [16], words)
    rows(folder + "/bert-base/segments.npy", "i4", [16], [[int(t >= e) for t in range(16)] for e in (r.randrange(17) for _ in words)])
    rows(folder + "/bert-base/y.npy", "f4", [24], [[1 if math.sin((j + 1) * (w[0] + 1)) > 0 else -1 for j in range(24)] for w in words])


def written(path, head, lines):
    with open(path, "w") as f:
        f.write("\n".join([head] + [",".join(str(v) for v in line) for line in lines]) + "\n")


def page(folder, root):
    """What the recipes of the pages read: tables of their columns, and sounds."""
    import shutil

    r = random.Random(7)
    shutil.copy(root + "/tests/data/tumours.csv", folder + "/tumours.csv")
    written(folder + "/houses.csv", "area,rooms,age,kind,price,sure",
            [(a, n, g, "hut" if a < 70 else "flat" if n < 4 else "house", round(a / 10 + n - g / 30 + r.gauss(0, 0.5), 1), r.choice((0.5, 1, 2)))
             for a, n, g in ((r.randrange(40, 200), r.randrange(1, 7), r.randrange(90)) for _ in range(240))])
    lines = []
    for i in range(600):
        bad = i % 5 == 3
        lines.append((i, "Doe", round(1500 + 3000 * r.random() - 600 * bad), round(9000 * r.random() + 6000 * bad), round(20 + 50 * r.random()), "no" if bad else "yes"))
    written(folder + "/loans.csv", "id,name,income,debt,age,repaid", lines)
    lines = []
    for i in range(200):
        k = i % 2
        lines.append((round(60 + 40 * k + 30 * r.random(), 1), 1 + r.randrange(6), round(90 * r.random(), 1), "house" if k else "flat"))
    written(folder + "/homes.csv", "area,rooms,age,kind", lines)
    written(folder + "/digits.csv", ",".join("p%d" % i for i in range(64)) + ",digit",
            [[(i % 10 == k % 10) * 9 + r.randrange(6) for i in range(64)] + [k] for k in (n % 10 for n in range(400))])
    for k, word in enumerate(("yes", "no")):
        os.makedirs(folder + "/words/" + word, exist_ok=True)
        for i in range(16):
            samples = [r.gauss(0, 0.05) + 0.4 * math.sin(2 * math.pi * (300 + 900 * k + 40 * i) * t / 8000) for t in range(8000)]
            sound = struct.pack("<8000h", *(int(32000 * max(-1, min(1, v))) for v in samples))
            with open("%s/words/%s/%d.wav" % (folder, word, i), "wb") as f:
                f.write(b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", len(sound)) + sound)


def make(folder, source, root):
    """All of them below folder; Fashion-MNIST where source has it. Gives the environment for recipes."""
    for name, how in (("table", table), ("pictures", pictures), ("waves", waves), ("text", text)):
        os.makedirs(folder + "/" + name, exist_ok=True)
        how(folder + "/" + name)
    tokens(folder)
    os.makedirs(folder + "/page", exist_ok=True), os.makedirs(folder + "/imagenet", exist_ok=True)
    page(folder + "/page", root)
    archive(folder + "/imagenet", 32, 4, 120)
    os.makedirs(folder + "/fashion", exist_ok=True)
    if os.path.exists(source + "/train-images-idx3-ubyte.gz"):
        fashion(folder + "/fashion", source)
    return {"GRADUS_DATA": folder + "/fashion", "GRADUS_TEXT": folder + "/text", "GRADUS_PICTURES": folder + "/imagenet"}
