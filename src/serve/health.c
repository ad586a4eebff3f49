/* health.c - whether weir lives, works, and what hinders it. */
#include "serve/answer.h"

enum { REASON_BYTES_MAX = PROGRESS_WHY_BYTES + 200, REASON_ARENA_BYTES = 256 * 1024 };

void answer_livez(struct page *to)
{
    to->status = 200;
    to->type = "text/plain; charset=utf-8";
    buf_add(&to->body, S("alive\n"));
}

/* What is wrong with a stage, for people; false: nothing. */
static bool add_reason(struct buf *b, const struct survey_stage *stage)
{
    const struct str why = stage->why.len > 0 ? stage->why : S("the log says why");
    switch (stage->state) {
    case STAGE_OK: return false;
    case STAGE_STARTING: buf_printf(b, "%s is starting", stage->name); return true;
    case STAGE_RETRYING:
        buf_printf(b, "%s cannot go on and tries again: %.*s", stage->name, STR_ARG(why));
        return true;
    case STAGE_BEHIND:
        buf_printf(b, "%s is %lld s behind", stage->name, (long long)(stage->lag_ms / 1000));
        return true;
    case STAGE_DOWN:
        buf_printf(b, "%s is down, restarted %llu times: %.*s", stage->name,
                   (unsigned long long)stage->restarts, STR_ARG(why));
        return true;
    }
    return false;
}

void answer_readyz(const struct survey *s, const struct collectors *c, struct page *to)
{
    struct buf *const b = &to->body;
    to->type = "text/plain; charset=utf-8";
    for (size_t i = 0; i < s->stages_n; i++) {
        if (add_reason(b, &s->stage[i])) {
            buf_add_byte(b, '\n');
        }
    }
    if (buf_str(b).len == 0 && !s->is_ready) {
        buf_add(b, S("not every stage has started yet\n"));
    }
    to->status = buf_str(b).len > 0 ? 503 : 200;
    if (to->status == 200) {
        buf_add(b, S("ready\n"));
    }
    for (size_t i = 0; i < c->left_n; i++) { /* it hinders no other */
        buf_printf(b, "%.*s is left out: %.*s\n", STR_ARG(c->left[i].file),
                   STR_ARG(c->left[i].lines.at[0]));
    }
}

/* It hinders nothing: weir works by the configuration before. */
static void add_reload(struct buf *b, const struct survey *s)
{
    char at[CLOCK_TEXT_BYTES];
    clock_text(s->reload_us, at);
    buf_printf(b, "\"reload\":{\"Success\":%s,\"at\":\"%s\"}",
               s->is_reload_refused ? "false" : "true", at);
}

void answer_health(const struct survey *s, struct page *to)
{
    struct buf *const b = &to->body;
    char now[CLOCK_TEXT_BYTES];
    bool is_good = s->is_ready;
    clock_text(s->now_us, now);
    for (size_t i = 0; i < s->stages_n; i++) {
        is_good = is_good && s->stage[i].state == STAGE_OK;
    }
    to->status = is_good ? 200 : 503;
    to->type = "application/json";
    buf_printf(b, "{\"Success\":%s,\"CurrentTime\":\"%s\",\"checks\":[", is_good ? "true" : "false",
               now);
    for (size_t i = 0; i < s->stages_n; i++) {
        const struct survey_stage *const stage = &s->stage[i];
        struct arena a;
        struct buf reason;
        arena_init(&a, REASON_ARENA_BYTES);
        buf_init(&reason, &a, REASON_BYTES_MAX);
        buf_printf(b, "%s{\"name\":\"%s\",\"Success\":%s,\"state\":\"%s\",\"lag_ms\":%lld",
                   i == 0 ? "" : ",", stage->name, stage->state == STAGE_OK ? "true" : "false",
                   stage_state_name(stage->state), (long long)stage->lag_ms);
        if (add_reason(&reason, stage)) {
            buf_add(b, S(",\"reason\":"));
            buf_add_json(b, buf_str(&reason));
        }
        buf_add_byte(b, '}');
        arena_close(&a);
    }
    buf_add(b, S("],"));
    add_reload(b, s);
    buf_add(b, S("}\n"));
}
