#include "wire/post.h"

#include <assert.h>
#include <curl/curl.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/clock.h"

enum {
    REQUEST_BYTES_MAX = 64 << 20,
    ANSWER_BYTES_MAX = 4096,
    TRIES_MAX = 8,
    FIRST_PAUSE_MS = 100,
    TIMEOUT_MS = 60 * 1000,
    POLL_MS = 100,
    STOP_US = 5 * 1000 * 1000 /* what is on its way when we are asked to stop */
};

struct slot {
    struct post *post;
    CURL *easy;
    struct curl_slist *headers;
    struct arena arena; /* of one request */
    struct str body, note;
    char answer[ANSWER_BYTES_MAX];
    size_t answer_len;
    char error[CURL_ERROR_SIZE];
    int tries;
    int64_t resume_us; /* when to try again; 0: not waiting */
    long status;       /* while it waits: of the last try; 0: none came */
    bool is_busy;
};

struct post {
    CURLM *multi;
    const char *url, *ca;
    int64_t stop_us; /* no longer; 0: nobody asked to stop */
    bool is_lost, is_again;
    void (*done)(void *to, const struct post_answer *answer);
    void (*again)(void *to, const char *error);
    void *to;
    struct slot *slot;
    size_t n, busy_n;
};

static size_t take_answer(char *at, size_t size, size_t n, void *to)
{
    struct slot *const s = to;
    const size_t room = sizeof s->answer - s->answer_len;
    const size_t taken = size * n < room ? size * n : room;
    memcpy(s->answer + s->answer_len, at, taken);
    s->answer_len += taken;
    return size * n;
}

static bool slot_open(struct post *p, struct slot *s)
{
    s->post = p;
    s->easy = curl_easy_init();
    arena_init(&s->arena, REQUEST_BYTES_MAX);
    if (!s->easy) {
        return false;
    }
    return curl_easy_setopt(s->easy, CURLOPT_URL, p->url) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           (!p->ca || curl_easy_setopt(s->easy, CURLOPT_CAINFO, p->ca) == CURLE_OK) &&
           curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_PRIVATE, (char *)s) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
           curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s) == CURLE_OK;
}

enum outcome post_open(struct arena *a, const struct post_options *options, struct post **out,
                       struct failure *f)
{
    const struct str url = options->url;
    const size_t connections = options->connections;
    assert(connections > 0 && connections <= POST_CONNECTIONS_MAX);
    if (!str_starts(url, S("http://")) && !str_starts(url, S("https://"))) {
        return failed(f, STOP, "%.*s is not an http or https URL", STR_ARG(url));
    }
    const char *const ca = options->ca.len > 0 ? arena_cstr(a, options->ca) : NULL;
    if (ca && access(ca, R_OK) != 0) {
        return failed_errno(f, STOP, "the authorities to trust: %s", ca);
    }
    struct post *const p = arena_new(a, struct post);
    *p = (struct post){.url = arena_cstr(a, url),
                       .ca = ca,
                       .done = options->done,
                       .again = options->again,
                       .to = options->to,
                       .slot = arena_array(a, struct slot, connections)};
    bool is_open = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    p->multi = is_open ? curl_multi_init() : NULL;
    is_open = p->multi != NULL;
    for (; is_open && p->n < connections; p->n++) {
        is_open = slot_open(p, &p->slot[p->n]);
    }
    if (!is_open) {
        post_close(p);
        return failed(f, STOP, "libcurl cannot be made ready");
    }
    *out = p;
    return OK;
}

void post_close(struct post *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct slot *const s = &p->slot[i];
        if (s->is_busy && !s->resume_us) {
            curl_multi_remove_handle(p->multi, s->easy);
        }
        curl_slist_free_all(s->headers);
        curl_easy_cleanup(s->easy);
        arena_close(&s->arena);
    }
    curl_multi_cleanup(p->multi);
    curl_global_cleanup();
}

static void slot_begin(struct slot *s)
{
    s->tries++;
    s->resume_us = 0;
    s->answer_len = 0;
    s->error[0] = '\0';
    const CURLMcode code = curl_multi_add_handle(s->post->multi, s->easy);
    assert(code == CURLM_OK);
}

/* Tell of the answer and make the slot free. */
static void slot_end(struct slot *s, long status, CURLcode code)
{
    const struct post_answer answer = {.status = status,
                                       .body = {s->answer, s->answer_len},
                                       .error = status ? NULL : s->error,
                                       .is_untrusted = code == CURLE_PEER_FAILED_VERIFICATION,
                                       .note = s->note};
    s->is_busy = false;
    s->post->busy_n--;
    s->post->done(s->post->to, &answer);
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    arena_reset(&s->arena);
}

/* What another try may mend: the receiver or the way to it, not what was asked for. */
static bool may_work_later(CURLcode code, long status)
{
    static const CURLcode passing[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
                                       CURLE_SEND_ERROR,           CURLE_RECV_ERROR,
                                       CURLE_GOT_NOTHING,          CURLE_PARTIAL_FILE,
                                       CURLE_OPERATION_TIMEDOUT};
    if (code == CURLE_OK) {
        return status == 429 || status == 503;
    }
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        if (passing[i] == code) {
            return true;
        }
    }
    return false;
}

static void slot_answered(struct slot *s, CURLcode code)
{
    long status = 0;
    curl_off_t after_s = 0;
    (void)curl_multi_remove_handle(s->post->multi, s->easy);
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after_s);
    } else if (!s->error[0]) {
        (void)snprintf(s->error, sizeof s->error, "%s", curl_easy_strerror(code));
    }
    struct post *const p = s->post;
    if (may_work_later(code, status) && s->tries < TRIES_MAX && !asked_to_stop() && !p->is_lost) {
        if (code != CURLE_OK && !p->is_again) {
            p->is_again = true;
            p->again(p->to, s->error);
        }
        const int64_t pause_ms = after_s > 0 ? after_s * 1000 : FIRST_PAUSE_MS << (s->tries - 1);
        s->resume_us = clock_mono_us() + pause_ms * 1000;
        s->status = status;
        return;
    }
    p->is_lost |= !asked_to_stop() &&
                  (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST);
    slot_end(s, status, code);
}

/* Asked to stop, or nobody to reach: what waits for another try ends now, the rest when its time is
 * over. */
static void give_up(struct post *p)
{
    const int64_t now_us = clock_mono_us();
    p->stop_us = p->stop_us ? p->stop_us : now_us + STOP_US;
    for (struct slot *s = p->slot; s < p->slot + p->n; s++) {
        if (!s->is_busy || (s->resume_us == 0 && now_us < p->stop_us)) {
            continue;
        }
        if (s->resume_us == 0) {
            (void)curl_multi_remove_handle(p->multi, s->easy);
            (void)snprintf(s->error, sizeof s->error, "no answer before the end");
        }
        /* what waits for another try has had an answer: a refusal is one */
        const long status = s->resume_us ? s->status : 0;
        s->resume_us = 0;
        slot_end(s, status, CURLE_OK);
    }
}

/* One round: begin again what has waited long enough, send and receive, tell of answers. */
static void turn(struct post *p, int wait_ms)
{
    int running = 0;
    int left = 0;
    if (asked_to_stop() || p->is_lost) {
        give_up(p);
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->slot[i].is_busy && p->slot[i].resume_us && p->slot[i].resume_us <= clock_mono_us()) {
            slot_begin(&p->slot[i]);
        }
    }
    (void)curl_multi_perform(p->multi, &running);
    const CURLMsg *message = curl_multi_info_read(p->multi, &left);
    const bool is_waiting = !message;
    for (; message; message = curl_multi_info_read(p->multi, &left)) {
        char *slot = NULL;
        const CURLcode code = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        /* NOLINTNEXTLINE(bugprone-casting-through-void): curl keeps a slot as a char * */
        slot_answered((struct slot *)(void *)slot, code);
    }
    if (is_waiting && wait_ms > 0) {
        (void)curl_multi_poll(p->multi, NULL, 0, wait_ms, NULL);
    }
}

void post_send(struct post *p, const struct post_request *request)
{
    while (p->busy_n == p->n) {
        turn(p, POLL_MS);
    }
    struct slot *s = p->slot;
    while (s->is_busy) {
        s++;
    }
    s->is_busy = true;
    s->tries = 0;
    p->busy_n++;
    s->body = arena_str(&s->arena, request->body);
    s->note = arena_str(&s->arena, request->note);
    s->headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < POST_FIELDS_MAX && request->field[i].name.len; i++) {
        const struct post_field *const field = &request->field[i];
        const struct str line = arena_printf(&s->arena, "%.*s: %.*s", STR_ARG(field->name),
                                             STR_ARG(field->value));
        s->headers = curl_slist_append(s->headers, line.at);
    }
    (void)curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    (void)curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body.at);
    (void)curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.len);
    slot_begin(s);
    turn(p, 0);
}

void post_wait(struct post *p, int wait_ms)
{
    const int64_t end_us = clock_mono_us() + (int64_t)wait_ms * 1000;
    while (p->busy_n > 0 && (wait_ms < 0 || clock_mono_us() < end_us)) {
        const int64_t left_ms = wait_ms < 0 ? POLL_MS : (end_us - clock_mono_us()) / 1000 + 1;
        turn(p, left_ms < POLL_MS ? (int)left_ms : POLL_MS);
    }
}

bool post_is_lost(const struct post *p)
{
    return p->is_lost;
}
