/* dead.c - what could not be processed: listed, shown, sent again, dropped. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "bus/dead.h"
#include "command/command.h"
#include "command/commands.h"
#include "config/config.h"
#include "wire/control.h"

enum { LINE_BYTES_MAX = 1024 * 1024, ANSWER_MS = 60000, IDS_MAX = 10000 };
#define ARENA_BYTES_MAX ((size_t)1 << 30)

struct dead {
    struct arena *arena;
    const struct config *config;
    struct bus *bus;
    bool is_json, is_all;
    size_t columns;
    uint64_t n; /* listed so far */
    struct str *id;
    size_t ids_n;
};

/* ---- list ---- */

static void print_letter_json(struct arena *a, const struct dead_letter *l)
{
    struct buf b;
    char received[CLOCK_TEXT_BYTES];
    buf_init(&b, a, LINE_BYTES_MAX);
    clock_text(l->signal->received_us, received);
    const struct {
        const char *name;
        struct str value;
    } member[] = {{"id", l->id},
                  {"agent", l->signal->agent},
                  {"stage", l->signal->stage},
                  {"reason", l->signal->reason},
                  {"pointer", l->signal->pointer},
                  {"received", str_of(received)},
                  {"signal", l->signal->id},
                  {"type", l->signal->type}};
    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        buf_printf(&b, "%c\"%s\":", i == 0 ? '{' : ',', member[i].name);
        if (member[i].value.len == 0 && strcmp(member[i].name, "pointer") == 0) {
            buf_add(&b, S("null"));
        } else {
            buf_add_json(&b, member[i].value);
        }
    }
    printf("%.*s}\n", STR_ARG(buf_str(&b)));
}

/* Control characters of strangers must not reach the terminal. */
static void print_safe(struct str text, size_t most)
{
    for (size_t i = 0; i < text.len && i < most; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        (void)putchar(c < ' ' || c == 0x7F ? ' ' : c);
    }
}

static void print_letter(const struct dead *d, const struct dead_letter *l)
{
    enum { LEFT = 62 };
    char received[CLOCK_TEXT_BYTES];
    const bool is_wide = !isatty(STDOUT_FILENO);
    clock_text(l->signal->received_us, received);
    if (d->n == 0) {
        printf("%-30s  %-19s  %-9s  %s\n", "ID", "RECEIVED", "STAGE", "REASON");
    }
    printf("%-30.*s  %.19s  %-9.*s  ", STR_ARG(l->id), received, STR_ARG(l->signal->stage));
    print_safe(l->signal->reason, is_wide ? SIZE_MAX : (d->columns > LEFT ? d->columns - LEFT : 1));
    (void)putchar('\n');
}

static bool list_letter(void *to, const struct dead_letter *l)
{
    struct dead *const d = to;
    if (d->is_json) {
        struct arena a;
        arena_init(&a, (size_t)4 * LINE_BYTES_MAX);
        print_letter_json(&a, l);
        arena_close(&a);
    } else {
        print_letter(d, l);
    }
    d->n++;
    return true;
}

static enum outcome list(struct dead *d, struct failure *f)
{
    const enum outcome result = dead_each(d->bus, (struct dead_visit){list_letter, d}, f);
    if (result == OK && d->n == 0 && !d->is_json) {
        (void)fprintf(stderr, "no dead letters\n");
    } else if (result == OK && !d->is_json) {
        (void)fprintf(stderr, "%llu dead; weir dead show ID, retry ID, drop ID\n",
                      (unsigned long long)d->n);
    }
    return result;
}

/* ---- show ---- */

static void print_member(const char *name, struct str value)
{
    if (value.len > 0) {
        printf("%-10s  ", name);
        print_safe(value, SIZE_MAX);
        (void)putchar('\n');
    }
}

static enum outcome show(struct dead *d, struct failure *f)
{
    struct dead_letter l;
    const enum outcome result = dead_find(d->bus, d->arena, d->id[0], &l, f);
    if (result != OK) {
        return result;
    }
    if (d->is_json) {
        print_letter_json(d->arena, &l);
        return OK;
    }
    char received[CLOCK_TEXT_BYTES];
    clock_text(l.signal->received_us, received);
    print_member("id", l.id);
    print_member("stage", l.signal->stage);
    print_member("reason", l.signal->reason);
    print_member("pointer", l.signal->pointer);
    print_member("agent", l.signal->agent);
    print_member("received", str_of(received));
    print_member("source", l.signal->source);
    print_member("signal", l.signal->id);
    print_member("type", l.signal->type);
    print_member("headers", l.signal->headers);
    printf("\n");
    if (isatty(STDOUT_FILENO)) {
        print_safe(l.signal->data, SIZE_MAX);
    } else {
        (void)fwrite(l.signal->data.at, 1, l.signal->data.len, stdout);
    }
    printf("\n");
    return OK;
}

/* ---- retry, drop ---- */

static bool gather_id(void *to, const struct dead_letter *l)
{
    struct dead *const d = to;
    d->id[d->ids_n++] = arena_str(d->arena, l->id);
    return d->ids_n < IDS_MAX;
}

static enum outcome ask(struct dead *d, const char *command, struct failure *f)
{
    struct buf line;
    struct str answer;
    buf_init(&line, d->arena, LINE_BYTES_MAX);
    buf_printf(&line, "{\"command\":\"%s\",\"ids\":[", command);
    for (size_t i = 0; i < d->ids_n; i++) {
        buf_printf(&line, "%s", i == 0 ? "" : ",");
        buf_add_json(&line, d->id[i]);
    }
    buf_add(&line, S("]}\n"));
    const enum outcome result = control_ask(d->arena, d->config->data, buf_str(&line), ANSWER_MS,
                                            &answer, f);
    if (result != OK) {
        return result;
    }
    if (!str_starts(answer, S("{\"ok\":true"))) {
        return failed(f, RETRY, "%.*s", STR_ARG(answer));
    }
    printf("%s %zu\n", command, d->ids_n);
    return OK;
}

static enum outcome close_letters(struct dead *d, const char *command, struct failure *f)
{
    if (!d->is_all) {
        return ask(d, command, f);
    }
    d->id = arena_array(d->arena, struct str, IDS_MAX);
    d->ids_n = 0;
    const enum outcome result = dead_each(d->bus, (struct dead_visit){gather_id, d}, f);
    return result == OK && d->ids_n > 0 ? ask(d, command, f) : result;
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
static bool check(const struct dead *d, struct str verb)
{
    const bool is_list = str_eq(verb, S("list")), is_show = str_eq(verb, S("show"));
    const bool is_closing = str_eq(verb, S("retry")) || str_eq(verb, S("drop"));
    if (!is_list && !is_show && !is_closing) {
        (void)fprintf(stderr, "weir dead: %.*s: there are list, show, retry and drop\n",
                      STR_ARG(verb));
    } else if ((is_show && d->ids_n != 1) || (is_list && d->ids_n > 0) ||
               (is_closing && (d->ids_n == 0) != d->is_all)) {
        (void)fprintf(stderr, "weir dead %.*s takes %s\n", STR_ARG(verb),
                      is_list ? "no id" : (is_show ? "one ID" : "ids, or --all"));
    } else {
        return true;
    }
    return false;
}

static int run(struct dead *d, struct str place, struct str verb)
{
    struct config *config = NULL;
    struct failure f;
    const int status = command_config(d->arena, place, &config);
    if (status != EXIT_DONE) {
        return status;
    }
    d->config = config;
    d->columns = command_columns();
    enum outcome result = bus_open(d->arena, config->bus.type, &config->bus, &d->bus, &f);
    if (result == OK) {
        result = obey(d, verb, &f);
        bus_close(d->bus);
    }
    return result == OK ? EXIT_DONE : command_failed("dead", &f);
}

int command_dead(int argc, char **argv)
{
    struct str place = {NULL, 0};
    struct dead d = {.is_json = false};
    struct words words;
    int status = EXIT_DONE;
    const struct flag flags[] = {
        flag_config(&place),
        flag_json(&d.is_json),
        {"all", 0, FLAG_SWITCH, &d.is_all, NULL, "retry or drop all of them"},
        {0}};
    const struct usage usage = {
        .name = "dead",
        .words = "list|show ID|retry ID…|drop ID…",
        .about = "What could not be processed, and why. `retry` sends it through again (after a "
                 "mapping or a\nconfiguration was mended), `drop` forgets it.",
        .flags = flags,
        .examples = "  weir dead list\n  weir dead retry --all\n",
        .words_least = 1,
        .words_most = IDS_MAX,
    };
    if (!usage_read(&usage, argc, argv, &words, &status)) {
        return status;
    }
    struct arena a;
    arena_init(&a, ARENA_BYTES_MAX);
    d.arena = &a;
    d.ids_n = (size_t)words.n - 1;
    d.id = arena_array(&a, struct str, d.ids_n);
    for (size_t i = 0; i < d.ids_n; i++) {
        d.id[i] = str_of(words.at[i + 1]);
    }
    const struct str verb = str_of(words.at[0]);
    status = check(&d, verb) ? run(&d, place, verb) : EXIT_USAGE;
    arena_close(&a);
    return status;
}
