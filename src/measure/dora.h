/* dora.h - the five DORA metrics of what the models hold.
 *
 * Each step is one SQL file (sql/dora_*.sql) that leaves temporary tables for the next: what counts
 * as a deployment, what landed and was first deployed when, which deployments failed and were
 * mended, the figures. What is left out stands in the same tables with its reason. Nothing depends
 * on the order in which signals arrived. Definitions: dora.dev; their choices are the wish. */
#ifndef WEIR_MEASURE_DORA_H
#define WEIR_MEASURE_DORA_H

#include "measure/window.h"

enum dora_group { DORA_ALL, DORA_SERVICE, DORA_TEAM };
enum dora_stage { DORA_CODING, DORA_TO_REVIEW, DORA_IN_REVIEW, DORA_WAITING, DORA_STAGES_N };
enum dora_period { DORA_NOW, DORA_BEFORE, DORA_WEEK, DORA_MONTH, DORA_PERIODS_N };

/* What the configuration says of a service. */
struct dora_service {
    struct str name, team; /* team empty: none                                             */
    bool has_paths;        /* only what touches them is its own (commit.services says what) */
    struct str_list repositories; /* globs of HOST/OWNER/NAME or OWNER/NAME */
};

struct dora_wish {
    struct window window;
    bool is_explained;     /* the tables behind the figures are made, and told in JSON */
    int64_t tiers_year;    /* of the report whose tiers are told (dora_has_tiers); 0: none */
    enum dora_group group; /* what a row is of: dora_json */
    bool is_by_environment;
    enum dora_period period; /* a row for the window, or one a week or month of it */
    const struct dora_service *service;
    size_t services_n;
};

/* What stands behind one row; NAN: no data. Spans in seconds, rates from 0 to 1. */
struct dora_figure {
    struct str service, environment; /* or team; empty: not grouped by it */
    bool is_all;                     /* over all rows of its period       */
    bool is_part;                    /* of a week or month that the window holds not all of */
    int64_t n;                       /* of the period: week 0, 1, …       */
    int64_t from_us, to_us;
    int64_t begins_us; /* from_us as a clock of the zone shows it */
    int64_t deployments, days_deployed, commits, changes, failed, recovered;
    int64_t open_incidents, rework, undeployed_changes;
    double per_day, days_per_week_p50, lead_p50_s, lead_p90_s, change_p50_s, change_p90_s;
    double fail_rate, recovery_p50_s, recovery_p90_s, rework_rate;
    double oldest_failure_s, oldest_undeployed_s; /* ages of what is open, at to_us */
    double stage_s[DORA_STAGES_N];                /* of all its changes together          */
    int64_t last_failed_us;                       /* the newest that failed, likewise; TIME_NONE */
    struct str last_failed_by;                    /* the incident that says so            */
};

/* The models that it reads, as words of one text (ask.h). */
#define DORA_MODELS "deployment change commit release incident"

/* Make the tables in an engine with the relations of DORA_MODELS; once an engine.
 *   returns OK | RETRY memory | REJECT a zone that is not known */
enum outcome dora_take(struct duck *d, struct arena *a, const struct dora_wish *w,
                       struct failure *f);

/* After dora_take: the figures of a kind of period, those over all first. */
enum outcome dora_figures(struct duck *d, struct arena *a, enum dora_period p,
                          struct dora_figure **out, size_t *n, struct failure *f);
/* The report of the year has tiers. */
bool dora_has_tiers(int64_t year);
/* After dora_take, over all: "deployment frequency high, …", "none" where a figure lies in no band.
 */
enum outcome dora_tiers(struct duck *d, struct arena *a, struct str *out, struct failure *f);
/* After dora_take: the rows asked for and what was left out, as one JSON object. */
enum outcome dora_json(struct duck *d, struct arena *a, struct str *out, struct failure *f);

#endif
