/* What a mapping's `$name` stands for: what follows from the configuration, from the delivery, or
 * from several fields at once. */
#include "transform/github/mapping.h"

#include <assert.h>

#include "transform/glob.h"

/* ---- the repository ---- */

bool delivery_repository(struct delivery *d)
{
    const char *const path = "repository.html_url";
    if (!delivery_text(d, path, &d->source)) {
        return false;
    }
    struct str rest = d->source;
    const size_t scheme = str_find(rest, ':');
    if (!str_starts(str_sub(rest, scheme, rest.len), S("://"))) {
        return delivery_dead(d, str_of(path), "is no URL");
    }
    d->repository = str_sub(rest, scheme + 3, rest.len);
    const struct str host = str_cut(d->repository, '/', &d->name);
    const size_t slash = str_find(d->name, '/');
    if (host.len == 0 || slash == 0 || slash + 1 >= d->name.len) {
        return delivery_dead(d, str_of(path), "is not https://HOST/OWNER/NAME");
    }
    d->host = str_sub(d->source, 0, scheme + 3 + host.len);
    return true;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ---- purls (package-url specification: percent-encoded; type github is lower case) ---- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *b, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.at[i];
        if (is_unreserved(s.at[i])) {
            buf_add_byte(b, s.at[i]);
        } else {
            const char text[] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, (struct str){text, sizeof text});
        }
    }
}

/* pkg:github/owner/repo@version, and where it is when that is not github.com. */
static struct str purl(const struct delivery *d, struct str version)
{
    struct buf b;
    buf_init(&b, d->in->arena, SIZE_MAX);
    buf_add(&b, S("pkg:github/"));
    for (size_t i = 0; i < d->name.len; i++) {
        buf_add_byte(&b, lower(d->name.at[i]));
    }
    buf_add_byte(&b, '@');
    add_encoded(&b, version);
    if (!str_eq(d->host, S("https://github.com"))) {
        buf_add(&b, S("?repository_url="));
        add_encoded(&b, d->host);
    }
    return buf_str(&b);
}

/* ---- what the configuration says ---- */

/* Globs are OWNER/NAME or HOST/OWNER/NAME. */
static bool has_repository(const struct config_service *s, const struct delivery *d)
{
    return glob_any(&s->repositories, d->name) || glob_any(&s->repositories, d->repository);
}

/* The first service that names the repository, or NULL. */
static const struct named *service_of(const struct delivery *d)
{
    const struct named_list *const services = &d->in->config->services;
    for (size_t i = 0; i < services->n; i++) {
        if (has_repository(services->at[i].options, d)) {
            return services->at + i;
        }
    }
    return NULL;
}

bool delivery_is_production(const struct delivery *d, struct str environment, bool *is_told)
{
    const struct named *const service = service_of(d);
    const struct config_service *const options = service ? service->options : NULL;
    *is_told = options && options->production.n > 0;
    for (size_t i = 0; *is_told && i < options->production.n; i++) {
        if (str_eq_nocase(options->production.at[i], environment)) {
            return true;
        }
    }
    return !*is_told &&
           (str_eq_nocase(environment, S("production")) || str_eq_nocase(environment, S("prod")) ||
            str_eq_nocase(environment, S("live")));
}

/* ---- labels ---- */

/* One of an issue's labels is one of `globs`. */
static bool has_label(const struct found *labels, const struct str_list *globs)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *label = NULL;
    yyjson_arr_foreach(labels->value, i, n, label)
    {
        if (glob_any(globs, json_text(json_get(label, S("name"))))) {
            return true;
        }
    }
    return false;
}

/* CDEvents' type of ticket that an issue's labels make it. */
static bool ticket_type(struct delivery *d, struct str *out)
{
    const struct config_tickets *const rules = &d->in->config->rules.tickets;
    const struct {
        const struct str_list *labels;
        struct str type;
    } types[] = {{&rules->bug, S("bug")},
                 {&rules->enhancement, S("enhancement")},
                 {&rules->incident, S("incident")},
                 {&rules->task, S("task")},
                 {&rules->question, S("question")}};
    struct found labels;
    if (!delivery_find(d, "issue.labels?", &labels)) {
        return false;
    }
    for (size_t t = 0; t < sizeof types / sizeof *types && out->len == 0; t++) {
        *out = has_label(&labels, types[t].labels) ? types[t].type : *out;
    }
    return true;
}

/* ---- the names ---- */

bool delivery_variable(struct delivery *d, struct str name, struct str *out)
{
    const struct named *const service = str_eq(name, S("service")) ? service_of(d) : NULL;
    struct str version;
    *out = S("");
    if (str_eq(name, S("source"))) { /* https://github.com/acme/shop */
        *out = d->source;
    } else if (str_eq(name, S("repository"))) { /* github.com/acme/shop */
        *out = d->repository;
    } else if (str_eq(name, S("name"))) { /* acme/shop */
        *out = d->name;
    } else if (str_eq(name, S("host"))) { /* https://github.com */
        *out = d->host;
    } else if (str_eq(name, S("service"))) { /* by configuration, else acme/shop */
        *out = service ? service->name : d->name;
    } else if (str_eq(name, S("action"))) { /* as GitHub sends it today */
        *out = d->action;
    } else if (str_eq(name, S("delivery"))) { /* X-GitHub-Delivery */
        *out = d->in->raw->id;
    } else if (str_eq(name, S("release"))) { /* pkg:github/acme/shop@v1.0 */
        const bool is_there = delivery_text(d, "release.tag_name", &version);
        *out = is_there ? purl(d, version) : S("");
        return is_there;
    } else if (str_eq(name, S("artifact"))) { /* pkg:github/acme/shop@<sha> */
        const bool is_there = delivery_text(d, "deployment.sha", &version);
        *out = is_there ? purl(d, version) : S("");
        return is_there;
    } else if (str_eq(name, S("ticket_type"))) { /* bug, …, by its labels */
        return ticket_type(d, out);
    } else {
        assert(false && "no such variable");
    }
    return true;
}

/* ---- the functions ---- */

static struct str outcome(struct str conclusion)
{
    static const struct {
        struct str conclusion, outcome;
    } outcomes[] = {
        {STR("success"), STR("success")},   {STR("failure"), STR("failure")},
        {STR("timed_out"), STR("failure")}, {STR("startup_failure"), STR("failure")},
        {STR("cancelled"), STR("cancel")},
    };
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        if (str_eq(outcomes[i].conclusion, conclusion)) {
            return outcomes[i].outcome;
        }
    }
    return S(""); /* action_required, neutral, skipped, stale: no outcome of CDEvents' */
}

static struct str resolution(struct str reason)
{
    return str_eq(reason, S("not_planned")) ? S("withdrawn")
           : str_eq(reason, S("duplicate")) ? S("duplicate")
                                            : S("completed");
}

/* The REST API writes it in capitals. */
static struct str review(struct str state)
{
    static const struct str states[] = {STR("approved"), STR("changes_requested"), STR("commented"),
                                        STR("dismissed")};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (str_eq_nocase(states[i], state)) {
            return states[i];
        }
    }
    return state;
}

static struct str short_ref(struct str ref)
{
    (void)str_cut(ref, '/', &ref);
    (void)str_cut(ref, '/', &ref);
    return ref;
}

static struct str without_scheme(struct str url)
{
    const size_t scheme = str_find(url, ':');
    return str_starts(str_sub(url, scheme, url.len), S("://")) ? str_sub(url, scheme + 3, url.len)
                                                               : url;
}

struct str delivery_apply(struct str function, struct str text)
{
    static const struct {
        struct str name;
        struct str (*apply)(struct str text);
    } functions[] = {
        {STR("outcome"), outcome},       /* CDEvents' outcome of a conclusion             */
        {STR("resolution"), resolution}, /* CDEvents' resolution of a state_reason        */
        {STR("review"), review},         /* approved, changes_requested, commented, …     */
        {STR("short"), short_ref},       /* refs/heads/feature/x → feature/x              */
        {STR("place"), without_scheme},  /* https://github.com/acme/shop → github.com/…   */
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (str_eq(functions[i].name, function)) {
            return functions[i].apply(text);
        }
    }
    assert(false && "no such function");
    return text;
}
