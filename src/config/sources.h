/* sources.h - what each kind of source is told by the configuration: `source.config` of a
 * collector.
 *
 * Every struct begins with struct source_time, so that the loader finds the window without knowing
 * the source. Options marked "template" are rendered at each run (config/template.h). */
#ifndef WEIR_CONFIG_SOURCES_H
#define WEIR_CONFIG_SOURCES_H

#include "config/option.h"

struct source_time {
    int64_t window_ms; /* 0: the source reads what there is now */
};

/* SQL with $1 (start of the window, or the bookmark) and $2 (end of the window). */
struct postgres_options {
    struct source_time time;
    struct str uri; /* of libpq */
    struct str sql;
};
struct mysql_source_options {
    struct source_time time;
    struct str uri; /* collector/mysql_uri.h */
    struct str sql; /* ? and ? */
};
struct sqlite_options {
    struct source_time time;
    struct str path, sql;
};

struct mongodb_options {
    struct source_time time;
    struct str uri, database, collection;
    struct str agg; /* template: a JSON array of stages, MongoDB Extended JSON v2 */
};

struct prometheus_options {
    struct source_time time;
    struct str uri;   /* of the whole query endpoint: …/api/v1/query or …/query_range       */
    struct str query; /* PromQL                                                             */
    struct str sql;   /* over prom_metrics(metric JSON, value VARCHAR, time TIMESTAMPTZ)      */
    struct str time_expression; /* `$start_of_day`: asked as of 00:00 UTC; or empty          */
    int64_t step_ms;            /* 0: an instant query; else a range query over the window      */
    struct pair_list headers;
};

/* DuckDB over files: an S3 bucket, or a folder. */
struct s3_options {
    struct source_time time;
    struct str region, bucket, prefix, endpoint; /* endpoint empty: AWS; else HOST:PORT or a URL */
    bool is_path_style;
    struct str partition; /* template                                  */
    struct str sql;       /* template, knows .Partition                 */
};
struct files_options {
    struct source_time time;
    struct str path; /* folder; files outside of it are not read */
    struct str partition, sql;
};

/* Gives no rows but the URI of a window's files; the collector's template makes a text of it. */
struct partition_s3_options {
    struct source_time time;
    struct str bucket, region, prefix;
    struct str partition; /* template */
    bool validate_exists; /* the original ignored it, and so does weir */
};

enum http_paging { PAGING_NONE, PAGING_LINK, PAGING_CURSOR, PAGING_NUMBER };
struct http_paging_options {
    int by;               /* enum http_paging                                              */
    struct str next;      /* CURSOR: JSON Pointer of the next page's URL or token          */
    struct str parameter; /* CURSOR, NUMBER: query parameter that takes it                 */
    int64_t first;        /* NUMBER: of the first page; the pages end with one without items */
    struct str items;     /* NUMBER: JSON Pointer of them; empty: whatever list a page has     */
    int64_t pages_max;    /* beyond it the run fails                                       */
};
struct http_source_options {
    struct source_time time;
    struct str uri; /* template */
    struct str method;
    struct pair_list headers; /* Authorization, Accept … */
    struct str body;          /* template; empty: none     */
    struct str rows; /* jq: what of an answer are the rows; empty: the answer, or its items */
    struct http_paging_options paging;
    size_t page_bytes_max;
};

struct command_options {
    struct source_time time;
    struct str_list run;          /* the program and its words; no shell                 */
    struct str directory;         /* it runs in; empty: weir's own                       */
    struct pair_list environment; /* beside WEIR_START, WEIR_END and WEIR_BOOKMARK      */
    size_t output_bytes_max;
};

extern const struct option postgres_options[], mysql_source_options[], sqlite_options[],
    mongodb_options[], prometheus_options[], s3_source_options[], files_options[],
    partition_s3_options[], http_source_options[], command_options[];

struct section_check;
/* What the tables cannot say (section_type.complete). */
void postgres_complete(const struct section_check *c, void *options);
void mysql_source_complete(const struct section_check *c, void *options);
void mongodb_complete(const struct section_check *c, void *options);
void prometheus_complete(const struct section_check *c, void *options);
void http_source_complete(const struct section_check *c, void *options);

/* What strategies a source can do beside `tick`, and whether it gives a text instead of rows. */
struct source_can {
    bool windows, growing, is_text;
};
struct source_can source_can(const struct section_type *source);

#endif
