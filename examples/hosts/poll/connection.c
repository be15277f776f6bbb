/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One connection: bytes in, requests one after the other, bytes out, an end that lets the peer read the last response.
 *
 *   AT_HEAD -> AT_EXCHANGE -> (AT_DROP) -> AT_HEAD ...     AT_CLOSE: the rest is sent; AT_LINGER: the peer reads it */
#include "container.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/in.h>

static hc_address address_of(const struct sockaddr_storage *from) {
  hc_address a;
  memset(&a, 0, sizeof a);
  if (from->ss_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    a.family = HC_ADDRESS_IPV4, a.port = ntohs(in.sin_port);
    memcpy(a.ip, &in.sin_addr, 4);
  } else if (from->ss_family == AF_INET6) {
    struct sockaddr_in6 in;
    bool is_mapped;
    memcpy(&in, from, sizeof in);
    is_mapped = IN6_IS_ADDR_V4MAPPED(&in.sin6_addr); /* [request.address.mapped] */
    a.family = is_mapped ? HC_ADDRESS_IPV4 : HC_ADDRESS_IPV6, a.port = ntohs(in.sin6_port);
    memcpy(a.ip, in.sin6_addr.s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
  }
  return a;
}

void connection_new(int fd) {
  connection *c = allocate(sizeof *c);
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  if (getpeername(fd, (struct sockaddr *)&address, &size) == 0) c->peer = address_of(&address);
  size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) c->local = address_of(&address);
  c->fd = fd;
  c->in.capacity = (size_t)(the.set.line_bytes + the.set.fields_bytes) + 8;
  c->in.bytes = allocate(c->in.capacity);
  c->since = c->read_at = c->wrote_at = now_ns();
  c->next = the.connections;
  the.connections = c;
  the.connection_count++;
}

void connection_touch(connection *c) {
  if (c->is_dirty) return;
  c->is_dirty = true;
  c->dirty_next = the.dirty;
  the.dirty = c;
}

static void shut(connection *c) {
  struct linger hard = {1, 0};
  if (c->fd < 0) return;
  if (c->reset) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(c->fd);
  c->fd = -1;
}

/* What was under way on it ends. */
void connection_lost(connection *c) {
  shut(c);
  if (c->exchange != NULL) exchange_gone(c->exchange);
  c->phase = AT_LINGER;
}

void connection_close(connection *c) {
  if (c->phase < AT_CLOSE) c->phase = AT_CLOSE;
  c->in.begin = c->in.end = 0;
  connection_touch(c);
}

/* Refuses what was not understood to its end. Responses before it are in the buffer. [connection.refusal.order] */
static void refuse_head(connection *c, int status) {
  char text[128];
  if (buffer_reserve(&c->out, 256)) {
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\ncontent-length: 0\r\nconnection: close\r\n", status,
             reason_phrase((uint32_t)status));
    buffer_add_text(&c->out, text);
    date_send(&c->out);
    buffer_add(&c->out, "\r\n", 2);
  }
  connection_close(c);
}

/* Without a task: the container answers, and the body is dropped. */
static void answer_at_once(connection *c, int status) {
  c->since = now_ns();
  exchange_answer(c->exchange, status);
}

/* Has the body of the request come to its end, read or not? */
static bool is_body_there(const connection *c) {
  const body *b = &c->exchange->body;
  return b->end != BODY_OPEN || body_would_end(b, bytes_of(c->in.bytes + c->in.begin, c->in.end - c->in.begin));
}

static void begin_exchange(connection *c, size_t begin, size_t length) {
  exchange *e = allocate(sizeof *e);
  entry *to;
  int status = head_parse(e, c->in.bytes + c->in.begin + begin, length);
  c->in.begin += begin + length;
  if (status != 200) {
    exchange_free(e);
    refuse_head(c, status);
    return;
  }
  e->connection = c, c->exchange = e, c->phase = AT_EXCHANGE, c->dropped = 0;
  e->peer = c->peer, e->local = c->local;
  e->request.peer = &e->peer, e->request.local = &e->local;
  e->request.id = ++the.request_id;
  e->request.deadline_ns = the.set.deadline ? after_ms(now_ns(), the.set.deadline) : HC_NO_DEADLINE;
  the.request_count++;
  if (c->eof && !the.set.half_close_waits && !is_body_there(c)) {
    exchange_part(e); /* cut off before it was started: there is nobody to answer */
    connection_close(c);
    return;
  }
  to = entry_for(e->request.path);
  if (the.request_count > the.set.requests) answer_at_once(c, 503);
  else if (to == NULL) answer_at_once(c, 404);
  else if (task_new(to->serving, HC_TASK_REQUEST, NULL, e) == NULL) answer_at_once(c, 503);
}

static bool advance_head(connection *c) {
  size_t begin, length;
  int found = 0;
  bool is_idle;
  if (c->out.end - c->out.begin > OUTPUT_HIGH) return false; /* first the peer takes what it asked for */
  if (c->in.end > c->in.begin) found = head_scan(c->in.bytes + c->in.begin, c->in.end - c->in.begin, &begin, &length);
  is_idle = c->in.end == c->in.begin;
  if (found == 200) begin_exchange(c, begin, length);
  else if (found != 0) refuse_head(c, found);
  else if (c->eof || (the.stopping && (is_idle || the.over))) connection_close(c);
  else return false;
  return true;
}

static bool after_response(connection *c) {
  if (!c->keep_alive) {
    connection_close(c);
  } else {
    c->phase = AT_HEAD;
    c->since = now_ns();
  }
  return true;
}

/* Goes on when the response is complete and the body is done with, or nobody will read it. */
static bool advance_exchange(connection *c) {
  exchange *e = c->exchange;
  exchange_wake(e);
  if (e->response != RESPONSE_COMPLETE) return false;
  if (e->body.end != BODY_OPEN) {
    if (e->body.end != BODY_WHOLE) e->keep_alive = false;
    exchange_part(e);
    return after_response(c);
  }
  if (e->task != NULL) return false;
  if (!e->keep_alive) {
    exchange_part(e);
    return after_response(c);
  }
  c->phase = AT_DROP;
  c->since = now_ns();
  return true;
}

static bool advance_drop(connection *c) {
  exchange *e = c->exchange;
  size_t used,
      size = body_decode(&e->body, bytes_of(c->in.bytes + c->in.begin, c->in.end - c->in.begin), &used, NULL, SIZE_MAX);
  c->in.begin += used;
  c->dropped += size;
  if (e->body.end == BODY_OPEN && !c->eof && c->dropped <= the.set.drop_bytes) return false;
  if (e->body.end != BODY_WHOLE) e->keep_alive = false;
  exchange_part(e);
  return after_response(c);
}

void connection_advance(connection *c) {
  bool goes_on = true;
  while (goes_on && c->fd >= 0) {
    switch (c->phase) {
    case AT_HEAD: goes_on = advance_head(c); break;
    case AT_EXCHANGE: goes_on = advance_exchange(c); break;
    case AT_DROP: goes_on = advance_drop(c); break;
    case AT_CLOSE:
      goes_on = false;
      if (c->out.end > c->out.begin) break;
      if (c->reset || c->eof) {
        shut(c);
      } else {
        shutdown(c->fd, SHUT_WR); /* [connection.close.graceful] */
        c->phase = AT_LINGER;
        c->since = now_ns();
      }
      break;
    default: goes_on = false;
    }
  }
}

static void send_some(connection *c) {
  if (!c->is_sending) c->wrote_at = now_ns();
  c->is_sending = true;
  while (c->fd >= 0 && c->out.end > c->out.begin) {
    ssize_t sent = send(c->fd, c->out.bytes + c->out.begin, c->out.end - c->out.begin, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) connection_lost(c);
    if (sent <= 0) return;
    c->out.begin += (size_t)sent;
    c->wrote_at = now_ns();
  }
  c->is_sending = false;
  if (c->out.capacity > 2 * OUTPUT_HIGH) { /* what one large response took is not kept */
    free(c->out.bytes);
    memset(&c->out, 0, sizeof c->out);
  }
}

void flush_dirty(void) {
  while (the.dirty != NULL) {
    connection *c = the.dirty;
    the.dirty = c->dirty_next;
    c->is_dirty = false;
    if (c->out.end - c->out.begin > 0 && c->phase != AT_LINGER) send_some(c);
    connection_advance(c);
  }
}

/* The end of the peer's half. [cancel.peer.half-close] */
static void ended(connection *c) {
  exchange *e = c->exchange;
  c->eof = true;
  if (c->phase != AT_EXCHANGE || e->task == NULL) return;
  if (e->response != RESPONSE_NONE && e->response != RESPONSE_OPEN) return;
  if (the.set.half_close_waits) {
    task_notice(e->task, HC_NOTICE_PEER);
  } else if (e->task->phase == PARKED || !is_body_there(c)) {
    exchange_gone(e); /* a fresh request that was received whole is started all the same [cancel.peer.pipelined] */
  }
}

static void receive(connection *c) {
  char waste[4096];
  char *to = waste;
  size_t room = sizeof waste;
  ssize_t got;
  if (c->phase != AT_LINGER) {
    if (c->in.begin > 0) {
      memmove(c->in.bytes, c->in.bytes + c->in.begin, c->in.end - c->in.begin);
      c->in.end -= c->in.begin, c->in.begin = 0;
    }
    to = c->in.bytes + c->in.end, room = c->in.capacity - c->in.end;
  }
  got = recv(c->fd, to, room, 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got < 0) {
    connection_lost(c);
  } else if (got == 0) {
    if (c->phase == AT_LINGER) shut(c);
    else ended(c);
  } else if (c->phase != AT_LINGER) {
    c->read_at = now_ns();
    if (c->phase == AT_HEAD && c->in.end == 0) c->since = c->read_at; /* the first byte of a head */
    c->in.end += (size_t)got;
  }
}

short connection_interest(const connection *c) {
  bool is_full = c->in.end - c->in.begin == c->in.capacity;
  bool is_behind = c->phase == AT_HEAD && c->out.end - c->out.begin > OUTPUT_HIGH;
  short events = 0;
  if (!c->eof && c->phase != AT_CLOSE && !is_behind && (!is_full || c->phase == AT_LINGER)) events |= POLLIN;
  if (c->out.end > c->out.begin && c->phase != AT_LINGER) events |= POLLOUT;
  return events;
}

void connection_polled(connection *c) {
  short events = c->polled->revents;
  if (events == 0 || c->fd < 0) return;
  if ((events & POLLIN) != 0 && (c->polled->events & POLLIN) != 0) receive(c);
  else if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) connection_lost(c);
  connection_touch(c);
}

static uint64_t due(const connection *c) {
  bool is_reading =
      c->exchange && c->exchange->task && operation_find(c->exchange->task->waiting, HC_EVENT_BODY) != NULL;
  switch (c->phase) {
  case AT_HEAD: return after_ms(c->since, c->in.end == c->in.begin ? the.set.idle : the.set.head);
  case AT_EXCHANGE:
    return is_reading && !c->eof ? after_ms(c->read_at > c->since ? c->read_at : c->since, the.set.body)
                                 : HC_NO_DEADLINE;
  case AT_DROP: return after_ms(c->since, the.set.body);
  case AT_LINGER: return after_ms(c->since, the.set.linger);
  default: return HC_NO_DEADLINE;
  }
}

uint64_t connection_tick(connection *c, uint64_t now) {
  uint64_t at = due(c), stalled = c->out.end > c->out.begin ? after_ms(c->wrote_at, the.set.write) : HC_NO_DEADLINE;
  if (stalled <= now) {
    connection_lost(c); /* [response.write.slow-peer] */
    connection_touch(c);
    return HC_NO_DEADLINE;
  }
  if (at <= now) {
    connection_touch(c);
    if (c->phase == AT_EXCHANGE) c->exchange->body.end = BODY_SLOW;
    else if (c->phase == AT_LINGER) shut(c);
    else if (c->phase == AT_HEAD && c->in.end > c->in.begin) refuse_head(c, 408);
    else if (c->phase == AT_HEAD) connection_close(c);
    else c->exchange->keep_alive = false, exchange_part(c->exchange), connection_close(c);
    return now;
  }
  return at < stalled ? at : stalled;
}

void connection_free(connection *c) {
  free(c->in.bytes);
  free(c->out.bytes);
  free(c);
  the.connection_count--;
}
