/* rig.h - a store under test: a folder of its own, a memory bus with gaps, facts sent through it.
 * Test support. */
#ifndef WEIR_TEST_PERSIST_RIG_H
#define WEIR_TEST_PERSIST_RIG_H

#include "persist/persister.h"
#include "persist/store.h"
#include "signal/facts.h"

struct rig {
    struct arena arena;
    struct config config;
    char folder[64];
    struct dice gaps;
    const struct persister_driver *driver; /* persist_store at first         */
    bool is_shared;   /* lanes go to another worker and come back, at any read */
    size_t fenced_n;  /* flushes that found a cursor moved                     */
    size_t failing_n; /* so many flushes fail first; in the first one another is asked for    */
    size_t unseen_n;  /* of those, how many found that wish still unseen: no pause would hold */
    bool is_fenced;   /* the last of those says that another was faster       */
    bool is_behind;   /* the next flush is the first behind them              */
    enum duty_state state; /* what the page shows then                        */
    struct bus *bus;
    struct progress *progress;
    struct reader *transform; /* moves what is sent into the stream standard */
    struct row *want;         /* all facts sent, folded by key               */
    size_t want_n;
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* Append to the stream standard, in one step: `standard/<lane>`. */
void rig_send(struct rig *r, const char *lane, const struct signal *s, size_t n);
/* The same with n random facts of all stored models, noted in `want`. */
void rig_send_random(struct rig *r, struct dice *d, const char *lane, size_t n);
/* Fold a fact into `want`. */
void rig_want(struct rig *r, const struct signal *s);

/* Run the persister until all that was sent is taken, reading at most `bytes` at a time. */
enum outcome rig_run(struct rig *r, size_t bytes, struct failure *f);

/* The store holds exactly `want`, column by column, and counts it right; ends the test otherwise.
 */
void rig_check(struct rig *r);

uint64_t rig_counter(struct rig *r, const char *name);

#endif
