/* backup.c - a consistent copy of all that weir keeps, while it runs.
 *
 * The order makes it consistent: store and lake first, then what they read, up to its durable
 * marks, raw last. So every cursor in the copy stands before the end of what it reads, and a weir
 * on the restored copy goes on from there, as after a power cut. What is not in it is of one
 * process or one command (locks, the socket, an unfinished replay), or is made of the rest. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/upkeep.h"
#include "collector/state.h"
#include "command/archive.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/replay/replay.h"
#include "config/names.h"
#include "persist/lake/delta.h"
#include "persist/lake/made.h"
#include "persist/store.h"
#include "signal/model.h"
#include "wire/json.h"

#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct backup {
    struct arena *arena;
    const struct config *config;
    struct bus *bus;
    struct archive to;
    struct lane_ends *lane; /* as they were when it began */
    size_t lanes_n;
};

/* ---- state, store ---- */

/* The files of a folder of the data's whose names end so. */
static enum outcome backup_folder(struct backup *w, const char *folder, struct str end,
                                  struct failure *f)
{
    const char *const path = arena_printf(w->arena, "%.*s/%s", STR_ARG(w->config->data), folder).at;
    DIR *const dir = opendir(path);
    enum outcome result = OK;
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e && result == OK; e = readdir(dir)) {
        bool is_there = false;
        if (str_ends(str_of(e->d_name), end)) {
            result = archive_add(&w->to, arena_printf(w->arena, "%s/%s", path, e->d_name).at,
                                 arena_printf(w->arena, "%s/%s", folder, e->d_name), UINT64_MAX,
                                 &is_there, f);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return result;
}

static const char *place_of(const struct backup *w, struct str name)
{
    return arena_printf(w->arena, "%.*s/%.*s", STR_ARG(w->to.folder), STR_ARG(name)).at;
}

/* How far each stage has come, as its page says, before what it has come to: status, questions and
 * a flush go by it until weir runs. */
static enum outcome backup_pages(struct backup *w, struct failure *f)
{
    return backup_folder(w, "run", S(".page"), f);
}

/* Which tables were written to: before the lake, so that it names none that is not in the copy. */
static enum outcome backup_made(struct backup *w, struct failure *f)
{
    bool is_there = false;
    struct made made;
    const enum outcome result = made_read(w->arena, w->config->data, &made, f);
    return result == OK
               ? archive_add(&w->to, made.path.at, S("lake.tables"), UINT64_MAX, &is_there, f)
               : result;
}

/* How far collectors and sinks have come: before the streams, which then hold all that it says. */
static enum outcome backup_state(struct backup *w, struct failure *f)
{
    bool is_there = false;
    const struct str name = S("state.db");
    enum outcome result = state_copy(w->arena, w->config->data, place_of(w, name), &is_there, f);
    result = result == OK && is_there ? archive_note(&w->to, name, f) : result;
    if (result == OK) {
        result = archive_add(&w->to, w->config->names->path.at, S("names.json"), UINT64_MAX,
                             &is_there, f);
    }
    return result == OK ? backup_folder(w, "sinks", S(".json"), f) : result;
}

static enum outcome backup_store(struct backup *w, struct failure *f)
{
    struct store *store = NULL;
    const struct str name = S("store.db");
    enum outcome result = store_look(w->arena, w->config, bus_id(w->bus), &store, f);
    if (result == OK && !store) {
        result = failed(f, RETRY, "the store keeps nothing yet: weir run makes it");
    } else if (result == OK) {
        result = store->driver->copy
                     ? store->driver->copy(store, place_of(w, name), f)
                     : failed(f, STOP, "this type of store is copied by its own means");
    }
    store_close(store);
    return result == OK ? archive_note(&w->to, name, f) : result;
}

/* ---- lake ---- */

static enum outcome add_file(struct backup *w, struct str key, bool must_be, struct failure *f)
{
    bool is_there = false;
    const struct files files = files_at(w->config->lake.path);
    const struct str name = arena_printf(w->arena, "lake/%.*s", STR_ARG(key));
    const enum outcome result = archive_add(&w->to, files_path(&files, w->arena, key).at, name,
                                            UINT64_MAX, &is_there, f);
    return result == OK && must_be && !is_there
               ? failed(f, RETRY, "%.*s went meanwhile: call it again", STR_ARG(key))
               : result;
}

/* `00000000000000000042…` and `.weir-00000000000000000042…`; -1: another name. */
static int64_t version_of(struct str name)
{
    uint64_t version = 0;
    const struct str prefix = S(".weir-");
    name = str_starts(name, prefix) ? str_sub(name, prefix.len, name.len) : name;
    return str_to_u64(str_sub(name, 0, 20), &version) ? (int64_t)version : -1;
}

/* Commits and checkpoints up to the version; what a sweep removes meanwhile is not needed. */
static enum outcome add_log(struct backup *w, const struct delta *log, struct failure *f)
{
    struct files_list list;
    const struct str folder = arena_printf(w->arena, "%.*s/_delta_log", STR_ARG(log->table));
    enum outcome result = log->files->driver->list(log->files, w->arena, folder, &list, f);
    for (size_t i = 0; i < list.n && result == OK; i++) {
        const int64_t version = version_of(
            str_sub(list.at[i].key, folder.len + 1, list.at[i].key.len));
        if (version >= 0 && version <= log->version) {
            result = add_file(w, list.at[i].key, false, f);
        }
    }
    return result;
}

/* The pointer to the newest checkpoint was read before the log: that checkpoint is in it. */
static enum outcome put_pointer(struct backup *w, struct str name, struct str pointer,
                                struct failure *f)
{
    const enum outcome result = file_replace(place_of(w, name), pointer, 0600, f);
    return result == OK ? archive_note(&w->to, name, f) : result;
}

static enum outcome backup_table(struct backup *w, const struct model *m, struct failure *f)
{
    const struct files files = files_at(w->config->lake.path);
    const struct str key = arena_printf(w->arena, "%s/_delta_log/_last_checkpoint", m->name);
    struct str pointer = {NULL, 0};
    struct delta log;
    enum outcome result = files.driver->get(&files, w->arena, key, &pointer, f);
    result = result == OK ? delta_open(w->arena, &files, str_of(m->name), &log, f) : result;
    if (result != OK || log.version < 0) {
        return result;
    }
    for (size_t i = 0; i < log.files_n && result == OK; i++) {
        if (!log.file[i].removed_ms) {
            result = add_file(
                w, arena_printf(w->arena, "%s/%.*s", m->name, STR_ARG(log.file[i].path)), true, f);
        }
    }
    result = result == OK ? add_log(w, &log, f) : result;
    return result == OK && pointer.at
               ? put_pointer(w, arena_printf(w->arena, "lake/%.*s", STR_ARG(key)), pointer, f)
               : result;
}

static enum outcome backup_lake(struct backup *w, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        result = backup_table(w, model_all[i], f);
    }
    return result;
}

/* ---- streams ---- */

static enum outcome take_ends(struct backup *w, struct lane_ends *out, size_t *n, struct failure *f)
{
    enum outcome result = OK;
    *n = 0;
    for (int s = 0; s < STREAM_N && result == OK; s++) {
        struct lane_ends *ends = NULL;
        size_t ends_n = 0;
        result = bus_ends(w->bus, w->arena, (enum stream)s, &ends, &ends_n, f);
        for (size_t i = 0; i < ends_n && *n < BUS_LANES_MAX; i++) {
            out[(*n)++] = ends[i];
        }
    }
    return result;
}

static enum outcome add_bus_file(void *to, const char *path, struct str name, uint64_t bytes,
                                 struct failure *f)
{
    struct backup *const w = to;
    bool is_there = false;
    return archive_add(&w->to, path, arena_printf(w->arena, "bus/%.*s", STR_ARG(name)), bytes,
                       &is_there, f);
}

/* What was forgotten meanwhile may be missing, or be taken for something new already. */
static enum outcome check_kept(struct backup *w, struct failure *f)
{
    struct lane_ends *const now = arena_array(w->arena, struct lane_ends, BUS_LANES_MAX);
    size_t n = 0;
    enum outcome result = take_ends(w, now, &n, f);
    for (size_t i = 0; i < w->lanes_n && result == OK; i++) {
        for (size_t k = 0; k < n && result == OK; k++) {
            if (lane_eq(w->lane[i].lane, now[k].lane) && w->lane[i].begin.at != now[k].begin.at) {
                result = failed(f, RETRY,
                                "%s/%.*s forgot its oldest part meanwhile: remove %s and "
                                "call it again",
                                stream_name(now[k].lane.stream), STR_ARG(now[k].lane.name),
                                w->to.folder.at);
            }
        }
    }
    return result;
}

/* Which identities were seen, after the outputs that they belong to. Its tables are made anew. */
static enum outcome backup_repetitions(struct backup *w, struct failure *f)
{
    const enum outcome result = backup_folder(w, "repetitions", S(".log"), f);
    return result == OK ? backup_folder(w, "repetitions", S("meta"), f) : result;
}

static enum outcome backup_bus(struct backup *w, struct failure *f)
{
    static const enum stream first[] = {STREAM_STANDARD, STREAM_MEASURED, STREAM_DEAD};
    const struct copy_to to = {add_bus_file, w};
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof first / sizeof *first && result == OK; i++) {
        result = bus_copy(w->bus, first[i], to, f);
    }
    result = result == OK ? backup_repetitions(w, f) : result;
    result = result == OK ? bus_copy(w->bus, STREAM_RAW, to, f) : result;
    return result == OK ? check_kept(w, f) : result;
}

/* ---- the command ---- */

/* Store and lake as one mapping made both. */
static enum outcome backup_rows(struct backup *w, struct failure *f)
{
    int fd = -1;
    const struct str data = w->config->data;
    enum outcome result = replay_hold_switch(w->arena, data, false, &fd, f);
    if (result == OK && access(replay_mark(w->arena, data), F_OK) == 0) {
        result = failed(f, REJECT,
                        "a replay was interrupted when the store was switched and the lake was "
                        "not: let `weir replay` end it, then call this again");
    }
    result = result == OK ? backup_store(w, f) : result;
    result = result == OK ? backup_lake(w, f) : result;
    if (fd >= 0) {
        close(fd); /* the lock goes with it */
    }
    return result;
}

static enum outcome backup(struct backup *w, struct str folder, struct failure *f)
{
    w->lane = arena_array(w->arena, struct lane_ends, BUS_LANES_MAX);
    enum outcome result = archive_begin(&w->to, w->arena, folder, f);
    result = result == OK ? take_ends(w, w->lane, &w->lanes_n, f) : result;
    result = result == OK ? backup_pages(w, f) : result;
    result = result == OK ? backup_state(w, f) : result;
    result = result == OK ? backup_made(w, f) : result;
    result = result == OK ? backup_rows(w, f) : result;
    result = result == OK ? backup_bus(w, f) : result;
    return result == OK ? archive_end(&w->to, f) : result;
}

int command_backup(int argc, char **argv)
{
    const struct usage usage = {
        .name = "backup",
        .words = "DIR",
        .about = "Copy streams, lake, store, and how far collectors and sinks have come into an "
                 "empty folder, consistently, while weir runs. SHA256SUMS in it is written last "
                 "and has the checksum of every file. The configuration and its secrets are not "
                 "copied.",
        .examples = "  weir backup /mnt/backup/monday\n",
        .words_least = 1,
        .words_most = 1,
        .needs = NEEDS_CONFIG,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct backup w = {.arena = &s.arena, .config = s.config};
    enum outcome result = bus_visit(&s.arena, &s.config->bus, &w.bus, &f);
    if (result == OK) {
        result = backup(&w, str_of(s.words.at[0]), &f);
        bus_close(w.bus);
    }
    if (result == OK) {
        printf("%" PRIu64 " files, %" PRIu64 " bytes\n", w.to.files, w.to.bytes);
    }
    s.status = result == OK ? EXIT_DONE : command_failed("backup", &f);
    return command_end(&s);
}
