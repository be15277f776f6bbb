/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Modules: loading, instances, their one worker, the replacement of one that failed, the end. Libraries stay loaded. */
#include "container.h"
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool complain(const entry *e, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  log_line(HC_LOG_ERROR, NULL, NULL, "module %s, file %s: %s", e->name, e->path, text);
  return false;
}

static bool is_text(const char *text, size_t most, bool is_id) {
  size_t size = text ? strlen(text) : 0, at;
  for (at = 0; at < size; at++) {
    char c = text[at];
    bool is_plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr(".-_", c) != NULL;
    if (is_id ? !is_plain : (c < 0x20 || c > 0x7e)) return false;
  }
  return size >= 1 && size <= most;
}

static bool check(const entry *e, const hc_module *m) {
  const uint32_t known = HC_MODULE_THREAD_BOUND | HC_MODULE_MIGRATES;
  if (m->abi_major != HC_ABI_MAJOR)
    return complain(e, "it is made for major version %u, and this is %u.%u", m->abi_major, HC_ABI_MAJOR, HC_ABI_MINOR);
  if (m->size < sizeof *m)
    return complain(e, "its hc_module has %u bytes, at least %u are needed", m->size, (unsigned)sizeof *m);
  if ((m->flags & HC_MODULE_BLOCKING) != 0)
    return complain(e, "it needs HC_MODULE_BLOCKING, which this container has not");
  if ((m->flags & ~known) != 0) return complain(e, "it needs an unknown flag: bits 0x%x", m->flags & ~known);
  if (m->reserved != 0) return complain(e, "hc_module.reserved is not 0");
  if (!is_text(m->id, 127, true)) return complain(e, "its id is missing or not valid");
  if (!is_text(m->version, 63, false)) return complain(e, "its version is missing or not valid");
  return m->start != NULL ? true : complain(e, "it has no start");
}

bool entry_load(entry *e) {
  FILE *file = fopen(e->path, "rb");
  char *slash =
      strchr(e->path, '/') ? NULL : allocate(strlen(e->path) + 3); /* a name alone would be looked for elsewhere */
  void *library;
  if (file == NULL) {
    free(slash);
    return complain(e, "the file is missing or cannot be read");
  }
  fclose(file);
  if (slash != NULL) sprintf(slash, "./%s", e->path);
  library = dlopen(slash ? slash : e->path, RTLD_NOW | RTLD_LOCAL);
  free(slash);
  if (library == NULL) return complain(e, "it is not a shared library that can be loaded: %s", dlerror());
  e->module = dlsym(library, HC_MODULE_ENTRY_NAME);
  return e->module == NULL ? complain(e, "it has no symbol " HC_MODULE_ENTRY_NAME) : check(e, e->module);
}

void callback_enter(instance *i, enum callback kind, task *t) {
  the.running = i, the.callback = kind, the.stepping = t;
  memset(&i->refused, 0, sizeof i->refused);
  unlock();
}

void callback_leave(void) {
  lock();
  the.running = NULL, the.callback = IN_NONE, the.stepping = NULL;
  flush_dirty(); /* what a step gave is on its way when it ends [response.write.flush] */
}

static void instance_free(instance *i) {
  instance **at = &the.instances;
  free(pthread_getspecific(i->elsewhere));
  pthread_key_delete(i->elsewhere);
  while (*at != i) at = &(*at)->next;
  *at = i->next;
  free(i);
}

/* Without a start: those spawned in a `create` that failed. They are all that is queued for it. */
static void drop_fresh(instance *i) {
  task **at = &the.ready, *t;
  while ((t = *at) != NULL) {
    if (t->instance != i) {
      at = &t->ready;
      continue;
    }
    *at = t->ready;
    if (t->ready == NULL) the.ready_end = at;
    task_drop(t);
  }
}

bool entry_create(entry *e) {
  instance *i = allocate(sizeof *i);
  hc_status status = HC_OK;
  char number[16];
  sigset_t all, before;
  i->entry = e, i->module = e->module, i->retired_until = HC_NO_DEADLINE;
  if (pthread_key_create(&i->elsewhere, free) != 0) abort();
  calls_fill(&i->host);
  i->next = the.instances;
  the.instances = i;
  e->created_at = now_ns();
  if (i->module->create != NULL) {
    sigfillset(&all); /* threads that it makes leave signals to us [thread.module.block-signals] */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    callback_enter(i, IN_CREATE, NULL);
    status = i->module->create(&i->host, bytes_of(e->config, strlen(e->config)), &i->state);
    callback_leave();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (status != HC_OK) {
    complain(e, "create refused with %s", status_name(status, number));
    i->closing = true;
    drop_fresh(i);
    instance_free(i);
    return false;
  }
  e->serving = i;
  return true;
}

/* The prefix is a number of whole segments; "/" fits all, "*" included. */
static bool fits(const char *prefix, hc_bytes path) {
  size_t size = strlen(prefix);
  if (strcmp(prefix, "/") == 0) return true;
  if (path.size < size || memcmp(path.data, prefix, size) != 0) return false;
  return path.size == size || path.data[size] == '/' || prefix[size - 1] == '/';
}

entry *entry_for(hc_bytes path) {
  entry *e, *best = NULL;
  for (e = the.entries; e != NULL; e = e->next)
    if (fits(e->prefix, path) && (best == NULL || strlen(e->prefix) > strlen(best->prefix))) best = e;
  return best;
}

bool instance_worker(instance *i) {
  hc_status status = HC_OK;
  char number[16];
  if (i->worker != WORKER_FRESH) return i->worker == WORKER_STARTED;
  if (i->module->worker_start != NULL) {
    callback_enter(i, IN_WORKER_START, NULL);
    status = i->module->worker_start(i->state, 0, &i->worker_state);
    callback_leave();
  }
  i->worker = status == HC_OK ? WORKER_STARTED : WORKER_FAILED;
  if (status != HC_OK) log_line(HC_LOG_ERROR, i, NULL, "worker_start failed with %s", status_name(status, number));
  return status == HC_OK;
}

void instance_failed(instance *i) {
  entry *e = i->entry;
  if (i->failed) return;
  i->failed = true;
  log_line(HC_LOG_ERROR, i, NULL, "the instance failed: a step returned HC_E_PANIC [isolation.panic.failed]");
  if (e->serving == i) e->try_at = after_ms(e->created_at, 1000);
}

static void replace(entry *e) {
  instance *old = e->serving;
  task *t;
  e->try_at = 0;
  if (!entry_create(e)) {
    e->try_at = after_ms(e->created_at, 1000); /* the old one goes on serving [isolation.panic.meanwhile] */
    return;
  }
  log_line(HC_LOG_ERROR, e->serving, NULL,
           "a fresh instance serves in the place of the one that failed [isolation.report]");
  old->retired = true;
  old->retired_until = after_ms(now_ns(), the.set.replaced);
  for (t = the.tasks; t != NULL; t = t->next)
    if (t->instance == old) task_notice(t, HC_NOTICE_RELOAD);
}

/* When no task is left: the worker, then the instance. */
static bool end(instance *i) {
  if (i->tasks > 0) return false;
  i->closing = true;
  if (i->worker == WORKER_STARTED && i->module->worker_stop != NULL) {
    callback_enter(i, IN_WORKER_STOP, NULL);
    i->module->worker_stop(i->state, i->worker_state);
    callback_leave();
  }
  if (i->module->destroy != NULL) {
    callback_enter(i, IN_DESTROY, NULL);
    i->module->destroy(i->state);
    callback_leave();
  }
  instance_free(i);
  return true;
}

uint64_t instances_tick(uint64_t now) {
  uint64_t next = HC_NO_DEADLINE;
  instance *i, *after;
  entry *e;
  task *t;
  for (e = the.entries; e != NULL && !the.stopping; e = e->next) {
    if (e->try_at != 0 && e->try_at <= now) replace(e);
    if (e->try_at != 0 && e->try_at < next) next = e->try_at;
  }
  for (i = the.instances; i != NULL; i = after) {
    after = i->next;
    if (!i->retired || end(i)) continue;
    if (i->retired_until <= now) {
      i->retired_until = HC_NO_DEADLINE, i->closing = true;
      for (t = the.tasks; t != NULL; t = t->next)
        if (t->instance == i) task_cancel(t, HC_CANCELLED_FAULT);
    }
    if (i->retired_until < next) next = i->retired_until;
  }
  return next;
}

bool instances_end(void) {
  instance *i, *after;
  for (i = the.instances; i != NULL; i = after) {
    after = i->next;
    end(i);
  }
  return the.instances == NULL;
}
