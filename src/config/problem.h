/* problem.h - everything that is wrong with a configuration, gathered, so that one run shows all.
 *
 * A value that came out of ${…} or of a secret is never part of a message. */
#ifndef WEIR_CONFIG_PROBLEM_H
#define WEIR_CONFIG_PROBLEM_H

#include "base/arena.h"
#include "config/option.h"

/* Where something stands; line and column count from 1, 0: the file as a whole. */
struct place {
    struct str file;
    int line, column;
};

enum { PROBLEMS_MAX = 100 };

struct problems {
    struct arena *arena;
    struct str_list lines; /* FILE:LINE:COLUMN: what is wrong; at most PROBLEMS_MAX, in the
                              order of the files as they were met, then of lines and columns */
    struct place *place;   /* of each line */
    bool are_notes;        /* FILE:LINE:COLUMN: note: what is worth knowing */
    size_t unsaid;         /* more than PROBLEMS_MAX: so many              */
};

void problem_add(struct problems *p, struct place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "weir.yaml:3:5" */
struct str place_text(struct arena *a, struct place at);

#endif
