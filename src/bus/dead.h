/* dead.h - dead letters: read from their lanes, closed by what stands in lane raw/retry.
 *
 * A dead letter is open until a record of raw/retry names it (`retry_of`): sent again, dropped, or
 * stored by a replay.
 * Its id is its position, `dead/LANE:OFFSET`. */
#ifndef WEIR_BUS_DEAD_H
#define WEIR_BUS_DEAD_H

#include "bus/bus.h"

/* The lane that retries and drops are written to; its one writer is the duty `collect`. */
struct lane dead_retry_lane(void);
/* The types of a record that drops one, and of one that says that a replay has stored it. */
extern const char dead_drop_type[], dead_replayed_type[];
/* What the letter is that a record of this type closes: "dropped", "replayed"; empty: it is of
 * neither, and carries a signal. */
struct str dead_closed_as(struct str type);

struct dead_letter {
    struct str id;
    const struct signal *signal; /* stage, reason, pointer and the whole signal */
    struct origin origin;        /* the record that it was made of              */
};

struct dead_visit {
    bool (*letter)(void *to, const struct dead_letter *letter); /* false: enough; texts live until
                                                                   it returns */
    void *to;
    /* A lane cannot be read behind what was visited of it (RETRY). true: look there again, its
     * keeper may have mended it; false: go on with the next lane. NULL: that is the end. */
    bool (*unreadable)(void *to, const struct failure *why);
};

/* Every open dead letter, lane by lane, oldest first.
 *   returns OK | RETRY | STOP as the bus says; RETRY also where it cannot be told which are open */
enum outcome dead_each(struct bus *bus, struct dead_visit visit, struct failure *f);

/* The letter of this id (with or without `dead/`), in the arena.
 *   returns OK | REJECT no such letter: never was, forgotten, or closed already */
enum outcome dead_find(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f);

/* The same of one that may be closed. */
enum outcome dead_look(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f);

/* The same for who closes many: what raw/retry names is read once, and then what came to it; at
 * most some 16 MB of it are kept. As long as the arena. */
struct dead_closed;
struct dead_closed *dead_closed_new(struct arena *a, struct bus *bus);
/* Up to now. returns OK | RETRY | STOP as the bus says: nothing is known then */
enum outcome dead_closed_read(struct dead_closed *c, struct failure *f);
/* As dead_find, of what was there then. */
enum outcome dead_closed_find(const struct dead_closed *c, struct arena *a, struct str id,
                              struct dead_letter *out, struct failure *f);
/* It is about to be closed; if it is not, forget: the next read begins anew. */
void dead_closed_add(struct dead_closed *c, const struct dead_letter *letter);
void dead_closed_forget(struct dead_closed *c);

/* The first record in [from, to) of raw/retry that closes a letter which its lane still holds; `to`
 * where none does. What stands before it may be forgotten: nothing that it closed can come back. */
enum outcome dead_closing(struct bus *bus, struct position from, struct position to,
                          struct position *out, struct failure *f);

/* What letters of one lane were made of, for the lane's writer: one that a process before it wrote,
 * and died before its cursor moved, is not written (nor counted) again. */
struct dead_seen;
/* Those that the lane holds now; what cannot be read of it is not known. As long as the arena. */
struct dead_seen *dead_seen_read(struct bus *bus, struct arena *a, struct lane lane);
bool dead_seen_has(const struct dead_seen *s, const struct origin *origin);
void dead_seen_add(struct dead_seen *s, const struct origin *origin);

/* How many are open. */
enum outcome dead_count(struct bus *bus, uint64_t *out, struct failure *f);

#endif
