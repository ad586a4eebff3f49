#include "collector/run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "collector/rows.h"
#include "collector/twins.h"
#include "config/template.h"
#include "wire/json.h"

enum { CELL_SHOWN_MAX = 1000, CELLS_BYTES_MAX = 1 << 20 /* of a dead letter */ };
enum { ROW_BYTES_MAX = 16 << 20, OUT_BYTES = 64 << 10, LINE_BYTES_MAX = 64 << 20 };
#define ROW_ARENA_BYTES_MAX ((size_t)256 << 20)
#define RUN_ARENA_BYTES_MAX ((size_t)1 << 30)

struct writing {
    const struct run *run;
    int fd;
    struct arena row; /* forgotten after each */
    struct buf out;   /* lines not written yet */
    struct str bookmark, note;
    int bookmark_kind;
    int64_t read_us;
    struct arena *life;
    struct twins twins, same; /* by key; of what grows by its own value, too */
    uint64_t rows, metrics, empty, aside;
    struct failure why; /* of the first row that was set aside */
    uint64_t aside_row;
};

static enum outcome drain(struct writing *w, struct failure *f)
{
    if (buf_is_over(&w->out)) {
        return failed(f, REJECT, "row %llu is larger than %d bytes", (unsigned long long)w->rows,
                      LINE_BYTES_MAX);
    }
    const enum outcome result = file_write(w->fd, buf_str(&w->out), f);
    buf_reset(&w->out);
    return result;
}

static void add_text(struct buf *b, const char *before, struct str text)
{
    buf_add(b, str_of(before));
    buf_add_json(b, text);
}

/* ---- rows ---- */

/* The row as a person has to know it again; empty where that is more than a letter holds. */
static struct str cells_json(struct writing *w, const struct cell *cell, size_t n)
{
    struct buf b;
    buf_init(&b, &w->row, CELLS_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_add_byte(&b, i > 0 ? ',' : '{');
        buf_add_json(&b, cell[i].column);
        buf_add_byte(&b, ':');
        if (cell[i].kind == CELL_NULL) {
            buf_add(&b, S("null"));
        } else {
            buf_add_json(&b, str_whole(str_sub(cell[i].text, 0, CELL_SHOWN_MAX)));
        }
    }
    buf_add(&b, n > 0 ? S("}") : S("{}"));
    return buf_is_over(&b) ? S("{}") : buf_str(&b);
}

void run_write_aside(struct buf *b, const struct run *r, struct str cells,
                     const struct failure *why)
{
    const bool is_window = r->start_us != TIME_NONE;
    const struct metric m = {.collector = r->collector->id,
                             .name = r->collector->metric_name,
                             .window_start_us = r->start_us,
                             .window_end_us = r->end_us,
                             .scheduled_us = is_window ? TIME_NONE : r->scheduled_us};
    metric_write_aside(b, &m, cells, why);
}

static void add_letter(struct writing *w, const struct cell *cell, size_t n,
                       const struct failure *why)
{
    const struct run *const r = w->run;
    const struct str cells = cells_json(w, cell, n);
    const struct aside one = aside_of(r->collector, cell, n, cells, r->start_us);
    buf_printf(&w->out, ",\"all\":%llu,\"lasting\":%llu", (unsigned long long)one.all,
               (unsigned long long)one.lasting);
    if (!asides_have(&r->told, one)) {
        buf_add(&w->out, S(",\"letter\":"));
        run_write_aside(&w->out, r, cells, why);
    }
}

static void set_aside(struct writing *w, const struct cell *cell, size_t n,
                      const struct failure *why)
{
    if (w->aside++ == 0) {
        w->why = *why;
        w->aside_row = w->rows;
    }
    add_text(&w->out, "{\"aside\":", str_of(why->text));
    buf_printf(&w->out, ",\"row\":%llu", (unsigned long long)w->rows);
    if (w->aside <= ASIDE_LETTERS_MAX) {
        add_letter(w, cell, n, why);
    }
    buf_add(&w->out, S("}\n"));
}

/* The one text of a partition: its template over the URI that the source names. */
static enum row_is body_of(struct writing *w, const struct cell *cell, size_t n, struct metric *m,
                           struct failure *why)
{
    const struct collector *const c = w->run->collector;
    *m = (struct metric){.collector = c->id, .name = c->metric_name, .type = c->metric_type};
    for (size_t i = 0; i < n; i++) {
        if (str_eq(cell[i].column, S("uri"))) {
            const struct template_dot dot = {.uri = cell[i].text, .at_us = w->run->start_us};
            return template_render(&w->row, c->template, &dot, &m->body, why) == OK ? ROW_METRIC
                                                                                    : ROW_ASIDE;
        }
    }
    (void)failed(why, REJECT, "the source names no uri");
    return ROW_ASIDE;
}

/* Of the column that grows; empty: there is none, or it is null. */
static struct cell own_cell(const struct collector *c, const struct cell *cell, size_t n)
{
    for (size_t i = 0; c->strategy == STRATEGY_GROWING && i < n; i++) {
        if (str_eq(cell[i].column, c->column) && cell[i].kind != CELL_NULL) {
            return cell[i];
        }
    }
    return (struct cell){.text = S("")};
}

/* Nothing is beyond PostgreSQL's infinity, and nothing beside a NaN: no run could go on from there.
 */
static bool is_place(const struct cell *own)
{
    double number = 0;
    return own->kind == CELL_TEXT || !row_number(own->text, &number) || isfinite(number);
}

static void grow(struct writing *w, const struct cell *own)
{
    if (own->text.len > 0 && is_place(own) &&
        str_eq(row_greater(w->bookmark, own->text), own->text)) {
        w->bookmark = arena_str(w->life, own->text);
        w->bookmark_kind = (int)own->kind;
    }
}

/* Runs within one grain are one record. But what grows is other rows each time; and in files of the
 * later dialects a grain had no effect. */
static int64_t key_grain_us(const struct collector *c)
{
    const bool is_of_grain = c->file.len == 0 || c->dialect == DIALECT_A0 ||
                             c->dialect == DIALECT_A;
    return is_of_grain && c->strategy == STRATEGY_TICK ? c->grain_us : 0;
}

/* When it was read, and what its key is made of besides name and tags. What is read again in the
 * overlap has to have the key that it had: its own value. Without one a run that died is done again
 * under the same time, and may say more of the same tags (`max(id), count(*)`): then its own value
 * is not of the key, but of several rows with those tags which of them it is, so that they come to
 * the same in whatever order they are read again; of more than can be counted each has its own
 * value after all. ROW_ASIDE: another row has this key. */
static enum row_is place(struct writing *w, struct str own, struct metric *m, struct failure *why)
{
    const struct run *const r = w->run;
    const bool is_window = r->start_us != TIME_NONE;
    m->window_start_us = r->start_us;
    m->window_end_us = r->end_us;
    m->scheduled_us = is_window ? TIME_NONE : r->scheduled_us;
    m->grain_us = is_window ? 0 : key_grain_us(r->collector);
    m->row = r->collector->overlap_us > 0 ? own : S("");
    m->at_us = clock_now_us();
    uint64_t nth = 0;
    uint64_t twin = 0;
    const struct str key = metric_key(&w->row, m);
    if (own.len > 0 && m->row.len == 0) {
        const struct str whole = arena_printf(&w->row, "%.*s %.*s", STR_ARG(key), STR_ARG(own));
        twin = twins_put(&w->same, whole, w->rows, &nth);
        if (twin == 0) {
            (void)twins_put(&w->twins, key, w->rows, &nth);
            m->nth = nth > 1 ? nth : 0;
            m->row = nth > 0 ? S("") : own;
        }
    } else {
        twin = twins_put(&w->twins, key, w->rows, &nth);
    }
    if (twin > 0) {
        (void)failed(why, REJECT,
                     "same tags as row %llu, so they would be one record (a NULL is no tag): each "
                     "row needs tags of its own",
                     (unsigned long long)twin);
    }
    return twin > 0 ? ROW_ASIDE : ROW_METRIC;
}

static enum outcome take_row(void *to, const struct cell *cell, size_t n, struct failure *f)
{
    struct writing *const w = to;
    struct metric m;
    struct failure why = {0};
    const struct run *const r = w->run;
    w->rows++;
    const struct cell own = own_cell(r->collector, cell, n);
    grow(w, &own);
    enum row_is is = r->collector->kind == COLLECT_PARTITION
                         ? body_of(w, cell, n, &m, &why)
                         : row_metric(&w->row, r->collector, cell, n, &m, &why);
    is = is == ROW_METRIC ? place(w, row_text(&w->row, own.text), &m, &why) : is;
    if (is == ROW_METRIC) {
        buf_add(&w->out, S("{\"metric\":"));
        metric_write(&w->out, &m);
        buf_add(&w->out, S("}\n"));
        w->metrics++;
        FAILPOINT("run.row");
    } else if (is == ROW_ASIDE) {
        set_aside(w, cell, n, &why);
    } else {
        w->empty++;
    }
    arena_reset(&w->row);
    if (asked_to_stop()) {
        return failed(f, RETRY, "asked to stop");
    }
    return w->out.len >= OUT_BYTES ? drain(w, f) : OK;
}

static void take_note(void *to, struct str text)
{
    struct writing *const w = to;
    w->note = arena_str(w->life, text);
}

/* ---- the run ---- */

static void close_with(struct writing *w, enum outcome result, const struct failure *f)
{
    if (result == OK) {
        buf_printf(&w->out, "{\"done\":{\"rows\":%llu,\"metrics\":%llu,\"empty\":%llu",
                   (unsigned long long)w->rows, (unsigned long long)w->metrics,
                   (unsigned long long)w->empty);
        buf_printf(&w->out, ",\"read_us\":%lld", (long long)w->read_us);
        if (w->bookmark.len > 0) {
            add_text(&w->out, ",\"bookmark\":", w->bookmark);
            buf_printf(&w->out, ",\"kind\":%d", w->bookmark_kind);
        }
        if (w->note.len > 0) {
            add_text(&w->out, ",\"note\":", w->note);
        }
    } else {
        buf_printf(&w->out, "{\"failed\":{\"outcome\":\"%s\",\"read_us\":%lld",
                   outcome_name(result), (long long)w->read_us);
        add_text(&w->out, ",\"why\":", str_of(f->text));
    }
    buf_add(&w->out, S("}}\n"));
}

static enum outcome run_here(const struct run *r, int fd, struct failure *f)
{
    struct arena life, lines;
    const struct collector *const c = r->collector;
    const struct source_driver *const driver = c->source->driver;
    arena_init(&life, RUN_ARENA_BYTES_MAX);
    arena_init(&lines, 2 * (size_t)LINE_BYTES_MAX);
    struct writing w = {.run = r,
                        .fd = fd,
                        .bookmark = r->bookmark,
                        .bookmark_kind = r->bookmark_kind,
                        .life = &life};
    arena_init(&w.row, ROW_ARENA_BYTES_MAX);
    buf_init(&w.out, &lines, LINE_BYTES_MAX);
    twins_init(&w.twins, &life);
    twins_init(&w.same, &life);
    const struct source_ask ask = {.collector = c,
                                   .options = c->source_options,
                                   .now_us = r->scheduled_us,
                                   .start_us = r->start_us,
                                   .end_us = r->end_us,
                                   .bookmark = r->bookmark,
                                   .bookmark_kind = (enum cell_kind)r->bookmark_kind,
                                   .is_as_of = r->is_as_of,
                                   .arena = &life,
                                   .row_bytes_max = ROW_BYTES_MAX};
    FAILPOINT("run.begun");
    const int64_t begun_us = clock_mono_us();
    enum outcome result = driver->read(&ask, &(struct source_to){take_row, &w, take_note}, f);
    w.read_us = clock_mono_us() - begun_us;
    FAILPOINT("run.read");
    if (result == OK && w.metrics == 0 && w.aside > 0) {
        result = failed(f, REJECT, "no row is a record; row %llu: %s",
                        (unsigned long long)w.aside_row, w.why.text);
    }
    struct failure ignored;
    if (result == OK || buf_is_over(&w.out) || w.out.len > 0) {
        (void)drain(&w, &ignored); /* who reads has gone, or sees that the last line lacks */
    }
    close_with(&w, result, f);
    (void)drain(&w, &ignored);
    FAILPOINT("run.ended");
    arena_close(&w.row);
    arena_close(&lines);
    arena_close(&life);
    return result;
}

/* It never returns. Whoever ends the run ends it for good: SIGTERM asks, SIGKILL follows. */
static void be_the_run(const struct run *r, pid_t parent, int fd)
{
    struct failure f = {0};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(1);
    }
    asked_reset();
    asked_install(NULL, NULL);
    _exit(run_here(r, fd, &f) == OK ? 0 : 1);
}

enum outcome run_start(const struct run *r, pid_t *pid, int *fd, struct failure *f)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
        return failed_errno(f, RETRY, "make a pipe for a run");
    }
    (void)fflush(NULL); /* or both would write what is buffered */
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        close(pipe_fd[0]);
        be_the_run(r, parent, pipe_fd[1]);
    }
    close(pipe_fd[1]);
    if (child < 0) {
        close(pipe_fd[0]);
        return failed_errno(f, RETRY, "fork a run");
    }
    *pid = child;
    *fd = pipe_fd[0];
    return OK;
}

/* ---- the reading end ---- */

static enum outcome outcome_of(struct str name)
{
    static const enum outcome all[] = {RETRY, REJECT, STOP};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (str_eq(name, str_of(outcome_name(all[i])))) {
            return all[i];
        }
    }
    return RETRY;
}

/* Most lines are metrics, and whoever reads that line's metric reads its JSON: nobody does twice.
 */
static bool is_metric(struct str line, struct str *json)
{
    const struct str head = S("{\"metric\":");
    const bool is_one = str_starts(line, head) && line.at[line.len - 1] == '}';
    *json = is_one ? str_sub(line, head.len, line.len - head.len - 1) : S("");
    return is_one;
}

enum outcome run_line_read(struct arena *a, struct str line, struct run_line *out,
                           struct failure *f)
{
    yyjson_doc *doc = NULL;
    struct str metric;
    if (is_metric(line, &metric)) {
        *out = (struct run_line){.is = RUN_METRIC, .metric = arena_str(a, metric)};
        return OK;
    }
    const enum outcome result = json_read_exact(a, line, &doc, f);
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    yyjson_val *const aside = json_get(root, S("aside")), *const done = json_get(root, S("done"));
    yyjson_val *const failed_with = json_get(root, S("failed"));
    uint64_t kind = 0;
    *out = (struct run_line){.is = RUN_ASIDE};
    if (aside) {
        out->why = json_text(aside);
        (void)str_to_u64(json_write(a, json_get(root, S("row"))), &out->row);
        (void)str_to_u64(json_write(a, json_get(root, S("all"))), &out->aside.all);
        (void)str_to_u64(json_write(a, json_get(root, S("lasting"))), &out->aside.lasting);
        yyjson_val *const letter = json_get(root, S("letter"));
        out->letter = letter ? json_write(a, letter) : S("");
    } else if (done) {
        out->is = RUN_DONE;
        (void)str_to_u64(json_write(a, json_get(done, S("rows"))), &out->rows);
        (void)str_to_u64(json_write(a, json_get(done, S("metrics"))), &out->metrics);
        (void)str_to_u64(json_write(a, json_get(done, S("empty"))), &out->empty);
        (void)str_to_u64(json_write(a, json_get(done, S("read_us"))), &out->read_us);
        out->bookmark = json_text(json_get(done, S("bookmark")));
        (void)str_to_u64(json_write(a, json_get(done, S("kind"))), &kind);
        out->bookmark_kind = (int)kind;
        out->note = json_text(json_get(done, S("note")));
    } else if (failed_with) {
        out->is = RUN_FAILED;
        out->outcome = outcome_of(json_text(json_get(failed_with, S("outcome"))));
        out->why = json_text(json_get(failed_with, S("why")));
        (void)str_to_u64(json_write(a, json_get(failed_with, S("read_us"))), &out->read_us);
    } else {
        return failed(f, REJECT, "a line of a run is none: %.*s", STR_ARG(line));
    }
    return OK;
}
