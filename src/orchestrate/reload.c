#include "orchestrate/reload.h"

#include "base/log.h"
#include "config/names.h"

#define CONFIG_ARENA_BYTES_MAX ((size_t)64 << 20)

static void set_log(const struct config *c)
{
    log_set_level((enum log_level)c->log.level);
    log_set_json(c->log.format == 1);
}

static void tell_left(const struct config *c)
{
    for (size_t i = 0; i < c->collectors.left_n; i++) {
        const struct collector_left *const left = &c->collectors.left[i];
        for (size_t k = 0; k < left->lines.n; k++) {
            log_event(LOG_ERROR, "collector left out", log_s("file", left->file),
                      log_s("why", left->lines.at[k]),
                      log_c("next", "mend it and send SIGHUP; the others go on without it"));
        }
    }
}

/* The doors of next->config that `all` serve; what `old` has of the same addresses is kept open. */
static enum outcome open_doors(const struct children *all, const struct setup *old,
                               struct setup *next, struct failure *f)
{
    static const struct str_list none = {0};
    const struct config *const c = next->config;
    const bool is_intake = children_want_door(all, DOOR_INTAKE);
    const bool is_admin = children_want_door(all, DOOR_ADMIN);
    enum outcome result = doors_open(&next->intake, is_intake ? &c->intake.listen : &none,
                                     &old->intake, f);
    if (result == OK) {
        result = doors_open(&next->admin, is_admin ? &c->admin.listen : &none, &old->admin, f);
        if (result != OK && c->intake.listen.n == 0) {
            const struct failure why = *f;
            (void)failed(f, why.outcome,
                         "%s: for collector files alone by `admin: { listen: IP:PORT }` in a file "
                         "beside them, -c base.yaml -c FOLDER",
                         why.text);
        }
        if (result != OK) {
            doors_close(&next->intake, &old->intake);
        }
    }
    return result;
}

enum outcome setup_open(struct setup *now, const struct config *config, const struct children *all,
                        struct failure *f)
{
    const struct setup none = {.turn = 0};
    *now = (struct setup){.config = config};
    set_log(config);
    tell_left(config);
    return open_doors(all, &none, now, f);
}

void setup_keep_names(const struct setup *now)
{
    struct failure f;
    if (names_keep(now->config->names, &f) != OK) {
        log_failure(LOG_WARN, "names not kept", &f,
                    "SIGHUP tries it again; until then a file that comes or goes may rename "
                    "collectors and sinks, which then begin anew");
    }
}

void setup_close(struct setup *now)
{
    doors_close(&now->intake, NULL);
    doors_close(&now->admin, NULL);
    arena_close(&now->arena[0]);
    arena_close(&now->arena[1]);
}

static void refused(const char *why)
{
    log_event(LOG_ERROR, "reload refused", log_c("why", why),
              log_c("next", "the configuration before stays in force"));
}

/* The new configuration, or NULL: it is wrong, and every reason is logged. */
static struct config *read_new(const struct orchestrate *o, const struct config *old,
                               struct arena *a)
{
    struct config *next = NULL;
    struct str_list errors;
    struct failure f;
    struct config_from from = o->from;
    from.is_without_notes = true; /* they are no reasons */
    if (config_read(a, &from, &next, &errors, &f) != OK) {
        for (size_t i = 0; i < errors.n; i++) {
            refused(arena_cstr(a, errors.at[i]));
        }
        return NULL;
    }
    if (!str_eq(next->data, old->data) || !str_eq(next->bus.path, old->bus.path) ||
        next->bus.type != old->bus.type) {
        refused("`data`, `bus.type` and `bus.path` cannot change while weir runs: stop it, then "
                "start it");
        return NULL;
    }
    return next;
}

/* The old intake processes go on until the new ones accept from the same sockets; the others are
 * drained and started again where they stood. */
static enum outcome move_over(struct setup *now, struct setup *next, struct children *all,
                              struct failure *f)
{
    const struct config *const before = all->nursery.config;
    const enum outcome opened = open_doors(all, now, next, f);
    if (opened != OK) {
        return opened;
    }
    all->nursery.config = next->config;
    const enum outcome result = children_renew(all, clock_mono_us(), f);
    if (result != OK) {
        all->nursery.config = before;
        doors_close(&next->intake, &now->intake);
        doors_close(&next->admin, &now->admin);
        return result;
    }
    doors_close(&now->intake, &next->intake);
    doors_close(&now->admin, &next->admin);
    now->intake = next->intake;
    now->admin = next->admin;
    now->config = next->config;
    return OK;
}

bool reload(const struct orchestrate *o, struct setup *now, struct children *all)
{
    struct failure f;
    struct setup next = {.turn = 0};
    struct arena *const a = &now->arena[!now->turn];
    arena_init(a, CONFIG_ARENA_BYTES_MAX);
    next.config = read_new(o, now->config, a);
    if (next.config && move_over(now, &next, all, &f) == OK) {
        set_log(now->config);
        setup_keep_names(now);
        log_event(LOG_INFO, "reload", log_s("configuration", now->config->files.at[0]),
                  log_n("files", (int64_t)now->config->files.n),
                  log_n("collectors", (int64_t)now->config->collectors.n));
        tell_left(now->config);
        arena_close(&now->arena[now->turn]); /* children have copies of their own */
        now->turn = !now->turn;
        return true;
    }
    if (next.config) {
        refused(f.text);
    }
    arena_close(a);
    return false;
}
