/* MySQL and MariaDB by libmariadb, row by row, in a transaction that can only read.
 *
 * Each call of the library that waits for the server is its non-blocking form: it gives the wait
 * back to us, so that a stop is heeded and a connection that never comes is given up.
 *   source  mariadb.com/kb: Connector/C API, Non-blocking Client Library; dev.mysql.com/doc: Server
 *           Error Message Reference */
#include <errmsg.h>
#include <mysql.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "collector/mysql_uri.h"
#include "config/sources.h"

enum {
    PARAMETERS_MAX = 2,
    LOOK_MS = 1000,
    CONNECT_MS = 20000,
    CANCEL_MS = 2000,      /* of the 5 s that a run has to end in                             */
    HOLD_BYTES = 256,      /* of a cell; a longer one is fetched when its length is known     */
    SILENT_S = 30,         /* then the peer is asked whether it is there …                    */
    UNANSWERED_MS = 60000, /* … and given up after                                          */
    SEND_S = 3600,         /* the server waits so long for us to read                         */
    BINARY = 63            /* character set of bytes that are no text                         */
};

/* A session, and the call in it that waits. */
struct session {
    const struct source_ask *ask;
    struct mysql_uri uri;
    MYSQL *c;
    MYSQL_STMT *statement;
    int64_t until_us; /* of the connection: INT64_MAX once it is there    */
    bool is_ending;   /* a stop is known: it is what we are here for       */
    int rc;           /* of the call that has ended                       */
    MYSQL *connected;
};

/* ---- failures ---- */

static bool is_among(unsigned code, const unsigned *codes)
{
    for (; *codes && *codes != code; codes++) {
    }
    return *codes != 0;
}

/* What the server is short of may be there later; what the query lacks is not. */
static enum outcome outcome_of(unsigned code, const char *text)
{
    /* shutdown, memory, connections, disk, locks, time, a failover, network */
    static const unsigned busy[] = {1021, 1037, 1038, 1040, 1041, 1053, 1077, 1079, 1080,
                                    1114, 1129, 1152, 1158, 1159, 1160, 1161, 1180, 1184,
                                    1203, 1205, 1206, 1213, 1226, 1317, 1613, 1614, 1927,
                                    1969, 3024, 3169, 4031, 1020, 3572, 1043, 0};
    /* access, database, authentication, privileges */
    static const unsigned refused[] = {1044,
                                       1045,
                                       1049,
                                       1130,
                                       1142,
                                       1143,
                                       1227,
                                       1251,
                                       1275,
                                       1370,
                                       1410,
                                       1524,
                                       1698,
                                       1820,
                                       1862,
                                       3118,
                                       3159,
                                       4151,
                                       CR_AUTH_PLUGIN_CANNOT_LOAD,
                                       CR_AUTH_PLUGIN_ERR,
                                       CR_SECURE_AUTH,
                                       CR_PLUGIN_NOT_ALLOWED,
                                       CR_FILE_NOT_FOUND,
                                       0};
    if (code == CR_SSL_CONNECTION_ERROR) { /* of a line that broke, too */
        return strstr(text, "ertificate") || strstr(text, "verif") || strstr(text, "support") ||
                       strstr(text, "required") || strstr(text, "No such file")
                   ? STOP
                   : RETRY;
    }
    return is_among(code, refused)                         ? STOP
           : is_among(code, busy)                          ? RETRY
           : code >= CR_MIN_ERROR && code <= CR_MAX_ERROR  ? RETRY
           : code >= CER_MIN_ERROR && code < CER_MAX_ERROR ? RETRY
                                                           : REJECT;
}

/* The library ends some sentences with errno, which after a non-blocking call says that it would
 * have waited, now so and now so. */
static int words_of(const char *text)
{
    static const char *const waits[] = {", system error: 11", ", system error: 115"};
    const struct str all = str_of(text);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (str_ends(all, str_of(waits[i]))) {
            return (int)(all.len - strlen(waits[i]));
        }
    }
    return (int)all.len;
}

static enum outcome tell(unsigned code, const char *state, const char *text, struct failure *f)
{
    return failed(f, outcome_of(code, text), "MySQL: %.*s (error %u, SQLSTATE %s)", words_of(text),
                  text, code, state);
}

static enum outcome tell_connection(const struct session *s, struct failure *f)
{
    return tell(mysql_errno(s->c), mysql_sqlstate(s->c), mysql_error(s->c), f);
}

static enum outcome tell_statement(const struct session *s, struct failure *f)
{
    if (mysql_stmt_errno(s->statement) == 0) { /* between two rows: of the connection */
        /* both a line that broke and a packet beyond the limit are "lost"; net.error tells them
         * apart: 2 is the socket's, 1 the packet's */
        return s->c->net.error == 1
                   ? failed(f, REJECT, "a row is larger than %zu bytes", s->ask->row_bytes_max)
                   : tell_connection(s, f);
    }
    return tell(mysql_stmt_errno(s->statement), mysql_stmt_sqlstate(s->statement),
                mysql_stmt_error(s->statement), f);
}

/* ---- waiting ---- */

static short events_of(int wanted)
{
    return (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
                   (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                   (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
}

/* Until what the library wants is there; a look each second, short enough for a stop that came just
 * before. */
static enum outcome wait_socket(const struct session *s, int wanted, int *is, struct failure *f)
{
    struct pollfd p = {.fd = mysql_get_socket(s->c), .events = events_of(wanted)};
    for (;;) {
        const int64_t left_us = s->until_us - clock_mono_us();
        if (!s->is_ending && asked_to_stop()) {
            return failed(f, RETRY, "asked to stop");
        }
        if (left_us <= 0) {
            return failed(f, RETRY, "MySQL: no connection within %d s", CONNECT_MS / 1000);
        }
        if (poll(&p, 1, left_us < LOOK_MS * 1000 ? (int)(left_us / 1000) + 1 : LOOK_MS) > 0) {
            *is = (p.revents & (POLLIN | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_READ : 0) |
                  (p.revents & (POLLOUT | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_WRITE : 0) |
                  (p.revents & (POLLPRI | POLLHUP | POLLERR) ? wanted & MYSQL_WAIT_EXCEPT : 0);
            return OK;
        }
    }
}

/* Go on with a call that wants to wait until it has ended. */
static enum outcome finish(struct session *s, int wanted, int (*go_on)(struct session *, int),
                           struct failure *f)
{
    while (wanted != 0) {
        int is = 0;
        const enum outcome result = wait_socket(s, wanted, &is, f);
        if (result != OK) {
            return result;
        }
        wanted = go_on(s, is);
    }
    return OK;
}

static int connecting(struct session *s, int is)
{
    return mysql_real_connect_cont(&s->connected, s->c, is);
}

static int asking(struct session *s, int is)
{
    return mysql_real_query_cont(&s->rc, s->c, is);
}

static int preparing(struct session *s, int is)
{
    return mysql_stmt_prepare_cont(&s->rc, s->statement, is);
}

static int executing(struct session *s, int is)
{
    return mysql_stmt_execute_cont(&s->rc, s->statement, is);
}

static int fetching(struct session *s, int is)
{
    return mysql_stmt_fetch_cont(&s->rc, s->statement, is);
}

/* ---- one session ---- */

static void set_options(const struct session *s)
{
    const struct mysql_uri *const u = &s->uri;
    const unsigned long row_bytes = s->ask->row_bytes_max;
    const unsigned no = 0, protocol = u->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    const my_bool is_verified = u->tls == MYSQL_TLS_VERIFIED;
    /* a password goes in the clear to a server alone that is known by its certificate */
    (void)mysql_options(s->c, MARIADB_OPT_RESTRICTED_AUTH,
                        is_verified ? "mysql_native_password,client_ed25519,caching_sha2_password,"
                                      "sha256_password,mysql_clear_password"
                                    : "mysql_native_password,client_ed25519,caching_sha2_password,"
                                      "sha256_password");
    (void)mysql_options(s->c, MYSQL_OPT_NONBLOCK, NULL);
    (void)mysql_options(s->c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    (void)mysql_options(s->c, MYSQL_OPT_LOCAL_INFILE, &no); /* a server could ask for any file */
    (void)mysql_options(s->c, MYSQL_OPT_MAX_ALLOWED_PACKET, &row_bytes);
    (void)mysql_options(s->c, MYSQL_OPT_PROTOCOL, &protocol);
    (void)mysql_options4(s->c, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "weir");
    if (u->tls != MYSQL_TLS_DISABLED) {
        (void)mysql_ssl_set(s->c, u->key, u->certificate, u->ca, u->capath, NULL);
        (void)mysql_options(s->c, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &is_verified);
    }
}

/* A peer that is gone without a word is noticed. */
static void keep_alive(int fd)
{
    const int yes = 1, idle_s = SILENT_S, unanswered_ms = UNANSWERED_MS;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
}

static enum outcome connect_session(struct session *s, int64_t ms, struct failure *f)
{
    const struct mysql_uri *const u = &s->uri;
    s->c = mysql_init(NULL);
    if (!s->c) {
        return failed(f, RETRY, "MySQL: out of memory");
    }
    set_options(s);
    s->until_us = clock_mono_us() + ms * 1000;
    const int wanted = mysql_real_connect_start(&s->connected, s->c, u->socket ? NULL : u->host,
                                                u->user, u->password, u->database, u->port,
                                                u->socket, 0);
    const enum outcome result = finish(s, wanted, connecting, f);
    if (result == OK && !s->connected) {
        return tell_connection(s, f);
    }
    if (result != OK) {
        return result;
    }
    if (u->tls >= MYSQL_TLS_REQUIRED && !mysql_get_ssl_cipher(s->c)) {
        return failed(f, STOP, "MySQL: the server does not support TLS, which ssl-mode asks for");
    }
    keep_alive(mysql_get_socket(s->c));
    return OK;
}

static enum outcome run(struct session *s, struct str sql, struct failure *f)
{
    const int wanted = mysql_real_query_start(&s->rc, s->c, sql.at, sql.len);
    const enum outcome result = finish(s, wanted, asking, f);
    return result == OK && s->rc != 0 ? tell_connection(s, f) : result;
}

/* End the query at the server, too, by another connection; who is away ends it by itself. */
static void cancel(const struct session *s)
{
    struct failure ignored;
    struct session other = {.ask = s->ask, .uri = s->uri, .is_ending = true};
    const unsigned long id = mysql_thread_id(s->c);
    if (connect_session(&other, CANCEL_MS, &ignored) == OK) {
        (void)run(&other, arena_printf(s->ask->arena, "KILL QUERY %lu", id), &ignored);
    }
    mysql_close(other.c);
}

static enum outcome open_session(struct session *s, struct failure *f)
{
    enum { UNKNOWN_VARIABLE = 1193 };
    const long long time_ms = s->ask->collector->schedule.time_ms;
    enum outcome result = connect_session(s, CONNECT_MS, f);
    if (result != OK) {
        return result;
    }
    s->until_us = INT64_MAX; /* the run's own limit holds */
    result = run(
        s, arena_printf(s->ask->arena, "SET time_zone = '+00:00', net_write_timeout = %d", SEND_S),
        f);
    if (result == OK && time_ms > 0) {
        const struct str limit = mariadb_connection(s->c)
                                     ? arena_printf(s->ask->arena,
                                                    "SET max_statement_time = %lld.%03lld",
                                                    time_ms / 1000, time_ms % 1000)
                                     : arena_printf(s->ask->arena, "SET max_execution_time = %lld",
                                                    time_ms);
        result = run(s, limit, f);
        result = mysql_errno(s->c) == UNKNOWN_VARIABLE ? OK : result; /* an old one has none */
    }
    return result == OK ? run(s, S("START TRANSACTION READ ONLY"), f) : result;
}

/* ---- cells ---- */

/* BIT(n): its bytes, the greatest first. */
static struct str bits_text(struct arena *a, struct str bytes)
{
    unsigned long long all = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        all = all << 8 | (unsigned char)bytes.at[i];
    }
    return arena_printf(a, "%llu", all);
}

/* 0000-00-00, or a month without a day: no time, but what people write for none. */
static bool is_half_a_date(struct str text)
{
    return text.len < 10 || memcmp(text.at + 5, "00", 2) == 0 || memcmp(text.at + 8, "00", 2) == 0;
}

static struct cell cell_of(struct arena *a, const MYSQL_FIELD *field, struct str bytes)
{
    struct cell cell = {
        .column = {field->name, field->name_length}, .kind = CELL_TEXT, .text = bytes};
    switch ((int)field->type) { /* a server may know types that this library does not */
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL: cell.kind = CELL_NUMBER; break;
    case MYSQL_TYPE_BIT:
        cell.kind = CELL_NUMBER;
        cell.text = bits_text(a, bytes);
        break;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2:
        if (!is_half_a_date(bytes)) {
            cell.kind = CELL_TIME;
            cell.text = cell_time(a, bytes);
        }
        break;
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2:
    case MYSQL_TYPE_JSON: break;
    default:
        if (field->charsetnr == BINARY) {
            cell.text = cell_bytes(a, bytes);
        }
        break;
    }
    return cell;
}

/* ---- parameters ---- */

struct parameter {
    MYSQL_TIME time;
    long long whole;
    unsigned long len;
};

static void bind_time(MYSQL_BIND *b, struct parameter *p, int64_t us)
{
    const int64_t part_us = (us % 1000000 + 1000000) % 1000000;
    const time_t s = (time_t)((us - part_us) / 1000000);
    struct tm tm = {0};
    (void)gmtime_r(&s, &tm);
    p->time = (MYSQL_TIME){.year = (unsigned)(tm.tm_year + 1900),
                           .month = (unsigned)(tm.tm_mon + 1),
                           .day = (unsigned)tm.tm_mday,
                           .hour = (unsigned)tm.tm_hour,
                           .minute = (unsigned)tm.tm_min,
                           .second = (unsigned)tm.tm_sec,
                           .second_part = (unsigned long)part_us,
                           .time_type = MYSQL_TIMESTAMP_DATETIME};
    b->buffer_type = MYSQL_TYPE_DATETIME;
    b->buffer = &p->time;
}

/* What the bookmark was read as; where nobody knows any more, as what its column is read. */
static enum cell_kind kind_of_bookmark(const struct session *s)
{
    const struct source_ask *const ask = s->ask;
    MYSQL_RES *const about = mysql_stmt_result_metadata(s->statement);
    enum cell_kind kind = ask->bookmark_kind;
    for (unsigned i = 0; kind == CELL_NULL && about && i < mysql_num_fields(about); i++) {
        const struct cell cell = cell_of(ask->arena, &mysql_fetch_fields(about)[i], ask->bookmark);
        kind = str_eq(cell.column, ask->collector->column) ? cell.kind : CELL_NULL;
    }
    if (about) {
        mysql_free_result(about);
    }
    return kind;
}

/* A number given as a text would be compared as a double. */
static void bind_bookmark(const struct session *s, MYSQL_BIND *b, struct parameter *p)
{
    const struct str bookmark = s->ask->bookmark;
    const enum cell_kind kind = kind_of_bookmark(s);
    const bool is_number = kind == CELL_NUMBER, is_negative = str_starts(bookmark, S("-"));
    int64_t us = 0;
    uint64_t whole = 0;
    if (bookmark.len == 0) {
        b->buffer_type = MYSQL_TYPE_NULL;
    } else if (kind == CELL_TIME && clock_parse(bookmark, &us)) {
        bind_time(b, p, us);
    } else if (is_number && str_to_u64(str_sub(bookmark, is_negative, bookmark.len), &whole) &&
               (!is_negative || whole <= INT64_MAX)) {
        p->whole = is_negative ? -(long long)whole : (long long)whole;
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &p->whole;
        b->is_unsigned = !is_negative;
    } else {
        const bool is_decimal = is_number && str_find(bookmark, 'e') == bookmark.len;
        p->len = bookmark.len;
        b->buffer_type = is_decimal ? MYSQL_TYPE_NEWDECIMAL : MYSQL_TYPE_STRING;
        b->buffer = arena_cstr(s->ask->arena, bookmark);
        b->buffer_length = bookmark.len;
        b->length = &p->len;
    }
}

static enum outcome bind_parameters(const struct session *s, MYSQL_BIND bind[PARAMETERS_MAX],
                                    struct parameter of[PARAMETERS_MAX], struct failure *f)
{
    const struct source_ask *const ask = s->ask;
    const bool is_growing = ask->collector->strategy == STRATEGY_GROWING;
    const bool has_window = ask->start_us != TIME_NONE;
    const unsigned long n = mysql_stmt_param_count(s->statement);
    if (mysql_stmt_field_count(s->statement) == 0) {
        return failed(f, REJECT, "sql is no query: it gives no columns");
    }
    if (n > PARAMETERS_MAX || (n > 0 && !is_growing && !has_window)) {
        return failed(f, REJECT,
                      "sql has %lu parameters; there are two with a window (its start and end), or "
                      "two with strategy incremental (the bookmark, and now)",
                      n);
    }
    if (has_window) {
        bind_time(&bind[0], &of[0], ask->start_us);
    } else {
        bind_bookmark(s, &bind[0], &of[0]);
    }
    bind_time(&bind[1], &of[1], has_window ? ask->end_us : ask->now_us);
    return n > 0 && mysql_stmt_bind_param(s->statement, bind) != 0 ? tell_statement(s, f) : OK;
}

static enum outcome send_query(struct session *s, struct failure *f)
{
    const struct mysql_source_options *const o = s->ask->options;
    MYSQL_BIND bind[PARAMETERS_MAX] = {0};
    struct parameter of[PARAMETERS_MAX] = {0};
    s->statement = mysql_stmt_init(s->c);
    if (!s->statement) {
        return failed(f, RETRY, "MySQL: out of memory");
    }
    enum outcome result = finish(
        s, mysql_stmt_prepare_start(&s->rc, s->statement, o->sql.at, o->sql.len), preparing, f);
    if (result == OK && s->rc != 0) {
        return tell_statement(s, f);
    }
    if (result == OK) {
        result = bind_parameters(s, bind, of, f);
    }
    if (result == OK) {
        result = finish(s, mysql_stmt_execute_start(&s->rc, s->statement), executing, f);
    }
    return result == OK && s->rc != 0 ? tell_statement(s, f) : result;
}

/* ---- rows ---- */

/* Where the library writes a cell: as text, whatever its type, and bytes as they are. */
struct held {
    char text[HOLD_BYTES];
    unsigned long len;
    my_bool is_null, is_cut;
};

struct columns {
    unsigned n;
    const MYSQL_FIELD *field;
    MYSQL_BIND *bind;
    struct held *held;
};

static enum outcome bind_columns(const struct session *s, MYSQL_RES *about, struct columns *c,
                                 struct failure *f)
{
    c->n = mysql_num_fields(about);
    c->field = mysql_fetch_fields(about);
    c->bind = arena_array(s->ask->arena, MYSQL_BIND, c->n);
    c->held = arena_array(s->ask->arena, struct held, c->n);
    for (unsigned i = 0; i < c->n; i++) {
        c->bind[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                  .buffer = c->held[i].text,
                                  .buffer_length = sizeof c->held[i].text,
                                  .length = &c->held[i].len,
                                  .is_null = &c->held[i].is_null,
                                  .error = &c->held[i].is_cut};
    }
    return mysql_stmt_bind_result(s->statement, c->bind) != 0 ? tell_statement(s, f) : OK;
}

/* All of a cell; NULL: the library cannot give it. */
static const char *bytes_of(const struct session *s, const struct columns *c, unsigned i,
                            struct arena *row)
{
    struct held *const held = &c->held[i];
    if (held->len <= sizeof held->text) {
        return held->text;
    }
    char *const text = arena_array(row, char, held->len + 1);
    MYSQL_BIND whole = {.buffer_type = MYSQL_TYPE_STRING,
                        .buffer = text,
                        .buffer_length = held->len + 1,
                        .length = &held->len,
                        .is_null = &held->is_null,
                        .error = &held->is_cut};
    return mysql_stmt_fetch_column(s->statement, &whole, i, 0) == 0 ? text : NULL;
}

static enum outcome give_row(const struct session *s, const struct columns *c, struct arena *row,
                             const struct source_to *to, struct failure *f)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < c->n; i++) {
        bytes += c->held[i].is_null ? 0 : c->held[i].len;
    }
    if (bytes > s->ask->row_bytes_max) {
        return failed(f, REJECT, "a row of %zu bytes is larger than %zu", bytes,
                      s->ask->row_bytes_max);
    }
    arena_reset(row);
    struct cell *const cell = arena_array(row, struct cell, c->n);
    for (unsigned i = 0; i < c->n; i++) {
        if (c->held[i].is_null) {
            cell[i] = (struct cell){.column = {c->field[i].name, c->field[i].name_length}};
            continue;
        }
        const char *const at = bytes_of(s, c, i, row);
        if (!at) {
            return tell_statement(s, f);
        }
        cell[i] = cell_of(row, &c->field[i], (struct str){at, c->held[i].len});
    }
    return to->row(to->to, cell, c->n, f);
}

static enum outcome give_rows(struct session *s, const struct source_to *to, struct failure *f)
{
    struct arena row;
    struct columns c = {0};
    MYSQL_RES *const about = mysql_stmt_result_metadata(s->statement);
    enum outcome result = about ? bind_columns(s, about, &c, f) : tell_statement(s, f);
    arena_init(&row, 4 * s->ask->row_bytes_max);
    while (result == OK) {
        result = finish(s, mysql_stmt_fetch_start(&s->rc, s->statement), fetching, f);
        if (result == OK && s->rc == MYSQL_NO_DATA) {
            break;
        }
        if (result == OK) {
            result = s->rc == 0 || s->rc == MYSQL_DATA_TRUNCATED ? give_row(s, &c, &row, to, f)
                                                                 : tell_statement(s, f);
        }
        FAILPOINT("source.row");
    }
    arena_close(&row);
    mysql_free_result(about);
    return result;
}

static enum outcome mysql_read(const struct source_ask *ask, const struct source_to *to,
                               struct failure *f)
{
    const struct mysql_source_options *const o = ask->options;
    struct session s = {.ask = ask};
    enum outcome result = mysql_uri_read(ask->arena, o->uri, &s.uri, f);
    if (result == OK) {
        result = open_session(&s, f);
    }
    if (result == OK) {
        result = send_query(&s, f);
        if (result == OK) {
            result = give_rows(&s, to, f);
        }
        if (result != OK && asked_to_stop()) {
            cancel(&s);
        }
    }
    mysql_close(s.c); /* first: a statement alone would read all rows that are left */
    if (s.statement) {
        (void)mysql_stmt_close(s.statement);
    }
    return result;
}

const struct source_driver source_mysql = {.name = "mysql", .read = mysql_read};
