# SPDX-License-Identifier: MIT OR Apache-2.0
"""A module out of a file: loaded, and looked at as a container does. Must not make an instance of its own accord."""

import os
import re

from ..abi import ffi
from ..constants import HC_ABI_MAJOR, HC_ABI_MINOR, HC_MODULE_ENTRY_NAME, ModuleFlag
from .host import Host
from .rules import LoadError

_ALL_FLAGS = ModuleFlag.THREAD_BOUND | ModuleFlag.MIGRATES | ModuleFlag.BLOCKING
_TEXTS = ("id", "version", "description", "config_schema")


def load(path):
    """The module in the shared library at `path`.

    LoadError: it is none. The library stays loaded, and its static variables with it, until the process ends.
    """
    path = os.path.abspath(path)
    if not os.path.exists(path):
        raise LoadError(path, "", "there is no such file")
    try:
        library = ffi.dlopen(path)
    except OSError as error:
        raise LoadError(path, "", f"it is no shared library that can be loaded: {error}") from None
    try:
        address = ffi.addressof(library, HC_MODULE_ENTRY_NAME)
    except AttributeError:
        raise LoadError(path, "module.entry.symbol", f"it has no symbol {HC_MODULE_ENTRY_NAME}") from None
    return Module(path, library, ffi.cast("const hc_module *", address))


def _text(pointer):
    return None if pointer == ffi.NULL else ffi.string(pointer).decode()


class Module:
    """A loaded module. `id`, `version`, `description` and `config_schema` are its own words, `flags` a `ModuleFlag`."""

    def __init__(self, path, library, entry):
        self.path, self._library, self.entry = path, library, entry
        self._check()
        self.flags = ModuleFlag(entry.flags)
        self.id, self.version = _text(entry.id), _text(entry.version)
        self.description, self.config_schema = _text(entry.description), _text(entry.config_schema)
        self._seen = self._look()

    def __repr__(self):
        return f"<Module {self.id} {self.version}>"

    def host(self, config=None, **settings):
        """An instance of the module in a host of its own: see `Host`. CreateRefused: `create` did not want to."""
        return Host(self, config, **settings)

    def _look(self):
        return [ffi.buffer(self.entry, ffi.sizeof("hc_module"))[:]] + [_text(getattr(self.entry, name)) for name in _TEXTS]

    def look_at_entry(self, host):
        """The entry stays as it was when the library was loaded."""
        if self._look() != self._seen:
            self._seen = self._look()
            host.blame("module.entry.constant", "the module changed its hc_module, or what that points to")

    def _refuse(self, rule, text):
        raise LoadError(self.path, rule, text)

    def _check(self):
        entry = self.entry
        if entry.abi_major != HC_ABI_MAJOR:
            text = f"it is made for version {entry.abi_major}.{entry.abi_minor}, this is {HC_ABI_MAJOR}.{HC_ABI_MINOR}"
            self._refuse("version.major.same", text)
        if entry.size < ffi.sizeof("hc_module"):
            self._refuse("version.size.module-too-small", f"its hc_module has {entry.size} bytes")
        if entry.reserved:
            self._refuse("version.reserved", "hc_module.reserved is not 0")
        if entry.flags & ~int(_ALL_FLAGS):
            self._refuse("module.entry.flags", f"it has an unknown flag: {entry.flags & ~int(_ALL_FLAGS):#x}")
        if ffi.NULL in (entry.id, entry.version, entry.start):
            self._refuse("module.entry.required", "id, version or start is NULL")
        for name in _TEXTS:
            try:
                _text(getattr(entry, name))
            except UnicodeDecodeError:
                self._refuse("overview.text", f"its {name} is not UTF-8")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,127}", _text(entry.id)):
            self._refuse("module.entry.id", f"its id is {_text(entry.id)!r}")
        if not re.fullmatch(r"[ -~]{1,63}", _text(entry.version)):
            self._refuse("module.entry.id", f"its version is {_text(entry.version)!r}")
