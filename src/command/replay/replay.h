/* replay.h - models made anew from raw, beside the live ones, and then put in their place.
 *
 * The folder `<data>/replay` holds all of it until the switch: the plan (plan.h), the facts that
 * the present mappings give, the store made of them. Before the switch nothing live is touched, and
 * each step of the switch gives the same when it is done twice: so a replay that was killed
 * anywhere goes on where it was. docs/design.md says why nothing is lost or counted twice. */
#ifndef WEIR_COMMAND_REPLAY_REPLAY_H
#define WEIR_COMMAND_REPLAY_REPLAY_H

#include "command/ask.h"
#include "command/replay/plan.h"
#include "persist/lake/delta.h"
#include "signal/model.h"

struct replay {
    struct arena *arena;
    const struct config *config;
    struct bus *bus;
    struct ask ask; /* lake and tail as they stood when it was opened */
    struct str folder;
    struct plan plan;
    bool is_refill; /* the store alone is made anew, of the facts as they are, with its cursors */
    bool is_shown;  /* progress on stderr */
};

/* The models that the transform gives; the others' facts are not made from raw. */
bool replay_makes(const struct model *m);
/* Open the engine (again): what came meanwhile is in it, and what replay_see shows. */
enum outcome replay_ask(struct replay *r, struct failure *f);
/* The table `replayed`: the raw signals that chunks were made of so far, as `raw` names them. */
enum outcome replay_see(struct replay *r, struct failure *f);

/* Where raw ends now, then everything before that through to lake and store: so whatever the live
 * tables hold of a covered signal is there to be replaced, and nothing of it comes later. *is_more:
 * something came since the plan's cuts, which these replace (cut.c). */
enum outcome replay_cut(struct replay *r, bool *is_more, struct failure *f);
/* A condition on raw_facts: what stands within the plan's cuts. Rows that an older weir wrote do
 * not say of which streams they are: they are within by lane and position. */
void replay_add_cuts(struct buf *b, const struct replay *r);
/* The table `others`: raw signals of streams that were never this data folder's, as other weirs
 * put them into the same lake. */
enum outcome replay_see_others(struct replay *r, struct failure *f);
/* On stderr, how many each of those streams has. */
enum outcome replay_tell_others(struct replay *r, struct failure *f);

/* What the plan covers, as chunks (chunk.c). */
enum outcome replay_plan_chunks(struct replay *r, struct failure *f);
/* " AND …" on raw_facts: what falls to this chunk; before the plan's `from` stands what only tells
 * which signals are repetitions. */
void replay_add_chunk(struct buf *b, const struct replay *r, size_t at);

/* Raw to facts, chunk by chunk, as far as the plan is not done yet (make.c). */
enum outcome replay_make(struct replay *r, struct failure *f);

/* The model's facts as they will be, a SELECT: those made anew, and of the live ones what no raw
 * signal of the plan gave. `log`: of the files that it names; NULL: of lake and tail. */
void replay_add_facts(struct buf *b, const struct replay *r, const struct model *m,
                      const struct delta *log);

/* A condition on `facts`, a table or alias: no signal of the table `signals` gave them. The
 * position alone does not say which signal it was, since other streams have the same ones. */
void replay_add_not_of(struct buf *b, const char *facts, const char *signals);

/* What will differ in one model (differ.c). */
struct difference {
    const struct model *model;
    uint64_t now, then, added, removed, changed;
    struct str first; /* keys of the first rows that differ, JSON objects parted by spaces */
};
enum outcome replay_differ(struct replay *r, const struct model *m, struct difference *out,
                           struct failure *f);

/* Files of this name, a model's, were made. */
bool replay_has_made(const struct replay *r, const char *name);

/* The lake has a table for each model that facts were made for: to be known before the switch.
 *   returns OK | RETRY it lacks one | STOP the lake is damaged */
enum outcome replay_check_lake(struct replay *r, struct failure *f);
/* One commit a table: the files that hold the live facts go, those with the new ones come
 * (lake.c). */
enum outcome replay_switch_lake(struct replay *r, struct failure *f);
/* A second store from all facts, then its rows in place of the live ones in one transaction, as far
 * as the live store had come by then (store.c). */
enum outcome replay_switch_store(struct replay *r, struct failure *f);
/* On stderr, where others' signals in the lake are left out of the store: which models will have
 * fewer rows there, and whose those are. The lake's own differences do not show it: it keeps them.
 */
enum outcome replay_tell_store(struct replay *r, struct failure *f);

/* Dead letters of the transform whose signals the replay has stored are closed by the weir that
 * runs, and those that stay open are told of (letters.c). After the switch, before the folder
 * goes. */
void replay_close_letters(struct replay *r);

/* Between the store's switch and the lake's the two tell of different mappings. Whoever switches
 * holds the data folder's `switch.lock` alone, whoever wants both alike holds it shared; while it
 * is held nobody else switches. *fd: to be closed. The mark in the replay's folder stays when a
 * switch was killed: it is ended by the same command. Waits. returns OK | RETRY */
enum outcome replay_hold_switch(struct arena *a, struct str data, bool is_alone, int *fd,
                                struct failure *f);
/* `<data>/replay/switching`. */
const char *replay_mark(struct arena *a, struct str data);

/* Show what is being done; NULL ends the line. */
void replay_show(const struct replay *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
