#include "collector/cells.h"

#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 40 };

static struct cell cell_of(struct arena *a, yyjson_val *key, yyjson_val *value)
{
    struct cell cell = {.column = json_text(key), .kind = CELL_TEXT, .text = json_text(value)};
    if (yyjson_is_null(value)) {
        cell.kind = CELL_NULL;
    } else if (yyjson_is_bool(value)) {
        cell.kind = CELL_BOOL;
        cell.text = yyjson_get_bool(value) ? S("true") : S("false");
    } else if (!yyjson_is_str(value)) {
        cell.kind = yyjson_is_ctn(value) ? CELL_TEXT : CELL_NUMBER;
        cell.text = json_write(a, value);
    }
    return cell;
}

enum outcome cells_of(struct arena *a, yyjson_val *row, struct cell **out, size_t *n,
                      struct failure *f)
{
    size_t i = 0, members = 0;
    yyjson_val *key = NULL, *value = NULL;
    if (!yyjson_is_obj(row)) {
        return failed(f, REJECT, "a row is no JSON object");
    }
    *n = yyjson_obj_size(row);
    *out = arena_array(a, struct cell, *n);
    yyjson_obj_foreach(row, i, members, key, value)
    {
        (*out)[i] = cell_of(a, key, value);
    }
    return OK;
}

struct str cell_time(struct arena *a, struct str text)
{
    char *const to = arena_array(a, char, text.len + sizeof "T00:00:00Z");
    size_t len = text.len;
    if (len < 10 || text.at[4] != '-' || str_ends(text, S("BC"))) {
        return text;
    }
    const struct str midnight = S("T00:00:00");
    memcpy(to, text.at, len);
    if (len == 10) {
        memcpy(to + len, midnight.at, midnight.len);
        len += midnight.len;
    }
    to[10] = 'T';
    len -= len > 3 && to[len - 3] == '+' ? 3 : 0;
    to[len++] = 'Z';
    return (struct str){to, len};
}

struct str cell_real(struct arena *a, double number)
{
    char text[NUMBER_BYTES];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        const double back = strtod(text, NULL);
        if (!(back < number || back > number)) {
            break;
        }
    }
    return arena_str(a, str_of(text));
}

struct str cell_bytes(struct arena *a, struct str bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    char *const to = arena_array(a, char, 2 * bytes.len + 2);
    to[0] = '0';
    to[1] = 'x';
    for (size_t i = 0; i < bytes.len; i++) {
        to[2 + 2 * i] = digits[(unsigned char)bytes.at[i] >> 4];
        to[3 + 2 * i] = digits[bytes.at[i] & 15];
    }
    return (struct str){to, 2 * bytes.len + 2};
}
