/* backfill.c - windows of a collector's past, collected by the running weir.
 *
 * weir does the work as long as it is asked how far it is; so Ctrl-C ends it, and the same command
 * goes on where it ended, since finished windows are remembered. A weir that is started again
 * meanwhile is asked again. */
#include <stdio.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/buf.h"
#include "base/clock.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "wire/control.h"
#include "wire/json.h"

enum {
    ANSWER_MS = 20000,
    EVERY_MS = 200,
    AWAY_MS = 60000, /* weir may be started again meanwhile */
    BAR_COLUMNS = 30,
    LINE_BYTES_MAX = 16 * 1024
};
#define TURN_ARENA_BYTES_MAX ((size_t)4 << 20)

struct filling {
    const struct config *config;
    struct str name;
    int64_t from_us, to_us;
    bool is_anew;
    bool is_shown;    /* a bar on stderr                */
    int64_t begun_us; /* monotonic                      */
    int64_t away_us;  /* weir gave no answer since; 0: it did */
    uint64_t n, of, first_n;
    bool is_begun, is_over;
};

/* ---- asking ---- */

static struct str question(const struct filling *w, struct arena *a, bool is_stop)
{
    struct buf b;
    char text[CLOCK_TEXT_BYTES];
    buf_init(&b, a, LINE_BYTES_MAX);
    buf_add(&b, S("{\"command\":\"backfill\",\"collector\":"));
    buf_add_json(&b, w->name);
    (void)clock_text(w->from_us, text);
    buf_printf(&b, ",\"from\":\"%s\"", text);
    (void)clock_text(w->to_us, text);
    buf_printf(&b, ",\"to\":\"%s\",\"anew\":%s,\"stop\":%s}\n", text,
               w->is_anew && !w->is_begun ? "true" : "false", is_stop ? "true" : "false");
    return buf_str(&b);
}

static void show(const struct filling *w, struct str trouble)
{
    char bar[BAR_COLUMNS + 1];
    if (!w->is_shown) {
        return;
    }
    const uint64_t full = w->of > 0 ? w->n * BAR_COLUMNS / w->of : 0;
    for (uint64_t i = 0; i < BAR_COLUMNS; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR_COLUMNS] = '\0';
    const double past_s = (double)(clock_mono_us() - w->begun_us) / 1e6;
    const uint64_t done = w->n - w->first_n;
    screen_show("%s %llu of %llu windows", bar, (unsigned long long)w->n,
                (unsigned long long)w->of);
    if (done > 0 && w->n < w->of) {
        screen_tell(", %.0f s left", past_s / (double)done * (double)(w->of - w->n));
    }
    if (trouble.len > 0) {
        screen_tell("; tried again: %.*s",
                    STR_ARG(str_whole(str_sub(trouble, 0, BAR_COLUMNS * 2))));
    }
}

static void hide(const struct filling *w)
{
    if (w->is_shown) {
        screen_show("%s", "");
    }
}

/* One question and its answer.
 *   returns OK | RETRY weir is away | REJECT it says no, and why */
static enum outcome ask(struct filling *w, struct arena *a, bool is_stop, struct failure *f)
{
    struct str answer;
    yyjson_doc *doc = NULL;
    enum outcome result = control_ask(a, w->config->data, question(w, a, is_stop), ANSWER_MS,
                                      &answer, f);
    if (result == OK) {
        result = json_read(a, str_trim(answer), &doc, f);
    }
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    if (yyjson_is_true(json_get(root, S("waiting")))) {
        return OK; /* one that was stopped still ends */
    }
    if (json_get(root, S("of"))) {
        w->n = yyjson_get_uint(json_get(root, S("n")));
        w->of = yyjson_get_uint(json_get(root, S("of")));
        w->is_over = yyjson_is_true(json_get(root, S("over")));
        w->first_n = w->is_begun ? w->first_n : w->n;
    }
    if (!yyjson_is_true(json_get(root, S("ok")))) {
        return failed(f, REJECT, "%.*s", STR_ARG(json_text(json_get(root, S("why")))));
    }
    w->is_begun = true;
    show(w, json_text(json_get(root, S("trouble"))));
    return OK;
}

/* Whether weir, which gave no answer, is waited for. */
static bool is_worth_waiting(struct filling *w)
{
    const int64_t now_us = clock_mono_us();
    w->away_us = w->away_us > 0 ? w->away_us : now_us;
    return w->is_begun && now_us - w->away_us < AWAY_MS * INT64_C(1000);
}

static enum outcome fill(struct filling *w, struct failure *f)
{
    struct arena a;
    enum outcome result = OK;
    arena_init(&a, TURN_ARENA_BYTES_MAX);
    while (!w->is_over && !asked_to_stop()) {
        arena_reset(&a);
        result = ask(w, &a, false, f);
        if (result == RETRY && is_worth_waiting(w)) {
            result = OK;
        } else if (result == OK) {
            w->away_us = 0;
        }
        if (result != OK) {
            break;
        }
        if (!w->is_over) {
            asked_pause(EVERY_MS);
        }
    }
    if (!w->is_over && asked_to_stop()) {
        struct failure ignored; /* it stops by itself when nobody asks any more */
        (void)ask(w, &a, true, &ignored);
    }
    hide(w);
    arena_close(&a);
    return result;
}

/* ---- the command ---- */

static int check(void *of, const struct words *words)
{
    struct filling *const w = of;
    w->name = str_of(words->at[0]);
    w->to_us = w->to_us == TIME_NONE ? clock_now_us() : w->to_us;
    if (w->from_us == TIME_NONE || w->from_us >= w->to_us) {
        screen_tell("weir backfill: --from TIME is needed, and lies before --to\n");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int end_of(const struct filling *w, enum outcome result, const struct failure *f)
{
    const unsigned long long n = w->n, of = w->of;
    if (result != OK) {
        if (w->is_begun) {
            screen_tell("%llu of %llu windows are collected\n", n, of);
        }
        return command_unanswered("backfill", f);
    }
    if (!w->is_over || w->n < w->of) {
        screen_tell("stopped at %llu of %llu windows; the same command goes on there\n", n, of);
        return EXIT_STOPPED;
    }
    if (w->first_n == w->of) {
        screen_tell("all %llu windows were collected before; --anew collects them again\n", of);
    } else {
        screen_tell("collected %llu windows%s\n", n - w->first_n,
                    w->first_n > 0 ? "; the others were before" : "");
    }
    return EXIT_DONE;
}

int command_backfill(int argc, char **argv)
{
    struct filling w = {.begun_us = clock_mono_us(), .from_us = TIME_NONE, .to_us = TIME_NONE};
    const struct flag flags[] = {
        {"from", 0, FLAG_TIME, &w.from_us, "TIME", "windows that begin then or later"},
        {"to", 0, FLAG_TIME, &w.to_us, "TIME",
         "windows that end then or earlier; absent: until now"},
        {"anew", 0, FLAG_SWITCH, &w.is_anew, NULL, "also those that a backfill has collected"},
        {0}};
    const struct usage usage = {
        .name = "backfill",
        .words = "COLLECTOR",
        .about = "Have the running weir collect windows of the past, several at once "
                 "(collector.windows_at_once). Ctrl-C stops it, and the same command goes on: "
                 "finished windows are remembered. A window twice is one record.",
        .flags = flags,
        .examples = "  weir backfill signups --from 2026-01-01 --to 2026-02-01\n",
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_CONFIG,
        .check = check,
        .of = &w,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    w.config = s.config;
    w.is_shown = command_has_colour(STDERR_FILENO);
    asked_install(NULL, NULL);
    const enum outcome result = fill(&w, &f);
    s.status = end_of(&w, result, &f);
    return command_end(&s);
}
