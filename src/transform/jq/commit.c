/* What weir makes of a commit's row, as of GitHub's pushes (github/push.c): the services whose
 * paths it touches, and the branch of the push that brought it first. */
#include "transform/jq/mapping.h"
#include "transform/service.h"

static const struct value *column_of(const struct fact *fact, const char *name)
{
    return &fact->value[model_column(fact->model, str_of(name))];
}

void mapping_commit(const struct transform_in *in, struct fact *fact)
{
    const struct value *const files = column_of(fact, "files");
    const struct value *const repository = column_of(fact, "repository");
    if (files->kind != VALUE_LIST || repository->kind != VALUE_TEXT ||
        column_of(fact, "services")->kind != VALUE_NULL) {
        return;
    }
    const struct str place = repository->text;
    const struct belonging of = {.place = place,
                                 .name = str_sub(place, str_find(place, '/') + 1, place.len)};
    const struct str_list touched = {files->list.at, files->list.n};
    const struct str_list services = services_of_files(in->arena, in->config, &of, &touched);
    fact_set(fact, "services",
             (struct value){.kind = VALUE_LIST, .list = {services.at, services.n}});
}

int64_t mapping_commit_us(const struct fact *fact, const char *group, int64_t at_us)
{
    const struct value *const pushed = column_of(fact, "pushed_at");
    const int64_t push_us = pushed->kind == VALUE_TIME ? pushed->number : at_us;
    return strcmp(group, "push") == 0 ? -push_us : at_us;
}
