#include "command/closing.h"

#include <signal.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/buf.h"
#include "command/command.h"
#include "command/screen.h"
#include "wire/control.h"
#include "wire/json.h"

enum { LINE_BYTES_MAX = 1024 * 1024, ANSWER_MS = 60000, IDS_AT_ONCE = 500 };
#define TURN_ARENA_BYTES_MAX ((size_t)16 << 20)

/* What a running weir said to one line of sent_n ids: with how many of them it is done, closed or
 * not, and how many it closed. 0: with none, and why. */
static enum outcome read_answer(struct arena *a, struct str answer, struct closing *c,
                                uint64_t sent_n, struct failure *f)
{
    yyjson_doc *doc = NULL;
    if (json_read(a, str_trim(answer), &doc, f) != OK) {
        return failed(f, RETRY, "weir's answer cannot be read: %.*s", STR_ARG(answer));
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    const uint64_t looked = yyjson_get_uint(json_get(root, S("looked")));
    c->done_n += yyjson_get_uint(json_get(root, S("n")));
    c->at += looked < sent_n ? looked : sent_n;
    if (yyjson_get_bool(json_get(root, S("ok"))) && looked > 0) {
        return OK;
    }
    const struct str why = json_text(json_get(root, S("why")));
    return failed(f, looked > 0 ? REJECT : RETRY, "%.*s",
                  STR_ARG(why.len > 0 ? why : S("the weir that runs is of another version")));
}

/* Ctrl-C in between does not keep the answer away. */
static enum outcome ask_whole(struct arena *a, struct str data, struct str line, struct str *answer,
                              struct failure *f)
{
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    const enum outcome result = control_ask(a, data, line, ANSWER_MS, answer, f);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return result;
}

static enum outcome ask(struct closing *c, struct arena *a, struct failure *f)
{
    struct buf line;
    struct str answer;
    const size_t left = c->ids_n - c->at, n = left < IDS_AT_ONCE ? left : IDS_AT_ONCE;
    buf_init(&line, a, LINE_BYTES_MAX);
    buf_printf(&line, "{\"command\":\"%s\",\"ids\":[", c->command);
    for (size_t i = c->at; i < c->at + n; i++) {
        buf_add(&line, i == c->at ? S("") : S(","));
        buf_add_json(&line, c->id[i]);
    }
    buf_add(&line, S("]}\n"));
    if (buf_is_over(&line)) {
        return failed(f, REJECT, "these ids are longer than any id is");
    }
    const enum outcome result = ask_whole(a, c->data, buf_str(&line), &answer, f);
    return result == OK ? read_answer(a, answer, c, n, f) : result;
}

enum outcome closing_ask(struct closing *c, struct failure *f)
{
    struct arena a;
    struct failure why;
    enum outcome all = OK;
    const bool is_shown = c->ids_n > IDS_AT_ONCE && command_has_colour(STDERR_FILENO);
    arena_init(&a, TURN_ARENA_BYTES_MAX);
    while (c->at < c->ids_n && (all == OK || all == REJECT) && !asked_to_stop()) {
        const size_t before = c->at;
        arena_reset(&a);
        const enum outcome result = ask(c, &a, &why);
        if (result != OK && (all == OK || c->at == before)) {
            all = c->at == before ? RETRY : REJECT;
            *f = why;
        }
        if (is_shown) {
            screen_show("%s: %zu of %zu letters", c->command, c->at, c->ids_n);
        }
    }
    if (is_shown) {
        screen_show("%s", "");
    }
    arena_close(&a);
    return all;
}
