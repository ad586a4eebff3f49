/* tap.c - signals as they pass: what comes from now on, one JSON object a line, until Ctrl-C. */
#include <stdio.h>

#include "base/asked.h"
#include "bus/bus.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "signal/fact.h"
#include "wire/jq/jq.h"
#include "wire/json.h"

enum {
    READ_BYTES_MAX = 8 << 20,
    LINE_BYTES_MAX = 1 << 30,
    WHERE_BYTES = 256 << 20,
    WHERE_MS = 5000,
    WHERE_OUTPUTS = 1000
};
#define BATCH_BYTES_MAX ((size_t)2 << 30)

struct tap {
    struct bus *bus;
    struct reader *reader;
    enum stream stream;
    struct str model, agent, where;
    struct jq_pool *pool;
    struct mapping filter;
    int64_t count; /* INT64_MAX: no end */
    int64_t seen;
    bool is_first; /* lanes that are there when it begins are read from their ends */
    bool is_hung_up;
};

/* ---- one signal as a line ---- */

static void add_text(struct buf *b, const char *name, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, ",\"%s\":", name);
        buf_add_json(b, text);
    }
}

static void add_time(struct buf *b, const char *name, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_us != TIME_NONE) {
        (void)clock_text(time_us, text);
        buf_printf(b, ",\"%s\":\"%s\"", name, text);
    }
}

/* A payload that is JSON stands as it is, on one line; any other as text. */
static void add_data(struct buf *b, struct arena *a, struct str data)
{
    yyjson_doc *doc = NULL;
    struct failure ignored; /* then it is text */
    buf_add(b, S(",\"data\":"));
    if (data.len > 0 && json_read_exact(a, data, &doc, &ignored) == OK) {
        buf_add(b, json_write(a, yyjson_doc_get_root(doc)));
    } else {
        buf_add_json(b, data);
    }
}

static struct str line_of(struct arena *a, struct lane lane, const struct record *r)
{
    const struct signal *const s = &r->signal;
    struct buf b;
    buf_init(&b, a, LINE_BYTES_MAX);
    buf_add(&b, S("{\"position\":"));
    buf_add_json(&b, position_text(a, lane, r->at));
    add_text(&b, "id", s->id);
    add_text(&b, "source", s->source);
    add_text(&b, "type", s->type);
    add_text(&b, "subject", s->subject);
    add_time(&b, "time", s->time_us);
    add_text(&b, "agent", s->agent);
    add_time(&b, "received", s->received_us);
    add_text(&b, "stage", s->stage);
    add_text(&b, "reason", s->reason);
    add_text(&b, "pointer", s->pointer);
    add_text(&b, "retry_of", s->retry_of);
    add_text(&b, "first", s->first);
    if (r->origin.lane.name.len > 0) {
        add_text(&b, "origin", position_text(a, r->origin.lane, r->origin.at));
    }
    add_data(&b, a, s->data);
    buf_add(&b, S("}\n"));
    return buf_is_over(&b) ? S("") : buf_str(&b);
}

/* ---- reading ---- */

static bool is_wanted(const struct tap *t, const struct record *r)
{
    const struct model *const m = t->model.len > 0 ? fact_model(&r->signal) : NULL;
    return (t->agent.len == 0 || str_eq(t->agent, r->signal.agent)) &&
           (t->model.len == 0 || (m && str_eq(t->model, str_of(m->name))));
}

/* The program, run on what would be printed, gives something that is neither false nor null. */
static enum outcome passes(struct tap *t, struct arena *a, struct str line, bool *out,
                           struct failure *f)
{
    const struct jq_input in = {.mapping = &t->filter, .body = line, .context = S("{}")};
    struct str answer = S("[]");
    yyjson_doc *doc = NULL;
    size_t i = 0, n = 0;
    yyjson_val *value = NULL;
    *out = t->where.len == 0;
    enum outcome result = *out ? OK : jq_run(t->pool, a, &in, &answer, f);
    result = result == OK ? json_read(a, answer, &doc, f) : result;
    if (result != OK) {
        return result;
    }
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, value)
    {
        *out = *out || !(yyjson_is_null(value) || yyjson_is_false(value));
    }
    return OK;
}

static enum outcome print_slice(struct tap *t, struct arena *a, const struct slice *s,
                                struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < s->n && t->seen < t->count && !t->is_hung_up && result == OK; i++) {
        const struct str line = is_wanted(t, &s->record[i]) ? line_of(a, s->lane, &s->record[i])
                                                            : S("");
        bool is_passed = false;
        result = line.len > 0 ? passes(t, a, line, &is_passed, f) : OK;
        if (result == OK && is_passed) {
            t->seen++;
            t->is_hung_up = fwrite(line.at, 1, line.len, stdout) != line.len;
        }
    }
    return result;
}

static enum outcome begin_lanes(struct tap *t, struct arena *a, const struct batch *in,
                                struct failure *f)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    enum outcome result = bus_ends(t->bus, a, t->stream, &ends, &n, f);
    for (size_t i = 0; i < in->gained_n && result == OK; i++) {
        struct position from = {0};
        for (size_t k = 0; k < n; k++) {
            if (lane_eq(ends[k].lane, in->gained[i])) {
                from = t->is_first ? ends[k].end : ends[k].begin;
            }
        }
        result = reader_seek(t->reader, in->gained[i], from, f);
    }
    return result;
}

static enum outcome turn(struct tap *t, struct arena *a, struct failure *f)
{
    struct batch in = {.arena = a};
    enum outcome result = reader_read(t->reader, READ_BYTES_MAX, t->is_first ? 0 : -1, &in, f);
    if (result == OK && in.gained_n > 0) {
        result = begin_lanes(t, a, &in, f);
    }
    for (size_t i = 0; i < in.n && result == OK; i++) {
        result = print_slice(t, a, &in.slice[i], f);
    }
    t->is_hung_up = t->is_hung_up || fflush(stdout) != 0;
    if (result == OK && t->is_first) { /* now nothing is missed: who waits for that may begin */
        t->is_first = false;
        screen_tell("tapping %s; Ctrl-C ends it\n", stream_name(t->stream));
    }
    return result;
}

static void wake(void *reader)
{
    reader_wake(reader);
}

static enum outcome tap(struct tap *t, struct failure *f)
{
    struct arena a;
    enum outcome result = reader_join(t->bus, STREAM_BIT(t->stream), S("tap"), CURSOR_SINK,
                                      &t->reader, f);
    if (result != OK) {
        return result;
    }
    arena_init(&a, BATCH_BYTES_MAX);
    asked_install(wake, t->reader);
    while (result == OK && !asked_to_stop() && t->seen < t->count && !t->is_hung_up) {
        result = turn(t, &a, f);
        arena_reset(&a);
    }
    asked_install(NULL, NULL); /* whoever asks again wakes nobody */
    reader_leave(t->reader);
    arena_close(&a);
    return result;
}

/* ---- the command ---- */

static bool read_stream(struct str word, enum stream *out)
{
    for (int i = 0; i < STREAM_N; i++) {
        if (str_eq(word, str_of(stream_name((enum stream)i)))) {
            *out = (enum stream)i;
            return true;
        }
    }
    return false;
}

static int check(void *of, const struct words *words)
{
    struct tap *const t = of;
    if (words->n > 0 && !read_stream(str_of(words->at[0]), &t->stream)) {
        screen_tell("weir tap: there is no stream %s; there are raw, standard, measured, dead\n",
                    words->at[0]);
        return EXIT_USAGE;
    }
    if (t->model.len > 0 && !model_find(t->model)) {
        screen_tell("weir tap: there is no model %.*s; `weir query \"SHOW TABLES\"` lists "
                    "them\n",
                    STR_ARG(t->model));
        return EXIT_USAGE;
    }
    if (t->model.len > 0 && t->stream == STREAM_RAW) {
        screen_tell("weir tap: raw signals are of no model; tap standard\n");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* A program that is none is wrong use. */
static enum outcome check_where(const struct tap *t, struct failure *f)
{
    const enum outcome result = jq_check(&t->filter, f);
    if (result == REJECT) {
        f->outcome = STOP;
        return STOP;
    }
    return result;
}

int command_tap(int argc, char **argv)
{
    struct tap t = {.stream = STREAM_STANDARD, .count = INT64_MAX, .is_first = true};
    const struct flag flags[] = {
        {"model", 0, FLAG_TEXT, &t.model, "MODEL", "facts of this model alone"},
        {"agent", 0, FLAG_TEXT, &t.agent, "NAME", "what this agent took, alone"},
        {"where", 0, FLAG_TEXT, &t.where, "JQ",
         "what this jq program gives something for, neither false nor null"},
        {"count", 'n', FLAG_NUMBER, &t.count, "N", "end after so many"},
        {0}};
    const struct usage usage = {
        .name = "tap",
        .words = "[raw|standard|measured|dead]",
        .about = "Signals as they pass, from now on, one JSON object a line, until Ctrl-C. The "
                 "stream is standard when none is named. Owns and moves nothing: any number may "
                 "tap, and weir does not notice.",
        .flags = flags,
        .examples = "  weir tap\n  weir tap standard --model change\n"
                    "  weir tap raw --agent github --count 10\n"
                    "  weir tap --model change --where '.data.state == \"merged\"'\n",
        .words_most = 1,
        .needs = NEEDS_CONFIG,
        .check = check,
        .of = &t,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    t.filter = (struct mapping){.name = S("--where"),
                                .program = t.where,
                                .limits = {.memory_bytes = WHERE_BYTES,
                                           .output_bytes = WHERE_BYTES,
                                           .time_ms = WHERE_MS,
                                           .depth = JSON_DEPTH_MAX,
                                           .outputs = WHERE_OUTPUTS}};
    t.pool = jq_pool_open(&s.arena);
    enum outcome result = t.agent.len > 0 ? command_check_agent(s.config, t.agent, &f) : OK;
    result = result == OK && t.where.len > 0 ? check_where(&t, &f) : result;
    result = result == OK ? bus_visit(&s.arena, &s.config->bus, &t.bus, &f) : result;
    if (result == OK) {
        result = tap(&t, &f);
        bus_close(t.bus);
    }
    s.status = result == OK ? EXIT_DONE : command_failed("tap", &f);
    return command_end(&s);
}
