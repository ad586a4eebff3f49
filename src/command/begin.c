/* begin.c - what every command begins with, and how it ends. */
#include <assert.h>
#include <stdio.h>

#include "command/command.h"
#include "command/screen.h"
#include "registry.h"

enum { FLAGS_MAX = 24 };
#define MEMORY_BYTES_MAX ((size_t)64 << 20)

/* The command's own flags between those that its needs and its answers bring. */
static void gather(const struct usage *u, struct str_list *places, bool *is_json, bool *is_csv,
                   struct flag all[FLAGS_MAX])
{
    size_t n = 0;
    if (u->needs != NEEDS_NOTHING) {
        all[n++] = (struct flag){"config",
                                 'c',
                                 FLAG_LIST,
                                 places,
                                 "FILE|DIR|GLOB",
                                 "configuration, as often as there are places; else ./weir.yaml, "
                                 "then $XDG_CONFIG_HOME/weir/weir.yaml, then /etc/weir/weir.yaml"};
    }
    for (const struct flag *f = u->flags; f && f->name; f++) {
        assert(n < FLAGS_MAX - 3);
        all[n++] = *f;
    }
    if (u->prints != PRINTS_TEXT) {
        all[n++] = (struct flag){
            "json",
            0,
            FLAG_SWITCH,
            is_json,
            NULL,
            u->prints == PRINTS_ROWS ? "one JSON object a row" : "JSON instead of text"};
    }
    if (u->prints == PRINTS_ROWS || u->prints == PRINTS_TABLES) {
        all[n++] = (struct flag){"csv", 0, FLAG_SWITCH, is_csv, NULL, "CSV with a header"};
    }
    all[n] = (struct flag){0};
}

/* ps shows what a process does in the memory of argv: what lives on is copied out of it. */
static void keep(struct arena *a, struct str_list *places)
{
    for (size_t i = 0; i < places->n; i++) {
        places->at[i] = arena_str(a, places->at[i]);
    }
}

static int read_config(struct session *s)
{
    struct str_list errors;
    struct failure f;
    if (config_read(&s->arena, &s->from, &s->config, &errors, &f) == OK) {
        return EXIT_DONE;
    }
    for (size_t i = 0; i < errors.n; i++) {
        screen_tell("%.*s\n", STR_ARG(screen_line(&s->arena, errors.at[i])));
    }
    return EXIT_USAGE;
}

static bool read_words(struct session *s, const struct usage *u, int argc, char **argv)
{
    struct flag flags[FLAGS_MAX];
    bool is_json = false, is_csv = false;
    struct usage whole = *u;
    whole.flags = flags;
    s->from.places.at = arena_array(&s->arena, struct str, (size_t)argc);
    gather(u, &s->from.places, &is_json, &is_csv, flags);
    if (!usage_read(&whole, argc, argv, &s->words, &s->status)) {
        return false;
    }
    if (is_json && is_csv) {
        screen_tell("weir %s: --json or --csv, not both\n", u->name);
        s->status = EXIT_USAGE;
        return false;
    }
    s->format = is_json ? ROWS_JSON : (is_csv ? ROWS_CSV : ROWS_TABLE);
    return true;
}

bool command_begin(struct session *s, const struct usage *u, int argc, char **argv)
{
    *s = (struct session){.status = EXIT_DONE};
    arena_init(&s->arena, u->memory_bytes_max ? u->memory_bytes_max : MEMORY_BYTES_MAX);
    bool goes_on = read_words(s, u, argc, argv);
    if (goes_on && u->check) {
        s->status = u->check(u->of, &s->words);
        goes_on = s->status == EXIT_DONE;
    }
    if (goes_on && u->needs != NEEDS_NOTHING) {
        keep(&s->arena, &s->from.places);
        s->from.drivers = &registry_drivers;
        s->from.is_without_secrets = u->needs != NEEDS_SECRETS;
        s->from.is_without_mappings = u->needs == NEEDS_CONFIG;
        s->from.is_whole = u->is_whole;
        s->status = read_config(s);
        goes_on = s->status == EXIT_DONE;
    }
    if (!goes_on) {
        arena_close(&s->arena);
    }
    return goes_on;
}

int command_end(struct session *s)
{
    arena_close(&s->arena);
    return s->status;
}

enum outcome command_check_agent(const struct config *config, struct str name, struct failure *f)
{
    bool is_known = false;
    for (size_t i = 0; i < config->agents.n && !is_known; i++) {
        is_known = str_eq(config->agents.at[i].name, name);
    }
    for (size_t i = 0; i < config->collectors.n && !is_known; i++) {
        is_known = str_eq(config->collectors.at[i].name, name);
    }
    return is_known
               ? OK
               : failed(f, STOP, "no agent or collector in the configuration is called \"%.*s\"",
                        STR_ARG(name));
}
