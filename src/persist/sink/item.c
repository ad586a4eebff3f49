/* What a sink is given of what the streams carry. */
#include "persist/sink/shape.h"
#include "persist/sink/sink.h"

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
                                                                       : m->at_us,
                              .metric = own};
    shape_write(&b, c->shape, c->grain_us, out->key, m);
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

/* What is asked for and nobody does is told, not passed over. */
static enum outcome check_encoding(const struct sink_config *config, struct failure *f)
{
    const struct sink_encoding *const e = config->options; /* first in each of them */
    if (e->jq.len > 0) {
        return failed(f, STOP, "%.*s: encoding.jq is not there yet: take it away",
                      STR_ARG(config->place));
    }
    if (e->type == ENCODING_PARQUET && strcmp(config->type->name, "s3") != 0) {
        return failed(f, STOP, "%.*s: Parquet is for sinks of type s3; this one takes json",
                      STR_ARG(config->place));
    }
    return OK;
}

enum outcome sink_open(struct arena *a, const struct sink_config *config, struct str mark,
                       struct sink **out, struct failure *f)
{
    struct sink *const s = arena_new(a, struct sink);
    *s = (struct sink){.driver = config->type->driver,
                       .config = config,
                       .options = config->options,
                       .arena = a,
                       .mark = mark};
    s->state = arena_alloc(a, 1, s->driver->state_bytes);
    *out = NULL;
    const enum outcome result = check_encoding(config, f);
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
