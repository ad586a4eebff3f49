/* PostgreSQL by libpq, row by row, in a transaction that can only read.
 *   source  postgresql.org/docs/15: libpq, Appendix A (SQLSTATE classes) */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "collector/source.h"
#include "config/sources.h"

enum { PARAMETERS_MAX = 2, CANCEL_BYTES = 256 };

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

static bool is_class(const char *state, const char *const *classes)
{
    for (; *classes; classes++) {
        if (strncmp(state, *classes, strlen(*classes)) == 0) {
            return true;
        }
    }
    return false;
}

/* What the server is short of may be there later; what the query lacks is not. */
static enum outcome outcome_of(const char *state)
{
    static const char *const busy[] = {"08", "25006", "40", "53", "55", "57", "58", "XX", NULL};
    static const char *const refused[] = {"28", "3D", "42501", NULL};
    if (!state || !*state) {
        return RETRY;
    }
    return is_class(state, refused) ? STOP : is_class(state, busy) ? RETRY : REJECT;
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

static struct str first_line(const char *text)
{
    struct str rest;
    return str_trim(str_cut(str_of(text), '\n', &rest));
}

static enum outcome tell_result(const struct source_ask *ask, const PGresult *r, struct failure *f)
{
    const struct postgres_options *const o = ask->options;
    const char *const state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *const hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
    const char *const primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const struct str place = place_in(ask->arena, o->sql,
                                      PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION));
    const struct str text = primary ? str_of(primary) : first_line(PQresultErrorMessage(r));
    return failed(f, outcome_of(state), "PostgreSQL: %.*s (SQLSTATE %s%.*s)%s%s", STR_ARG(text),
                  state ? state : "none", STR_ARG(place), hint ? "; " : "", hint ? hint : "");
}

/* Before there is an answer there is no SQLSTATE, only a sentence. */
static enum outcome tell_connection(PGconn *c, struct failure *f)
{
    const struct str text = first_line(PQerrorMessage(c));
    const bool is_refused = PQconnectionNeedsPassword(c) || PQconnectionUsedPassword(c) ||
                            strstr(PQerrorMessage(c), "no pg_hba.conf entry") ||
                            strstr(PQerrorMessage(c), "certificate verify failed") ||
                            strstr(PQerrorMessage(c), "does not exist") ||
                            strstr(PQerrorMessage(c), "URI");
    return failed(f, is_refused && PQstatus(c) == CONNECTION_BAD ? STOP : RETRY, "PostgreSQL: %.*s",
                  STR_ARG(text));
}

/* ---- one session ---- */

static enum outcome run(const struct source_ask *ask, PGconn *c, const char *sql, struct failure *f)
{
    PGresult *const r = PQexec(c, sql);
    const enum outcome result = PQresultStatus(r) == PGRES_COMMAND_OK ? OK
                                : r                                   ? tell_result(ask, r, f)
                                                                      : tell_connection(c, f);
    PQclear(r);
    return result;
}

static enum outcome open_session(const struct source_ask *ask, PGconn **out, struct failure *f)
{
    const struct postgres_options *const o = ask->options;
    /* what the URI says comes last and wins */
    const char *const keys[] = {"connect_timeout", "fallback_application_name", "client_encoding",
                                "dbname", NULL};
    const char *const values[] = {"10", "weir", "UTF8", arena_cstr(ask->arena, o->uri), NULL};
    const int64_t time_ms = ask->collector->schedule.time_ms;
    PGconn *const c = PQconnectdbParams(keys, values, 1);
    *out = c;
    if (PQstatus(c) != CONNECTION_OK) {
        return tell_connection(c, f);
    }
    enum outcome result = run(
        ask, c,
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'iso_8601'; "
        "SET extra_float_digits = 1",
        f);
    if (result == OK && time_ms > 0 && time_ms <= INT32_MAX) {
        result = run(
            ask, c, arena_printf(ask->arena, "SET statement_timeout = %lld", (long long)time_ms).at,
            f);
    }
    return result == OK ? run(ask, c, "BEGIN TRANSACTION READ ONLY", f) : result;
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
    PGresult *const r = PQdescribePrepared(c, "");
    const bool is_growing = ask->collector->strategy == STRATEGY_GROWING;
    const bool has_window = ask->start_us != TIME_NONE;
    *n = r ? PQnparams(r) : 0;
    PQclear(r);
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
    PGresult *const r = PQprepare(c, "", arena_cstr(ask->arena, o->sql), 0, NULL);
    enum outcome result = PQresultStatus(r) == PGRES_COMMAND_OK ? OK : tell_result(ask, r, f);
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

/* `2024-01-02 03:04:05.6+00` as RFC 3339; infinity stays the word that it is. */
static struct str time_text(struct arena *a, struct str text)
{
    char *const to = arena_array(a, char, text.len + sizeof "T00:00:00Z");
    size_t len = text.len;
    if (len < 10 || text.at[4] != '-') {
        return text;
    }
    memcpy(to, text.at, len);
    if (len == 10) {
        memcpy(to + len, "T00:00:00", 9);
        len += 9;
    }
    to[10] = 'T';
    len -= len > 3 && to[len - 3] == '+' ? 3 : 0;
    to[len++] = 'Z';
    return (struct str){to, len};
}

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
        cell.text = time_text(a, cell.text);
        break;
    default: break;
    }
    return cell;
}

static enum outcome give_row(const struct source_ask *ask, const PGresult *r,
                             const struct source_to *to, struct failure *f)
{
    struct arena row;
    const int columns = PQnfields(r);
    size_t bytes = 0;
    for (int i = 0; i < columns; i++) {
        bytes += (size_t)PQgetlength(r, 0, i);
    }
    if (bytes > ask->row_bytes_max) {
        return failed(f, REJECT, "a row of %zu bytes is larger than %zu", bytes,
                      ask->row_bytes_max);
    }
    arena_init(&row, 4 * ask->row_bytes_max);
    struct cell *const cells = arena_array(&row, struct cell, (size_t)columns);
    for (int i = 0; i < columns; i++) {
        cells[i] = cell_of(&row, r, i);
    }
    const enum outcome result = to->row(to->to, cells, (size_t)columns, f);
    arena_close(&row);
    return result;
}

/* Until the next answer is here; a stop cancels the query. */
static enum outcome wait_answer(PGconn *c, struct failure *f)
{
    while (PQisBusy(c)) {
        struct pollfd p = {.fd = PQsocket(c), .events = POLLIN};
        if (asked_to_stop()) {
            char why[CANCEL_BYTES];
            PGcancel *const cancel = PQgetCancel(c);
            (void)PQcancel(cancel, why, sizeof why);
            PQfreeCancel(cancel);
            return failed(f, RETRY, "asked to stop");
        }
        if (poll(&p, 1, -1) > 0 && !PQconsumeInput(c)) {
            return tell_connection(c, f);
        }
    }
    return OK;
}

static enum outcome give_rows(const struct source_ask *ask, PGconn *c, const struct source_to *to,
                              struct failure *f)
{
    for (;;) {
        enum outcome result = wait_answer(c, f);
        PGresult *const r = result == OK ? PQgetResult(c) : NULL;
        if (!r) {
            return result;
        }
        const ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_SINGLE_TUPLE) {
            result = give_row(ask, r, to, f);
        } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
            result = tell_result(ask, r, f);
        }
        PQclear(r);
        if (result != OK) {
            return result;
        }
        FAILPOINT("source.row");
    }
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
