#include "config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/expand.h"
#include "config/template.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, FILES_MAX = 1000 };

static bool is_there(const char *path, bool *is_folder)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return false;
    }
    *is_folder = S_ISDIR(st.st_mode);
    return true;
}

static struct str name_of(struct str path)
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
           (str_eq(name_of(x), name_of(y)) && str_eq(file_real(a, x), file_real(a, y)));
}

static void add(struct arena *a, struct str_list *list, struct str path)
{
    for (size_t i = 0; i < list->n; i++) {
        if (is_same(a, list->at[i], path)) {
            return; /* two places may name one file */
        }
    }
    if (!list->at) {
        list->at = arena_array(a, struct str, FILES_MAX + 1);
    }
    if (list->n <= FILES_MAX) {
        list->at[list->n++] = path;
    }
}

static enum outcome find_glob(struct arena *a, const char *pattern, int flags, struct str_list *out,
                              struct failure *f)
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
            add(a, out, arena_str(a, str_of(found.gl_pathv[i])));
        }
    }
    globfree(&found);
    return OK;
}

static enum outcome find_default(struct arena *a, struct str_list *out, struct failure *f)
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
            add(a, out, looked[i]);
            return OK;
        }
    }
    return failed(f, STOP,
                  "no configuration: looked for ./weir.yaml, %.*s and /etc/weir/weir.yaml; `weir "
                  "init` writes one, -c FILE names another",
                  STR_ARG(own));
}

static enum outcome find_place(struct arena *a, struct str place, struct str_list *out,
                               struct failure *f)
{
    const size_t before = out->n;
    const char *const path = arena_cstr(a, place);
    bool is_folder = false;
    const bool is_found = is_there(path, &is_folder);
    if (is_found && !is_folder) {
        add(a, out, place);
        return OK;
    }
    if ((!is_found && errno == EACCES) ||
        (is_folder && faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)) {
        return failed(f, STOP, "%s: %s; the user that runs weir must be able to read it", path,
                      strerror(EACCES));
    }
    const struct str pattern = is_folder ? arena_printf(a, "%s/*.{yaml,yml}", path)
                                         : arena_printf(a, "%s", path);
    const enum outcome o = find_glob(a, pattern.at, is_folder ? GLOB_BRACE : 0, out, f);
    if (o != OK || out->n > before) {
        return o;
    }
    if (is_folder) {
        return failed(f, STOP, "%s: no *.yaml or *.yml in this folder; `weir init %s` writes one",
                      path, path);
    }
    return failed(f, STOP, "%s: no such file; `weir init` writes one", path);
}

enum outcome files_find(struct arena *a, const struct str_list *places, struct str_list *out,
                        struct failure *f)
{
    *out = (struct str_list){NULL, 0};
    if (places->n == 0) {
        return find_default(a, out, f);
    }
    enum outcome result = OK;
    for (size_t i = 0; i < places->n && result == OK; i++) {
        result = find_place(a, places->at[i], out, f);
    }
    if (out->n > FILES_MAX) {
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

static bool is_of_collector(struct arena *a, struct str file, struct str text)
{
    static const char *const words[] = {"source", "schedule", "metric", "collector"};
    const bool is_flow = str_starts(str_trim(text), S("{"));
    struct problems unread = {.arena = a}, unsaid = {.arena = a};
    struct yaml tree;
    const bool is_tree = is_flow && yaml_read_foreign(a, file, text, &tree, &unread, &unsaid);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_tree ? yaml_find(&tree, str_of(words[i])) != NULL : has_top(text, words[i])) {
            return true;
        }
    }
    return false;
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
    if (!is_collector && !is_of_collector(t->arena, file, text)) {
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

static void read_file(struct files_trees *t, struct str file, bool is_collector)
{
    struct failure f;
    struct str text;
    if (file_read(t->arena, arena_cstr(t->arena, file), FILE_BYTES_MAX, &text, &f) != OK) {
        problem_add(t->problems, (struct place){{NULL, 0}, 0, 0}, "%s", f.text);
    } else {
        files_read_text(t, file, text, is_collector);
    }
}

void files_read(struct files_trees *t, const struct str_list *files)
{
    t->own = (struct yaml){.kind = YAML_MAP, .place = {files->at[0], 1, 1}};
    for (size_t i = 0; i < files->n; i++) {
        read_file(t, files->at[i], false);
    }
}

/* One path of `collectors`: a file, a folder or a glob. */
static void read_path(struct files_trees *t, const struct yaml *path, struct str_list *files)
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
    struct str_list found;
    if (files_find(t->arena, &places, &found, &f) != OK) {
        problem_add(t->problems, path->place, "collectors: %s", f.text);
        return;
    }
    for (size_t i = 0; i < found.n; i++) {
        const size_t before = files->n;
        add(t->arena, files, found.at[i]);
        if (files->n > before) {
            read_file(t, found.at[i], true);
        }
    }
}

void files_read_collectors(struct files_trees *t, const struct yaml *paths, struct str_list *files)
{
    for (size_t i = 0; paths->kind == YAML_LIST && i < paths->n; i++) {
        read_path(t, &paths->entry[i].value, files);
    }
    if (paths->kind != YAML_LIST) {
        read_path(t, paths, files);
    }
}
