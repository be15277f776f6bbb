# SPDX-License-Identifier: MIT OR Apache-2.0
"""A container in which a test drives a module step by step, without a server.

    module = load("target/modules/hello_c.so")
    with module.host() as host:
        assert host.fetch("GET", "/").text == "Hello, World!"
"""

from .dispatch import Answer
from .host import Host
from .library import Module, load
from .limits import Permits
from .messages import Headers, Request, Response
from .objects import Objects
from .provider import Asked, Member
from .rules import Breach, CreateRefused, LoadError, RuleBroken, Stuck
from .sql import Database, Failure, Rows, Statement
from .sqlite import SqliteDatabase
from .store import Store
from .task import LogLine, Task

__all__ = [
    "Answer",
    "Asked",
    "Breach",
    "CreateRefused",
    "Database",
    "Failure",
    "Headers",
    "Host",
    "LoadError",
    "LogLine",
    "Member",
    "Module",
    "Objects",
    "Permits",
    "Request",
    "Response",
    "Rows",
    "RuleBroken",
    "SqliteDatabase",
    "Statement",
    "Store",
    "Stuck",
    "Task",
    "load",
]
