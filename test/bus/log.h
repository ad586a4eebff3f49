/* log.h - an embedded bus in the test's folder: numbered records in, what came out compared. */
#ifndef WEIR_TEST_BUS_LOG_H
#define WEIR_TEST_BUS_LOG_H

#include "bus/driver.h"

enum { FOUND_MAX = 64 };

struct found {
    struct finding finding[FOUND_MAX];
    size_t n;
};

struct log_bus {
    struct arena arena;
    struct config_bus config;
    struct bus *bus;
    struct found found; /* by the newest recovery or verification */
    struct failure f;
};

/* A bus in `<folder>/bus` with segments of `segment_bytes`; opened by log_open. */
void log_init(struct log_bus *l, size_t segment_bytes);
void log_open(struct log_bus *l);
void log_close(struct log_bus *l);
/* Close, recover, open again. */
void log_recover(struct log_bus *l);
/* Set aside what readers met, with the bus in use; what was told is in `found`. */
void log_mend(struct log_bus *l);
/* Everything but the folder. */
void log_drop(struct log_bus *l);

/* A record whose data is made of its number and `bytes` long at least. */
struct record log_record(struct arena *a, uint64_t number, size_t bytes);
/* The number of a record, checked against everything in it; UINT64_MAX: it is none of ours. */
uint64_t log_number(const struct record *r);

/* Append the numbers first..first+n-1 to raw/intake-0 as one group. */
enum outcome log_append(struct log_bus *l, uint64_t first, size_t n, size_t bytes);
/* The numbers in a lane, by look from its beginning; UINT64_MAX stands for a foreign record.
 *   returns OK | what look said */
enum outcome log_read(struct log_bus *l, struct lane lane, uint64_t *numbers, size_t room,
                      size_t *n);

struct lane raw_lane(const char *name);
/* `<folder>/bus/<stream>/<lane>/<name>` in the arena. */
const char *log_path(struct log_bus *l, struct lane lane, const char *name);
/* The path of the lane's i-th segment, counted from the oldest; NULL: it has fewer. */
const char *log_segment(struct log_bus *l, struct lane lane, size_t i);

/* Let this failpoint fail when it is reached next, once; skips the test in a build without them. */
void log_fail_next(const char *place);
/* Nothing fails any more. */
void log_fail_nothing(void);

#endif
