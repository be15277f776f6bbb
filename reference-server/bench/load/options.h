/*
 * The load generator's command line. It must not know what is done with it.
 *
 * usage: load -p PORT [-c CONNECTIONS] [-t SECONDS | -n REQUESTS] [-u PATH] [-H 'name: value']...
 *             [-P N | -C] [-R RATE] [-b MS]
 *   -P N     pipeline N requests in a write
 *   -C       a connection per request (the server closes after its answer)
 *   -R RATE  first requests paced at RATE a second, announced on standard output: the lines
 *            "connected" (waits for a line on standard input), "sent", then the JSON line
 *   -b MS    subtract MS milliseconds from every latency (lateness of a timer); count early ones
 */
#ifndef HC_BENCH_OPTIONS_H
#define HC_BENCH_OPTIONS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 65536, PIPELINE_MAX = 1024 };
#define SECOND_NS 1000000000u

static struct {
    uint16_t port;
    size_t connections, pipeline;
    uint64_t run_ns, count, base_ns, rate;
    int per_connection;
    const char *path;
    char fields[REQUEST_BYTES_MAX / 2];
} options = { .connections = 64, .pipeline = 1, .run_ns = SECOND_NS, .path = "/" };

static void usage(void)
{
    fprintf(stderr, "usage: load -p PORT [-c CONNECTIONS] [-t SECONDS | -n REQUESTS] [-u PATH] [-H FIELD]... "
                    "[-P PIPELINE | -C] [-R RATE] [-b MILLISECONDS]\n");
    exit(2);
}

static void read_options(int argc, char **argv)
{
    int option;
    size_t used = 0;
    while ((option = getopt(argc, argv, "p:c:t:n:u:H:P:CR:b:")) != -1) {
        switch (option) {
        case 'p': options.port = (uint16_t)atoi(optarg); break;
        case 'c': options.connections = strtoul(optarg, NULL, 10); break;
        case 't': options.run_ns = (uint64_t)(strtod(optarg, NULL) * SECOND_NS); break;
        case 'n': options.count = strtoull(optarg, NULL, 10); break;
        case 'u': options.path = optarg; break;
        case 'P': options.pipeline = strtoul(optarg, NULL, 10); break;
        case 'C': options.per_connection = 1; break;
        case 'R': options.rate = strtoull(optarg, NULL, 10); break;
        case 'b': options.base_ns = strtoull(optarg, NULL, 10) * 1000000u; break;
        case 'H':
            if (used + strlen(optarg) + 3 > sizeof options.fields)
                usage();
            used += (size_t)sprintf(options.fields + used, "%s\r\n", optarg);
            break;
        default: usage();
        }
    }
    if (options.port == 0 || options.connections == 0 || options.pipeline == 0 || options.pipeline > PIPELINE_MAX
        || (options.per_connection && (options.pipeline > 1 || options.rate > 0)))
        usage();
}

#endif
