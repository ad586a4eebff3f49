/* Files of a folder: DuckDB's SQL over JSON, CSV or Parquet, with the window in the path. */
#include "collector/engine.h"
#include "config/sources.h"

static enum outcome files_read(const struct source_ask *ask, const struct source_to *to,
                               struct failure *f)
{
    const struct files_options *const o = ask->options;
    struct duck *d = NULL;
    struct str partition, sql;
    struct template_dot dot = source_dot(ask);
    const struct str folder = arena_printf(ask->arena, "%.*s/", STR_ARG(o->path));
    enum outcome result = template_render(ask->arena, o->partition, &dot, &partition, f);
    if (result == OK) {
        dot.partition = arena_printf(ask->arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(partition));
        result = template_render(ask->arena, o->sql, &dot, &sql, f);
    }
    if (result == OK) {
        result = engine_open(ask, &d, f);
    }
    if (result == OK) {
        result = engine_confine(d, ask, &folder, 1, f);
    }
    if (result == OK) {
        result = engine_file_rows(d, ask, sql, to, f);
    }
    duck_close(d);
    return result;
}

const struct source_driver source_files = {.name = "files", .read = files_read};
