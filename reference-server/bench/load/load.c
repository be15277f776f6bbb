/*
 * The load generator: keep-alive connections on one thread, one write and one read per request
 * (or per pipelined batch), and no parser beyond the first response.
 *
 * The first response gives the length of a response (head and content-length); every later one
 * must have that length, begin with "HTTP/1.1 200", and end its head at the same place. So a
 * server whose responses differ in length counts as errors: pick a path where they do not.
 * A run stops sending at its time or count, then waits for what is under way (bounded), so
 * that `answered` is exactly what the server did. It must not know which server it drives.
 * Options: options.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "options.h"
#include "sockets.h"

enum {
    EVENTS_MAX = 512,
    READ_BYTES = 262144,
    DRAIN_SECONDS = 5
};
#define STATUS "HTTP/1.1 200"

struct connection {
    uint64_t sent_ns;
    uint32_t outstanding;   /* answers not yet complete */
    uint32_t have;          /* bytes of the current response */
    int fd;                 /* -1: closed */
};

static struct {
    uint64_t answered, errors, connect_errors, early, latency_max_ns, bytes;
} counted;

static struct connection *connections;
static int poller;
static size_t opened;                               /* connections that are open */
static size_t under_way;                            /* requests sent and not answered */
static uint64_t to_send = UINT64_MAX, stop_ns;      /* what ends the run */
static char *requests;                              /* `pipeline` copies of the request */
static size_t request_bytes, head_bytes, response_bytes;
static char read_buffer[READ_BYTES], first_response[READ_BYTES];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void count_latency(uint64_t latency_ns, uint64_t answers)
{
    if (latency_ns < options.base_ns) {
        counted.early += answers;
        latency_ns = options.base_ns;
    }
    latency_ns -= options.base_ns;
    if (latency_ns > counted.latency_max_ns)
        counted.latency_max_ns = latency_ns;
    histogram_add(latency_ns, answers);
}

static int open_connection(struct connection *c)
{
    struct epoll_event interest = { .events = EPOLLIN, .data.ptr = c };
    c->fd = connect_one((size_t)(c - connections));
    if (c->fd < 0 && counted.connect_errors++ == 0)
        perror("load: connect");
    c->have = 0;
    c->outstanding = 0;
    if (c->fd >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &interest) != 0)
        die("epoll_ctl");
    opened += c->fd >= 0;
    return c->fd >= 0;
}

static void close_connection(struct connection *c)
{
    under_way -= c->outstanding;
    c->outstanding = 0;
    if (c->fd >= 0) {
        close(c->fd);
        opened--;
    }
    c->fd = -1;
}

/* Sends the next batch, if the run goes on. */
static void send_batch(struct connection *c, uint64_t now)
{
    size_t batch = options.pipeline < to_send ? options.pipeline : (size_t)to_send;
    size_t bytes = batch * request_bytes, done = 0;
    if (batch == 0 || now >= stop_ns)
        return;
    c->sent_ns = now;
    while (done < bytes) {
        ssize_t sent = send(c->fd, requests + done, bytes - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            done += (size_t)sent;
        } else if (sent >= 0 || (errno != EINTR && (errno != EAGAIN || !wait_for_room(c->fd)))) {
            counted.errors += batch;
            close_connection(c);
            return;
        }
    }
    to_send -= batch;
    c->outstanding += (uint32_t)batch;
    under_way += batch;
}

/* A new connection after an error or, in the mode for it, for every request. */
static void start_again(struct connection *c)
{
    uint64_t now = now_ns();
    if (now < stop_ns && to_send > 0 && open_connection(c))
        send_batch(c, now);
}

static void fail(struct connection *c)
{
    counted.errors += c->outstanding > 0 ? c->outstanding : 1;
    close_connection(c);
    start_again(c);
}

/* Reads status and content-length of the first response of the run; 0 = it is not usable. */
static int learn_response(struct connection *c, size_t bytes)
{
    char *end, *line;
    memcpy(first_response + c->have, read_buffer, bytes);
    first_response[c->have + bytes] = '\0';
    end = strstr(first_response, "\r\n\r\n");
    if (end == NULL)
        return 1;
    if (strncmp(first_response, STATUS, strlen(STATUS)) != 0)
        return 0;
    *end = '\0';
    line = strcasestr(first_response, "\r\ncontent-length:");
    if (line == NULL)
        return 0;
    head_bytes = (size_t)(end - first_response) + 4;
    response_bytes = head_bytes + strtoul(line + strlen("\r\ncontent-length:"), NULL, 10);
    return 1;
}

/* Walks over the responses in the buffer; 0 when one is not what the first one was. */
static int count_responses(struct connection *c, const char *at, size_t bytes, uint64_t now)
{
    uint64_t answers = 0;
    while (bytes > 0) {
        size_t have = c->have, part = response_bytes - have;
        if (c->outstanding == answers)
            return 0;
        if (part > bytes)
            part = bytes;
        if (have < strlen(STATUS)) {
            size_t known = strlen(STATUS) - have < part ? strlen(STATUS) - have : part;
            if (memcmp(at, STATUS + have, known) != 0)
                return 0;
        }
        if (have < head_bytes && have + part >= head_bytes && at[head_bytes - have - 1] != '\n')
            return 0;
        at += part;
        bytes -= part;
        c->have = (uint32_t)(have + part);
        if (c->have == response_bytes) {
            c->have = 0;
            answers++;
        }
    }
    if (answers > 0) {
        c->outstanding -= (uint32_t)answers;
        under_way -= answers;
        counted.answered += answers;
        count_latency(now - c->sent_ns, answers);
    }
    return 1;
}

/* A connection that may be read. */
static void receive(struct connection *c)
{
    ssize_t bytes = recv(c->fd, read_buffer, READ_BYTES, MSG_DONTWAIT);
    uint64_t now = now_ns();
    const char *at = read_buffer;
    if (bytes <= 0) {
        if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (bytes == 0 && options.per_connection && c->outstanding == 0) {
            close_connection(c);
            start_again(c);
        } else {
            fail(c);
        }
        return;
    }
    counted.bytes += (uint64_t)bytes;
    if (response_bytes == 0) {
        /* Only the very first connection is used until the length of a response is known. */
        if (c->have + (size_t)bytes >= READ_BYTES || !learn_response(c, (size_t)bytes)) {
            fprintf(stderr, "load: the first response has no status 200 with a content-length\n");
            exit(1);
        }
        if (response_bytes == 0) {
            c->have += (uint32_t)bytes;
            return;
        }
        bytes += (ssize_t)c->have;
        c->have = 0;
        at = first_response;
        first_response[head_bytes - 4] = '\r';
    }
    if (!count_responses(c, at, (size_t)bytes, now))
        fail(c);
    else if (c->outstanding == 0 && !options.per_connection)
        send_batch(c, now);
}

/* Polls once, for at most `wait_ms`. */
static void poll_once(int wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int ready = epoll_wait(poller, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < ready; i++) {
        struct connection *c = events[i].data.ptr;
        if (c->fd >= 0)
            receive(c);
    }
}

/* One request on a connection of its own teaches the length; it is not counted. */
static void learn(void)
{
    struct connection *c = &connections[0];
    uint64_t limit = now_ns() + options.base_ns + DRAIN_SECONDS * (uint64_t)SECOND_NS;
    size_t pipeline = options.pipeline;
    stop_ns = UINT64_MAX;
    options.pipeline = 1;
    if (!open_connection(c))
        die("connect");
    to_send = 1;
    send_batch(c, now_ns());
    while ((response_bytes == 0 || under_way > 0) && now_ns() < limit)
        poll_once(10);
    if (response_bytes == 0 || under_way > 0 || counted.errors > 0) {
        fprintf(stderr, "load: no usable first response\n");
        exit(1);
    }
    close_connection(c);
    options.pipeline = pipeline;
    memset(&counted, 0, sizeof counted);
    histogram_clear();
}

/* Opens all connections and sends the first requests, at once or at the rate asked for. */
static void start_run(void)
{
    size_t sent = 0;
    uint64_t start;
    for (size_t i = 0; !options.per_connection && i < options.connections; i++) {
        if (!open_connection(&connections[i])) {
            /* A server that takes no more now is not asked thousands of times, CONNECT_SECONDS each. */
            counted.connect_errors += options.connections - i - 1;
            break;
        }
    }
    if (options.rate > 0) {
        printf("connected\n");
        fflush(stdout);
        if (getchar() == EOF)
            exit(1); /* the bench is gone */
    }
    start = now_ns();
    stop_ns = options.count > 0 ? start + 600 * (uint64_t)SECOND_NS : start + options.run_ns;
    to_send = options.count > 0 ? options.count : UINT64_MAX;
    while (sent < options.connections) {
        uint64_t now = now_ns(), due = options.connections;
        if (options.rate > 0)
            due = (uint64_t)((double)(now - start) * (double)options.rate / SECOND_NS) + 1;
        for (; sent < due && sent < options.connections; sent++) {
            if (options.per_connection)
                start_again(&connections[sent]);
            else if (connections[sent].fd >= 0)
                send_batch(&connections[sent], now_ns());
        }
        if (options.rate > 0)
            poll_once(1);
    }
    if (options.rate > 0) {
        printf("sent\n");
        fflush(stdout);
    }
}

static uint64_t run(void)
{
    uint64_t start, end, limit;
    start_run();
    start = stop_ns - (options.count > 0 ? 600 * (uint64_t)SECOND_NS : options.run_ns);
    while (now_ns() < stop_ns && to_send > 0 && opened > 0)
        poll_once(10);
    end = now_ns();
    limit = end + options.base_ns + DRAIN_SECONDS * (uint64_t)SECOND_NS;
    stop_ns = 0;
    /* A server that does not close a connection as it was asked to is in error, too. */
    while ((options.per_connection ? opened : under_way) > 0 && now_ns() < limit)
        poll_once(10);
    counted.errors += options.per_connection ? opened : under_way;
    return (options.count > 0 ? now_ns() : end) - start;
}

static void build_requests(void)
{
    static char request[REQUEST_BYTES_MAX];
    int bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nhost: 127.0.0.1:%u\r\n%s%s\r\n", options.path,
                         options.port, options.fields, options.per_connection ? "connection: close\r\n" : "");
    if (bytes < 0 || (size_t)bytes >= sizeof request) {
        fprintf(stderr, "load: the request is too long\n");
        exit(2);
    }
    request_bytes = (size_t)bytes;
    requests = malloc(request_bytes * options.pipeline);
    if (requests == NULL)
        die("malloc");
    for (size_t i = 0; i < options.pipeline; i++)
        memcpy(requests + i * request_bytes, request, request_bytes);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    read_options(argc, argv);
    build_requests();
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        die("getrlimit");
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (options.connections + 16 > files.rlim_cur) {
        fprintf(stderr, "load: %zu connections need more open files than the limit of %ju (ulimit -n)\n",
                options.connections, (uintmax_t)files.rlim_cur);
        return 1;
    }
    connections = calloc(options.connections, sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || poller < 0)
        die("set-up");
    for (size_t i = 0; i < options.connections; i++)
        connections[i].fd = -1;
    learn();
    uint64_t took_ns = run();
    printf("{\"answered\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"connect_errors\":%" PRIu64 ",\"early\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f}\n",
           counted.answered, counted.errors, counted.connect_errors, counted.early, counted.bytes,
           (double)took_ns / SECOND_NS, histogram_percentile_us(0.50), histogram_percentile_us(0.99),
           (double)counted.latency_max_ns / 1000.0);
    return 0;
}
