#include "base/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void fill(struct failure *f, enum outcome outcome,
                                                       const char *format, va_list args)
{
    *f = (struct failure){.outcome = outcome};
    if (vsnprintf(f->text, sizeof f->text, format, args) < 0) {
        f->text[0] = '\0';
    }
}

enum outcome(failed)(struct failure *f, enum outcome outcome, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(f, outcome, format, args);
    va_end(args);
    return outcome;
}

enum outcome(failed_at)(struct failure *f, enum outcome outcome, const char *pointer,
                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(f, outcome, format, args);
    va_end(args);
    (void)snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    return outcome;
}

enum outcome(failed_errno)(struct failure *f, enum outcome outcome, const char *format, ...)
{
    const int number = errno;
    va_list args;
    va_start(args, format);
    fill(f, outcome, format, args);
    va_end(args);
    const size_t len = strlen(f->text);
    (void)snprintf(f->text + len, sizeof f->text - len, ": %s", strerror(number));
    return outcome;
}

const char *outcome_name(enum outcome o)
{
    switch (o) {
    case OK: return "ok";
    case RETRY: return "retry";
    case REJECT: return "reject";
    case STOP: return "stop";
    }
    return "?";
}
