/* status.c - how weir does: agents, streams, stages, what is dead, unmapped, ignored, kept. */
#include <stdio.h>
#include <unistd.h>

#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "command/status_take.h"
#include "version.h"

#define ARENA_BYTES_MAX ((size_t)256 << 20)
enum { JSON_BYTES_MAX = 4 * 1024 * 1024, HEAD_BYTES_MAX = 1024, TOP_NAMES = 3 };

/* ---- for programs (interface.md section 3) ---- */

static void add_counts(struct buf *b, const char *name, const struct survey_count *count, size_t n)
{
    buf_printf(b, "\"%s\":{", name);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s", i == 0 ? "" : ",");
        buf_add_json(b, count[i].rest);
        buf_printf(b, ":%llu", (unsigned long long)count[i].n);
    }
    buf_add_byte(b, '}');
}

static void add_agents(struct buf *b, const struct status *s)
{
    buf_add(b, S("\"agents\":["));
    for (size_t i = 0; i < s->agents_n; i++) {
        const struct status_agent *const a = &s->agent[i];
        buf_printf(b, "%s{\"name\":\"%.*s\",\"type\":\"%s\",\"accepted\":%llu,", i == 0 ? "" : ",",
                   STR_ARG(a->name), a->type, (unsigned long long)a->accepted);
        add_counts(b, "refused", a->refused, a->refused_n);
        buf_add_byte(b, '}');
    }
    buf_add(b, S("],"));
    add_counts(b, "refused", s->refused, s->refused_n);
    buf_add_byte(b, ',');
}

static void add_streams(struct buf *b, const struct survey *s)
{
    buf_add(b, S("\"streams\":["));
    for (int i = 0; i < STREAM_N; i++) {
        buf_printf(b, "%s{\"name\":\"%s\",\"signals\":%llu,\"bytes\":%llu}", i == 0 ? "" : ",",
                   stream_name((enum stream)i), (unsigned long long)s->stream[i].signals,
                   (unsigned long long)s->stream[i].bytes);
    }
    buf_add(b, S("],\"stages\":["));
    for (size_t i = 0; i < s->stages_n; i++) {
        const struct survey_stage *const stage = &s->stage[i];
        buf_printf(b, "%s{\"name\":\"%s\",\"state\":\"%s\",\"lag_bytes\":", i == 0 ? "" : ",",
                   stage->name, stage_state_name(stage->state));
        if (stage->lag_bytes == UINT64_MAX) {
            buf_add(b, S("null"));
        } else {
            buf_printf(b, "%llu", (unsigned long long)stage->lag_bytes);
        }
        buf_printf(b, ",\"lag_ms\":%lld,\"restarts\":%llu", (long long)stage->lag_ms,
                   (unsigned long long)stage->restarts);
        if (stage->why.len > 0) {
            buf_add(b, S(",\"why\":"));
            buf_add_json(b, stage->why);
        }
        buf_add_byte(b, '}');
    }
    buf_add(b, S("],"));
}

static void add_rows(struct buf *b, const struct status *s)
{
    buf_printf(b, "\"store\":{\"type\":\"%.*s\",", STR_ARG(s->store_type));
    add_counts(b, "expired", s->store_expired, s->store_expired_n);
    buf_add(b, S(",\"rows\":"));
    if (s->store_why.len > 0) {
        buf_add(b, S("null}"));
        return;
    }
    buf_add_byte(b, '{');
    for (size_t i = 0; i < s->models_n; i++) {
        buf_printf(b, "%s\"%s\":%llu", i == 0 ? "" : ",", s->model[i].name,
                   (unsigned long long)s->model[i].rows);
    }
    buf_add(b, S("}}"));
}

static void print_json(struct arena *a, const struct status *s)
{
    struct buf b;
    char complete[CLOCK_TEXT_BYTES];
    const struct survey *const v = s->survey;
    const int64_t uptime_s = v->pid > 0 ? v->uptime_us / 1000000 : 0;
    buf_init(&b, a, JSON_BYTES_MAX);
    clock_text(v->complete_us, complete);
    buf_printf(&b, "{\"version\":\"%s\",\"running\":%s,\"pid\":%d,\"uptime_s\":%lld,", WEIR_VERSION,
               v->pid > 0 ? "true" : "false", (int)v->pid, (long long)uptime_s);
    add_agents(&b, s);
    add_streams(&b, v);
    buf_printf(&b, "\"stored\":%llu,\"dead\":", (unsigned long long)survey_counter(v, "stored"));
    if (s->dead_why.len > 0) {
        buf_add(&b, S("null,"));
    } else {
        buf_printf(&b, "%llu,", (unsigned long long)s->dead);
    }
    add_counts(&b, "unmapped", s->unmapped, s->unmapped_n);
    buf_add_byte(&b, ',');
    add_counts(&b, "ignored", s->ignored, s->ignored_n);
    buf_printf(&b, ",\"complete_to\":\"%s\",\"lake\":{\"files\":%llu,\"bytes\":%llu,", complete,
               (unsigned long long)s->lake_files, (unsigned long long)s->lake_bytes);
    add_counts(&b, "expired", s->lake_expired, s->lake_expired_n);
    buf_add(&b, S("},"));
    add_rows(&b, s);
    buf_printf(&b, ",\"damage\":{\"holes\":%llu,\"bytes\":%llu,\"signals\":%llu}",
               (unsigned long long)survey_counter(v, "damage_holes"),
               (unsigned long long)survey_counter(v, "damage_bytes"),
               (unsigned long long)survey_counter(v, "damage_signals"));
    buf_printf(&b, ",\"configuration\":{\"in_force\":%s,\"refused\":%s}",
               s->is_other_configuration ? "false" : "true",
               v->is_reload_refused ? "true" : "false");
    printf("%.*s}\n", STR_ARG(buf_str(&b)));
}

/* ---- for people ---- */

static const char *size_text(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double n = (double)bytes;
    size_t unit = 0;
    while (n >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        n /= 1024;
        unit++;
    }
    (void)snprintf(out, 32, unit == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n, units[unit]);
    return out;
}

/* The most frequent ones, in the arena. */
static struct str counts_text(struct arena *a, const struct survey_count *count, size_t n)
{
    struct buf b;
    buf_init(&b, a, JSON_BYTES_MAX);
    for (size_t i = 0; i < n && i < TOP_NAMES; i++) {
        buf_printf(&b, "%s%.*s %llu", i == 0 ? "" : ", ", STR_ARG(count[i].rest),
                   (unsigned long long)count[i].n);
    }
    if (n > TOP_NAMES) {
        buf_printf(&b, ", and %zu more", n - TOP_NAMES);
    }
    return buf_str(&b);
}

static struct cell text_cell(struct str text)
{
    return (struct cell){CELL_TEXT, text};
}

static struct cell number_cell(struct arena *a, uint64_t n)
{
    return (struct cell){CELL_NUMBER, arena_printf(a, "%llu", (unsigned long long)n)};
}

static uint64_t sum(const struct survey_count *count, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all += count[i].n;
    }
    return all;
}

static void print_head(struct arena *a, const struct status *s)
{
    const struct survey *const v = s->survey;
    char up[32], behind[32], complete[CLOCK_TEXT_BYTES], used[32], most[32];
    struct buf b;
    uint64_t bytes = 0;
    buf_init(&b, a, HEAD_BYTES_MAX);
    clock_text(v->complete_us, complete);
    if (v->pid > 0) {
        buf_printf(&b, "weir %s, up %s", WEIR_VERSION, screen_span(v->uptime_us / 1000, up));
    } else {
        buf_printf(&b, "weir %s, not running", WEIR_VERSION);
    }
    buf_printf(&b, "; complete to %.8s UTC", complete + 11);
    if (v->complete_us < v->now_us) {
        buf_printf(&b, ", %s behind", screen_span((v->now_us - v->complete_us) / 1000, behind));
    }
    for (int i = 0; i < STREAM_N; i++) {
        bytes += v->stream[i].bytes;
    }
    screen_wrap(buf_str(&b), 0, 0);
    printf("streams %s of %s\n\n", size_text(bytes, used), size_text(s->disk_bytes_max, most));
}

static enum outcome print_agents(struct arena *a, const struct status *s, struct failure *f)
{
    static const struct str name[] = {STR("agent"), STR("type"), STR("accepted"), STR("refused")};
    static const bool is_number[] = {false, false, true, false};
    struct rows *rows;
    const enum outcome result = rows_begin(a, ROWS_TABLE,
                                           &(struct rows_head){name, is_number, 4, NULL}, &rows, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < s->agents_n; i++) {
        const struct status_agent *const agent = &s->agent[i];
        rows_add(rows,
                 (struct cell[]){text_cell(agent->name), text_cell(str_of(agent->type)),
                                 number_cell(a, agent->accepted),
                                 text_cell(counts_text(a, agent->refused, agent->refused_n))});
    }
    if (s->refused_n > 0) {
        rows_add(rows, (struct cell[]){text_cell(S("(none)")), text_cell(S("")), text_cell(S("")),
                                       text_cell(counts_text(a, s->refused, s->refused_n))});
    }
    rows_end(rows);
    return OK;
}

static enum outcome print_stages(struct arena *a, const struct survey *v, struct failure *f)
{
    static const struct str name[] = {STR("stage"), STR("state"), STR("lag"), STR("for"),
                                      STR("restarts")};
    static const bool is_number[] = {false, false, true, true, true};
    struct rows *rows;
    const enum outcome result = rows_begin(a, ROWS_TABLE,
                                           &(struct rows_head){name, is_number, 5, NULL}, &rows, f);
    for (size_t i = 0; result == OK && i < v->stages_n; i++) {
        const struct survey_stage *const stage = &v->stage[i];
        char bytes[32] = "0", age[32] = "";
        if (stage->lag_bytes > 0 && stage->lag_bytes != UINT64_MAX) {
            (void)size_text(stage->lag_bytes, bytes);
        }
        if (stage->lag_ms > 0) {
            (void)screen_span(stage->lag_ms, age);
        }
        rows_add(rows, (struct cell[]){text_cell(str_of(stage->name)),
                                       text_cell(str_of(stage_state_name(stage->state))),
                                       text_cell(str_of(bytes)), text_cell(str_of(age)),
                                       number_cell(a, stage->restarts)});
    }
    if (result == OK) {
        rows_end(rows);
    }
    return result;
}

static struct str with_expired(struct arena *a, struct str text, const char *what, uint64_t n)
{
    return n == 0 ? text
                  : arena_printf(a, "%.*s; %llu %s went by age", STR_ARG(text),
                                 (unsigned long long)n, what);
}

/* What became of the signals, and what is kept of them. */
static enum outcome print_ends(struct arena *a, const struct status *s, struct failure *f)
{
    static const struct str name[] = {STR("what"), STR("count"), STR("of which")};
    static const bool is_number[] = {false, true, false};
    char bytes[32];
    uint64_t kept = 0;
    struct rows *rows;
    const enum outcome result = rows_begin(a, ROWS_TABLE,
                                           &(struct rows_head){name, is_number, 3, NULL}, &rows, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < s->models_n; i++) {
        kept += s->model[i].rows;
    }
    const struct {
        const char *what;
        uint64_t n;
        struct str of;
        bool is_unknown;
    } line[] = {
        {"stored", survey_counter(s->survey, "stored"), S("signals that gave facts"), false},
        {"dead", s->dead, s->dead > 0 ? S("weir dead list") : S(""), s->dead_why.len > 0},
        {"unmapped", sum(s->unmapped, s->unmapped_n), counts_text(a, s->unmapped, s->unmapped_n),
         false},
        {"ignored", sum(s->ignored, s->ignored_n), counts_text(a, s->ignored, s->ignored_n), false},
        {"damage", survey_counter(s->survey, "damage_holes"),
         arena_printf(a, "holes in the streams, %llu signals lost at most",
                      (unsigned long long)survey_counter(s->survey, "damage_signals")),
         false},
        {"lake", s->lake_files,
         with_expired(a, arena_printf(a, "files, %s", size_text(s->lake_bytes, bytes)), "facts",
                      sum(s->lake_expired, s->lake_expired_n)),
         false},
        {"store", kept,
         with_expired(a, arena_printf(a, "rows, %.*s", STR_ARG(s->store_type)), "rows",
                      sum(s->store_expired, s->store_expired_n)),
         s->store_why.len > 0},
    };
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        rows_add(rows,
                 (struct cell[]){text_cell(str_of(line[i].what)),
                                 line[i].is_unknown ? text_cell(S("?")) : number_cell(a, line[i].n),
                                 text_cell(line[i].of)});
    }
    rows_end(rows);
    return OK;
}

static enum outcome print_text(struct arena *a, const struct status *s, struct failure *f)
{
    enum outcome result = OK;
    print_head(a, s);
    if (s->agents_n > 0 || s->refused_n > 0) {
        result = print_agents(a, s, f);
        (void)putchar('\n');
    }
    if (result == OK) {
        result = print_stages(a, s->survey, f);
        (void)putchar('\n');
    }
    return result == OK ? print_ends(a, s, f) : result;
}

/* What weir runs by is not what one reads. */
static void say_configuration(const struct survey *v, bool is_other)
{
    char at[CLOCK_TEXT_BYTES];
    clock_text(v->reload_us, at);
    if (v->is_reload_refused) {
        screen_tell("weir status: the configuration of %.19sZ was refused, the log says why; the "
                    "one before is in force\n",
                    at);
    } else if (is_other) {
        screen_tell("weir status: the configuration has changed since it was read at %.19sZ: "
                    "kill -HUP %d brings it into force\n",
                    at, (int)v->pid);
    }
}

/* A stage that is down or behind is the answer no. */
static int answer(const struct status *s)
{
    int ill = 0;
    say_configuration(s->survey, s->is_other_configuration);
    for (size_t i = 0; i < s->survey->stages_n; i++) {
        const struct survey_stage *const stage = &s->survey->stage[i];
        ill += stage->state != STAGE_OK;
        if (stage->why.len > 0 && s->survey->pid > 0) {
            screen_tell("weir status: %s: %.*s\n", stage->name, STR_ARG(stage->why));
        }
    }
    if (ill > 0 && s->survey->pid > 0) {
        screen_tell("%d stage%s not as it should be; the log says more\n", ill,
                    ill == 1 ? " is" : "s are");
    }
    const struct str unread[] = {s->dead_why, s->store_why};
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++) {
        if (unread[i].len > 0) {
            screen_tell("weir status: %.*s; `weir verify` tells what else is damaged\n",
                        STR_ARG(unread[i]));
            ill++;
        }
    }
    return ill > 0 ? EXIT_NO : EXIT_DONE;
}

int command_status(int argc, char **argv)
{
    const struct usage usage = {
        .name = "status",
        .words = "",
        .about = "Agents, streams, stages with their lag, what became of the signals (stored, "
                 "dead, unmapped, ignored), and what is kept. Exit status 1 when a stage is down "
                 "or behind.",
        .examples = "  weir status\n  weir status --json\n",
        .needs = NEEDS_CONFIG,
        .prints = PRINTS_OBJECT,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    struct status *const taken = arena_new(&s.arena, struct status);
    if (status_take(&s.arena, s.config, taken, &f) != OK) {
        s.status = command_unanswered("status", &f);
        return command_end(&s);
    }
    if (s.format == ROWS_JSON) {
        print_json(&s.arena, taken);
    } else if (print_text(&s.arena, taken, &f) != OK) {
        s.status = command_unanswered("status", &f);
        return command_end(&s);
    }
    s.status = answer(taken);
    return command_end(&s);
}
