/*
 * Sockets of the load generator: connecting over loopback from as many source addresses as the ports need,
 * and waiting for room. It must not know what is sent.
 */
#ifndef HC_BENCH_SOCKETS_H
#define HC_BENCH_SOCKETS_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "options.h"

enum {
    PER_SOURCE_ADDRESS = 20000, /* connections from one source address: below the port range */
    CONNECT_SECONDS = 5
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A blocking connect: on loopback it is done when the call returns. -1, with errno, when it is refused. */
static int connect_one(size_t index)
{
    struct sockaddr_in source = { .sin_family = AF_INET }, server = { .sin_family = AF_INET };
    struct timeval patience = { .tv_sec = CONNECT_SECONDS };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    server.sin_port = htons(options.port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (options.connections > PER_SOURCE_ADDRESS) {
        setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(index / PER_SOURCE_ADDRESS));
        if (bind(fd, (struct sockaddr *)&source, sizeof source) != 0)
            die("bind");
    }
    if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* A batch beyond the socket's buffer: waits for the server to read, but not for ever. */
static int wait_for_room(int fd)
{
    struct pollfd room = { .fd = fd, .events = POLLOUT };
    return poll(&room, 1, 1000) == 1;
}

#endif
