#include "persist/lake/made.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

enum { FILE_BYTES_MAX = 1 << 20 };

enum outcome made_read(struct arena *a, struct str data, struct made *out, struct failure *f)
{
    assert(data.len > 0);
    *out = (struct made){.path = arena_printf(a, "%.*s/lake.tables", STR_ARG(data)), .text = S("")};
    return access(out->path.at, F_OK) != 0 && errno == ENOENT
               ? OK
               : file_read(a, out->path.at, FILE_BYTES_MAX, &out->text, f);
}

/* How many lines the table has: of this bus, or of any when it is empty. */
static size_t lines_of(const struct made *m, struct str table, struct str bus_id)
{
    size_t n = 0;
    struct str rest = m->text;
    while (rest.len > 0) {
        struct str bus;
        const struct str line = str_cut(rest, '\n', &rest);
        const struct str name = str_cut(line, ' ', &bus);
        n += str_eq(name, table) && (bus_id.len == 0 || str_eq(bus, bus_id));
    }
    return n;
}

bool made_has(const struct made *m, struct str table, struct str bus_id)
{
    return lines_of(m, table, bus_id) > 0;
}

size_t made_buses(const struct made *m, struct arena *a, struct str table, struct str **out)
{
    size_t n = 0;
    struct str rest = m->text;
    *out = arena_array(a, struct str, lines_of(m, table, S("")));
    while (rest.len > 0) {
        struct str bus;
        const struct str line = str_cut(rest, '\n', &rest);
        if (str_eq(str_cut(line, ' ', &bus), table)) {
            (*out)[n++] = bus;
        }
    }
    return n;
}

bool made_is_known(const struct made *m, struct str table)
{
    return lines_of(m, table, S("")) > 0;
}

void made_id(struct str bus_id, struct str table, char out[MADE_ID_BYTES])
{
    char name[256], hex[32];
    assert(bus_id.len + 1 + table.len <= sizeof name);
    memcpy(name, bus_id.at, bus_id.len);
    name[bus_id.len] = '/';
    memcpy(name + bus_id.len + 1, table.at, table.len);
    hash_128_hex((struct str){name, bus_id.len + 1 + table.len}, hex);
    (void)snprintf(out, MADE_ID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

bool made_is_lost(const struct made *m, const struct delta *log, struct str bus_id, bool has_own,
                  bool has_forgotten)
{
    const size_t own = lines_of(m, log->table, bus_id);
    const size_t all = lines_of(m, log->table, S(""));
    char id[MADE_ID_BYTES];
    made_id(bus_id, log->table, id);
    /* a table of weir's own that says nothing of a lane was made before there was one */
    return log->version < 0 ? all > own || (own > 0 && has_forgotten)
                            : own > 0 && !has_own && has_forgotten && !str_eq(log->id, str_of(id));
}

uint64_t made_from(const struct made *m, const struct delta *log, struct str bus_id, struct str app,
                   uint64_t begin)
{
    const int64_t txn = delta_txn(log, app);
    const uint64_t at = txn < 0 ? 0 : (uint64_t)txn;
    return at < begin && (log->version < 0 || !made_has(m, log->table, bus_id)) ? begin : at;
}

enum outcome made_add(struct made *m, struct arena *a, const struct str *table, size_t n,
                      struct str bus_id, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, FILE_BYTES_MAX);
    buf_add(&b, m->text);
    if (m->text.len > 0 && !str_ends(m->text, S("\n"))) {
        buf_add_byte(&b, '\n');
    }
    const size_t before = b.len;
    for (size_t i = 0; i < n; i++) {
        if (!made_has(m, table[i], bus_id)) {
            buf_printf(&b, "%.*s %.*s\n", STR_ARG(table[i]), STR_ARG(bus_id));
        }
    }
    if (buf_is_over(&b)) {
        return failed(f, STOP, "%.*s is too large: it was not weir that filled it",
                      STR_ARG(m->path));
    }
    m->text = buf_str(&b);
    return b.len == before ? OK : file_replace(m->path.at, m->text, 0600, f);
}
