/* tend_open.c - how far all collectors have come, read when the duty begins. */
#include "base/log.h"
#include "collector/fill.h"
#include "collector/tend.h"
#include "config/files.h"
#include "config/names.h"

#define NOTES_ARENA_BYTES_MAX ((size_t)16 << 20)

/* ---- state of before names were kept ----
 *
 * Names were not always kept, and their file may be gone: then a collector may have been called by
 * its name alone, or with more or less of its file's path, and its state is still called so. */

/* They outlive what they were read into. */
static void enter_texts(struct tended *x)
{
    x->entry.id = x->collector->id;
    x->entry.why = tend_kept(&x->texts, x->entry.why);
    x->entry.bookmark = tend_kept(&x->texts, x->entry.bookmark);
}

/* What is known of it besides its entry. */
static enum outcome known_of(const struct tending *t, struct tended *x, struct failure *f)
{
    const struct str id = x->collector->id;
    const enum outcome result = state_anew_us(t->state, id, &x->anew_us, f);
    return result == OK ? state_aside(t->state, &x->texts, id, &x->told, f) : result;
}

static bool has_progress(const struct state_entry *e)
{
    return e->window_us != 0 || e->bookmark.len > 0;
}

static bool is_known(const struct names *names, struct str id)
{
    for (size_t i = 0; i < names->collectors_n; i++) {
        if (str_eq(names->collector[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* With or without its ending, from some `/` on. */
static bool path_ends(struct str path, struct str end)
{
    const struct str all[] = {path, files_without_ending(path)};
    for (size_t i = 0; i < sizeof all / sizeof *all && end.len > 0; i++) {
        if (str_ends(all[i], end) &&
            (all[i].len == end.len || all[i].at[all[i].len - end.len - 1] == '/')) {
            return true;
        }
    }
    return false;
}

/* It is called as this one, or as this one's name, `@` and an end of its file's path. */
static bool may_be_of(const struct state_entry *e, const struct collector *c)
{
    const struct str rest = str_sub(e->id, c->name.len, e->id.len);
    return c->strategy != STRATEGY_TICK && str_starts(e->id, c->name) &&
           (rest.len == 0 || (rest.at[0] == '@' && path_ends(c->file, str_sub(rest, 1, rest.len))));
}

/* Of those that have none, the one that had this state; where it may have been several, they all
 * are unsure, and NULL. */
static struct tended *heir_of(struct tending *t, const struct state_entry *e)
{
    struct tended *heir = NULL;
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct tended *const x = &t->at[i];
        if (!has_progress(&x->entry) && may_be_of(e, x->collector)) {
            heir = x;
            n++;
        }
    }
    for (size_t i = 0; i < t->n && n > 1; i++) {
        struct tended *const x = &t->at[i];
        if (!has_progress(&x->entry) && may_be_of(e, x->collector)) {
            x->unsure = arena_str(&t->arena, e->id);
        }
    }
    return n == 1 ? heir : NULL;
}

static enum outcome take_over(struct tending *t, const struct state_entry *e, struct tended *x,
                              struct failure *f)
{
    const struct str id = x->collector->id;
    const enum outcome result = state_rename(t->state, e->id, id, f);
    if (result == OK) {
        log_event(LOG_INFO, "state taken over", log_s("collector", id), log_s("of", e->id),
                  log_c("why", "it was called so before"));
        x->entry = *e;
        enter_texts(x);
    }
    return result == OK ? known_of(t, x, f) : result;
}

static enum outcome take_over_all(struct tending *t, struct failure *f)
{
    struct arena scratch;
    struct state_entry *entry = NULL;
    size_t n = 0;
    arena_init(&scratch, TEND_ARENA_BYTES_MAX);
    enum outcome result = state_all(t->state, &scratch, &entry, &n, f);
    for (size_t i = 0; i < n && result == OK; i++) {
        if (has_progress(&entry[i]) && !is_known(t->config->names, entry[i].id)) {
            struct tended *const heir = heir_of(t, &entry[i]);
            result = heir ? take_over(t, &entry[i], heir, f) : OK;
        }
    }
    arena_close(&scratch);
    return result;
}

enum outcome tend_refuse_unsure(const struct tended *x, struct failure *f)
{
    const struct str id = x->collector->id;
    return failed(
        f, STOP,
        "there is a state of %.*s, and it cannot be told whether it is this one's or that "
        "of another file with the same name: let weir run once without the other file, or "
        "`weir collectors --anew %.*s` begins without it",
        STR_ARG(x->unsure), STR_ARG(id));
}

/* ---- opening ---- */

/* A reload, or the end of this process alone, is no start. */
static bool has_begun(const struct state_entry *e, int64_t weir_us, int64_t now_us)
{
    return e->scheduled_us != TIME_NONE && e->ended_us != TIME_NONE && e->ended_us >= weir_us &&
           e->ended_us <= now_us;
}

/* What failed, or was cut short, is not put off until the next regular time; nor are windows, of
 * which there may be more. */
static bool is_owed(const struct tended *x)
{
    return x->collector->strategy == STRATEGY_WINDOW || x->entry.begun_us != TIME_NONE ||
           x->entry.outcome != OK;
}

static enum outcome open_one(struct tending *t, struct tended *x, int64_t weir_us,
                             struct arena *scratch, struct failure *f)
{
    const enum outcome result = schedule_init(&x->schedule, &t->arena, &x->collector->schedule,
                                              t->now, f);
    arena_init(&x->texts, TEND_TEXTS_BYTES_MAX);
    if (result != OK || state_get(t->state, scratch, x->collector->id, &x->entry, f) != OK) {
        return f->outcome;
    }
    if (has_begun(&x->entry, weir_us, t->now.wall_us)) {
        schedule_go_on(&x->schedule, t->now, x->entry.scheduled_us, is_owed(x));
    }
    x->is_cut = x->entry.outcome != OK && x->entry.metrics > 0;
    enter_texts(x);
    arena_reset(scratch);
    return known_of(t, x, f);
}

enum outcome tend_open(struct tending *t, const struct collecting *how, struct failure *f)
{
    const struct config *const config = how->config;
    *t = (struct tending){
        .config = config, .bus = how->bus, .progress = how->progress, .now = schedule_now()};
    arena_init(&t->arena, TEND_ARENA_BYTES_MAX);
    arena_init(&t->notes_arena, NOTES_ARENA_BYTES_MAX);
    if (config->collectors.n == 0) {
        return OK;
    }
    enum outcome result = bus_lane_make(how->bus, work_lane(), f);
    if (result == OK) {
        result = state_open(&t->arena, config->data, STATE_WRITE, &t->state, f);
    }
    struct arena scratch;
    arena_init(&scratch, TEND_TEXTS_BYTES_MAX);
    t->at = arena_array(&t->arena, struct tended, config->collectors.n);
    for (; result == OK && t->n < config->collectors.n; t->n++) {
        t->at[t->n].collector = &config->collectors.at[t->n];
        result = open_one(t, &t->at[t->n], how->weir_us, &scratch, f);
    }
    arena_close(&scratch);
    return result == OK ? take_over_all(t, f) : result;
}

void tend_close(struct tending *t)
{
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) { /* all at once: each takes a while to be gone */
        process_kill(&t->slot[i].work.process);
    }
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        work_free(&t->slot[i].work);
    }
    for (size_t i = 0; i < t->n; i++) {
        arena_close(&t->at[i].texts);
    }
    for (size_t i = 0; i < TEND_FILLS_MAX; i++) {
        fill_drop(t, i);
    }
    state_close(t->state);
    arena_close(&t->notes_arena);
    arena_close(&t->arena);
}

enum outcome tend_find(struct tending *t, struct str name, struct tended **out, struct failure *f)
{
    struct tended *first = NULL, *second = NULL;
    *out = NULL;
    for (size_t i = 0; i < t->n; i++) {
        const struct collector *const c = t->at[i].collector;
        const bool is_called_so = str_eq(c->name, name);
        if (str_eq(c->id, name)) {
            *out = &t->at[i];
            return OK;
        }
        second = is_called_so && first ? &t->at[i] : second;
        first = is_called_so && !first ? &t->at[i] : first;
    }
    if (second) {
        return failed(f, REJECT,
                      "more than one collector is called %.*s: %.*s, %.*s …; name one so",
                      STR_ARG(name), STR_ARG(first->collector->id), STR_ARG(second->collector->id));
    }
    *out = first;
    return first ? OK
                 : failed(f, REJECT, "there is no collector %.*s; `weir collectors` lists them",
                          STR_ARG(name));
}
