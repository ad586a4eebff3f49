/* MongoDB by libmongoc, a document at a time. The library is opened in the process of a run alone:
 * it and what it needs take longer to load than the rest of weir.
 *   source  mongoc.org/libmongoc/1.23; MongoDB Extended JSON v2 */
#include <dlfcn.h>
#include <mongoc/mongoc.h>
#include <signal.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/buf.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "collector/engine.h"
#include "config/sources.h"

enum { SELECT_MS = 15 * 1000, OID_BYTES = 25, DECIMAL_BYTES = 43 };

/* Every function that is called, once. */
#define FUNCTIONS(X)                                                                               \
    X(mongoc_init)                                                                                 \
    X(mongoc_log_set_handler)                                                                      \
    X(mongoc_uri_new_with_error)                                                                   \
    X(mongoc_uri_has_option)                                                                       \
    X(mongoc_uri_set_option_as_int32)                                                              \
    X(mongoc_uri_set_appname)                                                                      \
    X(mongoc_uri_get_option_as_utf8)                                                               \
    X(mongoc_uri_destroy)                                                                          \
    X(mongoc_client_new_from_uri_with_error)                                                       \
    X(mongoc_client_set_error_api)                                                                 \
    X(mongoc_client_get_collection)                                                                \
    X(mongoc_client_destroy)                                                                       \
    X(mongoc_read_prefs_new)                                                                       \
    X(mongoc_read_prefs_destroy)                                                                   \
    X(mongoc_collection_aggregate)                                                                 \
    X(mongoc_collection_destroy)                                                                   \
    X(mongoc_cursor_next)                                                                          \
    X(mongoc_cursor_error)                                                                         \
    X(mongoc_cursor_destroy)                                                                       \
    X(bson_new)                                                                                    \
    X(bson_new_from_json)                                                                          \
    X(bson_destroy)                                                                                \
    X(bson_append_int64)                                                                           \
    X(bson_init_static)                                                                            \
    X(bson_free)                                                                                   \
    X(bson_as_relaxed_extended_json)                                                               \
    X(bson_array_as_json)                                                                          \
    X(bson_iter_init)                                                                              \
    X(bson_iter_init_find)                                                                         \
    X(bson_iter_recurse)                                                                           \
    X(bson_iter_next)                                                                              \
    X(bson_iter_key)                                                                               \
    X(bson_iter_type)                                                                              \
    X(bson_iter_utf8)                                                                              \
    X(bson_iter_int32)                                                                             \
    X(bson_iter_int64)                                                                             \
    X(bson_iter_double)                                                                            \
    X(bson_iter_bool)                                                                              \
    X(bson_iter_date_time)                                                                         \
    X(bson_iter_decimal128)                                                                        \
    X(bson_decimal128_to_string)                                                                   \
    X(bson_iter_oid)                                                                               \
    X(bson_oid_to_string)                                                                          \
    X(bson_iter_document)                                                                          \
    X(bson_iter_array)

static struct {
    void *handle;
/* NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member */
#define POINTER(name) __typeof__(&(name)) name;
    FUNCTIONS(POINTER)
#undef POINTER
} lib;

static volatile sig_atomic_t is_inside; /* the library, which waits on and heeds no signal */

static enum outcome open_library(struct failure *f)
{
    lib.handle = lib.handle ? lib.handle : dlopen("libmongoc-1.0.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (!lib.handle) {
        return failed(f, STOP, "libmongoc is not there: install libmongoc-1.0-0 (%s)", dlerror());
    }
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *const at = dlsym(lib.handle, #name);                                                 \
        if (!at) {                                                                                 \
            return failed(f, STOP, "libmongoc lacks %s: version 1.23 is needed", #name);           \
        }                                                                                          \
        memcpy(&lib.name, &at, sizeof at);                                                         \
    } while (0);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    lib.mongoc_init();
    lib.mongoc_log_set_handler(NULL, NULL); /* it would write to stderr */
    return OK;
}

/* A stop while the library waits: nothing is held here that an end would hurt, and the server ends
 * what nobody reads any more. */
static void end_inside(void *unused)
{
    (void)unused;
    if (is_inside) {
        _exit(SOURCE_ASKED_STATUS);
    }
}

/* ---- failures ---- */

static enum outcome tell(const bson_error_t *e, struct failure *f)
{
    enum { UNAUTHORIZED = 13, NOT_AUTHENTICATED = 18 };
    static const uint32_t passing[] = {6,   7,     43,    50,    89,    91,    112,  189,
                                       262, 10107, 11600, 11602, 13435, 13436, 11601};
    enum outcome outcome = RETRY;
    if (e->domain == MONGOC_ERROR_SERVER) {
        outcome = e->code == UNAUTHORIZED || e->code == NOT_AUTHENTICATED ? STOP : REJECT;
        for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
            outcome = e->code == passing[i] ? RETRY : outcome;
        }
    } else if (e->domain == MONGOC_ERROR_COMMAND || e->domain == MONGOC_ERROR_BSON) {
        outcome = REJECT;
    } else if ((e->domain == MONGOC_ERROR_CLIENT && e->code == MONGOC_ERROR_CLIENT_AUTHENTICATE) ||
               strstr(e->message, "certificate") || strstr(e->message, "Authentication failed")) {
        outcome = STOP;
    }
    return failed(f, outcome, "MongoDB: %s (code %u)", e->message, e->code);
}

/* ---- documents ---- */

static struct str json_of(struct arena *a, const bson_iter_t *i, bool is_array)
{
    const uint8_t *data = NULL;
    uint32_t len = 0;
    bson_t inner;
    size_t n = 0;
    if (is_array) {
        lib.bson_iter_array(i, &len, &data);
    } else {
        lib.bson_iter_document(i, &len, &data);
    }
    if (!data || !lib.bson_init_static(&inner, data, len)) {
        return S("");
    }
    char *const text = is_array ? lib.bson_array_as_json(&inner, &n)
                                : lib.bson_as_relaxed_extended_json(&inner, &n);
    const struct str out = text ? arena_str(a, (struct str){text, n}) : S("");
    lib.bson_free(text);
    return out;
}

static void number(struct arena *a, struct cell *cell, const bson_iter_t *i)
{
    cell->kind = CELL_NUMBER;
    if (lib.bson_iter_type(i) == BSON_TYPE_DOUBLE) {
        cell->text = cell_real(a, lib.bson_iter_double(i));
    } else if (lib.bson_iter_type(i) == BSON_TYPE_DECIMAL128) {
        char *const text = arena_array(a, char, DECIMAL_BYTES + 1);
        bson_decimal128_t decimal;
        if (lib.bson_iter_decimal128(i, &decimal)) {
            lib.bson_decimal128_to_string(&decimal, text);
        }
        cell->text = str_of(text);
    } else {
        const long long whole = lib.bson_iter_type(i) == BSON_TYPE_INT32 ? lib.bson_iter_int32(i)
                                                                         : lib.bson_iter_int64(i);
        cell->text = arena_printf(a, "%lld", whole);
    }
}

static enum outcome cell_of(struct arena *a, const bson_iter_t *i, struct cell *cell,
                            struct failure *f)
{
    uint32_t len = 0;
    *cell = (struct cell){.column = str_of(lib.bson_iter_key(i)), .kind = CELL_TEXT};
    const bson_type_t type = lib.bson_iter_type(i);
    if (type == BSON_TYPE_NULL || type == BSON_TYPE_UNDEFINED) {
        cell->kind = CELL_NULL;
    } else if (type == BSON_TYPE_UTF8) {
        const char *const text = lib.bson_iter_utf8(i, &len);
        cell->text = (struct str){text, len};
    } else if (type == BSON_TYPE_BOOL) {
        cell->kind = CELL_BOOL;
        cell->text = lib.bson_iter_bool(i) ? S("true") : S("false");
    } else if (type == BSON_TYPE_DATE_TIME) {
        char *const text = arena_array(a, char, CLOCK_TEXT_BYTES);
        cell->kind = CELL_TIME;
        cell->text = (struct str){text, clock_text(lib.bson_iter_date_time(i) * 1000, text)};
    } else if (type == BSON_TYPE_INT32 || type == BSON_TYPE_INT64 || type == BSON_TYPE_DOUBLE ||
               type == BSON_TYPE_DECIMAL128) {
        number(a, cell, i);
    } else if (type == BSON_TYPE_OID) {
        char *const text = arena_array(a, char, OID_BYTES);
        lib.bson_oid_to_string(lib.bson_iter_oid(i), text);
        cell->text = str_of(text);
    } else if (type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY) {
        cell->text = json_of(a, i, type == BSON_TYPE_ARRAY);
    } else {
        return failed(f, REJECT, "member %.*s is of BSON type 0x%02x: project a number or a text",
                      STR_ARG(cell->column), (unsigned)type);
    }
    return OK;
}

static enum outcome give_row(const bson_t *document, struct arena *row,
                             const struct source_ask *ask, const struct source_to *to,
                             struct failure *f)
{
    bson_iter_t i;
    size_t n = 0, room = 0;
    struct cell *cell = NULL;
    enum outcome result = OK;
    arena_reset(row);
    if (document->len > ask->row_bytes_max) {
        return failed(f, REJECT, "a document of %u bytes is larger than %zu", document->len,
                      ask->row_bytes_max);
    }
    if (!lib.bson_iter_init(&i, document)) {
        return failed(f, REJECT, "a document cannot be read");
    }
    while (result == OK && lib.bson_iter_next(&i)) {
        cell = arena_more(row, cell, n, &room, sizeof *cell);
        result = cell_of(row, &i, &cell[n++], f);
    }
    return result == OK ? to->row(to->to, cell, n, f) : result;
}

/* ---- the pipeline ---- */

/* A date as a {"$date": …} of Extended JSON takes it, which has no microseconds and no BSON date
 * either; everything else as it is. What looks like one is one where nobody knows any more.
 *   source  mongodb.com/docs: MongoDB Extended JSON (v2), $date */
static struct str bookmark_of(const struct source_ask *ask)
{
    int64_t us = 0;
    const struct str zeros = S("000Z"), all = source_dot(ask).bookmark;
    const bool may_be = ask->bookmark_kind == CELL_TIME || ask->bookmark_kind == CELL_NULL;
    const bool is_date = may_be && all.len == sizeof "2026-03-07T12:00:00.000000Z" - 1 &&
                         str_ends(all, zeros) && clock_parse(all, &us);
    return is_date ? arena_printf(ask->arena, "%.*sZ", (int)(all.len - zeros.len), all.at) : all;
}

/* {"pipeline": [...]} of the rendered text; the caller destroys it. */
static enum outcome read_pipeline(const struct source_ask *ask, bson_t **out, struct failure *f)
{
    const struct mongodb_options *const o = ask->options;
    struct template_dot dot = source_dot(ask);
    struct str text;
    bson_error_t e = {0};
    bson_iter_t all, stage, name;
    *out = NULL;
    dot.bookmark = bookmark_of(ask);
    dot.place = PLACE_JSON;
    const enum outcome result = template_render(ask->arena, o->agg, &dot, &text, f);
    if (result != OK) {
        return result;
    }
    const struct str json = arena_printf(ask->arena, "{\"pipeline\":%.*s}", STR_ARG(text));
    *out = lib.bson_new_from_json((const uint8_t *)json.at, (ssize_t)json.len, &e);
    if (!*out) {
        return failed(f, REJECT, "ensure that aggregate is valid json: %s", e.message);
    }
    if (!lib.bson_iter_init_find(&all, *out, "pipeline") ||
        lib.bson_iter_type(&all) != BSON_TYPE_ARRAY || !lib.bson_iter_recurse(&all, &stage)) {
        return failed(f, REJECT, "ensure that aggregate is valid json: it is no array of stages");
    }
    while (lib.bson_iter_next(&stage)) {
        if (lib.bson_iter_type(&stage) != BSON_TYPE_DOCUMENT ||
            !lib.bson_iter_recurse(&stage, &name) || !lib.bson_iter_next(&name)) {
            return failed(f, REJECT, "ensure that aggregate is valid json: a stage is no object");
        }
        const char *const key = lib.bson_iter_key(&name);
        if (strcmp(key, "$out") == 0 || strcmp(key, "$merge") == 0) {
            return failed(f, REJECT, "agg would write (%s); a collector only reads", key);
        }
    }
    return OK;
}

/* ---- one session ---- */

static enum outcome connect_client(const struct source_ask *ask, mongoc_uri_t **uri,
                                   mongoc_client_t **client, struct failure *f)
{
    const struct mongodb_options *const o = ask->options;
    bson_error_t e = {0};
    *client = NULL;
    *uri = lib.mongoc_uri_new_with_error(arena_cstr(ask->arena, o->uri), &e);
    if (!*uri) { /* what it says may hold the password */
        return failed(f, STOP,
                      "uri: libmongoc cannot read it; it is mongodb://USER:PASSWORD@HOST:PORT/"
                      "DATABASE, user and password percent-encoded");
    }
    if (!lib.mongoc_uri_has_option(*uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS)) {
        (void)lib.mongoc_uri_set_option_as_int32(*uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
                                                 SELECT_MS);
    }
    (void)lib.mongoc_uri_set_appname(*uri, "weir");
    *client = lib.mongoc_client_new_from_uri_with_error(*uri, &e);
    if (!*client) {
        return failed(f, STOP, "MongoDB: %s", e.message);
    }
    (void)lib.mongoc_client_set_error_api(*client, MONGOC_ERROR_API_VERSION_2);
    return OK;
}

static enum outcome give_rows(mongoc_cursor_t *cursor, const struct source_ask *ask,
                              const struct source_to *to, struct failure *f)
{
    struct arena row;
    bson_error_t e = {0};
    enum outcome result = OK;
    arena_init(&row, 8 * ask->row_bytes_max);
    while (result == OK) {
        const bson_t *document = NULL;
        is_inside = 1;
        const bool is_more = !asked_to_stop() && lib.mongoc_cursor_next(cursor, &document);
        is_inside = 0;
        if (!is_more) {
            break;
        }
        result = give_row(document, &row, ask, to, f);
        FAILPOINT("source.row");
    }
    arena_close(&row);
    if (result == OK && asked_to_stop()) {
        return failed(f, RETRY, "asked to stop");
    }
    return result == OK && lib.mongoc_cursor_error(cursor, &e) ? tell(&e, f) : result;
}

static enum outcome aggregate(const struct source_ask *ask, const mongoc_uri_t *uri,
                              mongoc_client_t *client, const bson_t *pipeline,
                              const struct source_to *to, struct failure *f)
{
    const struct mongodb_options *const o = ask->options;
    const int64_t time_ms = ask->collector->schedule.time_ms;
    const bool is_told = lib.mongoc_uri_get_option_as_utf8(uri, "readpreference", NULL) != NULL;
    mongoc_read_prefs_t *const prefer = is_told ? NULL
                                                : lib.mongoc_read_prefs_new(
                                                      MONGOC_READ_SECONDARY_PREFERRED);
    bson_t *const more = lib.bson_new();
    if (time_ms > 0) {
        (void)lib.bson_append_int64(more, "maxTimeMS", -1, time_ms);
    }
    mongoc_collection_t *const collection = lib.mongoc_client_get_collection(
        client, arena_cstr(ask->arena, o->database), arena_cstr(ask->arena, o->collection));
    asked_install(end_inside, NULL);
    is_inside = 1; /* it looks for a server at once */
    mongoc_cursor_t *const cursor = asked_to_stop()
                                        ? NULL
                                        : lib.mongoc_collection_aggregate(collection,
                                                                          MONGOC_QUERY_NONE,
                                                                          pipeline, more, prefer);
    is_inside = 0;
    const enum outcome result = give_rows(cursor, ask, to, f);
    asked_install(NULL, NULL);
    lib.mongoc_cursor_destroy(cursor);
    lib.mongoc_collection_destroy(collection);
    lib.bson_destroy(more);
    lib.mongoc_read_prefs_destroy(prefer);
    return result;
}

static enum outcome mongodb_read(const struct source_ask *ask, const struct source_to *to,
                                 struct failure *f)
{
    mongoc_uri_t *uri = NULL;
    mongoc_client_t *client = NULL;
    bson_t *pipeline = NULL;
    enum outcome result = open_library(f);
    if (result != OK) {
        return result;
    }
    result = read_pipeline(ask, &pipeline, f);
    if (result == OK) {
        result = connect_client(ask, &uri, &client, f);
    }
    if (result == OK) {
        result = aggregate(ask, uri, client, pipeline, to, f);
    }
    lib.bson_destroy(pipeline);
    lib.mongoc_client_destroy(client);
    lib.mongoc_uri_destroy(uri);
    return result;
}

const struct source_driver source_mongodb = {.name = "mongodb", .read = mongodb_read};
