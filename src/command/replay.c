/* replay.c - models made anew from raw under the present mappings, beside the live ones, then put
 * in their place. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/file.h"
#include "base/hash.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/replay/replay.h"
#include "command/screen.h"
#include "config/agents.h"
#include "orchestrate/survey.h"
#include "persist/lake/stage.h"
#include "registry.h"
#include "version.h"

enum { CONFIG_BYTES_MAX = 64 << 20 };
#define ARENA_BYTES_MAX ((size_t)8 << 30)

struct replaying {
    struct replay replay;
    struct str agent;
    bool is_dry, is_anew, is_store_only;
    bool is_resumed; /* an interrupted one goes on */
    enum rows_format format;
    int lock_fd;
};

void replay_show(const struct replay *r, const char *format, ...)
{
    va_list args;
    if (r->is_shown) {
        char text[256];
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        screen_show("%s", text);
    }
}

/* ---- the plan ---- */

/* A program of the user's stands in a file of its own. */
static void add_mappings(struct buf *text, const struct named_list *agents)
{
    for (size_t i = 0; i < agents->n; i++) {
        if (str_eq(str_of(agents->at[i].type->name), S("webhook"))) {
            const struct webhook_options *const o = agents->at[i].options;
            buf_add(text, o->mapping.program);
        }
    }
}

/* A plan goes on only with the range, the configuration and the program that it was made with, and
 * of the streams that its positions count. */
static enum outcome name_plan(struct replaying *w, struct failure *f)
{
    struct arena *const a = w->replay.arena;
    struct buf text;
    char hex[32];
    enum outcome result = OK;
    buf_init(&text, a, CONFIG_BYTES_MAX);
    buf_printf(&text, "%s\n%.*s\n%lld\n%lld\n%.*s\n", WEIR_BUILD, STR_ARG(bus_id(w->replay.bus)),
               (long long)w->replay.plan.range.from_us, (long long)w->replay.plan.range.to_us,
               STR_ARG(w->agent));
    for (size_t i = 0; i < w->replay.config->files.n && result == OK; i++) {
        struct str file;
        result = file_read(a, arena_cstr(a, w->replay.config->files.at[i]), CONFIG_BYTES_MAX, &file,
                           f);
        buf_add(&text, result == OK ? file : S(""));
    }
    add_mappings(&text, &w->replay.config->agents);
    hash_128_hex(buf_str(&text), hex);
    w->replay.plan.key = arena_str(a, (struct str){hex, sizeof hex});
    return result;
}

/* One at a time, of whichever kind. */
static enum outcome lock_folder(struct replaying *w, struct failure *f)
{
    const struct replay *const r = &w->replay;
    const struct str data = r->config->data;
    const char *const path = arena_printf(r->arena, "%.*s/replay.lock", STR_ARG(data)).at;
    w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (w->lock_fd < 0) {
        return failed_errno(f, STOP, "open %s", path);
    }
    return flock(w->lock_fd, LOCK_EX | LOCK_NB) == 0
               ? OK
               : failed(f, RETRY, "another replay is under way: let it end, or stop it");
}

static enum outcome make_plan(struct replaying *w, struct failure *f)
{
    struct replay *const r = &w->replay;
    enum outcome result = w->agent.len > 0 ? command_check_agent(r->config, w->agent, f) : OK;
    result = result == OK ? name_plan(w, f) : result;
    result = result == OK ? lock_folder(w, f) : result;
    if (result == OK && !w->is_anew) {
        result = plan_read(r->arena, r->folder, &r->plan, f);
    }
    if (result == OK && !r->plan.is_made) {
        stage_remove_tree(r->folder.at);
        result = file_make_dirs(r->folder.at, f);
        bool is_more = false;
        result = result == OK ? replay_cut(r, &is_more, f) : result;
    } else if (result == OK) {
        w->is_resumed = true;
        screen_tell("goes on at chunk %zu of %zu\n", r->plan.done, r->plan.chunks_n);
    }
    return result;
}

/* What came between an interrupted replay, or a dry run, and now was mapped by a weir that may not
 * have been reloaded by then: it is replayed, too. */
static enum outcome extend(struct replaying *w, struct failure *f)
{
    struct replay *const r = &w->replay;
    const size_t earlier = r->plan.earlier + r->plan.chunks_n;
    bool is_more = false;
    enum outcome result = replay_cut(r, &is_more, f);
    if (result != OK || !is_more) {
        return result;
    }
    result = replay_ask(r, f);
    r->plan.earlier = earlier;
    result = result == OK ? replay_plan_chunks(r, f) : result;
    return result == OK ? replay_make(r, f) : result;
}

/* What comes meanwhile is mapped by the weir that runs, and is not made anew by this replay. */
static enum outcome look_at_running(const struct replay *r, struct failure *f)
{
    struct survey *const s = arena_new(r->arena, struct survey);
    const enum outcome result = survey_take(
        r->arena, &(struct survey_of){r->config, registry_duties, r->bus, S("")}, s, f);
    const bool is_same = s->revision == r->config->bus.revision &&
                         s->programs == r->config->programs;
    if (result == OK && s->pid > 0 && s->revision != 0 && !is_same) {
        screen_tell(
            "weir replay: weir does not run with this configuration and these mappings, and "
            "maps what comes meanwhile by its own: kill -HUP %ld, then replay again\n",
            (long)s->pid);
    }
    return result;
}

/* ---- what it comes to ---- */

static struct cell number(struct arena *a, uint64_t n)
{
    return (struct cell){CELL_NUMBER, arena_printf(a, "%" PRIu64, n)};
}

static enum outcome print_differences(struct replaying *w, struct failure *f)
{
    static const struct str name[] = {STR("model"),     STR("now"),     STR("then"),
                                      STR("added"),     STR("removed"), STR("changed"),
                                      STR("first_keys")};
    static const bool is_number[] = {false, true, true, true, true, true, false};
    const struct rows_head head = {name, is_number, sizeof name / sizeof *name, NULL};
    struct arena *const a = w->replay.arena;
    struct rows *rows = NULL;
    enum outcome result = rows_begin(a, w->format, &head, &rows, f);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        struct difference d;
        if (!replay_makes(model_all[i])) {
            continue;
        }
        replay_show(&w->replay, "comparing %s", model_all[i]->name);
        result = replay_differ(&w->replay, model_all[i], &d, f);
        if (result == OK && (d.now > 0 || d.then > 0)) {
            const struct cell cell[] = {{CELL_TEXT, str_of(d.model->name)},
                                        number(a, d.now),
                                        number(a, d.then),
                                        number(a, d.added),
                                        number(a, d.removed),
                                        number(a, d.changed),
                                        {d.first.len ? CELL_TEXT : CELL_NULL, d.first}};
            rows_add(rows, cell);
        }
    }
    replay_show(&w->replay, "%s", "");
    if (result == OK) {
        rows_end(rows);
    }
    return result;
}

static void say_counts(const struct replaying *w)
{
    const struct plan_counts *const n = &w->replay.plan.counts;
    replay_show(&w->replay, "%s", "");
    screen_tell("replayed: %" PRIu64 " signals stored, %" PRIu64 " unmapped, %" PRIu64
                " ignored, %" PRIu64 " dead under the present mappings\n",
                n->stored, n->unmapped, n->ignored, n->dead);
}

enum outcome replay_hold_switch(struct arena *a, struct str data, bool is_alone, int *fd,
                                struct failure *f)
{
    const char *const path = arena_printf(a, "%.*s/switch.lock", STR_ARG(data)).at;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return *fd >= 0 && flock(*fd, is_alone ? LOCK_EX : LOCK_SH) == 0
               ? OK
               : failed_errno(f, RETRY, "lock %s", path);
}

const char *replay_mark(struct arena *a, struct str data)
{
    return arena_printf(a, "%.*s/replay/switching", STR_ARG(data)).at;
}

static enum outcome switch_both(struct replay *r, struct failure *f)
{
    int fd = -1;
    replay_show(r, "waiting for a backup to end");
    enum outcome result = replay_hold_switch(r->arena, r->config->data, true, &fd, f);
    if (result == OK) {
        result = file_replace(replay_mark(r->arena, r->config->data), S(""), 0600, f);
    }
    result = result == OK ? replay_switch_store(r, f) : result;
    result = result == OK ? replay_switch_lake(r, f) : result;
    if (result == OK) {
        replay_show(r, "%s", "");
        replay_close_letters(r);
        stage_remove_tree(r->folder.at);
    }
    if (fd >= 0) {
        close(fd); /* the lock goes with it */
    }
    return result;
}

static enum outcome replay(struct replaying *w, struct failure *f)
{
    struct replay *const r = &w->replay;
    enum outcome result = look_at_running(r, f);
    result = result == OK ? make_plan(w, f) : result;
    result = result == OK ? replay_ask(r, f) : result;
    result = result == OK ? replay_make(r, f) : result;
    result = result == OK && w->is_resumed ? extend(w, f) : result;
    if (result != OK) {
        return result;
    }
    say_counts(w);
    if (w->is_dry) {
        result = print_differences(w, f);
        result = result == OK ? replay_tell_store(r, f) : result;
        screen_tell("nothing was changed; the same without --dry-run switches\n");
        return result;
    }
    result = replay_tell_store(r, f);
    result = result == OK ? replay_check_lake(r, f) : result;
    result = result == OK ? switch_both(r, f) : result;
    if (result == OK) {
        printf("switched lake and store\n");
    }
    return result;
}

/* The store alone, of the facts that lake and streams hold: nothing is transformed, so nothing has
 * to be waited for. */
static enum outcome refill(struct replaying *w, struct failure *f)
{
    struct replay *const r = &w->replay;
    r->is_refill = true;
    r->folder = arena_printf(r->arena, "%.*s/refill", STR_ARG(r->config->data));
    enum outcome result = lock_folder(w, f);
    if (result == OK) {
        stage_remove_tree(r->folder.at);
        result = file_make_dirs(r->folder.at, f);
        result = result == OK ? replay_switch_store(r, f) : result;
        replay_show(r, "%s", "");
        stage_remove_tree(r->folder.at);
    }
    if (result == OK) {
        printf("filled the store from the lake\n");
    }
    return result;
}

/* ---- the command ---- */

static int check(void *of, const struct words *words)
{
    struct replaying *const w = of;
    const struct plan_range *const range = &w->replay.plan.range;
    (void)words;
    if (w->is_store_only && (range->from_us != INT64_MIN || range->to_us != INT64_MAX ||
                             w->agent.at || w->is_dry || w->is_anew)) {
        screen_tell("weir replay: --store-only takes no other flag: it fills the store "
                    "from the whole lake\n");
        return EXIT_USAGE;
    }
    if (range->from_us >= range->to_us) {
        screen_tell("weir replay: --from must be before --to: nothing lies between\n");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

int command_replay(int argc, char **argv)
{
    struct replaying w = {.replay.plan.range = {INT64_MIN, INT64_MAX, {NULL, 0}}, .lock_fd = -1};
    const struct flag flags[] = {
        {"from", 0, FLAG_TIME, &w.replay.plan.range.from_us, "TIME",
         "signals received then or later alone"},
        {"to", 0, FLAG_TIME, &w.replay.plan.range.to_us, "TIME", "signals received before alone"},
        {"agent", 0, FLAG_TEXT, &w.agent, "NAME", "signals that this agent took alone"},
        {"dry-run", 0, FLAG_SWITCH, &w.is_dry, NULL, "show what will differ, and change nothing"},
        {"anew", 0, FLAG_SWITCH, &w.is_anew, NULL, "begin again, though one was interrupted"},
        {"store-only", 0, FLAG_SWITCH, &w.is_store_only, NULL,
         "fill the store from lake and streams as they are, and transform nothing: after it was "
         "lost, or an old copy put back"},
        {0}};
    const struct usage usage = {
        .name = "replay",
        .words = "",
        .about = "Make the models anew from raw under the present mappings, beside the live ones, "
                 "while weir runs; then switch: the store in one transaction, the lake by one "
                 "commit a table. Interrupted or killed, it leaves the live ones as they are, and "
                 "the same command goes on. Reload a running weir first, so that what comes "
                 "meanwhile is mapped alike.",
        .flags = flags,
        .examples = "  weir replay --dry-run\n  weir replay\n"
                    "  weir replay --from 2026-03-01 --to 2026-04-01 --agent github\n",
        .needs = NEEDS_MAPPINGS,
        .prints = PRINTS_ROWS,
        .memory_bytes_max = ARENA_BYTES_MAX,
        .check = check,
        .of = &w,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct replay *const r = &w.replay;
    r->arena = &s.arena;
    r->config = s.config;
    r->plan.range.agent = w.agent;
    r->folder = arena_printf(&s.arena, "%.*s/replay", STR_ARG(s.config->data));
    r->is_shown = command_has_colour(STDERR_FILENO);
    w.format = s.format;
    asked_install(NULL, NULL);
    enum outcome result = bus_visit(&s.arena, &s.config->bus, &r->bus, &f);
    if (result == OK) {
        result = w.is_store_only ? refill(&w, &f) : replay(&w, &f);
        ask_close(&r->ask);
        bus_close(r->bus);
    }
    if (w.lock_fd >= 0) {
        close(w.lock_fd);
    }
    s.status = result == OK      ? EXIT_DONE
               : asked_to_stop() ? EXIT_STOPPED
                                 : command_failed("replay", &f);
    return command_end(&s);
}
