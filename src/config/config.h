/* config.h - the whole configuration as one checked struct; nothing else reads YAML.
 *
 * Made once from one file, a folder or a glob of files; immutable; lives in the arena it was read
 * into. */
#ifndef WEIR_CONFIG_CONFIG_H
#define WEIR_CONFIG_CONFIG_H

#include "base/failure.h"
#include "config/collector.h"
#include "config/option.h"
#include "config/report.h"
#include "config/rules.h"

struct yaml;

struct config_tls {
    struct str certificate, key; /* the files; both empty: no TLS */
    /* What they held when the configuration was read, which is what it stands for while it is in
     * force. The key is a secret; empty where those are left out. */
    struct str certificate_pem, key_pem;
};

enum { INTAKE_PROCESSES_MAX = 64 }; /* how many lanes there may be follows: bus/lane.h */

struct config_intake {
    struct str_list listen;  /* 127.0.0.1:8080, [::1]:8080, unix:PATH            */
    size_t body_bytes_max;   /* of one request, inflated                         */
    size_t bodies_bytes_max; /* of all requests in flight together, a process    */
    size_t headers_bytes_max;
    int64_t connections_max, connections_per_address_max; /* 0: no limit per address */
    int64_t request_ms, idle_ms; /* deadline of a whole request; between requests    */
    int64_t batch_events_max;    /* of one CloudEvents batch                         */
    int64_t processes;
    struct config_tls tls;
};

struct config_admin {
    struct str_list listen;
    int64_t behind_ms; /* readyz turns red when a stage is further behind              */
};

struct config_bus {
    const struct section_type *type; /* embedded                                    */
    struct str path; /* <data>/bus                                                  */
    size_t segment_bytes, disk_bytes_max;
    int64_t keep_ms;
    uint32_t revision; /* of the whole configuration: each step says which it was made under; 0:
                          unknown                                                          */
};

struct config_keep {
    int64_t keep_ms;
    size_t disk_bytes_max;
};

struct config_lake {
    struct str path;
    int64_t flush_ms, keep_ms, compact_ms, vacuum_ms;
    size_t flush_bytes, memory_bytes_max, query_memory_bytes_max;
};

struct config_store {
    const struct section_type *type; /* sqlite */
    struct str path;
    int64_t keep_ms;
};

struct config_service {
    struct str team;                                          /* empty: none            */
    struct str_list repositories, environments, names, paths; /* globs                    */
    struct str_list production; /* globs of environments; none: the signal says it itself */
};

struct config_log {
    int level;  /* enum log_level     */
    int format; /* 0 text, 1 json     */
};

struct names;

struct config {
    struct str_list files; /* that it was made of                               */
    struct str data;       /* folder of everything that weir keeps, absolute    */
    struct config_intake intake;
    struct config_admin admin;
    struct config_bus bus;
    struct config_keep repetitions, dead;
    struct named_list agents; /* by the agents' own tables                         */
    uint32_t programs; /* of the texts of their mappings, which bus.revision does not tell apart; 0:
                          not read */
    struct config_lake lake;
    struct config_store store;
    struct named_list services; /* struct config_service each                        */
    struct config_rules rules;
    struct collectors collectors;
    struct sink_list sinks;
    struct names *names; /* what both are called, to be kept: names.h              */
    struct {
        const struct yaml *collectors, *sinks; /* sections that collector_read.c reads */
    } written;
    struct config_report report;
    struct config_log log;
    int64_t stop_ms; /* SIGTERM: how long a duty may drain                */
};

/* What a configuration is read from. */
struct config_from {
    struct str_list places;        /* files, folders, globs; none: as files.h says              */
    const struct drivers *drivers; /* registry.h                                          */
    bool is_without_secrets;       /* for who only asks: secrets stay empty, keys are not opened */
    bool is_without_mappings;      /* for who maps nothing: programs are not looked for */
    bool is_whole;                 /* a bad collector file among many is an error, too      */
    bool is_without_notes;         /* errors alone are told                                 */
};

/* Read and check it. All errors of the run are in *errors, one line each as `FILE:LINE:COLUMN: what
 * is wrong; nearest valid name or range`; secrets are never in them. Notes of collector files
 * follow where there are any.
 *   returns OK | STOP errors holds at least one line; for a missing file: what was looked for, and
 * `weir init` */
enum outcome config_read(struct arena *a, const struct config_from *from, struct config **out,
                         struct str_list *errors, struct failure *f);

/* The same of a text that stands for the file, for tests. */
enum outcome config_read_text(struct arena *a, struct str file, struct str text,
                              const struct drivers *drivers, struct config **out,
                              struct str_list *errors);

/* The tables, for the manual. */
extern const struct option config_options[];

#endif
