/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a provider whose members have a connection, to something that sends back every byte. */
#define _DEFAULT_SOURCE
#include "bad_provider.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address;
static const hc_fd *fd;

/* "127.0.0.1:8000" */
void link_configure(hc_bytes peer) {
  char text[32] = {0};
  char *colon;
  if (peer.size < sizeof(text)) {
    memcpy(text, peer.data, peer.size);
  }
  colon = strchr(text, ':');
  memset(&address, 0, sizeof(address));
  if (colon != NULL) {
    *colon = 0;
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    inet_pton(AF_INET, text, &address.sin_addr);
  }
}

static hc_status wait_for(struct member *m, uint32_t interest) {
  hc_status status;
  if (m->is_waiting) {
    return HC_PENDING;
  }
  status = fd->wait(m->H, m->task, SOCKET, m->handle, interest);
  m->is_waiting = status == HC_PENDING;
  return status;
}

static hc_status begin(struct member *m) {
  int is_late = is_fault("link:descriptors-block"), flags;
  hc_status status;
  fd = (const hc_fd *)m->H->extension(m->H, HC_FD_ID);
  m->socket = fd == NULL ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (m->socket < 0) {
    return HC_E_IO;
  }
  if (connect(m->socket, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS) {
    return HC_E_RESOURCE;
  }
  flags = fcntl(m->socket, F_GETFL);
  if (is_late) {
    fcntl(m->socket, F_SETFL, flags & ~O_NONBLOCK);
  }
  status = fd->add(m->H, m->socket, &m->handle);
  fcntl(m->socket, F_SETFL, flags);
  return status;
}

hc_status link_open(struct member *m) {
  hc_status status = m->socket < 0 ? begin(m) : HC_OK;
  while (status == HC_OK) {
    struct sockaddr_in peer;
    socklen_t size = sizeof(peer), error_size = sizeof(int);
    int error = 0;
    if (getsockopt(m->socket, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 || error != 0) {
      return HC_E_RESOURCE;
    }
    if (getpeername(m->socket, (struct sockaddr *)&peer, &size) == 0) {
      return HC_OK;
    }
    status = wait_for(m, HC_FD_WRITE);
  }
  return status;
}

/* Reads what has come; while there is nothing, an edge is waited for, so that an end is seen. */
hc_status link_look(struct member *m) {
  if (m->is_waiting) {
    return HC_OK;
  }
  for (;;) {
    char bytes[16];
    ssize_t count = recv(m->socket, bytes, sizeof(bytes), 0);
    if (count > 0) {
      m->is_asked = 2;
      continue;
    }
    if (count == 0 && is_fault("link:losses-are-not-noticed")) {
      return HC_OK;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      provider->explain(m->H, m->task, view("the connection is lost"));
      return HC_E_RESOURCE;
    }
    if (errno == EAGAIN) {
      hc_status status = wait_for(m, HC_FD_READ);
      if (status != HC_OK) {
        return status < 0 ? status : HC_OK;
      }
    }
  }
}

hc_status link_answer(struct member *m, hc_member_result *result) {
  (void)result;
  if (m->request->kind == HC_MEMBER_RESET) {
    return HC_OK;
  }
  if (m->request->kind != HC_MEMBER_CHECK) {
    return HC_E_UNSUPPORTED;
  }
  if (is_fault("link:checks-are-guesses") || m->is_asked == 2) {
    return HC_OK;
  }
  if (m->is_asked == 0) {
    if (send(m->socket, "?", 1, MSG_NOSIGNAL) != 1 && !is_fault("link:losses-are-not-noticed")) {
      return HC_E_RESOURCE;
    }
    m->is_asked = 1;
  }
  return HC_PENDING;
}

void link_close(struct member *m) {
  if (m->socket >= 0) {
    if (is_fault("link:closed-before-removed")) {
      close(m->socket);
    }
    if (m->handle != 0) {
      fd->remove(m->H, m->handle);
    }
    if (!is_fault("link:closed-before-removed")) {
      close(m->socket);
    }
  }
}
