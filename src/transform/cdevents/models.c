/* From a valid CDEvent to the models that it speaks of. */
#include "transform/cdevents/models.h"

#include <assert.h>

#include "base/buf.h"
#include "transform/service.h"

static const struct cd_row *const mappings[] = {
    cd_artifacts, cd_changes, cd_incidents, cd_runs, cd_services, cd_tests, cd_tickets,
};

static const struct cd_told *told(const struct delivery *d)
{
    return d->more;
}

/* ---- the names ---- */

/* subject.source, else context.source: what makes subject.id unique. */
static struct str source(const struct delivery *d)
{
    const struct cd_lifted *const up = told(d)->up;
    return up->subject_source.len > 0 ? up->subject_source : up->source;
}

static struct str subject(const struct delivery *d)
{
    return told(d)->up->subject_id;
}

static struct str event_source(const struct delivery *d)
{
    return told(d)->up->source;
}

static struct str event_id(const struct delivery *d)
{
    return told(d)->up->id;
}

static struct str timestamp(const struct delivery *d)
{
    return told(d)->up->timestamp;
}

static struct str predicate(const struct delivery *d)
{
    return told(d)->up->predicate;
}

/* The outcome as it was sent. */
static struct str original_outcome(const struct delivery *d)
{
    return json_text(yyjson_obj_get(told(d)->event->content, "outcome"));
}

/* What it means: 0.5.1 takes any text there. */
static struct str meant_outcome(const struct delivery *d)
{
    return cd_outcome(d->in->arena, original_outcome(d));
}

static struct str without_scheme(struct str url)
{
    const size_t colon = str_find(url, ':');
    struct str rest = str_sub(url, colon, url.len);
    rest = str_starts(rest, S("://")) ? str_sub(rest, 3, rest.len) : url;
    while (str_ends(rest, S("/"))) {
        rest.len--;
    }
    return rest;
}

static bool is_web(struct str url)
{
    return str_starts(url, S("https://")) || str_starts(url, S("http://"));
}

/* content.repository.id, where it is a name the place that repository.source is before it; without
 * repository the event's source. Never empty. */
static struct str repository(const struct delivery *d)
{
    const struct str id = json_text(json_at(d->body, S("repository.id")));
    const struct str place = json_text(json_at(d->body, S("repository.source")));
    if (id.len == 0) {
        const struct str from = without_scheme(event_source(d));
        return from.len > 0 ? from : event_source(d);
    }
    if (is_web(id) || !is_web(place)) {
        return without_scheme(id);
    }
    return arena_printf(d->in->arena, "%.*s/%.*s", STR_ARG(without_scheme(place)), STR_ARG(id));
}

/* HOST/OWNER/NAME where the source is a repository's web page; else nothing. */
static struct str place(const struct delivery *d)
{
    const struct str url = source(d);
    struct str rest = without_scheme(url);
    const struct str all = rest;
    size_t parts = 0;
    while (rest.len > 0) {
        parts += str_cut(rest, '/', &rest).len > 0;
    }
    return is_web(url) && parts == 3 ? all : S("");
}

/* Without refs/heads/. */
static struct str branch(const struct delivery *d)
{
    const struct str prefix = S("refs/heads/");
    const struct str id = subject(d);
    return str_starts(id, prefix) && id.len > prefix.len ? str_sub(id, prefix.len, id.len) : id;
}

/* ---- purls ---- */

/* `pkg:github/acme/shop@<version>?…`: its two parts. */
static bool purl_of_github(const struct delivery *d, struct str *name, struct str *version)
{
    const struct str prefix = S("pkg:github/");
    const struct str purl = json_text(json_at(d->body, S("artifactId")));
    struct str rest = str_sub(purl, prefix.len, purl.len);
    if (!str_starts(purl, prefix) || str_find(purl, '?') < purl.len) {
        return false; /* a qualifier says that it is elsewhere */
    }
    *name = str_cut(rest, '@', version);
    return name->len > 0;
}

static struct str artifact_repository(const struct delivery *d)
{
    struct str name;
    struct str version;
    return purl_of_github(d, &name, &version)
               ? arena_printf(d->in->arena, "github.com/%.*s", STR_ARG(name))
               : place(d);
}

static bool is_sha(struct str text)
{
    bool is = text.len == 40 || text.len == 64;
    for (size_t i = 0; i < text.len && is; i++) {
        is = (text.at[i] >= '0' && text.at[i] <= '9') || (text.at[i] >= 'a' && text.at[i] <= 'f');
    }
    return is;
}

static struct str artifact_sha(const struct delivery *d)
{
    struct str name;
    struct str version;
    return purl_of_github(d, &name, &version) && is_sha(version) ? version : S("");
}

/* ---- services ---- */

/* A service event's subject is the service; an incident names one. */
static struct str service(const struct delivery *d)
{
    const bool is_service = str_eq(told(d)->up->subject_type, S("service"));
    const struct str where = artifact_repository(d);
    struct str name = where;
    (void)str_cut(name, '/', &name);
    const struct belonging of = {
        .said = is_service ? subject(d) : json_text(json_at(d->body, S("service.id"))),
        .is_sure = true,
        .place = where,
        .name = name,
        .environment = json_text(json_at(d->body, S("environment.id"))),
    };
    return service_of(d->in->config, &of);
}

static const struct {
    struct str name;
    struct str (*text)(const struct delivery *d);
    const char *pointer; /* of what it is made of, first of all */
} variables[] = {
    {STR("source"), source, "/context/source"},
    {STR("subject"), subject, "/subject/id"},
    {STR("event_source"), event_source, "/context/source"},
    {STR("event_id"), event_id, "/context/id"},
    {STR("time"), timestamp, "/context/timestamp"},
    {STR("predicate"), predicate, "/context/type"},
    {STR("original_outcome"), original_outcome, "/subject/content/outcome"},
    {STR("outcome"), meant_outcome, "/subject/content/outcome"},
    {STR("repository"), repository, "/subject/content/repository/id"},
    {STR("place"), place, "/context/source"},
    {STR("branch"), branch, "/subject/id"},
    {STR("artifact_repository"), artifact_repository, "/subject/content/artifactId"},
    {STR("artifact_sha"), artifact_sha, "/subject/content/artifactId"},
    {STR("service"), service, "/subject/id"},
};
enum { VARIABLES_N = sizeof variables / sizeof *variables };

static size_t variable_find(struct str name)
{
    size_t i = 0;
    while (i < VARIABLES_N && !str_eq(variables[i].name, name)) {
        i++;
    }
    assert(i < VARIABLES_N && "no such variable");
    return i;
}

static bool variable(struct delivery *d, struct str name, struct str *out)
{
    *out = variables[variable_find(name)].text(d);
    return true;
}

static const char *pointer(struct str name)
{
    return variables[variable_find(str_sub(name, 0, str_find(name, '?')))].pointer;
}

bool cd_has(struct delivery *d, const char *path)
{
    return json_at(d->body, str_of(path)) != NULL;
}

void cd_attribute(struct delivery *d, struct fact *fact, const char *name, struct str text)
{
    struct buf b;
    if (text.len > 0) {
        buf_init(&b, d->in->arena, SIZE_MAX);
        buf_add_json(&b, text);
        fact_member(fact, "attributes_by", str_of(name), d->at_us, buf_str(&b));
    }
}

/* ---- the rows ---- */

/* weir's own events say in customData.github which delivery they come from. */
static bool is_own(const struct cd_event *e)
{
    yyjson_val *const github = yyjson_obj_get(yyjson_obj_get(e->root, "customData"), "github");
    return json_text(json_get(github, S("delivery"))).len > 0 &&
           json_text(json_get(github, S("event"))).len > 0;
}

static bool give(struct delivery *d, const struct cd_row *row)
{
    struct fact fact;
    d->row_name = row->type;
    return delivery_fact(d, row->model, row->picks, &fact) && (!row->more || row->more(d, &fact)) &&
           transform_add(d->in, d->out, &fact);
}

bool cd_models(const struct transform_in *in, struct transform_out *out, const struct cd_event *e,
               const struct cd_lifted *up)
{
    const struct cd_told both = {e, up};
    yyjson_doc *content = NULL;
    struct delivery d = {.in = in,
                         .out = out,
                         .kind = "cdevents",
                         .under = "/subject/content",
                         .event = e->type->name,
                         .action = up->predicate,
                         .variable = variable,
                         .pointer = pointer,
                         .more = &both,
                         .at_us = up->time_us};
    struct failure f = {0};
    for (size_t i = 0; i < sizeof mappings / sizeof *mappings && !is_own(e); i++) {
        for (const struct cd_row *row = mappings[i]; row->type; row++) {
            if (!str_eq(str_of(row->type), e->type->name)) {
                continue;
            }
            if (!content && json_try_read(in->arena, up->content, &content, &f) != OK) {
                return transform_failed(out, S("content: "), &f);
            }
            d.body = yyjson_doc_get_root(content);
            if (!give(&d, row)) {
                return false;
            }
        }
    }
    return true;
}
