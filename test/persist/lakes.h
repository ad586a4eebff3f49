/* lakes.h - a lake of a test's own, fed by hand through the driver's verbs. Test support. */
#ifndef WEIR_TEST_LAKES_H
#define WEIR_TEST_LAKES_H

#include "config/config.h"
#include "persist/lake/lake.h"
#include "wire/duckdb.h"

struct lakes {
    struct config config;
    struct arena arena;
    struct bus *bus; /* in memory, outlives every lake */
    struct progress *progress;
    struct persister persister;
    struct lake *lake;
};

/* A bus and a configuration for lakes in `place`; made once. */
void lakes_begin(struct lakes *t, const char *place);
void lakes_end(struct lakes *t);
/* What a start and a stop of the stage do. */
enum outcome lakes_open(struct lakes *t, struct failure *f);
void lakes_close(struct lakes *t);

/* Hand over `n` records of standard/LANE that stand at from+1 .. from+n; the slice ends behind
 * them. */
enum outcome lakes_take(struct lakes *t, struct lane lane, struct record *r, size_t n,
                        uint64_t from, struct failure *f);
/* The driver's cursor in a lane. */
uint64_t lakes_cursor(struct lakes *t, struct lane lane);

/* A number that SQL over the table gives: `%s` in `format` stands for the relation of its facts. */
int64_t lakes_count(struct lakes *t, const char *model, const char *select);
/* An engine for the process. */
struct duck *lakes_duck(struct lakes *t);

/* How many Parquet files lie in the table's folder, committed or not. */
size_t lakes_data_files(struct lakes *l, const char *table);
/* Rename what has this key in the lake. */
void lakes_move(struct lakes *l, struct str from, struct str to);

#endif
