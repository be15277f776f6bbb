/*
 * Latencies in log-linear buckets: constant memory, one addition per answer, and percentiles within
 * 0.8 per cent. One histogram per program. It must not know what the latencies are of.
 */
#ifndef HC_BENCH_HISTOGRAM_H
#define HC_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BUCKET_BITS = 7, BUCKETS = (64 - BUCKET_BITS + 1) << BUCKET_BITS };

static uint64_t buckets[BUCKETS];

/* Exact below 2^BUCKET_BITS ns; above, BUCKET_BITS bits of every value are kept. */
static size_t bucket_of(uint64_t value)
{
    if (value < 1u << BUCKET_BITS)
        return value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - BUCKET_BITS;
    return ((size_t)shift << BUCKET_BITS) + (size_t)(value >> shift);
}

static uint64_t bucket_value(size_t bucket)
{
    if (bucket < 2u << BUCKET_BITS)
        return bucket;
    size_t shift = (bucket >> BUCKET_BITS) - 1;
    return ((uint64_t)(bucket - (shift << BUCKET_BITS)) << shift) + (((uint64_t)1 << shift) >> 1);
}

static void histogram_add(uint64_t value_ns, uint64_t times)
{
    buckets[bucket_of(value_ns)] += times;
}

static void histogram_clear(void)
{
    memset(buckets, 0, sizeof buckets);
}

/* The value that `part` (0 to 1) of all values do not exceed, in microseconds. */
static double histogram_percentile_us(double part)
{
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < BUCKETS; i++)
        total += buckets[i];
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += buckets[i];
        if (total > 0 && (double)seen >= part * (double)total)
            return (double)bucket_value(i) / 1000.0;
    }
    return 0.0;
}

#endif
