"""Silero VAD's published weights (16 kHz) in networks of gradus, held against the same in PyTorch. Needs numpy and torch.
   silero.py data WEIGHTS FOLDER          chunks of sound, 640 numbers each (64 of them reflected), as sound.npy; the size of their spectra as spectrum.npy
   silero.py weights WEIGHTS MODEL OUT    MODEL with the tensors that it shares with the file, by name
   silero.py compare WEIGHTS FOLDER       what gradus predicted, spectrum.json and speech.json, against PyTorch"""
import json
import sys

import numpy as np
import torch
from torch.nn import functional as F

from pretrained import read, write


def tensors(path):
    return {k: torch.from_numpy(np.frombuffer(data, np.float32).reshape(shape).copy()).double() for k, (_, shape, data) in read(path)[1].items()}


def chunks():
    """Tones with overtones, noise and silence: what stands for voices is their harmony."""
    r, t = np.random.default_rng(5), np.arange(576) / 16000
    voiced = [sum(np.sin(2 * np.pi * f * k * t) / k for k in range(1, 12)) * 0.2 for f in (90, 140, 210, 320)]
    sound = np.stack([*voiced, *(s * r.standard_normal(576) for s in (0.01, 0.3)), np.zeros(576)])
    return torch.nn.functional.pad(torch.from_numpy(sound)[:, None], (0, 64), "reflect").float()


def spectra(w, sound):
    z = F.conv1d(sound.double(), w["stft_conv.weight"], stride=128)
    return z, (z[:, :129] ** 2 + z[:, 129:] ** 2).sqrt()


def speech(w, x):
    for i, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
        x = F.relu(F.conv1d(x, w[f"conv{i}.weight"], w[f"conv{i}.bias"], stride, 1))
    cell = torch.nn.LSTMCell(128, 128).double()
    cell.load_state_dict({k.split(".")[1]: v for k, v in w.items() if k.startswith("lstm_cell")})
    h, _ = cell(x[..., 0])
    return torch.sigmoid(F.conv1d(F.relu(h)[..., None], w["final_conv.weight"], w["final_conv.bias"]))[:, 0, 0]


def data(path, folder):
    sound = chunks()
    np.save(f"{folder}/sound.npy", sound.permute(0, 2, 1).numpy())
    np.save(f"{folder}/spectrum.npy", spectra(tensors(path), sound)[1].permute(0, 2, 1).float().numpy())
    np.save(f"{folder}/y.npy", np.zeros((len(sound), 1), np.float32))
    np.save(f"{folder}/z.npy", np.zeros((len(sound), 4, 258), np.float32))


def weights(path, model, out):
    meta, made = read(model)
    published = {k + ("_l0" if k.startswith("lstm_cell") else ""): v for k, v in read(path)[1].items()}
    for k, (_, shape, _) in made.items():
        if published[k][1] != shape:
            sys.exit(f"{k} is {published[k][1]} in the file and {shape} in the network")
    meta.pop("gradus.crc32", None)
    write(out, meta, {k: published[k] for k in made})


def rows(path):
    return np.array([json.loads(line)["output"] for line in open(path)])


@torch.no_grad()
def compare(path, folder):
    w, sound = tensors(path), chunks()
    z, size = spectra(w, sound)
    got, want = rows(f"{folder}/spectrum.json").reshape(len(sound), 4, 258), z.permute(0, 2, 1).numpy()
    first = np.abs(got - want).max() / np.abs(want).max()
    said, voice = speech(w, size.float().double()).numpy(), rows(f"{folder}/speech.json").ravel()
    second = np.abs(said - voice).max()
    print(f"silero-vad: spectra within {first:.1e} of the largest, chances of speech within {second:.1e}: {' '.join(f'{v:.3f}' for v in voice)}")
    if not (first <= 1e-5 and second <= 1e-5):
        sys.exit("that is more than 1e-5")


{"data": data, "weights": weights, "compare": compare}[sys.argv[1]](*sys.argv[2:])
