/* dead.c - what could not be processed: listed, shown, sent again, dropped. */
#include <stdio.h>

#include "base/asked.h"
#include "bus/dead.h"
#include "command/closing.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/mending.h"
#include "command/screen.h"

enum { IDS_MAX = 10000, SECOND_BYTES = 19 };
#define ARENA_BYTES_MAX ((size_t)1 << 30)

struct dead {
    struct arena *arena;
    const struct config *config;
    struct bus *bus;
    enum rows_format format;
    struct rows *rows;
    bool is_all;
    uint64_t n; /* listed so far */
    struct mending mending;
    struct str *id;
    size_t ids_n, ids_room;
    bool is_stopped; /* by Ctrl-C */
};

static bool unreadable(void *to, const struct failure *why)
{
    struct dead *const d = to;
    return mending_wait(&d->mending, why);
}

static struct dead_visit visit(struct dead *d,
                               bool (*letter)(void *to, const struct dead_letter *letter))
{
    return (struct dead_visit){letter, d, unreadable};
}

/* ---- list ---- */

/* The columns of a list; a table has the first ones. */
static const struct str column[] = {STR("id"),      STR("received"), STR("agent"),  STR("stage"),
                                    STR("pointer"), STR("reason"),   STR("signal"), STR("type")};
enum { COLUMNS = sizeof column / sizeof *column, TABLE_COLUMNS = 6 };

static enum outcome begin_rows(struct dead *d, struct failure *f)
{
    static const bool is_number[COLUMNS] = {false};
    static const bool is_whole[COLUMNS] = {true}; /* the id: `show` and `retry` need all of it */
    const struct rows_head head = {.name = column,
                                   .is_number = is_number,
                                   .n = d->format == ROWS_TABLE ? TABLE_COLUMNS : COLUMNS,
                                   .is_whole = is_whole};
    return rows_begin(d->arena, d->format, &head, &d->rows, f);
}

static void add_row(struct dead *d, const struct dead_letter *l)
{
    char received[CLOCK_TEXT_BYTES];
    size_t n = clock_text(l->signal->received_us, received);
    n = d->format == ROWS_TABLE ? SECOND_BYTES : n;
    const struct cell cell[COLUMNS] = {
        {CELL_TEXT, l->id},
        {CELL_TEXT, {received, n}},
        {CELL_TEXT, l->signal->agent},
        {CELL_TEXT, l->signal->stage},
        {l->signal->pointer.len ? CELL_TEXT : CELL_NULL, l->signal->pointer},
        {CELL_TEXT, l->signal->reason},
        {CELL_TEXT, l->signal->id},
        {CELL_TEXT, l->signal->type},
    };
    rows_add(d->rows, cell);
}

static bool list_letter(void *to, const struct dead_letter *l)
{
    struct dead *const d = to;
    add_row(d, l);
    d->n++;
    return true;
}

static enum outcome list(struct dead *d, struct failure *f)
{
    enum outcome result = begin_rows(d, f);
    if (result != OK) {
        return result;
    }
    result = dead_each(d->bus, visit(d, list_letter), f);
    rows_end(d->rows);
    if (result == OK && d->n > 0 && d->format == ROWS_TABLE) {
        screen_tell("%llu dead; weir dead show ID, retry ID, drop ID\n", (unsigned long long)d->n);
    }
    return result == OK ? mending_tell(&d->mending, f) : result;
}

/* ---- show ---- */

static void print_member(struct dead *d, const char *name, struct str value)
{
    if (value.len > 0) {
        printf("%-10s  %.*s\n", name, STR_ARG(screen_line(d->arena, value)));
    }
}

static enum outcome show(struct dead *d, struct failure *f)
{
    struct dead_letter l;
    const enum outcome result = dead_find(d->bus, d->arena, d->id[0], &l, f);
    if (result != OK) {
        return result;
    }
    if (d->format != ROWS_TABLE) {
        if (begin_rows(d, f) != OK) {
            return f->outcome;
        }
        add_row(d, &l);
        rows_end(d->rows);
        return OK;
    }
    char received[CLOCK_TEXT_BYTES];
    clock_text(l.signal->received_us, received);
    print_member(d, "id", l.id);
    print_member(d, "stage", l.signal->stage);
    print_member(d, "reason", l.signal->reason);
    print_member(d, "pointer", l.signal->pointer);
    print_member(d, "agent", l.signal->agent);
    print_member(d, "received", str_of(received));
    print_member(d, "source", l.signal->source);
    print_member(d, "signal", l.signal->id);
    print_member(d, "type", l.signal->type);
    print_member(d, "headers", l.signal->headers);
    const struct str data = screen_columns() > 0 ? screen_line(d->arena, l.signal->data)
                                                 : l.signal->data;
    (void)putchar('\n');
    (void)fwrite(data.at, 1, data.len, stdout);
    (void)putchar('\n');
    return OK;
}

/* ---- retry, drop ---- */

static bool gather_id(void *to, const struct dead_letter *l)
{
    struct dead *const d = to;
    d->id = arena_more(d->arena, d->id, d->ids_n, &d->ids_room, sizeof *d->id);
    d->id[d->ids_n++] = arena_str(d->arena, l->id);
    return true;
}

static enum outcome print_done(struct dead *d, const char *command, uint64_t n, struct failure *f)
{
    if (d->format == ROWS_TABLE) {
        printf("%s %llu\n", command, (unsigned long long)n);
        return OK;
    }
    const struct str name = str_of(command);
    const bool is_number = true;
    const enum outcome result = rows_begin(
        d->arena, d->format, &(struct rows_head){&name, &is_number, 1, NULL}, &d->rows, f);
    if (result == OK) {
        rows_add(d->rows, &(struct cell){CELL_NUMBER,
                                         arena_printf(d->arena, "%llu", (unsigned long long)n)});
        rows_end(d->rows);
    }
    return result;
}

static enum outcome close_letters(struct dead *d, const char *command, struct failure *f)
{
    enum outcome result = OK;
    if (d->is_all) {
        d->id = NULL;
        d->ids_n = 0;
        result = dead_each(d->bus, visit(d, gather_id), f);
    }
    struct closing c = {
        .data = d->config->data, .command = command, .id = d->id, .ids_n = d->ids_n};
    if (result == OK) {
        asked_install(NULL, NULL);
        result = closing_ask(&c, f);
    }
    if (result == OK || c.done_n > 0) {
        struct failure unprinted;
        const enum outcome printed = print_done(d, command, c.done_n,
                                                result == OK ? f : &unprinted);
        result = result == OK ? printed : result;
    }
    d->is_stopped = result == OK && c.at < d->ids_n;
    if (d->is_stopped || (c.at > 0 && c.at < d->ids_n)) {
        screen_tell("stopped at %zu of %zu letters; weir dead list shows those that are open\n",
                    c.at, d->ids_n);
    }
    return result == OK ? mending_tell(&d->mending, f) : result;
}

/* ---- the command ---- */

static enum outcome obey(struct dead *d, struct str verb, struct failure *f)
{
    if (str_eq(verb, S("list"))) {
        return list(d, f);
    }
    if (str_eq(verb, S("show"))) {
        return show(d, f);
    }
    return close_letters(d, str_eq(verb, S("retry")) ? "retry" : "drop", f);
}

/* Whether the verb has the ids that it needs. */
static int check(void *of, const struct words *words)
{
    const struct dead *const d = of;
    const struct str verb = str_of(words->at[0]);
    const int ids_n = words->n - 1;
    const bool is_list = str_eq(verb, S("list")), is_show = str_eq(verb, S("show"));
    const bool is_closing = str_eq(verb, S("retry")) || str_eq(verb, S("drop"));
    if (!is_list && !is_show && !is_closing) {
        screen_tell("weir dead: there is no %.*s; there are list, show, retry and drop\n",
                    STR_ARG(verb));
    } else if ((is_show && ids_n != 1) || (is_list && ids_n > 0) ||
               (is_closing && (ids_n == 0) != d->is_all) || (!is_closing && d->is_all)) {
        screen_tell("weir dead %.*s takes %s\n", STR_ARG(verb),
                    is_list ? "no id" : (is_show ? "one ID of weir dead list" : "ids, or --all"));
    } else {
        return EXIT_DONE;
    }
    return EXIT_USAGE;
}

int command_dead(int argc, char **argv)
{
    struct dead d = {.n = 0};
    const struct flag flags[] = {
        {"all", 0, FLAG_SWITCH, &d.is_all, NULL, "retry or drop all of them"}, {0}};
    const struct usage usage = {
        .name = "dead",
        .words = "list|show ID|retry ID…|drop ID…",
        .about = "What could not be processed, and why. `retry` sends it through again (after a "
                 "mapping or a configuration was mended), `drop` forgets it.",
        .flags = flags,
        .examples = "  weir dead list\n  weir dead retry --all\n",
        .words_least = 1,
        .words_most = IDS_MAX,
        .needs = NEEDS_CONFIG,
        .prints = PRINTS_ROWS,
        .memory_bytes_max = ARENA_BYTES_MAX,
        .check = check,
        .of = &d,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    d.arena = &s.arena;
    d.config = s.config;
    d.format = s.format;
    d.mending = (struct mending){.command = "dead", .arena = &s.arena, .config = s.config};
    d.ids_n = (size_t)s.words.n - 1;
    d.id = arena_array(&s.arena, struct str, d.ids_n);
    for (size_t i = 0; i < d.ids_n; i++) {
        d.id[i] = str_of(s.words.at[i + 1]);
    }
    enum outcome result = bus_visit(&s.arena, &s.config->bus, &d.bus, &f);
    if (result == OK) {
        result = obey(&d, str_of(s.words.at[0]), &f);
        bus_close(d.bus);
    }
    s.status = result != OK   ? command_unanswered("dead", &f)
               : d.is_stopped ? EXIT_STOPPED
                              : EXIT_DONE;
    return command_end(&s);
}
