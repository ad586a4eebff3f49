#include "config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

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

static void add(struct arena *a, struct str_list *list, struct str path)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->at[i], path)) {
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

void files_read(struct arena *a, const struct str_list *files, struct yaml *out, struct problems *p)
{
    *out = (struct yaml){.kind = YAML_MAP, .place = {files->at[0], 1, 1}};
    for (size_t i = 0; i < files->n; i++) {
        struct failure f;
        struct str text;
        struct yaml one;
        if (file_read(a, arena_cstr(a, files->at[i]), FILE_BYTES_MAX, &text, &f) != OK) {
            problem_add(p, (struct place){{NULL, 0}, 0, 0}, "%s", f.text);
        } else if (yaml_read(a, files->at[i], text, &one, p)) {
            yaml_merge(a, out, &one, p);
        }
    }
}
