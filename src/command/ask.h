/* ask.h - an engine that shows lake and tail as one: every model complete to the last transformed
 * signal.
 *
 * The tail is what stands in the streams after the tables' positions: nothing twice, nothing
 * missing, without waiting for a flush. Read-only: it works while weir runs and when it does not.
 */
#ifndef WEIR_COMMAND_ASK_H
#define WEIR_COMMAND_ASK_H

#include "bus/bus.h"
#include "config/config.h"
#include "wire/duckdb.h"

struct ask {
    struct arena *arena;
    struct duck *duck;
    struct str spill; /* before ask_open: where what does not fit into memory may go; empty:
                         nowhere, the question fails */
    /* before: asked where a lane cannot be read further (RETRY), with `to`. true: look there again;
     * false: its rest is left out. NULL: the question fails. */
    bool (*unreadable)(void *to, const struct failure *why);
    void *to;
    bool hides_parts;    /* before: MODEL_facts, MODEL_folded and MODEL_tail, of which the views are
                            made, are found in the schema `parts` alone */
    bool reads_once;     /* before: what is asked reads no file of the lake a second time     */
    int64_t complete_us; /* all that was received until then is in it; TIME_NONE from ask_open */
    int64_t behind_us;   /* so long before now                                              */
};

/* ask_open over the configured bus, and to when the answers are complete. */
enum outcome ask_begin(struct ask *q, struct arena *a, const struct config *config, struct str sql,
                       struct failure *f);
/* "complete to TIME" on stderr, and how far that is behind where something waits. */
void ask_say_complete(const struct ask *q);

/* Views `MODEL` and `MODEL_history` of the models that the SQL names (all of them when it asks what
 * there is). Whatever is run afterwards can read them and nothing else, and write nothing.
 *   returns OK | RETRY | REJECT | STOP the lake is damaged, no engine */
enum outcome ask_open(struct ask *q, struct arena *a, const struct config *config, struct bus *bus,
                      struct str sql, struct failure *f);
void ask_close(struct ask *q); /* safe after a failed open */

#endif
