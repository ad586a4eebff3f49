/* simulate.c - a small world in virtual time, told as its tools would tell it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/file.h"
#include "base/hash.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/hook.h"
#include "command/screen.h"
#include "command/simulate/sender.h"

enum {
    ARENA_BYTES_MAX = 1 << 30,
    NOT_GIVEN = -1,
    DAYS = 30,
    DAYS_MAX = 36500,
    COUNT_MAX = 1000 * 1000 * 1000,
    CONNECTIONS = 32,
    SHOWN_EVERY_US = 250000
};

struct asked {
    struct str to, rate, faults, secret, manifest, ca, shape_name;
    int64_t count, days, seed, connections, until_us;
    enum shape shape;
};

struct simulating {
    struct simulation world;
    struct fault_plan faults;
    struct sender sender;
    int64_t from_us, until_us, shown_us;
    bool is_shown;
};

static int wrong(const char *option, struct str value, const char *form)
{
    screen_tell("weir simulate: --%s \"%.*s\": %s\n", option, STR_ARG(value), form);
    return EXIT_USAGE;
}

/* `200/s` or `200`. */
static bool read_rate(struct arena *a, struct str text, double *out)
{
    if (str_ends(text, S("/s"))) {
        text.len -= 2;
    }
    char *end = NULL;
    const char *const number = arena_cstr(a, text);
    *out = strtod(number, &end);
    return text.len == 0 || (*end == '\0' && *out > 0.0);
}

/* How far it is, on a terminal. */
static void show(struct simulating *m)
{
    const int64_t now_us = clock_mono_us();
    if (!m->is_shown || now_us - m->shown_us < SHOWN_EVERY_US) {
        return;
    }
    m->shown_us = now_us;
    const struct simulation *const w = &m->world;
    const double by_time = (double)(w->now_us - m->from_us) / (double)(m->until_us - m->from_us);
    const double by_count = w->deliveries_max ? (double)w->delivered / (double)w->deliveries_max
                                              : by_time;
    screen_show("%3.0f %%, %llu sent", 100.0 * by_count, (unsigned long long)m->sender.sent);
}

static bool deliver(void *to, const struct delivery *d)
{
    struct simulating *const m = to;
    fault_pass(&m->faults, d);
    show(m);
    const struct sender *const s = &m->sender;
    return !(s->post && post_is_lost(s->post)) && !(s->unanswered > 0 && s->accepted == 0) &&
           !sender_is_turned_away(s) && !s->is_bad && !asked_to_stop();
}

static void report(const struct simulating *m, struct str to)
{
    const struct sender *const s = &m->sender;
    if (m->is_shown) {
        screen_show("%s", "");
    }
    if (!s->post) {
        screen_tell("wrote %llu deliveries\n", (unsigned long long)s->sent);
        return;
    }
    const double seconds = (double)(clock_mono_us() - s->start_us) / 1e6;
    screen_tell("sent %llu: %llu accepted, %llu refused", (unsigned long long)s->sent,
                (unsigned long long)s->accepted, (unsigned long long)s->refused);
    for (size_t i = 0; i < STATUSES_MAX && s->status[i].n; i++) {
        screen_tell("%s%ld: %llu", i ? ", " : " (", s->status[i].status,
                    (unsigned long long)s->status[i].n);
    }
    screen_tell("%s, %llu without an answer; %.0f/s\n", s->refused ? ")" : "",
                (unsigned long long)s->unanswered, (double)s->sent / seconds);
    if (s->is_lost) {
        hook_say_lost("simulate", to);
    } else if (s->unexpected) {
        screen_tell("weir simulate: %llu answers were not as expected; the first: %.*s\n",
                    (unsigned long long)s->unexpected, STR_ARG(s->trouble));
    }
    if (sender_is_turned_away(s)) {
        screen_tell("weir simulate: stopped, since nothing was accepted: look whether --to is the "
                    "agent's URL, and --secret the agent's secret\n");
    }
}

static enum outcome open_file(struct arena *a, struct str path, FILE **out, struct failure *f)
{
    *out = str_eq(path, S("-")) ? stdout : fopen(arena_cstr(a, path), "we");
    return *out ? OK : failed_errno(f, STOP, "open %.*s", STR_ARG(path));
}

static enum outcome open_sender(struct arena *a, const struct asked *q, struct sender *s,
                                struct failure *f)
{
    const bool is_url = str_find(q->to, ':') < q->to.len && str_starts(q->to, S("http"));
    enum outcome result = OK;
    s->shape = q->shape;
    s->secret = q->secret;
    s->arena = a;
    if (q->manifest.len) {
        result = open_file(a, q->manifest, &s->manifest, f);
    }
    if (result == OK && is_url) {
        result = post_open(a,
                           &(struct post_options){.url = q->to,
                                                  .ca = q->ca,
                                                  .connections = (size_t)q->connections,
                                                  .done = sender_done,
                                                  .again = sender_again,
                                                  .to = s},
                           &s->post, f);
    } else if (result == OK && q->shape == SHAPE_FLAT && str_ends(q->to, S("/"))) {
        s->folder = q->to;
        result = file_make_dirs(arena_printf(a, "%.*sraw", STR_ARG(q->to)).at, f);
    } else if (result == OK) {
        result = open_file(a, q->to, &s->file, f);
    }
    sender_open(s);
    return result;
}

/* The world runs long enough to make what was asked for. */
static void set_span(const struct asked *q, struct simulating *m)
{
    static const int64_t a_day[] = {[SHAPE_CDEVENTS] = CDEVENTS_A_DAY,
                                    [SHAPE_GITHUB] = GITHUB_A_DAY,
                                    [SHAPE_FLAT] = FLAT_A_DAY};
    int64_t days = q->days == NOT_GIVEN ? DAYS : q->days;
    if (q->count != NOT_GIVEN && q->days == NOT_GIVEN) {
        days = q->count * 3 / 2 / a_day[q->shape] + 10;
    }
    m->from_us = m->until_us - days * DAY_US;
}

/* A run that ends at another time is another one: its course is the seed's, its ids are its own,
 * else a receiver would take them for repetitions of the first run. */
static void salt_ids(struct simulating *m)
{
    char time[CLOCK_TEXT_BYTES];
    const struct str until = {time, clock_text(m->until_us, time)};
    draw_salt(&m->world.draw, hash_64(until, 0));
    draw_salt(&m->faults.draw, hash_64(until, 0));
}

/* Ctrl-C ends with a report, and with all that was sent in the manifest; `| head` ends as usual. */
static void heed_signals(const struct sender *s)
{
    asked_install(NULL, NULL);
    if (s->file == stdout) {
        (void)signal(SIGPIPE, SIG_DFL);
    }
}

static int simulate(struct arena *a, const struct asked *q, struct simulating *m)
{
    static void (*const world[])(struct simulation *) = {[SHAPE_CDEVENTS] = world_cdevents,
                                                         [SHAPE_GITHUB] = world_github,
                                                         [SHAPE_FLAT] = world_flat};
    struct failure f = {0};
    const enum outcome opened = open_sender(a, q, &m->sender, &f);
    if (opened != OK) {
        return command_failed("simulate", &f);
    }
    heed_signals(&m->sender);
    set_span(q, m);
    m->is_shown = isatty(STDERR_FILENO) != 0 && m->sender.file != stdout;
    m->faults.shape = q->shape;
    m->faults.send = sender_send;
    m->faults.to = &m->sender;
    fault_open(&m->faults, a, (uint64_t)q->seed);
    simulation_open(&m->world, a, (uint64_t)q->seed, m->from_us);
    salt_ids(m);
    m->world.deliver = deliver;
    m->world.to = m;
    m->world.deliveries_max = q->count == NOT_GIVEN ? 0 : (uint64_t)q->count;
    world[q->shape](&m->world);
    simulation_run(&m->world, m->until_us);
    const bool is_whole = !asked_to_stop() && !sender_is_turned_away(&m->sender);
    fault_close(&m->faults, is_whole);
    if (q->shape == SHAPE_GITHUB && is_whole) {
        m->sender.truth = world_github_truth(&m->world, m->from_us, m->until_us);
    }
    const enum outcome closed = sender_close(&m->sender, &f);
    simulation_close(&m->world);
    if (closed != OK) {
        return command_failed("simulate", &f);
    }
    report(m, q->to);
    if (asked_to_stop()) {
        screen_tell("weir simulate: stopped before it was done\n");
        return EXIT_STOPPED;
    }
    return m->sender.unexpected > 0 ? EXIT_NO : EXIT_DONE;
}

static bool check_number(const char *option, int64_t number, int64_t least, int64_t most)
{
    if (number == NOT_GIVEN || (number >= least && number <= most)) {
        return true;
    }
    screen_tell("weir simulate: --%s is %lld; it takes %lld to %lld\n", option, (long long)number,
                (long long)least, (long long)most);
    return false;
}

/* Check what was asked, in words that say what is right. */
static int check(struct arena *a, const struct words *words, struct asked *q, struct simulating *m)
{
    struct str bad = {NULL, 0};
    const struct str kind = str_of(words->at[0]);
    const bool is_flat = str_eq(q->shape_name, S("flat"));
    const bool is_github = str_eq(kind, S("github"));
    if (!is_github && !str_eq(kind, S("cdevents"))) {
        screen_tell("weir simulate: \"%s\" is not one of cdevents, github\n", words->at[0]);
        return EXIT_USAGE;
    }
    if (q->shape_name.len && (is_github || !is_flat)) {
        return wrong("shape", q->shape_name, "flat is the one other shape, and of cdevents alone");
    }
    q->shape = is_flat ? SHAPE_FLAT : is_github ? SHAPE_GITHUB : SHAPE_CDEVENTS;
    m->until_us = q->until_us == TIME_NONE ? clock_now_us() : q->until_us;
    if (!read_rate(a, q->rate, &m->sender.rate)) {
        return wrong("rate", q->rate, "deliveries a second: 200/s");
    }
    if (!fault_rates(q->faults, m->faults.rate, &bad)) {
        return wrong("faults", bad,
                     "duplicate, reorder, late, malformed or forged, and a share from 0 to 1: "
                     "duplicate=0.01");
    }
    if (m->faults.rate[FAULT_FORGED] > 0.0 && q->secret.len == 0) {
        return wrong("faults", q->faults,
                     "forged needs --secret, else nothing can be told from it");
    }
    return check_number("count", q->count, 1, COUNT_MAX) &&
                   check_number("days", q->days, 1, DAYS_MAX) &&
                   check_number("connections", q->connections, 1, POST_CONNECTIONS_MAX)
               ? EXIT_DONE
               : EXIT_USAGE;
}

int command_simulate(int argc, char **argv)
{
    struct asked q = {.to = STR("-"),
                      .count = NOT_GIVEN,
                      .days = NOT_GIVEN,
                      .seed = 1,
                      .until_us = TIME_NONE,
                      .connections = CONNECTIONS};
    const struct flag flags[] = {
        {"to", 0, FLAG_TEXT, &q.to, "URL|FILE|-", "where to; a file holds a delivery a line"},
        {"shape", 0, FLAG_TEXT, &q.shape_name, "flat",
         "cdevents: the older raw shape, that weir flatten reads; with --to DIR/ a file each"},
        {"secret", 0, FLAG_TEXT, &q.secret, "SECRET",
         "or @FILE, or $WEIR_SECRET: GitHub: sign with it; CDEvents: the token"},
        hook_flag_ca(&q.ca),
        {"days", 0, FLAG_NUMBER, &q.days, "N", "so much virtual time; 30 days without --count"},
        {"count", 0, FLAG_NUMBER, &q.count, "N", "so many deliveries, faults not counted"},
        {"until", 0, FLAG_TIME, &q.until_us, "TIME", "when the virtual time ends; now"},
        {"seed", 0, FLAG_NUMBER, &q.seed, "N", "the same seed and --until make the same bytes; 1"},
        {"rate", 0, FLAG_TEXT, &q.rate, "N/s", "no faster than this"},
        {"faults", 0, FLAG_TEXT, &q.faults, "LIST",
         "duplicate, reorder, late, malformed, forged: duplicate=0.01,late=0.01"},
        {"manifest", 0, FLAG_TEXT, &q.manifest, "FILE",
         "what was sent: id, fault, what is expected, over HTTP the status; github: the DORA "
         "figures"},
        {"connections", 0, FLAG_NUMBER, &q.connections, "N", "kept open at a time; 32"},
        {0},
    };
    const struct usage usage = {
        .name = "simulate",
        .words = "cdevents|github",
        .about = "Make what a small organisation's tools would send: CDEvents 0.5.1, or signed "
                 "GitHub webhooks.",
        .flags = flags,
        .examples = "  weir simulate cdevents --count 3\n"
                    "  weir simulate github --days 1 --until 2026-11-22 --to deliveries.jsonl\n"
                    "  weir simulate cdevents --shape flat --count 500 | weir flatten\n",
        .words_least = 1,
        .words_most = 1,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct simulating *const m = arena_new(&s.arena, struct simulating);
    struct failure f;
    s.status = hook_secret(&s.arena, HOOK_SECRET, &q.secret, &f) == OK
                   ? check(&s.arena, &s.words, &q, m)
                   : command_failed("simulate", &f);
    if (s.status == EXIT_DONE) {
        s.status = simulate(&s.arena, &q, m);
    }
    return command_end(&s);
}
