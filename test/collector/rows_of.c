#include "collector/rows_of.h"

static void add(struct rows_of *out, struct str text)
{
    const size_t len = strlen(out->text), room = sizeof out->text - 1 - len;
    if (text.len > 0) {
        memcpy(out->text + len, text.at, text.len < room ? text.len : room);
    }
}

static enum outcome add_row(void *to, const struct cell *cell, size_t n, struct failure *f)
{
    static const char *const marks[] = {"~", "#", "?", "@", ""};
    struct rows_of *const out = to;
    (void)f;
    for (size_t i = 0; i < n && out->n < 20; i++) {
        add(out, cell[i].column);
        add(out, S("="));
        add(out, str_of(marks[cell[i].kind]));
        add(out, cell[i].text);
        add(out, i + 1 < n ? S(",") : S("\n"));
    }
    out->n++;
    return OK;
}

void rows_of(const struct source_driver *driver, const struct source_ask *ask, struct rows_of *out)
{
    *out = (struct rows_of){.n = 0};
    out->outcome = driver->read(ask, &(struct source_to){.row = add_row, .to = out}, &out->why);
}
