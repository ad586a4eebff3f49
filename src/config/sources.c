#include "config/sources.h"

#include <stddef.h>
#include <string.h>

#include "config/section.h"
#include "config/template.h"
#include "config/value.h"
#include "wire/json.h"

enum { KIB = 1024, MIB = 1024 * KIB, MINUTE = 60 * 1000, DAY = 24 * 60 * MINUTE };

#define YEAR ((int64_t)366 * DAY)

static const struct option time_options[] = {
    {"window", OPTION_DURATION, offsetof(struct source_time, window_ms), "", 1, YEAR,
     .about = "length of a window, for strategy historic_tumbling_window"},
    {0},
};

/* First in every table. */
#define TIME {"time", OPTION_SECTION, 0, .section = time_options, .about = "what is read at once"}

#define POSTGRES(member) offsetof(struct postgres_options, member)
const struct option postgres_options[] = {
    {"uri", OPTION_TEXT, POSTGRES(uri), NULL,
     .about = "libpq URI: postgresql://USER:PASSWORD@HOST:5432/DATABASE"},
    {"sql", OPTION_TEXT, POSTGRES(sql), NULL,
     .about = "query with a column `value`; $1 and $2 are the window's start and end, or $1 the "
              "bookmark"},
    TIME,
    {0},
};

#define MYSQL(member) offsetof(struct mysql_source_options, member)
const struct option mysql_source_options[] = {
    {"uri", OPTION_TEXT, MYSQL(uri), NULL,
     .about =
         "mysql://USER:PASSWORD@HOST:3306/DATABASE, or mariadb://; behind a ? and joined by &: "
         "ssl-mode=DISABLED, PREFERRED (default), REQUIRED or VERIFY_IDENTITY, ssl-ca, "
         "ssl-capath, ssl-cert, ssl-key, socket (of a server on this machine)"},
    {"sql", OPTION_TEXT, MYSQL(sql), NULL,
     .about = "query with a column `value`; the first ? is the window's start or the bookmark, the "
              "second its end"},
    TIME,
    {0},
};

#define SQLITE(member) offsetof(struct sqlite_options, member)
const struct option sqlite_options[] = {
    {"path", OPTION_PATH, SQLITE(path), NULL, .about = "its file; opened for reading alone"},
    {"sql", OPTION_TEXT, SQLITE(sql), NULL,
     .about = "query with a column `value`; ?1 and ?2 are the window's start and end as SQLite "
              "writes times in UTC, 2026-03-07 12:00:00, or ?1 the bookmark"},
    TIME,
    {0},
};

#define MONGODB(member) offsetof(struct mongodb_options, member)
const struct option mongodb_options[] = {
    {"uri", OPTION_TEXT, MONGODB(uri), NULL,
     .about = "mongodb://USER:PASSWORD@HOST:27017/DATABASE"},
    {"database", OPTION_TEXT, MONGODB(database), NULL, .about = "database"},
    {"collection", OPTION_TEXT, MONGODB(collection), NULL, .about = "collection"},
    {"agg", OPTION_TEMPLATE, MONGODB(agg), NULL,
     .about =
         "aggregate: a JSON array of pipeline stages in Extended JSON v2; {{.Start}}, {{.End}} "
         "and {{.Bookmark}} stand for themselves"},
    TIME,
    {0},
};

#define PROMETHEUS(member) offsetof(struct prometheus_options, member)
const struct option prometheus_options[] = {
    {"uri", OPTION_TEXT, PROMETHEUS(uri), NULL,
     .about = "the whole endpoint: http://HOST:9090/api/v1/query, or …/query_range"},
    {"query", OPTION_TEXT, PROMETHEUS(query), NULL, .about = "PromQL"},
    {"sql", OPTION_TEXT, PROMETHEUS(sql), NULL,
     .about = "DuckDB SQL over prom_metrics(metric JSON, value VARCHAR) with a column `value`"},
    {"time_expression", OPTION_TEXT, PROMETHEUS(time_expression), "",
     .about =
         "`$start_of_day`: asked as of today 00:00 UTC; absent: as of now, or the window's end"},
    {"step", OPTION_DURATION, PROMETHEUS(step_ms), "", 1, YEAR,
     .about = "of a range query over the window; absent: an instant query"},
    {"headers", OPTION_PAIRS, PROMETHEUS(headers), "",
     .about = "of the request, such as Authorization"},
    TIME,
    {0},
};

#define S3(member) offsetof(struct s3_options, member)
const struct option s3_source_options[] = {
    {"region", OPTION_TEXT, S3(region), "", .about = "region; absent: as the AWS chain says"},
    {"bucket", OPTION_TEXT, S3(bucket), "", .about = "bucket, where the SQL does not name it"},
    {"prefix", OPTION_TEXT, S3(prefix), "", .about = "what stands before the partition"},
    {"endpoint", OPTION_TEXT, S3(endpoint), "", .about = "HOST:PORT of another S3 server than AWS"},
    {"force_path_style", OPTION_BOOL, S3(is_path_style), "false",
     .about = "bucket in the path, not in the host name; another endpoint means it"},
    {"partition", OPTION_TEMPLATE, S3(partition), "",
     .about = "where a window's files are: year={{.Year}}/month={{.Month}}/**/*.json"},
    {"sql", OPTION_TEMPLATE, S3(sql), NULL,
     .about = "DuckDB SQL with a column `value`; {{.Partition}} stands for the partition"},
    TIME,
    {0},
};

#define FILES(member) offsetof(struct files_options, member)
const struct option files_options[] = {
    {"path", OPTION_PATH, FILES(path), NULL, .about = "folder; files outside of it are not read"},
    {"partition", OPTION_TEMPLATE, FILES(partition), "",
     .about = "where in it a window's files are"},
    {"sql", OPTION_TEMPLATE, FILES(sql), NULL,
     .about =
         "DuckDB SQL with a column `value` over JSON, CSV or Parquet; {{.Partition}} stands for "
         "folder and partition"},
    TIME,
    {0},
};

#define PARTITION_S3(member) offsetof(struct partition_s3_options, member)
const struct option partition_s3_options[] = {
    {"bucket", OPTION_TEXT, PARTITION_S3(bucket), NULL, .about = "bucket"},
    {"region", OPTION_TEXT, PARTITION_S3(region), NULL, .about = "region"},
    {"prefix", OPTION_TEXT, PARTITION_S3(prefix), "", .about = "what stands before the partition"},
    {"partition", OPTION_TEMPLATE, PARTITION_S3(partition), NULL,
     .about = "where a window's files are: year={{.Year}}/month={{.Month}}"},
    {"validate_exists", OPTION_BOOL, PARTITION_S3(validate_exists), "false",
     .about = "without effect, as ever"},
    TIME,
    {0},
};

static const char *const pagings[] = {"none", "link", "cursor", "number", NULL};
#define PAGING(member) offsetof(struct http_paging_options, member)
static const struct option paging_options[] = {
    {"by", OPTION_CHOICE, PAGING(by), "none", .words = pagings,
     .about =
         "how the next page is found: by the header Link, by a cursor in the answer, by number"},
    {"next", OPTION_TEXT, PAGING(next), "",
     .about = "cursor: JSON Pointer of the next page's URL or token in the answer"},
    {"parameter", OPTION_TEXT, PAGING(parameter), "",
     .about =
         "query parameter that takes the token or the number; absent: the cursor is a URL, the "
         "number is `page`"},
    {"first", OPTION_INT, PAGING(first), "1", 0, INT64_MAX, .about = "number of the first page"},
    {"items", OPTION_TEXT, PAGING(items), "",
     .about = "number: JSON Pointer of the list that is empty on the page behind the last one; "
              "absent: that page has no list with anything in it, and gives no row"},
    {"pages_max", OPTION_INT, PAGING(pages_max), "1000", 1, 1000000,
     .about = "more pages fail the run"},
    {0},
};

#define HTTP(member) offsetof(struct http_source_options, member)
const struct option http_source_options[] = {
    {"uri", OPTION_TEMPLATE, HTTP(uri), NULL,
     .about =
         "where JSON is asked for; {{.Start}} and {{.End}} stand for themselves, {{.Bookmark}} is "
         "percent-encoded"},
    {"method", OPTION_TEXT, HTTP(method), "GET", .about = "GET or POST"},
    {"headers", OPTION_PAIRS, HTTP(headers), "", .about = "of each request, such as Authorization"},
    {"body", OPTION_TEMPLATE, HTTP(body), "", .about = "of each request"},
    {"rows", OPTION_TEXT, HTTP(rows), "",
     .about = "jq program that gives the rows of an answer: objects with a member `value`; absent: "
              "the answer's own items"},
    {"paging", OPTION_SECTION, HTTP(paging), .section = paging_options, .about = "more pages"},
    {"page_bytes_max", OPTION_SIZE, HTTP(page_bytes_max), "16MiB", KIB, 256 * MIB,
     .about = "a larger answer fails the run"},
    TIME,
    {0},
};

#define COMMAND(member) offsetof(struct command_options, member)
const struct option command_options[] = {
    {"run", OPTION_LIST, COMMAND(run), NULL,
     .about = "program and words, without a shell; it prints one JSON object a line with a member "
              "`value`, and finds WEIR_START, WEIR_END and WEIR_BOOKMARK in its environment"},
    {"directory", OPTION_PATH, COMMAND(directory), "", .about = "that it runs in"},
    {"environment", OPTION_PAIRS, COMMAND(environment), "",
     .about = "what else its environment holds beside PATH, HOME and LANG"},
    {"output_bytes_max", OPTION_SIZE, COMMAND(output_bytes_max), "64MiB", KIB, 1024 * (int64_t)MIB,
     .about = "more output ends it, and fails the run"},
    TIME,
    {0},
};

/* What the environment gave is not shown: it may hold a password. */
static void check_uri(const struct section_check *c, struct str uri, const char *const *schemes,
                      const char *wanted)
{
    if (!template_is_needed(uri) && !value_has_scheme(uri, schemes)) {
        section_wrong(c, "uri", " is no address that is known here; it wants %s", wanted);
    }
}

void postgres_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"postgres://", "postgresql://", NULL};
    const struct postgres_options *const o = options;
    if (str_find(o->uri, '=') == o->uri.len) { /* or `host=… dbname=…` */
        check_uri(c, o->uri, schemes, "postgresql://USER:PASSWORD@HOST:5432/DATABASE");
    }
}

void mysql_source_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"mysql://", "mariadb://", NULL};
    check_uri(c, ((const struct mysql_source_options *)options)->uri, schemes,
              "mysql://USER:PASSWORD@HOST:3306/DATABASE");
}

/* An @ or a / of user or password that is not encoded: libmongoc would take what follows it for a
 * host, and name it. */
static bool is_in_parts(struct str uri)
{
    const struct str before = str_sub(uri, 0, str_find(uri, '?'));
    const size_t scheme = str_find(before, '/');
    const struct str rest = str_sub(before, scheme + 2, before.len);
    struct str behind;
    const struct str user = str_cut(rest, '@', &behind);
    return user.len == rest.len ||
           (str_find(user, '/') == user.len && str_find(behind, '@') == behind.len);
}

void mongodb_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"mongodb://", "mongodb+srv://", NULL};
    const struct mongodb_options *const o = options;
    yyjson_doc *doc;
    struct failure f;
    check_uri(c, o->uri, schemes, "mongodb://USER:PASSWORD@HOST:27017/DATABASE");
    if (!template_is_needed(o->uri) && !is_in_parts(o->uri)) {
        section_wrong(c, "uri",
                      " has an @ or a / within user or password: there they are written "
                      "%%40 and %%2F");
    }
    if (template_is_needed(o->agg)) {
        return;
    }
    if (json_read(c->s->arena, o->agg, &doc, &f) != OK) {
        section_wrong(c, "agg", ": ensure that aggregate is valid json: %s", f.text);
    } else if (!yyjson_is_arr(yyjson_doc_get_root(doc))) {
        section_wrong(c, "agg", " is no list of pipeline stages: [ { \"$group\": … }, … ]");
    }
}

void http_source_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"http://", "https://", NULL};
    const struct http_source_options *const o = options;
    check_uri(c, o->uri, schemes, "http://… or https://…");
    if (!str_eq(o->method, S("GET")) && !str_eq(o->method, S("POST"))) {
        section_wrong(c, "method", " is %.*s; it wants GET or POST", STR_ARG(o->method));
    }
    if (o->paging.by == PAGING_CURSOR && o->paging.next.len == 0) {
        section_wrong(c, "paging.next",
                      " is missing: where an answer has the next page's URL or "
                      "token, as JSON Pointer");
    }
    if (o->paging.next.len > 0 && o->paging.next.at[0] != '/') {
        section_wrong(c, "paging.next", " is no JSON Pointer; it begins with a slash: /next");
    }
    if (o->paging.items.len > 0 && o->paging.items.at[0] != '/') {
        section_wrong(c, "paging.items", " is no JSON Pointer; it begins with a slash: /items");
    }
}

void prometheus_complete(const struct section_check *c, void *options)
{
    static const char *const schemes[] = {"http://", "https://", NULL};
    const struct prometheus_options *const o = options;
    check_uri(c, o->uri, schemes, "http://HOST:9090/api/v1/query");
    if (o->time_expression.len > 0 && !str_eq(o->time_expression, S("$start_of_day"))) {
        section_wrong(c, "time_expression",
                      ": query time \"%.*s\" not supported, currently supports($start_of_day)",
                      STR_ARG(o->time_expression));
    }
}

struct source_can source_can(const struct section_type *source)
{
    static const struct {
        const char *name;
        struct source_can can;
    } known[] = {
        {"postgres", {.windows = true, .growing = true}},
        {"mysql", {.windows = true, .growing = true}},
        {"sqlite", {.windows = true, .growing = true}},
        {"mongodb", {.windows = true, .growing = true}},
        {"http", {.windows = true, .growing = true}},
        {"command", {.windows = true, .growing = true}},
        {"prometheus", {.windows = true}},
        {"s3", {.windows = true}},
        {"files", {.windows = true}},
        {"partition.s3", {.windows = true, .is_text = true}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(source->name, known[i].name) == 0) {
            return known[i].can;
        }
    }
    return (struct source_can){0};
}
