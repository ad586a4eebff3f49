/* restore.c - what a backup holds, put where the configuration wants it. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/upkeep.h"
#include "command/archive.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "config/names.h"
#include "orchestrate/lock.h"
#include "persist/lake/stage.h"

#define ARENA_BYTES_MAX ((size_t)1 << 30)

/* What a name's first part stands for. */
struct place {
    struct str prefix; /* "bus/"                                     */
    struct str path;   /* of the configuration                       */
    struct str fresh;  /* where it is made; renamed when all is there */
    bool is_replaced;  /* what stands there is worth nothing now     */
};

enum { PLACES = 9 };

struct restoring {
    struct arena *arena;
    struct str folder;
    struct place place[PLACES];
    uint64_t files;
};

static void find_places(struct restoring *w, const struct config *config)
{
    struct arena *const a = w->arena;
    const struct str data = config->data;
    const struct place places[PLACES] = {
        {.prefix = S("store.db"), .path = config->store.path},
        {.prefix = S("state.db"), .path = arena_printf(a, "%.*s/state.db", STR_ARG(data))},
        {.prefix = S("names.json"), .path = config->names->path},
        {.prefix = S("lake.tables"), .path = arena_printf(a, "%.*s/lake.tables", STR_ARG(data))},
        {.prefix = S("sinks/"), .path = arena_printf(a, "%.*s/sinks", STR_ARG(data))},
        {.prefix = S("lake/"), .path = config->lake.path},
        {.prefix = S("repetitions/"), .path = arena_printf(a, "%.*s/repetitions", STR_ARG(data))},
        {S("run/"), arena_printf(a, "%.*s/run", STR_ARG(data)), {NULL, 0}, true},
        {.prefix = S("bus/"), .path = config->bus.path}, /* last: with it the rest is weir's data */
    };
    for (size_t i = 0; i < PLACES; i++) {
        w->place[i] = places[i];
        w->place[i].path = arena_str(a, places[i].path);
        w->place[i].fresh = arena_printf(a, "%.*s.restored", STR_ARG(places[i].path));
    }
}

/* Nothing stands where something is to be put. */
static enum outcome check_places(const struct restoring *w, struct failure *f)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (!w->place[i].is_replaced && access(w->place[i].path.at, F_OK) == 0) {
            return failed(f, REJECT, "%s is there: move it away, nothing is written over",
                          w->place[i].path.at);
        }
    }
    return OK;
}

/* Streams may lie elsewhere, and be another weir's: where it runs, they are not to be moved away.
 */
static enum outcome check_free(const struct restoring *w, const struct config *config,
                               struct failure *f)
{
    const pid_t weir = lock_holder(w->arena, config->data);
    const pid_t other = lock_holder(w->arena, config->bus.path);
    if (weir != 0) {
        return failed(f, REJECT, "weir runs on %.*s (pid %ld): stop it first",
                      STR_ARG(config->data), (long)weir);
    }
    if (other != 0) {
        return failed(f, REJECT,
                      "%.*s: another weir keeps its streams there (pid %ld): stop it first, or "
                      "give this one another `bus.path`",
                      STR_ARG(config->bus.path), (long)other);
    }
    return check_places(w, f);
}

static enum outcome see(void *to, struct str name, struct failure *f)
{
    (void)to, (void)name, (void)f;
    return OK;
}

static enum outcome copy(void *to, struct str name, struct failure *f)
{
    struct restoring *const w = to;
    for (size_t i = 0; i < PLACES; i++) {
        const struct place *const p = &w->place[i];
        if (!str_starts(name, p->prefix)) {
            continue;
        }
        struct arena a;
        arena_init(&a, ARENA_BYTES_MAX);
        const struct str rest = str_sub(name, p->prefix.len, name.len);
        const struct str from = arena_printf(&a, "%.*s/%.*s", STR_ARG(w->folder), STR_ARG(name));
        const struct str path = arena_printf(&a, "%.*s%s%.*s", STR_ARG(p->fresh),
                                             rest.len > 0 ? "/" : "", STR_ARG(rest));
        const enum outcome result = archive_copy(&a, from.at, path.at, UINT64_MAX, NULL, f);
        arena_close(&a);
        w->files++;
        return result;
    }
    return failed(f, REJECT, "%.*s in the backup is of a newer weir", STR_ARG(name));
}

/* A weir may have begun there meanwhile. */
static enum outcome settle(const struct restoring *w, const struct config *config,
                           struct failure *f)
{
    const enum outcome result = check_places(w, f);
    for (size_t i = 0; i < PLACES && result == OK; i++) {
        const struct place *const p = &w->place[i];
        if (p->is_replaced) {
            stage_remove_tree(p->path.at); /* pages tell of what stood here before */
        }
        if (rename(p->fresh.at, p->path.at) != 0 && errno != ENOENT) {
            return failed_errno(f, RETRY, "rename %s", p->fresh.at);
        }
    }
    return result == OK ? file_sync_dir(arena_cstr(w->arena, config->data), f) : result;
}

/* The copies were whole: what is found here was damaged before they were made. */
static void tell(void *to, const struct finding *found)
{
    (void)to;
    screen_tell("weir restore: damage in stream %s, %.*s: `weir verify` says more\n",
                stream_name(found->lane.stream), STR_ARG(found->path));
}

/* Streams as `weir run` finds them, so that verify and every question are answered before it does.
 */
static enum outcome settle_bus(const struct config *config, struct failure *f)
{
    return bus_recover(&config->bus, (struct finding_to){tell, NULL}, f);
}

/* What a restore that was stopped has left: of another backup, maybe. */
static void clear_fresh(const struct restoring *w)
{
    for (size_t i = 0; i < PLACES; i++) {
        stage_remove_tree(w->place[i].fresh.at);
    }
}

/* The lock of the streams is taken in the folder that becomes theirs, and is there with it. */
static enum outcome restore_locked(struct restoring *w, const struct config *config,
                                   struct failure *f)
{
    const struct str bus = w->place[PLACES - 1].fresh;
    int fd = -1;
    const pid_t other = lock_holder(w->arena, bus);
    if (other != 0) {
        return failed(f, REJECT, "%.*s: another restore is under way (pid %ld)", STR_ARG(bus),
                      (long)other);
    }
    clear_fresh(w);
    enum outcome result = lock_take_bus(w->arena, bus, &fd, f);
    result = result == OK ? archive_each(w->arena, w->folder, copy, w, f) : result;
    result = result == OK ? settle(w, config, f) : result;
    result = result == OK ? settle_bus(config, f) : result;
    if (fd >= 0) {
        close(fd); /* the lock goes with it */
    }
    return result;
}

static enum outcome restore(struct restoring *w, const struct config *config, struct failure *f)
{
    int fd = -1;
    enum outcome result = check_free(w, config, f);
    result = result == OK ? archive_each(w->arena, w->folder, see, NULL, f) : result;
    result = result == OK ? lock_take(w->arena, config->data, &fd, f) : result;
    result = result == OK ? restore_locked(w, config, f) : result;
    if (fd >= 0) {
        close(fd); /* the lock goes with it */
    }
    return result;
}

int command_restore(int argc, char **argv)
{
    const struct usage usage = {
        .name = "restore",
        .words = "DIR",
        .about = "Put a backup where the configuration wants it, when its checksums are right and "
                 "nothing stands there. weir must not run; started then, it goes on from where "
                 "the backup was made.",
        .examples = "  weir restore /mnt/backup/monday\n",
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
    struct restoring w = {.arena = &s.arena, .folder = str_of(s.words.at[0])};
    find_places(&w, s.config);
    const enum outcome result = restore(&w, s.config, &f);
    if (result == OK) {
        printf("%llu files\n", (unsigned long long)w.files);
    }
    s.status = result == OK ? EXIT_DONE : command_failed("restore", &f);
    return command_end(&s);
}
