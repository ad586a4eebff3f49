/*   source  dev.mysql.com/doc/refman/8.0: Connecting Using URI-Like Connection Strings; RFC 3986 */
#include "collector/mysql_uri.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "config/sources.h"
#include "config/template.h"
#include "wire/percent.h"

enum { PORT = 3306 };

static enum outcome read_mode(struct str value, enum mysql_tls *out, struct failure *f)
{
    static const struct {
        struct str name;
        enum mysql_tls tls;
    } modes[] = {{STR("DISABLED"), MYSQL_TLS_DISABLED},
                 {STR("PREFERRED"), MYSQL_TLS_PREFERRED},
                 {STR("REQUIRED"), MYSQL_TLS_REQUIRED},
                 {STR("VERIFY_IDENTITY"), MYSQL_TLS_VERIFIED}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (str_eq_nocase(value, modes[i].name)) {
            *out = modes[i].tls;
            return OK;
        }
    }
    return failed(f, STOP, "uri: ssl-mode is DISABLED, PREFERRED, REQUIRED or VERIFY_IDENTITY%s",
                  str_eq_nocase(value, S("VERIFY_CA"))
                      ? ": libmariadb verifies the name with the certificate, or neither"
                      : "");
}

static enum outcome read_parameter(struct str name, const char *value, struct mysql_uri *out,
                                   struct failure *f)
{
    const struct {
        struct str name;
        const char **to;
    } texts[] = {{S("ssl-ca"), &out->ca},
                 {S("ssl-capath"), &out->capath},
                 {S("ssl-cert"), &out->certificate},
                 {S("ssl-key"), &out->key},
                 {S("socket"), &out->socket}};
    if (str_eq_nocase(name, S("ssl-mode"))) {
        return read_mode(str_of(value), &out->tls, f);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (str_eq_nocase(name, texts[i].name)) {
            *texts[i].to = value;
            return OK;
        }
    }
    return failed(f, STOP,
                  "uri: parameter %.*s is not known; there are ssl-mode, ssl-ca, ssl-capath, "
                  "ssl-cert, ssl-key and socket",
                  STR_ARG(name));
}

static enum outcome read_parameters(struct arena *a, struct str query, struct mysql_uri *out,
                                    struct failure *f)
{
    enum outcome result = OK;
    while (result == OK && query.len > 0) {
        struct str value;
        const struct str name = str_cut(str_cut(query, '&', &query), '=', &value);
        char *const text = arena_cstr(a, value);
        size_t len = value.len;
        if (!percent_decode(text, &len, false)) {
            return failed(f, STOP, "uri: parameter %.*s has a %% without two digits",
                          STR_ARG(name));
        }
        text[len] = '\0';
        result = read_parameter(name, text, out, f);
    }
    return result;
}

/* A part, decoded; NULL: there is none. false: it cannot be decoded. */
static bool part_of(struct arena *a, CURLU *url, CURLUPart part, const char **out)
{
    char *text = NULL;
    const CURLUcode code = curl_url_get(url, part, &text,
                                        part == CURLUPART_QUERY ? 0 : CURLU_URLDECODE);
    *out = text && *text ? arena_cstr(a, str_of(text)) : NULL;
    curl_free(text);
    return code != CURLUE_URLDECODE && code != CURLUE_OUT_OF_MEMORY;
}

static enum outcome read_parts(struct arena *a, CURLU *url, struct mysql_uri *out,
                               struct failure *f)
{
    const char *port = NULL, *path = NULL, *query = NULL;
    if (!part_of(a, url, CURLUPART_USER, &out->user) ||
        !part_of(a, url, CURLUPART_PASSWORD, &out->password) ||
        !part_of(a, url, CURLUPART_HOST, &out->host) || !part_of(a, url, CURLUPART_PORT, &port) ||
        !part_of(a, url, CURLUPART_PATH, &path) || !part_of(a, url, CURLUPART_QUERY, &query)) {
        return failed(f, STOP, "uri: a part of it is not percent-encoded as it should be");
    }
    out->port = port ? (unsigned)strtoul(port, NULL, 10) : PORT;
    out->database = path && path[1] ? path + 1 : NULL;
    if (out->host && out->host[0] == '[') { /* an IPv6 address */
        out->host = arena_cstr(a, str_sub(str_of(out->host), 1, strlen(out->host) - 2));
    }
    return read_parameters(a, str_of(query), out, f);
}

enum outcome mysql_uri_read(struct arena *a, struct str uri, struct mysql_uri *out,
                            struct failure *f)
{
    CURLU *const url = curl_url();
    *out = (struct mysql_uri){.port = PORT};
    enum outcome result = OK;
    if (!url || curl_url_set(url, CURLUPART_URL, arena_cstr(a, uri), CURLU_NON_SUPPORT_SCHEME) !=
                    CURLUE_OK) {
        result = failed(f, STOP,
                        "uri: it cannot be read; it is mysql://USER:PASSWORD@HOST:3306/DATABASE, "
                        "user and password percent-encoded");
    }
    if (result == OK) {
        result = read_parts(a, url, out, f);
    }
    curl_url_cleanup(url);
    if (result == OK && !out->host) {
        result = failed(f, STOP, "uri: it names no host; mysql://USER:PASSWORD@HOST:3306/DATABASE");
    }
    return result;
}

void mysql_uri_complete(const struct section_check *c, void *options)
{
    const struct str uri = ((const struct mysql_source_options *)options)->uri;
    struct mysql_uri parts;
    struct failure f;
    if (!template_is_needed(uri) && mysql_uri_read(c->s->arena, uri, &parts, &f) != OK) {
        section_wrong(c, "uri", "%s", f.text + strlen("uri"));
    }
}
