# SPDX-License-Identifier: MIT OR Apache-2.0
"""The HTTP Container ABI for Python: the header by cffi, its constants, and in `http_container.testing` a container in which a
module is driven step by step by a test."""

from . import constants
from .abi import TAGS, ffi, status_name
from .constants import EventKind, LeaseEnd, LogLevel, ModuleFlag, Notice, TaskKind
from .constants import StatusCode as Status

__all__ = [
    "EventKind",
    "LeaseEnd",
    "LogLevel",
    "ModuleFlag",
    "Notice",
    "Status",
    "TAGS",
    "TaskKind",
    "constants",
    "ffi",
    "status_name",
]
