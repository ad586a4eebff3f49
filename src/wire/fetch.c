#include "wire/fetch.h"

#include <curl/curl.h>

#include "base/asked.h"
#include "base/buf.h"
#include "base/clock.h"

enum { CONNECT_MS = 20 * 1000, REDIRECTS_MAX = 5, SHOWN_BYTES_MAX = 200, HEADER_BYTES_MAX = 8192 };

struct fetching {
    struct arena *arena;
    struct buf body;
    struct fetch_answer *out;
    char error[CURL_ERROR_SIZE];
};

/* ---- what comes back ---- */

static size_t take_body(char *at, size_t size, size_t n, void *to)
{
    struct fetching *const w = to;
    buf_add(&w->body, (struct str){at, size * n});
    return buf_is_over(&w->body) ? 0 : size * n;
}

/* Cut at the first `separator` that stands outside of a quoted text (RFC 9110, section 5.6.4). */
static struct str cut_unquoted(struct str text, char separator, struct str *rest)
{
    size_t i = 0;
    for (bool is_quoted = false; i < text.len && (is_quoted || text.at[i] != separator); i++) {
        is_quoted ^= text.at[i] == '"';
        i += is_quoted && text.at[i] == '\\';
    }
    *rest = str_sub(text, i + 1, text.len);
    return str_sub(text, 0, i);
}

/* `next` is one of the words of a rel: RFC 8288, section 3.3. */
static bool is_next(struct str parameter)
{
    struct str value;
    const struct str name = str_trim(str_cut(parameter, '=', &value));
    value = str_trim(value);
    if (value.len >= 2 && value.at[0] == '"') {
        value = str_sub(value, 1, value.len - 2);
    }
    while (str_eq_nocase(name, S("rel")) && value.len > 0) {
        if (str_eq_nocase(str_cut(value, ' ', &value), S("next"))) {
            return true;
        }
    }
    return false;
}

/* The target of `<URL>; rel="next"` among several by comma. */
static struct str next_of(struct str links)
{
    while (links.len > 0) {
        struct str rest;
        (void)str_cut(links, '<', &links);
        const struct str target = str_cut(links, '>', &rest);
        struct str parameters = cut_unquoted(rest, ',', &links);
        while (parameters.len > 0) {
            if (is_next(cut_unquoted(parameters, ';', &parameters))) {
                return target;
            }
        }
    }
    return S("");
}

static size_t take_header(char *at, size_t size, size_t n, void *to)
{
    struct fetching *const w = to;
    struct str value, line = {at, size * n};
    while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) {
        line.len--;
    }
    const struct str name = str_cut(line, ':', &value);
    if (str_eq_nocase(name, S("link")) && value.len <= HEADER_BYTES_MAX && w->out->next.len == 0) {
        w->out->next = arena_str(w->arena, next_of(value));
    }
    return size * n;
}

static int look(void *unused, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)unused;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return asked_to_stop();
}

/* ---- the request ---- */

/* Scheme, host and path: no user, no password, no query. */
static struct str shown(struct str url)
{
    const size_t end = str_find(url, '?');
    url = str_sub(url, 0, end);
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] == '@') {
            return str_sub(url, i + 1, url.len);
        }
    }
    return url;
}

static bool set_up(CURL *easy, const struct fetch_request *r, struct fetching *w,
                   struct curl_slist *headers)
{
    const char *const method = arena_cstr(w->arena, r->method);
    return curl_easy_setopt(easy, CURLOPT_URL, arena_cstr(w->arena, r->url)) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)r->time_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, w->error) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, w) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, w) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           (r->body.len == 0 ||
            (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len) ==
                 CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, r->body.at) == CURLE_OK)) &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static enum outcome tell(const struct fetch_request *r, const struct fetching *w, CURLcode code,
                         struct failure *f)
{
    const struct str url = shown(r->url);
    const bool is_wrong = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                          code == CURLE_PEER_FAILED_VERIFICATION ||
                          code == CURLE_SSL_CACERT_BADFILE;
    if (asked_to_stop()) {
        return failed(f, RETRY, "asked to stop");
    }
    if (buf_is_over(&w->body)) {
        return failed(f, REJECT, "%.*s: the answer is larger than %zu bytes", STR_ARG(url),
                      r->body_bytes_max);
    }
    return failed(f, is_wrong ? STOP : RETRY, "%.*s: %s", STR_ARG(url),
                  w->error[0] ? w->error : curl_easy_strerror(code));
}

static enum outcome perform(CURL *easy, const struct fetch_request *r, struct fetching *w,
                            struct failure *f)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    const char *url = NULL, *type = NULL;
    for (size_t i = 0; i < r->fields_n; i++) {
        const struct fetch_field *const field = &r->field[i];
        headers = curl_slist_append(
            headers,
            arena_printf(w->arena, "%.*s: %.*s", STR_ARG(field->name), STR_ARG(field->value)).at);
    }
    const CURLcode code = set_up(easy, r, w, headers) ? curl_easy_perform(easy)
                                                      : CURLE_URL_MALFORMAT;
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return tell(r, w, code, f);
    }
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &w->out->status);
    (void)curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    (void)curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    w->out->url = arena_str(w->arena, str_of(url));
    w->out->type = arena_str(w->arena, str_of(type));
    w->out->body = buf_str(&w->body);
    return OK;
}

/* Where the answer sends on to, or NULL. */
static const char *redirection(CURL *easy, const struct fetch_answer *answer)
{
    char *url = NULL; /* libcurl's, absolute */
    const bool is = answer->status >= 301 && answer->status <= 308 && answer->status != 304 &&
                    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &url) == CURLE_OK;
    return is ? url : NULL;
}

/* Follow it with all that the request holds, so only at the same server: libcurl itself would take
 * a token in a header of its own along to any other. */
static enum outcome follow(struct fetching *w, struct fetch_request *r, const char *to,
                           struct failure *f)
{
    const struct str from = shown(r->url);
    const long status = w->out->status;
    struct failure why;
    struct str next;
    if (fetch_beside(w->arena, r->url, str_of(to), &next, &why) != OK) {
        const struct str where = shown(str_of(to));
        return failed(f, STOP,
                      "%.*s answers HTTP %ld, a redirection to another server, which the request "
                      "is not meant for: give that address, %.*s, if it is the right one",
                      STR_ARG(from), status, STR_ARG(where));
    }
    r->url = next;
    if (status == 303) { /* RFC 9110, section 15.4.4 */
        r->method = S("GET");
        r->body = S("");
    }
    *w->out = (struct fetch_answer){0};
    buf_reset(&w->body);
    return OK;
}

/* One answer after the other, in the time that there is for all of them. */
static enum outcome perform_all(CURL *easy, struct fetch_request *r, struct fetching *w,
                                struct failure *f)
{
    const int64_t until_us = clock_mono_us() + r->time_ms * 1000;
    const struct str first = shown(r->url);
    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        enum outcome result = perform(easy, r, w, f);
        const char *const to = result == OK ? redirection(easy, w->out) : NULL;
        if (!to) {
            return result;
        }
        result = follow(w, r, to, f);
        if (result != OK) {
            return result;
        }
        const int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        r->time_ms = left_ms > 0 ? left_ms : 1;
        curl_easy_reset(easy);
    }
    return failed(f, STOP, "%.*s: more than %d redirections", STR_ARG(first), REDIRECTS_MAX);
}

enum outcome fetch(struct arena *a, const struct fetch_request *r, struct fetch_answer *out,
                   struct failure *f)
{
    struct fetching w = {.arena = a, .out = out};
    struct fetch_request at = *r;
    *out = (struct fetch_answer){0};
    buf_init(&w.body, a, r->body_bytes_max);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return failed(f, RETRY, "libcurl cannot be made ready");
    }
    CURL *const easy = curl_easy_init();
    const enum outcome result = easy ? perform_all(easy, &at, &w, f)
                                     : failed(f, RETRY, "no memory for libcurl");
    curl_easy_cleanup(easy);
    curl_global_cleanup();
    return result;
}

enum outcome fetch_status(const struct fetch_request *r, const struct fetch_answer *answer,
                          struct failure *f)
{
    const long s = answer->status;
    const bool is_busy = s == 408 || s == 425 || s == 429 || s >= 500;
    const bool is_refused = s == 401 || s == 403 || s == 404 || s == 405;
    if (s >= 200 && s < 300) {
        return OK;
    }
    const struct str url = shown(r->url);
    return failed(f,
                  is_busy      ? RETRY
                  : is_refused ? STOP
                               : REJECT,
                  "%.*s answers HTTP %ld: %s", STR_ARG(url), s,
                  str_shown(answer->body, SHOWN_BYTES_MAX).text);
}

struct str fetch_escape(struct arena *a, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] = "-._~";
    char *const to = arena_array(a, char, 3 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        const unsigned char lower = c | 0x20;
        if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
            (c && strchr(plain, (char)c))) {
            to[len++] = (char)c;
        } else {
            to[len++] = '%';
            to[len++] = digits[c >> 4];
            to[len++] = digits[c & 15];
        }
    }
    return (struct str){to, len};
}

static bool is_same(CURLU *x, CURLU *y, CURLUPart part, unsigned flags)
{
    char *in_x = NULL, *in_y = NULL;
    const bool is = curl_url_get(x, part, &in_x, flags) == CURLUE_OK &&
                    curl_url_get(y, part, &in_y, flags) == CURLUE_OK &&
                    str_eq_nocase(str_of(in_x), str_of(in_y));
    curl_free(in_x);
    curl_free(in_y);
    return is;
}

enum outcome fetch_beside(struct arena *a, struct str url, struct str target, struct str *out,
                          struct failure *f)
{
    char *whole = NULL;
    enum outcome result = OK;
    CURLU *const base = curl_url(), *const next = curl_url();
    if (!base || !next || curl_url_set(base, CURLUPART_URL, arena_cstr(a, url), 0) != CURLUE_OK ||
        curl_url_set(next, CURLUPART_URL, arena_cstr(a, url), 0) != CURLUE_OK ||
        curl_url_set(next, CURLUPART_URL, arena_cstr(a, target), 0) != CURLUE_OK ||
        curl_url_get(next, CURLUPART_URL, &whole, 0) != CURLUE_OK) {
        result = failed(f, REJECT, "the next page has no address: %.*s", STR_ARG(target));
    } else if (!is_same(base, next, CURLUPART_SCHEME, 0) ||
               !is_same(base, next, CURLUPART_HOST, 0) ||
               !is_same(base, next, CURLUPART_PORT, CURLU_DEFAULT_PORT)) {
        const struct str where = shown(target);
        result = failed(f, REJECT, "the next page is at another server: %.*s", STR_ARG(where));
    } else {
        *out = arena_str(a, str_of(whole));
    }
    curl_free(whole);
    curl_url_cleanup(base);
    curl_url_cleanup(next);
    return result;
}
