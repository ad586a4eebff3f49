#include "persist/lake/part.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "persist/lake/refuse.h"
#include "persist/lake/schema.h"
#include "persist/lake/stage.h"

enum {
    SQL_BYTES_MAX = 1 << 20,
    LINE_FACTOR = 8,       /* memory for a byte of the longest line: seen 2 to 6              */
    LINE_FACTOR_MOST = 16, /* and at most, where that is not enough                          */
};

void part_writer_init(struct part_writer *w, struct lake *l)
{
    *w = (struct part_writer){.lake = l};
    for (size_t i = 0; i < l->tables_n; i++) {
        for (size_t k = 0; l->table[i].is_chosen && k < l->lanes_n; k++) {
            const size_t line = l->table[i].part[k].line_bytes_max;
            w->line_bytes_max = line > w->line_bytes_max ? line : w->line_bytes_max;
        }
    }
    w->memory_bytes = l->config->lake.memory_bytes_max + LINE_FACTOR * w->line_bytes_max;
}

void part_writer_close(struct part_writer *w)
{
    duck_close(w->duck);
    w->duck = NULL;
}

enum outcome part_writer_duck(struct part_writer *w, struct failure *f)
{
    const struct duck_options o = {.memory_bytes_max = w->memory_bytes, .threads = 1};
    return w->duck ? OK : duck_open(&w->lake->scratch, &o, &w->duck, f);
}

/* One part, or a piece of it. */
struct piece {
    struct lake_table *table;
    struct lake_part part;
    struct str prefix; /* of its files' names */
    struct buf *actions;
};

/* Rows of one day, as a live stream has them, cost two thirds of what sorting them into days does.
 */
static enum outcome write_rows(struct part_writer *w, struct stage *s, const struct piece *p,
                               struct failure *f)
{
    struct buf sql;
    enum outcome result = REJECT;
    buf_init(&sql, &w->lake->scratch, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT * FROM read_json('/proc/self/fd/%d', format = 'newline_delimited', "
               "maximum_object_size = %zu, columns = ",
               p->part.fd, p->part.line_bytes_max + 1024);
    schema_add_columns(&sql, p->table->model);
    buf_add_byte(&sql, ')');
    if (p->part.day != LAKE_DAYS) {
        result = stage_write_day(s, buf_str(&sql), p->part.day, f);
    }
    return result == REJECT ? stage_write(s, buf_str(&sql), f) : result;
}

static enum outcome write_once(struct part_writer *w, const struct piece *p, struct failure *f)
{
    struct stage s;
    struct failure why;
    struct lake *const l = w->lake;
    enum outcome result = part_writer_duck(w, f);
    if (result == OK) {
        result = stage_open(&s, &l->scratch, w->duck, &p->table->log, f);
    }
    if (result != OK) {
        return result;
    }
    result = write_rows(w, &s, p, &why);
    if (result == OK) {
        result = stage_put(&s, p->prefix, true, p->actions, f);
    } else if (result == REJECT) {
        result = refuse_find(l, w->duck, (size_t)(p->table - l->table), &p->part, &why, f);
    } else {
        *f = why;
    }
    stage_close(&s);
    return result;
}

static bool is_short_of_memory(enum outcome result, const struct failure *f)
{
    return result == RETRY && f->cause == CAUSE_MEMORY;
}

/* In as much memory as there is for it. */
static enum outcome write_whole(struct part_writer *w, const struct piece *p, struct failure *f)
{
    const size_t most = w->lake->config->lake.memory_bytes_max +
                        LINE_FACTOR_MOST * w->line_bytes_max;
    const size_t actions = p->actions->len;
    const enum outcome result = write_once(w, p, f);
    if (!is_short_of_memory(result, f) || w->memory_bytes >= most) {
        return result;
    }
    part_writer_close(w);
    w->memory_bytes = most;
    p->actions->len = actions; /* of files that were put: the same ones are put again */
    return write_once(w, p, f);
}

/* Some of a piece's lines as a piece of their own; its file is to be closed in any case. */
static enum outcome cut(struct str lines, size_t rows, struct piece *out, struct failure *f)
{
    out->part.rows = rows;
    out->part.bytes = lines.len;
    out->part.fd = memfd_create("weir-rows", MFD_CLOEXEC);
    return out->part.fd >= 0 ? file_write_at(out->part.fd, lines, 0, f)
                             : failed_errno(f, RETRY, "memory for rows");
}

static enum outcome halve(const struct piece *p, struct piece half[2], struct failure *f)
{
    const char *const at = mmap(NULL, p->part.bytes, PROT_READ, MAP_SHARED, p->part.fd, 0);
    half[0] = half[1] = *p;
    half[0].part.fd = half[1].part.fd = -1;
    if (at == MAP_FAILED) {
        return failed_errno(f, RETRY, "memory for rows");
    }
    const struct str all = {at, p->part.bytes};
    const size_t rows = p->part.rows / 2;
    struct str rest = all;
    for (size_t i = 0; i < rows; i++) {
        (void)str_cut(rest, '\n', &rest);
    }
    enum outcome result = cut(str_sub(all, 0, all.len - rest.len), rows, &half[0], f);
    if (result == OK) {
        result = cut(rest, p->part.rows - rows, &half[1], f);
    }
    (void)munmap((void *)(uintptr_t)at, p->part.bytes);
    return result;
}

static bool is_refused(enum outcome result, const struct failure *f)
{
    return result == RETRY && f->cause == CAUSE_REFUSED;
}

/* Halves until there is room, or single rows are left. Depth: log2(rows). */
static enum outcome write_piece(struct part_writer *w, const struct piece *p, struct failure *f)
{
    struct piece half[2];
    struct failure why;
    const enum outcome whole = write_whole(w, p, &why);
    if (!is_short_of_memory(whole, &why)) {
        *f = why;
        return whole;
    }
    if (p->part.rows == 1) {
        return refuse_large(w->lake, (size_t)(p->table - w->lake->table), &p->part, &why, f);
    }
    enum outcome result = halve(p, half, f);
    for (size_t i = 0; i < 2; i++) {
        struct arena *const a = &w->lake->scratch;
        half[i].prefix = arena_printf(a, "%.*s-%zu", STR_ARG(p->prefix),
                                      i);            /* twins are two files */
        if (result == OK || is_refused(result, f)) { /* refused rows of both are noted */
            const enum outcome written = write_piece(w, &half[i], &why);
            *f = written == OK ? *f : why;
            result = written == OK ? result : written;
        }
        if (half[i].part.fd >= 0) {
            close(half[i].part.fd); /* memory */
        }
    }
    return result;
}

enum outcome part_write(struct part_writer *w, struct lake_table *t, size_t lane,
                        struct buf *actions, struct failure *f)
{
    const struct lake_part *const part = &t->part[lane];
    const struct str prefix = arena_printf(
        &w->lake->scratch, "%.*s-%llu-%llu", STR_ARG(w->lake->lane[lane].lane.name),
        (unsigned long long)part->first.at, (unsigned long long)part->last.at);
    return write_piece(w, &(struct piece){t, *part, prefix, actions}, f);
}
