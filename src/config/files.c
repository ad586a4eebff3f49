#include "config/files.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

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

static enum outcome find_glob(struct arena *a, const char *pattern, int flags, struct str_list *out,
                              struct failure *f)
{
    glob_t found = {0};
    const int result = glob(pattern, flags, NULL, &found);
    if (result != 0 && result != GLOB_NOMATCH) {
        globfree(&found);
        return failed(f, STOP, "%s: cannot be looked through", pattern);
    }
    out->at = arena_array(a, struct str, found.gl_pathc);
    for (size_t i = 0; i < found.gl_pathc && out->n < FILES_MAX; i++) {
        bool is_folder = false;
        if (is_there(found.gl_pathv[i], &is_folder) && !is_folder) {
            out->at[out->n++] = arena_str(a, str_of(found.gl_pathv[i]));
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
            out->at = arena_array(a, struct str, 1);
            out->at[out->n++] = looked[i];
            return OK;
        }
    }
    return failed(f, STOP,
                  "no configuration: looked for ./weir.yaml, %.*s and /etc/weir/weir.yaml; `weir "
                  "init` writes one, -c FILE names another",
                  STR_ARG(own));
}

enum outcome files_find(struct arena *a, struct str place, struct str_list *out, struct failure *f)
{
    *out = (struct str_list){NULL, 0};
    if (place.len == 0) {
        return find_default(a, out, f);
    }
    const char *const path = arena_cstr(a, place);
    bool is_folder = false;
    if (is_there(path, &is_folder) && !is_folder) {
        out->at = arena_array(a, struct str, 1);
        out->at[out->n++] = place;
        return OK;
    }
    const struct str pattern = is_folder ? arena_printf(a, "%s/*.{yaml,yml}", path)
                                         : arena_printf(a, "%s", path);
    const enum outcome o = find_glob(a, pattern.at, is_folder ? GLOB_BRACE : 0, out, f);
    if (o != OK || out->n > 0) {
        return o;
    }
    if (is_folder) {
        return failed(f, STOP, "%s: no *.yaml or *.yml in this folder; `weir init %s` writes one",
                      path, path);
    }
    return failed(f, STOP, "%s: no such file; `weir init` writes one", path);
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
