/* collectors.c - the collectors: when each ran and runs next, its window, its records, what went
 * wrong, and how far its sinks are. */
#include <stdio.h>

#include "base/buf.h"
#include "collector/state.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "orchestrate/survey.h"
#include "registry.h"
#include "wire/control.h"
#include "wire/json.h"

enum { ANSWER_MS = 10000, LINE_BYTES_MAX = 4096, TEXT_BYTES_MAX = 1 << 20 };
#define ARENA_BYTES_MAX ((size_t)512 << 20)

struct listing {
    struct arena *arena;
    const struct config *config;
    const struct survey *survey;
    enum rows_format format;
    struct rows *rows;
    struct state *state; /* NULL: none has run */
    yyjson_val *live;    /* of the running weir; NULL: it does not run */
    size_t failed_n;
};

/* The columns of a list; a table has the first ones. */
static const struct str column[] = {
    STR("collector"), STR("state"),   STR("last"),           STR("next"),      STR("window"),
    STR("records"),   STR("aside"),   STR("sinks"),          STR("error"),     STR("source"),
    STR("strategy"),  STR("took_ms"), STR("rows"),           STR("empty"),     STR("runs"),
    STR("failed"),    STR("skipped"), STR("passed_windows"), STR("last_good"), STR("place")};
static const bool is_number[] = {false, false, false, false, false, true, true,
                                 false, false, false, false, true,  true, true,
                                 true,  true,  true,  true,  false, false};
enum { COLUMNS = sizeof column / sizeof *column, TABLE_COLUMNS = 9 };

/* Those of a file that is left out, and of one that is gone. */
enum {
    COLUMN_COLLECTOR = 0,
    COLUMN_STATE = 1,
    COLUMN_LAST = 2,
    COLUMN_WINDOW = 4,
    COLUMN_ERROR = 8,
    COLUMN_RUNS = 14,
    COLUMN_FAILED = 15,
    COLUMN_LAST_GOOD = 18,
    COLUMN_PLACE = 19
};

/* ---- cells ---- */

static struct cell text_cell(struct str text)
{
    return (struct cell){text.len > 0 ? CELL_TEXT : CELL_NULL, text};
}

static struct cell number_cell(struct arena *a, uint64_t n)
{
    return (struct cell){CELL_NUMBER, arena_printf(a, "%llu", (unsigned long long)n)};
}

/* A table shows whole seconds. */
static struct str time_text(const struct listing *l, int64_t us)
{
    char text[CLOCK_TEXT_BYTES];
    if (us == TIME_NONE) {
        return S("");
    }
    const size_t len = clock_text(us, text);
    return l->format == ROWS_TABLE ? arena_printf(l->arena, "%.19sZ", text)
                                   : arena_str(l->arena, (struct str){text, len});
}

static struct str window_text(const struct listing *l, struct window_span w)
{
    return w.start_us == TIME_NONE
               ? S("")
               : arena_printf(l->arena, "%.*s/%.*s", STR_ARG(time_text(l, w.start_us)),
                              STR_ARG(time_text(l, w.end_us)));
}

/* ---- sinks ---- */

/* What the lanes hold that it has not taken, as status says; false: it never ran, or that is
 * unknown. */
static bool lag_of(const struct listing *l, const struct sink_config *sink, uint64_t *bytes)
{
    bool has_page = false;
    *bytes = UINT64_MAX;
    for (size_t i = 0; i < l->survey->pages_n; i++) {
        has_page = has_page || str_eq(l->survey->page[i].name, sink->id);
    }
    for (size_t i = 0; i < l->survey->stages_n; i++) {
        const struct survey_stage *const stage = &l->survey->stage[i];
        *bytes = str_eq(str_of(stage->name), sink->id) ? stage->lag_bytes : *bytes;
    }
    return has_page && *bytes != UINT64_MAX;
}

static void add_sink(const struct listing *l, struct buf *b, const struct sink_config *sink,
                     bool is_first)
{
    uint64_t bytes = 0;
    const struct str name = sink->name;
    const bool is_there = lag_of(l, sink, &bytes);
    buf_add(b, is_first ? S("") : l->format == ROWS_TABLE ? S(", ") : S(","));
    if (l->format != ROWS_TABLE) {
        buf_add_json(b, name);
        buf_printf(b, is_there ? ":%llu" : ":null", (unsigned long long)bytes);
    } else if (!is_there) {
        buf_printf(b, "%.*s not begun", STR_ARG(name));
    } else if (bytes > 0) {
        buf_printf(b, "%.*s %llu KiB behind", STR_ARG(name),
                   (unsigned long long)((bytes + 1023) / 1024));
    } else {
        buf_printf(b, "%.*s", STR_ARG(name));
    }
}

/* It names the sink, or the sink takes whatever any of them measures. */
static bool is_its_sink(const struct listing *l, const struct collector *c, size_t at)
{
    const struct sink_config *const sink = &l->config->sinks.at[at];
    bool is = false;
    for (size_t i = 0; i < c->sinks_n; i++) {
        is = is || c->sink[i] == at;
    }
    for (size_t i = 0; i < sink->models.n && !sink->is_for_collectors; i++) {
        is = is || str_eq(sink->models.at[i], S("metric"));
    }
    return is;
}

/* Names, and how far each is behind: `console, audit 12 KiB behind`; in JSON bytes by name. */
static struct cell sinks_cell(const struct listing *l, const struct collector *c)
{
    struct buf b;
    buf_init(&b, l->arena, TEXT_BYTES_MAX);
    buf_add(&b, l->format == ROWS_TABLE ? S("") : S("{"));
    size_t n = 0;
    for (size_t i = 0; i < l->config->sinks.n; i++) {
        if (is_its_sink(l, c, i)) {
            add_sink(l, &b, &l->config->sinks.at[i], n++ == 0);
        }
    }
    buf_add(&b, l->format == ROWS_TABLE ? S("") : S("}"));
    return (struct cell){l->format == ROWS_TABLE ? CELL_TEXT : CELL_JSON, buf_str(&b)};
}

/* ---- rows ---- */

/* What the running weir says of it. */
static yyjson_val *live_of(const struct listing *l, struct str id)
{
    size_t i = 0, n = 0;
    yyjson_val *v = NULL;
    yyjson_arr_foreach(l->live, i, n, v)
    {
        if (str_eq(json_text(json_get(v, S("id"))), id)) {
            return v;
        }
    }
    return NULL;
}

static const char *state_of(const struct state_entry *e, yyjson_val *live)
{
    return json_get(live, S("since")) ? "running"
           : e->n == 0                ? "waits"
           : e->outcome == OK         ? "ok"
           : e->outcome == RETRY      ? "retrying"
                                      : "failed";
}

static const char *strategy_name(enum collector_strategy s)
{
    switch (s) {
    case STRATEGY_TICK: return "tick";
    case STRATEGY_WINDOW: return "historic_tumbling_window";
    case STRATEGY_GROWING: return "incremental";
    }
    return "";
}

static enum outcome add_row(struct listing *l, const struct collector *c, struct failure *f)
{
    struct arena *const a = l->arena;
    struct state_entry e = state_entry_new(c->id);
    yyjson_val *const live = live_of(l, c->id);
    int64_t next_us = TIME_NONE;
    const enum outcome result = l->state ? state_get(l->state, a, c->id, &e, f) : OK;
    if (result != OK) {
        return result;
    }
    if (live && !clock_parse(json_text(json_get(live, S("next"))), &next_us)) {
        next_us = TIME_NONE;
    }
    l->failed_n += e.n > 0 && e.outcome != OK;
    const struct cell cell[COLUMNS] = {
        text_cell(c->id),
        text_cell(str_of(state_of(&e, live))),
        text_cell(time_text(l, e.ended_us)),
        text_cell(time_text(l, next_us)),
        text_cell(window_text(l, e.window)),
        number_cell(a, e.metrics),
        number_cell(a, e.aside),
        sinks_cell(l, c),
        text_cell(e.why),
        text_cell(str_of(c->source->name)),
        text_cell(str_of(strategy_name(c->strategy))),
        number_cell(a, (uint64_t)(e.took_us / 1000)),
        number_cell(a, e.rows),
        number_cell(a, e.empty),
        number_cell(a, e.n),
        number_cell(a, e.failed_n),
        number_cell(a, e.skipped_n),
        number_cell(a, e.passed_n),
        text_cell(time_text(l, e.ok_us)),
        text_cell(c->place),
    };
    rows_add(l->rows, cell);
    return OK;
}

static void empty(struct cell cell[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        cell[i] = text_cell(S(""));
    }
}

/* A file that is no collector as it stands, and what is wrong with it. */
static void add_left(struct listing *l, const struct collector_left *left)
{
    struct cell cell[COLUMNS];
    empty(cell);
    cell[COLUMN_COLLECTOR] = text_cell(left->name);
    cell[COLUMN_STATE] = text_cell(S("left out"));
    cell[COLUMN_ERROR] = text_cell(left->lines.at[0]);
    cell[COLUMN_PLACE] = text_cell(left->file);
    l->failed_n++;
    rows_add(l->rows, cell);
}

/* Whether an entry of state.db is of one that is configured, or that is left out for now. */
static bool is_known(const struct collectors *c, struct str id)
{
    for (size_t i = 0; i < c->n; i++) {
        if (str_eq(c->at[i].id, id)) {
            return true;
        }
    }
    for (size_t i = 0; i < c->left_n; i++) {
        const struct str behind = str_sub(id, c->left[i].name.len, 1);
        if (str_starts(id, c->left[i].name) && (behind.len == 0 || str_eq(behind, S("@")))) {
            return true;
        }
    }
    return false;
}

/* What is known of one that is configured no more: should it come back, it goes on from there. */
static void add_gone(const struct listing *l, const struct state_entry *e)
{
    struct cell cell[COLUMNS];
    empty(cell);
    cell[COLUMN_COLLECTOR] = text_cell(e->id);
    cell[COLUMN_STATE] = text_cell(S("gone"));
    cell[COLUMN_LAST] = text_cell(time_text(l, e->ended_us));
    cell[COLUMN_WINDOW] = text_cell(window_text(l, e->window));
    cell[COLUMN_RUNS] = number_cell(l->arena, e->n);
    cell[COLUMN_FAILED] = number_cell(l->arena, e->failed_n);
    cell[COLUMN_LAST_GOOD] = text_cell(time_text(l, e->ok_us));
    rows_add(l->rows, cell);
}

static enum outcome add_all_gone(const struct listing *l, struct failure *f)
{
    struct state_entry *entry = NULL;
    size_t n = 0;
    const enum outcome result = l->state ? state_all(l->state, l->arena, &entry, &n, f) : OK;
    for (size_t i = 0; i < n && result == OK; i++) {
        if (!is_known(&l->config->collectors, entry[i].id)) {
            add_gone(l, &entry[i]);
        }
    }
    return result;
}

static enum outcome print_all(struct listing *l, struct failure *f)
{
    static const bool is_whole[COLUMNS] = {true}; /* the name */
    const struct rows_head head = {.name = column,
                                   .is_number = is_number,
                                   .n = l->format == ROWS_TABLE ? TABLE_COLUMNS : COLUMNS,
                                   .is_whole = is_whole};
    enum outcome result = rows_begin(l->arena, l->format, &head, &l->rows, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < l->config->collectors.n && result == OK; i++) {
        result = add_row(l, &l->config->collectors.at[i], f);
    }
    for (size_t i = 0; i < l->config->collectors.left_n && result == OK; i++) {
        add_left(l, &l->config->collectors.left[i]);
    }
    result = result == OK ? add_all_gone(l, f) : result;
    rows_end(l->rows);
    return result;
}

/* ---- asking ---- */

/* One line to the running weir. REJECT: it said no, and why. */
static enum outcome ask(const struct listing *l, struct str line, yyjson_val **root,
                        struct failure *f)
{
    struct str answer;
    yyjson_doc *doc = NULL;
    enum outcome result = control_ask(l->arena, l->config->data, line, ANSWER_MS, &answer, f);
    if (result == OK) {
        result = json_read(l->arena, str_trim(answer), &doc, f);
    }
    if (result != OK) {
        return result;
    }
    *root = yyjson_doc_get_root(doc);
    const struct str why = json_text(json_get(*root, S("why")));
    return yyjson_is_true(json_get(*root, S("ok"))) ? OK : failed(f, REJECT, "%.*s", STR_ARG(why));
}

static enum outcome begin_anew(const struct listing *l, struct str name, struct failure *f)
{
    struct buf line;
    yyjson_val *root = NULL;
    buf_init(&line, l->arena, LINE_BYTES_MAX);
    buf_add(&line, S("{\"command\":\"anew\",\"collector\":"));
    buf_add_json(&line, name);
    buf_add(&line, S("}\n"));
    const enum outcome result = ask(l, buf_str(&line), &root, f);
    if (result == OK) {
        const bool is_gone = yyjson_is_true(json_get(root, S("gone")));
        screen_tell("%.*s %s\n", STR_ARG(name),
                    is_gone ? "is forgotten" : "begins anew with its next run");
    }
    return result;
}

static enum outcome list(struct listing *l, struct failure *f)
{
    struct bus *bus = NULL;
    struct failure none;
    yyjson_val *root = NULL;
    struct survey *const survey = arena_new(l->arena, struct survey);
    l->survey = survey;
    if (ask(l, S("{\"command\":\"collectors\"}\n"), &root, &none) == OK) {
        l->live = json_get(root, S("collectors"));
    }
    /* what is not there yet is no failure: nothing has run */
    (void)state_open(l->arena, l->config->data, STATE_READ, &l->state, &none);
    if (bus_visit(l->arena, &l->config->bus, &bus, &none) == OK) {
        (void)survey_take(l->arena, &(struct survey_of){l->config, registry_duties, bus, S("")},
                          survey, &none);
        bus_close(bus);
    }
    const enum outcome result = print_all(l, f);
    state_close(l->state);
    return result;
}

/* ---- the command ---- */

int command_collectors(int argc, char **argv)
{
    struct listing l = {.live = NULL};
    struct str anew = {NULL, 0};
    const struct flag flags[] = {{"anew", 0, FLAG_TEXT, &anew, "NAME",
                                  "forget how far this one has come: it begins with the last "
                                  "complete window, or without its bookmark; one that is gone is "
                                  "forgotten wholly"},
                                 {0}};
    const struct usage usage = {
        .name = "collectors",
        .words = "",
        .about =
            "The collectors: when each ran and runs next, its window and records, what went "
            "wrong, and how far its sinks are. Exit status 1 when the last run of one failed, or "
            "a file of them is left out.",
        .flags = flags,
        .examples = "  weir collectors\n  weir collectors --json\n",
        .needs = NEEDS_MAPPINGS, /* a wrong one leaves its file out */
        .prints = PRINTS_ROWS,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    l.arena = &s.arena;
    l.config = s.config;
    l.format = s.format;
    const enum outcome result = anew.len > 0 ? begin_anew(&l, anew, &f) : list(&l, &f);
    s.status = result != OK ? command_unanswered("collectors", &f)
               : l.failed_n ? EXIT_NO
                            : EXIT_DONE;
    return command_end(&s);
}
