/*
 * The floor: the least a readiness-driven server can do for a request.
 *
 * epoll_wait, read, write; a canned answer; nothing is parsed but the blank line that ends a
 * request head, so that pipelined requests are counted. One thread. Every figure of the bench is
 * a ratio to this program. It must not know of HTTP limits, time-outs, routing or modules.
 *
 * usage: floor -p PORT [-c] [-d] [-s MILLISECONDS]
 *   -c     close the connection after an answer (connection per request)
 *   -d     with -c: TCP_DEFER_ACCEPT, and read straight after accept
 *   -s MS  park every request for MS milliseconds before it is answered
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n"
#define BODY "\r\nHello, World!"
#define KEEP_ANSWER HEAD BODY
#define CLOSE_ANSWER HEAD "connection: close\r\n" BODY

enum { EVENTS_MAX = 512, READ_BYTES = 65536, CARRY_BYTES = 3, BATCH_MAX = 64, DEFER_SECONDS = 5 };

/* What is remembered of a connection; the file descriptor is the index. */
struct connection {
    uint64_t due_ns;            /* when the parked answer is due */
    int next_parked;            /* next in the queue of parked connections, -1 = last */
    uint16_t owed;              /* answers owed when due */
    uint8_t parked, gone;       /* gone: the peer left while parked; closed when due */
    char carry[CARRY_BYTES];    /* last bytes of the previous read */
};

static struct connection *connections;
static size_t connections_max;
static int poller, listener, parked_first = -1, parked_last = -1;
static int close_after, deferred;
static uint64_t sleep_ns;
static char read_buffer[CARRY_BYTES + READ_BYTES], answers[BATCH_MAX * 128];
static size_t answer_bytes;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Writes `count` answers; 0 when the peer is too slow or gone (the floor keeps no outbox). */
static int answer(int fd, size_t count)
{
    while (count > 0) {
        size_t batch = count < BATCH_MAX ? count : BATCH_MAX;
        ssize_t bytes = (ssize_t)(batch * answer_bytes);
        if (write(fd, answers, (size_t)bytes) != bytes)
            return 0;
        count -= batch;
    }
    return !close_after;
}

static void park(int fd, size_t count)
{
    struct connection *c = &connections[fd];
    c->owed = (uint16_t)(c->owed + count);
    if (c->parked)
        return;
    c->parked = 1;
    c->due_ns = now_ns() + sleep_ns;
    c->next_parked = -1;
    if (parked_last >= 0)
        connections[parked_last].next_parked = fd;
    else
        parked_first = fd;
    parked_last = fd;
}

/* Answers what is due; the time to wait for the next one in milliseconds, -1 = for ever. */
static int wake_due(void)
{
    while (parked_first >= 0) {
        int fd = parked_first;
        struct connection *c = &connections[fd];
        uint64_t now = now_ns();
        if (c->due_ns > now)
            return (int)((c->due_ns - now + 999999u) / 1000000u);
        parked_first = c->next_parked;
        if (parked_first < 0)
            parked_last = -1;
        c->parked = 0;
        size_t owed = c->owed;
        c->owed = 0;
        if (c->gone || !answer(fd, owed))
            close(fd);
    }
    return -1;
}

/* Complete requests in one read: each "\r\n\r\n", also one split over two reads. */
static size_t count_requests(struct connection *c, size_t bytes)
{
    char *at = read_buffer + CARRY_BYTES, *end = at + bytes;
    size_t count = 0;
    memcpy(read_buffer, c->carry, CARRY_BYTES);
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        count += at[-1] == '\r' && at[-2] == '\n' && at[-3] == '\r';
        at++;
    }
    memcpy(c->carry, end - CARRY_BYTES, CARRY_BYTES);
    return count;
}

/* A connection that may be read. */
static void serve(int fd)
{
    struct connection *c = &connections[fd];
    ssize_t bytes = read(fd, read_buffer + CARRY_BYTES, READ_BYTES);
    if (bytes > 0) {
        size_t count = count_requests(c, (size_t)bytes);
        if (count == 0)
            return;
        if (sleep_ns != 0) {
            park(fd, count);
            return;
        }
        if (answer(fd, count))
            return;
    } else if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (c->parked) {
        c->gone = 1;
        epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
    } else {
        close(fd);
    }
}

static void accept_one(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0)
        return;
    if ((size_t)fd >= connections_max) {
        close(fd);
        return;
    }
    memset(&connections[fd], 0, sizeof connections[fd]);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event interest = { .events = EPOLLIN, .data.fd = fd };
    if (deferred) {
        /* The request is here already: most connections never enter the poll set. */
        ssize_t bytes = read(fd, read_buffer + CARRY_BYTES, READ_BYTES);
        if (bytes > 0 && count_requests(&connections[fd], (size_t)bytes) > 0) {
            answer(fd, 1);
            close(fd);
            return;
        }
        if (bytes == 0) {
            close(fd);
            return;
        }
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest);
}

static void listen_on(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int one = 1, defer = DEFER_SECONDS;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (deferred)
        setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0
        || listen(listener, 4096) != 0)
        die("floor: listen");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event interest = { .events = EPOLLIN, .data.fd = listener };
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &interest) != 0)
        die("floor: epoll");
}

int main(int argc, char **argv)
{
    int option, port = 0;
    while ((option = getopt(argc, argv, "p:cds:")) != -1) {
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 'c': close_after = 1; break;
        case 'd': deferred = 1; break;
        case 's': sleep_ns = strtoull(optarg, NULL, 10) * 1000000u; break;
        default: fprintf(stderr, "usage: floor -p PORT [-c] [-d] [-s MILLISECONDS]\n"); return 2;
        }
    }
    deferred = deferred && close_after && sleep_ns == 0;
    const char *canned = close_after ? CLOSE_ANSWER : KEEP_ANSWER;
    answer_bytes = strlen(canned);
    for (size_t i = 0; i < BATCH_MAX; i++)
        memcpy(answers + i * answer_bytes, canned, answer_bytes);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        die("floor: getrlimit");
    connections_max = files.rlim_cur < 1048576 ? files.rlim_cur : 1048576;
    connections = calloc(connections_max, sizeof *connections);
    if (connections == NULL)
        die("floor: calloc");
    listen_on((uint16_t)port);

    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        int wait_ms = sleep_ns != 0 ? wake_due() : -1;
        int ready = epoll_wait(poller, events, EVENTS_MAX, wait_ms);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                accept_one();
            else
                serve(events[i].data.fd);
        }
    }
}
