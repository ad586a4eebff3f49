#include "config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/template.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, FILES_MAX = 1000 };
#define LOOK_ARENA_BYTES_MAX ((size_t)64 << 20)

static bool is_there(const char *path, bool *is_folder)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return false;
    }
    *is_folder = S_ISDIR(st.st_mode);
    return true;
}

struct str files_base(struct str path)
{
    size_t slash = path.len;
    while (slash > 0 && path.at[slash - 1] != '/') {
        slash--;
    }
    return str_sub(path, slash, path.len);
}

/* However they are written. */
static bool is_same(struct arena *a, struct str x, struct str y)
{
    return str_eq(x, y) ||
           (str_eq(files_base(x), files_base(y)) && str_eq(file_real(a, x), file_real(a, y)));
}

/* false: it is there already, as two places may name one file. */
static bool add(struct arena *a, struct files_found *to, struct str path, bool is_among)
{
    struct str_list *const list = &to->all;
    for (size_t i = 0; i < list->n; i++) {
        if (is_same(a, list->at[i], path)) {
            to->is_among[i] = to->is_among[i] && is_among;
            return false;
        }
    }
    if (!list->at) {
        list->at = arena_array(a, struct str, FILES_MAX + 1);
        to->is_among = arena_array(a, bool, FILES_MAX + 1);
    }
    if (list->n <= FILES_MAX) {
        to->is_among[list->n] = is_among;
        list->at[list->n++] = path;
    }
    return true;
}

static enum outcome find_glob(struct arena *a, const char *pattern, int flags,
                              struct files_found *out, struct failure *f)
{
    glob_t found = {0};
    const int result = glob(pattern, flags, NULL, &found);
    if (result != 0 && result != GLOB_NOMATCH) {
        globfree(&found);
        return failed(f, STOP, "%s: cannot be looked through", pattern);
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        bool is_folder = false;
        if (is_there(found.gl_pathv[i], &is_folder) && !is_folder) {
            (void)add(a, out, arena_str(a, str_of(found.gl_pathv[i])), true);
        }
    }
    globfree(&found);
    return OK;
}

static enum outcome find_default(struct arena *a, struct files_found *out, struct failure *f)
{
    /* one thread; nobody changes the environment */
    const char *const config = getenv("XDG_CONFIG_HOME"); /* NOLINT(concurrency-mt-unsafe) */
    const char *const home = getenv("HOME");              /* NOLINT(concurrency-mt-unsafe) */
    struct str own = arena_printf(a, "%s/.config/weir/weir.yaml", home ? home : "");
    if (config && config[0]) {
        own = arena_printf(a, "%s/weir/weir.yaml", config);
    }
    const struct str looked[] = {S("weir.yaml"), own, S("/etc/weir/weir.yaml")};
    for (size_t i = 0; i < sizeof looked / sizeof *looked; i++) {
        bool is_folder = false;
        if (is_there(looked[i].at, &is_folder) && !is_folder) {
            (void)add(a, out, looked[i], false);
            return OK;
        }
    }
    return failed(f, STOP,
                  "no configuration: looked for ./weir.yaml, %.*s and /etc/weir/weir.yaml; `weir "
                  "init` writes one, -c FILE names another",
                  STR_ARG(own));
}

static enum outcome find_place(struct arena *a, struct str place, struct files_found *out,
                               struct failure *f)
{
    const size_t before = out->all.n;
    const char *const path = arena_cstr(a, place);
    bool is_folder = false;
    const bool is_found = is_there(path, &is_folder);
    if (is_found && !is_folder) {
        (void)add(a, out, place, false);
        return OK;
    }
    if ((!is_found && errno == EACCES) ||
        (is_folder && faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)) {
        return failed(f, STOP, "%s: %s; the user that runs weir must be able to read it", path,
                      strerror(EACCES));
    }
    const struct str folder = file_pattern(a, place);
    const struct str pattern = arena_printf(a, "%.*s/*.{yaml,yml}", STR_ARG(folder));
    const enum outcome o = find_glob(a, is_folder ? pattern.at : path, is_folder ? GLOB_BRACE : 0,
                                     out, f);
    if (o == OK && is_folder) {
        out->folders.at[out->folders.n++] = place;
    }
    if (o != OK || out->all.n > before) {
        return o;
    }
    if (is_folder) {
        return failed(f, STOP, "%s: no *.yaml or *.yml in this folder; `weir init %s` writes one",
                      path, path);
    }
    return failed(f, STOP, "%s: no such file; `weir init` writes one", path);
}

enum outcome files_find(struct arena *a, const struct str_list *places, struct files_found *out,
                        struct failure *f)
{
    *out = (struct files_found){.is_among = NULL};
    if (places->n == 0) {
        return find_default(a, out, f);
    }
    enum outcome result = OK;
    out->folders.at = arena_array(a, struct str, places->n);
    for (size_t i = 0; i < places->n && result == OK; i++) {
        result = find_place(a, places->at[i], out, f);
    }
    if (out->all.n > FILES_MAX) {
        result = failed(f, STOP, "more than %d files are no configuration: is -c right?",
                        FILES_MAX);
    }
    return result;
}

/* The word at the top of the map that a text is, without reading it as a whole: a broken file is
 * told apart, too. */
static bool has_top(struct str text, const char *word)
{
    for (struct str rest = text; rest.len > 0;) {
        struct str line = str_cut(rest, '\n', &rest);
        const bool is_quoted = str_starts(line, S("\"")) || str_starts(line, S("'"));
        line = str_sub(line, is_quoted ? 1 : 0, line.len);
        const struct str behind = str_sub(line, strlen(word) + (is_quoted ? 1 : 0), 1);
        if (str_starts(line, str_of(word)) && str_eq(behind, S(":"))) {
            return true;
        }
    }
    return false;
}

enum kind { KIND_COLLECTOR, KIND_OWN, KIND_UNTOLD };

static enum kind kind_of(struct arena *a, struct str file, struct str text)
{
    static const char *const words[] = {"source", "schedule", "metric", "collector"};
    const bool is_flow = str_starts(str_trim(text), S("{"));
    struct problems unread = {.arena = a}, unsaid = {.arena = a};
    struct yaml tree;
    const bool is_tree = is_flow && yaml_read_foreign(a, file, text, &tree, &unread, &unsaid);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_tree ? yaml_find(&tree, str_of(words[i])) != NULL : has_top(text, words[i])) {
            return KIND_COLLECTOR;
        }
    }
    for (const struct option *o = config_options; o->name; o++) {
        if (is_tree ? yaml_find(&tree, str_of(o->name)) != NULL : has_top(text, o->name)) {
            return KIND_OWN;
        }
    }
    return KIND_UNTOLD;
}

static struct place place_at(struct str file, struct str text, size_t byte)
{
    struct place at = {file, 1, 1};
    for (size_t i = 0; i < byte && i < text.len; i++) {
        at.column = text.at[i] == '\n' ? 1 : at.column + 1;
        at.line += text.at[i] == '\n';
    }
    return at;
}

/* A template outside of quotes is no YAML: dialect A rendered the whole file before it was read. */
static bool read_collector(const struct files_trees *t, struct str file, struct str text,
                           struct yaml *out)
{
    struct problems wrong = {.arena = t->arena}, said = {.arena = t->arena};
    struct failure f;
    bool has_dot = false;
    if (yaml_read_foreign(t->arena, file, text, out, &wrong, t->notes) && wrong.lines.n == 0) {
        return true;
    }
    const struct str whole = text;
    if (template_is_needed(text) &&
        template_load(t->arena, whole, TEMPLATE_PLAIN, &text, &has_dot, &f) != OK) {
        problem_add(t->problems, place_at(file, whole, f.record), "%s", f.text);
        return false;
    }
    return yaml_read_foreign(t->arena, file, text, out, t->problems, &said);
}

void files_read_text(struct files_trees *t, struct str file, struct str text, bool is_collector)
{
    struct yaml one;
    if (t->own.place.line == 0) {
        t->own = (struct yaml){.kind = YAML_MAP, .place = {file, 1, 1}};
    }
    if (!is_collector && kind_of(t->arena, file, text) != KIND_COLLECTOR) {
        t->own_n++;
        if (yaml_read(t->arena, file, text, &one, t->problems)) {
            yaml_merge(t->arena, &t->own, &one, t->problems);
        }
        return;
    }
    if (!t->collector) {
        t->collector = arena_array(t->arena, struct yaml, FILES_MAX + 1);
    }
    if (t->collectors_n > FILES_MAX) {
        problem_add(t->problems, (struct place){file, 0, 0},
                    "is one of more than %d collectors: too many", FILES_MAX);
    } else if (read_collector(t, file, text, &one)) {
        t->collector[t->collectors_n++] = one;
    }
}

static bool read_text(struct files_trees *t, struct arena *a, struct str file, struct str *text)
{
    struct failure f;
    if (file_read(a, arena_cstr(a, file), FILE_BYTES_MAX, text, &f) == OK) {
        return true;
    }
    problem_add(t->problems, (struct place){{NULL, 0}, 0, 0}, "%s", f.text);
    return false;
}

static void read_file(struct files_trees *t, struct str file, bool is_collector)
{
    struct problems *const all = t->problems;
    struct problems wrong = {.arena = t->arena};
    struct str text;
    const bool may_leave = is_collector && files_may_leave(t, file);
    t->problems = may_leave ? &wrong : all;
    if (read_text(t, t->arena, file, &text)) {
        files_read_text(t, file, text, is_collector);
    }
    t->problems = all;
    if (wrong.lines.n > 0) {
        files_leave(t, file, files_stem(file), &wrong);
    }
}

/* Of one of many, as far as can be told. */
static enum kind look(struct files_trees *t, struct str file)
{
    struct problems *const all = t->problems;
    struct arena scratch;
    struct str text;
    arena_init(&scratch, LOOK_ARENA_BYTES_MAX);
    struct problems ignored = {.arena = &scratch}; /* whoever reads it tells */
    t->problems = &ignored;
    const enum kind is = read_text(t, &scratch, file, &text) ? kind_of(&scratch, file, text)
                                                             : KIND_UNTOLD;
    t->problems = all;
    arena_close(&scratch);
    return is;
}

/* The program of dialect A read every file of its folder. */
static void note_passed_over(struct files_trees *t, const struct str_list *folders)
{
    for (size_t i = 0; i < folders->n && t->is_whole; i++) {
        glob_t found = {0};
        const struct str pattern = arena_printf(t->arena, "%.*s/*", STR_ARG(folders->at[i]));
        const int result = glob(pattern.at, 0, NULL, &found);
        for (size_t k = 0; result == 0 && k < found.gl_pathc; k++) {
            const struct str file = arena_str(t->arena, str_of(found.gl_pathv[k]));
            struct stat st;
            if (!str_ends(file, S(".yaml")) && !str_ends(file, S(".yml")) &&
                stat(found.gl_pathv[k], &st) == 0 && S_ISREG(st.st_mode) &&
                look(t, file) == KIND_COLLECTOR) {
                problem_add(t->notes, (struct place){file, 0, 0},
                            "is passed over: of a folder weir reads *.yaml and *.yml, where the "
                            "original read every file; call it so, or name it with -c");
            }
        }
        globfree(&found);
    }
}

void files_read(struct files_trees *t)
{
    const struct files_found *const found = &t->found;
    bool *const is_late = arena_array(t->arena, bool, found->all.n);
    t->own = (struct yaml){.kind = YAML_MAP, .place = {found->all.at[0], 1, 1}};
    for (size_t i = 0; i < found->all.n; i++) {
        const enum kind is = found->is_among[i] ? look(t, found->all.at[i]) : KIND_OWN;
        is_late[i] = is == KIND_UNTOLD;
        if (!is_late[i]) {
            read_file(t, found->all.at[i], is == KIND_COLLECTOR);
        }
    }
    for (size_t i = 0; i < found->all.n; i++) {
        if (is_late[i]) {
            read_file(t, found->all.at[i], t->own_n == 0 && t->collectors_n + t->left_n > 0);
        }
    }
    note_passed_over(t, &found->folders);
}

bool files_may_leave(const struct files_trees *t, struct str file)
{
    for (size_t i = 0; i < t->found.all.n && !t->is_whole; i++) {
        if (str_eq(t->found.all.at[i], file)) {
            return t->found.is_among[i];
        }
    }
    return false;
}

void files_leave(struct files_trees *t, struct str file, struct str name,
                 const struct problems *wrong)
{
    if (!t->left) {
        t->left = arena_array(t->arena, struct collector_left, FILES_MAX + 1);
    }
    if (t->left_n <= FILES_MAX) {
        t->left[t->left_n++] = (struct collector_left){file, name, wrong->lines};
    }
}

struct str files_without_ending(struct str path)
{
    const size_t end = str_ends(path, S(".yaml")) ? 5 : str_ends(path, S(".yml")) ? 4 : 0;
    return str_sub(path, 0, path.len - end);
}

struct str files_stem(struct str path)
{
    return files_without_ending(files_base(path));
}

/* One path of `collectors`: a file, a folder or a glob. */
static void read_path(struct files_trees *t, const struct yaml *path)
{
    struct str expanded;
    struct failure f;
    if (path->kind != YAML_TEXT || path->is_empty) {
        problem_add(t->problems, path->place,
                    "collectors wants a path, a list of paths, or sections");
        return;
    }
    if (!expand(t->arena, path->text, path->place, &expanded, t->problems)) {
        return;
    }
    struct str one = file_beside(t->arena, path->place.file, expanded);
    const struct str_list places = {&one, 1};
    struct files_found found;
    if (files_find(t->arena, &places, &found, &f) != OK) {
        problem_add(t->problems, path->place, "collectors: %s", f.text);
        return;
    }
    for (size_t i = 0; i < found.all.n; i++) {
        if (add(t->arena, &t->found, found.all.at[i], found.is_among[i])) {
            read_file(t, found.all.at[i], true);
        }
    }
    note_passed_over(t, &found.folders);
}

void files_read_collectors(struct files_trees *t, const struct yaml *paths)
{
    for (size_t i = 0; paths->kind == YAML_LIST && i < paths->n; i++) {
        read_path(t, &paths->entry[i].value);
    }
    if (paths->kind != YAML_LIST) {
        read_path(t, paths);
    }
}
