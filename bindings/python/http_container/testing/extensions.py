# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which extensions a host offers: the vtable's structure and who does its calls, by id."""

from ..constants import HC_DISPATCH_ID, HC_FD_ID, HC_KV_ID, HC_LIMIT_ID, HC_OFFLOAD_ID, HC_POOL_ID, HC_PROVIDER_ID, HC_SQL_ID
from .descriptors import FdCalls
from .dispatch import DispatchCalls
from .limits import LimitCalls
from .objects import PoolCalls
from .offload import OffloadCalls
from .provider import ProviderCalls
from .sql import SqlCalls
from .store import KvCalls

EXTENSIONS = {
    HC_FD_ID: ("hc_fd", FdCalls),
    HC_DISPATCH_ID: ("hc_dispatch", DispatchCalls),
    HC_OFFLOAD_ID: ("hc_offload", OffloadCalls),
    HC_SQL_ID: ("hc_sql", SqlCalls),
    HC_KV_ID: ("hc_kv", KvCalls),
    HC_LIMIT_ID: ("hc_limit_table", LimitCalls),
    HC_POOL_ID: ("hc_pool", PoolCalls),
    HC_PROVIDER_ID: ("hc_provider", ProviderCalls),
}
