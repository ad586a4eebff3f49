#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/status_take.h"

#include "bus/dead.h"
#include "persist/store.h"
#include "registry.h"
#include "signal/model.h"

static void take_agents(struct arena *a, const struct config *config, struct status *s)
{
    s->agent = arena_array(a, struct status_agent, config->agents.n);
    for (size_t i = 0; i < config->agents.n; i++) {
        const struct named *const named = &config->agents.at[i];
        struct status_agent *const to = &s->agent[s->agents_n++];
        to->name = named->name;
        to->type = named->type->name;
        to->accepted = survey_counter(
            s->survey, arena_printf(a, "accepted{agent=%.*s}", STR_ARG(named->name)).at);
        const struct str prefix = arena_printf(a,
                                               "refused{agent=%.*s,reason=", STR_ARG(named->name));
        to->refused_n = survey_counters(s->survey, a, prefix, &to->refused);
    }
    s->refused_n = survey_counters(s->survey, a, S("refused{agent=none,reason="), &s->refused);
}

/* Parquet files below a table's folder; its log is not counted. */
static void count_files(struct arena *a, struct str folder, int depth, struct status *s)
{
    DIR *const d = opendir(arena_cstr(a, folder));
    if (!d) {
        return;
    }
    for (struct dirent *e; (e = readdir(d));) { /* NOLINT(concurrency-mt-unsafe): one thread */
        const struct str name = str_of(e->d_name);
        struct stat st;
        if (str_starts(name, S(".")) || str_starts(name, S("_"))) {
            continue;
        }
        const struct str path = arena_printf(a, "%.*s/%s", STR_ARG(folder), e->d_name);
        if (stat(path.at, &st) != 0) {
            continue; /* compacted meanwhile */
        }
        if (S_ISDIR(st.st_mode) && depth > 0) {
            count_files(a, path, depth - 1, s);
        } else if (str_ends(name, S(".parquet"))) {
            s->lake_files++;
            s->lake_bytes += (uint64_t)st.st_size;
        }
    }
    closedir(d);
}

static enum outcome take_store(struct arena *a, const struct config *config, struct status *s,
                               struct failure *f)
{
    struct store *store = NULL;
    s->store_type = str_of(config->store.type->name);
    s->model = arena_array(a, struct status_model, model_all_n);
    enum outcome result = store_look(a, config, S(""), &store, f);
    for (size_t i = 0; i < model_all_n && store && result == OK; i++) {
        if (model_all[i]->is_stored) {
            struct status_model *const to = &s->model[s->models_n++];
            to->name = model_all[i]->name;
            result = store->driver->rows(store, model_all[i], &to->rows, f);
        }
    }
    store_close(store);
    return result;
}

static struct str sentence(struct arena *a, const struct failure *f)
{
    return arena_str(a, str_of(f->text));
}

enum outcome status_take(struct arena *a, const struct config *config, struct status *out,
                         struct failure *f)
{
    enum { DAY_FOLDERS = 4 }; /* table/year/month/day */
    struct bus *bus = NULL;
    struct failure why;
    *out = (struct status){.survey = arena_new(a, struct survey),
                           .disk_bytes_max = config->bus.disk_bytes_max};
    enum outcome result = bus_visit(a, &config->bus, &bus, f);
    if (result == OK) {
        result = survey_take(a, &(struct survey_of){config, registry_duties, bus, S("")},
                             out->survey, f);
        if (result == OK && dead_count(bus, &out->dead, &why) != OK) {
            out->dead_why = sentence(a, &why);
        }
        bus_close(bus);
    }
    if (result != OK) {
        return result;
    }
    const struct survey *const v = out->survey;
    out->is_other_configuration = v->pid > 0 && v->revision != 0 &&
                                  v->revision != config->bus.revision;
    take_agents(a, config, out);
    out->unmapped_n = survey_counters(out->survey, a, S("unmapped{"), &out->unmapped);
    out->ignored_n = survey_counters(out->survey, a, S("ignored{"), &out->ignored);
    count_files(a, config->lake.path, DAY_FOLDERS, out);
    out->lake_expired_n = survey_counters(v, a, S("lake_expired{model="), &out->lake_expired);
    out->store_expired_n = survey_counters(v, a, S("store_expired{model="), &out->store_expired);
    if (take_store(a, config, out, &why) != OK) {
        out->store_why = sentence(a, &why);
    }
    return OK;
}
