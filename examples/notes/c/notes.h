/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the files of this module share: the instance, a request, and who answers it. */
#ifndef NOTES_H
#define NOTES_H

#include "text.h"

#define NOTE_CHARACTERS 1000 /* of one note's text                  */
#define NOTE_BYTES 4000      /* as many in UTF-8                    */
#define BODY_BYTES 16384     /* room for as many, each of them escaped */

/* The instance: as configured. */
struct notes {
  const hc_host *host;
  hc_resource db, cache;
  char base[64]; /* where the site is: "/c", or "" */
};

/* One of each worker, so that no lock is needed. */
struct worker {
  int schema_is_there;
};

/* A request. What must live across an await stands here. */
struct visit {
  hc_routine routine;
  const struct notes *notes;
  struct worker *worker;
  hc_status (*run)(struct visit *visit);

  hc_sql_session db;
  hc_kv_session cache;
  int opening; /* the place in notes_open */
  hc_collect body;
  struct text json;

  int64_t id, visits;
  hc_bytes words; /* in `room`: what is searched, or the text of a new note */
  char room[NOTE_BYTES];
  char created[24];
};

/* page.c */
hc_status notes_page(struct visit *visit);
hc_status notes_refuse(struct visit *visit, uint32_t status, const char *why);
hc_status notes_not_here(struct visit *visit, const char *allow, int is_options);

/* read.c: `GET /api/notes` and `GET /api/notes/ID` */
hc_status notes_list(struct visit *visit);
hc_status notes_show(struct visit *visit);
hc_status notes_open(struct visit *visit);
hc_status notes_tell(struct visit *visit, hc_status status);

/* write.c: `POST /api/notes` and `DELETE /api/notes/ID` */
hc_status notes_add(struct visit *visit);
hc_status notes_delete(struct visit *visit);

/* input.c: the text of a new note, trimmed, in visit->words; or what is wrong with it */
const char *notes_read_body(struct visit *visit);

#endif
