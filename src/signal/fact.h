/* fact.h - one fact of a model, written by the transform and read by every persister.
 *
 * On the bus a fact is a signal: type `weir.fact.MODEL`, id = fact_id, time = fact_at, agent,
 * received and data = one flat JSON object whose members are the lake's columns (so a line of it is
 * a row of the lake). Null members are left out; a group that is there is known by its
 * `<group>_rank`. Times are RFC 3339 in UTC with six digits. fact_id = XXH3-128 (32 hex) of model,
 * key and content without what follows arrival (agent, raw, received_at), so the same fact told
 * twice, by whom or when ever, has the same id. */
#ifndef WEIR_SIGNAL_FACT_H
#define WEIR_SIGNAL_FACT_H

#include "signal/model.h"
#include "signal/signal.h"

/* Being written. Begin, set, end; columns may be set in any order (the catalogue's is fastest),
 * each once. */
struct fact {
    const struct model *model;
    struct arena *arena;
    struct value *value;    /* one a column of the model                                */
    int64_t at_us;          /* fact_at                                                  */
    size_t next;            /* column behind the one that was set last                  */
    struct fact_rank *rank; /* one a latest group that the fact speaks of               */
    size_t ranks_n;
};

enum { FACT_GROUPS_MAX = 8, FACT_BYTES_MAX = 64 * 1024 * 1024 };

enum value_kind {
    VALUE_NULL,
    VALUE_TEXT,
    VALUE_INT,
    VALUE_REAL,
    VALUE_BOOL,
    VALUE_TIME,
    VALUE_LIST,
    VALUE_JSON
};

struct value {
    enum value_kind kind;
    union {
        struct str text; /* TEXT; JSON: its text                       */
        int64_t number;  /* INT; TIME in µs                            */
        double real;
        bool is;
        struct {
            struct str *at;
            size_t n;
        } list;
    };
};

/* A new fact of `model` with its own time. */
struct fact fact_begin(struct arena *a, const struct model *m, int64_t at_us);
/* Set a column by its name, which must be in the model, of this type and in facts (asserted). A
 * value may be VALUE_NULL. */
void fact_set(struct fact *fact, const char *column, struct value v);
void fact_text(struct fact *fact, const char *column, struct str text); /* empty text is null */
void fact_time(struct fact *fact, const char *column, int64_t time_us); /* TIME_NONE is null  */
void fact_int(struct fact *fact, const char *column, int64_t number);
void fact_bool(struct fact *fact, const char *column, bool is);
/* The fact speaks of a latest group: its columns not set are then null, not unknown. Ranked by
 * time, ordinal, content. */
void fact_group(struct fact *fact, const char *group, int64_t time_us, unsigned ordinal);
/* One entry of a FOLD_MEMBERS list (`attributes_by`, `verdicts`): latest per member by time, then
 * content. */
void fact_member(struct fact *fact, const char *list, struct str member, int64_t time_us,
                 struct str value);

/* The finished signal: ranks and fact_id made, arrival columns filled from `raw_*`.
 *   raw_at   `lane:offset` of the raw signal, raw: that signal
 *   returns  OK | REJECT a key is null (names it), or it is too large, alone or with those before
 */
enum outcome fact_end(struct fact *fact, const struct signal *raw, struct str raw_at,
                      struct signal *out, struct failure *f);

/* ---- reading ---- */

/* A row or a fact being folded: one value a column of the model. */
struct row {
    const struct model *model;
    struct value *value;
};

/* A row of the arena without values. */
struct row row_new(struct arena *a, const struct model *m);

/* The model of a fact's signal, or NULL (a newer weir's, or no fact). */
const struct model *fact_model(const struct signal *s);

/* The fact's columns; unknown members are passed over (written by a newer weir), texts live in the
 * arena. returns OK | REJECT not a flat JSON object of this model, or no key */
enum outcome fact_read(struct arena *a, const struct signal *s, struct row *out, struct failure *f);

#endif
