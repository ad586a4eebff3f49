#include "command/trace.h"

#include <inttypes.h>

#include "bus/dead.h"
#include "orchestrate/survey.h"
#include "persist/lake/delta.h"
#include "registry.h"
#include "signal/metric.h"
#include "transform/transform.h"
#include "wire/jq/jq.h"
#include "wire/json.h"

enum { SQL_BYTES_MAX = 64 << 20 };

const char *trace_end_name(enum trace_end end)
{
    switch (end) {
    case TRACE_STORED: return "stored";
    case TRACE_DEAD: return "dead";
    case TRACE_UNMAPPED: return "unmapped";
    case TRACE_IGNORED: return "ignored";
    case TRACE_WAITING: return "waiting";
    case TRACE_DROPPED: return "dropped";
    case TRACE_NOTHING: return "nothing";
    }
    return "";
}

enum outcome trace_open(struct arena *a, const struct config *config, struct trace **out,
                        struct failure *f)
{
    struct trace *const t = arena_new(a, struct trace);
    struct buf models;
    *t = (struct trace){.arena = a, .config = config};
    t->mending = (struct mending){.command = "explain", .arena = a, .config = config};
    t->ask.unreadable = mending_wait;
    t->ask.to = &t->mending;
    buf_init(&models, a, SQL_BYTES_MAX);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_printf(&models, "%s ", model_all[i]->name);
    }
    enum outcome result = bus_visit(a, &config->bus, &t->bus, f);
    if (result != OK) {
        return result;
    }
    result = ask_open(&t->ask, a, config, t->bus, buf_str(&models), f);
    if (result == OK) {
        result = store_look(a, config, bus_id(t->bus), &t->store, f);
    }
    if (result != OK) {
        trace_close(t);
    }
    *out = t;
    return result;
}

void trace_close(struct trace *t)
{
    store_close(t->store);
    ask_close(&t->ask);
    bus_close(t->bus);
}

static bool is_raw(const struct model *m)
{
    return str_eq(str_of(m->name), S("raw"));
}

static struct str end_sql(struct buf *b)
{
    buf_add_byte(b, '\0');
    return buf_str(b);
}

/* Facts of the signal, which are of its first position when it was sent again, too; agent and
 * receipt tell it from one that stands at the same position of other streams. Older weirs named the
 * place where it was sent again, in a lane that the table raw does not hold: agent and receipt are
 * all that those tell. */
static void add_is_of(struct buf *b, const struct trace_signal *s)
{
    buf_add(b, S("(raw = "));
    duck_add_literal(b, s->past.at);
    buf_add(b, S(" OR starts_with(raw, 'retry:')) AND coalesce(agent, '') = "));
    duck_add_literal(b, s->past.signal.agent);
    buf_printf(b, " AND received_at = make_timestamptz(%" PRId64 ")", s->past.signal.received_us);
}

/* ---- which signals ---- */

/* The raw signal of a fact, by its own id in table raw. */
static const char first_raw[] =
    "(SELECT min(sent.fact_id) FROM raw_facts AS sent WHERE coalesce(sent.agent, '') = "
    "coalesce(fact.agent, '') AND sent.received_at = fact.received_at AND (sent.raw = fact.raw OR "
    "starts_with(fact.raw, 'retry:')))";

/* The column is the word: a metric goes by the UUID, too, that sinks are told. */
static void add_key_is(struct buf *b, const struct model *m, const char *column, struct str word)
{
    struct str like;
    buf_printf(b, "(CAST(\"%s\" AS VARCHAR) = ", column);
    duck_add_literal(b, word);
    if (str_eq(str_of(m->name), S("metric")) && metric_key_like(b->arena, word, &like)) {
        buf_printf(b, " OR \"%s\" LIKE '%.*s'", column, STR_ARG(like));
    }
    buf_add(b, S(")"));
}

/* Any one column of the key is the word. */
static void add_any_key(struct buf *b, const struct model *m, struct str word)
{
    buf_printf(b, " UNION ALL SELECT %s FROM %s_facts AS fact WHERE fact_id = ", first_raw,
               m->name);
    duck_add_literal(b, word);
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_add(b, S(" OR "));
            add_key_is(b, m, m->columns[i].name, word);
        }
    }
}

/* The whole key, in the catalogue's order. */
static enum outcome add_key(struct buf *b, const struct model *m, const struct str *word, size_t n,
                            struct failure *f)
{
    size_t at = 0;
    buf_printf(b, "SELECT %s FROM %s_facts AS fact WHERE true", first_raw, m->name);
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY && at++ < n) {
            buf_add(b, S(" AND "));
            add_key_is(b, m, m->columns[i].name, word[at - 1]);
        }
    }
    return at == n ? OK
                   : failed(f, REJECT,
                            "the key of %s has %zu values, and %zu are given: `weir "
                            "query \"DESCRIBE %s\"` shows it",
                            m->name, at, n, m->name);
}

/* The rows of any model. */
static void add_by_rows(struct buf *b, struct str word)
{
    buf_add(b, S("SELECT NULL"));
    for (size_t i = 0; i < model_all_n; i++) {
        if (!is_raw(model_all[i])) {
            add_any_key(b, model_all[i], word);
        }
    }
}

/* `ids`: a SELECT of raw signals' own ids. */
static enum outcome take_signals(struct trace *t, struct str ids, struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_printf(
        &sql,
        "SELECT * FROM (SELECT %s FROM raw_facts WHERE fact_id IN (%.*s) ORDER BY received_at "
        "DESC, lane, position DESC LIMIT %d) ORDER BY received_at, lane, position",
        past_columns, STR_ARG(ids), TRACE_SIGNALS_MAX + 1);
    enum outcome result = duck_query(t->ask.duck, end_sql(&sql).at, &r, f);
    t->signals_n = 0;
    while (result == OK && duck_next(&r)) {
        struct past past;
        result = past_read(t->arena, &r, &past, f);
        if (t->signals_n == TRACE_SIGNALS_MAX) {
            t->is_cut = true;
            memmove(t->signal, t->signal + 1, (TRACE_SIGNALS_MAX - 1) * sizeof *t->signal);
            t->signals_n--;
        }
        t->signal[t->signals_n++] = (struct trace_signal){.past = past};
    }
    duck_result_close(&r);
    return result;
}

/* A dead letter's id, of a closed one too, stands for the signal in it. */
static struct str of_letter(struct trace *t, struct str word)
{
    struct dead_letter letter;
    struct failure ignored; /* then it is no dead letter's */
    return str_starts(word, S("dead/")) &&
                   dead_look(t->bus, t->arena, word, &letter, &ignored) == OK
               ? letter.signal->id
               : word;
}

static enum outcome find_one(struct trace *t, struct str word, struct failure *f)
{
    struct buf sql;
    word = of_letter(t, word);
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT fact_id FROM raw_facts WHERE id = "));
    duck_add_literal(&sql, word);
    buf_add(&sql, S(" OR fact_id = "));
    duck_add_literal(&sql, word);
    buf_add(&sql, S(" OR raw = "));
    duck_add_literal(&sql, str_starts(word, S("raw/")) ? str_sub(word, 4, word.len) : word);
    enum outcome result = take_signals(t, buf_str(&sql), f);
    if (result == OK && t->signals_n == 0) {
        buf_init(&sql, t->arena, SQL_BYTES_MAX);
        add_by_rows(&sql, word);
        result = take_signals(t, buf_str(&sql), f);
    }
    return result;
}

enum outcome trace_find(struct trace *t, const struct str *word, size_t n, struct failure *f)
{
    const struct model *const m = n > 1 ? model_find(word[0]) : NULL;
    enum outcome result = OK;
    if (n > 1 && (!m || is_raw(m))) {
        return failed(f, REJECT, "%.*s is no model; one id, or a model and its key, is explained",
                      STR_ARG(word[0]));
    }
    if (m) {
        struct buf sql;
        buf_init(&sql, t->arena, SQL_BYTES_MAX);
        result = add_key(&sql, m, word + 1, n - 1, f);
        result = result == OK ? take_signals(t, buf_str(&sql), f) : result;
    } else {
        result = find_one(t, word[0], f);
    }
    if (result == OK && t->signals_n == 0) {
        return failed(f, REJECT,
                      "no signal, event or row has this id: it never came (its sender says what it "
                      "was answered), or it was forgotten by age");
    }
    return result;
}

/* ---- what it became ---- */

static enum outcome read_facts(struct trace *t, struct trace_signal *s, const struct model *m,
                               struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    const char *sign = "";
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT fact_id, strftime(fact_at, '%Y-%m-%dT%H:%M:%S.%fZ'), CAST(to_json({"));
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_printf(&sql, "%s'%s': \"%s\"", sign, m->columns[i].name, m->columns[i].name);
            sign = ", ";
        }
    }
    buf_printf(&sql, "}) AS VARCHAR) FROM %s_facts WHERE ", m->name);
    add_is_of(&sql, s);
    buf_add(&sql, S(" ORDER BY fact_at, fact_id"));
    const enum outcome result = duck_query(t->ask.duck, end_sql(&sql).at, &r, f);
    while (result == OK && duck_next(&r)) {
        s->fact = arena_more(t->arena, s->fact, s->facts_n, &s->facts_room, sizeof *s->fact);
        s->fact[s->facts_n++] = (struct trace_fact){
            .model = m,
            .raw = s->past.at,
            .fact_id = arena_str(t->arena, duck_text(&r, 0)),
            .fact_at = arena_str(t->arena, duck_text(&r, 1)),
            .key = arena_str(t->arena, duck_text(&r, 2)),
        };
    }
    duck_result_close(&r);
    return result;
}

/* ---- where it is kept ---- */

/* The live files of the table as a list for read_parquet; false: there is none. */
static bool add_files(struct buf *b, struct arena *a, const struct delta *log)
{
    size_t n = 0;
    for (size_t i = 0; i < log->files_n; i++) {
        if (!log->file[i].removed_ms) {
            const struct str key = arena_printf(a, "%.*s/%.*s", STR_ARG(log->table),
                                                STR_ARG(log->file[i].path));
            buf_add(b, n++ ? S(", ") : S(""));
            duck_add_literal(b, duck_pattern(a, files_path(log->files, a, key)));
        }
    }
    return n > 0;
}

/* Tell each fact of the model (raw: the signal itself) the file and row that hold it. */
static void place(const struct trace *t, struct trace_signal *s, const struct model *m,
                  struct duck_result *r)
{
    const struct str path = duck_text(r, 1);
    const size_t place = t->config->lake.path.len + 1;
    const struct str file = arena_str(t->arena,
                                      str_sub(path, place < path.len ? place : 0, path.len));
    if (is_raw(m)) {
        s->file = file;
    }
    for (size_t i = 0; i < s->facts_n; i++) {
        struct trace_fact *const fact = &s->fact[i];
        if (fact->model == m && fact->file.len == 0 && str_eq(fact->fact_id, duck_text(r, 0))) {
            fact->file = file;
            fact->row = duck_i64(r, 2);
            return;
        }
    }
}

static enum outcome find_files(struct trace *t, struct trace_signal *s, const struct model *m,
                               struct failure *f)
{
    const struct files files = files_at(t->config->lake.path);
    struct delta log;
    struct buf sql;
    struct duck_result r;
    enum outcome result = delta_open(t->arena, &files, str_of(m->name), &log, f);
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT fact_id, filename, file_row_number FROM read_parquet(["));
    if (result != OK || !add_files(&sql, t->arena, &log)) {
        return result;
    }
    buf_add(&sql, S("], hive_partitioning = false, union_by_name = true, filename = true, "
                    "file_row_number = true) WHERE "));
    add_is_of(&sql, s);
    result = duck_query(t->ask.duck, end_sql(&sql).at, &r, f);
    while (result == OK && duck_next(&r)) {
        place(t, s, m, &r);
    }
    duck_result_close(&r);
    return result;
}

static enum outcome see_head(void *to, const struct str *name, size_t n, struct failure *f)
{
    (void)to, (void)name, (void)n, (void)f;
    return OK;
}

static enum outcome see_row(void *to, const struct store_cell *cell, struct failure *f)
{
    (void)cell, (void)f;
    *(bool *)to = true;
    return OK;
}

static enum outcome find_row(struct trace *t, struct trace_fact *fact, struct failure *f)
{
    struct buf sql;
    yyjson_doc *doc = NULL;
    size_t i = 0, n = 0;
    yyjson_val *name = NULL, *value = NULL;
    if (!t->store || !t->store->driver->query || !fact->model->is_stored) {
        return OK;
    }
    const enum outcome result = json_read(t->arena, fact->key, &doc, f);
    if (result != OK) {
        return result;
    }
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_printf(&sql, "SELECT 1 FROM \"%s\" WHERE 1", fact->model->name);
    yyjson_obj_foreach(yyjson_doc_get_root(doc), i, n, name, value)
    {
        buf_printf(&sql, " AND \"%s\" = ", yyjson_get_str(name));
        if (yyjson_is_str(value)) {
            duck_add_literal(&sql, json_text(value)); /* '' is SQLite's quote, too */
        } else {
            buf_add(&sql, json_write(t->arena, value));
        }
    }
    const struct store_answer answer = {see_head, see_row, &fact->is_stored};
    return t->store->driver->query(t->store, buf_str(&sql), &answer, f);
}

/* ---- why nothing came of it ---- */

struct letter_of {
    struct trace *trace;
    struct trace_signal *signal;
};

static bool unreadable(void *to, const struct failure *why)
{
    const struct letter_of *const l = to;
    return mending_wait(&l->trace->mending, why);
}

static bool is_fact_of(const struct trace_signal *s, struct str fact_id)
{
    for (size_t i = 0; i < s->facts_n; i++) {
        if (str_eq(s->fact[i].fact_id, fact_id)) {
            return true;
        }
    }
    return false;
}

/* The transform's letter is the raw signal itself, a persister's one of its facts. */
static bool see_letter(void *to, const struct dead_letter *letter)
{
    const struct letter_of *const l = to;
    const struct signal *const raw = &l->signal->past.signal;
    const bool is_it = str_eq(letter->signal->id, raw->id) &&
                       str_eq(letter->signal->source, raw->source) &&
                       str_eq(letter->signal->agent, raw->agent);
    if (!is_it && !is_fact_of(l->signal, letter->signal->id)) {
        return true;
    }
    struct arena *const a = l->trace->arena;
    l->signal->dead = arena_str(a, letter->id);
    l->signal->is_dead_raw = is_it && str_eq(letter->signal->stage, S("transform"));
    l->signal->why = arena_printf(a, "%.*s: %.*s", STR_ARG(letter->signal->stage),
                                  STR_ARG(letter->signal->reason));
    l->signal->pointer = arena_str(a, letter->signal->pointer);
    return false;
}

/* The first signal of the same identity that gave something. */
static enum outcome find_first(struct trace *t, struct trace_signal *s, struct str *out,
                               struct failure *f)
{
    const struct signal *const raw = &s->past.signal;
    struct buf sql;
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT raw FROM raw_facts WHERE id = "));
    duck_add_literal(&sql, raw->id);
    buf_add(&sql, S(" AND source = "));
    duck_add_literal(&sql, raw->source);
    buf_add(&sql, S(" AND agent = "));
    duck_add_literal(&sql, raw->agent);
    buf_add(&sql, S(" AND (raw <> "));
    duck_add_literal(&sql, s->past.at);
    buf_printf(&sql,
               " OR received_at <> make_timestamptz(%" PRId64
               ")) AND (raw, received_at) IN (SELECT "
               "NULL, NULL",
               raw->received_us);
    for (size_t i = 0; i < model_all_n; i++) {
        if (!is_raw(model_all[i])) {
            buf_printf(&sql, " UNION ALL SELECT raw, received_at FROM %s_facts",
                       model_all[i]->name);
        }
    }
    buf_add(&sql, S(") ORDER BY received_at LIMIT 1"));
    return duck_first_text(t->ask.duck, t->arena, end_sql(&sql).at, out, f);
}

bool trace_is_of_others(const struct trace *t, const struct past *past)
{
    return past->bus.len > 0 && !str_eq(past->bus, bus_id(t->bus));
}

static enum outcome is_transformed(struct trace *t, const struct past *past, bool *out,
                                   struct failure *f)
{
    struct survey *const survey = arena_new(t->arena, struct survey);
    if (trace_is_of_others(t, past)) {
        *out = true; /* as far as anybody here can tell */
        return OK;
    }
    const enum outcome result = survey_take(
        t->arena, &(struct survey_of){t->config, registry_duties, NULL, bus_id(t->bus)}, survey, f);
    *out = result == OK &&
           survey_cursor(survey, "transform", (struct lane){STREAM_RAW, past->lane}).at >
               past->position;
    return result;
}

/* Asked once more, the transform says what it would say now. */
static void ask_transform(struct trace *t, struct trace_signal *s)
{
    struct arena scratch;
    struct transform_out out = {.arena = t->arena};
    arena_init(&scratch, transform_scratch_bytes(&s->past.signal));
    const struct transform_in in = {.raw = &s->past.signal,
                                    .raw_at = s->past.at,
                                    .config = t->config,
                                    .arena = &scratch,
                                    .pool = jq_pool_open(&scratch)};
    transform_signal(&in, &out);
    switch (out.fate) {
    case FATE_STORED:
        s->end = TRACE_NOTHING;
        s->why = S("the mappings of then gave nothing for it; those of now do: `weir replay`");
        break;
    case FATE_UNMAPPED:
        s->end = TRACE_UNMAPPED;
        s->why = out.name;
        break;
    case FATE_LATER:
        s->end = TRACE_WAITING;
        s->why = arena_str(t->arena, str_of(out.why.text));
        break;
    case FATE_IGNORED:
        s->end = TRACE_IGNORED;
        s->why = out.name;
        break;
    case FATE_DEAD:
        s->end = TRACE_DEAD;
        s->why = arena_str(t->arena, str_of(out.why.text));
        s->pointer = arena_str(t->arena, str_of(out.why.pointer));
        break;
    }
    arena_close(&scratch);
}

/* When its dead letter was dropped; empty: it was not. */
static enum outcome find_drop(struct trace *t, const struct trace_signal *s, struct str *out,
                              struct failure *f)
{
    const struct signal *const raw = &s->past.signal;
    struct buf sql;
    buf_init(&sql, t->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT strftime(max(received_at), '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ') FROM raw_facts "
               "WHERE event = '%s' AND id = ",
               dead_drop_type);
    duck_add_literal(&sql, raw->id);
    buf_add(&sql, S(" AND source = "));
    duck_add_literal(&sql, raw->source);
    buf_add(&sql, S(" AND agent = "));
    duck_add_literal(&sql, raw->agent);
    buf_add(&sql, S(" HAVING count(*) > 0"));
    return duck_first_text(t->ask.duck, t->arena, end_sql(&sql).at, out, f);
}

/* It would be dead, and no letter of it is open. */
static enum outcome say_closed(struct trace *t, struct trace_signal *s, struct failure *f)
{
    struct str dropped = S("");
    const enum outcome result = find_drop(t, s, &dropped, f);
    if (result == OK && dropped.len > 0) {
        s->end = TRACE_DROPPED;
        s->why = arena_printf(t->arena, "%.*s (dropped by `weir dead drop` at %.*s)",
                              STR_ARG(s->why), STR_ARG(dropped));
    } else if (result == OK) {
        s->why = arena_printf(t->arena,
                              "%.*s (no open dead letter: it was sent again, or forgotten by age)",
                              STR_ARG(s->why));
    }
    return result;
}

static enum outcome say_why(struct trace *t, struct trace_signal *s, struct failure *f)
{
    struct str first;
    bool is_done = false;
    if (past_is_drop(&s->past)) {
        s->end = TRACE_DROPPED;
        return OK;
    }
    if (past_is_passed(&s->past)) {
        s->end = TRACE_IGNORED;
        s->why = str_eq(s->past.signal.type, str_of(dead_replayed_type))
                     ? S("it closes a dead letter: `weir replay` stored its signal")
                     : S("it closes a dead letter: sent again to the stage it failed in");
        return OK;
    }
    enum outcome result = find_first(t, s, &first, f);
    if (result == OK && first.len > 0) {
        s->end = TRACE_IGNORED;
        s->why = arena_printf(t->arena, "repetition of raw/%.*s, which is explained by that id",
                              STR_ARG(first));
        return OK;
    }
    result = result == OK ? is_transformed(t, &s->past, &is_done, f) : result;
    if (result == OK && !is_done) {
        s->end = TRACE_WAITING;
        s->why = S("the transform has not come to it yet: `weir status` says how far it is");
    } else if (result == OK) {
        ask_transform(t, s);
        result = s->end == TRACE_DEAD ? say_closed(t, s, f) : OK;
    }
    return result;
}

enum outcome trace_follow(struct trace *t, struct trace_signal *s, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        const size_t before = s->facts_n;
        result = is_raw(model_all[i]) ? OK : read_facts(t, s, model_all[i], f);
        if (result == OK && (s->facts_n > before || is_raw(model_all[i]))) {
            result = find_files(t, s, model_all[i], f);
        }
    }
    for (size_t i = 0; i < s->facts_n && result == OK; i++) {
        result = find_row(t, &s->fact[i], f);
    }
    if (result == OK) {
        struct letter_of letter = {t, s};
        result = dead_each(t->bus, (struct dead_visit){see_letter, &letter, unreadable}, f);
    }
    s->end = s->dead.len > 0 ? TRACE_DEAD : TRACE_STORED;
    if (s->is_dead_raw && s->facts_n > 0) {
        s->end = TRACE_STORED;
        s->why = arena_printf(
            t->arena,
            "this was made of it since, by a replay or by the same sent again; its "
            "dead letter is still open: `weir dead retry %.*s` closes it",
            STR_ARG(s->dead));
        s->pointer = (struct str){NULL, 0};
    }
    return result == OK && s->facts_n == 0 && s->dead.len == 0 ? say_why(t, s, f) : result;
}
