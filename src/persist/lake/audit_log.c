#include "persist/lake/audit_log.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/hash.h"
#include "persist/lake/seal.h"
#include "wire/json.h"

enum { STRAY_AGE_MS = 3600 * 1000 };

struct log_audit {
    struct delta *log;
    struct arena *scratch;
    struct audit_to *report;
};

static void found(struct log_audit *w, struct str what)
{
    w->report->found(w->report->to, what);
}

/* ---- commits ---- */

/* `…/_delta_log/00000000000000000042.json` */
static bool is_commit(const struct log_audit *w, struct str key)
{
    const int64_t version = delta_version_of(key);
    return version >= 0 && str_eq(key, delta_name(w->log, w->scratch, version, ".json"));
}

static enum outcome check_commit(struct log_audit *w, struct str key, struct failure *f)
{
    struct str text;
    struct failure why;
    const enum outcome result = w->log->files->driver->get(w->log->files, w->scratch, key, &text,
                                                           f);
    if (result != OK || !text.at) {
        return result; /* swept meanwhile: a checkpoint stands for it */
    }
    w->report->commits++;
    w->report->unsealed += seal_check(w->scratch, text) == SEAL_NONE;
    if (seal_demand(w->scratch, key, text, &why) != OK) {
        found(w, arena_printf(w->scratch, "lake: %s", why.text));
    }
    return OK;
}

static enum outcome check_commits(struct log_audit *w, const struct files_list *list,
                                  struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < list->n && result == OK; i++) {
        result = is_commit(w, list->at[i].key) ? check_commit(w, list->at[i].key, f) : OK;
    }
    return result;
}

/* ---- the newest checkpoint ---- */

static enum outcome check_sum(struct log_audit *w, struct str key, struct str sum,
                              struct failure *f)
{
    struct str bytes;
    char hex[32];
    const enum outcome result = w->log->files->driver->get(w->log->files, w->scratch, key, &bytes,
                                                           f);
    if (result != OK || sum.len == 0) {
        return result;
    }
    if (bytes.at) {
        hash_128_hex(bytes, hex);
    }
    if (!bytes.at || !str_eq(sum, (struct str){hex, sizeof hex})) {
        found(w, arena_printf(w->scratch,
                              "lake: %.*s %s: remove _last_checkpoint while every commit from 0 on "
                              "is there, else restore it from a copy",
                              STR_ARG(key),
                              bytes.at ? "is not what was written (its checksum differs)"
                                       : "is gone"));
    }
    return OK;
}

static enum outcome check_checkpoint(struct log_audit *w, struct failure *f)
{
    struct str text;
    yyjson_doc *doc;
    const struct delta *const l = w->log;
    const struct str key = arena_printf(w->scratch, "%.*s/_delta_log/_last_checkpoint",
                                        STR_ARG(l->table));
    enum outcome result = l->files->driver->get(l->files, w->scratch, key, &text, f);
    if (result != OK || !text.at || json_read(w->scratch, text, &doc, f) != OK) {
        return result; /* delta_open has said that it does not read */
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    yyjson_val *const tags = json_get(root, S("tags"));
    yyjson_val *const version = json_get(root, S("version"));
    const int64_t at = yyjson_is_int(version) ? yyjson_get_sint(version) : -1;
    result = check_sum(w, delta_snapshot_name(l, w->scratch, at),
                       json_text(json_get(tags, S("weir.snapshot"))), f);
    return result == OK ? check_sum(w, delta_name(l, w->scratch, at, ".checkpoint.parquet"),
                                    json_text(json_get(tags, S("weir.checkpoint"))), f)
                        : result;
}

/* ---- files that no commit names ---- */

static void check_strays(struct log_audit *w, const struct files_list *list)
{
    const int64_t now_ms = clock_now_us() / 1000;
    for (size_t i = 0; i < list->n; i++) {
        const struct files_entry *const e = &list->at[i];
        const struct str path = str_sub(e->key, w->log->table.len + 1, e->key.len);
        if (str_ends(path, S(".parquet")) && str_starts(path, S("year=")) &&
            !delta_find(w->log, path) && now_ms - e->modified_ms > STRAY_AGE_MS) {
            found(w, arena_printf(w->scratch,
                                  "lake: %.*s is in no commit, and an hour old: a writer that died "
                                  "left it (the next start removes it), or it is not weir's",
                                  STR_ARG(e->key)));
        }
    }
}

enum outcome audit_log(struct delta *log, struct arena *scratch, struct audit_to *report,
                       struct failure *f)
{
    struct log_audit w = {log, scratch, report};
    struct files_list list;
    /* before the log is read to its end: what it names later was not listed */
    enum outcome result = log->files->driver->list(log->files, scratch, log->table, &list, f);
    if (result == OK) {
        result = delta_update(log, f);
    }
    if (result == OK) {
        result = check_commits(&w, &list, f);
    }
    if (result == OK) {
        result = check_checkpoint(&w, f);
    }
    if (result == OK) {
        check_strays(&w, &list);
    }
    return result;
}
