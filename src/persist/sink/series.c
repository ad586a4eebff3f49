#include "persist/sink/series.h"

#include <stdlib.h>

enum { NAME_BYTES_MAX = 1 << 16 };

/* A label `a:b` is none; a name of a metric may have colons. */
static struct str plain(struct arena *a, struct str text, bool may_colon)
{
    struct buf b;
    buf_init(&b, a, NAME_BYTES_MAX);
    if (text.len == 0 || (text.at[0] >= '0' && text.at[0] <= '9')) {
        buf_add_byte(&b, '_');
    }
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || (c == ':' && may_colon);
        buf_add_byte(&b, is_plain ? c : '_');
    }
    return buf_str(&b);
}

/* Names that begin with __ are Prometheus' own. */
static struct str label_name(struct arena *a, struct str key)
{
    struct str name = plain(a, key, false);
    while (str_starts(name, S("__"))) {
        name = str_sub(name, 1, name.len);
    }
    return name;
}

struct str series_text(struct arena *a, struct str text)
{
    struct buf b;
    struct str rest = text;
    if (str_find(text, '\0') == text.len) {
        return text;
    }
    buf_init(&b, a, 3 * text.len);
    while (rest.len > 0) {
        const size_t before = str_find(rest, '\0');
        buf_add(&b, str_sub(rest, 0, before));
        buf_add(&b, before < rest.len ? S("\xef\xbf\xbd") : S(""));
        rest = str_sub(rest, before + (before < rest.len), rest.len);
    }
    return buf_str(&b);
}

static int by_name(const void *a, const void *b)
{
    const struct series_label *const x = a, *const y = b;
    const int order = str_cmp(x->name, y->name);
    return order != 0 ? order : str_cmp(x->value, y->value);
}

void series_of(struct arena *a, const struct metric *m, struct series *out)
{
    *out = (struct series){.name = plain(a, m->name, true),
                           .label = arena_array(a, struct series_label, m->tags_n)};
    for (size_t i = 0; i < m->tags_n; i++) {
        if (m->tag[i].value.len > 0) {
            out->label[out->labels_n++] = (struct series_label){label_name(a, m->tag[i].key),
                                                                series_text(a, m->tag[i].value)};
        }
    }
    qsort(out->label, out->labels_n, sizeof *out->label, by_name);
    size_t n = 0;
    for (size_t i = 0; i < out->labels_n; i++) {
        struct series_label *const last = n > 0 ? &out->label[n - 1] : NULL;
        if (last && str_eq(last->name, out->label[i].name)) {
            last->value = arena_printf(a, "%.*s;%.*s", STR_ARG(last->value),
                                       STR_ARG(out->label[i].value));
        } else {
            out->label[n++] = out->label[i];
        }
    }
    out->labels_n = n;
}

enum outcome series_metric(struct arena *a, const struct sink_item *item, struct metric *out,
                           struct failure *f)
{
    if (item->metric) {
        *out = *item->metric;
    } else if (metric_of_fact(a, item->fact, out, f) != OK) {
        return REJECT;
    }
    return out->body.len == 0 ? OK
                              : failed(f, REJECT,
                                       "the record is a text (transform.type: template): "
                                       "Prometheus takes numbers");
}
