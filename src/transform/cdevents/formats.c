#include "transform/cdevents/formats.h"

#include <arpa/inet.h>

#include "base/buf.h"

/* The five parts of RFC 3986 section 3, split but not yet checked. */
struct uri {
    struct str scheme, authority, path, query, fragment;
    bool has_scheme, has_authority, has_query, has_fragment;
};

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_unreserved(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static bool is_one_of(char c, struct str set)
{
    return str_find(set, c) < set.len;
}

/* Only unreserved characters, sub-delims, percent-encoded bytes, and those of `more`. */
static bool is_made_of(struct str s, struct str more)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.at[i];
        if (c == '%') {
            if (s.len - i < 3 || !is_hex(s.at[i + 1]) || !is_hex(s.at[i + 2])) {
                return false;
            }
            i += 2;
        } else if (!is_unreserved(c) && !is_one_of(c, S("!$&'()*+,;=")) && !is_one_of(c, more)) {
            return false;
        }
    }
    return true;
}

static bool is_scheme(struct str s)
{
    if (s.len == 0 || !is_alpha(s.at[0])) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        if (!is_alpha(s.at[i]) && !is_digit(s.at[i]) && !is_one_of(s.at[i], S("+-."))) {
            return false;
        }
    }
    return true;
}

/* What stands between the brackets: RFC 3986 section 3.2.2, IPv6address or IPvFuture. */
static bool is_ip_literal(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr unused;
    if (s.len > 0 && (s.at[0] == 'v' || s.at[0] == 'V')) {
        struct str address;
        const struct str version = str_cut(str_sub(s, 1, s.len), '.', &address);
        for (size_t i = 0; i < version.len; i++) {
            if (!is_hex(version.at[i])) {
                return false;
            }
        }
        return version.len > 0 && address.len > 0 && is_made_of(address, S(":")) &&
               str_find(address, '%') == address.len;
    }
    if (s.len >= sizeof text || str_find(s, '\0') < s.len) {
        return false;
    }
    memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &unused) == 1;
}

static bool is_authority(struct str s)
{
    struct str host = s;
    const size_t at = str_find(s, '@');
    if (at < s.len) {
        if (!is_made_of(str_sub(s, 0, at), S(":"))) {
            return false;
        }
        host = str_sub(s, at + 1, s.len);
    }
    struct str port = {NULL, 0};
    if (host.len > 0 && host.at[0] == '[') {
        const size_t end = str_find(host, ']');
        if (end == host.len || !is_ip_literal(str_sub(host, 1, end - 1))) {
            return false;
        }
        port = str_sub(host, end + 1, host.len);
        if (port.len > 0 && port.at[0] != ':') {
            return false;
        }
        port = str_sub(port, 1, port.len);
    } else {
        host = str_cut(host, ':', &port);
        if (!is_made_of(host, S(""))) {
            return false;
        }
    }
    for (size_t i = 0; i < port.len; i++) {
        if (!is_digit(port.at[i])) {
            return false;
        }
    }
    return true;
}

/* RFC 3986 appendix B, without the regular expression. */
static struct uri split(struct str s)
{
    struct uri u = {.has_fragment = str_find(s, '#') < s.len};
    s = str_cut(s, '#', &u.fragment);
    u.has_query = str_find(s, '?') < s.len;
    s = str_cut(s, '?', &u.query);
    const size_t colon = str_find(s, ':');
    if (colon < s.len && is_scheme(str_sub(s, 0, colon))) {
        u.has_scheme = true;
        u.scheme = str_sub(s, 0, colon);
        s = str_sub(s, colon + 1, s.len);
    }
    if (str_starts(s, S("//"))) {
        u.has_authority = true;
        s = str_sub(s, 2, s.len);
        const size_t slash = str_find(s, '/');
        u.authority = str_sub(s, 0, slash);
        s = str_sub(s, slash, s.len);
    }
    u.path = s;
    return u;
}

static bool is_legal(const struct uri *u)
{
    const struct str first = str_sub(u->path, 0, str_find(u->path, '/'));
    return is_authority(u->authority) && is_made_of(u->path, S(":@/")) &&
           is_made_of(u->query, S(":@/?")) && is_made_of(u->fragment, S(":@/?")) &&
           (u->has_scheme || u->has_authority || str_find(first, ':') == first.len);
}

bool is_uri(struct str text)
{
    const struct uri u = split(text);
    return u.has_scheme && is_legal(&u);
}

bool is_uri_reference(struct str text)
{
    const struct uri u = split(text);
    return is_legal(&u);
}

/* RFC 3986 section 5.2.4 on an absolute path (or an empty one), segment by segment. */
static void add_without_dots(struct buf *out, struct str path)
{
    const size_t start = out->len;
    struct str rest = str_sub(path, path.len > 0 && path.at[0] == '/', path.len);
    bool is_last = path.len == 0;
    while (!is_last) {
        is_last = str_find(rest, '/') == rest.len;
        const struct str segment = str_cut(rest, '/', &rest);
        const bool is_up = str_eq(segment, S(".."));
        if (is_up) {
            while (out->len > start && out->at[--out->len] != '/') {
            }
        }
        if (!is_up && !str_eq(segment, S("."))) {
            buf_add_byte(out, '/');
            buf_add(out, segment);
        } else if (is_last) {
            buf_add_byte(out, '/');
        }
    }
}

/* Section 5.2.3: all of the base's path but what follows its last slash, then the reference's. */
static struct str merged(struct arena *a, const struct uri *base, struct str path)
{
    size_t kept = base->path.len;
    while (kept > 0 && base->path.at[kept - 1] != '/') {
        kept--;
    }
    const struct str before = base->has_authority && base->path.len == 0
                                  ? S("/")
                                  : str_sub(base->path, 0, kept);
    return arena_printf(a, "%.*s%.*s", STR_ARG(before), STR_ARG(path));
}

struct str uri_resolve(struct arena *a, struct str base, struct str reference)
{
    if (!is_uri(base) || !is_uri_reference(reference)) {
        return (struct str){NULL, 0};
    }
    const struct uri b = split(base);
    const struct uri r = split(reference);
    if (r.has_scheme) {
        return reference;
    }
    const bool is_same_path = !r.has_authority && r.path.len == 0;
    const struct uri *const host = r.has_authority ? &r : &b;
    const struct str path = is_same_path                                    ? b.path
                            : r.has_authority || str_starts(r.path, S("/")) ? r.path
                                                                            : merged(a, &b, r.path);
    const struct uri *const asks = is_same_path && !r.has_query ? &b : &r;
    struct buf out;
    buf_init(&out, a, base.len + reference.len + 8);
    buf_add(&out, b.scheme);
    buf_add_byte(&out, ':');
    if (host->has_authority) {
        buf_add(&out, S("//"));
        buf_add(&out, host->authority);
    }
    if (is_same_path || !(host->has_authority || str_starts(path, S("/")))) {
        buf_add(&out, path);
    } else {
        add_without_dots(&out, path);
    }
    if (asks->has_query) {
        buf_add_byte(&out, '?');
        buf_add(&out, asks->query);
    }
    if (r.has_fragment) {
        buf_add_byte(&out, '#');
        buf_add(&out, r.fragment);
    }
    /* `/.//x` resolved leaves a path that would read as an authority: not a URI any more */
    const struct str done = buf_str(&out);
    return !buf_is_over(&out) && split(done).has_authority == host->has_authority && is_uri(done)
               ? done
               : (struct str){NULL, 0};
}

struct str uri_encode(struct arena *a, struct str text)
{
    static const char digit[] = "0123456789ABCDEF";
    struct buf out;
    buf_init(&out, a, 3 * text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        if (is_unreserved(text.at[i])) {
            buf_add_byte(&out, text.at[i]);
        } else {
            const char coded[] = {'%', digit[c >> 4], digit[c & 15]};
            buf_add(&out, (struct str){coded, sizeof coded});
        }
    }
    return buf_str(&out);
}

bool cd_is_custom_kind(struct str text)
{
    struct str subject;
    const struct str tool = str_cut(text, '-', &subject);
    for (size_t i = 0; i < tool.len; i++) {
        if (!is_alpha(tool.at[i]) && !is_digit(tool.at[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < subject.len; i++) {
        if (!is_alpha(subject.at[i])) {
            return false;
        }
    }
    return tool.len > 0 && subject.len > 0;
}

bool cd_is_custom_type(struct str text, bool may_lack_version)
{
    const struct str prefix = S("dev.cdeventsx.");
    struct str rest = str_starts(text, prefix) ? str_sub(text, prefix.len, text.len) : S("");
    if (!cd_is_custom_kind(str_cut(rest, '.', &rest))) {
        return false;
    }
    struct str version;
    const struct str predicate = str_cut(rest, '.', &version);
    for (size_t i = 0; i < predicate.len; i++) {
        if (!is_alpha(predicate.at[i])) {
            return false;
        }
    }
    const bool has_version = version.len == 5 && is_digit(version.at[0]) && version.at[1] == '.' &&
                             is_digit(version.at[2]) && version.at[3] == '.' &&
                             is_digit(version.at[4]);
    const bool lacks_version = rest.len == predicate.len;
    return predicate.len > 0 && (has_version || (lacks_version && may_lack_version));
}
