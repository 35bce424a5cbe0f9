"""A context of the library, and its errors as exceptions."""

import ctypes as c
import logging
import threading

from ._library import LOG, ContextOptions, lib

_log = logging.getLogger("gradus")
_levels = [logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG]


class Error(Exception):
    """What the library refuses. code: "E_RANGE"; file, line, column, key: the place, where there is one; hint: what helps, or ""; least_bytes: of E_BUDGET, the
    least budget that would do, 0 where it is not known."""

    def __init__(self, code, message, file="", line=0, column=0, key="", hint="", least_bytes=0):
        self.code, self.message, self.file, self.line, self.column, self.key, self.hint = code, message, file, line, column, key, hint
        self.least_bytes = least_bytes
        place = file + (f":{line}:{column}" if line else "") if file else ""
        text = ": ".join(filter(None, [place, key, message]))
        super().__init__(text + (f" ({hint})" if hint else ""))


class RecipeError(Error, ValueError):
    """A recipe, an option or an argument is wrong."""


class DataError(Error, ValueError):
    """A file or data is wrong, or a file cannot be written."""


class BudgetError(Error, MemoryError):
    """Over the memory budget, or out of memory."""


class Diverged(Error, ArithmeticError):
    """Training ended with numbers that are not finite. result: what was found until then."""


class Interrupted(Error):
    """Training was interrupted; a checkpoint is written. result: what was found until then."""


_INTERRUPTED, _DIVERGED = 20, 2
_kinds = {2: RecipeError, 3: DataError, 4: BudgetError}


def text(s):
    return None if s is None else s.encode()


def texts(all):
    return (c.c_char_p * max(len(all), 1))(*[text(s) for s in all])


class Context:
    """Owned by a model or a training. One thread at a time: the lock sees to it."""

    def __init__(self, threads=None, budget=None):
        self.lock = threading.RLock()
        self._told = LOG(lambda user, level, message: _log.log(_levels[min(level, 3)], "%s", message.decode(errors="replace")))
        options = ContextOptions(log=self._told, threads=threads or 0, budget_bytes=budget or 0)
        made = c.c_void_p()
        status = lib.gr_context_create(c.byref(options), c.byref(made))
        if status:
            raise Error(lib.gr_status_name(status).decode(), "no context can be made")
        self.at = made

    def close(self):
        if self.at:
            lib.gr_context_destroy(self.at)
            self.at = None

    def check(self, status):
        """Raises what the context says of a status that is not GR_OK."""
        if status == 0:
            return
        e = lib.gr_context_error(self.at).contents
        words = [s.decode(errors="replace") for s in (e.message, e.file)]
        kind = {_INTERRUPTED: Interrupted, _DIVERGED: Diverged}.get(status) or _kinds.get(lib.gr_status_exit_code(status), Error)
        error = kind(lib.gr_status_name(status).decode(), words[0], words[1], e.line, e.column, e.key.decode(errors="replace"), e.hint.decode(errors="replace"),
                     e.least_bytes)
        lib.gr_context_clear_error(self.at)
        raise error

    def make(self, function, *arguments):
        """A function whose last argument receives what it makes."""
        out = c.c_void_p()
        self.check(function(*arguments, c.byref(out)))
        return out
