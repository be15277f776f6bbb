/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.fd/1: wait for a file descriptor of the module's own, so that client libraries with sockets of their own (libpq,
 * hiredis, c-ares, curl-multi, anything on tokio's traits) run inside a module on the container's event loop.
 *
 * Readiness is edge-triggered and latched: use the descriptor until the operating system says EAGAIN (or, of a stream, until
 * a read is given less than it has room for), then wait.
 * Extension id: HC_FD_ID. Vtable: hc_fd. */
#ifndef HTTP_CONTAINER_EXT_FD_H
#define HTTP_CONTAINER_EXT_FD_H

#include "../host.h"

#define HC_FD_ID "hc.fd/1"

typedef uint64_t hc_fd_handle;

enum hc_fd_interest { HC_FD_READ = 1, HC_FD_WRITE = 2 };

typedef struct hc_fd {
  uint32_t size;
  uint32_t reserved;

  /* Register a non-blocking descriptor with the current worker. The module keeps owning it. The registration belongs to
   * the instance on this worker, not to a task: it ends with `remove`, or when the worker stops, before worker_stop is
   * called. What is ready now counts as an edge; so add a socket after connect(2), and after its edge ask SO_ERROR and
   * getpeername(2) whether it is connected. The container ignores SIGPIPE. HC_E_INVALID: not a descriptor that can be
   * waited for, or registered already. HC_E_LIMIT: too many registrations. HC_E_IO: the operating system refused.
   * [thread=worker class=now in=step response=any] */
  hc_status(HC_CALL *add)(const hc_host *H, int fd, hc_fd_handle *handle);

  /* Wait until the descriptor may be ready (HC_FD_READ or HC_FD_WRITE, one at a time). HC_OK: an edge came since the last
   * wait for that interest, or the end of the stream came with the one before [fd.wait.ended]: try again now. HC_PENDING:
   * HC_EVENT_FD will come (status HC_OK; value the interest; spurious readiness is legal; errors and hang-ups count as ready
   * for both). HC_E_BUSY: some task waits for that interest already.
   * HC_E_GONE: no such registration. HC_E_THREAD: it belongs to another worker. HC_E_INVALID: another interest.
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *wait)(const hc_host *H, hc_task task, hc_token token, hc_fd_handle handle, uint32_t interest);

  /* Forget the descriptor; call before close(2). Waiting operations get HC_EVENT_FD with status HC_E_CANCELLED. HC_E_GONE:
   * no such registration. HC_E_THREAD: it belongs to another worker.
   * [thread=worker class=now in=step,finish response=any] */
  hc_status(HC_CALL *remove)(const hc_host *H, hc_fd_handle handle);
} hc_fd;

#endif
