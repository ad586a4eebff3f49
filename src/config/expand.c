#include "config/expand.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"

enum {
    FILE_BYTES_MAX = 64 * 1024,  /* a secret or a certificate, no data  */
    VALUE_BYTES_MAX = 128 * 1024 /* one value with all that it expands to */
};

bool expand_is_needed(struct str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.at[i] == '$' && text.at[i + 1] == '{') {
            return true;
        }
    }
    return false;
}

static bool add_file(struct arena *a, struct str name, struct place at, struct buf *to,
                     struct problems *p)
{
    struct failure f;
    struct str bytes;
    const struct str path = file_beside(a, at.file, str_trim(name));
    if (name.len == 0) {
        problem_add(p, at, "${file:} lacks the name of the file");
        return false;
    }
    if (file_read(a, arena_cstr(a, path), FILE_BYTES_MAX, &bytes, &f) != OK) {
        problem_add(p, at, "${file:%.*s}: %s", STR_ARG(name), f.text);
        return false;
    }
    if (str_find(bytes, '\0') < bytes.len) {
        problem_add(p, at, "${file:%.*s}: %.*s holds a zero byte", STR_ARG(name), STR_ARG(path));
        return false;
    }
    buf_add(to, str_chomp(bytes));
    return true;
}

static bool name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.at[i];
        const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

/* What stands between the braces. */
static bool add_one(struct arena *a, struct str inside, struct place at, struct buf *to,
                    struct problems *p)
{
    if (str_starts(inside, S("file:"))) {
        return add_file(a, str_sub(inside, 5, inside.len), at, to, p);
    }
    const size_t colon = str_find(inside, ':');
    const struct str name = str_sub(inside, 0, colon);
    const struct str rest = str_sub(inside, colon, inside.len);
    if (!name_is_valid(name) || (rest.len > 0 && !str_starts(rest, S(":-")))) {
        problem_add(p, at, "${%.*s} is not ${NAME}, ${NAME:-default} or ${file:PATH}",
                    STR_ARG(inside));
        return false;
    }
    if (expand_is_needed(rest)) {
        problem_add(p, at, "${%.*s: a default is plain text, and cannot hold another ${",
                    STR_ARG(inside));
        return false;
    }
    /* one thread; nobody changes the environment */
    const struct str value = str_of(
        getenv(arena_cstr(a, name))); /* NOLINT(concurrency-mt-unsafe) */
    if (value.len > 0 || (value.at && rest.len == 0)) {
        buf_add(to, value);
        return true;
    }
    if (rest.len > 0) {
        buf_add(to, str_sub(rest, 2, rest.len));
        return true;
    }
    problem_add(p, at, "${%.*s}: the environment has no %.*s; export it or write ${%.*s:-default}",
                STR_ARG(name), STR_ARG(name), STR_ARG(name));
    return false;
}

bool expand(struct arena *a, struct str text, struct place at, struct str *out, struct problems *p)
{
    struct buf to;
    buf_init(&to, a, VALUE_BYTES_MAX);
    for (size_t i = 0; i < text.len;) {
        const struct str rest = str_sub(text, i, text.len);
        if (str_starts(rest, S("$${"))) {
            buf_add(&to, S("${"));
            i += 3;
        } else if (str_starts(rest, S("${"))) {
            const size_t end = str_find(rest, '}');
            if (end == rest.len) {
                problem_add(p, at, "${ without its }; $${ stands for the text ${");
                return false;
            }
            if (!add_one(a, str_sub(rest, 2, end - 2), at, &to, p)) {
                return false;
            }
            i += end + 1;
        } else {
            buf_add_byte(&to, rest.at[0]);
            i++;
        }
    }
    if (buf_is_over(&to)) {
        problem_add(p, at, "expands to more than %d bytes", VALUE_BYTES_MAX);
        return false;
    }
    *out = arena_str(a, buf_str(&to));
    return true;
}
