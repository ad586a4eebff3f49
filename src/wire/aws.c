#include "wire/aws.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static struct str variable(const char *name)
{
    return str_of(getenv(name)); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* Where a file of the profiles is; empty: no home. */
static struct str path_of(struct arena *a, const char *name, const char *in_home)
{
    const struct str own = variable(name), home = variable("HOME");
    return own.len > 0    ? arena_str(a, own)
           : home.len > 0 ? arena_printf(a, "%.*s/.aws/%s", STR_ARG(home), in_home)
                          : S("");
}

/* The value of a key in a section of such a file; empty: it is not there. */
static struct str value_in(struct str text, struct str section, struct str key)
{
    bool is_inside = false;
    while (text.len > 0) {
        struct str value;
        struct str line = str_trim(str_cut(text, '\n', &text));
        if (line.len > 0 && line.at[line.len - 1] == '\r') {
            line = str_trim(str_sub(line, 0, line.len - 1));
        }
        if (str_starts(line, S("["))) {
            is_inside = str_eq(str_trim(str_sub(line, 1, str_find(line, ']') - 1)), section);
        } else if (is_inside && line.len > 0 && line.at[0] != '#' && line.at[0] != ';') {
            const struct str name = str_trim(str_cut(line, '=', &value));
            if (str_eq_nocase(name, key)) {
                return str_trim(value);
            }
        }
    }
    return S("");
}

static enum outcome read_file(struct arena *a, struct str path, struct str *out, struct failure *f)
{
    *out = S("");
    return path.len > 0 && access(path.at, F_OK) == 0
               ? file_read(a, path.at, FILE_BYTES_MAX, out, f)
               : OK;
}

enum outcome aws_identity(struct arena *a, struct aws_identity *out, struct failure *f)
{
    struct str credentials = {0}, config = {0};
    const struct str named = variable("AWS_PROFILE");
    const struct str profile = named.len > 0 ? named : S("default");
    const struct str path = path_of(a, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    *out = (struct aws_identity){.key = variable("AWS_ACCESS_KEY_ID"),
                                 .secret = variable("AWS_SECRET_ACCESS_KEY"),
                                 .token = variable("AWS_SESSION_TOKEN"),
                                 .region = variable("AWS_REGION")};
    enum outcome result = read_file(a, path, &credentials, f);
    if (result == OK) {
        result = read_file(a, path_of(a, "AWS_CONFIG_FILE", "config"), &config, f);
    }
    if (result != OK) {
        return result;
    }
    if (out->key.len == 0 || out->secret.len == 0) {
        out->key = value_in(credentials, profile, S("aws_access_key_id"));
        out->secret = value_in(credentials, profile, S("aws_secret_access_key"));
        out->token = value_in(credentials, profile, S("aws_session_token"));
        if (named.len > 0 && out->key.len == 0) {
            return failed(f, STOP, "AWS_PROFILE is %.*s, and %.*s has no key of it", STR_ARG(named),
                          STR_ARG(path));
        }
    }
    if (out->region.len == 0) {
        out->region = variable("AWS_DEFAULT_REGION");
    }
    if (out->region.len == 0) {
        const bool is_default = str_eq(profile, S("default"));
        const struct str section = is_default ? profile
                                              : arena_printf(a, "profile %.*s", STR_ARG(profile));
        out->region = value_in(config, section, S("region"));
    }
    return OK;
}
