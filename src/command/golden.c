#include "command/golden.h"

#include <stdlib.h>

#include "wire/json.h"

enum { AROUND = 2, LINES_MAX = 3000 };

/* ---- one form ---- */

static void new_line(struct buf *b, unsigned level)
{
    buf_add_byte(b, '\n');
    for (unsigned i = 0; i < level; i++) {
        buf_add(b, S("  "));
    }
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(json_text(*(yyjson_val *const *)a), json_text(*(yyjson_val *const *)b));
}

static void write_at(struct buf *b, yyjson_val *v, unsigned level);

static void write_object(struct buf *b, yyjson_val *object, unsigned level)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    yyjson_val **const keys = arena_array(b->arena, yyjson_val *, yyjson_obj_size(object));
    yyjson_obj_foreach(object, i, n, key, value)
    {
        keys[i] = key;
    }
    qsort((void *)keys, n, sizeof *keys, by_key);
    buf_add_byte(b, '{');
    for (i = 0; i < n; i++) {
        buf_add(b, i > 0 ? S(",") : S(""));
        new_line(b, level + 1);
        buf_add_json(b, json_text(keys[i]));
        buf_add(b, S(": "));
        write_at(b, yyjson_obj_iter_get_val(keys[i]), level + 1);
    }
    if (n > 0) {
        new_line(b, level);
    }
    buf_add_byte(b, '}');
}

static void write_array(struct buf *b, yyjson_val *array, unsigned level)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *one = NULL;
    buf_add_byte(b, '[');
    yyjson_arr_foreach(array, i, n, one)
    {
        buf_add(b, i > 0 ? S(",") : S(""));
        new_line(b, level + 1);
        write_at(b, one, level + 1);
    }
    if (n > 0) {
        new_line(b, level);
    }
    buf_add_byte(b, ']');
}

/* Nested at most JSON_DEPTH_MAX deep (json.h). */
static void write_at(struct buf *b, yyjson_val *v, unsigned level)
{
    if (yyjson_is_obj(v)) {
        write_object(b, v, level);
    } else if (yyjson_is_arr(v)) {
        write_array(b, v, level);
    } else if (yyjson_is_str(v)) {
        buf_add_json(b, json_text(v));
    } else if (yyjson_is_raw(v)) {
        buf_add(b, (struct str){yyjson_get_raw(v), yyjson_get_len(v)});
    } else {
        buf_add(b, yyjson_is_bool(v) ? (yyjson_get_bool(v) ? S("true") : S("false")) : S("null"));
    }
}

void golden_write(struct buf *b, yyjson_val *v)
{
    write_at(b, v, 0);
    buf_add_byte(b, '\n');
}

/* ---- differences ---- */

struct lines {
    struct str *at;
    size_t n;
};

static struct lines lines_of(struct arena *a, struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += text.at[i] == '\n';
    }
    struct lines l = {.at = arena_array(a, struct str, n + 1)};
    for (struct str rest = text; rest.len > 0;) {
        l.at[l.n++] = str_cut(rest, '\n', &rest);
    }
    return l;
}

static void say(struct buf *b, const char *sign, const struct lines *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        buf_printf(b, "  %s %.*s\n", sign, STR_ARG(l->at[i]));
    }
}

/* The longest common lines of two middles, and all others as they go. */
static void say_middle(struct arena *a, struct buf *b, const struct lines *was,
                       const struct lines *is)
{
    const size_t width = is->n + 1;
    unsigned *const common = arena_array(a, unsigned, (was->n + 1) * width);
    for (size_t i = was->n; i-- > 0;) {
        for (size_t k = is->n; k-- > 0;) {
            const unsigned down = common[(i + 1) * width + k];
            const unsigned right = common[i * width + k + 1];
            common[i * width + k] = str_eq(was->at[i], is->at[k])
                                        ? common[(i + 1) * width + k + 1] + 1
                                        : (down > right ? down : right);
        }
    }
    size_t i = 0;
    size_t k = 0;
    while (i < was->n || k < is->n) {
        if (i < was->n && k < is->n && str_eq(was->at[i], is->at[k])) {
            say(b, " ", was, i, i + 1);
            i++;
            k++;
        } else if (k == is->n ||
                   (i < was->n && common[(i + 1) * width + k] >= common[i * width + k + 1])) {
            say(b, "-", was, i, i + 1);
            i++;
        } else {
            say(b, "+", is, k, k + 1);
            k++;
        }
    }
}

void golden_diff(struct arena *a, struct buf *b, struct str wanted, struct str is)
{
    const struct lines old = lines_of(a, wanted);
    const struct lines new = lines_of(a, is);
    size_t before = 0;
    size_t behind = 0;
    while (before < old.n && before < new.n &&str_eq(old.at[before], new.at[before])) {
        before++;
    }
    while (behind < old.n - before &&
           behind <
               new.n - before &&str_eq(old.at[old.n - 1 - behind], new.at[new.n - 1 - behind])) {
        behind++;
    }
    const struct lines was_middle = {old.at + before, old.n - before - behind};
    const struct lines is_middle = {new.at + before, new.n - before - behind};
    say(b, " ", &old, before > AROUND ? before - AROUND : 0, before);
    if (was_middle.n <= LINES_MAX && is_middle.n <= LINES_MAX) {
        say_middle(a, b, &was_middle, &is_middle);
    } else {
        say(b, "-", &was_middle, 0, was_middle.n);
        say(b, "+", &is_middle, 0, is_middle.n);
    }
    const size_t from = old.n - behind;
    say(b, " ", &old, from, from + (behind < AROUND ? behind : AROUND));
}
