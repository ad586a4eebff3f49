#include "bus/lane_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/os.h"

enum { ID_FILE_BYTES_MAX = 256, ID_FILE_BYTES = BUS_ID_BYTES + 1 };

static enum outcome id_read(struct arena *a, const char *path, char id[BUS_ID_BYTES],
                            struct failure *f)
{
    unsigned char bytes[BUS_ID_BYTES / 2];
    struct str text = {NULL, 0};
    const enum outcome result = file_read(a, path, ID_FILE_BYTES_MAX, &text, f);
    if (result != OK) {
        return result;
    }
    if (text.len != ID_FILE_BYTES ||
        !hex_read(str_sub(text, 0, BUS_ID_BYTES), bytes, sizeof bytes)) {
        return failed(f, STOP,
                      "%s is damaged: it must hold the 32 hex digits that the lake and the store "
                      "know this bus by",
                      path);
    }
    memcpy(id, text.at, BUS_ID_BYTES);
    return OK;
}

static bool has_lane(const char *path)
{
    DIR *const d = opendir(path);
    bool has = false;
    for (const struct dirent *e = d ? readdir(d) : NULL; e && !has; e = readdir(d)) {
        has = lane_name_is_valid(str_of(e->d_name));
    }
    if (d) {
        closedir(d);
    }
    return has;
}

/* The id is not there, but lanes are: store and lake know what they took from them under it. */
static bool id_is_lost(struct arena *a, const char *dir, const char *path)
{
    bool has = false;
    for (unsigned s = 0; s < STREAM_N && !has; s++) {
        has = has_lane(arena_printf(a, "%s/%s", dir, stream_name((enum stream)s)).at);
    }
    return has && access(path, F_OK) != 0; /* another process makes it before it makes a lane */
}

static enum outcome id_lost(const char *dir, const char *path, struct failure *f)
{
    return failed(f, STOP,
                  "%s is gone, and its streams are there: write the 32 hex digits back that the "
                  "store and the lake know them by, with a line end (they stand in "
                  "repetitions/meta behind `bus`, in the store as `select value from weir_meta "
                  "where name='bus'`, and in the lake's _delta_log as txn weir/DIGITS/...), or "
                  "move %s, store and lake away and begin anew",
                  path, dir);
}

/* Of several processes that make the id at once, one wins: link never replaces. */
static enum outcome id_make(struct arena *a, const char *path, const char *dir, struct failure *f)
{
    unsigned char bytes[BUS_ID_BYTES / 2];
    char text[ID_FILE_BYTES];
    const char *const mine = arena_printf(a, "%s.%d", path, (int)getpid()).at;
    os_random(bytes, sizeof bytes);
    hex_write(bytes, sizeof bytes, text);
    text[BUS_ID_BYTES] = '\n';
    enum outcome result = file_replace(mine, (struct str){text, sizeof text}, 0600, f);
    if (result != OK) {
        return result;
    }
    FAILPOINT("bus.id.made");
    if (link(mine, path) != 0 && errno != EEXIST) {
        result = failed_errno(f, STOP, "make %s", path);
    }
    unlink(mine);
    return result == OK ? file_sync_dir(dir, f) : result;
}

enum outcome bus_dir_open(struct arena *a, const struct config_bus *config, struct embedded *e,
                          char id[BUS_ID_BYTES], struct failure *f)
{
    e->config = config;
    e->path = arena_cstr(a, config->path);
    enum outcome result = file_make_dirs(e->path, f);
    if (result != OK) {
        return result;
    }
    const char *const path = arena_printf(a, "%s/id", e->path).at;
    if (access(path, F_OK) != 0) {
        result = id_is_lost(a, e->path, path) ? id_lost(e->path, path, f)
                                              : id_make(a, path, e->path, f);
    }
    if (result == OK) {
        result = id_read(a, path, id, f);
    }
    if (result == OK) {
        void *page = NULL;
        result = page_open(arena_printf(a, "%s/bus.page", e->path).at, sizeof *e->page, &page, f);
        e->page = page;
    }
    return result;
}

enum outcome bus_dir_visit(struct arena *a, const struct config_bus *config, struct embedded *e,
                           char id[BUS_ID_BYTES], struct failure *f)
{
    e->config = config;
    e->path = arena_cstr(a, config->path);
    e->is_visited = true;
    const char *const path = arena_printf(a, "%s/id", e->path).at;
    void *page = NULL;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        if (id_is_lost(a, e->path, path)) {
            return id_lost(e->path, path, f);
        }
        return failed(f, RETRY,
                      "no data directory at %s; start `weir run`, or check `data` in the "
                      "configuration",
                      e->path);
    }
    enum outcome result = id_read(a, path, id, f);
    if (result == OK) {
        result = page_visit(arena_printf(a, "%s/bus.page", e->path).at, sizeof *e->page, &page, f);
        e->page = page;
    }
    return result;
}

void bus_dir_close(struct embedded *e)
{
    for (size_t i = 0; i < e->dirs_n; i++) {
        page_close(e->dir[i]->page, sizeof *e->dir[i]->page);
    }
    page_close(e->page, sizeof *e->page);
    e->dirs_n = 0;
    e->page = NULL;
}

static struct lane_dir *known(const struct embedded *e, struct lane lane)
{
    for (size_t i = 0; i < e->dirs_n; i++) {
        if (lane_eq(e->dir[i]->lane, lane)) {
            return e->dir[i];
        }
    }
    return NULL;
}

static const char *dir_path(struct arena *a, const struct embedded *e, struct lane lane)
{
    return arena_printf(a, "%s/%s/%.*s", e->path, stream_name(lane.stream), STR_ARG(lane.name)).at;
}

static enum outcome add(struct arena *a, struct embedded *e, struct lane lane,
                        struct lane_dir **out, struct failure *f)
{
    void *page = NULL;
    if (e->dirs_n == BUS_LANES_MAX) {
        return failed(
            f, STOP,
            "%s: more than %d lanes: stop weir and move folders away that no agent writes "
            "any more",
            e->path, BUS_LANES_MAX);
    }
    struct lane_dir *const d = arena_new(a, struct lane_dir);
    d->lane = (struct lane){lane.stream, arena_str(a, lane.name)};
    d->path = dir_path(a, e, lane);
    const char *const path = arena_printf(a, "%s/lane.page", d->path).at;
    const enum outcome result = e->is_visited ? page_visit(path, sizeof *d->page, &page, f)
                                              : page_open(path, sizeof *d->page, &page, f);
    if (result == RETRY && e->is_visited) {
        return OK; /* a lane that is only being made holds nothing */
    }
    if (result != OK) {
        return result;
    }
    d->page = page;
    e->dir[e->dirs_n++] = d;
    *out = d;
    return OK;
}

static enum outcome look_at(struct arena *a, struct embedded *e, enum stream stream,
                            struct failure *f)
{
    DIR *const d = opendir(arena_printf(a, "%s/%s", e->path, stream_name(stream)).at);
    enum outcome result = OK;
    const struct dirent *entry = NULL;
    if (!d) {
        return errno == ENOENT ? OK : failed_errno(f, STOP, "read %s", e->path);
    }
    while (result == OK && (entry = readdir(d))) {
        const struct lane lane = {stream, str_of(entry->d_name)};
        struct lane_dir *dir = NULL;
        if (lane_name_is_valid(lane.name) && !known(e, lane)) {
            result = add(a, e, lane, &dir, f);
        }
    }
    closedir(d);
    return result;
}

enum outcome lane_dirs_look(struct arena *a, struct embedded *e, struct failure *f)
{
    const uint32_t generation = e->page->lanes_generation;
    if (e->is_looked && generation == e->lanes_seen) {
        return OK;
    }
    for (unsigned s = 0; s < STREAM_N; s++) {
        const enum outcome result = look_at(a, e, (enum stream)s, f);
        if (result != OK) {
            return result;
        }
    }
    e->lanes_seen = generation;
    e->is_looked = true;
    return OK;
}

enum outcome lane_dir_find(struct arena *a, struct embedded *e, struct lane lane,
                           struct lane_dir **out, struct failure *f)
{
    const enum outcome result = lane_dirs_look(a, e, f);
    *out = result == OK ? known(e, lane) : NULL;
    return result;
}

enum outcome lane_dir_make(struct arena *a, struct embedded *e, struct lane lane,
                           struct lane_dir **out, struct failure *f)
{
    enum outcome result = lane_dir_find(a, e, lane, out, f);
    if (result != OK || *out) {
        return result;
    }
    result = file_make_dirs(dir_path(a, e, lane), f);
    FAILPOINT("bus.lane.made");
    if (result == OK) {
        result = add(a, e, lane, out, f);
    }
    if (result == OK) {
        e->page->lanes_generation++;
        bus_page_wake(e->page, STREAM_BIT(lane.stream));
    }
    return result;
}

void lane_suspect(const struct lane_dir *dir, uint64_t position)
{
    uint64_t seen = dir->page->suspect;
    while ((seen == 0 || position + 1 < seen) &&
           !atomic_compare_exchange_weak(&dir->page->suspect, &seen, position + 1)) {
    }
}

void bus_page_wake(struct bus_page *page, unsigned streams)
{
    page->wake++;
    if (page->waiters) {
        os_wake(&page->wake, streams);
    }
}
