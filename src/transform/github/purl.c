/* Purls of what GitHub shows. Source: package-url specification: percent-encoded; names of type
 * github and npm are lower case; qualifiers in order of their names. */
#include "transform/github/github.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct buf *b, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.at[i];
        if (is_unreserved(s.at[i])) {
            buf_add_byte(b, s.at[i]);
        } else {
            const char text[] = {'%', hex[c >> 4], hex[c & 15]};
            buf_add(b, (struct str){text, sizeof text});
        }
    }
}

/* pkg:github/owner/repo@version, and where it is when that is not github.com. */
struct str purl_of_repository(const struct delivery *d, struct str version)
{
    struct buf b;
    buf_init(&b, d->in->arena, SIZE_MAX);
    buf_add(&b, S("pkg:github/"));
    for (size_t i = 0; i < d->name.len; i++) {
        buf_add_byte(&b, lower(d->name.at[i]));
    }
    buf_add_byte(&b, '@');
    add_encoded(&b, version);
    if (!str_eq(d->host, S("https://github.com"))) {
        buf_add(&b, S("?repository_url="));
        add_encoded(&b, d->host);
    }
    return buf_str(&b);
}

/* ---- packages ---- */

/* What a package event shows under `package` or `registry_package`. */
struct shown {
    struct str name, space, version, url, tag;
};

static bool read(struct delivery *d, const char *member, bool is_needed, struct str *out)
{
    const char *const path =
        arena_printf(d->in->arena, "%.*s.%s%s", STR_ARG(d->event), member, is_needed ? "" : "?").at;
    return delivery_text(d, path, out);
}

static void add_lower(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        const char c = lower(s.at[i]);
        add_encoded(b, (struct str){&c, 1});
    }
}

/* `pkg:oci/name@sha256:…?repository_url=ghcr.io/acme&tag=v1` */
static void add_image(struct buf *b, const struct shown *p)
{
    struct str place = p->url;
    while (place.len > 0 && place.at[place.len - 1] != '/') {
        place.len--;
    }
    add_lower(b, p->name);
    buf_add_byte(b, '@');
    add_encoded(b, p->version);
    if (place.len > 1) {
        buf_add(b, S("?repository_url="));
        for (struct str rest = str_sub(place, 0, place.len - 1); rest.len > 0;) {
            add_encoded(b, str_cut(rest, '/', &rest)); /* a slash may stay in a qualifier */
            buf_add(b, rest.len > 0 ? S("/") : S(""));
        }
    }
    if (p->tag.len > 0) {
        buf_add(b, place.len > 1 ? S("&tag=") : S("?tag="));
        add_encoded(b, p->tag);
    }
}

/* `pkg:npm/%40acme/cart@1.0` */
static void add_npm(struct buf *b, const struct shown *p)
{
    struct str rest;
    const struct str owner = str_cut(p->space, '/', &rest);
    if (owner.len > 0) {
        buf_add(b, S("%40"));
        add_lower(b, owner);
        buf_add_byte(b, '/');
    }
    add_lower(b, p->name);
    buf_add_byte(b, '@');
    add_encoded(b, p->version);
}

/* `pkg:maven/com.acme/cart@1.0` of com.acme:cart or com.acme.cart */
static void add_maven(struct buf *b, const struct shown *p)
{
    size_t end = str_find(p->name, ':');
    for (size_t i = p->name.len; end == p->name.len && i > 0; i--) {
        end = p->name.at[i - 1] == '.' ? i - 1 : end;
    }
    if (end < p->name.len) {
        add_encoded(b, str_sub(p->name, 0, end));
        buf_add_byte(b, '/');
        add_encoded(b, str_sub(p->name, end + 1, p->name.len));
    } else {
        add_encoded(b, p->name);
    }
    buf_add_byte(b, '@');
    add_encoded(b, p->version);
}

static void add_plain(struct buf *b, const struct shown *p)
{
    add_encoded(b, p->name);
    buf_add_byte(b, '@');
    add_encoded(b, p->version);
}

bool purl_of_package(struct delivery *d, struct str *out)
{
    static const struct {
        struct str type, purl;
        void (*add)(struct buf *b, const struct shown *p);
    } types[] = {
        {STR("container"), STR("oci"), add_image}, {STR("docker"), STR("oci"), add_image},
        {STR("npm"), STR("npm"), add_npm},         {STR("maven"), STR("maven"), add_maven},
        {STR("nuget"), STR("nuget"), add_plain},   {STR("rubygems"), STR("gem"), add_plain},
        {STR(""), STR("generic"), add_plain},
    };
    struct shown p;
    struct str type;
    struct buf b;
    if (!read(d, "package_type", true, &type) || !read(d, "name", true, &p.name) ||
        !read(d, "namespace", false, &p.space) ||
        !read(d, "package_version.version", true, &p.version) ||
        !read(d, "package_version.package_url", false, &p.url) ||
        !read(d, "package_version.container_metadata.tag.name", false, &p.tag)) {
        return false;
    }
    size_t i = 0;
    while (types[i].type.len > 0 && !str_eq_nocase(types[i].type, type)) {
        i++;
    }
    buf_init(&b, d->in->arena, SIZE_MAX);
    buf_add(&b, S("pkg:"));
    buf_add(&b, types[i].purl);
    buf_add_byte(&b, '/');
    types[i].add(&b, &p);
    *out = buf_str(&b);
    return true;
}
