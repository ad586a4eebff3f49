#include "transform/service.h"

#include "transform/glob.h"

static bool has_repository(const struct config_service *s, const struct belonging *of)
{
    return glob_any(&s->repositories, of->name) || glob_any(&s->repositories, of->place);
}

static bool is_called(const struct named *service, struct str said)
{
    const struct config_service *const s = service->options;
    return said.len > 0 && (str_eq_nocase(service->name, said) || glob_any(&s->names, said));
}

/* By its repository, its environment, or both where both are configured. */
static bool is_deployed(const struct config_service *s, const struct belonging *of)
{
    return s->repositories.n + s->environments.n > 0 &&
           (s->repositories.n == 0 || has_repository(s, of)) &&
           (s->environments.n == 0 || glob_any(&s->environments, of->environment));
}

static bool is_sure(const struct belonging *of)
{
    return of->is_sure && of->said.len > 0;
}

static const struct named *find(const struct config *c, const struct belonging *of)
{
    const struct named_list *const all = &c->services;
    for (size_t i = 0; i < all->n; i++) {
        if (is_called(all->at + i, of->said)) {
            return all->at + i;
        }
    }
    for (size_t i = 0; i < all->n && !is_sure(of); i++) {
        if (is_deployed(all->at[i].options, of)) {
            return all->at + i;
        }
    }
    return NULL;
}

struct str service_of(const struct config *c, const struct belonging *of)
{
    const struct named *const service = find(c, of);
    return service ? service->name : is_sure(of) ? of->said : of->name;
}

bool service_is_production(const struct config *c, const struct belonging *of, bool *is_told)
{
    const struct named *const service = find(c, of);
    const struct config_service *const s = service ? service->options : NULL;
    *is_told = s && s->production.n > 0;
    if (*is_told) {
        return glob_any(&s->production, of->environment);
    }
    return (str_eq_nocase(of->environment, S("production")) ||
            str_eq_nocase(of->environment, S("prod")) || str_eq_nocase(of->environment, S("live")));
}

static bool has_file(const struct config_service *s, const struct str_list *files)
{
    bool is = s->paths.n == 0;
    for (size_t i = 0; i < files->n && !is; i++) {
        is = glob_any(&s->paths, files->at[i]);
    }
    return is;
}

struct str_list services_of_files(struct arena *a, const struct config *c,
                                  const struct belonging *of, const struct str_list *files)
{
    struct str_list out = {.at = arena_array(a, struct str, c->services.n + 1)};
    for (size_t i = 0; i < c->services.n; i++) {
        const struct config_service *const s = c->services.at[i].options;
        if (has_repository(s, of) && has_file(s, files)) {
            out.at[out.n++] = c->services.at[i].name;
        }
    }
    if (out.n == 0) {
        out.at[out.n++] = of->name;
    }
    return out;
}
