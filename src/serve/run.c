/* run.c - the admin address: one libmicrohttpd daemon a socket, driven by our own poll. */
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/asked.h"
#include "serve/answer.h"
#include "serve/serve.h"
#include "wire/http.h"

enum {
    DAEMONS_MAX = 16,
    CONNECTIONS_MAX = 64,
    CONNECTION_SECONDS = 15, /* Prometheus scrapes every 15 s or so and comes anew */
    ANSWER_BYTES_MAX = 4 * 1024 * 1024
};
#define ANSWER_ARENA_BYTES_MAX ((size_t)64 << 20)

struct serving {
    const struct serve *serve;
    struct MHD_Daemon *daemon[DAEMONS_MAX];
    size_t daemons_n;
    int wake_fd;
};

static bool wants_openmetrics(struct MHD_Connection *c)
{
    const char *const accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
    return accept && strstr(accept, "application/openmetrics-text");
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct answer *to)
{
    struct http_answer http = {
        .status = to->status, .content_type = to->type, .body = buf_str(&to->body)};
    http.field[0] = (struct http_field){"Cache-Control", "no-store"};
    if (to->status == 405) {
        http.field[1] = (struct http_field){"Allow", "GET, HEAD"};
    }
    return http_send(c, &http);
}

static void answer_problem(struct answer *to, struct arena *a, unsigned status, const char *detail)
{
    to->status = status;
    to->type = http_problem_type;
    buf_add(&to->body, http_problem(a, status, str_of(detail)));
}

static void answer_surveyed(const struct serving *s, struct MHD_Connection *c, struct str path,
                            struct arena *a, struct answer *to)
{
    struct survey *const survey = arena_new(a, struct survey);
    struct failure f;
    const struct survey_of of = {s->serve->config, s->serve->duties, s->serve->bus};
    if (survey_take(a, &of, survey, &f) != OK) {
        answer_problem(to, a, 503, f.text);
    } else if (str_eq(path, S("/readyz"))) {
        answer_readyz(survey, to);
    } else if (str_eq(path, S("/health"))) {
        answer_health(survey, to);
    } else {
        struct collected *const collected = arena_new(a, struct collected);
        collected_take(a, s->serve->config, survey, collected);
        answer_metrics(survey, collected, a, wants_openmetrics(c), to);
    }
}

static void answer(const struct serving *s, struct MHD_Connection *c, struct str path,
                   struct arena *a, struct answer *to)
{
    static const struct str surveyed[] = {STR("/readyz"), STR("/health"), STR("/metrics")};
    if (str_eq(path, S("/livez"))) {
        answer_livez(to);
        return;
    }
    for (size_t i = 0; i < sizeof surveyed / sizeof *surveyed; i++) {
        if (str_eq(path, surveyed[i])) {
            answer_surveyed(s, c, path, a, to);
            return;
        }
    }
    answer_problem(to, a, 404, "here are /livez, /readyz, /health and /metrics");
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result handle(void *to, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{ /* tidy: eight parameters, as MHD_AccessHandlerCallback has them */
    static int is_begun;
    const struct serving *const s = to;
    (void)version;
    (void)upload;
    if (!*state) {
        *state = &is_begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* nobody asked for a body */
        return MHD_YES;
    }
    struct arena a;
    struct answer answered = {.status = 500};
    arena_init(&a, ANSWER_ARENA_BYTES_MAX);
    buf_init(&answered.body, &a, ANSWER_BYTES_MAX);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        answer_problem(&answered, &a, 405, "GET or HEAD");
    } else {
        answer(s, c, str_of(url), &a, &answered);
    }
    const enum MHD_Result result = send_answer(c, &answered);
    arena_close(&a);
    return result;
}

static void discard_log(void *to, const char *format, va_list args)
{
    (void)to; /* a scraper that hangs up is no event */
    (void)format;
    (void)args;
}

static enum outcome start(struct serving *s, struct failure *f)
{
    for (size_t i = 0; i < s->serve->listen_n && i < DAEMONS_MAX; i++) {
        s->daemon[i] = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, &handle, s, MHD_OPTION_LISTEN_SOCKET,
            dup(s->serve->listen_fd[i]), MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS, MHD_OPTION_EXTERNAL_LOGGER,
            &discard_log, NULL, MHD_OPTION_END);
        if (!s->daemon[i]) {
            return failed_errno(f, STOP, "serve the admin address");
        }
        s->daemons_n++;
    }
    return OK;
}

/* Sleep until a request comes; a time-out is due only while a connection is open. */
static void turn(struct serving *s)
{
    struct pollfd fds[DAEMONS_MAX + 1];
    int wait_ms = -1;
    for (size_t i = 0; i < s->daemons_n; i++) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        const union MHD_DaemonInfo *const info = MHD_get_daemon_info(s->daemon[i],
                                                                     MHD_DAEMON_INFO_EPOLL_FD);
        const union MHD_DaemonInfo *const open = MHD_get_daemon_info(
            s->daemon[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        fds[i] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
        if (open->num_connections > 0 && MHD_get_timeout(s->daemon[i], &ms) == MHD_YES) {
            const int due_ms = ms > INT32_MAX ? INT32_MAX : (int)ms;
            wait_ms = wait_ms < 0 || due_ms < wait_ms ? due_ms : wait_ms;
        }
    }
    fds[s->daemons_n] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
    progress_beat(s->serve->progress, false);
    (void)poll(fds, s->daemons_n + 1, wait_ms); /* EINTR: the loop looks what was asked */
    progress_beat(s->serve->progress, true);
    (void)eventfd_read(s->wake_fd, &(eventfd_t){0});
    for (size_t i = 0; i < s->daemons_n; i++) {
        (void)MHD_run(s->daemon[i]);
    }
}

enum outcome serve_run(const struct serve *serve, struct failure *f)
{
    struct serving s = {.serve = serve, .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (s.wake_fd < 0) {
        return failed_errno(f, STOP, "make a descriptor to be woken by");
    }
    const enum outcome result = start(&s, f);
    if (result == OK) {
        asked_install(asked_wake_fd, &s.wake_fd);
        progress_state(serve->progress, DUTY_RUNNING);
        while (!asked_to_stop()) {
            turn(&s);
        }
        asked_install(NULL, NULL);
    }
    for (size_t i = 0; i < s.daemons_n; i++) {
        MHD_stop_daemon(s.daemon[i]); /* and close its own copy of the socket */
    }
    close(s.wake_fd);
    return result;
}
