#include "base/log.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    LINE_BYTES_MAX = 4000, /* below PIPE_BUF (4096): lines of several processes do not mix */
    VALUE_BYTES_MAX = 1500
};

static struct {
    const char *stage;
    enum log_level least;
    bool is_json;
} log_is = {"weir", LOG_INFO, false};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_stage(const char *stage)
{
    log_is.stage = stage;
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
    const struct str text = str_sub(field.text, 0, VALUE_BYTES_MAX);
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

void log_line(enum log_level level, const char *what, const struct log_field *fields)
{
    if (level < log_is.least) {
        return;
    }
    struct arena a;
    arena_init(&a, 1024 * 1024);
    struct buf line;
    buf_init(&line, &a, LINE_BYTES_MAX);
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
    const struct str text = buf_str(&line);
    ssize_t written = write(STDERR_FILENO, text.at, text.len);
    (void)written; /* nobody to tell */
    arena_close(&a);
}

void log_failure(enum log_level level, const char *what, const struct failure *f, const char *next)
{
    log_event(level, what, log_c("outcome", outcome_name(f->outcome)), log_c("why", f->text),
              log_c("next", next));
}
