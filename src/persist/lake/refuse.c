#include "persist/lake/refuse.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "persist/lake/schema.h"

enum { SQL_BYTES_MAX = 1 << 16 };

enum outcome refuse_open(struct refused **out, struct failure *f)
{
    void *const at = mmap(NULL, sizeof **out, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                          -1, 0);
    *out = at == MAP_FAILED ? NULL : at;
    return *out ? OK : failed_errno(f, RETRY, "memory for the lake's refused rows");
}

void refuse_close(struct refused *r)
{
    if (r) {
        (void)munmap(r, sizeof *r);
    }
}

const struct refused_row *refuse_note(const struct refused *r, size_t table, struct str line)
{
    char hash[REFUSED_HASH_BYTES];
    if (r->n > 0) {
        hash_128_hex(line, hash);
    }
    for (size_t i = 0; i < r->n; i++) {
        if (r->row[i].table == table && memcmp(r->row[i].hash, hash, sizeof hash) == 0) {
            return &r->row[i];
        }
    }
    return NULL;
}

void refuse_forget(struct refused *r, size_t table)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->row[i].table != table) {
            r->row[n++] = r->row[i];
        }
    }
    r->n = n;
}

/* ---- finding them ---- */

struct search {
    struct arena *arena;
    struct duck *duck;
    const struct model *model;
    size_t table;
    struct refused *refused;
    int fd;           /* memfd that DuckDB reads a part of the lines from */
    struct str *line; /* without its end                                  */
    size_t line_bytes_max;
    bool is_over; /* more than can be noted */
};

/* Whether DuckDB takes lines [from, to): one column of them, or all when it is NULL. */
static enum outcome try_lines(struct search *s, size_t from, size_t to, const struct column *column,
                              struct failure *f)
{
    struct buf sql;
    const char *const begin = s->line[from].at;
    const struct str last = s->line[to - 1];
    const struct str lines = {begin, (size_t)(last.at - begin) + last.len};
    if (ftruncate(s->fd, 0) != 0) {
        return failed_errno(f, RETRY, "memory for the lake's refused rows");
    }
    const enum outcome result = file_write_at(s->fd, lines, 0, f);
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT count(COLUMNS(*)) FROM read_json('/proc/self/fd/%d', "
               "format = 'newline_delimited', maximum_object_size = %zu, columns = ",
               s->fd, s->line_bytes_max + 1024);
    if (column) {
        schema_add_column(&sql, column);
    } else {
        schema_add_columns(&sql, s->model);
    }
    buf_add(&sql, S(")"));
    buf_add_byte(&sql, '\0');
    return result == OK ? duck_run(s->duck, buf_str(&sql).at, f) : result;
}

/* The engine's sentence without the name of a file that nobody can look at, and without its advice.
 */
static struct str reason_of(const struct failure *why)
{
    static const struct str mark = STR("in line 1: ");
    struct str rest;
    const struct str text = str_cut(str_of(why->text), '\n', &rest);
    for (size_t i = 0; i + mark.len < text.len; i++) {
        if (str_eq(str_sub(text, i, mark.len), mark)) {
            return str_sub(text, i + mark.len, text.len);
        }
    }
    return text;
}

static void note(struct search *s, size_t i, const struct failure *why)
{
    struct failure at;
    const struct column *guilty = NULL;
    for (size_t k = 0; k < s->model->columns_n && !guilty; k++) {
        const struct column *const c = &s->model->columns[k];
        if (column_is_in_fact(c) && try_lines(s, i, i + 1, c, &at) == REJECT) {
            guilty = c;
        }
    }
    if (s->refused->n == REFUSED_MAX) {
        s->is_over = true;
        return;
    }
    struct refused_row *const row = &s->refused->row[s->refused->n];
    const struct str pointer = arena_printf(s->arena, "%s%s", guilty ? "/" : "",
                                            guilty ? guilty->name : "");
    row->table = s->table;
    hash_128_hex(s->line[i], row->hash);
    (void)failed_at(&row->why, REJECT, pointer.at, "the lake does not take it: %.*s",
                    STR_ARG(reason_of(guilty ? &at : why)));
    s->refused->n++;
}

/* Halves until single rows are left: refused * log2(rows) readings. Depth: log2(rows). */
static enum outcome halve(struct search *s, size_t from, size_t to, struct failure *f)
{
    struct failure why;
    enum outcome result = s->is_over ? OK : try_lines(s, from, to, NULL, &why);
    if (result == REJECT && to - from == 1) {
        note(s, from, &why);
        return OK;
    }
    if (result == REJECT) {
        const size_t middle = from + (to - from) / 2;
        result = halve(s, from, middle, f);
        return result == OK ? halve(s, middle, to, f) : result;
    }
    if (result != OK) {
        *f = why;
    }
    return result;
}

static enum outcome search(struct search *s, struct str lines, size_t rows, struct failure *f)
{
    size_t n = 0;
    s->line = arena_array(s->arena, struct str, rows);
    while (lines.len > 0 && n < rows) {
        s->line[n++] = str_cut(lines, '\n', &lines);
    }
    s->fd = memfd_create("weir-refused", MFD_CLOEXEC);
    if (s->fd < 0) {
        return failed_errno(f, RETRY, "memory for the lake's refused rows");
    }
    const enum outcome result = n > 0 ? halve(s, 0, n, f) : OK;
    close(s->fd); /* memory */
    return result;
}

enum outcome refuse_find(struct lake *l, struct duck *d, size_t table, const struct lake_part *p,
                         const struct failure *why, struct failure *f)
{
    const char *const name = l->table[table].model->name;
    const size_t before = l->refused->n;
    struct search s = {.arena = &l->scratch,
                       .duck = d,
                       .model = l->table[table].model,
                       .table = table,
                       .refused = l->refused,
                       .line_bytes_max = p->line_bytes_max};
    const char *const lines = mmap(NULL, p->bytes, PROT_READ, MAP_SHARED, p->fd, 0);
    if (lines == MAP_FAILED) {
        return failed_errno(f, RETRY, "memory for the lake's refused rows");
    }
    const enum outcome result = search(&s, (struct str){lines, p->bytes}, p->rows, f);
    (void)munmap((void *)(uintptr_t)lines, p->bytes);
    if (result != OK) {
        return result;
    }
    if (s.is_over) {
        refuse_forget(l->refused, table);
        return failed(f, RETRY,
                      "table %s of the lake: more than %d rows are refused, so it is no matter of "
                      "single rows: %s",
                      name, REFUSED_MAX, why->text);
    }
    if (l->refused->n == before) {
        return failed(f, STOP, "table %s of the lake takes no rows, though each alone is well: %s",
                      name, why->text);
    }
    (void)failed(f, RETRY, "table %s of the lake: %zu rows are refused and become dead letters",
                 name, l->refused->n - before);
    f->cause = CAUSE_REFUSED;
    return RETRY;
}

enum outcome refuse_large(struct lake *l, size_t table, const struct lake_part *p,
                          const struct failure *why, struct failure *f)
{
    struct refused_row *const row = &l->refused->row[l->refused->n];
    const char *const name = l->table[table].model->name;
    if (l->refused->n == REFUSED_MAX) {
        return failed(f, RETRY, "table %s of the lake: more than %d rows are refused: %s", name,
                      REFUSED_MAX, why->text);
    }
    const char *const line = mmap(NULL, p->bytes, PROT_READ, MAP_SHARED, p->fd, 0);
    if (line == MAP_FAILED) {
        return failed_errno(f, RETRY, "memory for the lake's refused rows");
    }
    row->table = table;
    hash_128_hex((struct str){line, p->bytes - 1}, row->hash);
    (void)munmap((void *)(uintptr_t)line, p->bytes);
    (void)failed(&row->why, REJECT,
                 "a row of %zu bytes for table %s of the lake: raise lake.memory_bytes_max and "
                 "send it again (weir dead retry): %s",
                 p->bytes, name, why->text);
    l->refused->n++;
    (void)failed(f, RETRY, "table %s of the lake: a row of %zu bytes is refused: %s", name,
                 p->bytes, why->text);
    f->cause = CAUSE_REFUSED;
    return RETRY;
}
