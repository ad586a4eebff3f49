/* A CDEvent into its fact of model `event`; what it says of changes, runs and deployments besides
 * is in models.c. */
#include "base/buf.h"
#include "transform/cdevents/models.h"
#include "transform/transform.h"

/* The event as it came, on one line: white space between tokens is dropped, nothing else. */
static struct str on_one_line(struct arena *a, struct str text)
{
    char *const to = arena_array(a, char, text.len + 1);
    size_t n = 0;
    bool is_string = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        if (is_string && c == '\\') {
            to[n++] = c;
            to[n++] = text.at[++i];
            continue;
        }
        is_string ^= c == '"';
        if (is_string || !(c == ' ' || c == '\n' || c == '\t' || c == '\r')) {
            to[n++] = c;
        }
    }
    return (struct str){to, n};
}

static void set_json(struct fact *fact, const char *column, struct str json)
{
    fact_set(fact, column,
             (struct value){.kind = json.len ? VALUE_JSON : VALUE_NULL, .text = json});
}

static void set_attribute(struct fact *fact, struct str name, int64_t time_us, struct str json)
{
    if (json.len) {
        fact_member(fact, "attributes_by", name, time_us, json);
    }
}

static struct str as_json(struct arena *a, struct str text)
{
    struct buf b;
    buf_init(&b, a, 6 * text.len + 3);
    buf_add_json(&b, text);
    return text.len ? buf_str(&b) : text;
}

static struct fact fact_of(struct arena *a, const struct cd_event *e, const struct cd_lifted *up,
                           struct str original)
{
    struct fact fact = fact_begin(a, model_find(S("event")), up->time_us);
    fact_text(&fact, "source", up->source);
    fact_text(&fact, "id", up->id);
    fact_text(&fact, "type", up->type);
    fact_text(&fact, "subject_type", up->subject_type);
    fact_text(&fact, "predicate", up->predicate);
    fact_text(&fact, "subject_id", up->subject_id);
    fact_text(&fact, "subject_source", up->subject_source);
    fact_time(&fact, "occurred_at", up->time_us);
    fact_text(&fact, "chain_id", up->chain_id);
    set_json(&fact, "content", up->content);
    set_json(&fact, "custom_data", up->custom_data);
    set_json(&fact, "links", up->links);
    fact_text(&fact, "original_specversion", e->version);
    set_json(&fact, "original", original);
    fact_group(&fact, "event", up->time_us, 0);
    set_attribute(&fact, S("schema_uri"), up->time_us, as_json(a, up->schema_uri));
    set_attribute(&fact, S("custom_data_content_type"), up->time_us,
                  as_json(a, up->custom_data_type));
    set_attribute(&fact, S("up_notes"), up->time_us, up->notes);
    return fact;
}

/* A clock that is wrong, or a time that was planned: taken as it is, and noted. */
static void note_skew(const struct transform_in *in, struct fact *fact, const struct cd_lifted *up)
{
    const int64_t skew_ms = in->config->rules.skew_ms;
    const int64_t ahead_us = up->time_us - in->raw->received_us;
    if (ahead_us > 0 && ahead_us / 1000 > skew_ms) {
        set_attribute(fact, S("ahead_of_receipt"), up->time_us, S("true"));
    }
}

/* An event of weir's own making folds only where it is all that is known (`folds`); its original is
 * left out, since raw has what came. */
static bool give(const struct transform_in *in, struct transform_out *out, struct str text,
                 bool is_mapped, bool folds)
{
    struct failure f = {0};
    struct cd_event event;
    yyjson_doc *doc = NULL;
    if (json_try_read_exact(in->arena, text, &doc, &f) != OK ||
        cd_validate(in->arena, yyjson_doc_get_root(doc), &event, &f) != OK) {
        return transform_failed(out, S(""), &f);
    }
    struct cd_lifted up;
    cd_lift(in->arena, &event, &up);
    const struct str original = is_mapped ? S("") : on_one_line(in->arena, text);
    struct fact fact = fact_of(in->arena, &event, &up, original);
    note_skew(in, &fact, &up);
    return transform_add(in, out, &fact) && (!folds || cd_models(in, out, &event, &up));
}

static void transform_cdevents(const struct transform_in *in, struct transform_out *out)
{
    (void)give(in, out, in->raw->data, false, true);
}

bool transform_cdevent(const struct transform_in *in, struct transform_out *out, struct str event,
                       bool folds)
{
    return give(in, out, event, true, folds);
}

const struct transformer transformer_cdevents = {.run = transform_cdevents};
