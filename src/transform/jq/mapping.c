/* From a raw webhook to facts: the agent's mapping decides what it tells. */
#include "transform/jq/mapping.h"

#include <assert.h>

#include "config/agents.h"

enum { NAME_BYTES_MAX = 80 };

enum kind { KIND_ROW, KIND_EVENT, KIND_IGNORED, KIND_OTHER };

static enum kind kind_of(yyjson_val *output)
{
    return yyjson_obj_get(output, "model")                    ? KIND_ROW
           : yyjson_obj_get(output, "context")                ? KIND_EVENT
           : yyjson_is_str(yyjson_obj_get(output, "ignored")) ? KIND_IGNORED
                                                              : KIND_OTHER;
}

/* An output that is none, in words. */
static const char *what_is(yyjson_val *output)
{
    switch (yyjson_get_type(output)) {
    case YYJSON_TYPE_NULL: return "null";
    case YYJSON_TYPE_BOOL: return "true or false";
    case YYJSON_TYPE_RAW: return "a number";
    case YYJSON_TYPE_STR: return "a text";
    case YYJSON_TYPE_ARR: return "a list in a list";
    default: return "an object";
    }
}

/* `gitlab/Wiki_Page_Hook`. The words come from outside: only plain letters of them are repeated. */
static struct str name_of(const struct transform_in *in, struct str word)
{
    const struct webhook_options *const o = in->options;
    struct buf b;
    buf_init(&b, in->arena, 2 * NAME_BYTES_MAX + 2);
    buf_add(&b, str_sub(jq_name(&o->mapping), 0, NAME_BYTES_MAX));
    buf_add(&b, word.len ? S("/") : S(""));
    for (size_t i = 0; i < word.len && i < NAME_BYTES_MAX; i++) {
        const char c = word.at[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
        buf_add_byte(&b, is_plain ? c : '_');
    }
    return buf_str(&b);
}

static struct str event_of(const struct signal *raw)
{
    const struct str prefix = STR("webhook.");
    return str_starts(raw->type, prefix) ? str_sub(raw->type, prefix.len, raw->type.len) : S("");
}

enum outcome mapping_run(const struct transform_in *in, struct str *out, struct failure *f)
{
    const struct webhook_options *const o = in->options;
    const struct signal *const raw = in->raw;
    char received[CLOCK_TEXT_BYTES];
    struct buf b;
    (void)clock_text(raw->received_us, received);
    buf_init(&b, in->arena, 6 * (raw->id.len + raw->agent.len) + raw->headers.len + 200);
    buf_add(&b, S("{\"agent\":"));
    buf_add_json(&b, raw->agent);
    buf_add(&b, S(",\"id\":"));
    buf_add_json(&b, raw->id);
    buf_printf(&b, ",\"received\":\"%s\",\"headers\":", received);
    buf_add(&b, raw->headers.len ? raw->headers : S("{}"));
    buf_add_byte(&b, '}');
    assert(in->pool && !buf_is_over(&b));
    const struct jq_input input = {
        .mapping = &o->mapping, .body = raw->data, .context = buf_str(&b)};
    return jq_run(in->pool, in->arena, &input, out, f);
}

/* false: dead. */
static bool give(const struct transform_in *in, struct transform_out *out, yyjson_val *outputs,
                 bool has_rows)
{
    size_t i = 0;
    size_t n = 0;
    bool is_alive = true;
    yyjson_val *one = NULL;
    yyjson_arr_foreach(outputs, i, n, one)
    {
        switch (kind_of(one)) {
        case KIND_ROW: is_alive = mapping_row(in, out, one, i); break;
        case KIND_EVENT: is_alive = mapping_event(in, out, one, i, !has_rows); break;
        case KIND_IGNORED: break;
        case KIND_OTHER: {
            const struct str pointer = arena_printf(in->arena, "/%zu", i);
            return transform_dead(out, pointer.at,
                                  "the mapping gives %s: it is no CDEvent (an object with context "
                                  "and subject), no row (with model) and no ignored(\"why\")",
                                  what_is(one));
        }
        }
        if (!is_alive) {
            return false;
        }
    }
    return true;
}

void mapping_facts(const struct transform_in *in, struct transform_out *out, yyjson_val *outputs)
{
    bool has_rows = false;
    struct str ignored = {NULL, 0};
    size_t i = 0;
    size_t n = 0;
    yyjson_val *one = NULL;
    yyjson_arr_foreach(outputs, i, n, one)
    {
        has_rows = has_rows || kind_of(one) == KIND_ROW;
        if (kind_of(one) == KIND_IGNORED) {
            ignored = json_text(yyjson_obj_get(one, "ignored"));
        }
    }
    if (!give(in, out, outputs, has_rows) || out->facts_n > 0) {
        return;
    }
    if (ignored.at) {
        transform_ignored(out, name_of(in, ignored));
    } else {
        const struct str event = event_of(in->raw);
        transform_unmapped(out, name_of(in, event), event.len ? name_of(in, S("other")) : S(""));
    }
}

static enum outcome prepare(const struct transform_in *in, struct failure *f)
{
    const struct webhook_options *const o = in->options;
    /* One that cannot be compiled is told of its signals, by jq_run. */
    return jq_ready(in->pool, in->arena, &o->mapping, f) == RETRY ? RETRY : OK;
}

/* The program reads the body itself, and of two members of one name only the last. */
static enum outcome check_body(const struct transform_in *in, struct failure *f)
{
    yyjson_doc *doc = NULL;
    const enum outcome result = json_try_read_exact(in->arena, in->raw->data, &doc, f);
    return result == OK ? json_check_unique(in->arena, yyjson_doc_get_root(doc), f) : result;
}

static void transform_webhook(const struct transform_in *in, struct transform_out *out)
{
    struct failure f = {0};
    struct str json;
    yyjson_doc *doc = NULL;
    enum outcome result = check_body(in, &f);
    if (result == OK) {
        result = mapping_run(in, &json, &f);
    }
    if (result == OK) {
        result = json_try_read_exact(in->arena, json, &doc, &f);
    }
    if (result == OK) {
        mapping_facts(in, out, yyjson_doc_get_root(doc));
    } else {
        (void)transform_failed(out, S(""), &f);
    }
}

const struct transformer transformer_webhook = {.run = transform_webhook, .prepare = prepare};
