#include "command/ask.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "command/screen.h"
#include "orchestrate/survey.h"
#include "persist/derived.h"
#include "persist/lake/lake.h"
#include "persist/lake/schema.h"
#include "persist/lake/source.h"
#include "persist/view.h"
#include "registry.h"
#include "signal/fact.h"

enum {
    MODELS_MAX = LAKE_TABLES_MAX,
    LOOK_BYTES_MAX = 8 << 20,
    LINES_BYTES_MAX = 1 << 30,
    SQL_BYTES_MAX = 64 << 20,
    TRIES_MAX = 5, /* trimming may overtake the tables' positions once or twice, not for ever */
};
#define LOOK_ARENA_BYTES_MAX ((size_t)2 << 30)

struct source {
    const struct model *model;
    bool is_wanted, is_shown; /* shown: the SQL names it; wanted: or one that is shown needs it */
    struct delta log;
    int fd; /* memfd of its tail's rows; -1: none */
    size_t bytes, line_bytes_max;
};

struct looking {
    struct ask *ask;
    struct files files;
    struct bus *bus;
    struct source source[MODELS_MAX];
    size_t n;
    const struct config *config;
    struct made made; /* the tables that weir has written to */
};

/* ---- which models ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The text holds the word, in any case, alone or followed by _history or _folded. */
static bool names(struct str sql, struct str word)
{
    for (size_t i = 0; i + word.len <= sql.len; i++) {
        if ((i > 0 && is_word(sql.at[i - 1])) || !str_eq_nocase(str_sub(sql, i, word.len), word)) {
            continue;
        }
        size_t end = i + word.len;
        while (end < sql.len && is_word(sql.at[end])) {
            end++;
        }
        const struct str rest = str_sub(sql, i + word.len, end - i - word.len);
        if (rest.len == 0 || str_eq_nocase(rest, S("_history")) ||
            str_eq_nocase(rest, S("_folded"))) {
            return true;
        }
    }
    return false;
}

/* Naming too many costs time alone; a word in a literal does no harm. */
static void choose(struct looking *l, struct str sql)
{
    size_t shown = 0;
    l->n = model_all_n < MODELS_MAX ? model_all_n : MODELS_MAX;
    for (size_t i = 0; i < l->n; i++) {
        l->source[i] = (struct source){.model = model_all[i], .fd = -1};
        l->source[i].is_shown = names(sql, str_of(model_all[i]->name));
        shown += l->source[i].is_shown;
    }
    const bool asks_what = shown == 0 && (names(sql, S("show")) || names(sql, S("tables")) ||
                                          names(sql, S("columns")) || names(sql, S("views")));
    for (size_t i = 0; i < l->n; i++) {
        l->source[i].is_shown = l->source[i].is_shown || asks_what;
        l->source[i].is_wanted = l->source[i].is_shown;
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct str derived = l->source[i].is_shown ? derived_sql(l->source[i].model) : S("");
        for (size_t k = 0; k < l->n; k++) {
            l->source[k].is_wanted |= names(derived, str_of(l->source[k].model->name));
        }
    }
}

static bool wants(const struct looking *l, enum stream stream)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->source[i].is_wanted && lake_feeds(stream, l->source[i].model)) {
            return true;
        }
    }
    return false;
}

/* ---- the tail ---- */

struct lane_tail {
    struct lane lane;
    struct position begin, end;
    struct str app;
};
struct tails {
    struct lane_tail *at;
    size_t n, room;
};

/* The ends first: what the tables hold beyond them does no harm, what lay between would be lost. */
static enum outcome find_ends(struct looking *l, struct tails *out, struct failure *f)
{
    static const enum stream streams[] = {STREAM_RAW, STREAM_STANDARD, STREAM_MEASURED};
    enum outcome result = OK;
    *out = (struct tails){arena_array(l->ask->arena, struct lane_tail, READER_LANES_MAX), 0,
                          READER_LANES_MAX};
    for (size_t i = 0; i < sizeof streams / sizeof *streams && result == OK; i++) {
        struct lane_ends *ends;
        size_t n = 0;
        if (wants(l, streams[i])) {
            result = bus_ends(l->bus, l->ask->arena, streams[i], &ends, &n, f);
        }
        for (size_t k = 0; k < n && result == OK && out->n < out->room; k++) {
            out->at[out->n++] = (struct lane_tail){
                ends[k].lane, ends[k].begin, ends[k].end,
                lake_app(l->ask->arena, bus_id(l->bus), ends[k].lane)};
        }
    }
    return result;
}

/* Where the table's tail begins in a lane. */
static uint64_t tail_from(const struct looking *l, const struct source *s,
                          const struct lane_tail *t)
{
    return made_from(&l->made, &s->log, bus_id(l->bus), t->app, t->begin.at);
}

static struct source *source_of(struct looking *l, enum stream stream, const struct record *r)
{
    const struct model *const m = stream == STREAM_RAW ? model_find(S("raw"))
                                                       : fact_model(&r->signal);
    const bool is_for_another = stream != STREAM_RAW && r->signal.stage.len > 0 &&
                                !str_eq(r->signal.stage, S("lake"));
    for (size_t i = 0; m && !is_for_another && i < l->n; i++) {
        if (l->source[i].model == m) {
            return &l->source[i];
        }
    }
    return NULL;
}

static enum outcome keep_lines(struct source *s, struct str lines, struct failure *f)
{
    if (s->fd < 0) {
        s->fd = memfd_create("weir-tail", MFD_CLOEXEC);
    }
    const enum outcome result = s->fd < 0 ? failed_errno(f, RETRY, "memory for the tail")
                                          : file_write_at(s->fd, lines, (off_t)s->bytes, f);
    s->bytes += lines.len;
    return result;
}

/* Lines of one piece of a lane, gathered so that there is one write a model and piece. */
static enum outcome keep_piece(struct looking *l, struct arena *a, const struct lane_tail *t,
                               const struct slice *s, struct failure *f)
{
    enum outcome result = OK;
    struct buf *const lines = arena_array(a, struct buf, l->n);
    for (size_t i = 0; i < l->n; i++) {
        buf_init(&lines[i], a, LINES_BYTES_MAX);
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct record *const r = &s->record[i];
        struct source *const to = source_of(l, t->lane.stream, r);
        if (!to || !to->is_wanted || r->at.at < tail_from(l, to, t)) {
            continue;
        }
        struct buf *const b = &lines[to - l->source];
        const size_t before = b->len;
        if (t->lane.stream == STREAM_RAW) {
            lake_add_raw(b, bus_id(l->bus), t->lane.name, r);
        } else {
            lake_add_fact(b, to->model, r->signal.data);
        }
        buf_add_byte(b, '\n');
        to->line_bytes_max = b->len - before > to->line_bytes_max ? b->len - before
                                                                  : to->line_bytes_max;
    }
    for (size_t i = 0; i < l->n && result == OK; i++) {
        if (lines[i].len > 0 || buf_is_over(&lines[i])) {
            result = buf_is_over(&lines[i])
                         ? failed(f, STOP, "the tail's rows exceed %d bytes", LINES_BYTES_MAX)
                         : keep_lines(&l->source[i], buf_str(&lines[i]), f);
        }
    }
    return result;
}

static enum outcome look_lane(struct looking *l, const struct lane_tail *t, struct failure *f)
{
    struct arena a;
    struct position from = t->end;
    enum outcome result = OK;
    for (size_t i = 0; i < l->n; i++) {
        const struct source *const s = &l->source[i];
        if (s->is_wanted && lake_feeds(t->lane.stream, s->model)) {
            const uint64_t at = tail_from(l, s, t);
            from.at = at < from.at ? at : from.at;
        }
    }
    arena_init(&a, LOOK_ARENA_BYTES_MAX);
    while (result == OK && from.at < t->end.at) {
        struct batch batch = {.arena = &a};
        result = bus_look(l->bus, (struct span){t->lane, from, t->end}, LOOK_BYTES_MAX, &batch, f);
        if (result == RETRY && l->ask->unreadable) {
            result = OK;
            arena_reset(&a);
            if (l->ask->unreadable(l->ask->to, f)) {
                continue;
            }
            break;
        }
        if (result != OK || batch.n == 0 || batch.slice[0].to.at <= from.at) {
            break;
        }
        result = keep_piece(l, &a, t, &batch.slice[0], f);
        from = batch.slice[0].to;
        arena_reset(&a);
    }
    arena_close(&a);
    return result;
}

static void forget_tails(struct looking *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->source[i].fd >= 0) {
            close(l->source[i].fd); /* memory */
        }
        l->source[i].fd = -1;
        l->source[i].bytes = l->source[i].line_bytes_max = 0;
    }
}

static enum outcome open_tables(struct looking *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->n && result == OK; i++) {
        struct source *const s = &l->source[i];
        if (s->is_wanted) {
            result = delta_open(l->ask->arena, &l->files, str_of(s->model->name), &s->log, f);
        }
    }
    return result;
}

/* A table that is gone with what the streams have forgotten would be answered without it. */
static enum outcome check_not_lost(struct looking *l, const struct tails *tails, struct failure *f)
{
    enum outcome result = made_read(l->ask->arena, l->config->data, &l->made, f);
    for (size_t i = 0; i < l->n && result == OK; i++) {
        const struct source *const s = &l->source[i];
        bool has_own = false, has_forgotten = false;
        for (size_t k = 0; k < tails->n && s->is_wanted; k++) {
            if (lake_feeds(tails->at[k].lane.stream, s->model)) {
                has_own = has_own || delta_txn(&s->log, tails->at[k].app) >= 0;
                has_forgotten = has_forgotten || tails->at[k].begin.at > 0;
            }
        }
        if (s->is_wanted &&
            made_is_lost(&l->made, &s->log, bus_id(l->bus), has_own, has_forgotten)) {
            result = failed(f, RETRY,
                            "table %s of the lake is gone, and the streams have forgotten what it "
                            "held: put its folder back, or remove its line from %.*s to begin it "
                            "anew",
                            s->model->name, STR_ARG(l->made.path));
        }
    }
    return result;
}

/* Ends, then tables, then what lies between; from the tables again when a flush and a trim came in
 * between. */
static enum outcome take_snapshot(struct looking *l, struct failure *f)
{
    struct tails tails;
    enum outcome result = find_ends(l, &tails, f);
    for (int tries = 0; result == OK; tries++) {
        result = open_tables(l, f);
        result = result == OK ? check_not_lost(l, &tails, f) : result;
        for (size_t i = 0; i < tails.n && result == OK; i++) {
            result = look_lane(l, &tails.at[i], f);
        }
        if (result != STOP || tries == TRIES_MAX) {
            break;
        }
        forget_tails(l);
        result = OK;
    }
    return result;
}

/* ---- the engine ---- */

static enum outcome run(struct looking *l, struct buf *sql, struct failure *f)
{
    buf_add_byte(sql, '\0');
    return buf_is_over(sql) ? failed(f, STOP, "the lake has too many files to name")
                            : duck_run(l->ask->duck, buf_str(sql).at, f);
}

static enum outcome load_tail(struct looking *l, const struct source *s, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, l->ask->arena, SQL_BYTES_MAX);
    buf_printf(&sql, "CREATE TABLE parts.%s_tail AS ", s->model->name);
    if (s->fd < 0) {
        schema_add_empty(&sql, s->model);
    } else {
        buf_printf(&sql,
                   "SELECT * FROM read_json('/proc/self/fd/%d', format = 'newline_delimited', "
                   "maximum_object_size = %zu, columns = ",
                   s->fd, s->line_bytes_max + 1024);
        schema_add_columns(&sql, s->model);
        buf_add_byte(&sql, ')');
    }
    return run(l, &sql, f);
}

/* MODEL_facts: files and tail; over it MODEL_history and MODEL_folded. A view finds what stands in
 * its own schema. */
static enum outcome add_views(struct looking *l, const struct source *s, struct failure *f)
{
    struct buf sql;
    const char *const name = s->model->name;
    const struct str facts = arena_printf(l->ask->arena, "%s_facts", name);
    enum outcome result = load_tail(l, s, f);
    buf_init(&sql, l->ask->arena, SQL_BYTES_MAX);
    buf_printf(&sql, "CREATE VIEW parts.%s_facts AS ", name);
    source_add(&sql, l->ask->arena, &s->log, s->model);
    buf_printf(&sql, " UNION ALL SELECT * FROM %s_tail; CREATE VIEW parts.%s_folded AS ", name,
               name);
    view_add_folded(&sql, s->model, DIALECT_DUCKDB, facts);
    buf_printf(&sql, "; CREATE VIEW parts.%s_history AS ", name);
    view_add_history(&sql, s->model, DIALECT_DUCKDB, facts);
    return result == OK ? run(l, &sql, f) : result;
}

static enum outcome add_model(struct looking *l, const struct source *s, struct failure *f)
{
    struct buf sql;
    const char *const name = s->model->name;
    buf_init(&sql, l->ask->arena, SQL_BYTES_MAX);
    buf_printf(&sql, "CREATE VIEW parts.%s AS ", name);
    view_add_model(&sql, s->model, DIALECT_DUCKDB);
    buf_printf(&sql,
               "; CREATE VIEW %s AS FROM parts.%s; CREATE VIEW %s_history AS FROM parts.%s_history",
               name, name, name, name);
    return run(l, &sql, f);
}

/* As it is and as a pattern: DuckDB looks at both a file's name and what it was asked for by. */
static void add_folder(struct looking *l, struct buf *b, struct str folder, const char *tail)
{
    struct arena *const a = l->ask->arena;
    const struct str pattern = duck_pattern(a, folder);
    duck_add_literal(b, arena_printf(a, "%.*s%s", STR_ARG(folder), tail));
    buf_add(b, S(", "));
    duck_add_literal(b, arena_printf(a, "%.*s%s", STR_ARG(pattern), tail));
}

/* From here on nothing can be reached but the lake's folder and that of a replay. What could write
 * there is refused by the kind of the statement (query.c). */
static enum outcome lock_down(struct looking *l, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, l->ask->arena, 1 << 16);
    buf_add(&sql, S("SET allowed_directories = ["));
    add_folder(l, &sql, l->files.place, "/");
    buf_add(&sql, S(", "));
    add_folder(l, &sql, l->config->data, "/replay/");
    buf_add(&sql, S("]; SET temp_directory = "));
    duck_add_literal(&sql, l->ask->spill);
    buf_add(&sql, l->ask->hides_parts ? S("") : S("; SET search_path = 'main,parts'"));
    buf_add(&sql, S("; SET enable_external_access = false; "
                    "SET lock_configuration = true"));
    return run(l, &sql, f);
}

static enum outcome open_engine(struct looking *l, struct failure *f)
{
    const struct duck_options o = {.memory_bytes_max = l->config->lake.query_memory_bytes_max,
                                   .threads = 2,
                                   .reads_once = l->ask->reads_once};
    enum outcome result = duck_open(l->ask->arena, &o, &l->ask->duck, f);
    result = result == OK ? duck_run(l->ask->duck, "CREATE SCHEMA parts", f) : result;
    for (size_t i = 0; i < l->n && result == OK; i++) {
        result = l->source[i].is_wanted ? add_views(l, &l->source[i], f) : OK;
    }
    for (size_t i = 0; i < l->n && result == OK; i++) {
        result = l->source[i].is_shown ? add_model(l, &l->source[i], f) : OK;
    }
    return result == OK ? lock_down(l, f) : result;
}

enum outcome ask_open(struct ask *q, struct arena *a, const struct config *config, struct bus *bus,
                      struct str sql, struct failure *f)
{
    struct looking *const l = arena_new(a, struct looking);
    q->arena = a;
    q->duck = NULL;
    q->complete_us = TIME_NONE;
    q->behind_us = 0;
    l->ask = q;
    l->bus = bus;
    l->files = files_at(config->lake.path);
    l->config = config;
    choose(l, sql);
    enum outcome result = take_snapshot(l, f);
    if (result == OK) {
        result = open_engine(l, f);
    }
    forget_tails(l);
    return result;
}

enum outcome ask_begin(struct ask *q, struct arena *a, const struct config *config, struct str sql,
                       struct failure *f)
{
    struct survey survey;
    struct bus *bus;
    *q = (struct ask){.arena = a, .hides_parts = q->hides_parts};
    enum outcome result = bus_visit(a, &config->bus, &bus, f);
    if (result != OK) {
        return result;
    }
    /* first, so that all it promises stands before the ends that ask_open takes */
    result = survey_take(a, &(struct survey_of){config, registry_duties, bus, S("")}, &survey, f);
    result = result == OK ? ask_open(q, a, config, bus, sql, f) : result;
    q->complete_us = result == OK ? survey.complete_us : TIME_NONE;
    q->behind_us = result == OK ? survey.now_us - survey.complete_us : 0;
    bus_close(bus);
    return result;
}

void ask_say_complete(const struct ask *q)
{
    char text[CLOCK_TEXT_BYTES];
    (void)clock_text(q->complete_us, text);
    if (q->behind_us > 0) {
        char behind[SPAN_BYTES];
        screen_tell("complete to %s, %s behind: weir status says who waits\n", text,
                    screen_span(q->behind_us / 1000, behind));
    } else {
        screen_tell("complete to %s\n", text);
    }
}

void ask_close(struct ask *q)
{
    duck_close(q->duck);
    q->duck = NULL;
}
