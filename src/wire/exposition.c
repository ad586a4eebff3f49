#include "wire/exposition.h"

void exposition_add_escaped(struct buf *b, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.at[i];
        if (c == '\\' || c == '"') {
            buf_add_byte(b, '\\');
        }
        if (c == '\n') {
            buf_add(b, S("\\n"));
        } else {
            buf_add_byte(b, c);
        }
    }
}

void exposition_add_label(struct buf *b, struct str name, struct str value)
{
    buf_printf(b, "%.*s=\"", STR_ARG(name));
    exposition_add_escaped(b, value);
    buf_add_byte(b, '"');
}
