/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One thread, one poll set, one lock. The thread of the loop has the lock whenever it is neither in poll(2) nor in a
 * callback; so a host call on a foreign thread waits for a moment of the container's own work and for nothing else.
 *
 * A round: the tasks that are ready take a step each; then poll; then bytes; then what is due. So a timer of delay 0
 * lets all go first that was ready. [timer.zero] Each round looks at every connection and every task, as poll itself does. */
#include "container.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

container the;
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static int wake_pipe[2];
static bool is_woken;
static volatile sig_atomic_t stop_signals;
static uint64_t accept_after;

void lock(void) { pthread_mutex_lock(&the_lock); }
void unlock(void) { pthread_mutex_unlock(&the_lock); }

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t after_ms(uint64_t from, uint64_t ms) {
  return ms > (HC_NO_DEADLINE - 1 - from) / 1000000u ? HC_NO_DEADLINE - 1 : from + ms * 1000000u;
}

void wake(void) {
  if (is_woken) return;
  is_woken = write(wake_pipe[1], "", 1) == 1;
}

static void on_stop(int number) {
  int before = errno;
  (void)number;
  stop_signals++;
  if (write(wake_pipe[1], "", 1) < 0) stop_signals += 0; /* a full pipe wakes as well */
  errno = before;
}

bool loop_begin(void) {
  struct sigaction stop, ignore;
  int side;
  the.ready_end = &the.ready;
  the.thread = pthread_self();
  if (pipe(wake_pipe) != 0) return false;
  for (side = 0; side < 2; side++) {
    fcntl(wake_pipe[side], F_SETFL, O_NONBLOCK);
    fcntl(wake_pipe[side], F_SETFD, FD_CLOEXEC);
  }
  memset(&stop, 0, sizeof stop);
  stop.sa_handler = on_stop;
  ignore = stop;
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, NULL);
  return sigaction(SIGTERM, &stop, NULL) == 0 && sigaction(SIGINT, &stop, NULL) == 0;
}

static void run_ready(void) {
  task *t = the.ready;
  task *last = NULL;
  if (t == NULL) return;
  for (last = t; last->ready != NULL; last = last->ready) {
  }
  for (;;) { /* those that get ready meanwhile come in the next round */
    bool is_last = the.ready == last;
    t = the.ready;
    the.ready = t->ready;
    if (the.ready == NULL) the.ready_end = &the.ready;
    t->queued = false;
    task_run(t);
    flush_dirty();
    if (is_last) return;
  }
}

static void accept_all(void) {
  while (the.connection_count < the.set.connections) {
    int fd = accept(the.listener, NULL, NULL);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) {
      bool is_none = errno == EAGAIN || errno == EWOULDBLOCK;
      if (!is_none) log_line(HC_LOG_WARN, NULL, NULL, "accept: %s", strerror(errno));
      if (!is_none) accept_after = after_ms(now_ns(), 100);
      return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    connection_new(fd);
  }
}

static void begin_stop(void) {
  task *t;
  connection *c;
  log_line(HC_LOG_INFO, NULL, NULL, "stopping");
  the.stopping = true;
  the.stop_at = after_ms(now_ns(), the.set.drain);
  the.quiet_at = HC_NO_DEADLINE;
  if (the.listener >= 0) close(the.listener);
  the.listener = -1;
  for (t = the.tasks; t != NULL; t = t->next) task_notice(t, HC_NOTICE_DRAIN);
  for (c = the.connections; c != NULL; c = c->next) connection_touch(c);
}

/* The drain time is over, or that of background tasks when nobody else is there. [module.drain.time] */
static void cancel_rest(void) {
  task *t;
  instance *i;
  connection *c;
  the.over = true;
  for (i = the.instances; i != NULL; i = i->next) i->closing = true; /* [module.drain.spawn] */
  for (t = the.tasks; t != NULL; t = t->next) task_cancel(t, HC_CANCELLED_DRAIN);
  for (c = the.connections; c != NULL; c = c->next) connection_touch(c);
}

/* When all tasks are over, peers have the time to linger for what is still to be sent. [connection.drain] */
static uint64_t last_tick(uint64_t now) {
  connection *c;
  if (the.tasks != NULL) return HC_NO_DEADLINE;
  if (the.end_at == 0) the.end_at = after_ms(now, the.set.linger);
  for (c = the.connections; c != NULL && the.end_at <= now; c = c->next) connection_lost(c);
  return the.end_at <= now ? now : the.end_at;
}

static uint64_t stop_tick(uint64_t now) {
  connection *c;
  bool is_quiet = true;
  if (!the.stopping) return HC_NO_DEADLINE;
  /* One that has ended is still in the list until the end of the round, after which nothing may wake the loop. */
  for (c = the.connections; c != NULL; c = c->next) is_quiet = is_quiet && (c->fd < 0 || c->phase == AT_LINGER);
  if (is_quiet && the.quiet_at == HC_NO_DEADLINE) the.quiet_at = after_ms(now, the.set.background);
  if (is_quiet && the.tasks == NULL) the.quiet_at = now;
  if (!the.over && (now >= the.stop_at || now >= the.quiet_at || stop_signals > 1)) cancel_rest();
  if (the.over) return last_tick(now);
  return the.quiet_at < the.stop_at ? the.quiet_at : the.stop_at;
}

static void sweep(void) {
  connection **c = &the.connections, *dead;
  while ((dead = *c) != NULL) {
    if (dead->fd >= 0) {
      c = &dead->next;
    } else {
      *c = dead->next;
      connection_free(dead);
    }
  }
}

/* Everything that is due; when the next thing is. */
static uint64_t tick(void) {
  uint64_t now = now_ns(), next = accept_after ? accept_after : HC_NO_DEADLINE, at;
  connection *c;
  task *t;
  for (c = the.connections; c != NULL; c = c->next) {
    at = c->fd >= 0 ? connection_tick(c, now) : HC_NO_DEADLINE;
    if (at < next) next = at;
  }
  for (t = the.tasks; t != NULL; t = t->next) {
    at = task_tick(t, now);
    if (at < next) next = at;
  }
  at = instances_tick(now);
  if (at < next) next = at;
  at = stop_tick(now);
  if (at < next) next = at;
  if (the.dirty != NULL || the.ready != NULL) next = now; /* another round, for what comes of it */
  flush_dirty();
  sweep();
  return next;
}

static int poll_ms(uint64_t until) {
  uint64_t now = now_ns();
  if (until == HC_NO_DEADLINE) return -1;
  if (until <= now) return 0;
  return until - now > 60000000000u ? 60000 : (int)((until - now + 999999) / 1000000);
}

static size_t fill(struct pollfd *set) {
  size_t count = 0;
  connection *c;
  if (accept_after != 0 && accept_after <= now_ns()) accept_after = 0;
  set[count].fd = wake_pipe[0], set[count++].events = POLLIN;
  set[count].fd = the.connection_count < the.set.connections && accept_after == 0 ? the.listener : -1;
  set[count++].events = POLLIN;
  for (c = the.connections; c != NULL; c = c->next) {
    c->polled = &set[count];
    set[count].fd = c->fd, set[count++].events = connection_interest(c);
  }
  return count;
}

void loop_run(void) {
  struct pollfd *set = allocate((size_t)(the.set.connections + 2) * sizeof *set);
  uint64_t until = 0;
  char bytes[64];
  connection *c, *last;
  while (!the.over || the.tasks != NULL || the.connections != NULL) {
    size_t count = fill(set);
    unlock();
    poll(set, (nfds_t)count, poll_ms(until));
    lock();
    while (read(wake_pipe[0], bytes, sizeof bytes) > 0) {
    }
    is_woken = false;
    if (stop_signals > 0 && !the.stopping) begin_stop();
    last = the.connections;
    if (the.listener >= 0 && (set[1].revents & POLLIN) != 0) accept_all(); /* new ones stand before `last` */
    for (c = last; c != NULL; c = c->next) connection_polled(c);
    flush_dirty();
    run_ready();
    until = tick();
  }
  while (!instances_end()) {
  }
  free(set);
}
