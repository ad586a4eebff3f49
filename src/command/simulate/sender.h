/* sender.h - where simulated deliveries go: over HTTP, into a file one JSON object a line, or each
 * into a file of its own; and the list of what was sent. */
#ifndef WEIR_COMMAND_SIMULATE_SENDER_H
#define WEIR_COMMAND_SIMULATE_SENDER_H

#include <stdio.h>

#include "command/simulate/fault.h"
#include "wire/post.h"

enum { STATUSES_MAX = 16, TURNED_AWAY_MAX = 100 };

struct sender {
    enum shape shape;
    struct str secret; /* GitHub: signs; others: the bearer token          */
    struct post *post; /* NULL: `file`                                     */
    bool is_lost;      /* the receiver could not be reached: known at the close */
    struct str folder; /* where each delivery is a file; empty: `file`     */
    bool is_bad;       /* a file of the folder could not be written: why is in f */
    struct failure f;
    FILE *file, *manifest;
    struct str truth; /* the last line of the manifest; empty: none */
    double rate;      /* deliveries a second; 0: as fast as they are taken */
    int64_t start_us; /* of the monotonic clock                            */
    struct arena scratch;
    uint64_t sent, accepted, refused, unanswered, unexpected;
    uint64_t turned_away; /* 401, 403, 404, 405, where they were not expected */
    struct {
        long status;
        uint64_t n;
    } status[STATUSES_MAX]; /* of those that were refused */
    struct arena *arena;    /* of the command */
    struct str trouble;     /* the first answer that was not as expected */
};

void sender_open(struct sender *s);
/* A fault_plan's send. */
void sender_send(void *to, const struct delivery *d, enum fault fault, enum fate_expected expect);
/* A post's done. */
void sender_done(void *to, const struct post_answer *answer);
/* Nothing was ever accepted, and much refused for who sent it or where to: it is no receiver of
 * these, or of another secret. */
bool sender_is_turned_away(const struct sender *s);
/* A post's again. */
void sender_again(void *to, const char *error);
/* All answers are there. returns OK | RETRY a file could not be written */
enum outcome sender_close(struct sender *s, struct failure *f);

#endif
