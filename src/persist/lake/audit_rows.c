#include "persist/lake/audit_rows.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PASS_ROWS = 500000, /* of files of several days; a day alone may have more: it is parted  */
    PASS_FILES = 1000,
    ROW_BYTES_LEAST = 16, /* in a file, where its log does not say how many it holds          */
    SQL_BYTES_MAX = 16 << 20,
};
#define LIST_BYTES_MAX ((size_t)1 << 30)

/* Files of whole days, and one of the parts that their facts are counted in. */
struct pass {
    struct str *path;
    size_t n;
    int64_t rows;
};

struct counts {
    int64_t rows, facts, ids; /* all; distinct ones of one signal; distinct ones */
};

/* A file as it was when the log was read: what comes meanwhile moves the log's own. */
struct item {
    struct str path, day;
    int64_t rows;
};

static int by_day(const void *a, const void *b)
{
    const struct item *const x = a, *const y = b;
    const int order = str_cmp(x->day, y->day);
    return order != 0 ? order : str_cmp(x->path, y->path);
}

/* `read_parquet([…], …)` of those that are still live. */
static size_t add_files(struct buf *b, const struct audit_rows *w, const struct pass *p)
{
    const struct delta *const log = w->log;
    size_t n = 0;
    buf_add(b, S(" FROM read_parquet(["));
    for (size_t i = 0; i < p->n; i++) {
        const struct delta_file *const file = delta_find(log, p->path[i]);
        if (file && !file->removed_ms) {
            const struct str key = arena_printf(w->scratch, "%.*s/%.*s", STR_ARG(log->table),
                                                STR_ARG(p->path[i]));
            buf_add(b, n++ ? S(", ") : S(""));
            const struct str at = files_path(log->files, w->scratch, key);
            duck_add_literal(b, duck_pattern(w->scratch, at));
        }
    }
    buf_add(b, S("], hive_partitioning = false, union_by_name = true"));
    return n;
}

/* The file of the table that stands at this path on the disk. */
static const struct delta_file *file_at(const struct audit_rows *w, struct str path)
{
    const size_t above = files_path(w->log->files, w->scratch, w->log->table).len + 1;
    return path.len > above ? delta_find(w->log, str_sub(path, above, path.len)) : NULL;
}

static enum outcome compare_files(const struct audit_rows *w, const struct pass *p,
                                  struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    buf_init(&sql, w->scratch, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT filename, count(fact_id)"));
    if (add_files(&sql, w, p) == 0) {
        return OK;
    }
    buf_add(&sql, S(", filename = true) GROUP BY filename"));
    buf_add_byte(&sql, '\0');
    const enum outcome result = duck_query(*w->duck, buf_str(&sql).at, &r, f);
    while (result == OK && duck_next(&r)) {
        const struct delta_file *const file = file_at(w, duck_text(&r, 0));
        const int64_t rows = duck_i64(&r, 1);
        if (file && file->rows >= 0 && file->rows != rows) {
            w->report->found(w->report->to,
                             arena_printf(w->scratch,
                                          "lake: %s/%.*s holds %" PRId64 " facts, and the log of "
                                          "the table says %" PRId64
                                          ": rebuild the table with weir replay",
                                          w->model->name, STR_ARG(file->path), rows, file->rows));
        }
    }
    duck_result_close(&r);
    return result;
}

/* Facts whose ids fall into part `part` of `parts`. */
static enum outcome count_part(const struct audit_rows *w, const struct pass *p, int64_t part,
                               int64_t parts, struct counts *sum, struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    buf_init(&sql, w->scratch, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT coalesce(sum(n), 0)::BIGINT, count(*)::BIGINT, "
                    "count(DISTINCT fact_id)::BIGINT FROM (SELECT fact_id, raw, count(*) AS n"));
    if (add_files(&sql, w, p) == 0) {
        return OK;
    }
    buf_printf(&sql, ") WHERE hash(fact_id) %% %" PRId64 " = %" PRId64 " GROUP BY fact_id, raw)",
               parts, part);
    buf_add_byte(&sql, '\0');
    const enum outcome result = duck_query(*w->duck, buf_str(&sql).at, &r, f);
    if (result == OK && duck_next(&r)) {
        sum->rows += duck_i64(&r, 0);
        sum->facts += duck_i64(&r, 1);
        sum->ids += duck_i64(&r, 2);
    }
    duck_result_close(&r);
    return result;
}

static enum outcome try_pass(const struct audit_rows *w, const struct pass *p, struct counts *out,
                             struct failure *f)
{
    const int64_t parts = p->rows / PASS_ROWS + 1;
    enum outcome result = compare_files(w, p, f);
    *out = (struct counts){0};
    for (int64_t part = 0; part < parts && result == OK; part++) {
        result = count_part(w, p, part, parts, out, f);
    }
    return result;
}

static size_t live_of(const struct audit_rows *w, const struct pass *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct delta_file *const file = delta_find(w->log, p->path[i]);
        n += file && !file->removed_ms;
    }
    return n;
}

/* A file that was merged and vacuumed while it was read: once more without it. */
static enum outcome count_pass(const struct audit_rows *w, const struct pass *p, struct counts *sum,
                               struct failure *f)
{
    struct counts c;
    for (;;) {
        const size_t live = live_of(w, p);
        enum outcome result = try_pass(w, p, &c, f);
        if (result == OK) {
            break;
        }
        struct failure why = *f;
        result = delta_update(w->log, f);
        if (result != OK) {
            return result;
        }
        if (live_of(w, p) == live) {
            *f = why;
            return f->outcome = RETRY;
        }
    }
    sum->rows += c.rows;
    sum->facts += c.facts;
    sum->ids += c.ids;
    return OK;
}

static void tell(const struct audit_rows *w, const struct counts *sum)
{
    struct audit_to *const report = w->report;
    report->distinct += (size_t)sum->ids;
    if (sum->rows == sum->facts) {
        return;
    }
    const bool is_raw = str_eq(str_of(w->model->name), S("raw"));
    (is_raw ? report->found : report->noted)(
        report->to,
        arena_printf(w->scratch,
                     "lake: table %s holds %" PRId64 " %s, of which %" PRId64 " stand there twice"
                     "%s",
                     w->model->name, sum->rows, is_raw ? "raw signals" : "facts",
                     sum->rows - sum->facts,
                     is_raw ? ": restore its folder from a copy"
                            : " from one signal, which may tell them twice; they count once"));
}

/* The next pass: whole days, up to a number of rows. */
static size_t take_days(struct arena *a, const struct item *file, size_t n, struct pass *out)
{
    size_t taken = 0;
    *out = (struct pass){0};
    for (size_t k = 0, end; k < n; k = taken = end) {
        int64_t rows = 0;
        for (end = k; end < n && str_eq(file[end].day, file[k].day); end++) {
            rows += file[end].rows;
        }
        if (k > 0 && (out->rows + rows > PASS_ROWS || end > PASS_FILES)) {
            break;
        }
        out->rows += rows;
    }
    out->path = arena_array(a, struct str, taken);
    for (; out->n < taken; out->n++) {
        out->path[out->n] = file[out->n].path;
    }
    return taken;
}

static size_t list_files(const struct audit_rows *w, struct arena *a, struct item **out)
{
    size_t n = 0;
    *out = arena_array(a, struct item, w->log->files_n);
    for (size_t i = 0; i < w->log->files_n; i++) {
        const struct delta_file *const file = &w->log->file[i];
        if (!file->removed_ms && !file->is_damaged) {
            const int64_t rows = file->rows >= 0 ? file->rows : file->bytes / ROW_BYTES_LEAST;
            (*out)[n++] = (struct item){file->path, file->day, rows};
        }
    }
    qsort(*out, n, sizeof **out, by_day);
    return n;
}

enum outcome audit_rows(const struct audit_rows *w, struct failure *f)
{
    const struct duck_options o = {.memory_bytes_max = w->memory_bytes_max, .threads = 1};
    struct counts sum = {0};
    struct arena list;
    struct item *file = NULL;
    size_t done = 0;
    arena_init(&list, LIST_BYTES_MAX);
    const size_t n = list_files(w, &list, &file);
    enum outcome result = n > 0 && !*w->duck ? duck_open(w->life, &o, w->duck, f) : OK;
    while (done < n && result == OK) {
        struct pass p;
        done += take_days(&list, file + done, n - done, &p);
        result = count_pass(w, &p, &sum, f);
        w->report->looked(w->report->to, w->model->name, done, n);
        arena_reset(w->scratch);
    }
    if (result == OK) {
        tell(w, &sum);
    }
    arena_close(&list);
    return result;
}
