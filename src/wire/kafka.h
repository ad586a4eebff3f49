/* kafka.h - librdkafka, opened with dlopen in the process that speaks to Kafka, never before a
 * fork.
 *
 * It brings three libraries and starts threads of its own: no other process of weir pays for that.
 * Its functions are called as kafka->NAME, without their prefix rd_kafka_. */
#ifndef WEIR_WIRE_KAFKA_H
#define WEIR_WIRE_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "base/failure.h"

/* Every function that is called, once. */
#define KAFKA_FUNCTIONS(X)                                                                         \
    X(conf_new)                                                                                    \
    X(conf_set)                                                                                    \
    X(conf_set_dr_msg_cb)                                                                          \
    X(conf_set_error_cb)                                                                           \
    X(conf_set_log_cb)                                                                             \
    X(conf_set_opaque)                                                                             \
    X(conf_destroy)                                                                                \
    X(new)                                                                                         \
    X(poll)                                                                                        \
    X(purge)                                                                                       \
    X(destroy)                                                                                     \
    X(produceva)                                                                                   \
    X(fatal_error)                                                                                 \
    X(error_code)                                                                                  \
    X(error_destroy)                                                                               \
    X(err2str)                                                                                     \
    X(metadata)                                                                                    \
    X(metadata_destroy)

struct kafka {
    void *handle;
/* NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member */
#define KAFKA_POINTER(name) __typeof__(&rd_kafka_##name) name;
    KAFKA_FUNCTIONS(KAFKA_POINTER)
#undef KAFKA_POINTER
};

/* Load it (once a process); it is never unloaded.
 *   returns OK | STOP it is not installed, or lacks a function */
enum outcome kafka_load(const struct kafka **out, struct failure *f);

#endif
