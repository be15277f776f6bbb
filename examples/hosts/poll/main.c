/* SPDX-License-Identifier: MIT OR Apache-2.0
 * poll-host: an HTTP Container in one thread. Here: the command line, which is the whole configuration. */
#include "container.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
  const char *name;
  uint64_t *value;
  uint64_t usual, least;
  const char *what;
} numbers[] = {
    {"--deadline-ms", &the.set.deadline, 60000, 0, "of a request, from its complete head; 0: none"},
    {"--cancel-grace-ms", &the.set.cancel_grace, 0, 0, "between HC_NOTICE_PEER and the cancellation"},
    {"--drain-ms", &the.set.drain, 10000, 0, "for tasks, once the container stops"},
    {"--background-ms", &the.set.background, 1000, 0, "for background tasks, once no connection is left"},
    {"--replaced-ms", &the.set.replaced, UINT64_MAX, 0, "for tasks of an instance that was replaced; as --drain-ms"},
    {"--head-ms", &the.set.head, 10000, 1, "for a head, from its first byte"},
    {"--body-ms", &the.set.body, 30000, 1, "between bytes of a body"},
    {"--idle-ms", &the.set.idle, 60000, 1, "for a connection between requests"},
    {"--write-ms", &the.set.write, 30000, 1, "without the peer taking a byte"},
    {"--linger-ms", &the.set.linger, 1000, 1, "for the peer to read the last response"},
    {"--line-bytes", &the.set.line_bytes, 8192, 64, "of a request line"},
    {"--fields-bytes", &the.set.fields_bytes, 16384, 64, "of the fields of a head"},
    {"--field-lines", &the.set.field_lines, 100, 1, "in a head, or in trailers"},
    {"--body-bytes", &the.set.body_bytes, 1u << 30, 0, "of a request body"},
    {"--drop-bytes", &the.set.drop_bytes, 65536, 0, "of an unread body that are taken to keep the connection"},
    {"--connections", &the.set.connections, 1000, 1, "at once; further ones wait in the system's queue"},
    {"--requests", &the.set.requests, 1000, 1, "under way at once; further ones are answered 503"},
};
enum { NUMBER_COUNT = sizeof numbers / sizeof *numbers };

static int usage(const char *wrong, const char *value) {
  size_t at;
  if (wrong != NULL) fprintf(stderr, "poll-host: %s: %s\n", wrong, value ? value : "");
  fputs("usage: poll-host --listen ADDRESS:PORT --module FILE [--name NAME] [--config JSON] [--prefix /PATH] [--module "
        "...] [OPTION N]...\n"
        "  --half-close gone|wait   what the end of the peer's half means (gone)\n"
        "  --isolation shared       the only kind there is\n"
        "  --log error|warn|info|debug|trace   (info)\n",
        stderr);
  for (at = 0; at < NUMBER_COUNT; at++) fprintf(stderr, "  %-18s %s\n", numbers[at].name, numbers[at].what);
  return 2;
}

static bool one_of(const char *value, const char *const *words, size_t *which) {
  for (*which = 0; words[*which] != NULL; ++*which)
    if (strcmp(words[*which], value) == 0) return true;
  return false;
}

static bool set_number(const char *name, const char *value) {
  size_t at;
  uint64_t number;
  for (at = 0; at < NUMBER_COUNT; at++) {
    if (strcmp(numbers[at].name, name) != 0) continue;
    if (!bytes_number(bytes_of(value, strlen(value)), &number) || number < numbers[at].least || number > 1u << 31)
      return false;
    *numbers[at].value = number;
    return true;
  }
  return false;
}

static entry *entry_new(const char *path) {
  entry *e = allocate(sizeof *e), **at = &the.entries;
  const char *slash = strrchr(path, '/');
  e->path = path, e->name = slash ? slash + 1 : path, e->config = "{}", e->prefix = "/";
  while (*at != NULL) at = &(*at)->next;
  *at = e;
  return e;
}

/* NULL when all was understood, else the option that was not. */
static const char *read_options(int count, char **options, const char **listen_at) {
  static const char *const levels[] = {"", "error", "warn", "info", "debug", "trace", NULL},
                           *const halves[] = {"gone", "wait", NULL}, *const kinds[] = {"shared", NULL};
  entry *e = NULL;
  size_t which;
  int at;
  for (at = 1; at + 1 < count; at += 2) {
    const char *name = options[at], *value = options[at + 1];
    bool is_good = true;
    if (strcmp(name, "--module") == 0) e = entry_new(value);
    else if (strcmp(name, "--listen") == 0) *listen_at = value;
    else if (strcmp(name, "--name") == 0 && e != NULL) e->name = value;
    else if (strcmp(name, "--config") == 0 && e != NULL) e->config = value, is_good = is_json_object(value);
    else if (strcmp(name, "--prefix") == 0 && e != NULL) e->prefix = value, is_good = value[0] == '/';
    else if (strcmp(name, "--half-close") == 0)
      is_good = one_of(value, halves, &which), the.set.half_close_waits = which == 1;
    else if (strcmp(name, "--isolation") == 0) is_good = one_of(value, kinds, &which);
    else if (strcmp(name, "--log") == 0)
      is_good = one_of(value, levels, &which) && which > 0, the.set.log_level = which;
    else is_good = set_number(name, value);
    if (!is_good) return name; /* never the value: it may be a secret [configuration.secret] */
  }
  return at < count ? options[at] : NULL;
}

/* A socket that has the address, and does not listen before there is somebody to answer; -1 when it cannot be. */
static int bind_to(const char *where) {
  struct addrinfo wish, *found = NULL;
  const char *colon = strrchr(where, ':');
  char host[256] = "";
  int fd = -1, yes = 1;
  size_t size = colon ? (size_t)(colon - where) : 0;
  if (size == 0 || size >= sizeof host) return -1;
  memcpy(host, where, size);
  if (host[0] == '[' && host[size - 1] == ']') host[size - 1] = 0, memmove(host, host + 1, size);
  memset(&wish, 0, sizeof wish);
  wish.ai_socktype = SOCK_STREAM, wish.ai_flags = AI_PASSIVE;
  if (getaddrinfo(host, colon + 1, &wish, &found) != 0) return -1;
  fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (fd >= 0) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) close(fd), fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

static bool begin_to_listen(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char host[128], port[16];
  if (listen(fd, 512) != 0 || getsockname(fd, (struct sockaddr *)&address, &size) != 0) return false;
  if (getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return false;
  printf(strchr(host, ':') ? "ready [%s]:%s\n" : "ready %s:%s\n", host, port);
  return fflush(stdout) == 0;
}

int main(int count, char **options) {
  const char *listen_at = NULL, *wrong;
  entry *e;
  size_t at;
  for (at = 0; at < NUMBER_COUNT; at++) *numbers[at].value = numbers[at].usual;
  the.set.log_level = HC_LOG_INFO;
  wrong = read_options(count, options, &listen_at);
  if (wrong != NULL) return usage(wrong, "not understood, or without a good value");
  if (listen_at == NULL || the.entries == NULL) return usage("--listen and --module", "are needed");
  if (the.set.replaced == UINT64_MAX) the.set.replaced = the.set.drain;
  if (!loop_begin()) return 1;
  the.listener = bind_to(listen_at);
  if (the.listener < 0) {
    log_line(HC_LOG_ERROR, NULL, NULL, "cannot listen on %s: %s", listen_at, strerror(errno));
    return 1;
  }
  lock();
  for (e = the.entries; e != NULL; e = e->next)
    if (!entry_load(e)) return 1;
  for (e = the.entries; e != NULL; e = e->next)
    if (!entry_create(e)) return 1; /* it refuses to start [module.create.refused] */
  if (!begin_to_listen(the.listener)) return 1;
  loop_run();
  unlock();
  while ((e = the.entries) != NULL) {
    the.entries = e->next;
    free(e);
  }
  return 0;
}
