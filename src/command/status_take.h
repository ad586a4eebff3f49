/* status_take.h - what `weir status` shows, gathered. */
#ifndef WEIR_COMMAND_STATUS_TAKE_H
#define WEIR_COMMAND_STATUS_TAKE_H

#include "base/buf.h"
#include "orchestrate/survey.h"

struct status_agent {
    struct str name;
    const char *type;
    uint64_t accepted;
    struct survey_count *refused; /* by reason, most frequent first */
    size_t refused_n;
};

struct status_model {
    const char *name;
    uint64_t rows;
};

struct status {
    struct survey *survey;
    struct status_agent *agent;
    size_t agents_n;
    struct survey_count *refused; /* what named no agent, by reason, most frequent first */
    size_t refused_n;
    struct survey_count *unmapped, *ignored; /* by name, most frequent first */
    size_t unmapped_n, ignored_n;
    uint64_t dead; /* dead letters that are open                    */
    uint64_t lake_files, lake_bytes;
    struct survey_count *lake_expired, *store_expired; /* facts, rows that went by age, by model */
    size_t lake_expired_n, store_expired_n;
    struct str store_type;
    struct status_model *model; /* that have a table in the store */
    size_t models_n;
    uint64_t disk_bytes_max;
    bool is_other_configuration; /* weir runs, and not by the files as they are now */
    /* What could not be read, as a sentence; empty: it was. Then its counts say nothing. */
    struct str dead_why, store_why;
};

/* Reads pages, lanes, the lake's folder and the store; writes nothing.
 *   returns OK, also where dead letters or store cannot be read (dead_why, store_why) | RETRY |
 *           STOP nothing has run here yet, or as the bus says */
enum outcome status_take(struct arena *a, const struct config *config, struct status *out,
                         struct failure *f);

#endif
