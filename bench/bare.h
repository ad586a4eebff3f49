/* bare.h - the clients that sinks are made of, driven with nothing around them: the same bytes in
 * the same batches, no cursor, no dead letters, nothing tried again. */
#ifndef WEIR_BENCH_BARE_H
#define WEIR_BENCH_BARE_H

#include "persist/sink/sink.h"

struct bare {
    const char *name; /* as a figure stands beside it */
    /* `to` says where: a path, a URL, the brokers. A failure ends the program. */
    void (*open)(const char *to);
    /* These, until they are where they belong. What a client wants ready was made ready by
     * `prepare`.
     */
    void (*prepare)(struct arena *a, const struct sink_item *item, size_t n);
    void (*send)(const struct sink_item *item, size_t n);
    void (*close)(void);
};

extern const struct bare bare_file, bare_http, bare_http_lines, bare_kafka, bare_s3,
    bare_postgresql, bare_copy;

#endif
