#include "collector/work.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "collector/moment.h"
#include "signal/metric.h"

enum {
    READ_BYTES = 64 << 10,
    TURN_BYTES_MAX = 1 << 20, /* of one run, before the others have their turn   */
    LINE_BYTES_MAX = 64 << 20 /* a row of a run has at most so many              */
};
#define GATHER_ARENA_BYTES_MAX ((size_t)512 << 20)

struct lane work_lane(void)
{
    return (struct lane){STREAM_RAW, S("collect")};
}

enum outcome work_begin(struct work *w, const struct run *r, struct failure *f)
{
    assert(w->is == WORK_FREE);
    *w = (struct work){.run = *r};
    const enum outcome result = process_start(&w->process, r, f);
    if (result != OK) {
        return result;
    }
    (void)fcntl(w->process.fd, F_SETFL, O_NONBLOCK);
    w->is = WORK_RUNS;
    w->begun_us = clock_now_us();
    w->begun_mono_us = clock_mono_us();
    arena_init(&w->arena, GATHER_ARENA_BYTES_MAX);
    arena_init(&w->line_arena, 2 * (size_t)LINE_BYTES_MAX);
    buf_init(&w->line, &w->line_arena, LINE_BYTES_MAX);
    return OK;
}

/* ---- lines ---- */

static struct record *add_record(struct work *w)
{
    w->record = arena_more(&w->arena, w->record, w->n, &w->room, sizeof *w->record);
    struct record *const r = &w->record[w->n];
    *r = (struct record){0};
    if (w->run.collector->overlap_us > 0 || w->run.is_again) {
        w->row = arena_more(&w->arena, w->row, w->n, &w->row_room, sizeof *w->row);
        w->row[w->n] = (struct work_row){.key = S("")};
    }
    w->n++;
    return r;
}

static void add_letter(struct work *w, struct str letter)
{
    metric_signal_aside(&w->arena, w->run.collector->id, letter, &add_record(w)->signal);
    w->bytes += letter.len;
}

/* Who is gone is known at the end of the run; so many wait for it as are gathered of records. */
static void take_letter(struct work *w, const struct run_line *line)
{
    if (w->letter_bytes + line->letter.len > WORK_GATHER_BYTES) {
        add_letter(w, line->letter);
        return;
    }
    w->letter = arena_more(&w->line_arena, w->letter, w->fresh.n, &w->letter_room,
                           sizeof *w->letter);
    w->letter[w->fresh.n] = arena_str(&w->line_arena, line->letter);
    w->letter_bytes += line->letter.len;
    asides_add(&w->line_arena, &w->fresh, line->aside);
}

/* One that has changed is no other. */
static void add_letters(struct work *w)
{
    struct asides gone = asides_gone(&w->line_arena, &w->run.told, &w->told);
    for (size_t i = 0; i < w->fresh.n; i++) {
        if (!asides_take(&gone, w->fresh.at[i])) {
            add_letter(w, w->letter[i]);
        }
    }
}

static void take_aside(struct work *w, const struct run_line *line)
{
    if (w->aside++ == 0) {
        w->aside_row = line->row;
        (void)failed(&w->aside_why, REJECT, "%.*s", STR_ARG(line->why));
    }
    if (w->aside <= ASIDE_LETTERS_MAX) {
        asides_add(&w->line_arena, &w->told, line->aside);
    }
    if (line->letter.len > 0) {
        take_letter(w, line);
    }
}

/* One letter for all that have none of their own. */
static void tell_more_aside(struct work *w)
{
    struct failure why;
    struct buf b;
    const struct run *const r = &w->run;
    if (w->aside <= ASIDE_LETTERS_MAX) {
        return;
    }
    const struct aside others = aside_others(r->start_us);
    asides_add(&w->line_arena, &w->told, others);
    if (!asides_have(&r->told, others)) {
        (void)failed(&why, REJECT, "%llu rows more of this run were set aside, beyond the %d first",
                     (unsigned long long)(w->aside - ASIDE_LETTERS_MAX), ASIDE_LETTERS_MAX);
        buf_init(&b, &w->arena, LINE_BYTES_MAX);
        run_write_aside(&b, r, S("{}"), &why);
        add_letter(w, buf_str(&b));
    }
}

static enum outcome take_metric(struct work *w, struct str json, struct failure *f)
{
    struct metric m;
    const enum outcome result = metric_read(&w->arena, json, &m, f);
    if (result != OK) {
        return result;
    }
    m.anew_us = w->run.anew_us;
    m.key = metric_key(&w->arena, &m);
    struct record *const r = add_record(w);
    metric_signal(&w->arena, &m, json, &r->signal);
    if (w->row) {
        struct work_row *const row = &w->row[w->n - 1];
        row->id = r->signal.id;
        row->key = moment_read(m.row, &row->at_us) || w->run.is_again ? m.key : S("");
    }
    w->bytes += json.len;
    return OK;
}

static enum outcome take_line(struct work *w, struct str text, struct failure *f)
{
    struct run_line line;
    const enum outcome result = run_line_read(&w->arena, text, &line, f);
    if (result != OK) {
        return result;
    }
    switch (line.is) {
    case RUN_METRIC: return take_metric(w, line.metric, f);
    case RUN_ASIDE: take_aside(w, &line); return OK;
    case RUN_DONE:
        w->has_last_line = true;
        add_letters(w);
        tell_more_aside(w);
        w->rows = line.rows;
        w->metrics = line.metrics;
        w->empty = line.empty;
        w->bookmark = arena_str(&w->line_arena, line.bookmark);
        w->bookmark_kind = line.bookmark_kind;
        w->read_us = (int64_t)line.read_us;
        (void)failed(&w->why, OK, "%.*s", STR_ARG(line.note));
        return OK;
    case RUN_FAILED:
        w->has_last_line = true;
        w->read_us = (int64_t)line.read_us;
        w->outcome = failed(&w->why, line.outcome, "%.*s", STR_ARG(line.why));
        return OK;
    }
    return OK;
}

static void forget_gathered(struct work *w)
{
    w->is = w->is == WORK_IS_FULL ? WORK_RUNS : w->is;
    w->n = w->room = w->row_room = w->bytes = 0;
    w->record = NULL;
    w->row = NULL;
    arena_reset(&w->arena);
}

void work_break_off(struct work *w, const struct failure *f)
{
    forget_gathered(w);
    w->has_last_line = true;
    w->outcome = f->outcome;
    w->why = *f;
    process_ask(&w->process);
}

/* All whole lines; what follows the last one is kept for the next time. */
static void take_bytes(struct work *w, struct str bytes)
{
    struct failure f;
    while (bytes.len > 0 && !w->has_last_line) {
        const size_t end = str_find(bytes, '\n');
        const bool is_whole = end < bytes.len;
        struct str line = str_sub(bytes, 0, end);
        if (!is_whole || w->line.len > 0) {
            buf_add(&w->line, line);
            line = buf_str(&w->line);
        }
        bytes = str_sub(bytes, end + is_whole, bytes.len);
        if (buf_is_over(&w->line)) {
            (void)failed(&f, REJECT, "a row is larger than %d bytes", LINE_BYTES_MAX);
            work_break_off(w, &f);
        } else if (is_whole) {
            if (take_line(w, line, &f) != OK) {
                work_break_off(w, &f);
            }
            buf_reset(&w->line);
        }
    }
}

/* ---- the end ---- */

static void end(struct work *w)
{
    const int status = process_wait(&w->process);
    w->is = WORK_HAS_ENDED;
    w->took_us = clock_mono_us() - w->begun_mono_us;
    if (w->process.is_late || !w->has_last_line) {
        w->outcome = process_tell(&w->process, status, &w->why);
    }
}

void work_read(struct work *w)
{
    char bytes[READ_BYTES / 8];
    size_t taken = 0;
    while (w->is == WORK_RUNS && taken < TURN_BYTES_MAX) {
        const ssize_t n = read(w->process.fd, bytes, sizeof bytes);
        if (n > 0) {
            taken += (size_t)n;
            take_bytes(w, (struct str){bytes, (size_t)n});
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            end(w);
        } else {
            return;
        }
        if (w->is == WORK_RUNS && w->bytes >= WORK_GATHER_BYTES && !w->has_last_line) {
            w->is = WORK_IS_FULL;
        }
    }
}

void work_written(struct work *w)
{
    w->has_written = true;
    w->written += w->n;
    forget_gathered(w);
}

enum outcome work_write(struct work *w, struct bus *bus, struct failure *f)
{
    FAILPOINT("collect.append");
    enum outcome result = w->n > 0 ? bus_append(bus, work_lane(), w->record, w->n, f) : OK;
    if (result == RETRY && f->cause == CAUSE_LARGE) {
        result = f->outcome = REJECT; /* the same the next time */
    }
    if (result == OK) {
        FAILPOINT("collect.appended");
        w->has_written = w->has_written || w->n > 0;
        w->written += w->n;
    }
    forget_gathered(w);
    return result;
}

void work_free(struct work *w)
{
    if (w->is == WORK_FREE) {
        return;
    }
    process_close(&w->process);
    arena_close(&w->arena);
    arena_close(&w->line_arena);
    w->is = WORK_FREE;
}
