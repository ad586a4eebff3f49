/* Prometheus Remote Write 1.0: samples pushed to Prometheus, Mimir, Thanos, VictoriaMetrics and
 * what else takes them. A repetition of a sample is none to them. source
 * prometheus.io/docs/specs/prw/remote_write_spec */
#include <stdlib.h>

#include "persist/remote_write.pb-c.h"
#include "persist/sink/posting.h"
#include "persist/sink/series.h"
#include "version.h"
#include "wire/snappy.h"

enum { ITEMS_MAX = 1000 };

struct remote_write {
    struct posting posting;
    struct posting_to to;
};

/* A sample with the series that it is of, alone. */
struct sample {
    struct str key; /* of its item: what came at one time keeps one order, however it is gathered */
    Weir__TimeSeries series;
    Weir__Sample sample, *samples[1];
};

static int by_time(const void *a, const void *b)
{
    const struct sample *const x = *(const struct sample *const *)a;
    const struct sample *const y = *(const struct sample *const *)b;
    const int64_t at = x->sample.timestamp, other = y->sample.timestamp;
    return at != other ? (at > other) - (at < other) : str_cmp(x->key, y->key);
}

static Weir__Label *label_of(struct arena *a, struct str name, struct str value)
{
    Weir__Label *const label = arena_new(a, Weir__Label);
    weir__label__init(label);
    label->name = arena_cstr(a, name);
    label->value = arena_cstr(a, value);
    return label;
}

/* The name is a label among the others, and they stand by name. */
static void add_labels(struct arena *a, const struct series *of, Weir__TimeSeries *to)
{
    bool has_name = false;
    to->labels = arena_array(a, Weir__Label *, of->labels_n + 1);
    for (size_t i = 0; i < of->labels_n; i++) {
        if (!has_name && str_cmp(of->label[i].name, S("__name__")) > 0) {
            to->labels[to->n_labels++] = label_of(a, S("__name__"), of->name);
            has_name = true;
        }
        to->labels[to->n_labels++] = label_of(a, of->label[i].name, of->label[i].value);
    }
    if (!has_name) {
        to->labels[to->n_labels++] = label_of(a, S("__name__"), of->name);
    }
}

/* A window's figure is of its end, where Prometheus' own ranges end, too. */
static enum outcome sample_of(struct arena *a, const struct sink_item *item, struct sample *out,
                              struct failure *f)
{
    struct metric m;
    struct series series;
    const enum outcome result = series_metric(a, item, &m, f);
    if (result != OK) {
        return result;
    }
    series_of(a, &m, &series);
    out->key = item->key;
    weir__time_series__init(&out->series);
    weir__sample__init(&out->sample);
    out->sample.value = m.value;
    out->sample.timestamp = (m.window_end_us != TIME_NONE ? m.window_end_us : m.at_us) / 1000;
    out->samples[0] = &out->sample;
    out->series.n_samples = 1;
    out->series.samples = out->samples;
    add_labels(a, &series, &out->series);
    return OK;
}

static enum outcome make(struct sink *s, struct arena *a, struct posting_items items,
                         struct posting_body *out, struct failure *f)
{
    static const struct upload_field fields[] = {
        {STR("Content-Type"), STR("application/x-protobuf")},
        {STR("Content-Encoding"), STR("snappy")},
        {STR("X-Prometheus-Remote-Write-Version"), STR("0.1.0")},
        {STR("User-Agent"), STR("weir/" WEIR_VERSION)}};
    struct sample *const sample = arena_array(a, struct sample, items.n);
    struct sample **const sorted = arena_array(a, struct sample *, items.n);
    Weir__TimeSeries **const series = arena_array(a, Weir__TimeSeries *, items.n);
    Weir__WriteRequest request = WEIR__WRITE_REQUEST__INIT;
    (void)s;
    for (size_t i = 0; i < items.n; i++) {
        const enum outcome result = sample_of(a, &items.at[i], &sample[i], f);
        if (result != OK) {
            return result;
        }
        sorted[i] = &sample[i];
    }
    qsort(sorted, items.n, sizeof *sorted, by_time);
    for (size_t i = 0; i < items.n; i++) {
        series[i] = &sorted[i]->series;
    }
    request.n_timeseries = items.n;
    request.timeseries = series;
    const size_t len = weir__write_request__get_packed_size(&request);
    uint8_t *const bytes = arena_alloc(a, len, 1);
    (void)weir__write_request__pack(&request, bytes);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        out->field[out->fields_n++] = fields[i];
    }
    return snappy_block(a, (struct str){(const char *)bytes, len}, &out->bytes, f);
}

static enum outcome remote_write_open(struct sink *s, struct failure *f)
{
    struct remote_write *const r = s->state;
    const struct remote_write_options *const o = s->options;
    r->to = (struct posting_to){.uri = o->uri,
                                .method = S("POST"),
                                .ca = o->tls.ca,
                                .headers = &o->headers,
                                .time_ms = o->timeout_ms,
                                .batch_size = (size_t)o->batch_size,
                                .make = make};
    const enum outcome result = snappy_load(f);
    return result == OK ? posting_open(s, &r->posting, &r->to, f) : result;
}

static enum outcome remote_write_send(struct sink *s, const struct sink_item *item, size_t n,
                                      size_t *done, struct failure *f)
{
    struct remote_write *const r = s->state;
    return posting_send(s, &r->posting, &r->to, (struct posting_items){item, n}, done, f);
}

static void remote_write_close(struct sink *s)
{
    struct remote_write *const r = s->state;
    if (r) {
        posting_close(&r->posting);
    }
}

const struct sink_driver sink_remote_write = {.name = "prometheus_remote_write",
                                              .state_bytes = sizeof(struct remote_write),
                                              .items_max = ITEMS_MAX,
                                              .open = remote_write_open,
                                              .send = remote_write_send,
                                              .close = remote_write_close};
