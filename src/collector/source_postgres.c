/* PostgreSQL by libpq, row by row, in a transaction that can only read.
 *   source  postgresql.org/docs/15: libpq, Appendix A (SQLSTATE classes) */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "config/sources.h"
#include "wire/postgres.h"

enum {
    PARAMETERS_MAX = 2,
    CANCEL_BYTES = 256,
    SQLSTATE_BYTES = 6,
    LOOK_MS = 1000,
    CONNECT_MS = 20000
};

/* pg_type.oid of what is not kept as text; fixed for ever. */
enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700
};

/* ---- failures ---- */

/* What the server is short of may be there later; what the query lacks is not. */
static enum outcome outcome_of(const char *state)
{
    static const struct postgres_class classes[] = {
        {"28", STOP},  {"3D", STOP},  {"42501", STOP}, {"08", RETRY}, {"40", RETRY}, {"53", RETRY},
        {"55", RETRY}, {"57", RETRY}, {"58", RETRY},   {"XX", RETRY}, {"", REJECT}};
    return postgres_outcome(classes, state);
}

/* Line and column of the n-th character of the query. */
static struct str place_in(struct arena *a, struct str sql, const char *character)
{
    const long wanted = character ? strtol(character, NULL, 10) : 0;
    long line = 1, column = 1, seen = 1;
    if (wanted <= 0) {
        return S("");
    }
    for (size_t i = 0; i < sql.len && seen < wanted; i++) {
        const bool is_first_byte = ((unsigned char)sql.at[i] & 0xc0) != 0x80;
        line += sql.at[i] == '\n';
        column = sql.at[i] == '\n' ? 1 : column + is_first_byte;
        seen += is_first_byte;
    }
    return arena_printf(a, "; line %ld, column %ld of sql", line, column);
}

static enum outcome tell_result(const struct source_ask *ask, const PGresult *r, struct failure *f)
{
    const struct postgres_options *const o = ask->options;
    const char *const state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *const hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    const char *const primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const struct str place = place_in(ask->arena, o->sql,
                                      PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION));
    const struct str text = primary ? str_of(primary)
                                    : postgres_first_line(PQresultErrorMessage(r));
    return failed(f, outcome_of(state), "PostgreSQL: %.*s (SQLSTATE %s%.*s)%s%s", STR_ARG(text),
                  state ? state : "none", STR_ARG(place), hint ? "; " : "", hint ? hint : "");
}

/* The SQLSTATE of a server's sentence as libpq writes it when it is told to: `FATAL:  28P01: …`. */
static const char *state_in(const char *text, char out[SQLSTATE_BYTES])
{
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 1, ":  ")) {
        const size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n == SQLSTATE_BYTES - 1 && at[3 + n] == ':') {
            memcpy(out, at + 3, n);
            out[n] = '\0';
            return out;
        }
    }
    return NULL;
}

/* No answer, and so no result to look at: what libpq says. Without a SQLSTATE it never reached the
 * server, or lost it; then waiting helps, but where the client itself refuses. */
static enum outcome tell_connection(const PGconn *c, struct failure *f)
{
    static const char *const for_good[] = {"certificate", "does not support SSL",  "no password",
                                           "private key", "authentication method", "invalid "};
    const char *const all = PQerrorMessage(c);
    char buffer[SQLSTATE_BYTES], says[POSTGRES_TEXT_BYTES];
    const char *const state = state_in(all, buffer);
    enum outcome outcome = outcome_of(state);
    for (size_t i = 0; !state && i < sizeof for_good / sizeof *for_good; i++) {
        outcome = strstr(all, for_good[i]) ? STOP : outcome;
    }
    return failed(f, outcome, "PostgreSQL: %.*s", STR_ARG(postgres_says(c, says)));
}

/* ---- waiting ---- */

/* Until the socket can be read (or written), a second at most: long enough to cost nothing, short
 * enough for a stop that came just before. */
static enum outcome wait_socket(PGconn *c, short events, struct failure *f)
{
    struct pollfd p = {.fd = PQsocket(c), .events = events};
    if (asked_to_stop()) {
        return failed(f, RETRY, "asked to stop");
    }
    (void)poll(&p, 1, LOOK_MS);
    return OK;
}

/* Until the next answer is here; a stop cancels the query at the server, too. */
static enum outcome wait_answer(PGconn *c, struct failure *f)
{
    enum outcome result = OK;
    while (result == OK && PQisBusy(c)) {
        result = wait_socket(c, POLLIN, f);
        if (result == OK && !PQconsumeInput(c)) {
            return tell_connection(c, f);
        }
    }
    if (result != OK) {
        char why[CANCEL_BYTES];
        PGcancel *const cancel = PQgetCancel(c);
        (void)PQcancel(cancel, why, sizeof why);
        PQfreeCancel(cancel);
    }
    return result;
}

/* The last answer of what was sent, NULL when there is none; the caller clears it. */
static enum outcome answer(const struct source_ask *ask, PGconn *c, int was_sent, PGresult **out,
                           struct failure *f)
{
    *out = NULL;
    if (!was_sent) {
        return tell_connection(c, f);
    }
    for (;;) {
        const enum outcome result = wait_answer(c, f);
        PGresult *const r = result == OK ? PQgetResult(c) : NULL;
        if (!r) {
            const bool is_bad = result == OK && PQresultStatus(*out) != PGRES_COMMAND_OK;
            return is_bad && *out ? tell_result(ask, *out, f)
                   : is_bad       ? tell_connection(c, f)
                                  : result;
        }
        const bool has_failed = *out && PQresultStatus(*out) == PGRES_FATAL_ERROR;
        PQclear(has_failed ? r : *out);
        *out = has_failed ? *out : r;
    }
}

/* ---- one session ---- */

static enum outcome run(const struct source_ask *ask, PGconn *c, const char *sql, struct failure *f)
{
    PGresult *r = NULL;
    const enum outcome result = answer(ask, c, PQsendQuery(c, sql), &r, f);
    PQclear(r);
    return result;
}

static enum outcome connect_session(const struct source_ask *ask, PGconn **out, struct failure *f)
{
    const struct postgres_options *const o = ask->options;
    /* what the URI says comes last and wins; a peer that is gone without a word is noticed */
    const char *const uri = arena_cstr(ask->arena, o->uri);
    const char *const keys[] = {"fallback_application_name", "client_encoding", "keepalives_idle",
                                "tcp_user_timeout",          "dbname",          NULL};
    const char *const values[] = {"weir", "UTF8", "30", "60000", uri, NULL};
    const int64_t until_us = clock_mono_us() + (int64_t)CONNECT_MS * 1000;
    enum outcome result = postgres_check_uri(uri, f);
    PGconn *const c = result == OK ? PQconnectStartParams(keys, values, 1) : NULL;
    *out = c;
    if (result == OK && PQstatus(c) == CONNECTION_BAD) {
        return tell_connection(c, f);
    }
    if (result == OK) {
        (void)PQsetErrorVerbosity(c, PQERRORS_VERBOSE); /* with the SQLSTATE */
    }
    PostgresPollingStatusType is = PGRES_POLLING_WRITING;
    while (result == OK && is != PGRES_POLLING_OK) {
        result = wait_socket(c, is == PGRES_POLLING_READING ? POLLIN : POLLOUT, f);
        if (result == OK && clock_mono_us() > until_us) {
            return failed(f, RETRY, "PostgreSQL: no connection within %d s", CONNECT_MS / 1000);
        }
        is = result == OK ? PQconnectPoll(c) : is;
        if (result == OK && is == PGRES_POLLING_FAILED) {
            return tell_connection(c, f);
        }
    }
    return result;
}

static enum outcome open_session(const struct source_ask *ask, PGconn **out, struct failure *f)
{
    const int64_t time_ms = ask->collector->schedule.time_ms;
    enum outcome result = connect_session(ask, out, f);
    if (result == OK) {
        result = run(ask, *out,
                     "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; "
                     "SET extra_float_digits = 1",
                     f);
    }
    if (result == OK && time_ms > 0 && time_ms <= INT32_MAX) {
        result = run(
            ask, *out,
            arena_printf(ask->arena, "SET statement_timeout = %lld", (long long)time_ms).at, f);
    }
    return result == OK ? run(ask, *out, "BEGIN TRANSACTION READ ONLY", f) : result;
}

static const char *text_of(const struct source_ask *ask, int64_t us)
{
    char *const text = arena_array(ask->arena, char, CLOCK_TEXT_BYTES);
    (void)clock_text(us, text);
    return text;
}

/* $1 and $2, as far as the query has them. */
static enum outcome parameters(const struct source_ask *ask, PGconn *c, int *n,
                               const char *value[PARAMETERS_MAX], struct failure *f)
{
    PGresult *r = NULL;
    const bool is_growing = ask->collector->strategy == STRATEGY_GROWING;
    const bool has_window = ask->start_us != TIME_NONE;
    const enum outcome result = answer(ask, c, PQsendDescribePrepared(c, ""), &r, f);
    const bool gives_rows = r && PQnfields(r) > 0;
    *n = r ? PQnparams(r) : 0;
    PQclear(r);
    if (result != OK) {
        return result;
    }
    if (!gives_rows) {
        return failed(f, REJECT, "sql is no query: it gives no columns");
    }
    if (*n > PARAMETERS_MAX || (*n > 0 && !is_growing && !has_window)) {
        return failed(f, REJECT,
                      "sql has %d parameters; there are $1 and $2 with a window (its start and "
                      "end), or $1 and $2 with strategy incremental (the bookmark, and now)",
                      *n);
    }
    value[0] = has_window          ? text_of(ask, ask->start_us)
               : ask->bookmark.len ? arena_cstr(ask->arena, ask->bookmark)
                                   : NULL;
    value[1] = text_of(ask, has_window ? ask->end_us : ask->now_us);
    return OK;
}

static enum outcome send_query(const struct source_ask *ask, PGconn *c, struct failure *f)
{
    const struct postgres_options *const o = ask->options;
    const char *value[PARAMETERS_MAX];
    int n = 0;
    PGresult *r = NULL;
    enum outcome result = answer(
        ask, c, PQsendPrepare(c, "", arena_cstr(ask->arena, o->sql), 0, NULL), &r, f);
    PQclear(r);
    if (result == OK) {
        result = parameters(ask, c, &n, value, f);
    }
    if (result == OK &&
        (!PQsendQueryPrepared(c, "", n, value, NULL, NULL, 0) || !PQsetSingleRowMode(c))) {
        result = tell_connection(c, f);
    }
    return result;
}

/* ---- rows ---- */

static struct cell cell_of(struct arena *a, const PGresult *r, int column)
{
    struct cell cell = {.column = str_of(PQfname(r, column)),
                        .kind = CELL_TEXT,
                        .text = {PQgetvalue(r, 0, column), (size_t)PQgetlength(r, 0, column)}};
    if (PQgetisnull(r, 0, column)) {
        cell.kind = CELL_NULL;
        return cell;
    }
    switch (PQftype(r, column)) {
    case OID_BOOL:
        cell.kind = CELL_BOOL;
        cell.text = cell.text.at[0] == 't' ? S("true") : S("false");
        break;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
    case OID_FLOAT4:
    case OID_FLOAT8:
    case OID_NUMERIC: cell.kind = CELL_NUMBER; break;
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        cell.kind = CELL_TIME;
        cell.text = cell_time(a, cell.text);
        break;
    default: break;
    }
    return cell;
}

static enum outcome give_row(const struct source_ask *ask, const PGresult *r, struct arena *row,
                             const struct source_to *to, struct failure *f)
{
    const int columns = PQnfields(r);
    size_t bytes = 0;
    for (int i = 0; i < columns; i++) {
        bytes += (size_t)PQgetlength(r, 0, i);
    }
    if (bytes > ask->row_bytes_max) {
        return failed(f, REJECT, "a row of %zu bytes is larger than %zu", bytes,
                      ask->row_bytes_max);
    }
    arena_reset(row);
    struct cell *const cells = arena_array(row, struct cell, (size_t)columns);
    for (int i = 0; i < columns; i++) {
        cells[i] = cell_of(row, r, i);
    }
    return to->row(to->to, cells, (size_t)columns, f);
}

static enum outcome give_rows(const struct source_ask *ask, PGconn *c, const struct source_to *to,
                              struct failure *f)
{
    struct arena row;
    enum outcome result = OK;
    arena_init(&row, 4 * ask->row_bytes_max);
    while (result == OK) {
        result = wait_answer(c, f);
        PGresult *const r = result == OK ? PQgetResult(c) : NULL;
        if (!r) {
            break;
        }
        const ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_SINGLE_TUPLE) {
            result = give_row(ask, r, &row, to, f);
        } else if (status != PGRES_TUPLES_OK) {
            result = tell_result(ask, r, f);
        }
        PQclear(r);
        FAILPOINT("source.row");
    }
    arena_close(&row);
    return result;
}

static enum outcome postgres_read(const struct source_ask *ask, const struct source_to *to,
                                  struct failure *f)
{
    PGconn *c = NULL;
    enum outcome result = open_session(ask, &c, f);
    if (result == OK) {
        result = send_query(ask, c, f);
    }
    if (result == OK) {
        result = give_rows(ask, c, to, f);
    }
    PQfinish(c);
    return result;
}

const struct source_driver source_postgres = {.name = "postgres", .read = postgres_read};
