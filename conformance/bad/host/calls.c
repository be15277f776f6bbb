/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Host calls as a bad container answers them. The container's own table is changed in its place, since containers find an instance by
 * the address of its table. */
#include "bad_host.h"

#include <sys/mman.h>
#include <unistd.h>

hc_host host;
const hc_host *host_of_instance;

/* `answer CALL FROM TO [PLACE]`: the call is made, and that answer of it is told as another. */
hc_status answered(const char *call, hc_status status) {
  int is_it = is_fault("answer", call) && status == status_of(fault_word(2)) && is_here(4);
  return is_it ? status_of(fault_word(3)) : status;
}

/* `skip CALL TO [PLACE]`: the call is not made. */
int is_skipped(const char *call, hc_status *status) {
  *status = status_of(fault_word(2));
  return is_fault("skip", call) && is_here(3);
}

static const void *HC_CALL extension(const hc_host *H, const char *id) {
  static int other;
  const void *found = host.extension(H, id);
  if (is_fault("extension", "missing")) return NULL;
  if (is_fault("extension", "unknown") && found == NULL) return &other;
  if (is_fault("extension", "by-beginning") && found == NULL && strncmp(id, "hc.fd", 5) == 0) return &other;
  if (is_fault("extension", "differs")) return (const char *)&other + (rand() & 0xfff) + 1;
  return found == NULL ? NULL : spoiled_extension(id, found);
}

static void HC_CALL log_line(const hc_host *H, hc_task task, uint32_t level, hc_bytes text) {
  if (is_fault("log", "lose")) return;
  if (is_fault("log", "crash") && level > HC_LOG_TRACE) abort();
  host.log(H, task, level, text);
}

static uint64_t HC_CALL now(const hc_host *H) {
  static __thread uint64_t calls;
  if (is_fault("now", "stands")) return 1;
  if (is_fault("now", "back") && place == PLACE_STEP) return host.now(H) - 1000000000u * ++calls;
  return host.now(H);
}

static uint32_t HC_CALL worker_index(const hc_host *H) {
  uint32_t index = host.worker_index(H);
  if (is_fault("worker_index", "anywhere") && index == HC_WORKER_NONE) return 0;
  if (is_fault("worker_index", "none")) return HC_WORKER_NONE;
  return index;
}

static uint32_t HC_CALL worker_count(const hc_host *H) { return is_fault("worker_count", "none") ? 0 : host.worker_count(H); }

static uint64_t HC_CALL limit(const hc_host *H, uint32_t which) {
  uint64_t value = host.limit(H, which);
  if (is_fault("limit", "unknown") && value == 0) return 1;
  if (is_fault("limit", "of") && which == fault_number(2)) return fault_number(3) == 0 ? value + 1 : fault_number(3);
  return value;
}

static hc_status HC_CALL refusal(const hc_host *H, hc_bytes *rule, hc_bytes *text) {
  static const hc_bytes other = HC_LITERAL("some.rule");
  hc_status status = host.refusal(H, rule, text);
  if (is_fault("refusal", "none")) return HC_END;
  if (is_fault("refusal", "rule") && status == HC_OK) *rule = other;
  return answered("refusal", status);
}

static hc_status HC_CALL completion(const hc_host *H, hc_task task, hc_token token, hc_completion *out) {
  hc_status status;
  hc_completion unused;
  if (is_skipped("completion", &status)) return status;
  if (is_fault("completion", "null") && out == NULL) return host.completion(H, task, token, &unused);
  status = host.completion(H, task, token, out);
  if (is_fault("completion", "zero") && status == HC_OK) *out = 0;
  return answered("completion", status);
}

static hc_status HC_CALL complete(const hc_host *H, hc_completion completion, hc_status status, uint64_t value) {
  hc_status answer;
  if (is_skipped("complete", &answer)) return answer;
  if (is_fault("complete", "status") && status != HC_OK) status = HC_E_FAILED;
  if (is_fault("complete", "value")) value &= 0xffff;
  if (is_fault("complete", "foreign") && place == PLACE_NONE) return HC_OK;
  answer = host.complete(H, completion, status, value);
  if (is_fault("complete", "nested") && answer == HC_OK && place == PLACE_STEP) resume_now(value);
  return answered("complete", answer);
}

static hc_status HC_CALL timer(const hc_host *H, hc_task task, hc_token token, uint64_t delay) {
  hc_status status;
  if (is_skipped("timer", &status)) return status;
  if (is_fault("timer", "overflow") && delay > UINT64_MAX / 2) delay = 0;
  if (is_fault("timer", "late") && delay > 0) delay += 100000000u;
  if (is_fault("timer", "short")) delay /= 2;
  return answered("timer", host.timer(H, task, token, delay));
}

static hc_status HC_CALL cancel(const hc_host *H, hc_task task, hc_token token, hc_event *latched) {
  struct bad_task *here = task_of(task);
  hc_status status;
  if (is_skipped("cancel", &status)) return status;
  status = host.cancel(H, task, token, latched);
  if (status == HC_E_TOO_LATE && latched != NULL) {
    if (is_fault("cancel", "latched-lost")) memset(latched, 0, sizeof(*latched));
    if (is_fault("cancel", "latched-again") && here != NULL) here->event = *latched, here->has_event = 1;
  }
  if (is_fault("cancel", "loses-body") && status == HC_OK && here != NULL) here->loses_body = 1;
  if (is_fault("cancel", "event-comes") && status == HC_OK && here != NULL) {
    hc_event event = {token, 0, HC_OK, HC_EVENT_COMPLETION};
    here->event = event, here->has_event = 1;
  }
  return answered("cancel", status);
}

static hc_status HC_CALL notices(const hc_host *H, hc_task task, uint32_t mask) {
  hc_status status;
  if (is_skipped("notices", &status)) return status;
  if (is_fault("notices", "never-less") && mask == 0) return HC_OK;
  if (is_fault("notices", "operation") && mask != 0) host.timer(H, task, 800001, 3600000000000u);
  return answered("notices", host.notices(H, task, mask));
}

static hc_status HC_CALL spawn(const hc_host *H, uint32_t worker, void *arg, hc_task *task) {
  hc_status status;
  hc_task handle = 0;
  if (is_skipped("spawn", &status)) return status;
  if (is_fault("spawn", "any-number") && worker < 0xffff && worker >= host.worker_count(H)) worker = 0;
  if (is_fault("spawn", "null") && task == NULL) return HC_E_INVALID;
  status = host.spawn(H, worker, arg, task != NULL ? task : &handle);
  if (is_fault("spawn", "nested") && status == HC_OK && place == PLACE_STEP) start_now(arg, task != NULL ? *task : handle);
  if (is_fault("spawn", "handle") && status == HC_OK && task != NULL) *task += 1;
  return answered("spawn", status);
}

static hc_status HC_CALL task_cancel(const hc_host *H, hc_task task) {
  hc_status status;
  return is_skipped("task_cancel", &status) ? status : answered("task_cancel", host.task_cancel(H, task));
}

static hc_status HC_CALL resource(const hc_host *H, const char *name, const char *interface_id, hc_resource *out) {
  hc_status status;
  if (is_skipped("resource", &status)) return status;
  status = host.resource(H, name, interface_id, out);
  if (is_fault("resource", "zero") && status == HC_OK) *out = 0;
  if (is_fault("resource", "another") && status == HC_OK) {
    static hc_resource calls;
    *out += ++calls << 16;
  }
  return answered("resource", status);
}

static hc_status HC_CALL acquire(const hc_host *H, hc_task task, hc_token token, const hc_resource *resources, size_t count,
                                 uint64_t timeout, hc_lease *leases) {
  hc_status status;
  if (is_skipped("acquire", &status)) return status;
  if (is_fault("acquire", "waits") && timeout == 0) timeout = 10000000000u;
  if (is_fault("acquire", "for-ever")) timeout = timeout == 0 ? 0 : 3600000000000u;
  if (is_fault("acquire", "one") && count > 1) count = 1;
  status = host.acquire(H, task, token, resources, count, timeout, leases);
  if (is_fault("acquire", "no-handle") && status >= 0) leases[0] = 0;
  return answered("acquire", status);
}

static hc_status HC_CALL release(const hc_host *H, hc_task task, hc_lease lease, uint32_t how) {
  hc_status status;
  if (is_skipped("release", &status)) return status;
  if (is_fault("release", "any-way") && how > HC_LEASE_BROKEN) how = HC_LEASE_CLEAN;
  return answered("release", host.release(H, task, lease, how));
}

static const void *HC_CALL lease_interface(const hc_host *H, hc_task task, hc_lease lease) {
  static int other;
  const void *found = host.lease_interface(H, task, lease);
  if (is_fault("lease_interface", "never")) return NULL;
  return is_fault("lease_interface", "always") && found == NULL ? &other : spoiled_interface(H, found);
}

void spoil_calls(const hc_host *H) {
  hc_host *table = (hc_host *)(uintptr_t)H;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = (uintptr_t)H & ~(page - 1), end = (uintptr_t)H + sizeof(*H);
  host_of_instance = H;
  if (H->extension == extension || mprotect((void *)from, end - from, PROT_READ | PROT_WRITE) != 0) {
    return;
  }
  host = *H;
  table->extension = extension;
  table->log = log_line;
  table->now = now;
  table->worker_index = worker_index;
  table->worker_count = worker_count;
  table->limit = limit;
  table->refusal = refusal;
  table->completion = completion;
  table->complete = complete;
  table->timer = timer;
  table->cancel = cancel;
  table->notices = notices;
  table->spawn = spawn;
  table->task_cancel = task_cancel;
  table->resource = resource;
  table->acquire = acquire;
  table->release = release;
  table->lease_interface = lease_interface;
  spoil_response_calls(table);
  if (is_fault("host", "size")) table->size = 16;
}
