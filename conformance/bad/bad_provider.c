/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a provider: the life of a member, whatever it is of. */
#include "bad_provider.h"

#include <stdlib.h>
#include <string.h>

const hc_provider *provider;

hc_bytes view(const char *text) {
  hc_bytes bytes;
  bytes.data = text;
  bytes.size = strlen(text);
  return bytes;
}

hc_status refused(hc_member_result *result, const char *code, const char *words) {
  result->code = view(is_fault("sql:codes-are-words") && strcmp(code, "42601") == 0 ? "syntax" : code);
  result->message = view(is_fault("sql:refuses-without-words") ? "" : words);
  return HC_E_FAILED;
}

int is_provider(void) { return is_role("sql:") || is_role("kv:") || is_role("link:"); }

hc_status provider_create(const hc_host *H) {
  const char *interface = is_role("sql:") ? HC_SQL_ID : is_role("kv:") ? HC_KV_ID : "hc.limit/1";
  hc_status status;
  provider = (const hc_provider *)H->extension(H, HC_PROVIDER_ID);
  if (provider == NULL) {
    H->log(H, 0, HC_LOG_ERROR, view("this module needs " HC_PROVIDER_ID));
    return HC_E_UNSUPPORTED;
  }
  status = is_fault("sql:offers-nothing") ? HC_OK : provider->offer(H, interface);
  return is_fault("sql:offer-does-not-matter") ? HC_OK : status;
}

static int is_dirty(const struct member *m) {
  if (is_fault("sql:dirty-is-not-told") || is_fault("kv:dirty-is-not-told")) {
    return 0;
  }
  return is_role("sql:") ? sql_is_dirty(m) : is_role("kv:") ? kv_is_dirty(m) : 0;
}

static hc_status answer(struct member *m) {
  hc_member_result result = {sizeof(result), HC_OK, 0, 0, 0, {NULL, 0}, {NULL, 0}, NULL};
  uint32_t kind = m->request->kind;
  hc_status status;
  if (kind == HC_MEMBER_CHECK && is_fault("sql:check-is-not-answered")) {
    return HC_PENDING;
  }
  result.status = is_role("sql:") ? sql_answer(m, &result) : is_role("kv:") ? kv_answer(m, &result) : link_answer(m, &result);
  if (result.status == HC_PENDING) {
    return HC_PENDING;
  }
  if (result.status == HC_E_UNSUPPORTED && is_fault("sql:unknown-requests-are-done")) {
    result.status = HC_OK;
  }
  if (is_dirty(m)) {
    result.flags = HC_MEMBER_DIRTY;
  }
  m->request = NULL;
  status = provider->done(m->H, m->task, &result);
  if (kind == HC_MEMBER_CHECK && is_fault("sql:done-twice")) {
    provider->done(m->H, m->task, &result);
  }
  return status;
}

/* Takes what there is. HC_END: close. */
static hc_status listen_for_more(struct member *m) {
  while (!m->is_listening) {
    const hc_member_request *request = NULL;
    hc_status status = provider->next(m->H, m->task, NEXT, &request);
    if (status < 0) {
      return status;
    }
    if (status == HC_PENDING) {
      m->is_listening = 1;
    } else if (request->kind == HC_MEMBER_CLOSE) {
      return HC_END;
    } else if (request->kind == HC_MEMBER_INTERRUPT) {
      m->is_interrupted = !is_fault("sql:interrupt-is-ignored");
      m->was_interrupted = 1;
    } else {
      m->request = request;
      m->was_asked = 1;
      m->is_interrupted = m->has_columns = m->is_asked = 0;
      m->sent = 0;
    }
  }
  return HC_OK;
}

static hc_status pump(struct member *m) {
  for (;;) {
    hc_status status = listen_for_more(m);
    if (status == HC_END && is_fault("sql:close-is-ignored") && !m->was_asked) {
      return m->H->timer(m->H, m->task, STAY, (uint64_t)3600 * 1000000000);
    }
    if (status == HC_END) {
      return HC_DONE;
    }
    if (status == HC_OK && is_role("link:")) {
      status = link_look(m);
    }
    if (status == HC_OK && is_role("kv:")) {
      status = kv_look(m);
    }
    if (status == HC_OK && m->request == NULL) {
      return HC_YIELD;
    }
    if (status == HC_OK) {
      status = answer(m);
    }
    if (status != HC_OK) {
      return status;
    }
  }
}

static hc_status open_member(struct member *m) {
  hc_status status = is_role("link:") ? link_open(m) : HC_OK;
  if (status == HC_OK) {
    m->is_connected = 1;
    status = provider->ready(m->H, m->task);
    return status < 0 ? status : pump(m);
  }
  if (status < 0) {
    provider->explain(m->H, m->task, view("the other end is not there"));
  }
  return status;
}

hc_status provider_start(const hc_host *H, hc_task task, const hc_start *start, void **task_state) {
  struct member *m;
  if (start->kind != HC_TASK_MEMBER) {
    return HC_E_UNSUPPORTED;
  }
  m = (struct member *)calloc(1, sizeof(*m));
  if (m == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = m;
  m->H = H;
  m->task = task;
  m->socket = -1;
  kv_open(m);
  return open_member(m);
}

hc_status provider_resume(void *task_state, const hc_event *events, size_t count) {
  struct member *m = (struct member *)task_state;
  size_t i;
  for (i = 0; i < count; i++) {
    m->is_listening &= events[i].token != NEXT;
    m->is_full &= events[i].token != ROOM;
    m->is_waiting &= events[i].token != SOCKET;
    if (events[i].token == BELL) {
      m->bell = 0;
    }
    if (events[i].token == PAUSE) {
      m->is_paused = 2;
    }
  }
  return m->is_connected ? pump(m) : open_member(m);
}

void provider_finish(void *task_state) {
  struct member *m = (struct member *)task_state;
  if (m != NULL) {
    kv_close(m);
    link_close(m);
    free(m);
  }
}
