"""Training from a recipe, with callbacks."""

import ctypes as c
import json
import os
import signal
import threading
from dataclasses import dataclass
from typing import Optional

from ._context import Context, Diverged, Interrupted, text, texts
from ._library import TOLD, TrainerData, TrainerOptions, TrainResult, Watcher, lib
from .data import Data, Held
from .model import Evaluation, Model

STOP = object()  # what a callback returns to end the run

_GO_ON, _FAIL, _INTERRUPT = 0, 1, 20
_PARTS = ("train", "validation", "test")


@dataclass
class Progress:
    """How far a run is. nan: unknown."""

    step: int
    steps: int
    epoch: float
    epochs: float
    cost: float
    train_cost: float
    lr: float
    seconds: float
    seconds_left: float
    samples_per_second: float
    validation_cost: float
    validation_error: float
    best: bool
    evaluation: Optional[Evaluation]


@dataclass
class Result:
    """What a run has found. folder: where its models are; best() and last() open them."""

    reason: str
    steps: int
    epochs: float
    parameters: int
    best_step: int
    best_cost: float
    best_error: float
    final_cost: float
    final_error: float
    planned_bytes: int
    peak_bytes: int
    seconds: float
    folder: str

    def best(self):
        return Model(os.path.join(self.folder, "best.safetensors"))

    def last(self):
        return Model(os.path.join(self.folder, "last.safetensors"))


def _data(data):
    """{part: Data}: of Data, (inputs, targets), or a dict of such by part."""
    if data is None:
        return {}
    parts = dict(data) if isinstance(data, dict) else {"train": data}
    if set(parts) - set(_PARTS):
        raise ValueError(f"data is by {', '.join(_PARTS)}, not {', '.join(sorted(set(parts) - set(_PARTS)))}")
    return {k: d if isinstance(d, Data) else Data(*d) for k, d in parts.items()}


class _Run:
    """A training's callbacks: what they raise comes out of train(); Ctrl-C ends it with a checkpoint."""

    def __init__(self, functions):
        self.raised = None
        self.stop = c.c_int(0)
        after_update, after_evaluation, before_checkpoint, progress = functions
        calls = [self._call(f) if f else TOLD() for f in (after_update, after_evaluation, before_checkpoint)]
        self.watcher = Watcher(1, None, *calls, self._call(progress, True))  # always one, in which Python sees its signals

    def _call(self, function, often=False):
        def told(user, p, stop):
            try:
                if function is None:
                    return _GO_ON
                if function(self._progress(p.contents, often)) is STOP:
                    stop[0] = True
                return _GO_ON
            except BaseException as e:
                self.raised = self.raised or e
                return _INTERRUPT if isinstance(e, KeyboardInterrupt) else _FAIL

        return TOLD(told)

    @staticmethod
    def _progress(p, often):
        evaluation = Evaluation(p.evaluation) if p.evaluation and not often else None
        return Progress(p.step, p.steps, p.epoch, p.epochs, p.cost, p.train_cost, p.lr, p.seconds, p.seconds_left, p.samples_per_second, p.validation_cost,
                        p.validation_error, p.best, evaluation)

    def __enter__(self):
        self.before = None
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def _interrupt(self, *args):
        if self.stop.value:
            raise KeyboardInterrupt  # twice: at once, though within a callback it is told when that has ended
        self.stop.value = 1

    def __exit__(self, *args):
        if self.before:
            signal.signal(signal.SIGINT, self.before)


def _recipe(context, recipe, sets):
    words = texts(sets)
    if isinstance(recipe, dict):
        recipe = json.dumps(recipe, indent=1) + "\n"  # which is YAML as well
    if isinstance(recipe, str) and "\n" in recipe:
        return context.make(lib.gr_recipe_parse, context.at, b"recipe", None, text(recipe), words, len(sets))
    return context.make(lib.gr_recipe_open, context.at, text(os.fspath(recipe)), words, len(sets))


def _result(t, r):
    return Result(lib.gr_reason_name(r.reason).decode(), r.steps, r.epochs, r.parameters, r.best_step, r.best_cost, r.best_error, r.final_cost, r.final_error,
                  r.planned_bytes, r.peak_bytes, r.seconds, lib.gr_trainer_folder(t).decode())


def _run(context, t, run, held):
    found = TrainResult()
    with run:
        status = lib.gr_trainer_run(t, c.byref(found))
    try:
        context.check(status)
    except (Diverged, Interrupted) as e:
        e.result = _result(t, found)
        if run.raised:
            raise run.raised from e
        if run.stop.value:
            raise KeyboardInterrupt(str(e)) from e
        raise
    except Exception as e:
        error = run.raised or context.failed
        if error:
            raise error from e
        raise
    if run.raised:
        raise run.raised
    return _result(t, found)


def train(recipe, data=None, out=None, set=None, start=None, force=False, resume=False, overwrite=False, threads=None, budget=None, after_update=None,
          after_evaluation=None, before_checkpoint=None, progress=None):
    """Trains a recipe: a path, a text of several lines, or a dict. Gives a Result.

    data: of the program, where the recipe says `data: {train: program}`: Data or (inputs, targets), or {"train": ..., "validation": ..., "test": ...}. set: {"optimizer.lr": 0.01}. start:
    a model file whose weights it starts from. out: the run folder, runs/NAME unless given; resume goes on with the run that it holds, overwrite removes it.
    Callbacks are given a Progress; what they raise ends the run as failed and comes out of train; STOP ends it well. Ctrl-C ends it with a checkpoint, and
    KeyboardInterrupt.
    """
    parts = _data(data)
    sets = [f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in (set or {}).items()]
    run = _Run((after_update, after_evaluation, before_checkpoint, progress))
    context, r, t, held = Context(threads, budget), None, None, {}
    context.failed = None
    try:
        r = _recipe(context, recipe, sets)
        for k, d in parts.items():
            held[k] = Held(context, d)
        given = TrainerData(*[held[k].at if k in held else None for k in _PARTS])
        options = TrainerOptions(version=1, out=text(os.fspath(out)) if out else None, force=force, resume=resume, overwrite=overwrite,
                                 watcher=c.pointer(run.watcher), n_watchers=1, stop=c.pointer(run.stop))
        setattr(options, "from", text(os.fspath(start)) if start else None)
        try:
            t = context.make(lib.gr_trainer_create, r, c.byref(given), c.byref(options))
        except Exception as e:
            if context.failed:
                raise context.failed from e
            raise
        return _run(context, t, run, held)
    finally:
        lib.gr_trainer_destroy(t)
        for h in held.values():
            h.close()
        lib.gr_recipe_close(r)
        context.close()
