/* PostgreSQL: a row a record, by its key; the same record again is the same row, with what was read
 * last. A batch is copied into a table of the session and merged from there, in one transaction.
 *   source  PostgreSQL 15: COPY (text format), INSERT (ON CONFLICT), Appendix A (SQLSTATE classes)
 */
#include <errno.h>
#include <poll.h>

#include "base/asked.h"
#include "base/file.h"
#include "persist/sink/sink.h"
#include "wire/postgres.h"

enum {
    ITEMS_MAX = 1000,
    ANSWER_MS = 60 * 1000,
    STOP_MS = 5 * 1000, /* for the answer that is waited for when a stop is asked for */
    SQL_BYTES_MAX = 64 << 10,
    COPY_BYTES_MAX = 512 << 20,
    TURN_MS = 1000
};
#define SCRATCH_BYTES_MAX ((size_t)1 << 30)

enum cell {
    CELL_KEY,
    CELL_MODEL,
    CELL_NAME,
    CELL_TYPE,
    CELL_VALUE,
    CELL_TAGS,
    CELL_WINDOW_START,
    CELL_WINDOW_END,
    CELL_AT,
    CELL_COLLECTOR,
    CELL_SOURCE,
    CELL_SUBJECT,
    CELL_RECORD
};

struct table_column {
    enum cell cell;
    const char *name, *type;
};

static const struct table_column of_metrics[] = {
    {CELL_KEY, "key", "text"},
    {CELL_NAME, "name", "text"},
    {CELL_TYPE, "type", "text"},
    {CELL_VALUE, "value", "double precision"},
    {CELL_TAGS, "tags", "jsonb"},
    {CELL_WINDOW_START, "window_start_at", "timestamptz"},
    {CELL_WINDOW_END, "window_end_at", "timestamptz"},
    {CELL_AT, "at", "timestamptz"},
    {CELL_COLLECTOR, "collector", "text"},
    {CELL_RECORD, "record", "jsonb"},
};
static const struct table_column of_models[] = {
    {CELL_KEY, "key", "text"},         {CELL_MODEL, "model", "text"},
    {CELL_SOURCE, "source", "text"},   {CELL_TYPE, "type", "text"},
    {CELL_SUBJECT, "subject", "text"}, {CELL_AT, "at", "timestamptz"},
    {CELL_RECORD, "record", "jsonb"},
};
enum { COLUMNS_MAX = sizeof of_metrics / sizeof *of_metrics };

struct postgresql {
    PGconn *c;
    struct arena arena;                           /* of one call                              */
    const struct table_column *used[COLUMNS_MAX]; /* those that the table has                 */
    size_t used_n;
    struct str table; /* quoted                                   */
    struct str list;  /* of the columns' names                    */
    bool tells_age;   /* its column `at` is when a record was read */
    size_t careful_n; /* items that were refused together: one by one, to find which it is */
};

/* ---- failures ---- */

/* What is busy or broken may pass; what is lacking a person has to make; a value never fits. */
static enum outcome outcome_of(const char *state)
{
    static const struct postgres_class classes[] = {
        {"22", REJECT}, {"23", REJECT}, {"42P01", RETRY}, {"28", STOP},
        {"3D", STOP},   {"3F", STOP},   {"42", STOP},     {"", RETRY}};
    return postgres_outcome(classes, state);
}

static enum outcome tell(const struct postgresql *p, const PGresult *r, struct failure *f)
{
    const char *const state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *const primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    char says[POSTGRES_TEXT_BYTES];
    const struct str text = primary ? str_of(primary) : postgres_says(p->c, says);
    return failed(f, outcome_of(state), "PostgreSQL, table %.*s: %.*s%s%s%s", STR_ARG(p->table),
                  STR_ARG(text), state ? " (SQLSTATE " : "", state ? state : "", state ? ")" : "");
}

/* Before there is an answer there is no SQLSTATE, only a sentence. */
static enum outcome tell_connection(const struct postgresql *p, struct failure *f)
{
    char text[POSTGRES_TEXT_BYTES];
    const char *const says = PQerrorMessage(p->c);
    const bool is_refused = PQconnectionNeedsPassword(p->c) || PQconnectionUsedPassword(p->c) ||
                            strstr(says, "no pg_hba.conf entry") ||
                            strstr(says, "certificate verify failed") ||
                            strstr(says, "does not exist");
    return failed(f, is_refused ? STOP : RETRY, "PostgreSQL: %.*s",
                  STR_ARG(postgres_says(p->c, text)));
}

static enum outcome tell_lost(const struct postgresql *p, struct failure *f)
{
    char says[POSTGRES_TEXT_BYTES];
    return failed(f, RETRY, "PostgreSQL, table %.*s: %.*s", STR_ARG(p->table),
                  STR_ARG(postgres_says(p->c, says)));
}

/* ---- asking ---- */

/* The next answer, waited for no longer than that. A lock on the table, or a line that is cut, may
 * keep it away for longer than a stop may take. */
static enum outcome result_of(struct postgresql *p, PGresult **out, struct failure *f)
{
    int64_t end_us = clock_mono_us() + ANSWER_MS * 1000LL;
    bool is_stopping = false;
    *out = NULL;
    while (PQisBusy(p->c)) {
        struct pollfd at = {.fd = PQsocket(p->c), .events = POLLIN};
        const int64_t now_us = clock_mono_us();
        if (asked_to_stop() && !is_stopping) {
            is_stopping = true;
            end_us = now_us + STOP_MS * 1000LL < end_us ? now_us + STOP_MS * 1000LL : end_us;
        }
        if (now_us > end_us) {
            return failed(f, RETRY, "PostgreSQL: no answer %s",
                          is_stopping ? "before the stop that was asked for" : "in a minute");
        }
        if ((poll(&at, 1, TURN_MS) < 0 && errno != EINTR) || !PQconsumeInput(p->c)) {
            return tell_lost(p, f);
        }
    }
    *out = PQgetResult(p->c);
    return OK;
}

/* All answers to what was sent; the first that failed is told. */
static enum outcome finish(struct postgresql *p, struct failure *f)
{
    enum outcome result = OK;
    for (;;) {
        PGresult *r = NULL;
        const enum outcome got = result_of(p, &r, f);
        if (got != OK || !r) {
            return got != OK ? got : result;
        }
        const ExecStatusType status = PQresultStatus(r);
        const bool is_good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                             status == PGRES_COPY_IN;
        result = is_good || result != OK ? result : tell(p, r, f);
        PQclear(r);
        if (status == PGRES_COPY_IN) {
            return result;
        }
    }
}

static enum outcome run(struct postgresql *p, const char *sql, struct failure *f)
{
    return PQsendQuery(p->c, sql) ? finish(p, f) : tell_lost(p, f);
}

/* ---- the table ---- */

static void add_name(struct buf *b, struct str name)
{
    buf_add_byte(b, '"');
    for (size_t i = 0; i < name.len; i++) {
        buf_add(b, name.at[i] == '"' ? S("\"\"") : str_sub(name, i, 1));
    }
    buf_add_byte(b, '"');
}

static struct str quoted(struct arena *a, struct str table)
{
    struct buf b;
    struct str name;
    buf_init(&b, a, SQL_BYTES_MAX);
    const struct str schema = str_cut(table, '.', &name);
    if (name.len > 0) {
        add_name(&b, schema);
        buf_add_byte(&b, '.');
    }
    add_name(&b, name.len > 0 ? name : schema);
    return buf_str(&b);
}

/* Its row; -1: there is none. */
static int find_column(const PGresult *r, const char *name)
{
    int i = PQntuples(r) - 1;
    while (i >= 0 && strcmp(PQgetvalue(r, i, 0), name) != 0) {
        i--;
    }
    return i;
}

/* Of ours those that the table has: it may have been made by somebody else. */
static enum outcome look(struct sink *s, const struct table_column *all, size_t n,
                         struct failure *f)
{
    struct postgresql *const p = s->state;
    struct buf list;
    const char *const parameter[] = {arena_cstr(&p->arena, p->table)};
    PGresult *const r = PQexecParams(p->c,
                                     "SELECT attname, atttypid IN ('timestamptz'::regtype, "
                                     "'timestamp'::regtype) FROM pg_attribute WHERE attrelid = "
                                     "$1::regclass AND attnum > 0 AND NOT attisdropped",
                                     1, NULL, parameter, NULL, NULL, 0);
    enum outcome result = PQresultStatus(r) == PGRES_TUPLES_OK ? OK : tell(p, r, f);
    buf_init(&list, s->arena, SQL_BYTES_MAX);
    p->used_n = 0;
    p->tells_age = false;
    for (size_t i = 0; i < n && result == OK; i++) {
        const int row = find_column(r, all[i].name);
        if (row >= 0) {
            p->tells_age = p->tells_age ||
                           (s->config->is_for_collectors && all[i].cell == CELL_AT &&
                            *PQgetvalue(r, row, 1) == 't');
            buf_printf(&list, "%s\"%s\"", p->used_n > 0 ? ", " : "", all[i].name);
            p->used[p->used_n++] = &all[i];
        }
    }
    p->list = buf_str(&list);
    if (result == OK && (p->used_n == 0 || p->used[0]->cell != CELL_KEY)) {
        result = failed(f, STOP,
                        "PostgreSQL: table %.*s has no column `key`; it needs one, text and unique",
                        STR_ARG(p->table));
    }
    PQclear(r);
    return result;
}

/* Looked for before it is made: who may write to a table need not have the right to make one. */
static enum outcome make(struct sink *s, struct failure *f)
{
    struct postgresql *const p = s->state;
    const bool is_metric = s->config->is_for_collectors;
    const struct table_column *const all = is_metric ? of_metrics : of_models;
    const size_t n = is_metric ? COLUMNS_MAX : sizeof of_models / sizeof *of_models;
    struct buf sql;
    const char *const parameter[] = {arena_cstr(&p->arena, p->table)};
    PGresult *const r = PQexecParams(p->c, "SELECT to_regclass($1)", 1, NULL, parameter, NULL, NULL,
                                     0);
    enum outcome result = PQresultStatus(r) == PGRES_TUPLES_OK ? OK : tell(p, r, f);
    const bool is_there = result == OK && !PQgetisnull(r, 0, 0);
    PQclear(r);
    buf_init(&sql, &p->arena, SQL_BYTES_MAX);
    buf_printf(&sql, "CREATE TABLE IF NOT EXISTS %.*s (", STR_ARG(p->table));
    for (size_t i = 0; i < n; i++) {
        buf_printf(&sql, "%s\"%s\" %s%s", i > 0 ? ", " : "", all[i].name, all[i].type,
                   i > 0 ? "" : " PRIMARY KEY");
    }
    buf_add(&sql, (struct str){")", 2}); /* with its end */
    result = result == OK && !is_there ? run(p, buf_str(&sql).at, f) : result;
    result = result == OK ? look(s, all, n, f) : result;
    buf_reset(&sql);
    buf_add(&sql, S("CREATE TEMP TABLE weir_in (weir_n bigserial"));
    for (size_t i = 0; i < p->used_n; i++) {
        buf_printf(&sql, ", \"%s\" %s", p->used[i]->name, p->used[i]->type);
    }
    buf_add(&sql, (struct str){") ON COMMIT DELETE ROWS", 24});
    return result == OK ? run(p, buf_str(&sql).at, f) : result;
}

static void drop_session(struct postgresql *p)
{
    PQfinish(p->c);
    p->c = NULL;
}

static enum outcome connect_to(struct sink *s, struct failure *f)
{
    struct postgresql *const p = s->state;
    const struct postgresql_options *const o = s->options;
    /* what the URI says comes last and wins */
    const char *const keys[] = {"connect_timeout", "tcp_user_timeout", "fallback_application_name",
                                "client_encoding", "dbname",           NULL};
    const char *const uri = arena_cstr(&p->arena, o->uri);
    const char *const values[] = {"10", "60000", "weir", "UTF8", uri, NULL};
    if (postgres_check_uri(uri, f) != OK) {
        return STOP;
    }
    p->c = PQconnectdbParams(keys, values, 1);
    enum outcome result = PQstatus(p->c) == CONNECTION_OK ? OK : tell_connection(p, f);
    if (result == OK) {
        result = run(p,
                     "SET client_min_messages = warning; SET TimeZone = 'UTC'; "
                     "SET statement_timeout = 50000",
                     f);
    }
    result = result == OK ? make(s, f) : result;
    if (result != OK) {
        drop_session(p);
    }
    return result;
}

static enum outcome postgresql_open(struct sink *s, struct failure *f)
{
    struct postgresql *const p = s->state;
    const struct postgresql_options *const o = s->options;
    arena_init(&p->arena, SCRATCH_BYTES_MAX);
    p->table = quoted(s->arena, o->table);
    return connect_to(s, f);
}

static void postgresql_close(struct sink *s)
{
    struct postgresql *const p = s->state;
    if (p) {
        drop_session(p);
        arena_close(&p->arena);
    }
}

/* ---- rows ---- */

static void add_field(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '\\': buf_add(b, S("\\\\")); break;
        case '\t': buf_add(b, S("\\t")); break;
        case '\n': buf_add(b, S("\\n")); break;
        case '\r': buf_add(b, S("\\r")); break;
        default: buf_add_byte(b, text.at[i]);
        }
    }
}

static struct str time_text(struct arena *a, int64_t us)
{
    char *const text = arena_array(a, char, CLOCK_TEXT_BYTES);
    if (us == TIME_NONE) {
        return (struct str){0};
    }
    (void)clock_text(us, text);
    return str_of(text);
}

/* A record that is no JSON (of a template) is a JSON text. */
static struct str record_json(struct arena *a, const struct sink_item *item)
{
    struct buf b;
    if (!str_eq(item->type, S("text/plain"))) {
        return item->body;
    }
    buf_init(&b, a, COPY_BYTES_MAX);
    buf_add_json(&b, item->body);
    return buf_str(&b);
}

/* Text of a cell; at == NULL: null. */
static struct str cell_text(struct arena *a, enum cell cell, const struct sink_item *item)
{
    const struct metric *const m = item->metric;
    const struct signal *const s = item->fact;
    struct buf b;
    switch (cell) {
    case CELL_KEY: return item->key;
    case CELL_MODEL: return item->model;
    case CELL_NAME: return m->name;
    case CELL_TYPE: return m ? m->type : s->type;
    case CELL_VALUE:
        return m->body.len > 0 ? (struct str){NULL, 0} : arena_printf(a, "%.17g", m->value);
    case CELL_TAGS:
        buf_init(&b, a, COPY_BYTES_MAX);
        metric_write_tags(&b, m);
        return buf_str(&b);
    case CELL_WINDOW_START: return time_text(a, m->window_start_us);
    case CELL_WINDOW_END: return time_text(a, m->window_end_us);
    case CELL_AT: return time_text(a, m ? m->at_us : s->time_us);
    case CELL_COLLECTOR: return m->collector;
    case CELL_SOURCE: return s->source;
    case CELL_SUBJECT: return s->subject;
    case CELL_RECORD: return record_json(a, item);
    }
    return (struct str){0};
}

static enum outcome copy_in(struct postgresql *p, const struct sink_item *item, size_t n,
                            struct failure *f)
{
    struct buf b;
    const struct str sql = arena_printf(&p->arena, "COPY weir_in (%.*s) FROM STDIN",
                                        STR_ARG(p->list));
    enum outcome result = run(p, sql.at, f);
    if (result != OK) {
        return result;
    }
    buf_init(&b, &p->arena, COPY_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&b);
        for (size_t k = 0; k < p->used_n; k++) {
            const struct str text = cell_text(&p->arena, p->used[k]->cell, &item[i]);
            buf_add(&b, k > 0 ? S("\t") : S(""));
            if (text.at) {
                add_field(&b, text);
            } else {
                buf_add(&b, S("\\N"));
            }
        }
        buf_add_byte(&b, '\n');
        const struct str row = buf_str(&b);
        if (PQputCopyData(p->c, row.at, (int)row.len) != 1) {
            return tell_lost(p, f);
        }
    }
    return PQputCopyEnd(p->c, NULL) == 1 ? finish(p, f) : tell_lost(p, f);
}

/* A record that comes late (a dead letter that is sent again) is older than the row that has taken
 * its place. What stands in the future was read while a clock was wrong. */
#define AHEAD " > now() + interval '1 minute'"

/* Of one key several times the one that was read last counts, else the last. */
static enum outcome merge(struct postgresql *p, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, &p->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "INSERT INTO %.*s AS weir_row (%.*s) SELECT DISTINCT ON (key) %.*s FROM weir_in "
               "ORDER BY key, %sweir_n DESC ON CONFLICT (key) DO ",
               STR_ARG(p->table), STR_ARG(p->list), STR_ARG(p->list),
               p->tells_age ? "\"at\"" AHEAD ", \"at\" DESC, " : "");
    buf_add(&sql, p->used_n > 1 ? S("UPDATE SET ") : S("NOTHING"));
    for (size_t i = 1; i < p->used_n; i++) {
        buf_printf(&sql, "%s\"%s\" = EXCLUDED.\"%s\"", i > 1 ? ", " : "", p->used[i]->name,
                   p->used[i]->name);
    }
    if (p->tells_age) {
        buf_add(&sql, S(" WHERE weir_row.\"at\" IS NULL OR weir_row.\"at\" <= EXCLUDED.\"at\" OR "
                        "weir_row.\"at\"" AHEAD));
    }
    buf_add_byte(&sql, '\0');
    return run(p, buf_str(&sql).at, f);
}

static enum outcome send_once(struct postgresql *p, const struct sink_item *item, size_t n,
                              struct failure *f)
{
    struct failure other;
    arena_reset(&p->arena);
    enum outcome result = run(p, "BEGIN", f);
    result = result == OK ? copy_in(p, item, n, f) : result;
    result = result == OK ? merge(p, f) : result;
    result = result == OK ? run(p, "COMMIT", f) : result;
    if (result == REJECT && run(p, "ROLLBACK", &other) != OK) {
        *f = other;
        result = RETRY;
    }
    if (result == RETRY || result == STOP) {
        drop_session(p); /* whatever it has begun ends with it */
    }
    return result;
}

static enum outcome postgresql_send(struct sink *s, const struct sink_item *item, size_t n,
                                    size_t *done, struct failure *f)
{
    struct postgresql *const p = s->state;
    *done = 0;
    if (!p->c) {
        const enum outcome result = connect_to(s, f);
        if (result != OK) {
            return result;
        }
    }
    while (*done < n) {
        const size_t batch = p->careful_n > 0 ? 1 : n - *done;
        const enum outcome result = send_once(p, item + *done, batch, f);
        if (result == REJECT && batch > 1) {
            p->careful_n = batch;
            continue;
        }
        if (result == OK || result == REJECT) {
            p->careful_n -= p->careful_n > 0;
        }
        if (result != OK) {
            return result;
        }
        *done += batch;
    }
    return OK;
}

const struct sink_driver sink_postgresql = {.name = "postgresql",
                                            .state_bytes = sizeof(struct postgresql),
                                            .items_max = ITEMS_MAX,
                                            .open = postgresql_open,
                                            .send = postgresql_send,
                                            .close = postgresql_close};
