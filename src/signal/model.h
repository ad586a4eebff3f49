/* model.h - the catalogue: every standard model, its columns, and how facts fold into a row.
 *
 * A fact is an event or a partial row. Each column folds by one rule; every rule is commutative,
 * associative and idempotent, so neither order nor repetition of facts can change a row. One
 * catalogue drives the fold in C (fold.h), the lake's tables, the view in SQL and the
 * documentation. Columns are added at the end of a model's own ones, never renamed, never removed.
 */
#ifndef WEIR_SIGNAL_MODEL_H
#define WEIR_SIGNAL_MODEL_H

#include "base/str.h"

enum column_type {
    COLUMN_TEXT,
    COLUMN_INT, /* 64 bit                                              */
    COLUMN_REAL,
    COLUMN_BOOL,
    COLUMN_TIME, /* UTC, microseconds; RFC 3339 text in a fact          */
    COLUMN_LIST, /* of text; a set: sorted, each once, when it is a union */
    COLUMN_JSON  /* JSON as its text, an object or array but for event.custom_data */
};

enum fold_rule {
    FOLD_KEY,    /* equal in all facts of a row, never null    */
    FOLD_LATEST, /* of the fact with the greatest rank of the column's group: the whole group at
                    once, nulls included       */
    FOLD_RANK,   /* hidden `<group>_rank`: that rank (rank.h); a fact without it says nothing of the
                    group                  */
    FOLD_EARLIEST, /* least value that is not null */
    FOLD_GREATEST, /* greatest value that is not null */
    FOLD_UNION,    /* of lists    */
    FOLD_MEMBERS,  /* hidden list of `RANK US MEMBER US VALUE` (US = byte 0x1f): the entry with the
                      greatest rank per member  */
    FOLD_ARRIVAL, /* of the fact that was received first (least received_at, then raw): what follows
                     arrival, not the fact   */
    FOLD_FACT,    /* fact_id, fact_at: of the fact alone, not in the row    */
    /* Computed after the fold, in C and in the view: */
    FOLD_SPAN, /* seconds from column `a` to column `b`, null unless both are there and in order */
    FOLD_HOLDING, /* members of list `a` whose value is `b`, sorted */
    FOLD_OBJECT,  /* list `a` as a JSON object, members sorted; values are JSON  */
    FOLD_DERIVED  /* by the model's SQL file at reading (views and reports): needs other rows  */
};

struct column {
    const char *name;
    enum column_type type;
    enum fold_rule rule;
    const char *a, *b; /* FOLD_LATEST and FOLD_RANK: a = the group; computed ones: see the rule */
    const char *from;  /* where it comes from, one line for the documentation  */
};

struct model {
    const char *name;
    const char *about; /* one line */
    const struct column
        *columns; /* in the order of the lake's table, keys first, common ones last */
    size_t columns_n;
    bool is_stored; /* false: not in the store (raw) */
};

/* All models, in the order in which they are documented. */
extern const struct model *const model_all[];
extern const size_t model_all_n;

/* NULL when there is none of that name. */
const struct model *model_find(struct str name);
/* Index of a column, or columns_n. */
size_t model_column(const struct model *m, struct str name);
/* The same, looked for from `start` on: who goes by the catalogue's order finds it at once. */
size_t model_column_from(const struct model *m, size_t start, struct str name);

/* In a fact as the transform writes it, and so in the lake's table: all but computed and derived
 * columns. */
bool column_is_in_fact(const struct column *c);
/* In the store's table: all but fact_id, fact_at and derived columns. Hidden ones
 * (column_is_hidden) are there too. */
bool column_is_in_store(const struct column *c);
/* Needed to fold, of no interest to a reader: ranks and member lists. */
bool column_is_hidden(const struct column *c);

#endif
