#include "wire/duckdb.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/file.h"

/* Every function that is called, once: the table below holds a typed pointer for each. */
#define FUNCTIONS(X)                                                                               \
    X(duckdb_library_version)                                                                      \
    X(duckdb_create_config)                                                                        \
    X(duckdb_set_config)                                                                           \
    X(duckdb_destroy_config)                                                                       \
    X(duckdb_open_ext)                                                                             \
    X(duckdb_close)                                                                                \
    X(duckdb_connect)                                                                              \
    X(duckdb_disconnect)                                                                           \
    X(duckdb_query)                                                                                \
    X(duckdb_destroy_result)                                                                       \
    X(duckdb_result_error)                                                                         \
    X(duckdb_result_error_type)                                                                    \
    X(duckdb_column_count)                                                                         \
    X(duckdb_column_name)                                                                          \
    X(duckdb_column_type)                                                                          \
    X(duckdb_fetch_chunk)                                                                          \
    X(duckdb_destroy_data_chunk)                                                                   \
    X(duckdb_data_chunk_get_size)                                                                  \
    X(duckdb_data_chunk_get_vector)                                                                \
    X(duckdb_vector_get_data)                                                                      \
    X(duckdb_vector_get_validity)                                                                  \
    X(duckdb_validity_row_is_valid)                                                                \
    X(duckdb_string_t_data)                                                                        \
    X(duckdb_string_t_length)                                                                      \
    X(duckdb_extract_statements)                                                                   \
    X(duckdb_extract_statements_error)                                                             \
    X(duckdb_destroy_extracted)                                                                    \
    X(duckdb_prepare_extracted_statement)                                                          \
    X(duckdb_prepare_error)                                                                        \
    X(duckdb_destroy_prepare)                                                                      \
    X(duckdb_prepared_statement_type)                                                              \
    X(duckdb_prepared_statement_column_count)                                                      \
    X(duckdb_prepared_statement_column_name)                                                       \
    X(duckdb_prepared_statement_column_logical_type)                                               \
    X(duckdb_prepare)                                                                              \
    X(duckdb_pending_prepared_streaming)                                                           \
    X(duckdb_pending_execute_task)                                                                 \
    X(duckdb_pending_execution_is_finished)                                                        \
    X(duckdb_interrupt)                                                                            \
    X(duckdb_pending_error)                                                                        \
    X(duckdb_execute_pending)                                                                      \
    X(duckdb_destroy_pending)                                                                      \
    X(duckdb_appender_create)                                                                      \
    X(duckdb_append_varchar_length)                                                                \
    X(duckdb_append_int64)                                                                         \
    X(duckdb_appender_end_row)                                                                     \
    X(duckdb_appender_close)                                                                       \
    X(duckdb_appender_error)                                                                       \
    X(duckdb_appender_destroy)                                                                     \
    X(duckdb_get_type_id)                                                                          \
    X(duckdb_logical_type_get_alias)                                                               \
    X(duckdb_list_type_child_type)                                                                 \
    X(duckdb_array_type_child_type)                                                                \
    X(duckdb_map_type_key_type)                                                                    \
    X(duckdb_map_type_value_type)                                                                  \
    X(duckdb_struct_type_child_count)                                                              \
    X(duckdb_struct_type_child_name)                                                               \
    X(duckdb_struct_type_child_type)                                                               \
    X(duckdb_union_type_member_count)                                                              \
    X(duckdb_union_type_member_name)                                                               \
    X(duckdb_union_type_member_type)                                                               \
    X(duckdb_destroy_logical_type)                                                                 \
    X(duckdb_free)

struct library {
    void *handle;
/* NOLINTNEXTLINE(bugprone-macro-parentheses): the name of a member */
#define POINTER(name) __typeof__(&(name)) name;
    FUNCTIONS(POINTER)
#undef POINTER
};

struct duck {
    duckdb_database database;
    duckdb_connection connection;
};

/* The library is the process's, as every shared library is: loaded once, never unloaded. */
static struct library lib;

enum { PATH_BYTES = 4096, MEMORY_BYTES_LEAST = 256 << 20 };

/* Folder of the running binary with a slash at its end, or "". */
static void binary_folder(char out[PATH_BYTES])
{
    const ssize_t n = readlink("/proc/self/exe", out, PATH_BYTES - 1);
    size_t len = n > 0 ? (size_t)n : 0;
    while (len > 0 && out[len - 1] != '/') {
        len--;
    }
    out[len] = '\0';
}

enum { PLACES_MAX = 3 };

/* Where the library may be, the first first; one without a slash is for the loader to find. */
static size_t library_places(struct arena *a, const char *place[PLACES_MAX])
{
    static const char *const beside[] = {"libduckdb.so", "../lib/weir/libduckdb.so"};
    char folder[PATH_BYTES];
    size_t n = 0;
    const char *const asked = getenv("WEIR_DUCKDB");
    if (asked && *asked) {
        place[n++] = asked;
        return n;
    }
    binary_folder(folder);
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        place[n++] = arena_printf(a, "%s%s", folder, beside[i]).at;
    }
    place[n++] = "libduckdb.so";
    return n;
}

static enum outcome library_missing(struct arena *a, const char *why, struct failure *f)
{
    struct buf tried;
    const char *place[PLACES_MAX];
    const size_t n = library_places(a, place);
    buf_init(&tried, a, 4 * (size_t)PATH_BYTES);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&tried, "%s%s", i ? ", " : "", place[i]);
    }
    return failed(f, STOP,
                  "libduckdb is not there (looked for %.*s): run `make setup`, or set WEIR_DUCKDB "
                  "to its path (%s)",
                  STR_ARG(buf_str(&tried)), why ? why : "no such file");
}

/* Whether the loader knows such a file: in its folders, or in its cache (ld.so(8)). */
static bool is_loaders(struct arena *a, const char *name)
{
    enum { CACHE_BYTES_MAX = 64 << 20 };
    Dl_serinfo size;
    struct str cache;
    struct failure unread;
    bool is_found = false;
    void *const self = dlopen(NULL, RTLD_LAZY);
    if (self && dlinfo(self, RTLD_DI_SERINFOSIZE, &size) == 0) {
        Dl_serinfo *const folders = arena_alloc(a, 1, size.dls_size);
        *folders = size;
        const unsigned n = dlinfo(self, RTLD_DI_SERINFO, folders) == 0 ? folders->dls_cnt : 0;
        for (unsigned i = 0; i < n && !is_found; i++) {
            const char *const folder = folders->dls_serpath[i].dls_name;
            is_found = access(arena_printf(a, "%s/%s", folder, name).at, R_OK) == 0;
        }
    }
    if (self) {
        dlclose(self);
    }
    const struct str entry = arena_printf(a, "/%s", name);
    return is_found || (file_read(a, "/etc/ld.so.cache", CACHE_BYTES_MAX, &cache, &unread) == OK &&
                        memmem(cache.at, cache.len, entry.at, entry.len + 1));
}

enum outcome duck_look(struct arena *a, struct failure *f)
{
    const char *place[PLACES_MAX];
    const size_t n = library_places(a, place);
    bool is_there = lib.handle != NULL;
    for (size_t i = 0; i < n && !is_there; i++) {
        is_there = strchr(place[i], '/') ? access(place[i], R_OK) == 0 : is_loaders(a, place[i]);
    }
    return is_there ? OK : library_missing(a, NULL, f);
}

/* Lazy: to look up every function of the engine costs as much as the rest of opening it. */
static enum outcome library_open(struct arena *a, struct failure *f)
{
    const char *place[PLACES_MAX];
    struct library found = {.handle = NULL};
    if (lib.handle) {
        return OK;
    }
    const size_t n = library_places(a, place);
    for (size_t i = 0; i < n && !found.handle; i++) {
        found.handle = dlopen(place[i], RTLD_LAZY | RTLD_LOCAL);
    }
    if (!found.handle) {
        return library_missing(a, dlerror(), f);
    }
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *const at = dlsym(found.handle, #name);                                               \
        if (!at) {                                                                                 \
            dlclose(found.handle);                                                                 \
            return failed(f, STOP, "libduckdb lacks %s: version 1.5 is needed", #name);            \
        }                                                                                          \
        memcpy(&found.name, &at, sizeof at);                                                       \
    } while (0);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    lib = found;
    return OK;
}

static enum outcome set_options(duckdb_config config, const struct duck_options *o,
                                struct failure *f)
{
    char threads[16];
    char memory[32];
    const size_t bytes = o->memory_bytes_max > MEMORY_BYTES_LEAST ? o->memory_bytes_max
                                                                  : MEMORY_BYTES_LEAST;
    (void)snprintf(threads, sizeof threads, "%d", o->threads > 1 ? o->threads : 1);
    (void)snprintf(memory, sizeof memory, "%zuB", bytes);
    const char *const option[][2] = {
        {"threads", threads},
        {"memory_limit", memory},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"enable_external_file_cache", o->reads_once ? "false" : "true"},
    };
    for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
        if (lib.duckdb_set_config(config, option[i][0], option[i][1]) != DuckDBSuccess) {
            return failed(f, STOP, "libduckdb %s does not take %s=%s", lib.duckdb_library_version(),
                          option[i][0], option[i][1]);
        }
    }
    return OK;
}

enum outcome duck_open(struct arena *a, const struct duck_options *o, struct duck **out,
                       struct failure *f)
{
    duckdb_config config = NULL;
    char *message = NULL;
    *out = NULL;
    enum outcome result = library_open(a, f);
    if (result != OK) {
        return result;
    }
    struct duck *const d = arena_new(a, struct duck);
    if (lib.duckdb_create_config(&config) != DuckDBSuccess) {
        return failed(f, RETRY, "DuckDB: no memory for its configuration");
    }
    result = set_options(config, o, f);
    if (result == OK &&
        lib.duckdb_open_ext(NULL, &d->database, config, &message) != DuckDBSuccess) {
        result = failed(f, RETRY, "DuckDB does not open: %s", message ? message : "no reason");
        lib.duckdb_free(message);
    }
    lib.duckdb_destroy_config(&config);
    if (result == OK && lib.duckdb_connect(d->database, &d->connection) != DuckDBSuccess) {
        lib.duckdb_close(&d->database);
        result = failed(f, RETRY, "DuckDB: no connection");
    }
    if (result == OK) { /* an option of the linked-in icu, which knows it once it is open */
        result = duck_run(d, "SET TimeZone = 'UTC'", f);
        if (result != OK) {
            duck_close(d);
        }
    }
    *out = result == OK ? d : NULL;
    return result;
}

void duck_close(struct duck *d)
{
    if (d) {
        lib.duckdb_disconnect(&d->connection);
        lib.duckdb_close(&d->database);
    }
}

/* The engine's sentence, with its first line alone where it repeats the statement. */
static enum outcome engine_failed(duckdb_result *r, struct failure *f)
{
    const char *const text = lib.duckdb_result_error(r);
    const duckdb_error_type type = lib.duckdb_result_error_type(r);
    const bool may_pass = type == DUCKDB_ERROR_IO || type == DUCKDB_ERROR_OUT_OF_MEMORY ||
                          type == DUCKDB_ERROR_INTERRUPT;
    (void)failed(f, may_pass ? RETRY : REJECT, "%s", text ? text : "DuckDB gave no reason");
    /* its limit, not the machine's: "(334.5 MiB/495.4 MiB used)" */
    f->cause = type == DUCKDB_ERROR_OUT_OF_MEMORY && text && strstr(text, " used)") ? CAUSE_MEMORY
                                                                                    : CAUSE_OTHER;
    return f->outcome;
}

enum outcome duck_run(struct duck *d, const char *sql, struct failure *f)
{
    duckdb_result r;
    const enum outcome result = lib.duckdb_query(d->connection, sql, &r) == DuckDBSuccess
                                    ? OK
                                    : engine_failed(&r, f);
    lib.duckdb_destroy_result(&r);
    return result;
}

/* A sentence without its kind: that stands in its first words. */
static enum outcome sentence_failed(const char *text, struct failure *f)
{
    static const char *const passing[] = {"IO Error", "HTTP Error", "Connection Error",
                                          "Out of Memory Error", "INTERRUPT Error"};
    enum outcome outcome = REJECT;
    for (size_t i = 0; text && i < sizeof passing / sizeof *passing; i++) {
        outcome = strncmp(text, passing[i], strlen(passing[i])) == 0 ? RETRY : outcome;
    }
    return failed(f, outcome, "%s", text ? text : "DuckDB gave no reason");
}

static enum outcome work_off(duckdb_pending_result pending, struct duck_result *out,
                             struct failure *f)
{
    duckdb_pending_state state = DUCKDB_PENDING_RESULT_NOT_READY;
    while (!lib.duckdb_pending_execution_is_finished(state)) {
        if (asked_to_stop()) {
            return failed(f, RETRY, "asked to stop");
        }
        state = lib.duckdb_pending_execute_task(pending);
    }
    if (state == DUCKDB_PENDING_ERROR) {
        return sentence_failed(lib.duckdb_pending_error(pending), f);
    }
    out->has_result = true;
    if (lib.duckdb_execute_pending(pending, &out->result) != DuckDBSuccess) {
        return engine_failed(&out->result, f);
    }
    out->columns_n = lib.duckdb_column_count(&out->result);
    return OK;
}

enum outcome duck_stream(struct duck *d, const char *sql, struct duck_result *out,
                         struct failure *f)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    enum outcome result = OK;
    *out = (struct duck_result){.duck = d};
    if (lib.duckdb_prepare(d->connection, sql, &statement) != DuckDBSuccess) {
        result = sentence_failed(lib.duckdb_prepare_error(statement), f);
    } else if (lib.duckdb_pending_prepared_streaming(statement, &pending) != DuckDBSuccess) {
        result = sentence_failed(lib.duckdb_pending_error(pending), f);
    } else {
        result = work_off(pending, out, f);
    }
    lib.duckdb_destroy_pending(&pending);
    lib.duckdb_destroy_prepare(&statement);
    return result;
}

void duck_interrupt(void *thing)
{
    const struct duck *const d = thing;
    lib.duckdb_interrupt(d->connection); /* it sets a flag, and may so be called by a handler */
}

enum outcome duck_query(struct duck *d, const char *sql, struct duck_result *out, struct failure *f)
{
    *out = (struct duck_result){.duck = d, .has_result = true};
    if (lib.duckdb_query(d->connection, sql, &out->result) != DuckDBSuccess) {
        return engine_failed(&out->result, f);
    }
    out->columns_n = lib.duckdb_column_count(&out->result);
    return OK;
}

bool duck_next(struct duck_result *r)
{
    if (r->chunk && r->row + 1 < r->rows) {
        r->row++;
        return true;
    }
    do {
        if (r->chunk) {
            lib.duckdb_destroy_data_chunk(&r->chunk);
        }
        r->chunk = lib.duckdb_fetch_chunk(r->result);
        r->rows = r->chunk ? lib.duckdb_data_chunk_get_size(r->chunk) : 0;
        r->row = 0;
    } while (r->chunk && r->rows == 0);
    return r->chunk != NULL;
}

enum outcome duck_ended(struct duck_result *r, struct failure *f)
{
    const char *const why = lib.duckdb_result_error(&r->result);
    return why && *why ? engine_failed(&r->result, f) : OK;
}

void duck_result_close(struct duck_result *r)
{
    if (r->chunk) {
        lib.duckdb_destroy_data_chunk(&r->chunk);
    }
    if (r->has_result) {
        lib.duckdb_destroy_result(&r->result);
    }
    *r = (struct duck_result){0};
}

struct str duck_column(struct duck_result *r, size_t column)
{
    return str_of(lib.duckdb_column_name(&r->result, column));
}

duckdb_type duck_type(struct duck_result *r, size_t column)
{
    return lib.duckdb_column_type(&r->result, column);
}

bool duck_is_null(struct duck_result *r, size_t column)
{
    const duckdb_vector v = lib.duckdb_data_chunk_get_vector(r->chunk, column);
    uint64_t *const validity = lib.duckdb_vector_get_validity(v);
    return validity && !lib.duckdb_validity_row_is_valid(validity, r->row);
}

static const void *cells(struct duck_result *r, size_t column)
{
    return lib.duckdb_vector_get_data(lib.duckdb_data_chunk_get_vector(r->chunk, column));
}

struct str duck_text(struct duck_result *r, size_t column)
{
    const duckdb_vector v = lib.duckdb_data_chunk_get_vector(r->chunk, column);
    duckdb_string_t *const text = (duckdb_string_t *)lib.duckdb_vector_get_data(v) + r->row;
    return (struct str){lib.duckdb_string_t_data(text), lib.duckdb_string_t_length(*text)};
}

int64_t duck_i64(struct duck_result *r, size_t column)
{
    const void *const at = cells(r, column);
    const duckdb_type type = duck_type(r, column);
    if (type == DUCKDB_TYPE_BOOLEAN) {
        return ((const bool *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_TINYINT) {
        return ((const int8_t *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_SMALLINT) {
        return ((const int16_t *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_INTEGER || type == DUCKDB_TYPE_DATE) {
        return ((const int32_t *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_UTINYINT) {
        return ((const uint8_t *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_USMALLINT) {
        return ((const uint16_t *)at)[r->row];
    }
    if (type == DUCKDB_TYPE_UINTEGER) {
        return ((const uint32_t *)at)[r->row];
    }
    return ((const int64_t *)at)[r->row]; /* BIGINT, TIMESTAMP, TIMESTAMPTZ */
}

double duck_f64(struct duck_result *r, size_t column)
{
    const void *const at = cells(r, column);
    return duck_type(r, column) == DUCKDB_TYPE_FLOAT ? (double)((const float *)at)[r->row]
                                                     : ((const double *)at)[r->row];
}

enum outcome duck_first_text(struct duck *d, struct arena *a, const char *sql, struct str *out,
                             struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(d, sql, &r, f);
    *out = result == OK && duck_next(&r) ? arena_str(a, duck_text(&r, 0)) : S("");
    duck_result_close(&r);
    return result;
}

static size_t inner_count(duckdb_logical_type type, duckdb_type id)
{
    if (id == DUCKDB_TYPE_STRUCT) {
        return lib.duckdb_struct_type_child_count(type);
    }
    if (id == DUCKDB_TYPE_UNION) {
        return lib.duckdb_union_type_member_count(type);
    }
    return id == DUCKDB_TYPE_MAP ? 2 : id == DUCKDB_TYPE_LIST || id == DUCKDB_TYPE_ARRAY ? 1 : 0;
}

/* A type inside another, for duckdb_destroy_logical_type. */
static duckdb_logical_type inner_type(duckdb_logical_type type, duckdb_type id, size_t i)
{
    if (id == DUCKDB_TYPE_STRUCT) {
        return lib.duckdb_struct_type_child_type(type, i);
    }
    if (id == DUCKDB_TYPE_UNION) {
        return lib.duckdb_union_type_member_type(type, i);
    }
    if (id == DUCKDB_TYPE_MAP) {
        return i == 0 ? lib.duckdb_map_type_key_type(type) : lib.duckdb_map_type_value_type(type);
    }
    return id == DUCKDB_TYPE_LIST ? lib.duckdb_list_type_child_type(type)
                                  : lib.duckdb_array_type_child_type(type);
}

/* What it is called, for duckdb_free; NULL: nothing. */
static char *inner_name(duckdb_logical_type type, duckdb_type id, size_t i)
{
    return id == DUCKDB_TYPE_STRUCT  ? lib.duckdb_struct_type_child_name(type, i)
           : id == DUCKDB_TYPE_UNION ? lib.duckdb_union_type_member_name(type, i)
                                     : NULL;
}

/* All of a type but its name. */
static void shape_type(struct arena *a, duckdb_logical_type type, struct duck_shape_column *out)
{
    char *const alias = lib.duckdb_logical_type_get_alias(type);
    out->type = lib.duckdb_get_type_id(type);
    out->is_json = alias && str_eq(str_of(alias), S("JSON"));
    lib.duckdb_free(alias);
    out->inner_n = inner_count(type, out->type);
    out->inner = arena_array(a, struct duck_shape_column, out->inner_n);
    for (size_t i = 0; i < out->inner_n; i++) {
        char *const name = inner_name(type, out->type, i);
        duckdb_logical_type inner = inner_type(type, out->type, i);
        out->inner[i].name = arena_str(a, str_of(name));
        shape_type(a, inner, &out->inner[i]);
        lib.duckdb_free(name);
        lib.duckdb_destroy_logical_type(&inner);
    }
}

static void shape_columns(struct arena *a, duckdb_prepared_statement p, struct duck_shape *out)
{
    out->type = lib.duckdb_prepared_statement_type(p);
    out->columns_n = lib.duckdb_prepared_statement_column_count(p);
    out->column = arena_array(a, struct duck_shape_column, out->columns_n);
    for (size_t i = 0; i < out->columns_n; i++) {
        const char *const name = lib.duckdb_prepared_statement_column_name(p, i);
        duckdb_logical_type type = lib.duckdb_prepared_statement_column_logical_type(p, i);
        out->column[i] = (struct duck_shape_column){.name = arena_str(a, str_of(name)),
                                                    .type = DUCKDB_TYPE_INVALID};
        if (type) {
            shape_type(a, type, &out->column[i]);
        }
        lib.duckdb_free((void *)(uintptr_t)name);
        lib.duckdb_destroy_logical_type(&type);
    }
}

bool duck_count(struct duck *d, const char *sql, size_t *n)
{
    duckdb_extracted_statements all = NULL;
    *n = lib.duckdb_extract_statements(d->connection, sql, &all);
    const bool is_read = *n > 0 || !lib.duckdb_extract_statements_error(all);
    lib.duckdb_destroy_extracted(&all);
    return is_read;
}

enum outcome duck_shape(struct duck *d, struct arena *a, const char *sql, struct duck_shape *out,
                        struct failure *f)
{
    duckdb_extracted_statements all = NULL;
    duckdb_prepared_statement first = NULL;
    enum outcome result = OK;
    *out = (struct duck_shape){
        .statements_n = lib.duckdb_extract_statements(d->connection, sql, &all)};
    if (out->statements_n == 0) {
        const char *const why = lib.duckdb_extract_statements_error(all);
        result = failed(f, REJECT, "%s", why ? why : "there is no statement in it");
    } else if (lib.duckdb_prepare_extracted_statement(d->connection, all, 0, &first) !=
               DuckDBSuccess) {
        result = sentence_failed(lib.duckdb_prepare_error(first), f);
    } else {
        shape_columns(a, first, out);
    }
    lib.duckdb_destroy_prepare(&first);
    lib.duckdb_destroy_extracted(&all);
    return result;
}

void duck_append_open(struct duck *d, const char *table, struct duck_append *out)
{
    *out = (struct duck_append){.has_failed = false};
    out->has_failed = lib.duckdb_appender_create(d->connection, NULL, table, &out->appender) !=
                      DuckDBSuccess;
}

void duck_append_text(struct duck_append *p, struct str text)
{
    p->has_failed = p->has_failed || lib.duckdb_append_varchar_length(p->appender, text.at,
                                                                      text.len) != DuckDBSuccess;
}

void duck_append_i64(struct duck_append *p, int64_t number)
{
    p->has_failed = p->has_failed || lib.duckdb_append_int64(p->appender, number) != DuckDBSuccess;
}

void duck_append_row(struct duck_append *p)
{
    p->has_failed = p->has_failed || lib.duckdb_appender_end_row(p->appender) != DuckDBSuccess;
}

enum outcome duck_append_close(struct duck_append *p, struct failure *f)
{
    enum outcome result = OK;
    if (p->has_failed || lib.duckdb_appender_close(p->appender) != DuckDBSuccess) {
        const char *const why = lib.duckdb_appender_error(p->appender);
        result = failed(f, REJECT, "%s", why ? why : "DuckDB gave no reason");
    }
    (void)lib.duckdb_appender_destroy(&p->appender);
    return result;
}

enum outcome duck_load(struct duck *d, struct arena *a, const char *name, struct failure *f)
{
    char path[PATH_BYTES] = "";
    Dl_info info = {0};
    struct buf sql;
    struct failure why;
    void *const in_library = dlsym(lib.handle, "duckdb_open_ext");
    if (dladdr(in_library, &info) == 0 || !realpath(info.dli_fname, path)) {
        return failed(f, STOP, "the folder of libduckdb is not to be found");
    }
    *strrchr(path, '/') = '\0';
    const struct str file = arena_printf(a, "%s/%s.duckdb_extension", path, name);
    if (access(file.at, R_OK) != 0) {
        return failed_errno(f, STOP, "DuckDB's extension %s is needed: run `make setup`; %s", name,
                            file.at);
    }
    buf_init(&sql, a, 2 * (size_t)PATH_BYTES);
    buf_add(&sql, S("LOAD "));
    duck_add_literal(&sql, file);
    buf_add_byte(&sql, '\0');
    return duck_run(d, buf_str(&sql).at, &why) == OK
               ? OK
               : failed(f, STOP, "DuckDB's extension %s: %s", name, why.text);
}

void duck_add_literal(struct buf *b, struct str text)
{
    buf_add_byte(b, '\'');
    for (size_t i = 0; i < text.len; i++) {
        buf_add(b, text.at[i] == '\'' ? S("''") : str_sub(text, i, 1));
    }
    buf_add_byte(b, '\'');
}

/* DuckDB parts a pattern at '/' and at '\', takes the first folder as it is, and knows no escape
 * but a class. This one, negated, holds all of UTF-8 that is written but '\': its last range is
 * read byte by byte, from 80, the end of the first letter, to F4, the beginning of the last one.
 *   source   LocalGlobResult and Glob of DuckDB 1.5 */
#define BACKSLASH "[!]-~ -[\u00c0-\U0010ffff]"

struct str duck_pattern(struct arena *a, struct str path)
{
    struct buf b;
    size_t folders = 0;
    buf_init(&b, a, path.len * (sizeof BACKSLASH - 1) + 1);
    for (size_t i = 0; i < path.len; i++) {
        const char c = path.at[i];
        folders += c == '/';
        if (folders < 2) {
            buf_add_byte(&b, c);
        } else if (c == '*' || c == '?' || c == '[') {
            buf_printf(&b, "[%c]", c);
        } else {
            buf_add(&b, c == '\\' ? S(BACKSLASH) : str_sub(path, i, 1));
        }
    }
    return buf_str(&b);
}
