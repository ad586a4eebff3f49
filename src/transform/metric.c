/* Nothing to map: a collector's file has said already what its numbers mean. */
#include "signal/metric.h"
#include "transform/transform.h"

enum { TAGS_BYTES_MAX = 16 << 20 };

static struct str tags_json(struct arena *a, const struct metric *m)
{
    struct buf b;
    buf_init(&b, a, TAGS_BYTES_MAX);
    metric_write_tags(&b, m);
    return buf_str(&b);
}

void transform_metric(const struct transform_in *in, struct transform_out *out)
{
    struct metric m;
    struct failure why;
    if (metric_read(in->arena, in->raw->data, &m, &why) != OK) {
        (void)transform_failed(out, S(""), &why);
        return;
    }
    struct fact fact = fact_begin(out->arena, model_find(S("metric")), m.at_us);
    const bool is_number = m.body.len == 0;
    fact_text(&fact, "key", metric_key(in->arena, &m));
    fact_text(&fact, "name", m.name);
    fact_set(&fact, "tags", (struct value){.kind = VALUE_JSON, .text = tags_json(in->arena, &m)});
    fact_time(&fact, "window_start_at", m.window_start_us);
    fact_time(&fact, "window_end_at", m.window_end_us);
    fact_group(&fact, "value", m.at_us, 0);
    fact_text(&fact, "type", m.type);
    fact_set(&fact, "value",
             (struct value){.kind = is_number ? VALUE_REAL : VALUE_NULL, .real = m.value});
    fact_text(&fact, "collector", m.collector);
    fact_text(&fact, "body", m.body);
    fact_time(&fact, "scheduled_at", m.scheduled_us);
    (void)transform_add(in, out, &fact);
}
