#!/usr/bin/env python3
"""Pictures of folders into batches, against PyTorch's DataLoader with torchvision: images a second with the same number of workers.

Folders of JPEG and of PNG are made once in the cache: pictures with edges, ramps and noise, in the sizes of photographs made small. Each program decodes every picture anew in
every epoch, resizes, crops (padding 4, as random), flips and gives float batches of 64. The two take turns; the best epoch of each counts. Memory is the most that the process
(PyTorch: with its workers) held, by epoch. Beside rates stands the processor time that all threads and workers of a side took for a picture, the least of its epochs: what neighbours
of a busy machine disturb little.
"""
import argparse, os, pathlib, resource, subprocess, sys, time

SIZES = {"small": (96, 128, 32), "photo": (375, 500, 224)}


def make(folder, kind, height, width, count):
    import numpy as np
    from PIL import Image
    if (folder / "ready").exists():
        return
    r = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    for i in range(count):
        a = np.stack([127 + 100 * np.sin(x / r.uniform(5, 60) + r.uniform(0, 6)) * np.cos(y / r.uniform(5, 60)) for _ in range(3)], -1)
        a[r.integers(0, height // 2):, r.integers(0, width // 2):] *= r.uniform(0.3, 1)
        a += r.normal(0, 4, a.shape)
        to = folder / f"class{i % 4}"
        to.mkdir(parents=True, exist_ok=True)
        im = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))
        im.save(to / f"{i:05}.jpg", quality=90) if kind == "jpeg" else im.save(to / f"{i:05}.png")
    (folder / "ready").write_text("")


def processor_seconds(pids):
    """Of this process and of others that still run."""
    ticks = os.sysconf("SC_CLK_TCK")
    fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return time.process_time() + sum(int(f[11]) + int(f[12]) for f in fields) / ticks


def torch_epochs(folder, size, workers, epochs, reader):
    import torch
    from torchvision import datasets, io, transforms
    from torchvision.transforms import v2
    torch.set_num_threads(1)
    if reader == "tensor": # torchvision's own decoders
        load = lambda p: io.decode_image(io.read_file(p), mode=io.ImageReadMode.RGB)
        change = v2.Compose([v2.Resize((size, size), antialias=True), v2.RandomCrop(size, padding=4), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, scale=True)])
    else: # Pillow, as ImageFolder has it
        load = datasets.folder.default_loader
        change = transforms.Compose([transforms.Resize((size, size)), transforms.RandomCrop(size, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor()])
    data = datasets.ImageFolder(folder, change, loader=load, is_valid_file=lambda p: p.endswith((".jpg", ".png")))
    batches = torch.utils.data.DataLoader(data, 64, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    before = time.process_time()
    for _ in range(epochs):
        start, n = time.perf_counter(), 0
        it = iter(batches)
        for x, _ in it:
            n += len(x)
        took, after = time.perf_counter() - start, processor_seconds([w.pid for w in getattr(it, "_workers", [])])
        busy, before = after - before, after
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"{n / took:.1f} {most} {busy / n * 1e3:.4f}", flush=True)


def best(command, env=None):
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.split("\n")
    rows = [tuple(map(float, line.split())) for line in lines if line.strip()]
    return max(r[0] for r in rows), rows[0][1], rows[-1][1], min(r[2] for r in rows)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--workers", type=int, default=os.cpu_count())
    a.add_argument("--epochs", type=int, default=3)
    a.add_argument("--count", type=int, default=512, help="pictures of a folder")
    a.add_argument("--case", nargs="*", help="only these, as: jpeg-photo")
    a.add_argument("--torch", nargs=2, metavar=("FOLDER", "SIZE"), help=argparse.SUPPRESS)
    a.add_argument("--reader", default="pillow", help=argparse.SUPPRESS)
    o = a.parse_args()
    if o.torch:
        return torch_epochs(o.torch[0], int(o.torch[1]), o.workers, o.epochs, o.reader)
    cache = pathlib.Path(os.environ.get("GRADUS_BENCH_CACHE", pathlib.Path.home() / ".cache/gradus-bench")) / "loading"
    print(f"{o.workers} workers, batches of 64, {o.count} pictures a folder; images a second, milliseconds of processor time a picture, KiB of gradus in the first and the last epoch\n\n"
          "| pictures | gradus | pillow | tensor | times | gradus ms | pillow ms | tensor ms | times | KiB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, (height, width, size) in SIZES.items():
        for kind in "jpeg", "png":
            if o.case and f"{kind}-{name}" not in o.case:
                continue
            folder = cache / f"{kind}-{name}-{o.count}"
            make(folder, kind, height, width, o.count)
            ours, theirs = [], {"pillow": [], "tensor": []}
            for _ in range(2):
                ours.append(best(["build/bench_loading", str(folder), str(size), str(size), str(o.workers), str(o.epochs)]))
                for reader, t in theirs.items():
                    t.append(best([sys.executable, __file__, "--torch", str(folder), str(size), "--workers", str(o.workers), "--epochs", str(o.epochs), "--reader", reader]))
            top, least = max(ours), min(r[3] for r in ours)
            rates = [max(r[0] for r in theirs[k]) for k in theirs]
            times = [min(r[3] for r in theirs[k]) for k in theirs]
            print(f"| {kind} {height}x{width} to {size}x{size} | {top[0]:.0f} | {rates[0]:.0f} | {rates[1]:.0f} | {top[0] / max(rates):.2f} | {least:.3f} | {times[0]:.3f} | {times[1]:.3f} "
                  f"| {min(times) / least:.2f} | {top[1]:.0f}, {top[2]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
