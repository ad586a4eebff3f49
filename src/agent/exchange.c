#include "agent/exchange.h"
#include "agent/head.h"
#include "wire/gzip.h"
#include "wire/http.h"

enum {
    DRAIN_AT_ONCE_MAX = 64 * 1024, /* a refused body up to this size is read, so that the
                                      connection lives and the answer is not lost in a reset */
    BODY_ROOM_FIRST = 16 * 1024,   /* of a body that is not all here */
    FORGET_BYTES = 256 * 1024      /* paid for by a request that is answered: give it back now */
};

/* ---- answers ---- */

static const char *retry_after(unsigned status)
{
    return status == 429 ? "10"
                         : "5"; /* seconds: a disk budget frees slower than a moment's load */
}

static bool is_refused(struct client *c, unsigned status, const char *reason, const char *detail)
{
    c->refusal = (struct refusal){status, reason, str_of(detail)};
    return false;
}

static bool is_over_budget(struct client *c)
{
    return is_refused(c, 503, "budget",
                      "the bodies in flight have used up their memory: send this request again "
                      "later");
}

static void count_refused(struct client *c)
{
    atomic_fetch_add_explicit(
        progress_counter(c->door->in->progress, "refused{agent=%.*s,reason=%s}",
                         STR_ARG(c->hook ? c->hook->agent->name : S("none")), c->refusal.reason),
        1, memory_order_relaxed);
}

static enum MHD_Result send_answer(struct client *c, const struct http_answer *answer)
{
    c->stage = CLIENT_ANSWERED;
    const enum MHD_Result result = http_send(c->connection, answer); /* copies it */
    if (c->paid_bytes > FORGET_BYTES) {
        client_forget(c);
    }
    return result;
}

static enum MHD_Result send_problem(struct client *c, bool is_last)
{
    const unsigned status = c->refusal.status;
    struct http_answer answer = {
        .status = status,
        .content_type = http_problem_type,
        .body = http_problem(&c->pocket->arena, status, c->refusal.detail),
        .is_last = is_last || c->door->is_draining || c->is_crowd,
    };
    if (status == 429 || status == 503) {
        answer.field[0] = (struct http_field){"Retry-After", retry_after(status)};
    } else if (status == 401 && c->hook) { /* RFC 9110, section 15.5.2: MUST */
        answer.field[0] = (struct http_field){"WWW-Authenticate", c->hook->driver->challenge};
    } else if (status == 405) {
        answer.field[0] = (struct http_field){"Allow", "POST, OPTIONS"};
    } else if (status == 415 && strcmp(c->refusal.reason, "encoding") == 0) {
        answer.field[0] = (struct http_field){"Accept-Encoding", "gzip"};
    } else if (status == 415 && c->hook) { /* RFC 9110, section 15.5.16: what would have worked */
        answer.field[0] = (struct http_field){"Accept", c->hook->driver->accepts};
    }
    count_refused(c);
    return send_answer(c, &answer);
}

static enum MHD_Result send_accepted(struct client *c)
{
    const struct taken *const taken = &c->taken;
    struct buf b;
    size_t bytes = 32;
    for (size_t i = 0; i < taken->n; i++) {
        bytes += 6 * taken->signal[i].id.len + 4; /* each byte may become \u00XX */
    }
    buf_init(&b, &c->pocket->arena, bytes);
    buf_add(&b, taken->is_batch ? S("{\"ids\":[") : S("{\"id\":"));
    for (size_t i = 0; i < taken->n; i++) {
        buf_add(&b, i > 0 ? S(",") : S(""));
        buf_add_json(&b, taken->signal[i].id);
    }
    buf_add(&b, taken->is_batch ? S("]}") : S("}"));
    struct http_answer answer = {.status = 202,
                                 .content_type = "application/json",
                                 .body = buf_str(&b),
                                 .is_last = c->door->is_draining};
    if (taken->is_private) {
        answer.field[0] = (struct http_field){"Cache-Control", "private"};
    }
    return send_answer(c, &answer);
}

/* CloudEvents webhook 1.0.2, section 4: the presence of WebHook-Allowed-Origin is the consent. */
static enum MHD_Result send_handshake(struct client *c)
{
    struct http_answer answer = {
        .status = 200, .field = {{"Allow", "POST"}}, .is_last = c->door->is_draining};
    const struct str origin = request_header(&c->request, S("WebHook-Request-Origin"));
    const struct agent_driver *const driver = c->hook->driver;
    if (origin.len > 0 && driver->consents && driver->consents(&c->request, origin)) {
        answer.field[1] = (struct http_field){"WebHook-Allowed-Origin",
                                              arena_cstr(&c->pocket->arena, origin)};
        answer.field[2] = (struct http_field){"WebHook-Allowed-Rate", "*"};
    }
    return send_answer(c, &answer);
}

void exchange_decide(struct client *c, unsigned status, const char *reason, const char *detail)
{
    c->stage = CLIENT_DECIDED;
    if (status) {
        (void)is_refused(c, status, reason, detail);
    }
}

/* ---- head ---- */

/* RFC 9112, section 3.2.2: a server takes `http://host/path` as `/path`. */
static struct str path_of(struct str target)
{
    const size_t scheme = str_starts_nocase(target, S("http://"))    ? 7
                          : str_starts_nocase(target, S("https://")) ? 8
                                                                     : 0;
    const struct str rest = str_sub(target, scheme, target.len);
    return scheme ? str_sub(rest, str_find(rest, '/'), rest.len) : target;
}

/* The agent of a path /hooks/NAME, or NULL. */
static const struct hook *hook_of(const struct door *d, struct str target)
{
    static const struct str prefix = STR("/hooks/");
    const struct str path = path_of(target);
    if (!str_starts(path, prefix)) {
        return NULL;
    }
    const struct str name = str_sub(path, prefix.len, path.len);
    for (size_t i = 0; i < d->hooks_n; i++) {
        if (str_eq(d->hook[i].agent->name, name)) {
            return &d->hook[i];
        }
    }
    return NULL;
}

static void fill_request(struct client *c, const struct head *head)
{
    struct door *const d = c->door;
    const char *const token = MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND,
                                                          "access_token");
    c->request = (struct request){.agent = c->hook->agent->name,
                                  .options = c->hook->agent->options,
                                  .header = head->header,
                                  .headers_n = head->headers_n,
                                  .token_query = str_of(token),
                                  .query = c->query,
                                  .secrets = d->secrets,
                                  .received_us = clock_now_us(),
                                  .events_max = (size_t)d->limits->batch_events_max,
                                  .arena = &c->pocket->arena,
                                  .scratch = &d->scratch};
}

/* All that can be refused before the body is read and leaves the connection usable. */
static bool is_welcome(struct client *c, struct str method, struct head *head)
{
    if (!c->hook) {
        return is_refused(c, 404, "agent",
                          "no agent here: requests go to /hooks/NAME, NAME being "
                          "an agent of the configuration");
    }
    fill_request(c, head);
    if (!str_eq(method, S("POST")) && !str_eq(method, S("OPTIONS"))) {
        return is_refused(c, 405, "method", "send signals with POST");
    }
    const struct str encoding = request_header(&c->request, S("Content-Encoding"));
    static const char *const once[] = {"Content-Type", "Content-Encoding", "Authorization", NULL};
    if (request_doubled(&c->request, once)) {
        return is_refused(
            c, 400, "header",
            "Content-Type, Content-Encoding or Authorization stands twice: send each once");
    }
    c->is_gzip = str_eq_nocase(encoding, S("gzip")) || str_eq_nocase(encoding, S("x-gzip"));
    if (encoding.len > 0 && !c->is_gzip && !str_eq_nocase(encoding, S("identity"))) {
        return is_refused(c, 415, "encoding",
                          "this Content-Encoding is not known: send gzip or none");
    }
    const struct agent_driver *const driver = c->hook->driver;
    const bool is_admitted = !driver->admit || str_eq(method, S("OPTIONS")) ||
                             driver->admit(&c->request, &c->refusal);
    arena_reset(&c->door->scratch);
    return is_admitted;
}

/* What must be answered at once, because the rest of the connection cannot be trusted or is not
 * wanted. */
static bool is_bearable(struct client *c, const struct request_line *line, struct head *head)
{
    const struct config_intake *const limits = c->door->limits;
    if (!head_read(c->connection, line, &c->pocket->arena, limits->headers_bytes_max, head,
                   &c->refusal)) {
        return false;
    }
    if (c->is_crowd) {
        return is_refused(c, 429, "address",
                          "too many connections from this address: use fewer "
                          "and keep them open");
    }
    if (head->is_length_known && head->length > limits->body_bytes_max) {
        return is_refused(c, 413, "size", "the body is larger than intake.body_bytes_max allows");
    }
    if (head->is_length_known && !client_can_pay(c, (size_t)head->length)) {
        return is_over_budget(c);
    }
    c->is_chunked = !head->is_length_known;
    c->body_bytes_max = head->is_length_known ? (size_t)head->length : limits->body_bytes_max;
    return true;
}

static enum MHD_Result handle_head(struct client *c, const char *url, const char *method,
                                   const char *version)
{
    struct head head = {0};
    const struct request_line line = {method, c->uri, version};
    c->hook = hook_of(c->door, str_of(url)); /* first: every refusal counts for its agent */
    if (!is_bearable(c, &line, &head)) {
        return send_problem(c, true);
    }
    if (!is_welcome(c, str_of(method), &head)) {
        const bool has_body = !head.is_length_known || head.length > 0;
        if (has_body && (head.expects_continue || head.length > DRAIN_AT_ONCE_MAX)) {
            return send_problem(c, true);
        }
        c->stage = CLIENT_DRAIN;
        return MHD_YES;
    }
    c->stage = str_eq(str_of(method), S("OPTIONS")) ? CLIENT_DRAIN : CLIENT_BODY;
    return MHD_YES;
}

/* ---- body ---- */

/* Room for `more` bytes, paid for as they come. */
static bool make_room(struct client *c, size_t more)
{
    if (more <= c->body_room - c->body_len) {
        return true;
    }
    const size_t most = c->body_bytes_max;
    if (more > most - c->body_len) {
        return is_refused(c, 413, "size", "the body is larger than intake.body_bytes_max allows");
    }
    size_t room = c->body_room ? 2 * c->body_room : BODY_ROOM_FIRST;
    room = room < c->body_len + more ? c->body_len + more : room;
    room = room < most ? room : most;
    char *const body = client_pay(c, room - c->body_room)
                           ? arena_try_grow(&c->pocket->arena, c->body, c->body_room, room)
                           : NULL;
    if (!body) {
        return is_over_budget(c);
    }
    c->body = body;
    c->body_room = room;
    return true;
}

static enum MHD_Result handle_part(struct client *c, const char *data, size_t *size)
{
    if (c->stage == CLIENT_BODY && make_room(c, *size)) {
        memcpy(c->body + c->body_len, data, *size);
        c->body_len += *size;
    } else {
        if (c->stage == CLIENT_BODY) { /* what has come of it makes room for the others */
            client_forget(c);
        }
        c->stage = CLIENT_DRAIN;
        c->drained_bytes += *size;
    }
    *size = 0;
    /* A body without end is not drained for ever: MHD_NO closes the connection. */
    const bool is_endless = c->drained_bytes > c->door->limits->body_bytes_max;
    c->closed_why = is_endless ? "body" : c->closed_why;
    return is_endless ? MHD_NO : MHD_YES;
}

static bool inflate_body(struct client *c)
{
    struct failure f;
    size_t size = 0;
    const struct str packed = {c->body, c->body_len};
    if (gzip_measure(packed, c->door->limits->body_bytes_max, &size, &f) != OK) {
        c->refusal = f.cause == CAUSE_FULL ? (struct refusal){413, "size", {0}}
                     : f.outcome == RETRY  ? (struct refusal){503, "memory", {0}}
                                           : (struct refusal){400, "gzip", {0}};
        c->refusal.detail = arena_str(&c->pocket->arena, str_of(f.text));
        return false;
    }
    char *const plain = client_pay(c, size) ? arena_try_grow(&c->pocket->arena, NULL, 0, size)
                                            : NULL;
    if (!plain) {
        return is_over_budget(c);
    }
    if (gzip_inflate(packed, plain, size, &f) != OK) {
        return is_refused(c, 400, "gzip", "the body is not gzip");
    }
    c->request.body = (struct str){plain, size};
    return true;
}

/* The body is whole, and who sent it is proved: read the signals. */
static bool is_read(struct client *c)
{
    c->request.body = c->request.sent;
    if (c->is_gzip && !inflate_body(c)) {
        return false;
    }
    if (!client_pay(c, c->request.body.len)) { /* what the driver copies of it */
        return is_over_budget(c);
    }
    return c->hook->driver->take(&c->request, &c->taken, &c->refusal);
}

static bool is_taken(struct client *c)
{
    const struct agent_driver *const driver = c->hook->driver;
    c->request.sent = (struct str){c->body, c->body_len};
    const bool is = (!driver->prove || driver->prove(&c->request, &c->refusal)) && is_read(c);
    const size_t held = c->pocket->arena.held_bytes;
    arena_reset(&c->door->scratch);
    if (is && c->taken.n > 1 && held > c->paid_bytes && !client_pay(c, held - c->paid_bytes)) {
        return is_over_budget(c);
    }
    return is;
}

static enum MHD_Result handle_whole(struct client *c)
{
    if (!is_taken(c)) {
        return send_problem(c, false);
    }
    if (c->taken.n == 0) {
        return send_accepted(c);
    }
    struct door *const d = c->door;
    c->stage = CLIENT_WAITING;
    *d->waiting_end = c;
    d->waiting_end = &c->next_waiting;
    return MHD_YES;
}

/* ---- what libmicrohttpd calls ---- */

void *exchange_begin(void *door, const char *uri, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *const info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *const c = info->socket_context;
    (void)door;
    client_begin(c);
    /* Looked at now: libmicrohttpd decodes it in place. */
    c->uri = uri && !strstr(uri, "%00") && !strchr(uri, ' ') ? str_of(uri) : (struct str){0};
    const size_t query = str_find(c->uri, '?');
    c->query = query < c->uri.len ? arena_str(&c->pocket->arena, str_sub(c->uri, query, c->uri.len))
                                  : (struct str){0};
    return c;
}

/* NOLINTNEXTLINE(readability-function-size) tidy: libmicrohttpd's signature */
enum MHD_Result exchange_handle(void *door, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **client)
{
    struct client *const c = *client;
    (void)door;
    (void)connection;
    switch (c->stage) {
    case CLIENT_HEAD: return handle_head(c, url, method, version);
    case CLIENT_BODY:
        return *upload_data_size > 0 ? handle_part(c, upload_data, upload_data_size)
                                     : handle_whole(c);
    case CLIENT_DRAIN:
        if (*upload_data_size > 0) {
            return handle_part(c, upload_data, upload_data_size);
        }
        return c->refusal.status ? send_problem(c, false) : send_handshake(c);
    case CLIENT_DECIDED: return c->refusal.status ? send_problem(c, false) : send_accepted(c);
    case CLIENT_IDLE:
    case CLIENT_WAITING:
    case CLIENT_BEGUN:
    case CLIENT_ANSWERED: break;
    }
    return MHD_YES;
}

/* Why libmicrohttpd ended a request: WITH_ERROR is its own answer 4xx or 5xx, to a head or to
 * chunks that it cannot read, or a client that broke off. */
static const char *reason_of(const struct client *c, enum MHD_RequestTerminationCode code)
{
    if (code == MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN) {
        return "stop";
    }
    const bool is_reading = c->stage == CLIENT_BODY || c->stage == CLIENT_DRAIN;
    return code != MHD_REQUEST_TERMINATED_WITH_ERROR ? "client"
           : c->stage == CLIENT_HEAD                 ? "head"
           : is_reading && c->is_chunked             ? "chunks"
                                                     : "client";
}

void exchange_end(void *door, struct MHD_Connection *connection, void **client,
                  enum MHD_RequestTerminationCode code)
{
    struct client *const c = *client;
    (void)door;
    (void)connection;
    if (!c) {
        return;
    }
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && !c->closed_why) {
        c->closed_why = reason_of(c, code);
    }
    client_end(c);
    *client = NULL;
}
