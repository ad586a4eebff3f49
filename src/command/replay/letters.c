/* Dead letters whose signals a replay has stored. They are found by the signal's identity and
 * receipt: what was sent again, and died again, is the same signal in another letter. */
#include <inttypes.h>

#include "base/file.h"
#include "bus/dead.h"
#include "command/closing.h"
#include "command/mending.h"
#include "command/replay/replay.h"
#include "command/screen.h"

enum { LETTERS_AT_ONCE = 10000, SQL_BYTES_MAX = 64 << 20 };
#define LINES_BYTES_MAX ((size_t)256 << 20)
#define ROUND_ARENA_BYTES_MAX ((size_t)1 << 30)

struct letters {
    struct replay *replay;
    struct mending mending;
    struct arena round; /* of LETTERS_AT_ONCE */
    struct buf lines;   /* a JSON object a letter */
    size_t n;
    bool is_asked; /* the engine has the table `made` */
    uint64_t closed_n, open_n;
    struct failure why; /* of those that stay open */
    enum outcome result;
    struct failure *f;
};

static void begin_round(struct letters *l)
{
    arena_reset(&l->round);
    buf_init(&l->lines, &l->round, LINES_BYTES_MAX);
    l->n = 0;
}

static enum outcome run(struct letters *l, struct buf *sql)
{
    buf_add_byte(sql, '\0');
    return duck_run(l->replay->ask.duck, buf_str(sql).at, l->f);
}

/* The signals that facts were made of. */
static enum outcome see_made(struct letters *l)
{
    struct replay *const r = l->replay;
    struct buf sql;
    const char *sign = "";
    ask_close(&r->ask); /* the switch has put other files into the lake */
    enum outcome result = ask_open(&r->ask, r->arena, r->config, r->bus, S("raw"), l->f);
    buf_init(&sql, &l->round, SQL_BYTES_MAX);
    buf_add(&sql, S("CREATE TEMP TABLE made AS SELECT DISTINCT raw, agent, received_at FROM ("));
    for (size_t i = 0; i < model_all_n; i++) {
        if (replay_makes(model_all[i]) && replay_has_made(r, model_all[i]->name)) {
            const struct str folder = duck_pattern(&l->round, r->folder);
            buf_printf(&sql, "%sSELECT raw, agent, received_at FROM read_parquet(", sign);
            duck_add_literal(&sql, arena_printf(&l->round, "%.*s/%s/*.parquet", STR_ARG(folder),
                                                model_all[i]->name));
            buf_add(&sql, S(", hive_partitioning = false)"));
            sign = " UNION ALL ";
        }
    }
    buf_add(&sql,
            sign[0] ? S(")") : S("SELECT raw, agent, received_at FROM raw_facts WHERE false)"));
    return result == OK ? run(l, &sql) : result;
}

/* The ids of those whose signal is among them. */
static enum outcome find_stored(struct letters *l, struct str **id, size_t *n)
{
    struct arena *const a = &l->round;
    const struct str path = arena_printf(a, "%.*s/letters.json", STR_ARG(l->replay->folder));
    struct buf sql;
    struct duck_result answer;
    if (buf_is_over(&l->lines)) {
        return failed(l->f, REJECT, "%d dead letters have more than %zu MiB of names",
                      LETTERS_AT_ONCE, LINES_BYTES_MAX >> 20);
    }
    enum outcome result = file_replace(path.at, buf_str(&l->lines), 0600, l->f);
    buf_init(&sql, a, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT DISTINCT letter.place FROM read_json("));
    duck_add_literal(&sql, duck_pattern(a, path));
    buf_add(&sql,
            S(", format = 'newline_delimited', columns = {place: 'VARCHAR', source: 'VARCHAR', "
              "id: 'VARCHAR', agent: 'VARCHAR', received_us: 'BIGINT'}) AS letter "
              "JOIN raw_facts AS sent ON coalesce(sent.id, '') = letter.id "
              "AND coalesce(sent.source, '') = letter.source "
              "AND coalesce(sent.agent, '') = letter.agent "
              "AND sent.received_at = make_timestamptz(letter.received_us) "
              "JOIN made ON made.raw = sent.raw AND made.received_at = sent.received_at "
              "AND coalesce(made.agent, '') = letter.agent"));
    buf_add_byte(&sql, '\0');
    result = result == OK ? duck_query(l->replay->ask.duck, buf_str(&sql).at, &answer, l->f)
                          : result;
    *id = arena_array(a, struct str, l->n);
    *n = 0;
    while (result == OK && duck_next(&answer)) {
        (*id)[(*n)++] = arena_str(a, duck_text(&answer, 0));
    }
    duck_result_close(&answer);
    return result;
}

/* Letters that somebody else has closed meanwhile are closed: REJECT is no failure. */
static enum outcome close_round(struct letters *l)
{
    struct closing c = {.data = l->replay->config->data, .command = "replayed"};
    struct str *id = NULL;
    struct failure why = {.outcome = OK};
    enum outcome result = l->n > 0 && !l->is_asked ? see_made(l) : OK;
    l->is_asked = l->is_asked || l->n > 0;
    result = result == OK && l->n > 0 ? find_stored(l, &id, &c.ids_n) : result;
    if (result == OK && c.ids_n > 0) {
        c.id = id;
        const enum outcome asked = closing_ask(&c, &why);
        l->closed_n += c.done_n;
        l->open_n += c.ids_n - c.at;
        l->why = asked == RETRY ? why : l->why;
    }
    begin_round(l);
    return result;
}

static bool gather(void *to, const struct dead_letter *letter)
{
    struct letters *const l = to;
    const struct signal *const s = letter->signal;
    if (!str_eq(s->stage, S("transform"))) {
        return true;
    }
    buf_add(&l->lines, S("{\"place\":"));
    buf_add_json(&l->lines, letter->id);
    buf_add(&l->lines, S(",\"source\":"));
    buf_add_json(&l->lines, s->source);
    buf_add(&l->lines, S(",\"id\":"));
    buf_add_json(&l->lines, s->id);
    buf_add(&l->lines, S(",\"agent\":"));
    buf_add_json(&l->lines, s->agent);
    buf_printf(&l->lines, ",\"received_us\":%" PRId64 "}\n", s->received_us);
    if (++l->n == LETTERS_AT_ONCE) {
        l->result = close_round(l);
    }
    return l->result == OK;
}

static bool unreadable(void *to, const struct failure *why)
{
    struct letters *const l = to;
    return mending_wait(&l->mending, why);
}

void replay_close_letters(struct replay *r)
{
    struct failure f;
    struct letters l = {.replay = r,
                        .mending = {.command = "replay", .arena = r->arena, .config = r->config},
                        .f = &f};
    arena_init(&l.round, ROUND_ARENA_BYTES_MAX);
    begin_round(&l);
    replay_show(r, "dead letters");
    enum outcome result = dead_each(r->bus, (struct dead_visit){gather, &l, unreadable}, &f);
    result = result == OK ? l.result : result;
    result = result == OK ? close_round(&l) : result;
    result = result == OK ? mending_tell(&l.mending, &f) : result;
    arena_close(&l.round);
    replay_show(r, "%s", "");
    if (l.closed_n > 0) {
        screen_tell("dead letters closed, since their signals are stored: %" PRIu64 "\n",
                    l.closed_n);
    }
    if (l.open_n > 0) {
        screen_tell("dead letters that stay open, though their signals are stored: %" PRIu64
                    " (%s): `weir dead retry` or `drop` closes them\n",
                    l.open_n, l.why.outcome == OK ? "stopped" : l.why.text);
    }
    if (result != OK) {
        screen_tell("not all dead letters were looked at: %s\n", f.text);
    }
}
