/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a provider: what its parts share. The roles: "sql:", a database that knows what the kit asks; "kv:", a store;
 * "link:", permits behind a connection. */
#ifndef BAD_PROVIDER_H
#define BAD_PROVIDER_H

#include "faults.h"

#include <http_container/ext/fd.h>
#include <http_container/ext/provider.h>

enum { NEXT = 1, ROOM = 2, SOCKET = 3, PAUSE = 4, STAY = 5, BELL = 6 };

struct message {
  char channel[16], value[64];
  size_t channel_size, value_size;
};

struct member {
  const hc_host *H;
  hc_task task;
  const hc_member_request *request; /* under way, or NULL */
  int is_listening, is_interrupted, was_interrupted, was_asked;
  /* a database */
  int is_in_transaction, is_reading, has_temporary;
  int64_t ids[64]; /* of the rows that its transaction sees */
  size_t id_count;
  int has_columns, is_full;
  int64_t sent;
  char text[256];
  /* a store */
  struct member *next_member;
  char channels[4][16];
  struct message inbox[16]; /* what is published, until its task hands it on */
  size_t inbox_count;
  hc_completion bell; /* rings when there is something; 0: there is none */
  int is_paused;
  int64_t sum;
  /* a link */
  int is_connected, is_waiting, is_asked, socket;
  hc_fd_handle handle;
};

extern const hc_provider *provider;

/* Goes on with the request under way. HC_PENDING: something has to be waited for. */
hc_status sql_answer(struct member *m, hc_member_result *result);
hc_status kv_answer(struct member *m, hc_member_result *result);
hc_status link_answer(struct member *m, hc_member_result *result);

/* Whether the member is in a state of its holder's. */
int sql_is_dirty(const struct member *m);
int kv_is_dirty(const struct member *m);

void kv_open(struct member *m);
void kv_close(struct member *m);
/* Hands on what was published, and hangs up the bell. */
hc_status kv_look(struct member *m);

/* HC_OK: connected. HC_PENDING: an event will come. */
hc_status link_open(struct member *m);
/* HC_E_RESOURCE: the other end is gone. */
hc_status link_look(struct member *m);
void link_close(struct member *m);
void link_configure(hc_bytes peer);

/* Ends a request with that code and those words. */
hc_status refused(hc_member_result *result, const char *code, const char *words);
/* A view of a text. */
hc_bytes view(const char *text);

#endif
