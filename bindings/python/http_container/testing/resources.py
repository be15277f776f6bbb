# SPDX-License-Identifier: MIT OR Apache-2.0
"""Resources of a test, their leases, and the core calls about them. Must not know what an interface does with a lease."""

from ..abi import Memory, ffi, status_name
from ..constants import (
    HC_E_BUSY,
    HC_E_GONE,
    HC_E_INVALID,
    HC_E_LIMIT,
    HC_E_RESOURCE,
    HC_E_STATE,
    HC_E_TIMEOUT,
    HC_E_UNSUPPORTED,
    HC_NO_DEADLINE,
    HC_OK,
    HC_PENDING,
    EventKind,
    LeaseEnd,
)
from .rules import Refusal, breach


class Resource:
    """What the operator would have configured: a name, and so many members; the order of a host's resources is their rank.

    `down` is what `acquire` answers, HC_E_RESOURCE for one, as long as it is not None. `waiting_max` is how many tasks may
    wait, `timeout` how many seconds of the host's clock one may. `ended` counts leases by how they ended.
    """

    interface = None

    def __init__(self, name, members=1, waiting_max=None, timeout=5.0):
        self.name, self.members, self.waiting_max, self.timeout_ns = name, members, waiting_max, int(timeout * 1e9)
        self.host, self.number, self.in_use, self.down = None, None, 0, None
        self.ended = {end: 0 for end in LeaseEnd}
        # Operations on its leases do not happen by themselves, but when the test resumes a task with one.
        self.is_held = False

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"

    def lend(self, task):
        """The task starts with a lease, as on a route with a start gate."""
        lease = Lease(task, self, None)
        lease.hold()
        task.leases.append(lease)

    def lease_ended(self, lease):
        """For interfaces: what a lease leaves behind."""

    def is_stale(self, lease):
        """For interfaces: whether the member is not as it was found."""
        return False


class Lease:
    """Exclusive hold of one member by one task. `state`: waiting, granted, held or gone."""

    def __init__(self, task, resource, claim):
        self.task, self.resource, self.claim = task, resource, claim
        self.handle, self.state = task.host.new_handle(), "waiting"
        self.is_poisoned = self.is_lost = False
        # The operation under way, views that the interface gave out, and whatever else the interface keeps of it.
        self.under_way, self.memory, self.own = None, Memory(), {}
        task.host.leases[self.handle] = self

    def hold(self):
        self.state = "held"
        self.resource.in_use += 1

    def is_usable(self, task):
        return self.task is task and (self.state == "held" or self.state == "granted" and task.life == "finishing")

    def begin(self, operation, happen):
        """An operation on it: it happens when the resource is not held back; withdrawn, it poisons the lease."""
        operation.lease, self.under_way = self, operation
        operation.is_ready = lambda: not self.resource.is_held

        def really_happen():
            status, value = happen()
            self.is_lost = self.is_lost or status == HC_E_RESOURCE
            return status, value

        def withdrawn():
            self.is_poisoned, self.under_way = True, None

        operation.happen, operation.withdrawn = really_happen, withdrawn

    def look_at_use(self):
        """Refuses what would begin an operation where none may begin."""
        if self.is_poisoned:
            raise Refusal(HC_E_STATE, "lease.poison", "an operation on the lease was withdrawn")
        if self.is_lost:
            raise Refusal(HC_E_RESOURCE, "lease.member.ended", "the member has ended")

    def end(self, how):
        """Given back."""
        task, resource = self.task, self.resource
        was_had = self.state in ("granted", "held")
        is_stale = self.is_poisoned or self.under_way is not None or resource.is_stale(self)
        for operation in [operation for operation in task.waits if operation.lease is self]:
            task.withdraw(operation)
        if was_had:
            resource.lease_ended(self)
            resource.in_use -= 1
            how = LeaseEnd.BROKEN if self.is_lost else LeaseEnd.DIRTY if how == LeaseEnd.CLEAN and is_stale else LeaseEnd(how)
            resource.ended[how] += 1
        self.state = "gone"
        self.memory.end()
        task.host.leases.pop(self.handle, None)
        if self in task.leases:
            task.leases.remove(self)

    def end_with_task(self, outcome):
        """What is left when the task has finished."""
        is_well = outcome == HC_OK
        if self.state == "held" and self.claim is not None and is_well:
            text = f"{self.task} ended with HC_OK, and still holds a lease on {self.resource.name!r}"
            self.task.host.blame("lease.forgotten.report", text)
        is_clean = self.state != "held" or (self.claim is None and is_well)
        self.end(LeaseEnd.CLEAN if is_clean else LeaseEnd.DIRTY)


class Claim:
    """One `acquire`: all of its leases, or none."""

    def __init__(self, task, leases):
        self.task, self.leases = task, leases
        self.operation = None

    def fits(self, blocked):
        """Whether all members are free, and none is kept for one who waits for longer."""
        wanted = [lease.resource for lease in self.leases]
        is_holder = any(lease.state == "held" for lease in self.task.leases)
        is_free = all(each.in_use + wanted.count(each) <= each.members for each in wanted)
        return is_free and (is_holder or not any(each in blocked for each in wanted))

    def take(self, state):
        for lease in self.leases:
            lease.hold()
            lease.state = state
            self.task.leases.append(lease)

    def drop(self):
        for lease in list(self.leases):
            lease.end(LeaseEnd.CLEAN)


def grant(host):
    """Those who wait get what is free, in their order."""
    blocked = set()
    for claim in list(host.claims):
        if claim.fits(blocked):
            host.claims.remove(claim)
            claim.take("granted")
            claim.operation.latch(HC_OK)
        elif claim.operation.due_ns <= host.now_ns:
            host.claims.remove(claim)
            claim.drop()
            claim.operation.latch(HC_E_TIMEOUT)
        else:
            blocked.update(lease.resource for lease in claim.leases)


class ResourceCalls:
    """Methods named as the function pointers of `hc_host`."""

    def resource(self, name, interface, found):
        name, interface = ffi.string(name).decode(), ffi.string(interface).decode()
        resource = next((resource for resource in self.host.resources if resource.name == name), None)
        if resource is None:
            raise Refusal(HC_E_RESOURCE, "resource.find.none", f"there is no resource {name!r}")
        if resource.interface != interface:
            raise Refusal(HC_E_UNSUPPORTED, "resource.find.none", f"{name!r} does not offer {interface}")
        found[0] = resource.number
        return HC_OK

    def acquire(self, task, token, numbers, count, timeout_ns, handles):
        host = self.host
        if count == 0:
            raise breach(HC_E_INVALID, "resource.acquire.count", "acquire: the count is 0")
        if count > 16:
            raise Refusal(HC_E_LIMIT, "resource.acquire.count", "more than 16 members at once")
        if ffi.NULL in (numbers, handles):
            raise breach(HC_E_INVALID, "host.call.null", "acquire: resources or leases is NULL")
        resources = []
        for at in range(count):
            if not 1 <= numbers[at] <= len(host.resources):
                raise breach(HC_E_RESOURCE, "handle.life.resource", "acquire: a resource that was never given out")
            resources.append(host.resources[numbers[at] - 1])
        if task.find_waiting(EventKind.ACQUIRE):
            raise Refusal(HC_E_BUSY, "resource.acquire.one", "an acquire of the task waits already")
        operation = task.begin_result(token, EventKind.ACQUIRE)
        try:
            self._look(task, resources)
            leases = [Lease(task, resource, token) for resource in resources]
            claim = Claim(task, leases)
            claim.operation = operation
            answer = self._take_or_wait(task, claim, resources, timeout_ns)
        except Refusal:
            task.waits.remove(operation)
            raise
        for at, lease in enumerate(leases):
            handles[at] = lease.handle
        return answer

    def _look(self, task, resources):
        for resource in resources:
            if resources.count(resource) > resource.members:
                raise Refusal(HC_E_LIMIT, "resource.acquire.count", "more members than there can ever be")
            if resource.down is not None:
                text = f"{resource.name!r} is down: {status_name(resource.down)}"
                raise Refusal(resource.down, "resource.unreachable", text)

    def _take_or_wait(self, task, claim, resources, timeout_ns):
        host = self.host
        blocked = {lease.resource for other in host.claims for lease in other.leases}
        fits = claim.fits(blocked)
        held = [lease.resource.number for lease in task.leases if lease.state == "held"]
        must_not = None
        if not fits and timeout_ns == 0:
            must_not = (HC_E_TIMEOUT, "resource.acquire.try", "not all of it is free")
        elif not fits and held and min(resource.number for resource in resources) <= max(held):
            must_not = (HC_E_BUSY, "resource.acquire.rank", "the task would wait for what comes before what it holds")
        elif not fits and any(self._is_full(resource) for resource in resources):
            must_not = (HC_E_BUSY, "resource.acquire.backlog", "too many tasks wait")
        if must_not:
            claim.drop()
            raise Refusal(*must_not)
        if timeout_ns == 0:
            # A try never waits [resource.acquire.try].
            task.waits.remove(claim.operation)
            claim.take("held")
            return HC_OK
        bounds = [resource.timeout_ns for resource in resources]
        bounds += [] if timeout_ns in (0, HC_NO_DEADLINE) else [timeout_ns]
        operation = claim.operation
        operation.due_ns = host.now_ns + min(bounds)
        host.claims.append(claim)

        def delivered():
            for lease in claim.leases:
                if lease.state == "granted" and task.life != "finishing":
                    lease.state = "held"

        def withdrawn():
            if claim in host.claims:
                host.claims.remove(claim)
            claim.drop()

        operation.delivered, operation.withdrawn = delivered, withdrawn
        return HC_PENDING

    def _is_full(self, resource):
        waiting = sum(any(lease.resource is resource for lease in claim.leases) for claim in self.host.claims)
        return resource.waiting_max is not None and waiting >= resource.waiting_max

    def held_lease(self, task, handle, call, interface=None):
        """The lease, for calls of an interface."""
        lease = self.host.leases.get(handle)
        if lease is None or not lease.is_usable(task) or interface not in (None, lease.resource.interface):
            rule = "lease.release.gone" if interface is None else "lease.interface.check"
            # No fault for `release`, which destructors call.
            raise Refusal(HC_E_GONE, rule, f"{call}: the task holds no such lease", interface is not None)
        return lease

    def release(self, task, handle, how):
        lease = self.held_lease(task, handle, "release")
        if how > LeaseEnd.BROKEN:
            raise breach(HC_E_INVALID, "lease.release.how", f"release: how is {how}")
        lease.end(LeaseEnd(how))
        return HC_OK

    def lease_interface(self, task, handle):
        lease = self.host.leases.get(handle)
        if lease is None or not lease.is_usable(task):
            return ffi.NULL
        return self.host.extension_table(lease.resource.interface)
