/* run.c - the admin address: what is asked there, turned by our own poll. */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/asked.h"
#include "serve/answer.h"
#include "serve/serve.h"

enum { ANSWER_BYTES_MAX = 4 * 1024 * 1024 };

static bool wants_openmetrics(const struct page_request *r)
{
    const struct str wanted = STR("application/openmetrics-text");
    return r->accept.len > 0 && memmem(r->accept.at, r->accept.len, wanted.at, wanted.len);
}

static void answer_surveyed(const struct serve *s, const struct page_request *r, struct arena *a,
                            struct page *to)
{
    struct survey *const survey = arena_new(a, struct survey);
    struct failure f;
    const struct survey_of of = {s->config, s->duties, s->bus, S("")};
    if (survey_take(a, &of, survey, &f) != OK) {
        page_problem(to, a, 503, f.text);
    } else if (str_eq(r->path, S("/readyz"))) {
        answer_readyz(survey, &s->config->collectors, to);
    } else if (str_eq(r->path, S("/health"))) {
        answer_health(survey, to);
    } else {
        struct collected *const collected = arena_new(a, struct collected);
        collected_take(a, s->config, survey, collected);
        answer_metrics(survey, collected, a, wants_openmetrics(r), to);
    }
}

static void answer(void *serve, const struct page_request *r, struct arena *a, struct page *to)
{
    static const struct str surveyed[] = {STR("/readyz"), STR("/health"), STR("/metrics")};
    if (str_eq(r->path, S("/livez"))) {
        answer_livez(to);
        return;
    }
    for (size_t i = 0; i < sizeof surveyed / sizeof *surveyed; i++) {
        if (str_eq(r->path, surveyed[i])) {
            answer_surveyed(serve, r, a, to);
            return;
        }
    }
    page_problem(to, a, 404, "here are /livez, /readyz, /health and /metrics");
}

/* Sleep until a request comes. */
static void turn(const struct serve *s, struct pages *pages, int wake_fd)
{
    struct pollfd fds[PAGES_LISTEN_MAX + 1];
    int wait_ms = -1;
    const size_t n = pages_poll(pages, fds, &wait_ms);
    fds[n] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    progress_beat(s->progress, false);
    (void)poll(fds, n + 1, wait_ms); /* EINTR: the loop looks what was asked */
    progress_beat(s->progress, true);
    (void)eventfd_read(wake_fd, &(eventfd_t){0});
    pages_run(pages);
}

enum outcome serve_run(const struct serve *serve, struct failure *f)
{
    struct arena a;
    struct pages *pages = NULL;
    struct serve own = *serve;
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0) {
        return failed_errno(f, STOP, "make a descriptor to be woken by");
    }
    arena_init(&a, 1 << 20);
    const struct pages_options options = {
        .listen_fd = serve->listen_fd,
        .listen_n = serve->listen_n < PAGES_LISTEN_MAX ? serve->listen_n : PAGES_LISTEN_MAX,
        .page_bytes_max = ANSWER_BYTES_MAX,
        .answer = answer,
        .to = &own};
    const enum outcome result = pages_open(&a, &options, &pages, f);
    if (result == OK) {
        asked_install(asked_wake_fd, &wake_fd);
        progress_state(serve->progress, DUTY_RUNNING);
        while (!asked_to_stop()) {
            turn(serve, pages, wake_fd);
        }
        asked_install(NULL, NULL);
    }
    pages_close(pages);
    arena_close(&a);
    close(wake_fd);
    return result;
}
