/* The CDEvent of a row, as a fact of model `event`. */
#include "transform/github/github.h"

#include <assert.h>

#include "base/hash.h"
#include "transform/cdevents/table.h"

enum { JSON_BYTES_MAX = 64 * 1024 * 1024, ID_BYTES = 32 };

/* The version of weir's own types, `cdeventsx.github-….…`. */
static const struct str own_version = STR("0.1.0");

static struct str version_of(struct str gives)
{
    const struct cd_type *const type = cd_type_find(gives);
    assert(type && "a row gives a type that CDEvents has");
    return type->version[CD_05];
}

/* What a row's `gives` means. */
struct event_type {
    struct str full, subject, predicate;
    size_t unversioned_len; /* of `full`, without the version */
    bool is_own;            /* a custom type: its content is open */
};

/* A predicate has letters only: auto_dismissed is autodismissed. */
static struct str with_action(struct arena *a, struct str gives, struct str action)
{
    struct buf b;
    buf_init(&b, a, 200);
    buf_add(&b, gives);
    for (size_t i = 0; i < action.len; i++) {
        buf_add(&b, action.at[i] == '_' ? S("") : str_sub(action, i, 1));
    }
    return buf_str(&b);
}

static struct event_type type_of(struct arena *a, struct str gives, struct str action)
{
    struct event_type type = {.is_own = str_starts(gives, S("cdeventsx."))};
    struct buf b;
    if (str_ends(gives, S("*"))) {
        gives = with_action(a, str_sub(gives, 0, gives.len - 1), action);
    }
    buf_init(&b, a, 200);
    buf_add(&b, type.is_own ? S("dev.") : S("dev.cdevents."));
    buf_add(&b, gives);
    type.unversioned_len = b.len;
    buf_add_byte(&b, '.');
    buf_add(&b, type.is_own ? own_version : version_of(gives));
    type.full = buf_str(&b);
    if (type.is_own) {
        (void)str_cut(gives, '.', &gives);
    }
    type.subject = str_cut(gives, '.', &type.predicate);
    return type;
}

/* The timestamp of a CDEvent: no fraction unless there is one. */
static struct str timestamp(int64_t time_us, char text[CLOCK_TEXT_BYTES])
{
    const size_t fraction = sizeof ".000000Z" - 1;
    size_t len = clock_text(time_us, text);
    if (time_us % 1000000 == 0) {
        len -= fraction;
        text[len++] = 'Z';
    }
    return (struct str){text, len};
}

/* First 32 hex digits of SHA-256 over type without version, subject.id, timestamp, extra key, each
 * on its line, the last without line end: a webhook and a later backfill of the same fact are the
 * same event. */
static bool id_of(struct delivery *d, const char *extra_path, const struct event_type *type,
                  struct str subject, char id[ID_BYTES])
{
    struct str extra = {0};
    char time[CLOCK_TEXT_BYTES];
    unsigned char sha[SHA256_BYTES];
    struct buf b;
    if (extra_path && !delivery_text(d, extra_path, &extra)) {
        return false;
    }
    buf_init(&b, d->in->arena, SIZE_MAX);
    buf_add(&b, str_sub(type->full, 0, type->unversioned_len));
    buf_add_byte(&b, '\n');
    buf_add(&b, subject);
    buf_add_byte(&b, '\n');
    buf_add(&b, timestamp(d->at_us, time));
    buf_add_byte(&b, '\n');
    buf_add(&b, extra);
    hash_sha256(buf_str(&b), sha);
    hex_write(sha, ID_BYTES / 2, id);
    return true;
}

static bool content_of(struct delivery *d, const struct pick *picks, bool is_own, struct str *out)
{
    struct buf b;
    buf_init(&b, d->in->arena, JSON_BYTES_MAX);
    buf_add_byte(&b, '{');
    if (picks && !delivery_members(d, &b, picks, !is_own)) {
        return false;
    }
    buf_add_byte(&b, '}');
    *out = buf_str(&b);
    return true;
}

/* {"github":{event, action, delivery, sender, …}} */
static bool custom_of(struct delivery *d, const struct pick *picks, struct str *out)
{
    static const struct pick of_all[] = {
        {"action", "$action?"}, {"delivery", "$delivery"}, {"sender", "sender.login?"}, {0}};
    struct buf b;
    buf_init(&b, d->in->arena, JSON_BYTES_MAX);
    buf_add(&b, S("{\"github\":{\"event\":"));
    buf_add_json(&b, d->event);
    if (!delivery_members(d, &b, of_all, false) ||
        (picks && !delivery_members(d, &b, picks, false))) {
        return false;
    }
    buf_add(&b, S("}}"));
    *out = buf_str(&b);
    return true;
}

bool event_add(struct delivery *d, const struct github_row *row, struct str subject)
{
    const struct event_type type = type_of(d->in->arena, str_of(row->gives), d->action);
    struct fact fact = fact_begin(d->in->arena, model_find(S("event")), d->at_us);
    struct value content = {.kind = VALUE_JSON};
    struct value custom = {.kind = VALUE_JSON};
    char id[ID_BYTES];
    if (!id_of(d, row->extra, &type, subject, id) ||
        !content_of(d, row->content, type.is_own, &content.text) ||
        !custom_of(d, row->custom, &custom.text)) {
        return false;
    }
    fact_text(&fact, "source", d->source);
    fact_text(&fact, "id", (struct str){id, sizeof id});
    fact_text(&fact, "type", type.full);
    fact_text(&fact, "subject_type", type.subject);
    fact_text(&fact, "predicate", type.predicate);
    fact_text(&fact, "subject_id", subject);
    fact_time(&fact, "occurred_at", d->at_us);
    fact_set(&fact, "content", content);
    fact_set(&fact, "custom_data", custom);
    fact_group(&fact, "event", d->at_us, 0);
    return transform_add(d->in, d->out, &fact);
}
