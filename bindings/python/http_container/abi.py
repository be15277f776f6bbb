# SPDX-License-Identifier: MIT OR Apache-2.0
"""The header for Python: `ffi` knows every structure and function pointer, by cffi in ABI mode, so nothing is compiled.

Must not know what a container or a module does with them.
"""

from cffi import FFI

from .constants import StatusCode
from .declarations import CDEF, TAGS

__all__ = ["ffi", "TAGS", "Memory", "POISON", "is_callback", "status_name", "to_bytes"]

ffi = FFI()
ffi.cdef(CDEF)
# The one symbol that a module exports. It is constant; cffi would take the word for something else.
ffi.cdef("extern hc_module hc_module_entry;")

# What the memory of a view is filled with when its life has ended.
POISON = 0xDB

_KNOWN = {int(code): "HC_" + code.name for code in StatusCode}


def status_name(status):
    """`HC_E_GONE` for -2; the number itself, as text, where it has no name."""
    return _KNOWN.get(int(status), str(int(status)))


def is_reserved(status):
    """Whether a module must not make up that status [error.number.module]."""
    return -1000 <= status < 0 and status not in _KNOWN


def is_cancellation(status):
    """Whether it is the outcome of a task that was cancelled."""
    return -199 <= status <= -101


def is_callback(ctype):
    """Whether a type is that of a pointer to a function."""
    return ctype.kind == "function"


def to_bytes(view):
    """A copy of what an `hc_bytes` shows."""
    return ffi.buffer(view.data, view.size)[:] if view.size else b""


class Memory:
    """Memory that is given out and ends together: all that is made by one `Memory` lives until `end`.

    Then it is overwritten and kept for a while, so that a late look at it reads what can be recognised.
    """

    _graves = []
    _MOST_GRAVES = 4096

    def __init__(self):
        self._kept = []

    def new(self, ctype, initializer=None):
        """As `ffi.new`."""
        made = ffi.new(ctype, initializer)
        self._kept.append(made)
        return made

    def bytes(self, data):
        """An `hc_bytes` that shows a copy of `data` (bytes, or text that becomes UTF-8)."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        view = ffi.new("hc_bytes *")
        # Also an empty view points somewhere: only a request without a query has NULL.
        view.data = self.new("char[]", len(data) + 1) if not data else self.new("char[]", data)
        view.size = len(data)
        self._kept.append(view)
        return view[0]

    def fields(self, fields):
        """An array of `hc_field` out of pairs of names and values; NULL when there is none."""
        fields = list(fields)
        if not fields:
            return ffi.NULL
        array = self.new("hc_field[]", len(fields))
        for place, (name, value) in zip(array, fields):
            place.name, place.value = self.bytes(name), self.bytes(value)
        return array

    def end(self):
        """Ends all views. May be called again."""
        for made in self._kept:
            # Pointers stay: what lies behind them is what a late look is to find, not a crash.
            if ffi.typeof(made).kind == "array" and ffi.typeof(made).item.cname in ("char", "hc_event"):
                ffi.buffer(made)[:] = bytes([POISON]) * len(ffi.buffer(made))
        Memory._graves.extend(self._kept)
        del Memory._graves[: -Memory._MOST_GRAVES]
        self._kept = []
