/* log.h - one line an event on stderr, key=value or JSON: time, level, stage, what happened, its
 * fields.
 *
 * The level, the format and the stage are the process's own (set once after fork). Only main,
 * commands and a stage's run.c log; everything below returns a failure. */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "base/failure.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key; /* NULL ends the list */
    struct str text;
    int64_t number;
    bool is_number;
};

/* The name must outlive the process: a literal or a configuration text. */
void log_set_stage(const char *stage);
void log_set_level(enum log_level least);
void log_set_json(bool is_json);
/* From now on, in this process and those that it forks, a reader of the log that has stopped (a
 * terminal at Ctrl-S, a pipe that nobody empties) stops nobody: after a moment lines are lost,
 * counted, and told as `log lines lost` once it reads again. Files are written as before. */
void log_never_wait(void);

struct log_field log_s(const char *key, struct str text);
struct log_field log_c(const char *key, const char *text);
struct log_field log_n(const char *key, int64_t number);

/* One event; `fields` ends with {0} and may be NULL. Long values are cut, the line is written with
 * one write(2). */
void log_line(enum log_level level, const char *what, const struct log_field *fields);
/* Shorthand for a list written in place: log_event(LOG_INFO, "ready", log_n("pid", pid)). */
#define log_event(level, what, ...)                                                                \
    log_line((level), (what), (const struct log_field[]){__VA_ARGS__, {0}})
/* A failure as an event: its outcome, its sentence and what weir does next. */
void log_failure(enum log_level level, const char *what, const struct failure *f, const char *next);

#endif
