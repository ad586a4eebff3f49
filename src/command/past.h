/* past.h - raw signals as the lake and the tail of the streams keep them: the table `raw` read back
 * into signals.
 *
 * What the table has no column for (subject, time of the event, retry_of, first) is not there; no
 * transform reads it. */
#ifndef WEIR_COMMAND_PAST_H
#define WEIR_COMMAND_PAST_H

#include "signal/signal.h"
#include "wire/duckdb.h"

struct past {
    struct str bus;  /* id of the streams; empty: an older weir wrote the row */
    struct str lane; /* of stream raw */
    uint64_t position;
    struct str at; /* `lane:position`, as rows name it */
    struct signal signal;
};

/* What a SELECT over `raw_facts` must ask for, so that past_read finds its columns. */
extern const char past_columns[];

/* The row that the answer stands at, copied into the arena.
 *   returns OK | STOP the body's base64 cannot be read */
enum outcome past_read(struct arena *a, struct duck_result *r, struct past *out, struct failure *f);

/* It only says that a dead letter was dropped. */
bool past_is_drop(const struct past *p);
/* It only closes one, or carries one past the transform to a later stage: nothing is transformed.
 */
bool past_is_passed(const struct past *p);

#endif
