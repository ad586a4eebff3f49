/* explain.c - one signal's whole life: received when and by whom, transformed into what, kept
 * where, or why not. */
#include <stdio.h>

#include "bus/dead.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "command/trace.h"

enum { WORDS_MAX = 8 };
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct explaining {
    struct arena *arena;
    const struct config *config;
    struct trace *trace;
    bool is_json;
};

/* ---- as JSON ---- */

static void add_member(struct buf *b, const char *name, struct str text)
{
    buf_printf(b, ",\"%s\":", name);
    if (text.len > 0) {
        buf_add_json(b, text);
    } else {
        buf_add(b, S("null"));
    }
}

static void add_fact(struct buf *b, const struct trace_fact *fact)
{
    buf_printf(b, "{\"model\":\"%s\",\"key\":%.*s", fact->model->name, STR_ARG(fact->key));
    add_member(b, "fact_id", fact->fact_id);
    add_member(b, "fact_at", fact->fact_at);
    add_member(b, "file", fact->file);
    if (fact->file.len > 0) {
        buf_printf(b, ",\"row\":%lld", (long long)fact->row);
    } else {
        buf_add(b, S(",\"row\":null"));
    }
    buf_printf(b, ",\"store\":%s}", fact->is_stored ? "true" : "false");
}

static void print_json(struct explaining *e, const struct trace_signal *s)
{
    struct buf b;
    char received[CLOCK_TEXT_BYTES];
    (void)clock_text(s->past.signal.received_us, received);
    buf_init(&b, e->arena, ARENA_BYTES_MAX);
    buf_add(&b, S("{\"raw\":"));
    buf_add_json(&b, s->past.at);
    add_member(&b, "bus", s->past.bus);
    add_member(&b, "id", s->past.signal.id);
    add_member(&b, "source", s->past.signal.source);
    add_member(&b, "agent", s->past.signal.agent);
    add_member(&b, "event", s->past.signal.type);
    add_member(&b, "received_at", str_of(received));
    buf_printf(&b, ",\"body_bytes\":%zu", s->past.signal.data.len);
    add_member(&b, "file", s->file);
    add_member(&b, "outcome", str_of(trace_end_name(s->end)));
    add_member(&b, "why", s->why);
    add_member(&b, "pointer", s->pointer);
    add_member(&b, "dead", s->dead);
    buf_add(&b, S(",\"facts\":["));
    for (size_t i = 0; i < s->facts_n; i++) {
        buf_add(&b, i ? S(",") : S(""));
        add_fact(&b, &s->fact[i]);
    }
    buf_add(&b, S("]}"));
    printf("%.*s\n", STR_ARG(buf_str(&b)));
}

/* ---- for people ---- */

static void line(struct explaining *e, const char *name, struct str text)
{
    if (text.len > 0) {
        printf("%-12s%.*s\n", name, STR_ARG(screen_line(e->arena, text)));
    }
}

static void print_fact(struct explaining *e, const struct trace_fact *fact)
{
    struct arena *const a = e->arena;
    line(e, "",
         arena_printf(a, "%s %.*s at %.*s", fact->model->name, STR_ARG(fact->key),
                      STR_ARG(fact->fact_at)));
    const struct str lake = fact->file.len > 0
                                ? arena_printf(a, "lake %.*s, row %lld", STR_ARG(fact->file),
                                               (long long)fact->row)
                                : S("in the stream, not flushed to the lake yet");
    const char *const store = !fact->model->is_stored ? ""
                              : fact->is_stored       ? "; folded into the store's row"
                                                      : "; the store has no such row yet";
    line(e, "", arena_printf(a, "  %.*s%s", STR_ARG(lake), store));
}

static void print_text(struct explaining *e, const struct trace_signal *s)
{
    char received[CLOCK_TEXT_BYTES];
    const struct signal *const raw = &s->past.signal;
    (void)clock_text(raw->received_us, received);
    line(e, "signal", raw->id);
    if (dead_closed_as(raw->type).len > 0) {
        const bool is_drop = past_is_drop(&s->past);
        line(e, is_drop ? "dropped" : "closed",
             arena_printf(e->arena, "%s by `weir %s`: a dead letter of %.*s", received,
                          is_drop ? "dead drop" : "replay", STR_ARG(raw->agent)));
    } else {
        line(e, "received",
             arena_printf(e->arena, "%s by %.*s: %.*s, %zu bytes", received, STR_ARG(raw->agent),
                          STR_ARG(raw->type), raw->data.len));
        if (str_starts(s->past.lane,
                       S("intake-"))) { /* nobody waits for what weir fetches itself */
            line(e, "answered", S("202, once it was on the disk"));
        }
    }
    const struct str bus = trace_is_of_others(e->trace, &s->past) ? s->past.bus : S("");
    line(e, "raw",
         arena_printf(e->arena, "raw/%.*s%s%.*s%s%.*s", STR_ARG(s->past.at),
                      bus.len > 0 ? " of the streams " : "", STR_ARG(bus),
                      s->file.len > 0 ? ", in the lake " : ", not in the lake yet",
                      STR_ARG(s->file)));
    line(e, "outcome", str_of(trace_end_name(s->end)));
    line(e, "why", s->why);
    line(e, "pointer", s->pointer);
    line(e, "dead", s->dead);
    if (s->facts_n > 0) {
        printf("became\n");
    }
    for (size_t i = 0; i < s->facts_n; i++) {
        print_fact(e, &s->fact[i]);
    }
    (void)putchar('\n');
}

/* ---- the command ---- */

static enum outcome explain(struct explaining *e, const struct words *words, struct failure *f)
{
    struct str word[WORDS_MAX];
    struct failure unread;
    const size_t n = (size_t)words->n;
    for (size_t i = 0; i < n; i++) {
        word[i] = str_of(words->at[i]);
    }
    enum outcome result = trace_find(e->trace, word, n, f);
    for (size_t i = 0; i < e->trace->signals_n && result == OK; i++) {
        struct trace_signal *const s = &e->trace->signal[i];
        result = trace_follow(e->trace, s, f);
        if (result == OK && e->is_json) {
            print_json(e, s);
        } else if (result == OK) {
            print_text(e, s);
        }
    }
    if (result == OK && e->trace->is_cut) {
        screen_tell("the newest %d signals are shown; there are more\n", TRACE_SIGNALS_MAX);
    }
    if (result == REJECT && mending_tell(&e->trace->mending, &unread) != OK) {
        screen_tell("weir explain: %s\n", unread.text); /* it may be in there */
    }
    return result == OK ? mending_tell(&e->trace->mending, f) : result;
}

int command_explain(int argc, char **argv)
{
    const struct usage usage = {
        .name = "explain",
        .words = "ID|MODEL KEY…",
        .about = "One signal's whole life: received when and by whom, transformed into what, kept "
                 "where (file and row), or dead, unmapped or ignored and why. ID is a delivery's, "
                 "an event's, a fact's, a metric's UUID, or a position (lane:number, "
                 "dead/lane:number); or a model "
                 "and the values of its key, in their order, tell of all signals behind a row.",
        .examples = "  weir explain 8d7d2f1a-0000-4000-8000-000000000000\n"
                    "  weir explain change github.com/acme/shop 7\n",
        .words_least = 1,
        .words_most = WORDS_MAX,
        .needs = NEEDS_MAPPINGS,
        .prints = PRINTS_OBJECT,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct explaining e = {.arena = &s.arena, .config = s.config, .is_json = s.format == ROWS_JSON};
    enum outcome result = trace_open(&s.arena, s.config, &e.trace, &f);
    if (result == OK) {
        result = explain(&e, &s.words, &f);
        trace_close(e.trace);
    }
    s.status = result == OK ? EXIT_DONE : command_failed("explain", &f);
    return command_end(&s);
}
