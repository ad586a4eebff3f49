/* query.c - SQL over lake and tail, or over the store. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "command/answer.h"
#include "command/ask.h"
#include "command/command.h"
#include "command/commands.h"
#include "command/query_store.h"
#include "command/screen.h"
#include "command/textual.h"
#include "signal/model.h"

enum { SQL_BYTES_MAX = 1 << 20 };
#define ARENA_BYTES_MAX ((size_t)4 << 30)

struct query {
    struct config *config;
    enum rows_format format;
    bool is_store;
};

/* ---- lake and tail ---- */

static struct str without_end(struct str sql)
{
    while (sql.len > 0 &&
           (sql.at[sql.len - 1] == ';' || (unsigned char)sql.at[sql.len - 1] <= ' ')) {
        sql.len--;
    }
    return sql;
}

/* The statement inside another that makes text of what this program can't show. */
static struct str wrapped(struct arena *a, struct str sql, const struct duck_shape *shape)
{
    struct buf b;
    buf_init(&b, a, 2 * SQL_BYTES_MAX);
    for (size_t i = 0; i < shape->columns_n; i++) {
        buf_add(&b, i ? S(", ") : S("SELECT "));
        textual_add(a, &b, &shape->column[i], arena_printf(a, "c%zu", i));
    }
    buf_add(&b, S(" FROM (\n"));
    buf_add(&b, without_end(sql));
    buf_add(&b, S("\n) AS answer("));
    for (size_t i = 0; i < shape->columns_n; i++) {
        buf_printf(&b, "%sc%zu", i ? ", " : "", i);
    }
    buf_add(&b, S(")"));
    buf_add_byte(&b, '\0');
    return buf_str(&b);
}

static struct str first_word(struct str sql)
{
    sql = str_trim(sql);
    size_t len = 0;
    while (len < sql.len && ((sql.at[len] | 0x20) >= 'a' && (sql.at[len] | 0x20) <= 'z')) {
        len++;
    }
    return str_sub(sql, 0, len);
}

/* What `EXPLAIN [ANALYZE] [(options)]` explains; an analysis runs it. Empty: it is no EXPLAIN. */
static struct str explained(struct str sql)
{
    if (!str_eq_nocase(first_word(sql), S("explain"))) {
        return S("");
    }
    sql = str_trim(sql);
    sql = str_trim(str_sub(sql, sizeof "explain" - 1, sql.len));
    if (str_eq_nocase(first_word(sql), S("analyze"))) {
        sql = str_trim(str_sub(sql, sizeof "analyze" - 1, sql.len));
    }
    if (str_starts(sql, S("("))) {
        (void)str_cut(sql, ')', &sql);
    }
    return sql;
}

static enum outcome refuse(struct str sql, struct failure *f)
{
    const struct str word = first_word(sql);
    return failed(f, REJECT,
                  "query only reads: %.*s is not allowed; use --csv or --json and a pipe",
                  STR_ARG(word.len > 0 ? word : S("this statement")));
}

/* What writes into a view has no shape: the engine knows no table to write to. */
static bool is_writing(struct str sql)
{
    static const char *const words[] = {"insert", "update", "delete", "merge", "truncate"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq_nocase(first_word(sql), str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* One statement, and one that reads: what the engine says it is, not what it looks like. */
static enum outcome check_reads(struct ask *ask, struct str sql, const struct duck_shape *shape,
                                struct failure *f)
{
    struct duck_shape inner;
    const struct str what = explained(sql);
    if (shape->statements_n > 1) {
        return failed(
            f, REJECT,
            "query answers one statement at a time, and there are %zu in this text: ask "
            "them one after the other (a dynamic PIVOT counts as several: name its values "
            "with IN)",
            shape->statements_n);
    }
    if (shape->type == DUCKDB_STATEMENT_TYPE_SELECT) {
        return OK;
    }
    if (shape->type == DUCKDB_STATEMENT_TYPE_EXPLAIN && what.len > 0 &&
        duck_shape(ask->duck, ask->arena, arena_str(ask->arena, what).at, &inner, f) == OK &&
        inner.statements_n == 1 && inner.type == DUCKDB_STATEMENT_TYPE_SELECT) {
        return OK;
    }
    return refuse(sql, f);
}

static const char no_table[] = "Catalog Error: Table with name ";

/* DuckDB would guess among tables of its own. */
static enum outcome tell_models(struct arena *a, struct failure *f)
{
    enum { NAMES_BYTES_MAX = 500 };
    struct buf names;
    struct str rest;
    const struct str name = arena_str(
        a, str_cut(str_sub(str_of(f->text), sizeof no_table - 1, sizeof f->text), ' ', &rest));
    buf_init(&names, a, NAMES_BYTES_MAX);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_printf(&names, "%s%s", i == 0 ? "" : ", ", model_all[i]->name);
    }
    return failed(f, REJECT, "there is no table %.*s; there are %.*s, and MODEL_history of each",
                  STR_ARG(name), STR_ARG(buf_str(&names)));
}

static enum outcome answer(const struct query *q, struct ask *ask, struct str sql,
                           struct failure *f)
{
    struct duck_shape shape;
    struct duck_result r = {0};
    const struct str text = arena_str(ask->arena, sql);
    enum outcome result = duck_shape(ask->duck, ask->arena, text.at, &shape, f);
    if (result == OK) {
        result = check_reads(ask, text, &shape, f);
    } else if (str_starts(str_of(f->text), str_of(no_table))) {
        result = tell_models(ask->arena, f);
    } else if (is_writing(text)) {
        result = refuse(text, f);
    }
    if (result != OK) {
        return result;
    }
    const bool is_one = shape.type == DUCKDB_STATEMENT_TYPE_SELECT && shape.columns_n > 0;
    if (is_one) {
        result = duck_query(ask->duck, wrapped(ask->arena, text, &shape).at, &r, f);
    }
    if (!is_one || result == REJECT) { /* as it was written: also for its own message */
        duck_result_close(&r);
        shape.columns_n = is_one ? shape.columns_n : 0;
        result = duck_query(ask->duck, text.at, &r, f);
    }
    if (result == OK && shape.type == DUCKDB_STATEMENT_TYPE_EXPLAIN && q->format == ROWS_TABLE) {
        answer_print_plan(&r);
    } else if (result == OK) {
        result = answer_print(ask->arena, q->format, &r, &shape, f);
    }
    duck_result_close(&r);
    return result;
}

/* The engine's sentence about a file of the lake, in words of weir's; else as it is. */
static enum outcome tell_damage(struct arena *a, struct str lake, enum outcome result,
                                struct failure *f)
{
    const struct str said = arena_str(a, str_of(f->text));
    const struct str pattern = duck_pattern(a, lake);
    const char *at = memmem(said.at, said.len, lake.at, lake.len);
    size_t lake_len = lake.len;
    if (!at) { /* of a file that is gone DuckDB tells what it was asked for by */
        at = memmem(said.at, said.len, pattern.at, pattern.len);
        lake_len = pattern.len;
    }
    if (!at && memmem(said.at, said.len, "TProtocolException", 18)) { /* a page's head: no name */
        return failed(f, STOP,
                      "a file of the lake is damaged and cannot be read; weir verify says which");
    }
    if (!at || (!str_starts(said, S("IO Error")) && !str_starts(said, S("Invalid Input Error")))) {
        return result;
    }
    static const char file_end[] = ".parquet";
    struct str key = str_sub(said, (size_t)(at - said.at) + lake_len + 1, said.len);
    const char *const end = memmem(key.at, key.len, file_end, sizeof file_end - 1);
    key = end ? str_sub(key, 0, (size_t)(end - key.at) + sizeof file_end - 1) : key;
    struct str rest;
    const struct str table = str_cut(key, '/', &rest);
    return failed(f, STOP,
                  "table %.*s of the lake is damaged: %.*s is gone or is not what was written; "
                  "weir verify tells more",
                  STR_ARG(table), STR_ARG(key));
}

static enum outcome run_lake(const struct query *q, struct arena *a, struct str sql,
                             struct failure *f)
{
    struct ask ask = {.hides_parts = true};
    enum outcome result = ask_begin(&ask, a, q->config, sql, f);
    if (result == OK) {
        result = answer(q, &ask, sql, f);
    }
    if (result == OK) {
        ask_say_complete(&ask);
    } else {
        result = tell_damage(a, q->config->lake.path, result, f);
    }
    ask_close(&ask);
    return result;
}

static int run_one(const struct query *q, struct str sql)
{
    struct arena a;
    struct failure f;
    arena_init(&a, ARENA_BYTES_MAX);
    const enum outcome result = q->is_store ? query_store(&a, q->config, sql, q->format, &f)
                                            : run_lake(q, &a, sql, &f);
    const int status = result == OK ? EXIT_DONE : command_unanswered("query", &f);
    arena_close(&a);
    return status;
}

/* ---- where the SQL comes from ---- */

/* Ctrl-C comes as something to read; -1: it cannot, and does nothing. */
static int take_interrupts(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, set, NULL);
    return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool was_interrupted(int interrupts)
{
    struct signalfd_siginfo info;
    return interrupts >= 0 && read(interrupts, &info, sizeof info) == (ssize_t)sizeof info;
}

/* Each statement in a process of its own: Ctrl-C ends it alone, and DuckDB's memory is given back.
 */
static void run_apart(const struct query *q, struct str sql, const sigset_t *interrupt)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        (void)sigprocmask(SIG_UNBLOCK, interrupt, NULL);
        const int status = run_one(q, sql);
        (void)fflush(stdout);
        _exit(status);
    }
    int status;
    while (child > 0 && waitpid(child, &status, 0) < 0) {
    }
}

static bool ends_statement(struct str text)
{
    const struct str trimmed = str_trim(text);
    return trimmed.len > 0 && trimmed.at[trimmed.len - 1] == ';';
}

enum heard { HEARD_LINE, HEARD_INTERRUPT, HEARD_END };

/* A terminal gives one line at a time, so none waits in stdio's buffer. */
static enum heard listen_for(int interrupts, char *line, int room)
{
    struct pollfd from[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = interrupts, .events = POLLIN}};
    while (poll(from, 2, -1) < 0) {
    }
    if (was_interrupted(interrupts)) {
        return HEARD_INTERRUPT;
    }
    return fgets(line, room, stdin) ? HEARD_LINE : HEARD_END;
}

/* Take one more line; false: it says goodbye. */
static bool take_line(const struct query *q, struct str line, struct buf *sql,
                      const sigset_t *interrupt)
{
    line.len -= line.len > 0 && line.at[line.len - 1] == '\n';
    if (sql->len == 0 && line.len == 0) {
        return true;
    }
    if (sql->len == 0 && (str_eq(line, S("\\q")) || str_eq(line, S("exit")))) {
        return false;
    }
    buf_add(sql, line);
    buf_add_byte(sql, '\n');
    struct str text = buf_str(sql);
    text.len--;
    if (ends_statement(text)) {
        run_apart(q, text, interrupt);
        buf_reset(sql);
    }
    return true;
}

static int prompt(const struct query *q)
{
    struct arena a;
    struct buf sql;
    sigset_t interrupt;
    char line[4096];
    const int interrupts = take_interrupts(&interrupt);
    arena_init(&a, 4 * (size_t)SQL_BYTES_MAX);
    buf_init(&sql, &a, SQL_BYTES_MAX);
    screen_tell("SQL over lake and tail; end a statement with ;, drop it with Ctrl-C, "
                "leave with Ctrl-D. SHOW TABLES; says what there is. (A plain prompt: "
                "rlwrap weir query remembers lines.)\n");
    for (bool goes_on = true; goes_on;) {
        screen_tell(sql.len ? "   -> " : "weir> ");
        switch (listen_for(interrupts, line, sizeof line)) {
        case HEARD_LINE:
            goes_on = take_line(q, str_of(line), &sql, &interrupt);
            while (was_interrupted(interrupts)) { /* it ended the statement that ran */
            }
            break;
        case HEARD_INTERRUPT:
            buf_reset(&sql);
            screen_tell("\n");
            break;
        case HEARD_END: goes_on = false; break;
        }
    }
    screen_tell("\n");
    arena_close(&a);
    if (interrupts >= 0) {
        close(interrupts);
    }
    return EXIT_DONE;
}

static int run_stdin(const struct query *q, struct arena *a)
{
    struct str sql;
    struct failure f;
    if (file_read(a, "/dev/stdin", SQL_BYTES_MAX, &sql, &f) != OK) {
        return command_unanswered("query", &f);
    }
    return run_one(q, sql);
}

int command_query(int argc, char **argv)
{
    struct query q = {0};
    const struct flag flags[] = {
        {"store", 0, FLAG_SWITCH, &q.is_store, NULL, "over the store (SQLite) instead of the lake"},
        {0},
    };
    const struct usage usage = {
        .name = "query",
        .words = "[SQL]",
        .about = "Answer SQL (DuckDB's) over lake and tail: complete to the last transformed "
                 "signal, whether weir runs or not. Each model is a table with one row a key; "
                 "MODEL_history shows every fact. Without SQL: a prompt, or SQL from stdin.",
        .flags = flags,
        .examples = "  weir query \"SELECT state, count(*) FROM change GROUP BY state\"\n"
                    "  weir query --csv \"FROM deployment ORDER BY finished_at DESC LIMIT 10\"\n"
                    "  weir query --store \"SELECT count(*) FROM change\"\n"
                    "  weir query --store 'SELECT count(*) FROM \"commit\"' "
                    "# SQLite's own word: in quotes\n",
        .words_most = 1,
        .needs = NEEDS_CONFIG,
        .prints = PRINTS_ROWS,
        .memory_bytes_max = ARENA_BYTES_MAX,
    };
    struct session s;
    if (!command_begin(&s, &usage, argc, argv)) {
        return s.status;
    }
    q.config = s.config;
    q.format = s.format;
    s.status = s.words.n > 0          ? run_one(&q, str_of(s.words.at[0]))
               : isatty(STDIN_FILENO) ? prompt(&q)
                                      : run_stdin(&q, &s.arena);
    return command_end(&s);
}
