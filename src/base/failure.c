#include "base/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* What snprintf gave, `len` bytes of it if there had been room, cut in no character. */
static void end_whole(char *text, size_t room, size_t len)
{
    if (len >= room) {
        text[str_whole((struct str){text, room - 1}).len] = '\0';
    }
}

__attribute__((format(printf, 3, 0))) static void fill(struct failure *f, enum outcome outcome,
                                                       const char *format, va_list args)
{
    *f = (struct failure){.outcome = outcome};
    const int len = vsnprintf(f->text, sizeof f->text, format, args);
    if (len < 0) {
        f->text[0] = '\0';
    } else {
        end_whole(f->text, sizeof f->text, (size_t)len);
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
    const int len = snprintf(f->pointer, sizeof f->pointer, "%s", pointer);
    end_whole(f->pointer, sizeof f->pointer, len > 0 ? (size_t)len : 0);
    return outcome;
}

enum outcome(failed_errno)(struct failure *f, enum outcome outcome, const char *format, ...)
{
    const int number = errno;
    va_list args;
    va_start(args, format);
    fill(f, outcome, format, args);
    va_end(args);
    const char *const why = strerror(number);
    const size_t room = sizeof f->text - strlen(": ") - strlen(why), len = strlen(f->text);
    end_whole(f->text, room, len);
    const size_t at = strlen(f->text);
    (void)snprintf(f->text + at, sizeof f->text - at, ": %s", why);
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
