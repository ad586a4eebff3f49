/* postgres.h - what libpq says, told as weir tells it: in one line, as an outcome, and without
 * what a URI keeps secret.
 *
 * libpq's own functions are used where rows are read and written; this header adds what both sides
 * must decide. */
#ifndef WEIR_WIRE_POSTGRES_H
#define WEIR_WIRE_POSTGRES_H

#include <libpq-fe.h>

#include "base/failure.h"
#include "base/str.h"

enum { POSTGRES_TEXT_BYTES = 600 };

/* Of the SQLSTATEs that begin so. A list ends with the beginning "", which all others have. */
struct postgres_class {
    const char *begin;
    enum outcome outcome;
};

/* What the first of its classes says; RETRY without a state (NULL or empty). */
enum outcome postgres_outcome(const struct postgres_class *classes, const char *state);

struct str postgres_first_line(const char *text);

/* libpq's last sentence of this connection, its first line. What it quotes is left out, but for the
 * host: a password that is not written as a URI wants it is read as a part of something else. The
 * server's own words stay whole. */
struct str postgres_says(const PGconn *c, char out[POSTGRES_TEXT_BYTES]);

/* Whether a connection can be tried with it. libpq's own refusals repeat a part of it, and this
 * does not.
 *   returns OK | STOP libpq cannot read it, or a password's bytes stand where they are another part
 *   source  postgresql.org/docs/15/libpq-connect.html, Connection Strings */
enum outcome postgres_check_uri(const char *uri, struct failure *f);

#endif
