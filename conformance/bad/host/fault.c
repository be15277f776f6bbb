/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Which fault was asked for. */
#include "bad_host.h"

enum { WORDS = 8 };

static char words[WORDS][48];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_words(void) {
  static const char members[] = "member "; /* it is the provider that is wrapped, which is no matter here */
  const char *at = getenv("HC_BAD_HOST");
  size_t count = 0;
  if (at != NULL && strncmp(at, members, sizeof(members) - 1) == 0) at += sizeof(members) - 1;
  while (at != NULL && *at != 0 && count < WORDS) {
    size_t size = strcspn(at, " ");
    snprintf(words[count++], sizeof(words[0]), "%.*s", (int)size, at);
    at += size + (at[size] == ' ');
  }
}

const char *fault_word(size_t at) {
  pthread_once(&once, read_words);
  return at < WORDS ? words[at] : "";
}

int is_fault(const char *verb, const char *what) {
  return strcmp(fault_word(0), verb) == 0 && (what == NULL || strcmp(fault_word(1), what) == 0);
}

uint64_t fault_number(size_t at) { return strtoull(fault_word(at), NULL, 0); }

hc_status status_of(const char *name) {
  static const struct {
    const char *name;
    hc_status status;
  } known[] = {
      {"OK", HC_OK},
      {"PENDING", HC_PENDING},
      {"END", HC_END},
      {"DISCARDED", HC_DISCARDED},
      {"FAILED", HC_E_FAILED},
      {"GONE", HC_E_GONE},
      {"STATE", HC_E_STATE},
      {"INVALID", HC_E_INVALID},
      {"BUSY", HC_E_BUSY},
      {"TOKEN", HC_E_TOKEN},
      {"TIMEOUT", HC_E_TIMEOUT},
      {"CANCELLED", HC_E_CANCELLED},
      {"LIMIT", HC_E_LIMIT},
      {"UNSUPPORTED", HC_E_UNSUPPORTED},
      {"THREAD", HC_E_THREAD},
      {"DRAINING", HC_E_DRAINING},
      {"PEER", HC_E_PEER},
      {"LOST", HC_E_LOST},
      {"TOO_LATE", HC_E_TOO_LATE},
      {"RESOURCE", HC_E_RESOURCE},
      {"FIELD", HC_E_FIELD},
      {"PANIC", HC_E_PANIC},
      {"CONFIG", HC_E_CONFIG},
      {"CANCELLED_PEER", HC_CANCELLED_PEER},
      {"CANCELLED_DEADLINE", HC_CANCELLED_DEADLINE},
      {"CANCELLED_DRAIN", HC_CANCELLED_DRAIN},
      {"CANCELLED_RELOAD", HC_CANCELLED_RELOAD},
      {"CANCELLED_PARENT", HC_CANCELLED_PARENT},
      {"CANCELLED_MODULE", HC_CANCELLED_MODULE},
  };
  size_t at;
  for (at = 0; at < sizeof(known) / sizeof(known[0]); at++) {
    if (strcmp(known[at].name, name) == 0) {
      return known[at].status;
    }
  }
  return (hc_status)strtol(name, NULL, 10);
}

int is_here(size_t at) {
  static const char *const names[] = {"none", "create", "destroy", "worker_start", "worker_stop", "step", "finish"};
  const char *word = fault_word(at);
  return word[0] == 0 || strcmp(word, names[place]) == 0;
}
