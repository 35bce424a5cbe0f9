"""Models: opened from a file, they predict from raw arrays."""

import ctypes as c
import os

import numpy as np

from ._context import Context, text
from ._library import ModelTensor, lib
from .data import Data, Held

_parts = ["train", "validation", "test"]


def _shape(s):
    return tuple(s.dim[: s.rank])


class Evaluation:
    """samples, cost, error, metrics {name: value}, confusion (an array, a row a true class, or None); with several heads `heads` {name: Evaluation}."""

    def __init__(self, at, head=None):
        self.samples = lib.gr_evaluation_samples(at)
        self.cost = lib.gr_evaluation_cost(at) if head is None else lib.gr_evaluation_head_cost(at, head)
        heads = lib.gr_evaluation_heads(at)
        one = head if head is not None else 0
        self.error = lib.gr_evaluation_error(at, one) if head is not None or heads == 1 else float("nan")
        names = [lib.gr_evaluation_metric_name(at, one, i) for i in range(lib.gr_evaluation_metrics(at, one))] if head is not None or heads == 1 else []
        self.metrics = {n.decode(): lib.gr_evaluation_metric(at, one, n) for n in names}
        classes = c.c_int()
        counts = lib.gr_evaluation_confusion(at, one, c.byref(classes)) if head is not None or heads == 1 else None
        self.confusion = np.ctypeslib.as_array(counts, (classes.value, classes.value)).copy() if counts else None
        self.heads = {lib.gr_evaluation_head(at, h).decode(): Evaluation(at, h) for h in range(heads)} if head is None and heads > 1 else {}

    def __repr__(self):
        return f"Evaluation(samples={self.samples}, cost={self.cost:.6g}, error={self.error:.6g})"


class Model:
    """load(path) opens one. inputs {name: shape of a raw sample}; heads, their names; classes, names of the classes (None: numbers), a dict for several heads."""

    def __init__(self, path, threads=None, budget=None):
        self._context = Context(threads, budget)
        self._at = None
        try:
            self._at = self._context.make(lib.gr_model_open, self._context.at, text(os.fspath(path)))
            self._describe()
        except BaseException:
            self.close()
            raise

    def _describe(self):
        at = self._at
        self.inputs = {lib.gr_model_input_name(at, i).decode(): _shape(lib.gr_model_input_shape(at, i)) for i in range(lib.gr_model_inputs(at))}
        self.heads = [lib.gr_model_head_name(at, h).decode() for h in range(lib.gr_model_heads(at))]
        names = [self._classes(h) for h in range(len(self.heads))]
        self.classes = names[0] if len(names) == 1 else dict(zip(self.heads, names))
        self._wide = self._tensor(0).float64 if lib.gr_model_tensors(at) else False

    def _classes(self, head):
        names = [lib.gr_model_class_name(self._at, head, k) for k in range(lib.gr_model_classes(self._at, head))]
        return [n.decode() for n in names] if names and all(n is not None for n in names) else None

    def _tensor(self, i):
        t = ModelTensor()
        self._context.check(lib.gr_model_tensor_at(self._at, i, None, c.byref(t)))
        return t

    def _open(self):
        if not self._at:
            raise ValueError("the model is closed")
        return self._context.lock

    @property
    def recipe(self):
        """The resolved recipe that the model was trained by, as YAML."""
        with self._open():
            out = self._context.make(lib.gr_recipe_text, lib.gr_model_recipe(self._at))
            words = c.string_at(out).decode()
            lib.gr_text_free(self._context.at, out)
            return words

    @property
    def tensors(self):
        """{name: array}, as the file has them."""
        with self._open():
            all = [self._tensor(i) for i in range(lib.gr_model_tensors(self._at))]
            return {t.name.decode(): self._read(t) for t in all}

    def _read(self, t):
        x = np.empty(_shape(t.shape))
        self._context.check(lib.gr_model_tensor_read(self._at, t.name, x.ctypes.data_as(c.POINTER(c.c_double)), x.size))
        return x if t.float64 else x.astype("f4")

    def predict(self, x):
        """Of raw samples: an array (one sample, or the first axis samples), {input: array}, Data, or the path of a file that the command predict takes. An array
        of probabilities, or values, a row a sample; of several heads a dict of them."""
        with self._open():
            if isinstance(x, (str, os.PathLike)):
                at = self._context.make(lib.gr_model_read, self._at, text(os.fspath(x)))
                try:
                    return self._predict(at)
                finally:
                    lib.gr_data_destroy(at)
            one = not isinstance(x, (dict, Data)) and len(self.inputs) == 1 and np.ndim(x) == len(next(iter(self.inputs.values())))
            with _held(self._context, x if isinstance(x, Data) else Data(np.asarray(x)[None] if one else x)) as at:
                y = self._predict(at)
            if not one:
                return y
            return {k: v[0] for k, v in y.items()} if isinstance(y, dict) else y[0]

    def _predict(self, at):
        n, found = lib.gr_data_samples(at), {}
        for h, name in enumerate(self.heads):
            width = c.c_int64()
            self._context.check(lib.gr_model_width(self._at, h, c.byref(width)))
            found[name] = np.empty((n, width.value))
        rooms = (c.POINTER(c.c_double) * len(found))(*[y.ctypes.data_as(c.POINTER(c.c_double)) for y in found.values()])
        self._context.check(lib.gr_model_predict_data(self._at, at, rooms))
        if not self._wide:
            found = {k: y.astype("f4") for k, y in found.items()}  # they are float32, so nothing is rounded
        return found[self.heads[0]] if len(found) == 1 else found

    def evaluate(self, inputs=None, targets=None, weights=None, lengths=None, part=None):
        """On arrays (or Data), or on a part of the recipe's own data: "train", "validation", "test". A look at the test part is recorded."""
        if (inputs is None) == (part is None):
            raise TypeError("evaluate takes inputs and targets, or part=\"validation\"")
        with self._open():
            if part is not None:
                if part not in _parts:
                    raise ValueError(f"part {part!r}: one of {', '.join(_parts)}")
                at = self._context.make(lib.gr_model_evaluate_part, self._at, None, _parts.index(part))
            else:
                with _held(self._context, inputs if isinstance(inputs, Data) else Data(inputs, targets, weights, lengths)) as data:
                    at = self._context.make(lib.gr_model_evaluate, self._at, data)
            try:
                return Evaluation(at)
            finally:
                lib.gr_evaluation_destroy(at)

    def close(self):
        if self._at:
            lib.gr_model_close(self._at)
            self._at = None
        self._context.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    def __del__(self):
        if getattr(self, "_context", None) and self._context.at:
            self.close()


class _held:
    """Data within a call; what a Reader raised comes out of it in the place of the library's error."""

    def __init__(self, context, data):
        self.context, self.data = context, data

    def __enter__(self):
        self.held = Held(self.context, self.data)
        return self.held.at

    def __exit__(self, kind, error, trace):
        self.held.close()
        if error is not None and self.context.failed:
            raise self.context.failed


def load(path, threads=None, budget=None):
    """Opens a model file. threads: as many as the machine has unless given; budget: bytes of tensor memory, no limit unless given."""
    return Model(path, threads, budget)
