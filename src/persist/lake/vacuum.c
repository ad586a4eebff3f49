#include "persist/lake/vacuum.h"

#include <dirent.h>
#include <stdio.h>

#include "persist/lake/stage.h"

enum { ORPHAN_AGE_MS = 3600 * 1000 };
#define LOG_AGE_MS (INT64_C(30) * 86400 * 1000)

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

/* Half a put into a log. */
static bool is_half(struct str name)
{
    return str_starts(name, S(".")) && !str_starts(name, S(".weir-"));
}

static bool is_orphan(const struct lake *l, const struct lake_table *t, const struct files_entry *e,
                      int64_t now_ms)
{
    const struct str path = str_sub(e->key, t->log.table.len + 1, e->key.len);
    const struct str name = name_in(path);
    if (str_starts(path, S("_delta_log/"))) {
        return is_half(name);
    }
    return str_ends(name, S(".parquet")) && !delta_find(&t->log, path) &&
           (is_own(l, name) || now_ms - e->modified_ms > ORPHAN_AGE_MS);
}

/* is_alone: nobody else writes here, so that each is a killed writer's. */
static void remove_stages(struct lake *l, const struct lake_table *t, bool is_alone)
{
    const struct str folder = l->files.driver->scratch(&l->files, &l->scratch, t->log.table);
    DIR *const dir = opendir(folder.at);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        const struct str stage = arena_printf(&l->scratch, "%s/%s", folder.at, e->d_name);
        if (str_starts(str_of(e->d_name), S(".stage-")) && is_alone) {
            stage_remove_tree(stage.at);
        } else if (str_starts(str_of(e->d_name), S(".stage-"))) {
            stage_sweep(&l->scratch, stage);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* What is on the disk must be what the log says, and where the table stands what its lanes hold:
 * else the log, or its end, is another's or an older one, and what it does not name may be wanted.
 */
static bool is_trusted(const struct lake *l, const struct lake_table *t,
                       const struct files_list *list)
{
    size_t live = 0;
    size_t there = 0;
    for (size_t i = 0; i < t->log.files_n; i++) {
        live += !t->log.file[i].removed_ms;
    }
    for (size_t i = 0; i < list->n; i++) {
        const struct str key = list->at[i].key;
        const struct delta_file *const file = delta_find(
            &t->log, str_sub(key, t->log.table.len + 1, key.len));
        there += file && !file->removed_ms;
    }
    bool is = live == there;
    for (size_t i = 0; i < l->lanes_n && is; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        const int64_t at = delta_txn(&t->log, lane->app);
        is = !lake_feeds(lane->lane.stream, t->model) ||
             (at < 0 ? lane->begin.at == 0
                     : (uint64_t)at >= lane->begin.at && (uint64_t)at <= lane->end.at);
    }
    return is;
}

/* A folder of data whose log is gone: a new log would hide them. */
static enum outcome check_has_log(const struct lake_table *t, const struct files_list *list,
                                  struct failure *f)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        n += str_ends(list->at[i].key, S(".parquet"));
    }
    return t->log.version >= 0 || n == 0
               ? OK
               : failed(f, STOP,
                        "table %.*s of the lake has %zu data files and no log: restore its "
                        "_delta_log from a copy, or move the table's folder away to begin it anew",
                        STR_ARG(t->log.table), n);
}

static enum outcome remove_orphans(struct lake *l, struct lake_table *t,
                                   const struct files_list *list, struct vacuumed *sum,
                                   struct failure *f)
{
    enum outcome result = OK;
    const int64_t now_ms = l->wall.now_us == TIME_NONE ? INT64_MIN / 2 : l->wall.now_us / 1000;
    for (size_t i = 0; result == OK && i < list->n; i++) {
        if (is_orphan(l, t, &list->at[i], now_ms)) {
            result = l->files.driver->remove(&l->files, list->at[i].key, f);
            sum->first = sum->n ? sum->first : arena_str(l->arena, list->at[i].key);
            sum->n += result == OK;
        }
    }
    return result;
}

enum outcome vacuum_orphans(struct lake *l, struct vacuumed *sum, struct failure *f)
{
    enum outcome result = OK;
    *sum = (struct vacuumed){0};
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        struct files_list list = {.n = 0};
        remove_stages(l, t, true);
        result = delta_update(&t->log, f);
        if (result == OK) {
            result = l->files.driver->list(&l->files, &l->scratch, t->log.table, &list, f);
        }
        if (result == OK) {
            result = check_has_log(t, &list, f);
        }
        if (result == OK && is_trusted(l, t, &list)) {
            result = remove_orphans(l, t, &list, sum, f);
        }
    }
    return result;
}

void vacuum_stages(struct lake *l)
{
    for (size_t i = 0; i < l->tables_n; i++) {
        remove_stages(l, &l->table[i], false);
    }
}

/* ---- vacuum ---- */

/* Commits stay as long as Delta's readers expect (delta.logRetentionDuration's default); of weir's
 * own snapshots the newest is enough. A put takes no hour, so half of one that is older is a killed
 * writer's. */
static enum outcome sweep_log(struct lake *l, const struct lake_table *t, int64_t now_ms,
                              struct failure *f)
{
    struct files_list list;
    const struct str folder = arena_printf(&l->scratch, "%.*s/_delta_log", STR_ARG(t->log.table));
    enum outcome result = l->files.driver->list(&l->files, &l->scratch, folder, &list, f);
    for (size_t i = 0; result == OK && i < list.n; i++) {
        const struct str name = name_in(list.at[i].key);
        const int64_t version = delta_version_of(name);
        const int64_t age_ms = now_ms - list.at[i].modified_ms;
        const bool is_snapshot = str_starts(name, S(".weir-"));
        const bool is_covered = version >= 0 && version < t->log.checkpoint &&
                                age_ms > (is_snapshot ? ORPHAN_AGE_MS : LOG_AGE_MS);
        if (is_covered || (is_half(name) && age_ms > ORPHAN_AGE_MS)) {
            result = l->files.driver->remove(&l->files, list.at[i].key, f);
        }
    }
    return result;
}

static enum outcome vacuum_table(struct lake *l, struct lake_table *t, int64_t now_ms,
                                 struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < t->log.files_n && result == OK; i++) {
        struct delta_file *const file = &t->log.file[i];
        if (file->removed_ms && !file->is_gone &&
            file->removed_ms <= now_ms - l->config->lake.vacuum_ms) {
            result = l->files.driver->remove(
                &l->files,
                arena_printf(&l->scratch, "%.*s/%.*s", STR_ARG(t->log.table), STR_ARG(file->path)),
                f);
            file->is_gone = result == OK;
        }
    }
    return result;
}

enum outcome vacuum_run(struct lake *l, int64_t now_us, struct failure *f)
{
    const bool must_sweep = l->swept_us + DAY_US <= now_us;
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        result = vacuum_table(l, t, now_us / 1000, f);
        if (result == OK && must_sweep) {
            result = sweep_log(l, t, now_us / 1000, f);
        }
    }
    if (must_sweep) {
        vacuum_stages(l);
    }
    l->swept_us = must_sweep && result == OK ? now_us : l->swept_us;
    return result;
}
