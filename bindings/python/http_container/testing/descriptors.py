# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.fd/1: descriptors of the module's own, which are real: the host asks the system whether they are ready."""

import os
import select

from ..constants import (
    HC_E_BUSY,
    HC_E_CANCELLED,
    HC_E_GONE,
    HC_E_INVALID,
    HC_E_THREAD,
    HC_OK,
    EventKind,
    FdInterest,
)
from .rules import Refusal, breach

_EDGES = {
    FdInterest.READ: select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR,
    FdInterest.WRITE: select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR,
}


class Registration:
    """A descriptor that the module told of, and the edges that came since it last asked for them."""

    def __init__(self, descriptor, worker):
        self.descriptor, self.worker = descriptor, worker
        self.edges = {FdInterest.READ: False, FdInterest.WRITE: False}
        # The end came with an edge: the wait after the one that is told of it is told of the end [fd.wait.ended].
        self.has_end = False
        self._epoll = select.epoll()
        everything = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP
        self._epoll.register(descriptor, everything | select.EPOLLET)

    def look(self):
        """Asks the system."""
        for _, events in self._epoll.poll(0):
            for interest, edges in _EDGES.items():
                self.edges[interest] = self.edges[interest] or bool(events & edges)
            self.has_end = self.has_end or bool(events & (select.EPOLLRDHUP | select.EPOLLHUP))

    def has(self, interest):
        self.look()
        return self.edges[interest]

    def take(self, interest):
        """Tells of an edge."""
        is_read = interest == FdInterest.READ
        self.edges[interest] = is_read and self.has_end
        if is_read:
            self.has_end = False
        return HC_OK, interest

    def end(self):
        self._epoll.close()


class FdCalls:
    """Methods named as the function pointers of `hc_fd`."""

    def __init__(self, host):
        self.host, self.registered = host, {}
        host.at_end.append(self.forget)

    def forget(self):
        """The workers have stopped: registrations that the module forgot end."""
        for registration in self.registered.values():
            registration.end()
        self.registered = {}

    def add(self, descriptor, handle):
        try:
            is_blocking = os.get_blocking(descriptor)
        except OSError:
            raise breach(HC_E_INVALID, "fd.add.pollable", f"add: {descriptor} is no descriptor") from None
        if is_blocking:
            raise breach(HC_E_INVALID, "fd.add.non-blocking", f"add: the descriptor {descriptor} is blocking")
        if any(known.descriptor == descriptor for known in self.registered.values()):
            raise breach(HC_E_INVALID, "fd.add.once", f"add: the descriptor {descriptor} is registered already")
        try:
            made = Registration(descriptor, self.host.here().worker)
        except OSError as error:
            raise Refusal(HC_E_INVALID, "fd.add.pollable", f"it cannot be waited for: {error}") from None
        handle[0] = self.host.new_handle()
        self.registered[handle[0]] = made
        return HC_OK

    def _find(self, handle):
        found = self.registered.get(handle)
        if found is None:
            raise Refusal(HC_E_GONE, "fd.wait.gone", "no such registration")
        if found.worker != self.host.here().worker:
            raise breach(HC_E_THREAD, "fd.add.worker", "the registration belongs to another worker")
        return found

    def wait(self, task, token, handle, interest):
        registration = self._find(handle)
        if interest not in [int(known) for known in FdInterest]:
            raise breach(HC_E_INVALID, "fd.wait.interest", f"wait: the interest is {interest}")
        interest = FdInterest(interest)
        for other in self.host.tasks.values():
            if other.find_waiting(EventKind.FD, fd=(handle, interest)):
                raise Refusal(HC_E_BUSY, "fd.wait.one", "some task waits for that interest already")
        task.check_token(token)
        if registration.has(interest):
            return registration.take(interest)[0]
        status = task.begin_ready(token, EventKind.FD, lambda: registration.has(interest), fd=(handle, interest))
        if token:
            task.find(token).happen = lambda: registration.take(interest)
        return status

    def remove(self, handle):
        self._find(handle).end()
        del self.registered[handle]
        for task in self.host.tasks.values():
            for operation in task.waiting:
                if operation.kind == EventKind.FD and operation.fd[0] == handle:
                    operation.latch(HC_E_CANCELLED)
        return HC_OK
