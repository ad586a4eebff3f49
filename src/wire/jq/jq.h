/* jq.h - a user's jq program over signals, in a process of its own that may die.
 *
 * libjq has no limit of any kind and aborts when memory is short, so each program runs in a child
 * of the process that asks: compiled once, with no environment, no file, no clock and no more
 * memory and processor time than its limits say. Who asks survives whatever the program does. */
#ifndef WEIR_WIRE_JQ_JQ_H
#define WEIR_WIRE_JQ_JQ_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/* What a program may take; beyond it its input is refused. */
struct mapping_limits {
    size_t memory_bytes, output_bytes;
    int64_t time_ms, depth, outputs;
};
struct mapping {
    struct str name;    /* `gitlab`, or the path of a file; in messages */
    struct str program; /* its text                                     */
    struct mapping_limits limits;
};

/* The programs of one asking process, each with its child once it was asked. */
struct jq_pool;

/* It lives as long as the arena, which closes it: the children then end. */
struct jq_pool *jq_pool_open(struct arena *a);

/* Have its process ready, which takes longer than most signals do: jq_run does it otherwise.
 *   returns  OK | REJECT it cannot be compiled | RETRY no child could be started */
enum outcome jq_ready(struct jq_pool *pool, struct arena *a, const struct mapping *mapping,
                      struct failure *f);

/* What one program is run on. */
struct jq_input {
    const struct mapping *mapping; /* lives as long as the pool                         */
    struct str body;               /* JSON: `.`                                         */
    struct str context;            /* JSON object: $headers, $agent, $id, $received      */
};

/* Run it.
 *   shape    *out: a JSON array of all that the program gave, in order; an array that it gave
 *            stands there as its elements. Numbers of the input that a double cannot hold reached
 *            it as text
 *   returns  OK | REJECT the program's own message (at the pointer that it named), a limit, or what
 *            ended its child twice in a row (kills from outside count less: the eighth does)
 *            | RETRY no child could be started
 *   source   jq 1.6 manual */
enum outcome jq_run(struct jq_pool *pool, struct arena *a, const struct jq_input *in,
                    struct str *out, struct failure *f);

/* What messages and counters call it: `own` of `./own.jq`. */
struct str jq_name(const struct mapping *mapping);

/* Compile it and forget it. returns OK | REJECT "line 3: …" | RETRY */
enum outcome jq_check(const struct mapping *mapping, struct failure *f);

#endif
