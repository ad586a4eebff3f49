#include "wire/upload.h"

#include <curl/curl.h>
#include <openssl/sha.h>

#include "base/asked.h"
#include "base/buf.h"
#include "base/clock.h"

enum {
    CONNECT_MS = 10 * 1000,
    STOP_MS = 5 * 1000, /* for what is on its way when a stop is asked for */
    ANSWER_BYTES_MAX = 16 << 10,
    SHOWN_BYTES_MAX = 200,
    HASH_TEXT_BYTES = 2 * SHA256_DIGEST_LENGTH
};

struct uploader {
    CURL *easy;
    struct curl_slist *headers;
    struct arena *arena; /* of the answer */
    struct buf body;
    struct upload_answer *answer;
    int64_t stop_us; /* when a stop was first seen */
    char error[CURL_ERROR_SIZE];
};

enum outcome uploader_open(struct arena *a, struct uploader **out, struct failure *f)
{
    struct uploader *const u = arena_new(a, struct uploader);
    *out = u;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        u->easy = curl_easy_init();
    }
    return u->easy ? OK : failed(f, RETRY, "no memory for libcurl");
}

void uploader_close(struct uploader *u)
{
    if (u && u->easy) {
        curl_easy_cleanup(u->easy);
        curl_global_cleanup();
        u->easy = NULL;
    }
}

/* ---- what comes back ---- */

static size_t take_body(char *at, size_t size, size_t n, void *to)
{
    struct uploader *const u = to;
    const size_t room = u->body.len_max - u->body.len;
    buf_add(&u->body, str_sub((struct str){at, size * n}, 0, room));
    return size * n;
}

static size_t take_header(char *at, size_t size, size_t n, void *to)
{
    struct uploader *const u = to;
    struct str value, line = {at, size * n};
    while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) {
        line.len--;
    }
    const struct str name = str_cut(line, ':', &value);
    if (str_eq_nocase(name, S("etag"))) {
        u->answer->etag = arena_str(u->arena, str_trim(value));
    }
    return size * n;
}

static int look(void *to, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct uploader *const u = to;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (!asked_to_stop()) {
        return 0;
    }
    u->stop_us = u->stop_us ? u->stop_us : clock_mono_us();
    return clock_mono_us() - u->stop_us > STOP_MS * 1000LL;
}

/* ---- the request ---- */

/* Scheme, host and path: no user, no password, no query. */
static struct str shown(struct str url)
{
    url = str_sub(url, 0, str_find(url, '?'));
    for (size_t i = url.len; i > 0; i--) {
        if (url.at[i - 1] == '@') {
            return str_sub(url, i, url.len);
        }
    }
    return url;
}

/* To curl, `Name;` is a field with nothing in it, and `Name:` one that is left out. */
static void add_header(struct uploader *u, struct str name, struct str value)
{
    const struct str line = arena_printf(u->arena, "%.*s%s%.*s", STR_ARG(name),
                                         value.len > 0 ? ": " : ";", STR_ARG(value));
    u->headers = curl_slist_append(u->headers, line.at);
}

/* curl 7.88 signs what it is told the body's hash is, and sends no such header by itself. */
static bool sign(struct uploader *u, const struct upload_request *r)
{
    const struct upload_aws *const aws = r->aws;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[HASH_TEXT_BYTES + 1];
    (void)SHA256((const unsigned char *)r->body.at, r->body.len, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        text[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    add_header(u, S("x-amz-content-sha256"), (struct str){text, HASH_TEXT_BYTES});
    if (aws->token.len > 0) {
        add_header(u, S("x-amz-security-token"), aws->token);
    }
    const struct str scope = arena_printf(u->arena, "aws:amz:%.*s:%.*s", STR_ARG(aws->region),
                                          STR_ARG(aws->service));
    return curl_easy_setopt(u->easy, CURLOPT_AWS_SIGV4, scope.at) == CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_USERNAME, arena_cstr(u->arena, aws->key)) ==
               CURLE_OK &&
           curl_easy_setopt(u->easy, CURLOPT_PASSWORD, arena_cstr(u->arena, aws->secret)) ==
               CURLE_OK;
}

static bool set_up(struct uploader *u, const struct upload_request *r)
{
    CURL *const easy = u->easy;
    curl_easy_reset(easy); /* keeps the connection */
    const long time_ms = r->time_ms < INT32_MAX ? (long)r->time_ms : INT32_MAX;
    const bool is_set =
        curl_easy_setopt(easy, CURLOPT_URL, arena_cstr(u->arena, r->url)) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, time_ms) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, u->error) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, u) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, u) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, look) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, u) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.at : "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, arena_cstr(u->arena, r->method)) == CURLE_OK;
    const bool is_trust_set = r->ca.len == 0 ||
                              curl_easy_setopt(easy, CURLOPT_CAINFO, arena_cstr(u->arena, r->ca)) ==
                                  CURLE_OK;
    u->headers = curl_slist_append(NULL, "Expect:"); /* no pause for a permission */
    for (size_t i = 0; i < r->fields_n; i++) {
        add_header(u, r->field[i].name, r->field[i].value);
    }
    return is_set && is_trust_set && (!r->aws || sign(u, r)) &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, u->headers) == CURLE_OK;
}

static enum outcome tell(const struct uploader *u, const struct upload_request *r, CURLcode code,
                         struct failure *f)
{
    const struct str url = shown(r->url);
    const bool is_wrong = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
                          code == CURLE_PEER_FAILED_VERIFICATION ||
                          code == CURLE_SSL_CACERT_BADFILE;
    return failed(f, is_wrong ? STOP : RETRY, "%.*s %.*s: %s", STR_ARG(r->method), STR_ARG(url),
                  u->error[0] ? u->error : curl_easy_strerror(code));
}

enum outcome upload(struct uploader *u, struct arena *a, const struct upload_request *r,
                    struct upload_answer *out, struct failure *f)
{
    curl_off_t retry_after_s = 0;
    *out = (struct upload_answer){0};
    u->arena = a;
    u->answer = out;
    u->headers = NULL;
    u->error[0] = 0;
    buf_init(&u->body, a, ANSWER_BYTES_MAX);
    const CURLcode code = set_up(u, r) ? curl_easy_perform(u->easy) : CURLE_URL_MALFORMAT;
    curl_slist_free_all(u->headers);
    u->headers = NULL;
    if (code != CURLE_OK) {
        return tell(u, r, code, f);
    }
    (void)curl_easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &out->status);
    (void)curl_easy_getinfo(u->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    out->retry_after_ms = retry_after_s < INT32_MAX ? (int64_t)retry_after_s * 1000
                                                    : (int64_t)INT32_MAX * 1000;
    out->body = buf_str(&u->body);
    return OK;
}

bool upload_is_busy(long status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

/* What to look at where neither what was sent nor a moment is at fault. */
static const char *advice(long status)
{
    return status == 401 || status == 403 ? "; check the credentials"
           : status == 407                ? "; check the credentials of the proxy"
           : upload_is_busy(status)       ? ""
                                          : "; check the address, the method and the headers";
}

enum outcome upload_status(const struct upload_request *r, const struct upload_answer *answer,
                           struct failure *f)
{
    const long s = answer->status;
    const bool is_of_body = s == 400 || s == 409 || s == 413 || s == 422;
    const struct str url = shown(r->url);
    if (s >= 200 && s < 300) {
        return OK;
    }
    if (s >= 300 && s < 400) {
        return failed(f, STOP,
                      "%.*s %.*s answers HTTP %ld, a redirection: give the address it points to",
                      STR_ARG(r->method), STR_ARG(url), s);
    }
    return failed(f, is_of_body ? REJECT : RETRY, "%.*s %.*s answers HTTP %ld%s%s%s",
                  STR_ARG(r->method), STR_ARG(url), s, answer->body.len > 0 ? ": " : "",
                  str_shown(answer->body, SHOWN_BYTES_MAX).text, is_of_body ? "" : advice(s));
}
