/* What a sink is given of what the streams carry. */
#include "persist/sink/shape.h"
#include "persist/sink/sink.h"
#include "wire/json.h"

enum { BODY_BYTES_MAX = 64 << 20 };

void sink_item_of_metric(struct arena *a, const struct collector *c, const struct metric *m,
                         struct sink_item *out)
{
    struct buf b;
    struct metric *const own = arena_new(a, struct metric);
    buf_init(&b, a, BODY_BYTES_MAX);
    *own = *m;
    *out = (struct sink_item){.key = metric_key(a, m),
                              .model = S("metric"),
                              .type = m->body.len > 0 ? S("text/plain") : S("application/json"),
                              .at_us = m->window_start_us != TIME_NONE ? m->window_start_us
                                       : m->scheduled_us != TIME_NONE  ? m->scheduled_us
                                                                       : m->at_us,
                              .metric = own};
    own->grain_us = c->grain_us; /* a fact knows its begin alone */
    shape_write(&b, c->shape, out->key, own);
    out->body = buf_str(&b);
}

static void add_text(struct buf *b, const char *name, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, ",\"%s\":", name);
        buf_add_json(b, text);
    }
}

void sink_item_of_fact(struct arena *a, const struct signal *fact, struct sink_item *out)
{
    struct buf b;
    char time[CLOCK_TEXT_BYTES];
    const struct model *const m = fact_model(fact);
    buf_init(&b, a, BODY_BYTES_MAX);
    buf_add(&b, S("{\"specversion\":\"1.0\""));
    add_text(&b, "id", fact->id);
    add_text(&b, "source", fact->source);
    add_text(&b, "type", fact->type);
    add_text(&b, "subject", fact->subject);
    add_text(&b, "partitionkey", fact->partitionkey);
    if (fact->time_us != TIME_NONE) {
        (void)clock_text(fact->time_us, time);
        add_text(&b, "time", str_of(time));
    }
    buf_add(&b, S(",\"datacontenttype\":\"application/json\",\"data\":"));
    buf_add(&b, fact->data);
    buf_add_byte(&b, '}');
    *out = (struct sink_item){.key = fact->id,
                              .model = m ? str_of(m->name) : S(""),
                              .body = buf_str(&b),
                              .type = S("application/cloudevents+json"),
                              .at_us = fact->time_us,
                              .fact = fact};
}

/* ---- encoding.jq ---- */

static enum outcome run_program(const struct sink *s, struct arena *a, const struct sink_item *item,
                                yyjson_val **out, struct failure *f)
{
    char at[CLOCK_TEXT_BYTES];
    struct str given;
    yyjson_doc *doc = NULL;
    struct buf context, text;
    (void)clock_text(item->fact ? item->fact->received_us : item->metric->at_us, at);
    buf_init(&context, a, 1 << 20);
    buf_add(&context, S("{\"headers\":{},\"agent\":"));
    buf_add_json(&context, item->metric ? item->metric->collector : item->fact->agent);
    buf_add(&context, S(",\"id\":"));
    buf_add_json(&context, item->key);
    buf_printf(&context, ",\"received\":\"%s\"}", at);
    buf_init(&text, a, 8 * (size_t)BODY_BYTES_MAX);
    if (str_eq(item->type, S("text/plain"))) {
        buf_add_json(&text, item->body);
    }
    const struct jq_input in = {.mapping = &s->program,
                                .body = text.len > 0 ? buf_str(&text) : item->body,
                                .context = buf_str(&context)};
    enum outcome result = jq_run(s->pool, a, &in, &given, f);
    if (result == OK) {
        result = json_read_exact(a, given, &doc, f);
    }
    *out = result == OK ? yyjson_doc_get_root(doc) : NULL;
    return result;
}

enum outcome sink_item_encode(const struct sink *s, struct arena *a, struct sink_item *item,
                              bool *is_left_out, struct failure *f)
{
    yyjson_val *given = NULL, *one = NULL;
    size_t i = 0, n = 0;
    struct buf b;
    *is_left_out = false;
    if (s->program.program.len == 0) {
        return OK;
    }
    const enum outcome result = run_program(s, a, item, &given, f);
    if (result != OK) {
        return result;
    }
    if (yyjson_arr_size(given) > 1 && !s->driver->takes_lines) {
        return failed(f, REJECT,
                      "encoding.jq made %zu values of one record; a sink of type %s takes one",
                      yyjson_arr_size(given), s->driver->name);
    }
    item->type = S("application/json");
    buf_init(&b, a, BODY_BYTES_MAX);
    yyjson_arr_foreach(given, i, n, one)
    {
        const bool is_text = yyjson_is_str(one);
        item->type = is_text ? S("text/plain") : item->type;
        buf_add(&b, i > 0 ? S("\n") : S(""));
        buf_add(&b, is_text ? json_text(one) : json_write(a, one));
    }
    item->body = buf_str(&b);
    item->is_made = true;
    *is_left_out = n == 0;
    return OK;
}

/* Before the driver opens: what it loads may start threads, and a process is forked here. */
static enum outcome open_program(struct sink *s, struct failure *f)
{
    const struct sink_encoding *const e = s->options; /* first in each of them */
    s->program = sink_program(e);
    s->pool = jq_pool_open(s->arena);
    const enum outcome result = e->jq.len > 0 ? jq_ready(s->pool, s->arena, &s->program, f) : OK;
    return result == REJECT ? (f->outcome = STOP) : result;
}

/* ---- the sink ---- */

enum outcome sink_open(struct arena *a, const struct sink_config *config, struct str mark,
                       struct sink **out, struct failure *f)
{
    struct sink *const s = arena_new(a, struct sink);
    *s = (struct sink){.driver = config->type->driver,
                       .config = config,
                       .options = config->options,
                       .arena = a,
                       .mark = mark,
                       .now_us = TIME_NONE};
    s->state = arena_alloc(a, 1, s->driver->state_bytes);
    *out = NULL;
    const enum outcome result = open_program(s, f);
    if (result != OK) {
        return result;
    }
    *out = s;
    return s->driver->open(s, f);
}

void sink_close(struct sink *s)
{
    if (s) {
        s->driver->close(s);
    }
}
