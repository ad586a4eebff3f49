/* flatten.c - raw events of the older shape (simulate --shape flat) as one CSV row each. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/screen.h"
#include "wire/json.h"

enum { READ_BYTES = 1 << 20, SAID_MAX = 20, TEXT_BYTES_MAX = 256 << 20 };
/* Of a list of events as text, and of yyjson's copy and values of it. */
#define ARENA_BYTES_MAX ((size_t)4 << 30)

static const struct str column[] = {
    STR("event_id"),     STR("context_version"),   STR("context_id"), STR("context_source"),
    STR("context_type"), STR("context_timestamp"), STR("subject_id"), STR("subject_type"),
    STR("content_task"), STR("content_url"),       STR("run_id"),     STR("run_source"),
    STR("run_type"),     STR("run_pipelineName"),  STR("run_url"),    STR("run_outcome"),
    STR("run_errors")};
enum { COLUMNS = sizeof column / sizeof *column };

struct flattening {
    struct rows *rows;
    struct arena *arena;
    struct arena scratch, text_arena; /* of a value, or of a list of them; of text */
    const char *file;
    int fd;
    bool is_at_end;
    struct buf text; /* of the file, as far as it was read */
    size_t at;       /* what of it was taken               */
    size_t line;     /* that begins there                  */
    uint64_t n, wrong, strangers;
    struct str stranger; /* the first member that has no column */
};

static void say(struct flattening *fl, size_t line, const char *what)
{
    if (fl->wrong++ < SAID_MAX) {
        screen_tell("weir flatten: %s:%zu: %s; passed over\n", fl->file, line, what);
    }
}

/* ---- one event ---- */

static void put(struct flattening *fl, struct cell cell[COLUMNS], struct str name, yyjson_val *v)
{
    size_t i = 0;
    /* one reader of this shape gave the errors of a run the prefix twice, beside a null */
    name = str_eq(name, S("run_run_errors")) ? S("run_errors") : name;
    while (i < COLUMNS && !str_eq(column[i], name)) {
        i++;
    }
    if (i == COLUMNS) {
        fl->strangers++;
        fl->stranger = fl->stranger.len ? fl->stranger : arena_str(fl->arena, name);
    } else if (yyjson_is_str(v)) {
        cell[i] = (struct cell){CELL_TEXT, json_text(v)};
    } else if (!yyjson_is_null(v)) {
        cell[i] = (struct cell){CELL_JSON, json_write(&fl->scratch, v)};
    }
}

/* The members of an object but one, each with the prefix. */
static void put_all(struct flattening *fl, struct cell cell[COLUMNS], const char *prefix,
                    yyjson_val *object, struct str but)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_obj_foreach(object, i, n, key, value)
    {
        if (!str_eq(json_text(key), but)) {
            put(fl, cell, arena_printf(&fl->scratch, "%s%.*s", prefix, STR_ARG(json_text(key))),
                value);
        }
    }
}

/* `{"context":…,"subject":{…,"content":{…,"pipelineRun"|"taskRun":…}},"event_id":…}`, or what a
 * flattening made of it. NULL, or what is wrong with it. */
static const char *flatten(struct flattening *fl, yyjson_val *event, struct cell cell[COLUMNS])
{
    yyjson_val *const context = json_get(event, S("context"));
    yyjson_val *const subject = json_get(event, S("subject"));
    yyjson_val *const content = json_get(subject, S("content"));
    yyjson_val *const pipeline = json_get(content, S("pipelineRun"));
    yyjson_val *const run = pipeline ? pipeline : json_get(content, S("taskRun"));
    if (!yyjson_is_obj(event)) {
        return "not an object";
    }
    if (json_text(json_get(event, S("event_id"))).len == 0) {
        return "no event_id";
    }
    if (json_text(json_get(event, S("context_id"))).len) {
        put_all(fl, cell, "", event, (struct str){0});
        return NULL;
    }
    if (!yyjson_is_obj(context) || !yyjson_is_obj(content) || !yyjson_is_obj(run)) {
        return !yyjson_is_obj(context)   ? "no context"
               : !yyjson_is_obj(content) ? "no subject.content"
                                         : "no pipelineRun or taskRun in subject.content";
    }
    put(fl, cell, S("event_id"), json_get(event, S("event_id")));
    put_all(fl, cell, "context_", context, (struct str){0});
    put_all(fl, cell, "subject_", subject, S("content"));
    put_all(fl, cell, "content_", content, pipeline ? S("pipelineRun") : S("taskRun"));
    put_all(fl, cell, "run_", run, (struct str){0});
    return NULL;
}

static void take(struct flattening *fl, yyjson_val *event, size_t line)
{
    struct cell cell[COLUMNS] = {0};
    const char *const wrong = flatten(fl, event, cell);
    if (wrong) {
        say(fl, line, wrong);
        return;
    }
    rows_add(fl->rows, cell);
    fl->n++;
}

static void take_value(struct flattening *fl, yyjson_val *root)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *event = NULL;
    if (!yyjson_is_arr(root)) {
        take(fl, root, fl->line);
        return;
    }
    yyjson_arr_foreach(root, i, n, event)
    {
        take(fl, event, fl->line);
    }
}

/* ---- a file: an event a line, or one value as long as it likes: a list, or an indented event ----
 */

/* Read on. false: it is at its end, or there is no room. */
static bool read_on(struct flattening *fl)
{
    struct buf *const b = &fl->text;
    if (fl->at > b->len / 2) {
        memmove(b->at, b->at + fl->at, b->len - fl->at);
        b->len -= fl->at;
        fl->at = 0;
    }
    char *const to = fl->is_at_end ? NULL : buf_take(b, READ_BYTES);
    if (!to) {
        b->is_over = false;
        return false;
    }
    ssize_t n = -1;
    do {
        n = read(fl->fd, to, READ_BYTES);
    } while (n < 0 && errno == EINTR);
    b->len -= READ_BYTES - (n > 0 ? (size_t)n : 0);
    fl->is_at_end = n <= 0;
    if (n < 0) {
        say(fl, fl->line, strerror(errno));
    }
    return n > 0;
}

static struct str rest_of(const struct flattening *fl)
{
    return (struct str){fl->text.at + fl->at, fl->text.len - fl->at};
}

/* The file as one value. false: it is none, and nothing was taken. */
static bool take_whole(struct flattening *fl, struct failure *f)
{
    yyjson_doc *doc = NULL;
    while (read_on(fl)) {
    }
    if (!fl->is_at_end) {
        (void)failed(f, REJECT, "a list of more than %d MiB: give each event a line",
                     TEXT_BYTES_MAX >> 20);
        return false;
    }
    if (json_read(&fl->scratch, rest_of(fl), &doc, f) != OK) {
        return false;
    }
    take_value(fl, yyjson_doc_get_root(doc));
    fl->at = fl->text.len;
    return true;
}

static void take_line(struct flattening *fl, struct str line, bool is_first)
{
    yyjson_doc *doc = NULL;
    struct failure f = {0};
    const struct str text = str_trim(line);
    if (text.len == 0 || (text.len == 1 && text.at[0] == '\r')) {
        return;
    }
    if (json_read(&fl->scratch, text, &doc, &f) == OK) {
        take_value(fl, yyjson_doc_get_root(doc));
        return;
    }
    if (!is_first || !take_whole(fl, &f)) {
        say(fl, fl->line, f.text);
    }
}

static void take_file(struct flattening *fl)
{
    bool is_first = true;
    fl->line = 1;
    fl->at = 0;
    fl->is_at_end = false;
    buf_reset(&fl->text);
    for (;;) {
        struct str rest = rest_of(fl);
        size_t n = str_find(rest, '\n');
        while (n == rest.len && read_on(fl)) {
            rest = rest_of(fl);
            n = str_find(rest, '\n');
        }
        rest = rest_of(fl); /* reading moves the text, also where there was nothing more */
        if (rest.len == 0) {
            return;
        }
        take_line(fl, str_sub(rest, 0, n), is_first);
        arena_reset(&fl->scratch);
        is_first = false;
        fl->line++;
        fl->at += fl->at < fl->text.len ? n + (n < rest.len) : 0;
    }
}

static void flatten_path(struct flattening *fl, const char *path)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    fl->file = is_stdin ? "stdin" : path;
    fl->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fl->fd < 0) {
        screen_tell("weir flatten: open %s: %s\n", path, strerror(errno));
        fl->wrong++;
        return;
    }
    take_file(fl);
    if (!is_stdin) {
        (void)close(fl->fd);
    }
}

/* A folder stands for its *.json, by name; one without any for those of its `raw`, where `weir
 * simulate --shape flat --to FOLDER/` puts them. */
static void flatten_word(struct flattening *fl, const char *word)
{
    struct stat st;
    glob_t found = {0};
    if (stat(word, &st) != 0 || !S_ISDIR(st.st_mode)) {
        flatten_path(fl, word);
        return;
    }
    const struct str folder = file_pattern(fl->arena, str_of(word));
    bool is_found = false;
    for (size_t i = 0; i < 2 && !is_found; i++) {
        const struct str pattern = arena_printf(fl->arena, "%.*s/%s*.json", STR_ARG(folder),
                                                i == 0 ? "" : "raw/");
        globfree(&found);
        is_found = glob(pattern.at, 0, NULL, &found) == 0;
    }
    if (!is_found) {
        screen_tell("weir flatten: %s: no *.json in this folder, nor in its folder raw\n", word);
        fl->wrong++;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        flatten_path(fl, found.gl_pathv[i]);
    }
    globfree(&found);
}

static int flatten_words(struct session *s)
{
    static const bool is_number[COLUMNS] = {false};
    struct failure f = {0};
    struct flattening fl = {.arena = &s->arena};
    const struct rows_head head = {column, is_number, COLUMNS, NULL};
    const enum rows_format format = s->format == ROWS_JSON ? ROWS_JSON : ROWS_CSV_LF;
    if (rows_begin(&s->arena, format, &head, &fl.rows, &f) != OK) {
        return command_failed("flatten", &f);
    }
    arena_init(&fl.scratch, ARENA_BYTES_MAX);
    arena_init(&fl.text_arena, ARENA_BYTES_MAX);
    buf_init(&fl.text, &fl.text_arena, TEXT_BYTES_MAX);
    for (int i = 0; i < s->words.n; i++) {
        flatten_word(&fl, s->words.at[i]);
    }
    if (s->words.n == 0) {
        flatten_path(&fl, "-");
    }
    rows_end(fl.rows);
    if (fl.strangers) {
        screen_tell("weir flatten: %llu members have no column; the first: %.*s\n",
                    (unsigned long long)fl.strangers, STR_ARG(fl.stranger));
    }
    if (fl.wrong) {
        screen_tell("weir flatten: %llu rows; %llu things passed over\n", (unsigned long long)fl.n,
                    (unsigned long long)fl.wrong);
    }
    arena_close(&fl.scratch);
    arena_close(&fl.text_arena);
    return fl.wrong ? EXIT_NO : EXIT_DONE;
}

int command_flatten(int argc, char **argv)
{
    const struct usage usage = {
        .name = "flatten",
        .words = "[FILE|DIR|-]…",
        .about = "Raw events of the older shape (simulate cdevents --shape flat) as a table of 17 "
                 "columns, in CSV. A file holds an event a line, or a list of them; a folder "
                 "stands for its *.json. What is no event is said and passed over.",
        .examples = "  weir simulate cdevents --shape flat --count 500 | weir flatten\n",
        .words_most = INT_MAX,
        .prints = PRINTS_ROWS,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    s.status = flatten_words(&s);
    return command_end(&s);
}
