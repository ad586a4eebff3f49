#include "persist/lake/audit.h"

#include <inttypes.h>

#include "persist/lake/audit_log.h"
#include "persist/lake/audit_raw.h"
#include "persist/lake/audit_rows.h"
#include "persist/lake/lake.h"
#include "persist/lake/made.h"
#include "persist/lake/sound.h"
#include "persist/persister.h"

#define ARENA_BYTES_MAX ((size_t)2 << 30)

struct audit {
    struct arena arena;
    struct arena scratch; /* of one file */
    struct arena life;    /* of all of them */
    struct files files;
    size_t memory_bytes_max;
    bool forgets; /* by age, raw signals too */
    struct bus *bus;
    struct audit_to *report;
    struct made made;
    struct duck *duck; /* NULL until facts are counted */
    const struct model *model;
    struct delta log;
};

static void found(struct audit *w, struct str what)
{
    w->report->found(w->report->to, what);
}

/* A file that is gone may have been merged and vacuumed since the log was read: then the log says
 * so by now. */
static enum outcome is_still_live(struct audit *w, const struct delta_file *file, bool *out,
                                  struct failure *f)
{
    const struct str path = file->path;
    const enum outcome result = delta_update(&w->log, f);
    const struct delta_file *const now = delta_find(&w->log, path);
    *out = result == OK && now && !now->removed_ms;
    return result;
}

static enum outcome check_file(struct audit *w, const struct delta_file *file, struct failure *f)
{
    struct str why;
    enum soundness soundness = SOUND_WHOLE;
    bool is_live = true;
    const struct str path = file->path;
    const int64_t rows = file->rows;
    enum outcome result = sound_check(&w->log, &w->scratch, file, &soundness, &why, f);
    struct delta_file *const known = delta_find(&w->log, path);
    known->is_damaged = result != OK || soundness != SOUND_WHOLE; /* told here, and not counted */
    if (result != OK) {
        found(w, arena_printf(&w->scratch, "lake: %s/%.*s cannot be read: %s", w->model->name,
                              STR_ARG(path), f->text));
        return OK;
    }
    if (soundness == SOUND_GONE) {
        result = is_still_live(w, file, &is_live, f);
    } else {
        w->report->files++;
        w->report->rows += rows > 0 ? (size_t)rows : 0;
    }
    if (result == OK && soundness != SOUND_WHOLE && is_live) {
        found(w, arena_printf(&w->scratch, "lake: %.*s", STR_ARG(why)));
    }
    return result;
}

/* What the lanes that feed a table say of it. */
struct fed {
    bool has_own, has_forgotten; /* as made_is_lost asks */
};

/* What the lane has forgotten and the table never took; not what was taken since the log was read.
 */
static enum outcome check_taken(struct audit *w, const struct lane_ends *ends, struct failure *f)
{
    const struct str app = lake_app(&w->scratch, bus_id(w->bus), ends->lane);
    enum outcome result = OK;
    for (int looks = 0; looks < 2 && result == OK; looks++) {
        const uint64_t from = made_from(&w->made, &w->log, bus_id(w->bus), app, ends->begin.at);
        if (from >= ends->begin.at) {
            return OK;
        }
        if (looks > 0) {
            found(w, arena_printf(&w->scratch,
                                  "lake: table %s stands at %" PRIu64 " in %s/%.*s, which has "
                                  "forgotten what comes before %" PRIu64 ": %s",
                                  w->model->name, from, stream_name(ends->lane.stream),
                                  STR_ARG(ends->lane.name), ends->begin.at, persist_lake.refill));
        } else {
            result = delta_update(&w->log, f);
        }
    }
    return result;
}

static enum outcome check_positions(struct audit *w, const struct lane_ends *ends, size_t n,
                                    struct fed *fed, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < n && result == OK; i++) {
        const struct str app = lake_app(&w->scratch, bus_id(w->bus), ends[i].lane);
        const int64_t at = delta_txn(&w->log, app);
        fed->has_own = fed->has_own || at >= 0;
        fed->has_forgotten = fed->has_forgotten || ends[i].begin.at > 0;
        if (w->log.version < 0 && ends[i].begin.at > 0 &&
            !made_is_known(&w->made, str_of(w->model->name))) {
            found(w, arena_printf(&w->scratch,
                                  "lake: table %s is not there, and %s/%.*s has forgotten what "
                                  "comes before %" PRIu64 ": put it back%s",
                                  w->model->name, stream_name(ends[i].lane.stream),
                                  STR_ARG(ends[i].lane.name), ends[i].begin.at,
                                  ends[i].lane.stream == STREAM_RAW
                                      ? ""
                                      : ", or make it from table raw with weir replay"));
        }
        if (at >= 0 && (uint64_t)at > ends[i].end.at) {
            found(w, arena_printf(&w->scratch,
                                  "lake: table %s stands at %" PRId64 " in %s/%.*s, which ends at "
                                  "%" PRIu64 ": the stream lost its end, or was made anew",
                                  w->model->name, at, stream_name(ends[i].lane.stream),
                                  STR_ARG(ends[i].lane.name), ends[i].end.at));
        }
        result = check_taken(w, &ends[i], f);
    }
    return result;
}

/* A table that is gone, or another one in its place; and one that was begun anew. */
static void check_is_the_one(struct audit *w, const struct fed *fed)
{
    const char *const name = w->model->name;
    const bool is_gone = w->log.version < 0 && made_is_known(&w->made, str_of(name));
    if (made_is_lost(&w->made, &w->log, bus_id(w->bus), fed->has_own, fed->has_forgotten)) {
        found(w, arena_printf(&w->scratch,
                              "lake: table %s is %s, and the streams have forgotten what it held: "
                              "put its folder back, or remove its line from %.*s to begin it anew",
                              name, w->log.version < 0 ? "gone" : "not the one that weir wrote to",
                              STR_ARG(w->made.path)));
    } else if (is_gone && !fed->has_forgotten) {
        found(w, arena_printf(&w->scratch,
                              "lake: table %s is gone: the streams still hold what it held, and "
                              "the lake makes it anew",
                              name));
    }
    if (w->log.begins.len > 0) {
        w->report->noted(w->report->to,
                         arena_printf(&w->scratch,
                                      "lake: table %s was begun, or taken up again, when the "
                                      "streams had forgotten what it lacks; of these lanes it "
                                      "holds what came from there on: %.*s%s",
                                      name, STR_ARG(w->log.begins),
                                      lake_feeds(STREAM_RAW, w->model)
                                          ? ""
                                          : "; and what weir replay has made since"));
    }
}

/* That the engine fails hides nothing of the other tables. */
static enum outcome count_facts(struct audit *w, struct failure *f)
{
    const struct audit_rows rows = {&w->log,  w->model, &w->scratch, w->report, w->memory_bytes_max,
                                    &w->duck, &w->life};
    if (audit_rows(&rows, f) != OK) {
        found(w, arena_printf(&w->scratch, "lake: the facts of table %s cannot be counted: %s",
                              w->model->name, f->text));
    } else if (w->bus && !w->forgets && !lake_feeds(STREAM_RAW, w->model) &&
               audit_raw(&rows, w->bus, &w->made, f) != OK) {
        found(w, arena_printf(&w->scratch,
                              "lake: whether table raw has what facts of table %s came from cannot "
                              "be seen: %s",
                              w->model->name, f->text));
    }
    arena_reset(&w->scratch);
    return OK;
}

/* Whether another bus than this one moved the table on. */
static bool is_shared(struct audit *w)
{
    const struct str all = S("weir/");
    const struct str own = arena_printf(&w->scratch, "weir/%.*s/", STR_ARG(bus_id(w->bus)));
    for (size_t i = 0; i < w->log.txns_n; i++) {
        const struct str app = w->log.txn[i].app;
        if (str_starts(app, all) && !str_starts(app, own)) {
            return true;
        }
    }
    return false;
}

static enum outcome check_table(struct audit *w, struct failure *f)
{
    struct fed fed = {0};
    enum outcome result = delta_open(&w->arena, &w->files, str_of(w->model->name), &w->log, f);
    if (result == STOP) {
        found(w, arena_printf(&w->scratch, "lake: %s", f->text));
        return OK;
    }
    for (int s = 0; s < STREAM_N && result == OK; s++) {
        struct lane_ends *ends;
        size_t n = 0;
        if (w->bus && lake_feeds((enum stream)s, w->model)) {
            /* after the log: what it names was visible before */
            result = bus_ends(w->bus, &w->scratch, (enum stream)s, &ends, &n, f);
            result = result == OK ? check_positions(w, ends, n, &fed, f) : result;
        }
    }
    if (result == OK && w->bus) {
        check_is_the_one(w, &fed);
        w->report->is_shared |= is_shared(w);
    }
    if (result == OK) {
        result = audit_log(&w->log, &w->scratch, w->report, f);
    }
    if (result == STOP) { /* a commit that came, or was damaged, meanwhile */
        found(w, arena_printf(&w->scratch, "lake: %s", f->text));
        return OK;
    }
    const size_t files_n = w->log.files_n;
    for (size_t i = 0; i < files_n && result == OK; i++) {
        if (!w->log.file[i].removed_ms) {
            result = check_file(w, &w->log.file[i], f);
            arena_reset(&w->scratch);
        }
    }
    return result == OK ? count_facts(w, f) : result;
}

enum outcome audit_lake(const struct config *config, struct bus *bus, struct audit_to *report,
                        struct failure *f)
{
    struct audit w = {.files = files_at(config->lake.path),
                      .memory_bytes_max = config->lake.memory_bytes_max,
                      .forgets = config->lake.keep_ms < INT64_MAX / 2000,
                      .bus = bus,
                      .report = report};
    arena_init(&w.arena, ARENA_BYTES_MAX);
    arena_init(&w.scratch, ARENA_BYTES_MAX);
    arena_init(&w.life, ARENA_BYTES_MAX);
    enum outcome result = made_read(&w.life, config->data, &w.made, f);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        w.model = model_all[i];
        result = check_table(&w, f);
        arena_reset(&w.arena);
        arena_reset(&w.scratch);
    }
    duck_close(w.duck);
    arena_close(&w.arena);
    arena_close(&w.scratch);
    arena_close(&w.life);
    return result;
}
