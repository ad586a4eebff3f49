/* sinks.h - what each kind of sink is told by the configuration: `config` of a sink.
 *
 * Every struct begins with struct sink_encoding. Options marked "template" are rendered with the
 * record's window (config/template.h). Retry, backoff and dead letters are no sink's:
 * persist/run.c.
 */
#ifndef WEIR_CONFIG_SINKS_H
#define WEIR_CONFIG_SINKS_H

#include "config/option.h"
#include "wire/jq/jq.h"

/* One column of Parquet. */
struct sink_column {
    struct str name;
    int type;        /* enum sink_column_type                                      */
    struct str from; /* member of the record (`tags.customer`); empty: as `name`    */
};
enum sink_column_type { COLUMN_BYTE_ARRAY, COLUMN_DOUBLE, COLUMN_INT64, COLUMN_BOOLEAN };

struct sink_encoding_config {
    struct str compression;  /* of Parquet: zstd, snappy, gzip, none            */
    struct item_list schema; /* struct sink_column; none: the record's own members */
};
enum sink_encoding_type { ENCODING_JSON, ENCODING_PARQUET };
struct sink_encoding {
    int type;      /* enum sink_encoding_type                              */
    struct str jq; /* what this program makes of the record; empty: as it is */
    struct sink_encoding_config config;
};

struct console_options {
    struct sink_encoding encoding;
};

struct file_options {
    struct sink_encoding encoding;
    struct str path;
    bool is_synced; /* fsync before a record counts as written */
};

/* Of sinks that speak HTTP. */
struct sink_tls {
    struct str ca; /* PEM file of the authorities to trust; empty: the system's */
};

struct http_sink_options {
    struct sink_encoding encoding;
    struct str uri, method;
    struct pair_list headers;
    int64_t batch_size; /* records in one request: JSON lines */
    bool is_gzipped;
    int64_t timeout_ms;
    struct sink_tls tls;
};

struct kafka_options {
    struct sink_encoding encoding;
    struct str_list brokers; /* HOST:PORT each; `uri` of dialect C is split into them */
    struct str uri, topic;
    bool may_create_topic;
    struct pair_list options; /* passed to librdkafka: security.protocol, sasl.… */
};

struct s3_sink_options {
    struct sink_encoding encoding;
    struct str region, bucket, prefix, endpoint; /* endpoint empty: AWS; else a URL */
    bool is_path_style;
    struct str partition; /* template */
    int64_t batch_size;   /* records of an object at most     */
    size_t batch_bytes;   /* … its bytes before compression   */
    int64_t batch_ms;     /* … and the age of its first record */
};

struct postgresql_options {
    struct sink_encoding encoding;
    struct str uri;   /* of libpq                                       */
    struct str table; /* SCHEMA.TABLE; made when it is not there        */
};

struct prometheus_sink_options {
    struct sink_encoding encoding; /* none to choose                              */
    struct str listen;             /* IP:PORT of its own /metrics                 */
    int64_t keep_ms;               /* a series that was not read so long is gone  */
    int64_t series_max;
};

struct remote_write_options {
    struct sink_encoding encoding; /* none to choose */
    struct str uri;
    struct pair_list headers;
    int64_t batch_size, timeout_ms;
    struct sink_tls tls;
};

extern const struct option console_options[], file_options[], http_sink_options[], kafka_options[],
    s3_sink_options[], postgresql_options[], prometheus_sink_options[], remote_write_options[];

struct section_check;
/* The program of `encoding.jq`, with its limits. */
struct mapping sink_program(const struct sink_encoding *e);
/* Of every type: can the program be compiled, and has the type this encoding? */
void sink_encoding_complete(const struct section_check *c, const struct section_type *type,
                            const struct sink_encoding *e);
/* What the tables cannot say (section_type.complete). */
void file_complete(const struct section_check *c, void *options);
void http_sink_complete(const struct section_check *c, void *options);
void postgresql_complete(const struct section_check *c, void *options);
void kafka_complete(const struct section_check *c, void *options);
void prometheus_sink_complete(const struct section_check *c, void *options);
void remote_write_complete(const struct section_check *c, void *options);
/* Whether sinks of this type take facts of the model. */
bool sink_takes(const struct section_type *type, struct str model);

#endif
