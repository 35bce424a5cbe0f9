"""Data of the program: NumPy arrays, or a function that gives samples, as fields of the library."""

import ctypes as c

import numpy as np

from ._context import text, texts
from ._library import MAX_RANK, READ, DataField, Shape, lib

_INPUT, _TARGET, _WEIGHT, _LENGTH = range(4)
_types = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]


class Reader:
    """Samples that a function gives when they are wanted: read(i) is an array of this shape. n: how many there are."""

    def __init__(self, read, n, shape, dtype="f4"):
        self.read, self.n, self.shape, self.dtype = read, int(n), tuple(shape), np.dtype(dtype).newbyteorder("=")


def _array(x, what):
    x = np.asarray(x)
    if x.dtype == bool:
        x = x.astype("u1")
    if x.dtype.kind not in "uif" or x.dtype.itemsize > 8:
        raise TypeError(f"{what}: numbers are wanted, not {x.dtype}")
    if x.ndim == 0:
        raise TypeError(f"{what}: an array with an axis of samples is wanted")
    return np.ascontiguousarray(x, dtype=x.dtype.newbyteorder("="))


def _named(x):
    """{name: array}; the only one has no name."""
    return {} if x is None else dict(x) if isinstance(x, dict) else {None: x}


class Data:
    """inputs, targets: an array, the first axis the samples, or {name: array} where the recipe has several; inputs may be a Reader. weights: one a sample;
    lengths: of sequences, by input where there are several. classes: names of classes, by head where there are several."""

    def __init__(self, inputs, targets=None, weights=None, lengths=None, classes=None):
        self.inputs = {k: x if isinstance(x, Reader) else _array(x, f"input {k or ''}".strip()) for k, x in _named(inputs).items()}
        self.targets = {k: _array(y, f"target {k or ''}".strip()) for k, y in _named(targets).items()}
        self.weights = {None: _array(weights, "weights")} if weights is not None else {}
        self.lengths = {k: _array(y, "lengths") for k, y in _named(lengths).items()}
        self.classes = {k: [str(name) for name in names] for k, names in _named(classes).items()}
        counts = {x.n if isinstance(x, Reader) else x.shape[0] for d in (self.inputs, self.targets, self.weights, self.lengths) for x in d.values()}
        if len(counts) != 1:
            raise ValueError(f"fields have different numbers of samples: {sorted(counts)}")
        self.n = counts.pop()
        if set(self.classes) - set(self.targets):
            raise ValueError("classes are given for a target that is not there")


def _fail_read(context, e):
    context.failed = context.failed or e
    return 16  # GR_E_DATA


class Held:
    """gr_data of a context, with all that it points to."""

    def __init__(self, context, data):
        self.context, self.data, self.kept = context, data, []
        context.failed = None
        self.at = context.make(lib.gr_data_create, context.at, data.n)
        try:
            for role, fields in ((_INPUT, data.inputs), (_TARGET, data.targets), (_WEIGHT, data.weights), (_LENGTH, data.lengths)):
                for name, x in fields.items():
                    self._add(role, name, x)
        except BaseException:
            self.close()
            raise

    def _add(self, role, name, x):
        sample = x.shape if isinstance(x, Reader) else x.shape[1:]
        if role in (_WEIGHT, _LENGTH) or (role == _TARGET and sample == (1,) and x.dtype.kind in "ui"):
            sample = () if np.prod(sample, dtype=int) == 1 else sample
        if len(sample) > MAX_RANK:
            raise ValueError(f"samples of {len(sample)} axes: there may be {MAX_RANK}")
        field = DataField(version=1, role=role, name=text(name), type=_types.index(x.dtype.str[1:]))
        field.shape = Shape(len(sample), (c.c_int64 * MAX_RANK)(*sample))
        names = self.data.classes.get(name) if role == _TARGET else None
        if names:
            field.class_names, field.n_classes = texts(names), len(names)
        if isinstance(x, Reader):
            field.read = self._reader(x)
        else:
            field.values = x.ctypes.data
        self.kept += [field, x]
        self.context.check(lib.gr_data_add(self.at, c.byref(field)))

    def _reader(self, x):
        context, bytes = self.context, int(np.prod(x.shape, dtype=int)) * x.dtype.itemsize

        def read(user, i, values):
            try:
                sample = np.ascontiguousarray(x.read(i), dtype=x.dtype)
                if sample.shape != x.shape:
                    raise ValueError(f"sample {i} has the shape {sample.shape}, not {x.shape}")
                c.memmove(values, sample.ctypes.data, bytes)
                return 0
            except BaseException as e:  # told once the library has returned
                return _fail_read(context, e)

        return READ(read)

    def close(self):
        if self.at:
            lib.gr_data_destroy(self.at)
            self.at = None
