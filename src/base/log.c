#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    LINE_BYTES_MAX = 4000, /* below PIPE_BUF (4096): lines of several processes do not mix */
    VALUE_BYTES_MAX = 1500,
    LINES_ARENA_BYTES = 1024 * 1024,
    WAIT_MS = 200 /* for a reader that is only slow; once, then its lines are lost until it reads */
};

static struct {
    const char *stage;
    enum log_level least;
    bool is_json;
} log_is = {"weir", LOG_INFO, false};

/* Where lines go for who never waits (log_never_wait). */
static struct {
    int fd; /* -1: to stderr, and whoever logs waits for its reader */
    bool is_socket;
    bool is_torn; /* a line broke off in the middle */
    int64_t lost_n;
} log_to = {.fd = -1};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_stage(const char *stage)
{
    log_is.stage = stage;
    log_to.lost_n = 0; /* a parent's are its own to tell */
}

void log_set_level(enum log_level least)
{
    log_is.least = least;
}

void log_set_json(bool is_json)
{
    log_is.is_json = is_json;
}

struct log_field log_s(const char *key, struct str text)
{
    return (struct log_field){.key = key, .text = text};
}

struct log_field log_c(const char *key, const char *text)
{
    return log_s(key, str_of(text));
}

struct log_field log_n(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number, .is_number = true};
}

/* logfmt quotes what holds a space, a quote, an equals sign, a control character, nothing, or bytes
 * that are no text. */
static bool wants_quotes(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == ' ' || s.at[i] == '"' || s.at[i] == '=' || s.at[i] == '\\' ||
            str_control(str_sub(s, i, s.len), NULL) > 0) {
            return true;
        }
    }
    return s.len == 0 || !str_is_utf8(s);
}

static void add_value(struct buf *line, struct log_field field)
{
    const struct str text = field.text.len > VALUE_BYTES_MAX
                                ? str_whole(str_sub(field.text, 0, VALUE_BYTES_MAX))
                                : field.text;
    if (field.is_number) {
        buf_add_i64(line, field.number);
    } else if (log_is.is_json || wants_quotes(text)) {
        buf_add_json_shown(line, text);
    } else {
        buf_add(line, text);
    }
}

static void add_field(struct buf *line, struct log_field field)
{
    if (log_is.is_json) {
        buf_add_byte(line, line->len == 0 ? '{' : ',');
        buf_add_json(line, str_of(field.key));
        buf_add_byte(line, ':');
    } else {
        buf_printf(line, "%s%s=", line->len == 0 ? "" : " ", field.key);
    }
    add_value(line, field);
}

static struct str compose(struct arena *a, enum log_level level, const char *what,
                          const struct log_field *fields)
{
    struct buf line;
    buf_init(&line, a, LINE_BYTES_MAX);
    char time[CLOCK_TEXT_BYTES];
    clock_text(clock_now_us(), time);
    add_field(&line, log_c("time", time));
    add_field(&line, log_c("level", level_names[level]));
    add_field(&line, log_c("stage", log_is.stage));
    add_field(&line, log_c("event", what));
    for (const struct log_field *f = fields; f && f->key; f++) {
        const size_t before = line.len;
        add_field(&line, *f);
        if (buf_is_over(&line) || line.len > LINE_BYTES_MAX - 8) {
            line.len = before;
            line.is_over = false;
        }
    }
    buf_add(&line, log_is.is_json ? S("}\n") : S("\n"));
    return buf_str(&line);
}

void log_never_wait(void)
{
    struct stat st;
    if (log_to.fd >= 0 || fstat(STDERR_FILENO, &st) != 0 || S_ISREG(st.st_mode)) {
        return;
    }
    log_to.is_socket = S_ISSOCK(st.st_mode);
    /* A description of our own: the flag on stderr's would hit everybody who shares it */
    const int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int own = log_to.is_socket ? -1 : open("/proc/self/fd/2", flags);
    log_to.fd = own >= 0 ? own : STDERR_FILENO;
}

/* Whether a write may be tried: not where it could wait. */
static bool may_try(int wait_ms)
{
    struct pollfd ready = {.fd = log_to.fd, .events = POLLOUT};
    return poll(&ready, 1, wait_ms) > 0;
}

/* false: the reader does not read, or is gone. */
static bool put(struct str text, int wait_ms)
{
    const int64_t end_us = clock_mono_us() + wait_ms * 1000LL;
    bool may = log_to.is_socket || log_to.fd != STDERR_FILENO || may_try(wait_ms);
    while (may) {
        const ssize_t n = log_to.is_socket
                              ? send(log_to.fd, text.at, text.len, MSG_DONTWAIT | MSG_NOSIGNAL)
                              : write(log_to.fd, text.at, text.len);
        if (n == (ssize_t)text.len || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return n > 0;
        }
        log_to.is_torn = log_to.is_torn || n > 0;
        text = str_sub(text, n > 0 ? (size_t)n : 0, text.len);
        const int64_t left_us = end_us - clock_mono_us();
        may = left_us > 0 && may_try((int)(left_us / 1000) + 1);
    }
    return false;
}

/* Lines that are lost are counted, and told before the next that is not. */
static void put_or_lose(struct arena *a, struct str line)
{
    if (log_to.lost_n > 0) {
        const struct log_field lost[] = {log_n("lines", log_to.lost_n),
                                         log_c("why", "whoever reads this log did not read"),
                                         {0}};
        const struct str told = compose(a, LOG_WARN, "log lines lost", lost);
        if (!put(log_to.is_torn ? arena_printf(a, "\n%.*s", STR_ARG(told)) : told, 0)) {
            log_to.lost_n++;
            return;
        }
        log_to.lost_n = 0;
        log_to.is_torn = false;
    }
    log_to.lost_n += !put(line, WAIT_MS);
    log_to.is_torn = log_to.is_torn && log_to.lost_n > 0;
}

void log_line(enum log_level level, const char *what, const struct log_field *fields)
{
    if (level < log_is.least) {
        return;
    }
    struct arena a;
    arena_init(&a, LINES_ARENA_BYTES);
    const struct str line = compose(&a, level, what, fields);
    if (log_to.fd >= 0) {
        put_or_lose(&a, line);
    } else {
        ssize_t written = write(STDERR_FILENO, line.at, line.len);
        (void)written; /* nobody to tell */
    }
    arena_close(&a);
}

void log_failure(enum log_level level, const char *what, const struct failure *f, const char *next)
{
    log_event(level, what, log_c("outcome", outcome_name(f->outcome)), log_c("why", f->text),
              log_c("next", next));
}
