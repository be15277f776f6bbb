/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the probe `script` knows of one request, and the text in which it tells what became of each command. */
#ifndef SCRIPT_TRANSCRIPT_H
#define SCRIPT_TRANSCRIPT_H

#include <http_container/easy.h>
#include <http_container/ext/kv.h>
#include <http_container/ext/limit.h>
#include <http_container/ext/sql.h>

#include <pthread.h>
#include <stdlib.h>

#define WAIT 1    /* the token of the command under way             */
#define STARTED 2 /* the token of a query that nobody waits for yet */
#define RESOURCES 8
#define LEASES 16
#define VALUES 16
#define PARKED 4096

/* A resource of the configuration. */
struct known {
  char name[32];
  hc_resource resource;
};

struct instance {
  const hc_host *host;
  struct known known[RESOURCES];
  size_t known_count;
  unsigned turns;        /* guarded by mutex, as what follows */
  pthread_mutex_t mutex;
  hc_completion parked[PARKED];
  size_t parked_count;
};

struct script;
struct verb {
  const char *name;
  /* Begins the command when event is NULL, else goes on with it. HC_PENDING: an event with the token WAIT will come. */
  hc_status (*step)(struct script *script, hc_bytes arguments, const hc_event *event);
};

/* One request. */
struct script {
  struct instance *instance;
  const hc_host *host;
  hc_task task;
  hc_bytes rest;           /* the commands to come                          */
  const struct verb *verb; /* the one under way, or NULL                    */
  hc_bytes arguments;      /* its arguments                                 */
  int tolerant;            /* its failure is told, and the next one follows */
  int phase;               /* its own                                       */
  uint64_t counted;        /* its own                                       */
  int responded;
  hc_lease leases[LEASES];
  size_t lease_count;
  size_t used; /* the lease for operations */
  hc_sql_value values[VALUES];
  size_t value_count;
  char *text;
  size_t size, capacity;
};

static void say_bytes(struct script *script, hc_bytes bytes) {
  if (script->size + bytes.size > script->capacity) {
    script->capacity = (script->size + bytes.size) * 2 + 256;
    script->text = (char *)realloc(script->text, script->capacity);
    if (script->text == NULL) {
      abort();
    }
  }
  if (bytes.size != 0) {
    memcpy(script->text + script->size, bytes.data, bytes.size);
  }
  script->size += bytes.size;
}

HC_FORMAT(2, 3)
static void say(struct script *script, const char *format, ...) {
  char buffer[256];
  va_list arguments;
  int size;
  va_start(arguments, format);
  size = vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  say_bytes(script, hc_view(buffer, size < 0 ? 0 : (size_t)size));
}

/* The name of a status, as the header has it. */
static const char *status_name(hc_status status) {
  static const char *const names[] = {
      "HC_OK",          "HC_E_FAILED",      "HC_E_GONE",   "HC_E_STATE",    "HC_E_INVALID", "HC_E_BUSY",
      "HC_E_TOKEN",     "HC_E_TIMEOUT",     "HC_E_CANCELLED", "HC_E_LIMIT", "HC_E_UNSUPPORTED", "HC_E_THREAD",
      "HC_E_DRAINING",  "HC_E_PEER",        "HC_E_LOST",   "HC_E_TOO_LATE", "HC_E_RESOURCE", "HC_E_MEMORY",
  };
  if (status > 0) {
    return status == HC_PENDING ? "HC_PENDING" : status == HC_END ? "HC_END" : "HC_DISCARDED";
  }
  return (size_t)-status < sizeof(names) / sizeof(names[0]) ? names[-status] : "another";
}

/* Takes the next word from the front; empty when there is none. */
static hc_bytes next_word(hc_bytes *arguments) {
  hc_bytes word;
  *arguments = hc_trim(*arguments);
  word = hc_view(arguments->data, hc_find(*arguments, ' '));
  *arguments = hc_trim(hc_skip(*arguments, word.size));
  return word;
}

/* A decimal number, or `missing` when the word is none. */
static uint64_t number_or(hc_bytes word, uint64_t missing) {
  uint64_t number = missing;
  (void)hc_parse_number(word, UINT64_MAX, &number);
  return number;
}

#endif
