#include "collector/asking.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/run.h"

enum { TOLD_BYTES = 4096 };

const struct collector ask_tick = {.strategy = STRATEGY_TICK},
                       ask_window = {.strategy = STRATEGY_WINDOW},
                       ask_growing = {.strategy = STRATEGY_GROWING};

struct source_ask ask_of(struct arena *a, const struct collector *c, const void *options)
{
    const bool has_window = c->strategy == STRATEGY_WINDOW;
    return (struct source_ask){.collector = c,
                               .options = options,
                               .now_us = MINUTE_US + 1000000,
                               .start_us = has_window ? 0 : TIME_NONE,
                               .end_us = has_window ? MINUTE_US : TIME_NONE,
                               .arena = a,
                               .row_bytes_max = 1 << 20};
}

void assert_came(const char *what, const struct rows_of *got, enum outcome outcome, const char *why,
                 const char *const *secrets)
{
    bool is_right = got->outcome == outcome && (!why || strstr(got->why.text, why));
    for (; secrets && *secrets; secrets++) {
        is_right &= !strstr(got->why.text, *secrets);
    }
    if (!is_right) {
        fail_msg("%s: %s, %s", what, outcome_name(got->outcome), got->why.text);
    }
}

const char *url_with(struct arena *a, const char *url, const char *old, const char *new)
{
    const char *const at = strstr(url, old);
    assert_non_null(at);
    return arena_printf(a, "%.*s%s%s", (int)(at - url), url, new, at + strlen(old)).at;
}

pid_t run_begin(const struct source_driver *driver, const void *options, int *fd)
{
    static struct section_type type;
    static struct collector c;
    struct failure f;
    pid_t pid = 0;
    type = (struct section_type){.name = "source", .driver = driver};
    c = (struct collector){.id = S("c"),
                           .metric_name = S("m"),
                           .source = &type,
                           .source_options = (void *)(uintptr_t)options};
    const struct run r = {.collector = &c, .start_us = TIME_NONE, .end_us = TIME_NONE};
    assert_int_equal(run_start(&r, &pid, fd, &f), OK);
    return pid;
}

void assert_stops(pid_t pid, int fd)
{
    char told[2 * TOLD_BYTES] = "";
    size_t len = 0;
    int status = 0;
    (void)kill(pid, SIGTERM);
    for (ssize_t n; (n = read(fd, told + len, TOLD_BYTES)) > 0;) {
        len += (size_t)n;
        if (len > TOLD_BYTES) { /* only the end of it is looked at */
            memmove(told, told + len - TOLD_BYTES, TOLD_BYTES);
            len = TOLD_BYTES;
        }
    }
    (void)close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    const bool is_inside = WIFEXITED(status) && WEXITSTATUS(status) == SOURCE_ASKED_STATUS;
    if (!is_inside && !memmem(told, len, "asked to stop", strlen("asked to stop"))) {
        fail_msg("%d: %.*s", status, (int)len, told);
    }
}
