/* test.c - run mappings on the inputs beside them, and hold what they give against what is wanted.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/golden.h"
#include "command/screen.h"
#include "transform/jq/complete.h"
#include "transform/jq/mapping.h"

enum { FILE_BYTES_MAX = 32 << 20, RESULT_BYTES_MAX = 64 << 20 };
/* When every input of a test was received: the same on every machine. */
#define RECEIVED_US INT64_C(1704164645000000) /* 2024-01-02T03:04:05Z */
#define CASE_MEMORY_BYTES_MAX ((size_t)512 << 20)

struct testing {
    struct arena *arena; /* of the command           */
    struct arena one;    /* of a case                */
    struct jq_pool *pool;
    struct webhook_options *options; /* with the mapping at hand */
    bool is_updating;
    size_t passed, failed, updated;
};

/* ---- files ---- */

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Names in a folder, sorted; hidden ones left out. A folder that cannot be read has none. */
static struct str_list names_in(struct arena *a, const char *folder)
{
    struct str_list list = {.n = 0};
    size_t room = 0;
    DIR *const d = opendir(folder);
    for (const struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            list.at = arena_more(a, list.at, list.n, &room, sizeof *list.at);
            list.at[list.n++] = arena_str(a, str_of(e->d_name));
        }
    }
    if (d) {
        (void)closedir(d);
    }
    if (list.n > 0) {
        qsort(list.at, list.n, sizeof *list.at, by_name);
    }
    return list;
}

/* The text of a JSON file as golden_write has it; empty when there is no such file. */
static enum outcome read_golden(struct arena *a, const char *path, struct str *out,
                                struct failure *f)
{
    struct str text = {NULL, 0};
    struct stat s;
    yyjson_doc *doc = NULL;
    *out = (struct str){NULL, 0};
    if (stat(path, &s) != 0) {
        return OK;
    }
    enum outcome result = file_read(a, path, FILE_BYTES_MAX, &text, f);
    if (result == OK && json_read_exact(a, text, &doc, f) != OK) {
        const struct failure why = *f;
        return failed(f, STOP, "%s: %s", path, why.text);
    }
    if (result == OK) {
        struct buf b;
        buf_init(&b, a, RESULT_BYTES_MAX);
        golden_write(&b, yyjson_doc_get_root(doc));
        *out = buf_str(&b);
    }
    return result;
}

/* ---- one case ---- */

static void write_fate(struct arena *a, struct buf *b, const struct transform_out *out)
{
    const bool is_dead = out->fate == FATE_DEAD || out->fate == FATE_LATER;
    struct buf json;
    buf_init(&json, a, RESULT_BYTES_MAX);
    buf_add(&json, is_dead                      ? S("{\"dead\":")
                   : out->fate == FATE_UNMAPPED ? S("{\"unmapped\":")
                                                : S("{\"ignored\":"));
    buf_add_json(&json, is_dead ? str_of(out->why.text) : out->name);
    if (is_dead && out->why.pointer[0]) {
        buf_add(&json, S(",\"pointer\":"));
        buf_add_json(&json, str_of(out->why.pointer));
    }
    buf_add_byte(&json, '}');
    yyjson_doc *doc = NULL;
    struct failure f;
    if (json_read_exact(a, buf_str(&json), &doc, &f) == OK) {
        golden_write(b, yyjson_doc_get_root(doc));
    }
}

/* What the mapping gives for the input, held against every rule that a running weir has. */
static struct str result_of(struct testing *t, struct str body, struct str headers)
{
    struct arena *const a = &t->one;
    const struct signal raw = {.id = S("1"),
                               .source = S("/agents/test"),
                               .type = S("webhook"),
                               .agent = S("test"),
                               .time_us = TIME_NONE,
                               .received_us = RECEIVED_US,
                               .headers = headers,
                               .data = body};
    const struct config config = {.data = {NULL, 0}};
    const struct transform_in in = {.raw = &raw,
                                    .raw_at = S("test:1"),
                                    .config = &config,
                                    .arena = a,
                                    .options = t->options,
                                    .pool = t->pool};
    struct transform_out out = {.arena = a};
    struct failure f;
    struct str json;
    yyjson_doc *doc = NULL;
    struct buf b;
    buf_init(&b, a, RESULT_BYTES_MAX);
    transformer_webhook.run(&in, &out);
    if (out.fate == FATE_STORED && mapping_run(&in, &json, &f) == OK &&
        json_read_exact(a, json, &doc, &f) == OK) {
        golden_write(&b, yyjson_doc_get_root(doc));
    } else {
        write_fate(a, &b, &out);
    }
    return buf_str(&b);
}

static void judge(struct testing *t, struct str name, struct str wanted, struct str is)
{
    struct buf b;
    if (str_eq(wanted, is)) {
        t->passed++;
        printf("ok %.*s\n", STR_ARG(name));
        return;
    }
    t->failed++;
    buf_init(&b, &t->one, RESULT_BYTES_MAX);
    golden_diff(&t->one, &b, wanted, is);
    const struct str diff = buf_str(&b);
    printf("not ok %.*s: - expected, + given%s\n", STR_ARG(name),
           wanted.at ? "" : " (there is no expected.json: --update writes it)");
    screen_say(stdout, diff);
}

/* The input in folder `at`. */
static enum outcome run_case(struct testing *t, const char *at, struct str name, struct failure *f)
{
    struct arena *const a = &t->one;
    struct str body;
    struct str headers = {NULL, 0};
    struct str wanted = {NULL, 0};
    const char *const expected = arena_printf(a, "%s/expected.json", at).at;
    enum outcome result = file_read(a, arena_printf(a, "%s/input.json", at).at, FILE_BYTES_MAX,
                                    &body, f);
    if (result == OK) {
        result = read_golden(a, arena_printf(a, "%s/headers.json", at).at, &headers, f);
    }
    if (result == OK) {
        result = read_golden(a, expected, &wanted, f);
    }
    if (result != OK) {
        return result;
    }
    const struct str is = result_of(t, body, headers);
    if (t->is_updating && !str_eq(wanted, is)) {
        t->updated++;
        printf("updated %.*s\n", STR_ARG(name));
        return file_replace(expected, is, 0644, f);
    }
    judge(t, name, wanted, is);
    return OK;
}

/* ---- mappings ---- */

static const struct mapping_limits limits = {.memory_bytes = (size_t)256 << 20,
                                             .output_bytes = (size_t)8 << 20,
                                             .time_ms = 1000,
                                             .depth = 32,
                                             .outputs = 5000};

/* The cases of a mapping: folders with an input.json in the folder of its name. */
static enum outcome run_mapping(struct testing *t, struct str file, struct failure *f)
{
    const struct str folder = str_sub(file, 0, file.len - 3);
    const struct str_list cases = names_in(t->arena, arena_cstr(t->arena, folder));
    enum outcome result = OK;
    t->options = arena_new(t->arena, struct webhook_options);
    t->options->mapping.limits = limits;
    result = mapping_find(t->arena, file, S(""), &t->options->mapping, f);
    for (size_t i = 0; i < cases.n && result == OK; i++) {
        struct stat s;
        const struct str at = arena_printf(&t->one, "%.*s/%.*s", STR_ARG(folder),
                                           STR_ARG(cases.at[i]));
        if (stat(arena_printf(&t->one, "%s/input.json", at.at).at, &s) == 0) {
            result = run_case(t, at.at, at, f);
        }
        (void)fflush(stdout); /* or a child that is started would hold it too */
        arena_reset(&t->one);
    }
    return result;
}

static enum outcome run_folder(struct testing *t, const char *folder, struct failure *f)
{
    const struct str_list names = names_in(t->arena, folder);
    enum outcome result = OK;
    for (size_t i = 0; i < names.n && result == OK; i++) {
        if (str_ends(names.at[i], S(".jq"))) {
            result = run_mapping(t, arena_printf(t->arena, "%s/%.*s", folder, STR_ARG(names.at[i])),
                                 f);
        }
    }
    return result;
}

static enum outcome run_all(struct testing *t, const char *place, struct failure *f)
{
    const enum outcome result = is_folder(place) ? run_folder(t, place, f)
                                : str_ends(str_of(place), S(".jq"))
                                    ? run_mapping(t, arena_str(t->arena, str_of(place)), f)
                                    : failed(f, STOP, "%s is no folder and no file of jq", place);
    if (result == OK && t->passed + t->failed + t->updated == 0) {
        return failed(f, STOP, "no case in %s: beside NAME.jq, make NAME/CASE/input.json", place);
    }
    return result;
}

int command_test(int argc, char **argv)
{
    struct testing t = {.passed = 0};
    const struct flag flags[] = {{"update", 0, FLAG_SWITCH, &t.is_updating, NULL,
                                  "write what the mappings give as what is expected"},
                                 {0}};
    const struct usage usage = {
        .name = "test",
        .words = "[FILE|DIR]",
        .about = "Run mappings on inputs and compare what they give with what is expected. Beside "
                 "NAME.jq, each case is a folder NAME/CASE with input.json (the body), "
                 "headers.json (an object; may be left out) and expected.json: the array of all "
                 "that the mapping gives, or {\"dead\"}, {\"ignored\"}, {\"unmapped\"}. 1 when "
                 "one differs.",
        .flags = flags,
        .examples = "  weir test\n  weir test mappings\n  weir test own.jq --update\n",
        .words_most = 1,
    };
    struct session s;
    struct failure f;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    t.arena = &s.arena;
    t.pool = jq_pool_open(&s.arena);
    arena_init(&t.one, CASE_MEMORY_BYTES_MAX);
    if (run_all(&t, s.words.n > 0 ? s.words.at[0] : ".", &f) != OK) {
        s.status = command_failed("test", &f);
    } else {
        printf("%zu passed, %zu failed, %zu updated\n", t.passed, t.failed, t.updated);
        s.status = t.failed > 0 ? EXIT_NO : EXIT_DONE;
    }
    arena_close(&t.one);
    return command_end(&s);
}
