#include "agent/media.h"

struct str media_type(struct str content_type)
{
    struct str rest;
    return str_trim(str_cut(content_type, ';', &rest));
}

bool media_is_json(struct str media)
{
    return str_eq_nocase(media, S("application/json")) || str_eq_nocase(media, S("text/json")) ||
           (media.len > 5 && str_eq_nocase(str_sub(media, media.len - 5, 5), S("+json")));
}

bool media_is_utf8(struct str content_type)
{
    struct str rest;
    (void)str_cut(content_type, ';', &rest);
    while (rest.len > 0) {
        struct str value;
        const struct str name = str_trim(str_cut(str_cut(rest, ';', &rest), '=', &value));
        if (!str_eq_nocase(name, S("charset"))) {
            continue;
        }
        value = str_trim(value);
        if (value.len > 1 && value.at[0] == '"') {
            value = str_sub(value, 1, value.len - 2);
        }
        return str_eq_nocase(value, S("utf-8")) || str_eq_nocase(value, S("utf8")) ||
               str_eq_nocase(value, S("us-ascii"));
    }
    return true;
}
