/* From a raw GitHub webhook to its mapping: the row is chosen by X-GitHub-Event, then by action,
 * then by the row's condition; never by what the body looks like. */
#include "transform/github/github.h"

#include "transform/github/known.h"

/* A hook was made: ignored, and counted. */
const struct github_event github_ping = {.name = "ping"};

#define LINE(event) &github_##event,
static const struct github_event *const events[] = {GITHUB_EVENTS(LINE)};
#undef LINE

static const struct github_event *event_of(struct str name)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (str_eq(str_of(events[i]->name), name)) {
            return events[i];
        }
    }
    return NULL;
}

/* As GitHub names its events and actions, and people those that they dispatch. */
static bool is_word(struct str s)
{
    enum { BYTES_MAX = 40 };
    size_t i = 0;
    while (i < s.len && ((s.at[i] >= 'a' && s.at[i] <= 'z') || (s.at[i] >= 'A' && s.at[i] <= 'Z') ||
                         (s.at[i] >= '0' && s.at[i] <= '9') || s.at[i] == '_' || s.at[i] == '-')) {
        i++;
    }
    return s.len > 0 && s.len <= BYTES_MAX && i == s.len;
}

/* The names come from outside: what is no plain word is not repeated. */
static struct str under(struct arena *a, struct str before, struct str word)
{
    const struct str shown = is_word(word) ? word : S("other");
    return arena_printf(a, "%.*s/%.*s", STR_ARG(before), STR_ARG(shown));
}

/* `github/star/created`, `github/push`, `github/other`. */
static struct str name_of(const struct delivery *d)
{
    struct arena *const a = d->in->arena;
    const struct str event = under(a, S("github"), d->event);
    return d->action.len > 0 && is_word(d->event) ? under(a, event, d->action) : event;
}

/* What a name counts under where there are too many of those that GitHub may not have. */
static struct str others_of(const struct delivery *d)
{
    struct arena *const a = d->in->arena;
    const bool is_known = github_knows(d->event);
    return under(a, is_known ? under(a, S("github"), d->event) : S("github"), S("other"));
}

/* Whether `action` is among the row's words. */
static bool has_action(const struct github_row *row, struct str action)
{
    if (!row->action) {
        return true;
    }
    for (struct str rest = str_of(row->action); rest.len > 0;) {
        if (str_eq(str_cut(rest, ' ', &rest), action)) {
            return true;
        }
    }
    return false;
}

/* Everything that one row gives. false: the signal is dead. */
static bool give(struct delivery *d, const struct github_event *event, const struct github_row *row)
{
    struct str subject = {0};
    d->at_us = TIME_NONE;
    if (row->time && !delivery_time(d, row->time, &d->at_us)) {
        return false;
    }
    if (row->gives) {
        const char *const path = row->subject ? row->subject : event->subject;
        if (!delivery_text(d, path, &subject)) {
            return false;
        }
        if (subject.len == 0) {
            return delivery_dead(d, str_of(path), "is empty");
        }
        if (!event_add(d, row, subject)) {
            return false;
        }
    }
    return !row->facts || row->facts(d);
}

/* The rows of one mapping. false: the signal is dead. */
static bool map(struct delivery *d, const struct github_event *event, bool *is_mapped)
{
    for (const struct github_row *row = event->rows; row && row->row; row++) {
        if (!has_action(row, d->action)) {
            continue;
        }
        d->row_name = row->row;
        if (!d->source.len && !delivery_repository(d)) {
            return false;
        }
        const bool is_row = !row->when || row->when(d);
        *is_mapped = *is_mapped || is_row;
        if (d->out->fate == FATE_DEAD || (is_row && !give(d, event, row))) {
            return false;
        }
    }
    return true;
}

/* A name may stand in several mappings: each gives what it has rows for. */
static void map_all(struct delivery *d)
{
    bool is_mapped = false;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        const struct github_event *const event = events[i];
        if (str_eq(str_of(event->name), d->event)) {
            is_mapped = is_mapped || !event->rows;
            if (!map(d, event, &is_mapped)) {
                return;
            }
        }
    }
    if (!is_mapped) {
        const bool is_real = github_knows_action(d->event, d->action);
        transform_unmapped(d->out, name_of(d), is_real ? S("") : others_of(d));
    } else if (d->out->facts_n == 0) {
        transform_ignored(d->out, name_of(d));
    }
}

static void transform_github(const struct transform_in *in, struct transform_out *out)
{
    const struct str prefix = S("github.");
    const struct str type = in->raw->type;
    struct delivery d = {.in = in,
                         .out = out,
                         .kind = "github",
                         .under = "",
                         .variable = github_variable,
                         .at_us = TIME_NONE};
    yyjson_doc *doc = NULL;
    struct failure f = {0};
    d.event = str_starts(type, prefix) ? str_sub(type, prefix.len, type.len) : S("");
    if (json_try_read(in->arena, in->raw->data, &doc, &f) != OK ||
        json_check_unique(in->arena, yyjson_doc_get_root(doc), &f) != OK) {
        const struct str what = arena_printf(in->arena, "github %.*s: ", STR_ARG(d.event));
        (void)transform_failed(out, what, &f);
        return;
    }
    d.body = yyjson_doc_get_root(doc);
    if (!yyjson_is_obj(d.body)) {
        (void)transform_dead(out, "", "github %.*s: the body is no JSON object", STR_ARG(d.event));
        return;
    }
    const struct github_event *const event = event_of(d.event);
    d.action = json_text(json_get(d.body, S("action")));
    if (d.action.len == 0 && event && event->action_if_absent) {
        d.action = str_of(event->action_if_absent);
    }
    map_all(&d);
}

const struct transformer transformer_github = {.run = transform_github};
