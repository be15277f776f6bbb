/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe for resources: does what the request's field `do` says, a list of commands between bars, and answers a line for each.
 *
 *   do: acquire db | values i1 ttext | query SELECT $1, $2 | release clean
 *
 * A command that fails fails the task with its status, as a handler does that does not look at it; with '?' before it, as in
 * `?acquire db within 0`, the status is told and the next command follows. Leases that are left are forgotten. The commands are
 * in script/; the configuration names resources: { "sql": ["db"], "kv": ["cache"], "limit": ["permits"] }. */
#include "script/kv.h"
#include "script/leases.h"
#include "script/sql.h"
#include "script/waiting.h"

static const struct verb verbs[] = {
    {"acquire", acquire},   {"leases", tell_leases}, {"use", use},         {"release", release},
    {"usage", usage},       {"values", values},      {"query", query},     {"once", once},
    {"count", count_rows},  {"open", open_rows},     {"many", many},       {"start", start_query},
    {"withdraw", withdraw}, {"begin", begin},        {"commit", commit},   {"rollback", rollback},
    {"kv", kv},             {"message", message},    {"sleep", sleep_for}, {"park", park},
    {"wake", wake},         {"parked", tell_parked}, {"turn", turn},       {"worker", tell_worker},
    {"read", read_body},    {"now", read_now},       {"respond", respond},
};

/* Takes the next command from the front: HC_END when there is none. */
static hc_status next_command(struct script *script) {
  hc_bytes command = hc_trim(hc_view(script->rest.data, hc_find(script->rest, '|')));
  hc_bytes name;
  size_t at;
  if (script->rest.size == 0) {
    return HC_END;
  }
  script->rest = hc_skip(script->rest, hc_find(script->rest, '|') + 1);
  script->tolerant = command.size > 0 && command.data[0] == '?';
  command = hc_skip(command, script->tolerant ? 1 : 0);
  name = next_word(&command);
  script->arguments = command;
  for (at = 0; at < sizeof(verbs) / sizeof(verbs[0]); at++) {
    if (hc_equal(name, verbs[at].name)) {
      script->verb = &verbs[at];
      return HC_OK;
    }
  }
  return HC_E_INVALID;
}

/* Goes on with the command under way, and then with those that follow. */
static hc_status run(struct script *script, const hc_event *event) {
  for (;;) {
    hc_status status;
    if (script->verb == NULL) {
      status = next_command(script);
      if (status == HC_END) {
        return script->responded ? HC_DONE : respond(script, hc_view(NULL, 0), NULL);
      }
      HC_TRY(status);
    }
    status = script->verb->step(script, script->arguments, event);
    if (status == HC_PENDING) {
      return HC_YIELD;
    }
    if (status < 0 && !script->tolerant) {
      return status;
    }
    say(script, "%s %s\n", script->verb->name, status_name(status));
    script->verb = NULL;
    event = NULL;
  }
}

static hc_status start(void *created, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct instance *instance = (struct instance *)created;
  struct script *script = (struct script *)calloc(1, sizeof(*script));
  (void)worker_state;
  if (script == NULL || start->lease_count > LEASES) {
    free(script);
    return HC_E_MEMORY;
  }
  *task_state = script;
  script->instance = instance;
  script->host = instance->host;
  script->task = task;
  if (hc_header(start->request, "do", &script->rest) != HC_OK) {
    return hc_respond_error(instance->host, task, 400, "nothing to do");
  }
  for (; script->lease_count < start->lease_count; script->lease_count++) {
    script->leases[script->lease_count] = start->leases[script->lease_count];
  }
  return run(script, NULL);
}

static hc_status resume(void *created, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct script *script = (struct script *)task_state;
  const hc_event *event = hc_find_event(events, count, WAIT);
  (void)created, (void)worker_state, (void)task;
  return event == NULL ? (hc_status)HC_YIELD : run(script, event);
}

static void finish(void *created, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  struct script *script = (struct script *)task_state;
  (void)created, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  if (script != NULL) {
    free(script->text);
    free(script);
  }
}

/* The resources of one interface. */
static hc_status know(struct instance *instance, hc_bytes config_json, const char *member, const char *interface_id) {
  hc_bytes list, name;
  hc_status status = hc_config_member(config_json, member, &list);
  if (status != HC_OK || !hc_json_take(&list, '[')) {
    return status == HC_END ? (hc_status)HC_OK : HC_E_CONFIG;
  }
  while (hc_json_string(&list, &name) == HC_OK) {
    struct known *known = &instance->known[instance->known_count];
    if (instance->known_count == RESOURCES || name.size >= sizeof(known->name)) {
      return HC_E_CONFIG;
    }
    memcpy(known->name, name.data, name.size);
    HC_TRY(instance->host->resource(instance->host, known->name, interface_id, &known->resource));
    instance->known_count++;
    (void)hc_json_take(&list, ',');
  }
  return HC_OK;
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **created) {
  struct instance *instance = (struct instance *)calloc(1, sizeof(*instance));
  hc_status status;
  if (instance == NULL) {
    return HC_E_MEMORY;
  }
  instance->host = H;
  if ((status = know(instance, config_json, "sql", HC_SQL_ID)) != HC_OK ||
      (status = know(instance, config_json, "kv", HC_KV_ID)) != HC_OK ||
      (status = know(instance, config_json, "limit", HC_LIMIT_ID)) != HC_OK) {
    hc_log_refusal(H, 0, "script");
    free(instance);
    return status;
  }
  pthread_mutex_init(&instance->mutex, NULL);
  *created = instance;
  return HC_OK;
}

static void destroy(void *created) {
  struct instance *instance = (struct instance *)created;
  pthread_mutex_destroy(&instance->mutex);
  free(instance);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "test.script", "1", NULL, NULL, create, destroy, NULL, NULL, start, resume, finish,
};
