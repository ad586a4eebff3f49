#include "wire/postgres.h"

#include <arpa/inet.h>
#include <string.h>

enum { PORT_MAX = 65535 };

enum outcome postgres_outcome(const struct postgres_class *classes, const char *state)
{
    if (!state || !*state) {
        return RETRY;
    }
    while (strncmp(state, classes->begin, strlen(classes->begin)) != 0) {
        classes++;
    }
    return classes->outcome;
}

struct str postgres_first_line(const char *text)
{
    struct str rest;
    return str_trim(str_cut(str_of(text), '\n', &rest));
}

/* ---- what it says ---- */

/* Where the server's words begin in a line of libpq's; its length: nowhere. */
static size_t server_from(struct str line)
{
    static const struct str begin[] = {STR("FATAL:  "), STR("ERROR:  ")};
    for (size_t i = 0; i < line.len; i++) {
        const struct str rest = str_sub(line, i, line.len);
        if (str_starts(rest, begin[0]) || str_starts(rest, begin[1])) {
            return i;
        }
    }
    return line.len;
}

/* Where it was tried: the host of the URI, which was checked, its socket, or an address. */
static bool is_place(const PGconn *c, struct str quoted)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    const char *const named = PQhost(c);
    const struct str host = str_of(named ? named : "");
    if (host.len > 0 && (str_eq(quoted, host) || (host.at[0] == '/' && str_starts(quoted, host)))) {
        return true;
    }
    if (quoted.len >= sizeof text) {
        return false;
    }
    memcpy(text, quoted.at, quoted.len);
    text[quoted.len] = '\0';
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static size_t put(char *out, size_t at, struct str text)
{
    const size_t room = POSTGRES_TEXT_BYTES - at;
    const size_t n = text.len < room ? text.len : room;
    memcpy(out + at, text.at, n);
    return at + n;
}

struct str postgres_says(const PGconn *c, char out[POSTGRES_TEXT_BYTES])
{
    const struct str line = postgres_first_line(PQerrorMessage(c));
    const size_t server = server_from(line);
    struct str own = str_sub(line, 0, server);
    size_t n = 0;
    while (own.len > 0) {
        const size_t begin = str_find(own, '"');
        const struct str behind = str_sub(own, begin + 1, own.len);
        const size_t end = str_find(behind, '"');
        const struct str quoted = str_sub(behind, 0, end);
        n = put(out, n, str_sub(own, 0, begin));
        if (begin < own.len) {
            n = put(out, n, S("\""));
            n = put(out, n, is_place(c, quoted) ? quoted : S("…"));
            n = put(out, n, S("\""));
        }
        own = str_sub(behind, end + 1, behind.len);
    }
    return (struct str){out, put(out, n, str_sub(line, server, line.len))};
}

/* ---- the URI ---- */

/* An `@` of the password ends it too early, and a `/` ends user and password as a whole: what is
 * left of it stands behind, and ends in another `@`. */
static bool is_cut_short(const char *uri)
{
    const struct str text = str_of(uri);
    const size_t scheme = str_starts(text, S("postgresql://")) ? sizeof "postgresql://" - 1
                          : str_starts(text, S("postgres://")) ? sizeof "postgres://" - 1
                                                               : text.len; /* key = value */
    const struct str all = str_sub(text, scheme, text.len);
    const size_t at = str_find(all, '@'), slash = str_find(all, '/');
    const struct str behind = str_sub(all, (at < slash ? at : slash) + 1, all.len);
    return str_find(behind, '@') < str_find(behind, '?');
}

/* One, or one a host, of which each may be left out. */
static bool are_ports(struct str list)
{
    for (bool is_more = true; is_more;) {
        uint64_t port = 0;
        const size_t comma = str_find(list, ',');
        const struct str one = str_trim(str_sub(list, 0, comma));
        if (one.len > 0 && (!str_to_u64(one, &port) || port == 0 || port > PORT_MAX)) {
            return false;
        }
        is_more = comma < list.len;
        list = str_sub(list, comma + 1, list.len);
    }
    return true;
}

static enum outcome check_parts(const PQconninfoOption *part, struct failure *f)
{
    for (; part->keyword; part++) {
        const struct str value = str_of(part->val ? part->val : "");
        if (strcmp(part->keyword, "port") == 0 && !are_ports(value)) {
            return failed(f, STOP,
                          "uri: its port is no number from 1 to %d; a `/` of the password is "
                          "written %%2F",
                          PORT_MAX);
        }
        if (strcmp(part->keyword, "host") == 0 && str_find(value, '@') < value.len) {
            return failed(f, STOP,
                          "uri: its host has an `@`; an `@` of user or password is written %%40");
        }
    }
    return OK;
}

enum outcome postgres_check_uri(const char *uri, struct failure *f)
{
    char *why = NULL;
    PQconninfoOption *const parts = PQconninfoParse(uri, &why);
    if (!parts) { /* it repeats the URI, password and all: only what stands before the quotation */
        const struct str text = str_of(why ? why : "out of memory");
        (void)failed(f, STOP, "uri: libpq cannot read it: %.*s…", (int)str_find(text, '"'),
                     text.at);
        PQfreemem(why);
        return STOP;
    }
    enum outcome result = check_parts(parts, f);
    PQconninfoFree(parts);
    if (result == OK && is_cut_short(uri)) {
        result = failed(f, STOP,
                        "uri: an `@` stands behind the host, or there are two; an `@` of user, "
                        "password or database is written %%40, a `/` of the password %%2F");
    }
    return result;
}
