#include "config/sinks.h"

#include <stddef.h>
#include <unistd.h>

#include "config/section.h"
#include "config/value.h"
#include "wire/json.h"
#include "wire/listen.h"

enum { KIB = 1024, MIB = 1024 * KIB, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { PROGRAM_OUTPUTS_MAX = 1000 }; /* that `encoding.jq` makes of one record */

static const char *const column_types[] = {"BYTE_ARRAY", "DOUBLE", "INT64", "BOOLEAN", NULL};
static const struct option column_options[] = {
    {"name", OPTION_TEXT, offsetof(struct sink_column, name), NULL, .about = "name of the column"},
    {"type", OPTION_CHOICE, offsetof(struct sink_column, type), NULL, .words = column_types,
     .about = "its Parquet type"},
    {"from", OPTION_TEXT, offsetof(struct sink_column, from), "",
     .about = "member of the record; absent: the one of this name, where tags_K is a tag K"},
    {0},
};
static const struct section_type columns[] = {
    {.name = "", .options = column_options, .bytes = sizeof(struct sink_column)},
    {0},
};

static const char *const compressions[] = {"zstd", "snappy", "gzip", "none", NULL};
static const struct option encoding_config_options[] = {
    {"compression", OPTION_TEXT, offsetof(struct sink_encoding_config, compression), "zstd",
     .words = compressions, .about = "of Parquet"},
    {"schema", OPTION_ITEMS, offsetof(struct sink_encoding_config, schema), "", .types = columns,
     .about = "columns of Parquet; absent: all that a record has"},
    {0},
};
static const char *const encodings[] = {"json", "parquet", NULL};
static const struct option encoding_options[] = {
    {"type", OPTION_CHOICE, offsetof(struct sink_encoding, type), "json", .words = encodings,
     .takes_any = true, .about = "how records are written; `parquet` in sinks of type s3 alone"},
    {"jq", OPTION_TEXT, offsetof(struct sink_encoding, jq), "",
     .about = "jq program that makes of a record what is written: any value, or a text as it is; "
              "none: the record is left out"},
    {"config", OPTION_SECTION, offsetof(struct sink_encoding, config),
     .section = encoding_config_options, .about = "of Parquet"},
    {0},
};

/* First in every table. */
#define ENCODING                                                                                   \
    {"encoding", OPTION_SECTION, 0, .section = encoding_options, .about = "how records look"}

const struct option console_options[] = {ENCODING, {0}};

#define FILE_(member) offsetof(struct file_options, member)
const struct option file_options[] = {
    {"path", OPTION_PATH, FILE_(path), NULL,
     .about = "file that records are appended to; it may be moved away at any time"},
    {"fsync", OPTION_BOOL, FILE_(is_synced), "false",
     .about = "synced to the disk before a record counts as written"},
    ENCODING,
    {0},
};

static const struct option tls_options[] = {
    {"ca", OPTION_PATH, offsetof(struct sink_tls, ca), "",
     .about = "PEM file of the authorities that are trusted; absent: the system's"},
    {0},
};

#define HTTP(member) offsetof(struct http_sink_options, member)
const struct option http_sink_options[] = {
    {"uri", OPTION_TEXT, HTTP(uri), NULL, .about = "where records are sent"},
    {"method", OPTION_TEXT, HTTP(method), "POST", .about = "method"},
    {"headers", OPTION_PAIRS, HTTP(headers), "", .about = "of each request"},
    {"batch_size", OPTION_INT, HTTP(batch_size), "1", 1, 100000,
     .about = "records of one request at most, one a line"},
    {"gzip", OPTION_BOOL, HTTP(is_gzipped), "false", .about = "Content-Encoding: gzip"},
    {"timeout", OPTION_DURATION, HTTP(timeout_ms), "30s", 100, HOUR,
     .about = "for one request, then it is sent again"},
    {"tls", OPTION_SECTION, HTTP(tls), .section = tls_options, .about = "of https"},
    ENCODING,
    {0},
};

#define KAFKA(member) offsetof(struct kafka_options, member)
const struct option kafka_options[] = {
    {"brokers", OPTION_LIST, KAFKA(brokers), "", .about = "HOST:PORT of one or several brokers"},
    {"uri", OPTION_TEXT, KAFKA(uri), "", .about = "the same as one text, separated by commas"},
    {"topic", OPTION_TEXT, KAFKA(topic), NULL, .about = "topic"},
    {"allow_auto_topic_creation", OPTION_BOOL, KAFKA(may_create_topic), "false",
     .about = "the brokers may make the topic"},
    {"options", OPTION_PAIRS, KAFKA(options), "",
     .about =
         "settings of librdkafka by name: security.protocol, sasl.username, ssl.ca.location …"},
    ENCODING,
    {0},
};

#define S3(member) offsetof(struct s3_sink_options, member)
const struct option s3_sink_options[] = {
    {"region", OPTION_TEXT, S3(region), "", .about = "region; absent: as the AWS chain says"},
    {"bucket", OPTION_TEXT, S3(bucket), NULL, .about = "bucket"},
    {"prefix", OPTION_TEXT, S3(prefix), "", .about = "what stands before the partition"},
    {"endpoint", OPTION_TEXT, S3(endpoint), "", .about = "URL of another S3 server than AWS"},
    {"force_path_style", OPTION_BOOL, S3(is_path_style), "false",
     .about = "bucket in the path, not in the host name"},
    {"partition", OPTION_TEMPLATE, S3(partition), "",
     .about = "folder of a record: year={{.Year}}/month={{.Month}}, of its window's start"},
    {"batch_size", OPTION_INT, S3(batch_size), "10000", 1, 10000000,
     .about = "records of an object at most"},
    {"batch_bytes", OPTION_SIZE, S3(batch_bytes), "16MiB", KIB, 1024 * (int64_t)MIB,
     .about = "bytes of an object at most, before compression"},
    {"batch_age", OPTION_DURATION, S3(batch_ms), "1m", 100, 24 * HOUR,
     .about = "an object is written when its first record is so old"},
    ENCODING,
    {0},
};

#define POSTGRESQL(member) offsetof(struct postgresql_options, member)
const struct option postgresql_options[] = {
    {"uri", OPTION_TEXT, POSTGRESQL(uri), NULL,
     .about = "libpq URI: postgresql://USER:PASSWORD@HOST:5432/DATABASE"},
    {"table", OPTION_TEXT, POSTGRESQL(table), NULL,
     .about = "SCHEMA.TABLE; made where it is not there"},
    ENCODING,
    {0},
};

#define PROMETHEUS(member) offsetof(struct prometheus_sink_options, member)
const struct option prometheus_sink_options[] = {
    {"listen", OPTION_TEXT, PROMETHEUS(listen), "127.0.0.1:9464",
     .about = "address of its /metrics with the last value of each series"},
    {"keep", OPTION_DURATION, PROMETHEUS(keep_ms), "5m", SECOND, INT64_MAX,
     .about = "a series that was not read anew for so long is taken away: more than the longest "
              "interval of the collectors"},
    {"series_max", OPTION_INT, PROMETHEUS(series_max), "10000", 1, 100000,
     .about = "series at most; what would be one more becomes a dead letter"},
    {0},
};

#define REMOTE(member) offsetof(struct remote_write_options, member)
const struct option remote_write_options[] = {
    {"uri", OPTION_TEXT, REMOTE(uri), NULL,
     .about = "where samples are sent: http://HOST:9090/api/v1/write"},
    {"headers", OPTION_PAIRS, REMOTE(headers), "",
     .about = "of each request, such as Authorization, X-Scope-OrgID"},
    {"batch_size", OPTION_INT, REMOTE(batch_size), "1000", 1, 1000,
     .about = "samples of one request at most"},
    {"timeout", OPTION_DURATION, REMOTE(timeout_ms), "30s", 100, HOUR,
     .about = "for one request, then it is sent again"},
    {"tls", OPTION_SECTION, REMOTE(tls), .section = tls_options, .about = "of https"},
    {0},
};

struct mapping sink_program(const struct sink_encoding *e)
{
    return (struct mapping){.name = S("encoding"),
                            .program = e->jq,
                            .limits = {.memory_bytes = 256 * (size_t)MIB,
                                       .output_bytes = 8 * (size_t)MIB,
                                       .time_ms = SECOND,
                                       .depth = JSON_DEPTH_MAX - 2,
                                       .outputs = PROGRAM_OUTPUTS_MAX}};
}

void sink_encoding_complete(const struct section_check *c, const struct section_type *type,
                            const struct sink_encoding *e)
{
    const struct mapping program = sink_program(e);
    struct failure f;
    if (e->jq.len > 0 && !c->s->is_without_mappings && jq_check(&program, &f) != OK) {
        section_wrong(c, "encoding.jq", ": %s", f.text);
    }
    if (e->type == ENCODING_PARQUET && strcmp(type->name, "s3") != 0) {
        section_wrong(c, "encoding.type", ": Parquet is for sinks of type s3; this one takes json");
    }
}

/* A folder that is not there yet may come: a note, no error. */
void file_complete(const struct section_check *c, void *options)
{
    const struct file_options *const o = options;
    size_t slash = o->path.len;
    while (slash > 0 && o->path.at[slash - 1] != '/') {
        slash--;
    }
    const struct str folder = str_sub(o->path, 0, slash);
    const struct yaml_entry *const e = yaml_find_nocase(c->map, S("path"));
    if (c->s->notes && e && folder.len > 1 && access(arena_cstr(c->s->arena, folder), F_OK) != 0) {
        problem_add(c->s->notes, e->value.place, "%.*s.path: its folder is not there yet",
                    STR_ARG(c->path));
    }
}

static void check_http(const struct section_check *c, struct str uri)
{
    static const char *const schemes[] = {"http://", "https://", NULL};
    if (!value_has_scheme(uri, schemes)) {
        section_wrong(c, "uri",
                      " is no address that is known here; it wants http://… or https://…");
    }
}

/*   source  RFC 9110, section 5.6.2 */
static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~0123456789", c))) {
            return false;
        }
    }
    return text.len > 0;
}

void http_sink_complete(const struct section_check *c, void *options)
{
    const struct http_sink_options *const o = options;
    check_http(c, o->uri);
    if (!is_token(o->method)) {
        section_wrong(c, "method", " is no method of HTTP: POST, PUT or another word is");
    }
}

void remote_write_complete(const struct section_check *c, void *options)
{
    check_http(c, ((const struct remote_write_options *)options)->uri);
}

void prometheus_sink_complete(const struct section_check *c, void *options)
{
    const struct prometheus_sink_options *const o = options;
    struct failure f;
    if (listen_check(o->listen, &f) != OK) {
        section_wrong(c, "listen", " is no address: 127.0.0.1:9464, [::1]:9464 or unix:PATH is");
    }
}

bool sink_takes(const struct section_type *type, struct str model)
{
    return !str_starts(str_of(type->name), S("prometheus")) || str_eq(model, S("metric"));
}

void postgresql_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"postgres://", "postgresql://", NULL};
    const struct str uri = ((const struct postgresql_options *)options)->uri;
    if (str_find(uri, '=') == uri.len && !value_has_scheme(uri, schemes)) {
        section_wrong(c, "uri",
                      " is no address that is known here; it wants "
                      "postgresql://USER:PASSWORD@HOST:5432/DATABASE");
    }
}

/* `uri` of dialect C is one text: the original took all of it for one address. */
void kafka_complete(const struct section_check *c, void *options)
{
    struct kafka_options *const o = options;
    if (o->uri.len > 0 && o->brokers.n == 0) {
        size_t n = 1;
        for (size_t i = 0; i < o->uri.len; i++) {
            n += o->uri.at[i] == ',';
        }
        o->brokers.at = arena_array(c->s->arena, struct str, n);
        for (struct str rest = o->uri; rest.len > 0;) {
            const struct str one = str_trim(str_cut(rest, ',', &rest));
            if (one.len > 0) {
                o->brokers.at[o->brokers.n++] = one;
            }
        }
    }
    if (o->brokers.n == 0) {
        section_wrong(c, "brokers", " is missing: HOST:PORT of one or several brokers");
    }
}
