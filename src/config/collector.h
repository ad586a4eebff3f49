/* collector.h - a collector file as one checked struct, whichever of the four dialects it is
 * written in.
 *
 * A collector asks a source for an aggregate, at an interval, by cron or for exact windows, and
 * makes metrics of the rows. The dialect is told by what the file says, never by a flag: A (and A0,
 * without grain) has no block `collector`; C has `source.type: metric.X` or
 * `collector.invocation_strategy`; the rest is B. Everything here lives as long as the
 * configuration. */
#ifndef WEIR_CONFIG_COLLECTOR_H
#define WEIR_CONFIG_COLLECTOR_H

#include "config/option.h"

enum collector_dialect { DIALECT_A0, DIALECT_A, DIALECT_B, DIALECT_C };

/* What a file gives at each run. */
enum collector_kind {
    COLLECT_METRIC,   /* a number a row                                                        */
    COLLECT_PARTITION /* one text: `transform.config.template` over the URI of a window's files */
};

enum collector_strategy {
    STRATEGY_TICK,   /* what there is now                                             */
    STRATEGY_WINDOW, /* each complete window of time once, missed ones in order       */
    STRATEGY_GROWING /* `incremental`: rows beyond the greatest value of a column     */
};

/* How a record looks in JSON (the members in the order written):
 *   V2 uuid name value type tags time · V3 … timestamp grain_datetime · V4 … timestamp window
 *   V5 flat, `tag.K`, keys in byte order */
enum record_shape { SHAPE_V2, SHAPE_V3, SHAPE_V4, SHAPE_V5 };

struct collector_tag {
    struct str key, value;
};

struct collector_schedule {
    int64_t interval_us; /* 0: by cron                                                    */
    struct str cron;     /* empty: by interval; checked (base/cron.h)                     */
    int64_t jitter_ms;   /* a run begins up to so much later, at random                   */
    int64_t time_ms;     /* a run that takes longer is ended                              */
};

struct collector {
    struct str name;  /* as written; empty: the file's own name without its ending          */
    struct str id;    /* unique, kept: the name, or `NAME@FILE` where files share it       */
    struct str place; /* FILE:LINE:COLUMN                                                  */
    struct str file;  /* of its own; empty: it stands in weir.yaml                         */
    enum collector_dialect dialect;
    enum collector_kind kind;
    enum record_shape shape;
    struct str metric_name, metric_type;
    struct collector_tag *tag;
    size_t tags_n;
    int64_t grain_us; /* A; A0: the interval. 0: none                                      */
    struct collector_schedule schedule;
    enum collector_strategy strategy;
    int64_t window_us;       /* length of a window; 0 for STRATEGY_TICK                      */
    int64_t windows_max;     /* of missed ones in one go; older ones are told and passed over */
    int64_t windows_at_once; /* of a backfill                                              */
    struct str column;       /* STRATEGY_GROWING: the column that grows                      */
    int64_t overlap_us;      /* … and how far behind its greatest value late rows may come   */
    const struct section_type *source; /* its driver: collector/source.h                   */
    void *source_options;
    struct str template; /* COLLECT_PARTITION                                            */
    size_t *sink;        /* indexes into config.sinks                                    */
    size_t sinks_n;
};

/* `sink-NAME` is a process's name. */
enum { SINK_NAME_BYTES_MAX = 26 };

/* What a sink writes: section `sinks.NAME` of weir.yaml or of a collector file. Equal sinks (driver
 * and configuration) of several files are one. */
struct sink_config {
    struct str name;  /* unique, kept: as written, or `NAME@COLLECTOR` where two differ    */
    struct str id;    /* what its process, its pages and its dead lanes are called: sink-NAME  */
    struct str place; /* FILE:LINE:COLUMN                                                  */
    const struct section_type *type; /* its driver: persist/sink/sink.h                    */
    void *options;
    struct str_list models; /* of weir.yaml; a collector's sink: `metric`                  */
    bool is_for_collectors; /* only records of collectors that name it                     */
    struct str from;        /* that it was a part of: where it has no cursor, it begins there */
    struct str_list joined; /* that are one with it now: it goes back to the least cursor  */
};

enum { SINKS_MAX = 24 /* each is a process */ };

struct sink_list {
    struct sink_config *at;
    size_t n;
};

/* A file of a folder or a glob with something wrong in it: all the others do without it. */
struct collector_left {
    struct str file;
    struct str name;       /* that it gives itself, as far as can be told, else the file's own   */
    struct str_list lines; /* FILE:LINE:COLUMN: what is wrong                              */
};

struct collectors {
    struct collector *at;
    size_t n;
    struct collector_left *left;
    size_t left_n;
    struct str_list notes; /* `FILE:LINE:COLUMN: note: what the original did, and what weir does` */
    size_t notes_unsaid;   /* more than PROBLEMS_MAX: so many                                  */
};

#endif
