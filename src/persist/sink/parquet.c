#include "persist/sink/parquet.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "persist/lake/child.h"
#include "wire/duckdb.h"
#include "wire/json.h"

enum { COLUMNS_MAX = 1000, MEMORY_BYTES_MAX = 512 << 20, PATH_BYTES = 40, SQL_BYTES_MAX = 4 << 20 };
#define LINES_BYTES_MAX ((size_t)1 << 30)

/* A column of the file, and where a record has it. */
struct column {
    struct str name, from;
    const char *type; /* DuckDB's */
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
            size_t k = 0;
            while (k < m->n && !str_eq(m->column[k].name, name)) {
                k++;
            }
            if (k == COLUMNS_MAX || (k < m->n && m->column[k].type)) {
                continue;
            }
            if (k == m->n) {
                const struct str own = arena_str(m->arena, name);
                m->column[m->n++] = (struct column){.name = own, .from = own};
            }
            m->column[k].type = is_time_name(name)      ? "TIMESTAMPTZ"
                                : yyjson_is_num(value)  ? "DOUBLE"
                                : yyjson_is_bool(value) ? "BOOLEAN"
                                : yyjson_is_null(value) ? NULL
                                                        : "VARCHAR";
        }
    }
    arena_close(&scratch);
    for (size_t i = 0; i < m->n; i++) {
        m->column[i].type = m->column[i].type ? m->column[i].type : "VARCHAR";
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

static void add_cell(struct buf *b, struct arena *scratch, const char *type, yyjson_val *value)
{
    int64_t us = 0;
    const struct str text = json_text(value);
    const bool is_text = yyjson_is_str(value);
    if (strcmp(type, "VARCHAR") == 0 && !is_text) {
        buf_add_json(b, json_write(scratch, value));
    } else if (strcmp(type, "BIGINT") == 0 && is_text) {
        if (clock_parse(text, &us)) {
            buf_add_i64(b, us);
        } else {
            buf_add(b, S("null"));
        }
    } else if (strcmp(type, "BIGINT") == 0 && yyjson_is_real(value)) {
        buf_printf(b, "%.0f", yyjson_get_real(value));
    } else if ((strcmp(type, "DOUBLE") == 0 || strcmp(type, "BIGINT") == 0)
                   ? !yyjson_is_num(value)
                   : strcmp(type, "BOOLEAN") == 0 && !yyjson_is_bool(value)) {
        buf_add(b, S("null"));
    } else {
        buf_add(b, json_write(scratch, value));
    }
}

static enum outcome write_rows(struct making *m, struct str lines, struct failure *f)
{
    struct arena scratch;
    struct buf b;
    enum outcome result = OK;
    arena_init(&scratch, LINES_BYTES_MAX);
    while (lines.len > 0 && result == OK) {
        yyjson_doc *doc = NULL;
        bool is_first = true;
        arena_reset(&scratch);
        buf_init(&b, &scratch, LINES_BYTES_MAX / 2);
        result = json_read(&scratch, str_cut(lines, '\n', &lines), &doc, f);
        yyjson_val *const root = result == OK ? yyjson_doc_get_root(doc) : NULL;
        buf_add_byte(&b, '{');
        for (size_t i = 0; i < m->n; i++) {
            yyjson_val *const value = member(m, &scratch, root, m->column[i].from);
            if (value) {
                buf_printf(&b, "%s\"c%zu\":", is_first ? "" : ",", i);
                add_cell(&b, &scratch, m->column[i].type, value);
                is_first = false;
            }
        }
        buf_add(&b, S("}\n"));
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
    buf_printf(&sql,
               "})) TO '/proc/self/fd/%d' (FORMAT parquet, COMPRESSION %.*s, "
               "USE_TMP_FILE false)",
               m->out, STR_ARG(compression));
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
