/* What housekeeping does when. Small files of a day are merged once the span of time that they were
 * written in is over; of today those alone that no merge has made, so that a day's rows are
 * rewritten twice at most while it lasts. */
#include "persist/lake/tidy.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "persist/lake/schema.h"
#include "persist/lake/sound.h"
#include "persist/lake/source.h"
#include "persist/lake/stage.h"
#include "persist/lake/vacuum.h"

enum {
    SMALL_BYTES_MAX = 32 << 20,  /* a larger file is left alone                   */
    MERGE_BYTES_MAX = 128 << 20, /* of input to one merge                         */
    LATE_FILES_MIN = 4,          /* of a day already merged, before it is again   */
    MERGES_MAX = 8,              /* in one run; the flush waits for it            */
    INFLATED = 8,                /* how much larger rows are in memory, at most   */
    GROUP_BYTES = 32 << 20,
    GROUP_ROWS_MIN = 2048,
    GROUP_ROWS_MAX = 122880, /* DuckDB's own row group */
    ACTIONS_BYTES_MAX = 16 << 20,
    SELECT_BYTES_MAX = 4 << 20,
    ONE_FILE_BYTES_MAX = 2 * SMALL_BYTES_MAX,
};
/* `forever` in the configuration, and what would overflow as µs */
#define FOREVER_MS (INT64_MAX / 2000)
#define AGAIN_US (INT64_C(600) * 1000000)

static const struct str merged_prefix = STR("compact-");

/* ---- what there is ---- */

static int by_day(const void *a, const void *b)
{
    const struct delta_file *const x = *(struct delta_file *const *)a;
    const struct delta_file *const y = *(struct delta_file *const *)b;
    const int order = str_cmp(x->day, y->day);
    return order != 0 ? order : str_cmp(x->path, y->path);
}

struct live {
    struct delta_file **at;
    size_t n;
};

static struct live live_files(struct arena *a, const struct delta *log)
{
    struct live l = {arena_array(a, struct delta_file *, log->files_n), 0};
    for (size_t i = 0; i < log->files_n; i++) {
        if (!log->file[i].removed_ms) {
            l.at[l.n++] = &log->file[i];
        }
    }
    qsort(l.at, l.n, sizeof(struct delta_file *), by_day);
    return l;
}

/* The beginning of a file's day; TIME_NONE for one that is not partitioned by day. */
static int64_t day_us(const struct delta_file *file)
{
    char text[] = "0000-00-00T00:00:00Z";
    int64_t us = TIME_NONE;
    if (file->day.len == sizeof "2026/03/07" - 1) {
        memcpy(text, file->day.at, file->day.len);
        text[4] = text[7] = '-';
        (void)clock_parse(str_of(text), &us);
    }
    return us;
}

static bool is_merged(const struct delta_file *file)
{
    size_t slash = file->path.len;
    while (slash > 0 && file->path.at[slash - 1] != '/') {
        slash--;
    }
    return str_starts(str_sub(file->path, slash, file->path.len), merged_prefix);
}

/* ---- merges ---- */

struct merge {
    struct str *path;
    size_t n;
    int64_t bytes, rows;
};

/* What may be merged of one day: file[0..n) of it. With is_later also what was written in the span
 * of time that is not over yet. Files from beyond that were written before the clock was set back.
 */
static struct merge choose_merge(struct lake *l, struct delta_file *const *file, size_t n,
                                 int64_t now_us, bool is_later)
{
    const int64_t span_ms = l->config->lake.compact_ms;
    const int64_t begun_ms = now_us / 1000 / span_ms * span_ms;
    const int64_t day = day_us(file[0]);
    const bool is_over = day != TIME_NONE && now_us >= day + DAY_US;
    struct merge m = {arena_array(&l->scratch, struct str, n), 0, 0, 0};
    size_t merged = 0;
    for (size_t i = 0; i < n; i++) {
        const bool fits = file[i]->bytes < SMALL_BYTES_MAX && !file[i]->is_damaged &&
                          m.bytes + file[i]->bytes < MERGE_BYTES_MAX && file[i]->rows >= 0;
        const bool is_ripe = is_later || file[i]->modified_ms < begun_ms ||
                             file[i]->modified_ms - span_ms > now_us / 1000;
        if (day != TIME_NONE && fits && is_ripe && (is_over || !is_merged(file[i]))) {
            m.path[m.n++] = file[i]->path;
            m.bytes += file[i]->bytes;
            m.rows += file[i]->rows;
            merged += is_merged(file[i]);
        }
    }
    if (m.n < 2 || (merged == 1 && m.n < 1 + LATE_FILES_MIN)) {
        m.n = 0;
    }
    return m;
}

struct merging {
    struct lake *lake;
    int64_t now_us;
};

static enum outcome merge_files(struct lake *l, struct lake_table *t, struct duck *d,
                                const struct merge *m, struct failure *f)
{
    struct stage s;
    struct buf select;
    struct delta_commit c = {.operation = "OPTIMIZE", .removed = m->path, .removed_n = m->n};
    struct str day = m->path[0];
    const int64_t row_bytes = m->bytes * INFLATED / (m->rows > 0 ? m->rows : 1) + 1;
    const int64_t rows = GROUP_BYTES / row_bytes;
    while (day.len > 0 && day.at[day.len - 1] != '/') {
        day.len--;
    }
    day.len -= day.len > 0;
    buf_init(&select, &l->scratch, SELECT_BYTES_MAX);
    buf_init(&c.actions, &l->scratch, ACTIONS_BYTES_MAX);
    source_add_files(&select, &l->scratch, &t->log, t->model, m->path, m->n);
    enum outcome result = stage_open(&s, &l->scratch, d, &t->log, f);
    if (result == OK) {
        result = stage_rewrite(&s, buf_str(&select), day,
                               rows < GROUP_ROWS_MIN   ? GROUP_ROWS_MIN
                               : rows > GROUP_ROWS_MAX ? GROUP_ROWS_MAX
                                                       : (size_t)rows,
                               f);
    }
    if (result == OK) {
        result = stage_put(&s, S("compact"), false, &c.actions, f);
    }
    stage_close(&s);
    FAILPOINT("lake.merged");
    for (size_t i = 0; i < m->n; i++) {
        delta_add_remove(&c.actions, m->path[i], l->wall.now_us / 1000, false);
    }
    return result == OK ? delta_commit(&t->log, &c, f) : result;
}

/* In the child: every merge that is due, up to a number. */
static enum outcome merge_work(void *to, struct failure *f)
{
    const struct merging *const work = to;
    struct lake *const l = work->lake;
    struct duck *d = NULL;
    struct failure why;
    size_t done = 0, left = 0;
    const struct duck_options o = {.memory_bytes_max = l->config->lake.memory_bytes_max,
                                   .threads = 1};
    enum outcome result = duck_open(&l->scratch, &o, &d, f);
    for (size_t i = 0; i < l->tables_n; i++) {
        const struct live live = live_files(&l->scratch, &l->table[i].log);
        for (size_t k = 0, end; k < live.n && result == OK && done < MERGES_MAX; k = end) {
            for (end = k; end < live.n && str_eq(live.at[end]->day, live.at[k]->day); end++) {
            }
            const struct merge m = choose_merge(l, live.at + k, end - k, work->now_us, false);
            result = m.n > 0 ? merge_files(l, &l->table[i], d, &m, f) : OK;
            if (result == RETRY && f->cause == CAUSE_FENCED) {
                result = OK; /* another writer did it, or its retention */
            }
            const bool is_short = result == RETRY && f->cause == CAUSE_MEMORY;
            if (result == REJECT ||
                is_short) { /* these files alone: the others and the flush go on */
                (void)failed(&why, RETRY, "table %s, %.*s stays as it is, it can't be merged%s: %s",
                             l->table[i].model->name, STR_ARG(live.at[k]->day),
                             is_short ? " within lake.memory_bytes_max" : "", f->text);
                left++;
                result = OK;
            }
            done += m.n > 0;
        }
    }
    duck_close(d);
    if (result == OK && left > 0) {
        *f = why;
        result = RETRY;
    }
    return result;
}

/* What a merge reads would come out under a new checksum: it is compared with the old one first. */
static enum outcome shun_damaged(const struct delta *log, struct delta_file *const *file, size_t n,
                                 const struct merge *m, struct failure *damage, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < n && result == OK; i++) {
        bool is_chosen = false;
        for (size_t k = 0; k < m->n; k++) {
            is_chosen = is_chosen || str_eq(m->path[k], file[i]->path);
        }
        enum soundness soundness = SOUND_WHOLE;
        struct arena one;
        struct str why;
        arena_init(&one, ONE_FILE_BYTES_MAX);
        result = is_chosen ? sound_check(log, &one, file[i], &soundness, &why, f) : OK;
        if (result == OK && soundness != SOUND_WHOLE) {
            file[i]->is_damaged = true;
            (void)failed(damage, RETRY, "left out when small files were merged: %.*s",
                         STR_ARG(why));
        }
        arena_close(&one);
    }
    return result;
}

/* Before each merge that is due. */
static enum outcome check_inputs(struct lake *l, int64_t now_us, struct failure *damage,
                                 struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n; i++) {
        const struct live live = live_files(&l->scratch, &l->table[i].log);
        for (size_t k = 0, end; k < live.n && result == OK; k = end) {
            for (end = k; end < live.n && str_eq(live.at[end]->day, live.at[k]->day); end++) {
            }
            const struct merge m = choose_merge(l, live.at + k, end - k, now_us, false);
            result = shun_damaged(&l->table[i].log, live.at + k, end - k, &m, damage, f);
        }
    }
    return result;
}

/* Whether one is due, and when else the next one will be. */
static int64_t merge_due_us(struct lake *l, const struct live *live, int64_t now_us)
{
    const int64_t span_us = l->config->lake.compact_ms * 1000;
    int64_t due = INT64_MAX;
    for (size_t k = 0, end; k < live->n; k = end) {
        for (end = k; end < live->n && str_eq(live->at[end]->day, live->at[k]->day); end++) {
        }
        if (choose_merge(l, live->at + k, end - k, now_us, false).n > 0) {
            return now_us;
        }
        if (choose_merge(l, live->at + k, end - k, now_us, true).n > 0) {
            due = (now_us / span_us + 1) * span_us;
        }
    }
    return due;
}

/* ---- retention ---- */

/* Note when each file was written: as its commit says, but not before any commit that stands before
 * it in the log, so a clock that was in the past then makes nothing old. A stamp that lies ahead of
 * now tells nothing of what follows it. */
static void date_files(struct delta *log, int64_t now_us)
{
    int64_t newest_us = INT64_MIN;
    for (size_t i = 0; i < log->files_n; i++) {
        const int64_t own_us = log->file[i].modified_ms * 1000;
        newest_us = own_us > newest_us && own_us <= now_us ? own_us : newest_us;
        log->file[i].written_us = own_us > newest_us ? own_us : newest_us;
    }
}

/* When a file's time is up, kept for `keep` from its day's end, and from when it was written: what
 * comes late, or from a backfill, is kept as long. INT64_MAX: never. */
static int64_t expiry_us(const struct lake *l, const struct delta_file *file)
{
    const int64_t keep_ms = l->config->lake.keep_ms;
    const int64_t day = day_us(file);
    if (keep_ms >= FOREVER_MS || day == TIME_NONE) {
        return INT64_MAX;
    }
    const int64_t end_us = day + DAY_US;
    return (end_us > file->written_us ? end_us : file->written_us) + keep_ms * 1000;
}

static enum outcome expire(struct lake *l, struct lake_table *t, int64_t now_us, struct failure *f)
{
    const struct live live = live_files(&l->scratch, &t->log);
    struct str *const path = arena_array(&l->scratch, struct str, live.n);
    struct delta_commit c = {.operation = "DELETE", .removed = path};
    int64_t rows = 0;
    buf_init(&c.actions, &l->scratch, ACTIONS_BYTES_MAX);
    date_files(&t->log, now_us);
    for (size_t i = 0; i < live.n; i++) {
        if (expiry_us(l, live.at[i]) <= now_us) {
            path[c.removed_n++] = live.at[i]->path;
            delta_add_remove(&c.actions, live.at[i]->path, now_us / 1000, true);
            rows += live.at[i]->rows > 0 ? live.at[i]->rows : 0;
        }
    }
    const enum outcome result = c.removed_n > 0 ? delta_commit(&t->log, &c, f) : OK;
    if (result == OK && c.removed_n > 0) {
        *progress_counter(l->watch.progress, "lake_expired{model=%s}",
                          t->model->name) += (uint64_t)rows;
        persist_tell_expired(
            &(struct persist_expired){.model = t->model,
                                      .before_us = now_us - l->config->lake.keep_ms * 1000,
                                      .files = c.removed_n,
                                      .rows = (uint64_t)rows});
    }
    return result;
}

/* ---- the plan ---- */

static int64_t table_due_us(struct lake *l, struct lake_table *t, int64_t now_us)
{
    const struct live live = live_files(&l->scratch, &t->log);
    int64_t due = l->config->lake.compact_ms < FOREVER_MS ? merge_due_us(l, &live, now_us)
                                                          : INT64_MAX;
    date_files(&t->log, now_us);
    for (size_t i = 0; i < live.n; i++) {
        const int64_t keep = expiry_us(l, live.at[i]);
        due = keep < due ? keep : due;
    }
    for (size_t i = 0; i < t->log.files_n; i++) {
        const struct delta_file *const file = &t->log.file[i];
        if (file->removed_ms && !file->is_gone && l->config->lake.vacuum_ms < FOREVER_MS) {
            const int64_t gone = (file->removed_ms + l->config->lake.vacuum_ms) * 1000;
            due = gone < due ? gone : due;
        }
    }
    if (t->log.checkpoint >= 0) {
        due = l->swept_us + DAY_US < due ? l->swept_us + DAY_US : due;
    }
    return due;
}

void tidy_plan(struct lake *l)
{
    const int64_t now_us = l->wall.now_us;
    int64_t due = INT64_MAX;
    if (now_us == TIME_NONE) {
        l->tidy_due_us = l->wall.believed_us;
        return;
    }
    l->swept_us = l->swept_us < now_us ? l->swept_us : now_us; /* the clock was set back */
    for (size_t i = 0; i < l->tables_n; i++) {
        const int64_t table = table_due_us(l, &l->table[i], now_us);
        due = table < due ? table : due;
    }
    const int64_t left = due > now_us ? due - now_us : 0;
    l->tidy_due_us = due == INT64_MAX ? INT64_MAX : l->wall.mono_us + left;
    if (l->tidy_due_us < l->tidy_after_us) {
        l->tidy_due_us = l->tidy_after_us;
    }
}

static enum outcome run(struct lake *l, int64_t now_us, struct failure *f)
{
    enum outcome result = OK;
    struct failure damage = {0}; /* told once a file, when all else is done */
    bool must_merge = false;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        const struct live live = live_files(&l->scratch, &l->table[i].log);
        must_merge = must_merge || (l->config->lake.compact_ms < FOREVER_MS &&
                                    merge_due_us(l, &live, now_us) <= now_us);
        result = expire(l, &l->table[i], now_us, f);
    }
    if (result == OK && must_merge) {
        result = check_inputs(l, now_us, &damage, f);
    }
    if (result == OK && must_merge) {
        result = child_run(merge_work, &(struct merging){l, now_us}, &l->watch, f);
        for (size_t i = 0; i < l->tables_n && result == OK; i++) {
            result = delta_update(&l->table[i].log, f);
        }
    }
    result = result == OK ? vacuum_run(l, now_us, f) : result;
    if (result == OK && damage.text[0]) {
        *f = damage;
        result = RETRY;
    }
    return result;
}

enum outcome tidy_run(struct lake *l, struct failure *f)
{
    const enum outcome result = l->wall.now_us == TIME_NONE ? OK : run(l, l->wall.now_us, f);
    l->tidy_after_us = result == OK ? 0 : clock_mono_us() + AGAIN_US;
    return result;
}
