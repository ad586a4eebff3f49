/* failure.h - how a function says that it failed: one outcome, one sentence, nothing logged.
 *
 * A function that can fail returns enum outcome and takes struct failure * last. Who receives a
 * failure either returns it or logs it, never both. The sentence says where, what, and where it can
 * what to do next. */
#ifndef WEIR_BASE_FAILURE_H
#define WEIR_BASE_FAILURE_H

#include <stddef.h>

enum outcome {
    OK,     /* done                                                                    */
    RETRY,  /* nothing was promised; the same call may work later                      */
    REJECT, /* this one record never works: dead letter                                */
    STOP    /* the set-up is wrong; a person has to change it                          */
};

/* What a caller may have to answer differently. */
enum cause {
    CAUSE_OTHER,
    CAUSE_FULL,    /* a budget of weir's own is used up (HTTP 429)                       */
    CAUSE_LARGE,   /* what comes at once is more than that budget ever has room for         */
    CAUSE_FENCED,  /* somebody else moved the cursor                                   */
    CAUSE_REFUSED, /* some of what was gathered never works: it is told apart when read again */
    CAUSE_MEMORY   /* an engine's own limit was too low; in more memory it may work           */
};

struct failure {
    enum outcome outcome;
    enum cause cause;
    size_t record;     /* REJECT of one of several: which                             */
    char pointer[200]; /* JSON Pointer (RFC 6901) of the field at fault, or ""        */
    char text[600];    /* one sentence, cut when longer, in no character              */
};

/* Fill *f and return `outcome`: `return failed(f, RETRY, "put %s: HTTP %d", key, code);` */
enum outcome failed(struct failure *f, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the field at fault. */
enum outcome failed_at(struct failure *f, enum outcome outcome, const char *pointer,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same with errno's text appended: "…: No space left on device". */
enum outcome failed_errno(struct failure *f, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same calls, written so that compilers and analyzers see which outcome comes back; `o` is
 * evaluated twice. */
#define failed(f, o, ...) ((void)failed((f), (o), __VA_ARGS__), (enum outcome)(o))
#define failed_at(f, o, ...) ((void)failed_at((f), (o), __VA_ARGS__), (enum outcome)(o))
#define failed_errno(f, o, ...) ((void)failed_errno((f), (o), __VA_ARGS__), (enum outcome)(o))

/* "ok", "retry", "reject", "stop". */
const char *outcome_name(enum outcome o);

#endif
