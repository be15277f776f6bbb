# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.pool/1: native objects that a test makes, by cffi."""

from ..abi import ffi
from ..constants import HC_E_UNSUPPORTED, HC_OK, HC_POOL_ID
from .resources import Resource
from .rules import Refusal


class Objects(Resource):
    """A member for each of the objects (cdata that are pointers): `Objects("sessions", "org.example.session/1", [first, second])`."""

    interface = HC_POOL_ID

    def __init__(self, name, type_name, objects, **more):
        self.objects, self.type_name, self._free = list(objects), type_name, list(objects)
        super().__init__(name, len(self.objects), **more)

    def of(self, lease):
        """The object of the member that is leased."""
        if "object" not in lease.own:
            lease.own["object"] = self._free.pop(0)
        return lease.own["object"]

    def lease_ended(self, lease):
        if "object" in lease.own:
            self._free.append(lease.own.pop("object"))


class PoolCalls:
    """Methods named as the function pointers of `hc_pool`."""

    def __init__(self, host):
        self.host = host

    def object(self, task, handle, type_name, found):
        lease = self.host.find_lease(task, handle, "object", HC_POOL_ID)
        if ffi.string(type_name).decode() != lease.resource.type_name:
            raise Refusal(HC_E_UNSUPPORTED, "pool.object", f"the object is a {lease.resource.type_name}")
        found[0] = lease.resource.of(lease)
        return HC_OK
