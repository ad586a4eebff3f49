/* What no commit names, and what no reader needs any more. */
#include <dirent.h>
#include <stdio.h>

#include "persist/lake/stage.h"
#include "persist/lake/tidy.h"

enum { ORPHAN_AGE_MS = 3600 * 1000 };

static struct str name_in(struct str key)
{
    size_t slash = key.len;
    while (slash > 0 && key.at[slash - 1] != '/') {
        slash--;
    }
    return str_sub(key, slash, key.len);
}

/* A data file of one of this bus's lanes: nobody else can be about to commit it. */
static bool is_own(const struct lake *l, struct str name)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct str lane = l->lane[i].lane.name;
        if (str_starts(name, lane) && name.len > lane.len && name.at[lane.len] == '-') {
            return true;
        }
    }
    return false;
}

static bool is_orphan(const struct lake *l, const struct lake_table *t,
                      const struct files_entry *e, int64_t now_ms)
{
    const struct str path = str_sub(e->key, t->log.table.len + 1, e->key.len);
    const struct str name = name_in(path);
    if (str_starts(path, S("_delta_log/"))) {
        return str_starts(name, S(".")) && !str_starts(name, S(".weir-")); /* half a put */
    }
    return str_ends(name, S(".parquet")) && !delta_find(&t->log, path) &&
           (is_own(l, name) || now_ms - e->modified_ms > ORPHAN_AGE_MS);
}

static void remove_stages(struct lake *l, const struct lake_table *t)
{
    const struct str folder = files_path(&l->files, &l->scratch, t->log.table);
    DIR *const dir = opendir(folder.at);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (str_starts(str_of(e->d_name), S(".stage-"))) {
            stage_remove_tree(arena_printf(&l->scratch, "%s/%s", folder.at, e->d_name).at);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

enum outcome lake_remove_orphans(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    const int64_t now_ms = clock_now_us() / 1000;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        struct files_list list;
        remove_stages(l, t);
        result = delta_update(&t->log, f);
        if (result == OK) {
            result = l->files.driver->list(&l->files, &l->scratch, t->log.table, &list, f);
        }
        for (size_t k = 0; result == OK && k < list.n; k++) {
            if (is_orphan(l, t, &list.at[k], now_ms)) {
                result = l->files.driver->remove(&l->files, list.at[k].key, f);
            }
        }
    }
    return result;
}
