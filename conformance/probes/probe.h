/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe: a module that does, call by call, what the query of a request says, writes down what each call answered and what the
 * container did, and gives that record out to a later request. What to expect is not known here. */
#ifndef PROBE_H
#define PROBE_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_container.h"
#include "http_container/ext/dispatch.h"
#include "http_container/ext/fd.h"
#include "http_container/ext/offload.h"
#include "http_container/ext/sql.h"

#define NAME_SIZE 48
#define WORDS 12
#define OUTSTANDING 512
#define WORKERS 64
#define VALUES 16
#define VIEWS 48

/* What a member of the kit's provider lends in a resource of hc.pool/1: whoever has it can tell that it is one, and which. */
struct lent {
  uint32_t mark, member;
};
#define LENT_MARK 0x4c454e54u
#define LENT_TYPE "org.http-container.probe.lent/1"

/* What was written down for one script. Lives as long as the instance. */
struct record {
  struct record *next;
  char key[NAME_SIZE];
  char *text;
  size_t size, room;
  unsigned started, finished;
  hc_completion waiting; /* of a task that wants it whole, or 0 */
};

/* A name that scripts give to a handle, so that others can use it. */
struct named {
  struct named *next;
  char name[NAME_SIZE];
  uint64_t handle;
};

/* A thread that the probe made and has still to join. */
struct thread {
  struct thread *next;
  pthread_t id;
};

struct instance {
  const hc_host *H;
  pthread_mutex_t lock; /* for all that follows */
  struct record *records;
  struct named *names;
  struct thread *threads;
  uint64_t requests, starts, finishes, live, faults;
  pthread_cond_t let_go; /* with the lock: work that holds may go on */
  int is_let_go;
  unsigned running[WORKERS];
  unsigned worker_starts[WORKERS], worker_stops[WORKERS];
  pthread_t worker_thread[WORKERS];
  char *config;
  FILE *out; /* where the end is told, or NULL */
};

struct worker {
  struct instance *instance;
  uint32_t index;
};

/* One call with its words, as a script has it. */
struct step {
  char *word[WORDS];
  size_t count;
  char text[200]; /* as it is written down */
};

struct task {
  struct instance *instance;
  struct worker *worker;
  hc_task handle;
  uint32_t kind;
  const hc_request *request;
  uint64_t request_sum;
  struct record *record;
  char *script; /* owned; cut into words as it is run */
  char *at;     /* the rest of the section that runs */
  char *whole;  /* a copy that is never cut */
  uint64_t outstanding[OUTSTANDING];
  size_t outstanding_count;
  uint64_t timer_token[16], timer_due[16];
  uint64_t awaited; /* the token for which it goes on yielding, or 0 */
  pthread_t thread;
  uint64_t read, to_write;
  hc_bytes chunk; /* the last one that body_read gave out */
  size_t lease_count; /* of start gates */
  unsigned mode; /* what goes on over several steps: enum mode */
  hc_lease rows_lease; /* of which rows are read on, with that token */
  hc_token rows_token;
  struct rows *rows;   /* what was read so far */
  char usage_words[NAME_SIZE]; /* what the usage of a resource has to be like */
  hc_resource usage_of;
  unsigned usage_turns;
  const struct lent *lent; /* the object that it was lent last */
  hc_bytes held[VIEWS]; /* views that are looked at again later */
  size_t held_count;
  uint64_t held_sum;
  int is_told;   /* whether steps write down what they answer */
  int in_finish;
};

enum mode { MODE_NONE, MODE_READ, MODE_WRITE, MODE_PLAIN, MODE_SEEN, MODE_ROWS, MODE_USAGE };

#define AWAITS_ALL UINT64_MAX

#define READ_TOKEN 900001
#define WRITE_TOKEN 900002
#define SEEN_TOKEN 900003
#define USAGE_TOKEN 900004

/* record.c */
struct record *record_of(struct instance *instance, const char *key);
void record_line(struct instance *instance, struct record *record, const char *line);
void record_fault(struct task *task, const char *what);
void remember(struct instance *instance, const char *name, uint64_t handle);
uint64_t recall(struct instance *instance, const char *name);
const char *status_name(hc_status status);
hc_status status_of(const char *name);
void write_event(char *line, size_t room, const hc_event *event);

/* calls.c: makes one host call; 0 when there is none of that name. */
int call(struct task *task, struct step *step, char *answer, size_t room);
void expect_token(struct task *task, uint64_t token);
void forget_token(struct task *task, uint64_t token);

/* resources.c, extensions.c: the same, about resources and about extensions. */
int call_resource(struct task *task, struct step *step, char *answer, size_t room);
int call_extension(struct task *task, struct step *step, char *answer, size_t room);

/* databases.c: the same, about hc.sql/1, hc.pool/1 and hc.provider/1; and rows that are read over several steps. */
int call_database(struct task *task, struct step *step, char *answer, size_t room);
void begin_rows(struct task *task, struct step *step);
hc_status rows_on(struct task *task);
void begin_usage(struct task *task, struct step *step);
hc_status usage_on(struct task *task);

/* values.c: what a word stands for: n, b1, i-5, f1.5, tTEXT, x00ff (bytes), ?9 (a type that there is not). The word must live as long. */
void value_of(char *word, hc_sql_value *value);
void write_value(char *text, size_t room, const hc_sql_value *value);
size_t cut(char *text, char at, char **words, size_t most);
void decode(char *text);

/* table.c: makes every host call once, with handles that are good for nothing. */
void call_all(struct instance *instance, hc_task task, struct record *record, const char *where, struct step *step);

/* view.c */
void view(struct task *task, struct step *step, char *answer, size_t room);
uint64_t request_sum(const hc_request *request);

/* body.c: what goes on over several steps. HC_YIELD, or HC_OK when it is over. */
hc_status read_on(struct task *task);
hc_status write_on(struct task *task);
void read_now(struct task *task, char *answer, size_t room);

/* requests.c: the first step of a task with a request, and further ones of any task */
hc_status begin(struct task *task);
hc_status go_on(struct task *task);

/* script.c */
hc_status run(struct task *task);
char *section(const char *whole, const char *name);
int next_step(char **at, struct step *step);
void run_bare(struct instance *instance, const char *script, struct record *record);

#endif
