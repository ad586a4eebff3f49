#include "persist/sink/parquet.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "persist/lake/child.h"
#include "wire/duckdb.h"
#include "wire/json.h"

/* Up to there each whole number is a DOUBLE. */
#define WHOLE_MAX (UINT64_C(1) << 53)
enum { COLUMNS_MAX = 1000, MEMORY_BYTES_MAX = 512 << 20, PATH_BYTES = 40, SQL_BYTES_MAX = 4 << 20 };
#define LINES_BYTES_MAX ((size_t)1 << 30)
/* DuckDB takes memory for the largest dictionary of each column, at once. */
enum { DICTIONARY_BYTES_MAX = 1 << 20, DICTIONARIES_BYTES_MAX = 64 << 20 };

/* What values of a column are: a bit each. */
enum kind {
    KIND_WHOLE = 1, /* a whole number that a DOUBLE holds, too */
    KIND_LARGE = 2, /* … that only a BIGINT holds              */
    KIND_REAL = 4,
    KIND_BOOL = 8,
    KIND_TIME = 16, /* a text that is one, under a name of times */
    KIND_OTHER = 32 /* texts, objects, lists, larger numbers     */
};

/* A column of the file, and where a record has it. */
struct column {
    struct str name, from;
    const char *type; /* DuckDB's */
    unsigned kinds;
};

struct making {
    struct arena *arena;
    const struct sink_encoding_config *config;
    struct column column[COLUMNS_MAX];
    size_t n;
    bool is_found; /* by looking at the records: names are keys, taken as they are */
    int in, out;   /* memory files: rows, Parquet */
};

/* ---- columns ---- */

static const char *const types[] = {[COLUMN_BYTE_ARRAY] = "VARCHAR",
                                    [COLUMN_DOUBLE] = "DOUBLE",
                                    [COLUMN_INT64] = "BIGINT",
                                    [COLUMN_BOOLEAN] = "BOOLEAN"};

static bool is_time_name(struct str key)
{
    return str_eq(key, S("timestamp")) || str_eq(key, S("time")) || str_eq(key, S("window")) ||
           str_eq(key, S("grain_datetime"));
}

static unsigned kind_of(struct str name, yyjson_val *value)
{
    int64_t us = 0;
    if (yyjson_is_null(value)) {
        return 0;
    }
    if (yyjson_is_int(value)) {
        const uint64_t size = yyjson_is_sint(value) && yyjson_get_sint(value) < 0
                                  ? -(uint64_t)yyjson_get_sint(value)
                                  : yyjson_get_uint(value);
        return size <= WHOLE_MAX ? KIND_WHOLE : size <= INT64_MAX ? KIND_LARGE : KIND_OTHER;
    }
    return yyjson_is_real(value)   ? KIND_REAL
           : yyjson_is_bool(value) ? KIND_BOOL
           : is_time_name(name) && yyjson_is_str(value) && clock_parse(json_text(value), &us)
               ? KIND_TIME
               : KIND_OTHER;
}

/* That holds all of these as they are. Numbers are DOUBLE as long as they can be: objects of one
 * sink are read together. */
static const char *type_of(const struct column *c)
{
    const unsigned kinds = c->kinds;
    return kinds == 0 ? is_time_name(c->name) ? "TIMESTAMPTZ" : "VARCHAR"
           : (kinds & ~(unsigned)(KIND_WHOLE | KIND_REAL)) == 0  ? "DOUBLE"
           : (kinds & ~(unsigned)(KIND_WHOLE | KIND_LARGE)) == 0 ? "BIGINT"
           : kinds == KIND_BOOL                                  ? "BOOLEAN"
           : kinds == KIND_TIME                                  ? "TIMESTAMPTZ"
                                                                 : "VARCHAR";
}

/* The column of this name, which most records have in the same place; NULL: one too many. */
static struct column *column_of(struct making *m, struct str name, size_t place)
{
    size_t k = place < m->n && str_eq(m->column[place].from, name) ? place : 0;
    while (k < m->n && !str_eq(m->column[k].from, name)) {
        k++;
    }
    if (k == COLUMNS_MAX) {
        return NULL;
    }
    if (k == m->n) {
        const struct str own = arena_str(m->arena, name);
        m->column[m->n++] = (struct column){.name = own, .from = own};
    }
    return &m->column[k];
}

static enum outcome find_columns(struct making *m, struct str lines, struct failure *f)
{
    struct arena scratch;
    enum outcome result = OK;
    arena_init(&scratch, LINES_BYTES_MAX);
    while (lines.len > 0 && result == OK) {
        yyjson_doc *doc = NULL;
        size_t i = 0, n = 0;
        yyjson_val *key = NULL, *value = NULL;
        arena_reset(&scratch);
        result = json_read(&scratch, str_cut(lines, '\n', &lines), &doc, f);
        yyjson_obj_foreach(result == OK ? yyjson_doc_get_root(doc) : NULL, i, n, key, value)
        {
            const struct str name = json_text(key);
            if (name.len == 0 || str_find(name, '\0') < name.len) {
                result = failed(f, REJECT, "a member's name is empty or holds U+0000: no column");
                break;
            }
            struct column *const c = column_of(m, name, i);
            if (!c) {
                result = failed(f, REJECT, "more than %d members: columns of Parquet", COLUMNS_MAX);
                break;
            }
            c->kinds |= kind_of(c->from, value);
        }
    }
    arena_close(&scratch);
    for (size_t i = 0; i < m->n; i++) {
        m->column[i].type = type_of(&m->column[i]);
    }
    return result;
}

static void take_schema(struct making *m)
{
    const struct sink_column *const own = m->config->schema.at;
    for (size_t i = 0; i < m->config->schema.n && i < COLUMNS_MAX; i++) {
        m->column[m->n++] = (struct column){.name = own[i].name,
                                            .from = own[i].from.len > 0 ? own[i].from : own[i].name,
                                            .type = types[own[i].type]};
    }
}

/* ---- rows ---- */

/* By its key as it is; by path; `tags_K` as the tag K of either shape. */
static yyjson_val *member(struct making *m, struct arena *scratch, yyjson_val *root,
                          struct str from)
{
    yyjson_val *value = json_get(root, from);
    const struct str start = S("tags_");
    if (!value && !m->is_found) {
        value = json_at(root, from);
    }
    if (!value && !m->is_found && str_starts(from, start)) {
        const struct str tag = str_sub(from, start.len, from.len);
        value = json_get(json_get(root, S("tags")), tag);
        value = value ? value : json_get(root, arena_printf(scratch, "tag.%.*s", STR_ARG(tag)));
    }
    return value;
}

/* A number that a BIGINT holds as it is. */
static bool whole_of(yyjson_val *value, int64_t *out)
{
    if (yyjson_is_real(value)) {
        const double real = yyjson_get_real(value);
        const double end = 9223372036854775808.0; /* 2^63 */
        const bool is_in = real >= -end && real < end;
        *out = is_in ? (int64_t)real : 0;
        return is_in && fpclassify(real - (double)*out) == FP_ZERO;
    }
    *out = yyjson_get_sint(value);
    return !yyjson_is_uint(value) || yyjson_get_uint(value) <= INT64_MAX;
}

/* What is of another kind is null. returns OK | REJECT a number that the column cannot hold */
static enum outcome add_cell(struct buf *b, struct arena *scratch, const struct column *c,
                             yyjson_val *value, struct failure *f)
{
    int64_t whole = 0;
    char time[CLOCK_TEXT_BYTES];
    const bool is_text = yyjson_is_str(value), is_number = yyjson_is_num(value);
    const bool is_time = is_text && clock_parse(json_text(value), &whole);
    if (strcmp(c->type, "VARCHAR") == 0 && !yyjson_is_null(value)) {
        buf_add_json(b, is_text ? json_text(value) : json_write(scratch, value));
    } else if (strcmp(c->type, "BIGINT") == 0 && is_time) {
        buf_add_i64(b, whole);
    } else if (strcmp(c->type, "BIGINT") == 0 && is_number) {
        if (!whole_of(value, &whole)) {
            return failed(f, REJECT, "%.*s is %.*s, which no INT64 is (encoding.config.schema)",
                          STR_ARG(c->from), STR_ARG(json_write(scratch, value)));
        }
        buf_add_i64(b, whole);
    } else if (strcmp(c->type, "TIMESTAMPTZ") == 0 && is_time) {
        (void)clock_text(whole, time);
        buf_add_json(b, str_of(time));
    } else if (strcmp(c->type, "DOUBLE") == 0
                   ? is_number
                   : strcmp(c->type, "BOOLEAN") == 0 && yyjson_is_bool(value)) {
        buf_add(b, json_write(scratch, value));
    } else {
        buf_add(b, S("null"));
    }
    return OK;
}

/* One record as the line that is read back. */
static enum outcome add_row(struct making *m, struct arena *scratch, struct str line, struct buf *b,
                            struct failure *f)
{
    yyjson_doc *doc = NULL;
    bool is_first = true;
    enum outcome result = json_read(scratch, line, &doc, f);
    yyjson_val *const root = result == OK ? yyjson_doc_get_root(doc) : NULL;
    buf_add_byte(b, '{');
    for (size_t i = 0; i < m->n && result == OK; i++) {
        yyjson_val *const value = member(m, scratch, root, m->column[i].from);
        if (value) {
            buf_printf(b, "%s\"c%zu\":", is_first ? "" : ",", i);
            result = add_cell(b, scratch, &m->column[i], value, f);
            is_first = false;
        }
    }
    buf_add(b, S("}\n"));
    return result;
}

static enum outcome write_rows(struct making *m, struct str lines, struct failure *f)
{
    struct arena scratch;
    struct buf b;
    enum outcome result = OK;
    arena_init(&scratch, LINES_BYTES_MAX);
    while (lines.len > 0 && result == OK) {
        arena_reset(&scratch);
        buf_init(&b, &scratch, LINES_BYTES_MAX / 2);
        result = add_row(m, &scratch, str_cut(lines, '\n', &lines), &b, f);
        result = result == OK ? file_write(m->in, buf_str(&b), f) : result;
    }
    arena_close(&scratch);
    return result;
}

/* ---- the file ---- */

static void add_name(struct buf *b, struct str name)
{
    buf_add_byte(b, '"');
    for (size_t i = 0; i < name.len; i++) {
        buf_add(b, name.at[i] == '"' ? S("\"\"") : str_sub(name, i, 1));
    }
    buf_add_byte(b, '"');
}

/* In the child. */
static enum outcome copy(void *to, struct failure *f)
{
    struct making *const m = to;
    const struct duck_options o = {.memory_bytes_max = MEMORY_BYTES_MAX, .threads = 1};
    struct duck *duck = NULL;
    struct buf sql;
    const struct str asked = m->config->compression;
    const struct str compression = str_eq(asked, S("none")) ? S("uncompressed")
                                   : asked.len > 0          ? asked
                                                            : S("zstd");
    buf_init(&sql, m->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY (SELECT "));
    for (size_t i = 0; i < m->n; i++) {
        buf_printf(&sql, "%sc%zu AS ", i > 0 ? ", " : "", i);
        add_name(&sql, m->column[i].name);
    }
    buf_printf(&sql,
               " FROM read_json('/proc/self/fd/%d', format = 'newline_delimited', "
               "maximum_object_size = 134217728, columns = {",
               m->in);
    for (size_t i = 0; i < m->n; i++) {
        buf_printf(&sql, "%sc%zu: '%s'", i > 0 ? ", " : "", i, m->column[i].type);
    }
    assert(m->n > 0); /* an object has a record, and a record a member: parquet_fits */
    const size_t share = DICTIONARIES_BYTES_MAX / m->n;
    buf_printf(&sql,
               "})) TO '/proc/self/fd/%d' (FORMAT parquet, COMPRESSION %.*s, "
               "STRING_DICTIONARY_PAGE_SIZE_LIMIT %zu, USE_TMP_FILE false)",
               m->out, STR_ARG(compression),
               share < DICTIONARY_BYTES_MAX ? share : DICTIONARY_BYTES_MAX);
    buf_add_byte(&sql, '\0');
    enum outcome result = duck_open(m->arena, &o, &duck, f);
    if (result == OK) {
        result = duck_run(duck, buf_str(&sql).at, f);
    }
    duck_close(duck);
    return result;
}

static enum outcome make(struct making *m, struct str lines, struct str *out, struct failure *f)
{
    struct stat st;
    enum outcome result = OK;
    m->is_found = m->config->schema.n == 0;
    if (m->is_found) {
        result = find_columns(m, lines, f);
    } else {
        take_schema(m);
    }
    if (result == OK && m->n == 0) {
        result = failed(f, REJECT, "the records have no members: nothing for Parquet's columns");
    }
    if (result == OK) {
        result = write_rows(m, lines, f);
    }
    if (result == OK) {
        result = child_run(copy, m, &(struct child_watch){NULL, CHILD_STILL_MS_MAX}, f);
    }
    if (result != OK) {
        return result;
    }
    if (fstat(m->out, &st) != 0) {
        return failed_errno(f, RETRY, "look at the Parquet file");
    }
    char *const bytes = arena_array(m->arena, char, (size_t)st.st_size);
    for (off_t at = 0; at < st.st_size;) {
        const ssize_t n = pread(m->out, bytes + at, (size_t)(st.st_size - at), at);
        if (n <= 0) {
            return failed_errno(f, RETRY, "read the Parquet file");
        }
        at += n;
    }
    *out = (struct str){bytes, (size_t)st.st_size};
    return OK;
}

enum outcome parquet_fits(struct str line, const struct sink_encoding_config *config,
                          struct failure *f)
{
    struct arena scratch;
    struct buf b;
    arena_init(&scratch, LINES_BYTES_MAX);
    struct making *const m = arena_new(&scratch, struct making);
    *m = (struct making){.arena = &scratch, .config = config, .is_found = config->schema.n == 0};
    enum outcome result = OK;
    if (m->is_found) {
        result = find_columns(m, line, f);
        if (result == OK && m->n == 0) {
            result = failed(f, REJECT, "the record has no members: nothing for Parquet's columns");
        }
    } else {
        take_schema(m);
        buf_init(&b, &scratch, LINES_BYTES_MAX / 2);
        result = add_row(m, &scratch, line, &b, f);
    }
    arena_close(&scratch);
    return result;
}

enum outcome parquet_of_lines(struct arena *a, struct str lines,
                              const struct sink_encoding_config *config, struct str *out,
                              struct failure *f)
{
    struct making *const m = arena_new(a, struct making);
    *m = (struct making){.arena = a, .config = config};
    m->in = memfd_create("weir-rows", MFD_CLOEXEC);
    m->out = memfd_create("weir-parquet", MFD_CLOEXEC);
    const enum outcome result = m->in < 0 || m->out < 0
                                    ? failed_errno(f, RETRY, "memory for a Parquet file")
                                    : make(m, lines, out, f);
    if (m->in >= 0) {
        close(m->in);
    }
    if (m->out >= 0) {
        close(m->out);
    }
    return result;
}
