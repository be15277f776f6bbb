# SPDX-License-Identifier: MIT OR Apache-2.0
"""hc.limit/1: permits that a test counts."""

from ..abi import ffi
from ..constants import HC_E_INVALID, HC_E_RESOURCE, HC_LIMIT_ID, HC_OK
from .resources import Resource
from .rules import breach


class Permits(Resource):
    """So many permits: `Permits("seats", members=2)`."""

    interface = HC_LIMIT_ID


def fill(output, structure, call, **members):
    """Writes into a growing structure of the module's, as far as the module knows it."""
    if output.size < ffi.sizeof(structure):
        raise breach(HC_E_INVALID, "version.size.output", f"{call}: {structure}.size is {output.size} before the call")
    for name, value in members.items():
        setattr(output, name, value)
    return HC_OK


class LimitCalls:
    """Methods named as the function pointers of `hc_limit_table`."""

    def __init__(self, host):
        self.host = host

    def usage(self, number, usage):
        host = self.host
        if not 1 <= number <= len(host.resources):
            raise breach(HC_E_RESOURCE, "handle.life.resource", "usage: a resource that was never given out")
        resource = host.resources[number - 1]
        waiting = sum(lease.resource is resource for claim in host.claims for lease in claim.leases)
        return fill(
            usage,
            "hc_usage",
            "usage",
            max=resource.members,
            in_use=resource.in_use,
            idle=resource.members - resource.in_use,
            waiting=waiting,
            available=resource.down is None,
        )
