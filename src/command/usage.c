/* usage.c - options of a command: read, refused with the nearest name, and shown as help. */
#include <stdio.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "command/command.h"
#include "command/screen.h"
#include "config/value.h"

enum { ABOUT_AT = 33, NARROW = 60 };

static void print_flag(char letter, const char *name, const char *value, const char *about)
{
    char left[64];
    (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
                   letter ? "," : " ", name, value ? " " : "", value ? value : "");
    printf("  %s", left);
    const size_t at = screen_width(str_of(left)) + 2;
    const bool is_narrow = screen_columns() > 0 && screen_columns() < NARROW;
    const size_t indent = is_narrow ? 8 : ABOUT_AT;
    printf(at < indent ? "%*s" : "\n%*s", (int)(at < indent ? indent - at : indent), "");
    screen_wrap(str_of(about), indent, indent);
}

static void print_help(const struct usage *u)
{
    screen_wrap(str_of(u->about), 0, 0);
    printf("\nUsage: weir %s%s%s%s\n\nOptions:\n", u->name,
           u->flags && u->flags->name ? " [OPTION…]" : "", u->words[0] ? " " : "", u->words);
    for (const struct flag *f = u->flags; f && f->name; f++) {
        print_flag(f->letter, f->name, f->value, f->about);
    }
    print_flag('h', "help", NULL, "this page");
    if (u->examples) {
        printf("\nExamples:\n%s", u->examples);
    }
}

static bool wrong(const struct usage *u, int *status, const char *what, struct str word)
{
    screen_tell("weir %s: %s%s%.*s\nTry: weir %s --help\n", u->name, what, word.len ? " " : "",
                (int)word.len, word.at ? word.at : "", u->name);
    *status = EXIT_USAGE;
    return false;
}

static bool unknown(const struct usage *u, int *status, struct str name)
{
    struct nearest n = nearest_to(name);
    for (const struct flag *f = u->flags; f && f->name; f++) {
        nearest_offer(&n, str_of(f->name));
    }
    nearest_offer(&n, S("help"));
    const struct str near = nearest_found(&n);
    screen_tell("weir %s: there is no option %s%.*s%s%.*s%s\nTry: weir %s --help\n", u->name,
                name.len == 1 ? "-" : "--", STR_ARG(name), near.len ? "; did you mean --" : "",
                STR_ARG(near), near.len ? "?" : "", u->name);
    *status = EXIT_USAGE;
    return false;
}

static const struct flag *flag_find(const struct usage *u, struct str name, bool is_letter)
{
    for (const struct flag *f = u->flags; f && f->name; f++) {
        if (is_letter ? name.len == 1 && f->letter && f->letter == name.at[0]
                      : str_eq(name, str_of(f->name))) {
            return f;
        }
    }
    return NULL;
}

static bool set(const struct usage *u, const struct flag *f, struct str value, int *status)
{
    char message[160];
    switch (f->type) {
    case FLAG_SWITCH: *(bool *)f->to = true; return true;
    case FLAG_TEXT: *(struct str *)f->to = value; return true;
    case FLAG_LIST: {
        if (value.len == 0) {
            (void)snprintf(message, sizeof message, "--%s is empty; it takes", f->name);
            return wrong(u, status, message, str_of(f->value));
        }
        struct str_list *const list = f->to;
        list->at[list->n++] = value;
        return true;
    }
    case FLAG_NUMBER: {
        uint64_t number = 0;
        if (!str_to_u64(value, &number) || number > INT64_MAX) {
            (void)snprintf(message, sizeof message, "--%s takes a number, not", f->name);
            return wrong(u, status, message, value);
        }
        *(int64_t *)f->to = (int64_t)number;
        return true;
    }
    case FLAG_DURATION: {
        uint64_t seconds = 0;
        if (str_to_u64(value, &seconds) && seconds <= INT64_MAX / 1000) {
            *(int64_t *)f->to = (int64_t)seconds * 1000;
            return true;
        }
        if (!value_duration(value, f->to)) {
            (void)snprintf(message, sizeof message, "--%s takes a duration as 30s or 5m, not",
                           f->name);
            return wrong(u, status, message, value);
        }
        return true;
    }
    case FLAG_TIME:
        if (!clock_parse_day(value, f->to)) {
            (void)snprintf(message, sizeof message,
                           "--%s takes 2026-11-22 or 2026-11-22T12:00:00Z, not", f->name);
            return wrong(u, status, message, value);
        }
        return true;
    }
    return true;
}

/* The option at argv[*i]; its value may be the next word. */
static bool read_flag(const struct usage *u, char **argv, int *i, int *status)
{
    struct str rest = str_of(argv[*i]), value = {NULL, 0};
    const bool is_letter = !str_starts(rest, S("--"));
    rest = str_sub(rest, is_letter ? 1 : 2, rest.len);
    const bool has_value = str_find(rest, '=') < rest.len;
    const struct str name = has_value ? str_cut(rest, '=', &value) : rest;
    const struct flag *const f = flag_find(u, name, is_letter);
    char message[160];
    if (!f && str_eq(name, is_letter ? S("h") : S("help"))) {
        print_help(u);
        *status = EXIT_DONE;
        return false;
    }
    if (!f) {
        return unknown(u, status, name);
    }
    if (f->type == FLAG_SWITCH && has_value) {
        (void)snprintf(message, sizeof message, "--%s takes no value", f->name);
        return wrong(u, status, message, (struct str){NULL, 0});
    }
    if (f->type != FLAG_SWITCH && !has_value) {
        if (!argv[*i + 1]) {
            (void)snprintf(message, sizeof message, "--%s lacks its %s", f->name, f->value);
            return wrong(u, status, message, (struct str){NULL, 0});
        }
        value = str_of(argv[++*i]);
    }
    return set(u, f, value, status);
}

/* A name has no space in it: SQL that begins with a comment is a word. */
static bool is_option(const char *word)
{
    const char end = word[strcspn(word, " \t\r\n=")];
    return word[0] == '-' && word[1] != '\0' && (end == '\0' || end == '=');
}

bool usage_read(const struct usage *u, int argc, char **argv, struct words *words, int *status)
{
    *words = (struct words){.at = argv + 1, .n = 0};
    bool is_over = false;
    for (int i = 1; i < argc; i++) {
        if (!is_over && strcmp(argv[i], "--") == 0) {
            is_over = true;
        } else if (is_over || !is_option(argv[i])) {
            words->at[words->n++] = argv[i]; /* never before argv[i]: it was read already */
        } else if (!read_flag(u, argv, &i, status)) {
            return false;
        }
    }
    if (words->n < u->words_least) {
        return wrong(u, status, "it takes", str_of(u->words));
    }
    if (words->n > u->words_most) {
        return wrong(u, status, u->words_most == 0 ? "it takes no word such as" : "one too many:",
                     str_of(words->at[u->words_most]));
    }
    return true;
}
