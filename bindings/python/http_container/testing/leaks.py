# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an instance leaves behind in the process: threads and descriptors. Must not know what they were for."""

import os
import threading
import time


def left_behind():
    """The numbers of the threads that are not Python's own, and the open descriptors with what they lead to."""
    threads = {int(name) for name in os.listdir("/proc/self/task")} if os.path.isdir("/proc/self/task") else set()
    threads -= {thread.native_id for thread in threading.enumerate()}
    descriptors = {}
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            descriptors[int(number)] = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # that of this look itself
            continue
    return threads, descriptors


def look_at_leaks(host, before):
    """Blames the module for what is there and was not before its instance."""
    threads_before, descriptors_before = before
    until = time.monotonic() + 2.0
    # A thread that was joined may still be listed for a moment.
    while left_behind()[0] - threads_before and time.monotonic() < until:
        time.sleep(0.005)
    threads, descriptors = left_behind()
    if threads - threads_before:
        text = f"threads that are left after destroy: {len(threads - threads_before)}"
        host.blame("thread.module.after-destroy", text)
    left = [f"{number} ({target})" for number, target in descriptors.items() if descriptors_before.get(number) != target]
    if left:
        text = f"descriptors that are left open after destroy: {', '.join(left)}; those of the test's own are to be closed before"
        host.blame("thread.module.after-destroy", text)
