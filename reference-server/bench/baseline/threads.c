/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The status quo: a thread per connection, started beforehand, and a pool of connections to PostgreSQL (libpq) inside the
 * server. A thread that wants one of these blocks until it gets one, and blocks again until the database has answered. It must
 * not know of HTTP more than the floor does: of a request it looks at the path's `ms=` and at the blank line.
 *
 * usage: threads -p PORT -u URL [-t THREADS] [-m MEMBERS] [-f]
 *   -t N  threads, so as many connections of clients at once (1000)
 *   -m N  connections in the pool (4)
 *   -f    strictly in order: a connection that comes back is handed to who has waited longest. Without it whoever comes
 *         first takes it, as in most pools: more throughput, and no bound on anybody's wait
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MEMBERS_MAX = 256, READ_BYTES = 8192, VALUE_BYTES = 64, ROWS = 1000, STACK_BYTES = 256 * 1024 };

/* One thread that waits for a connection, on its own stack. */
struct waiter {
    pthread_cond_t wake;
    PGconn *given;
    struct waiter *next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    PGconn *idle[MEMBERS_MAX];
    size_t idle_count;
    struct waiter *first, *last;
    int in_order;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .returned = PTHREAD_COND_INITIALIZER };

static atomic_uint next_key;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static PGconn *take(void)
{
    PGconn *taken;
    pthread_mutex_lock(&pool.lock);
    if (pool.in_order && pool.idle_count == 0) {
        struct waiter self = { .wake = PTHREAD_COND_INITIALIZER };
        if (pool.last != NULL)
            pool.last->next = &self;
        else
            pool.first = &self;
        pool.last = &self;
        while (self.given == NULL)
            pthread_cond_wait(&self.wake, &pool.lock);
        taken = self.given;
    } else {
        while (pool.idle_count == 0)
            pthread_cond_wait(&pool.returned, &pool.lock);
        taken = pool.idle[--pool.idle_count];
    }
    pthread_mutex_unlock(&pool.lock);
    return taken;
}

static void give_back(PGconn *member)
{
    pthread_mutex_lock(&pool.lock);
    if (pool.first != NULL) {
        struct waiter *waiter = pool.first;
        pool.first = waiter->next;
        if (pool.first == NULL)
            pool.last = NULL;
        waiter->given = member;
        pthread_cond_signal(&waiter->wake);
    } else {
        pool.idle[pool.idle_count++] = member;
        pthread_cond_signal(&pool.returned);
    }
    pthread_mutex_unlock(&pool.lock);
}

static void open_member(const char *url)
{
    static const char *const statements[][2] = {
        { "key", "SELECT value FROM bench WHERE id = $1::bigint" },
        { "sleep", "SELECT 'slept' FROM pg_sleep($1::float8)" },
    };
    PGconn *member = PQconnectdb(url);
    if (PQstatus(member) != CONNECTION_OK) {
        fprintf(stderr, "threads: %s", PQerrorMessage(member));
        exit(1);
    }
    for (size_t i = 0; i < 2; i++) {
        PGresult *result = PQprepare(member, statements[i][0], statements[i][1], 1, NULL);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            fprintf(stderr, "threads: %s", PQerrorMessage(member));
            exit(1);
        }
        PQclear(result);
    }
    pool.idle[pool.idle_count++] = member;
}

/* One query on one connection; the size of the value, -1 when there is none. */
static int query(unsigned long ms, char *value)
{
    char parameter[32];
    const char *parameters[1] = { parameter };
    int size = -1;
    PGconn *member;
    PGresult *result;
    if (ms > 0)
        snprintf(parameter, sizeof parameter, "%lu.%03lu", ms / 1000, ms % 1000);
    else
        snprintf(parameter, sizeof parameter, "%u", atomic_fetch_add(&next_key, 1) % ROWS + 1);
    member = take();
    result = PQexecPrepared(member, ms > 0 ? "sleep" : "key", 1, parameters, NULL, NULL, 0);
    give_back(member);
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        size = snprintf(value, VALUE_BYTES, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    return size;
}

static int answer(int fd, const char *request)
{
    char response[512], value[VALUE_BYTES] = "";
    const char *ms = strstr(request, "ms="), *line = strchr(request, '\n');
    int size = query(ms != NULL && ms < line ? strtoul(ms + 3, NULL, 10) : 0, value);
    int bytes = snprintf(response, sizeof response,
                         "HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s",
                         size < 0 ? "500 Internal Server Error" : "200 OK", size < 0 ? 0 : size, value);
    return write(fd, response, (size_t)bytes) == bytes;
}

/* Answers one connection after another, each until the client closes it. */
static void *serve(void *argument)
{
    int listener = (int)(intptr_t)argument, one = 1;
    char request[READ_BYTES + 1], *end;
    for (;;) {
        size_t have = 0;
        ssize_t bytes;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), is_open = fd >= 0;
        if (is_open)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        while (is_open && (bytes = read(fd, request + have, READ_BYTES - have)) > 0) {
            have += (size_t)bytes;
            request[have] = '\0';
            while (is_open && (end = strstr(request, "\r\n\r\n")) != NULL) {
                is_open = answer(fd, request);
                have -= (size_t)(end + 4 - request);
                memmove(request, end + 4, have + 1);
            }
        }
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 4096) != 0)
        die("threads: listen");
    return listener;
}

int main(int argc, char **argv)
{
    int option, listener;
    unsigned port = 0;
    size_t members = 4, threads = 1000;
    const char *url = NULL;
    pthread_attr_t small;
    while ((option = getopt(argc, argv, "p:u:t:m:f")) != -1) {
        switch (option) {
        case 'p': port = (unsigned)atoi(optarg); break;
        case 'u': url = optarg; break;
        case 't': threads = strtoul(optarg, NULL, 10); break;
        case 'm': members = strtoul(optarg, NULL, 10); break;
        case 'f': pool.in_order = 1; break;
        default: return 2;
        }
    }
    if (port == 0 || url == NULL || threads == 0 || members == 0 || members > MEMBERS_MAX) {
        fprintf(stderr, "usage: threads -p PORT -u URL [-t THREADS] [-m MEMBERS] [-f]\n");
        return 2;
    }
    for (size_t i = 0; i < members; i++)
        open_member(url);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    listener = listen_on((uint16_t)port);
    for (size_t i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, serve, (void *)(intptr_t)listener) != 0)
            die("threads: a thread");
    }
    serve((void *)(intptr_t)listener);
    return 1;
}
