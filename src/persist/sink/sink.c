/* The persister that all sinks share: it makes items of what concerns its sink, hands them over in
 * order, and keeps a cursor a lane in DATA/sinks/NAME.json, which moves once they are where they
 * belong. A save costs three syncs: who is busy saves ten times a second, not after each batch, and
 * so much comes again after a kill. Beside the cursors stands whose records it is given: those of a
 * collector that is no longer configured are dead, since nobody knows their shape any more. */
#include "persist/sink/sink.h"

#include <errno.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/histogram.h"
#include "config/names.h"
#include "wire/json.h"

enum {
    READ_BYTES_MAX = 1 << 20,
    CURSORS_BYTES_MAX = 128 << 20, /* with the mark of a driver */
    SAVE_MS = 1000,    /* a cursor that moved over what is not this sink's is saved after so long */
    BUSY_SAVE_MS = 100 /* … and one that moved over what was delivered, since the last save     */
};
#define PENDING_BYTES_MAX ((size_t)1 << 30)

struct sink_lane {
    struct lane lane;
    struct position saved, taken;
};

/* An item that is not where it belongs yet. */
struct pending {
    struct sink_item item;
    size_t lane;
    struct position at, next; /* its record, and the one behind it */
};

struct stage {
    struct sink *sink;
    struct str path;  /* of the cursors */
    struct str *gone; /* ids of collectors that named it until they were taken away */
    size_t gone_n, gone_room;
    struct sink_lane lane[READER_LANES_MAX];
    size_t lanes_n;
    struct arena arena; /* of the pending ones */
    struct pending *pending;
    struct sink_item *handed; /* driver->items_max of them */
    size_t n, room, sent;
    int64_t moved_us;       /* monotonic: a cursor is to be saved since; 0: none */
    int64_t saved_us;       /* monotonic: when one was saved last; 0: never      */
    bool is_unsaved;        /* something was delivered since then                */
    struct pending refused; /* never taken: the next read makes it a dead letter */
    struct failure why;
    bool has_refused;
    _Atomic uint64_t *delivered, *unknown, *left_out;
};

static const struct sink_config *config_of(const struct persister *p)
{
    return p->driver->of;
}

/* ---- the cursors ---- */

static struct sink_lane *lane_of(struct stage *s, struct arena *a, struct lane lane)
{
    for (size_t i = 0; i < s->lanes_n; i++) {
        if (lane_eq(s->lane[i].lane, lane)) {
            return &s->lane[i];
        }
    }
    if (s->lanes_n == READER_LANES_MAX) {
        return NULL;
    }
    s->lane[s->lanes_n] = (struct sink_lane){.lane = {lane.stream, arena_str(a, lane.name)}};
    return &s->lane[s->lanes_n++];
}

static bool lane_of_text(struct str text, struct lane *out)
{
    static const enum stream streams[] = {STREAM_STANDARD, STREAM_MEASURED};
    const struct str stream = str_cut(text, '/', &out->name);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        if (str_eq(stream, str_of(stream_name(streams[i])))) {
            out->stream = streams[i];
            return true;
        }
    }
    return false;
}

static const struct collector *collector_of(const struct persister *p, struct str id)
{
    const struct collectors *const all = &p->config->collectors;
    for (size_t i = 0; i < all->n; i++) {
        if (str_eq(all->at[i].id, id)) {
            return &all->at[i];
        }
    }
    return NULL;
}

static bool names_this(const struct persister *p, const struct collector *c)
{
    for (size_t i = 0; i < c->sinks_n; i++) {
        if (&p->config->sinks.at[c->sink[i]] == config_of(p)) {
            return true;
        }
    }
    return false;
}

/* What stands in a file of cursors. */
struct cursors {
    struct str path;
    yyjson_val *root; /* NULL: there is none */
};

static enum outcome read_cursors(struct persister *p, struct str name, struct cursors *out,
                                 struct failure *f)
{
    yyjson_doc *doc = NULL;
    struct str text = S("");
    *out = (struct cursors){sink_cursors_path(p->arena, p->config->data, name), NULL};
    if (access(out->path.at, F_OK) != 0) {
        return OK;
    }
    enum outcome result = file_read(p->arena, out->path.at, CURSORS_BYTES_MAX, &text, f);
    if (result != OK) {
        return result;
    }
    result = json_read(p->arena, text, &doc, f);
    yyjson_val *const root = result == OK ? yyjson_doc_get_root(doc) : NULL;
    if (!json_get(root, S("cursors"))) {
        return failed(f, STOP,
                      "%.*s holds no cursors: it is damaged; remove it, and the sink begins anew "
                      "with what the streams still hold",
                      STR_ARG(out->path));
    }
    if (!str_eq(json_text(json_get(root, S("bus"))), bus_id(p->bus))) {
        return failed(f, STOP,
                      "%.*s counts in the streams of another bus; remove it, and the sink begins "
                      "anew with what the streams hold",
                      STR_ARG(out->path));
    }
    out->root = root;
    return OK;
}

/* Where these say it stands; `is_least`: unless it stands before that. */
static void stand_at(struct persister *p, const struct cursors *c, bool is_least)
{
    struct stage *const s = p->state;
    size_t i = 0, n = 0;
    yyjson_val *key = NULL, *value = NULL;
    yyjson_obj_foreach(json_get(c->root, S("cursors")), i, n, key, value)
    {
        struct lane lane;
        struct sink_lane *const to = lane_of_text(json_text(key), &lane)
                                         ? lane_of(s, p->arena, lane)
                                         : NULL;
        const uint64_t at = yyjson_get_uint(value);
        if (to && (!is_least || at < to->saved.at)) {
            to->saved = to->taken = (struct position){at};
        }
    }
}

static bool stands_in(const struct cursors *c, struct str list, struct str name)
{
    size_t i = 0, n = 0;
    yyjson_val *one = NULL;
    yyjson_arr_foreach(json_get(c->root, list), i, n, one)
    {
        if (str_eq(json_text(one), name)) {
            return true;
        }
    }
    return false;
}

static bool is_gone(const struct stage *s, struct str id)
{
    size_t i = 0;
    while (i < s->gone_n && !str_eq(s->gone[i], id)) {
        i++;
    }
    return i < s->gone_n;
}

/* Of those that named it then, the ones that are configured no more. One that is, and names it no
 * more, is another's. */
static void find_gone(struct persister *p, const struct cursors *c)
{
    struct stage *const s = p->state;
    size_t i = 0, n = 0;
    yyjson_val *one = NULL;
    yyjson_arr_foreach(json_get(c->root, S("collectors")), i, n, one)
    {
        const struct str id = json_text(one);
        if (!collector_of(p, id) && !is_gone(s, id)) {
            s->gone = arena_more(p->arena, s->gone, s->gone_n, &s->gone_room, sizeof *s->gone);
            s->gone[s->gone_n++] = arena_str(p->arena, id);
        }
    }
}

/* Its own cursors; those of the sink that it was a part of where it has none; and back to the least
 * of those that are one with it since, once. */
static enum outcome find_cursors(struct persister *p, struct cursors *out, struct failure *f)
{
    const struct sink_config *const c = config_of(p);
    struct cursors own, other;
    enum outcome result = read_cursors(p, c->name, &own, f);
    if (result == OK && own.root) {
        stand_at(p, &own, false);
        find_gone(p, &own);
    } else if (result == OK && c->from.len > 0) {
        result = read_cursors(p, c->from, &other, f);
        if (result == OK && other.root) {
            stand_at(p, &other, false);
            p->told = arena_printf(p->arena,
                                   "it was one with the sink %.*s, and goes on from there",
                                   STR_ARG(c->from));
        }
    }
    for (size_t i = 0; i < c->joined.n && result == OK && own.root; i++) {
        if (stands_in(&own, S("joined"), c->joined.at[i])) {
            continue;
        }
        result = read_cursors(p, c->joined.at[i], &other, f);
        if (result == OK && other.root) {
            stand_at(p, &other, true);
            find_gone(p, &other);
            p->told = arena_printf(p->arena,
                                   "the sink %.*s is one with it now: it goes on from "
                                   "where the less far of them was",
                                   STR_ARG(c->joined.at[i]));
        }
    }
    *out = own;
    return result;
}

/* Those that name it, and those that did. */
static void add_collectors(struct buf *b, const struct persister *p)
{
    const struct stage *const s = p->state;
    const struct collectors *const all = &p->config->collectors;
    buf_add(b, S(",\"collectors\":["));
    size_t n = 0;
    for (size_t i = 0; i < all->n + s->gone_n; i++) {
        if (i >= all->n || names_this(p, &all->at[i])) {
            buf_add(b, n++ > 0 ? S(",") : S(""));
            buf_add_json(b, i < all->n ? all->at[i].id : s->gone[i - all->n]);
        }
    }
    buf_add_byte(b, ']');
}

static enum outcome save_cursors(struct persister *p, struct failure *f)
{
    struct stage *const s = p->state;
    const struct str_list *const joined = &config_of(p)->joined;
    struct arena a;
    struct buf b;
    arena_init(&a, 2 * (size_t)CURSORS_BYTES_MAX);
    buf_init(&b, &a, CURSORS_BYTES_MAX);
    buf_printf(&b, "{\"bus\":\"%.*s\",\"cursors\":{", STR_ARG(bus_id(p->bus)));
    for (size_t i = 0; i < s->lanes_n; i++) {
        const struct lane *const lane = &s->lane[i].lane;
        buf_printf(&b, "%s\"%s/%.*s\":%llu", i > 0 ? "," : "", stream_name(lane->stream),
                   STR_ARG(lane->name), (unsigned long long)s->lane[i].saved.at);
    }
    buf_add_byte(&b, '}');
    if (config_of(p)->is_for_collectors) {
        add_collectors(&b, p);
    }
    for (size_t i = 0; i < joined->n; i++) {
        buf_add(&b, i > 0 ? S(",") : S(",\"joined\":["));
        buf_add_json(&b, joined->at[i]);
    }
    buf_add(&b, joined->n > 0 ? S("]") : S(""));
    if (s->sink->mark.len > 0) {
        buf_add(&b, S(",\"mark\":"));
        buf_add(&b, s->sink->mark);
    }
    buf_add(&b, S("}\n"));
    const enum outcome result = file_replace(s->path.at, buf_str(&b), 0600, f);
    arena_close(&a);
    return result;
}

/* Everything up to the first item that is not delivered. */
static enum outcome settle(struct persister *p, struct failure *f)
{
    struct stage *const s = p->state;
    for (size_t i = 0; i < s->lanes_n; i++) {
        s->lane[i].saved = s->lane[i].taken;
    }
    for (size_t i = s->n; i > s->sent; i--) {
        const struct pending *const left = &s->pending[i - 1];
        s->lane[left->lane].saved = left->at;
    }
    FAILPOINT("sink.delivered");
    const enum outcome result = save_cursors(p, f);
    if (result == OK) {
        s->moved_us = 0;
        s->saved_us = clock_mono_us();
        s->is_unsaved = false;
    }
    return result;
}

/* How long the cursors may still wait to be saved; they are to be. */
static int64_t save_wait_ms(const struct stage *s)
{
    const int64_t now_us = clock_mono_us();
    return s->is_unsaved ? BUSY_SAVE_MS - (now_us - s->saved_us) / 1000
                         : SAVE_MS - (now_us - s->moved_us) / 1000;
}

/* ---- open ---- */

/* Somebody names it who did not, or the far end stands elsewhere than before. */
static bool is_news(const struct persister *p, const struct cursors *own, struct str mark)
{
    const struct stage *const s = p->state;
    const struct collectors *const all = &p->config->collectors;
    bool is_news = !str_eq(s->sink->mark, mark);
    for (size_t i = 0; i < all->n && !is_news && config_of(p)->is_for_collectors; i++) {
        is_news = names_this(p, &all->at[i]) && !stands_in(own, S("collectors"), all->at[i].id);
    }
    return is_news;
}

static enum outcome stage_open(struct persister *p, struct failure *f)
{
    struct stage *const s = p->state;
    const struct sink_config *const c = config_of(p);
    struct str mark = S("");
    struct cursors own = {.root = NULL};
    const struct str folder = arena_printf(p->arena, "%.*s/sinks", STR_ARG(p->config->data));
    s->path = sink_cursors_path(p->arena, p->config->data, c->name);
    s->delivered = progress_counter(p->progress, "delivered");
    s->unknown = progress_counter(p->progress, "unknown_collectors");
    s->left_out = progress_counter(p->progress, "left_out");
    arena_init(&s->arena, PENDING_BYTES_MAX);
    enum outcome result = file_make_dirs(folder.at, f);
    result = result == OK ? find_cursors(p, &own, f) : result;
    if (result == OK) {
        mark = json_write(p->arena, json_get(own.root, S("mark")));
        result = sink_open(p->arena, c, mark, &s->sink, f);
    }
    if (result == OK) {
        s->sink->bus = bus_id(p->bus);
        s->handed = arena_array(p->arena, struct sink_item, s->sink->driver->items_max);
    }
    /* before anything is sent: a kill finds it */
    return result == OK && is_news(p, &own, mark) ? save_cursors(p, f) : result;
}

static void stage_close(struct persister *p)
{
    struct stage *const s = p->state;
    sink_close(s->sink);
    s->sink = NULL;
    arena_close(&s->arena);
}

static enum outcome stage_cursor(struct persister *p, struct lane lane, struct position *out,
                                 struct failure *f)
{
    const struct sink_lane *const found = lane_of(p->state, p->arena, lane);
    if (!found) {
        return failed(f, STOP, "more than %d lanes: fewer intake processes are needed",
                      READER_LANES_MAX);
    }
    *out = found->saved;
    return OK;
}

/* ---- take ---- */

static bool is_wanted_model(const struct sink_config *c, const struct model *m)
{
    for (size_t i = 0; m && i < c->models.n; i++) {
        if (str_eq(c->models.at[i], str_of(m->name))) {
            return true;
        }
    }
    return false;
}

enum item_is { ITEM_OWN, ITEM_OTHERS, ITEM_WRONG, ITEM_LATER };

/* As encoding.jq has it. */
static enum item_is encoded(struct stage *s, struct sink_item *item, struct failure *why)
{
    bool is_left_out = false;
    const enum outcome result = sink_item_encode(s->sink, &s->arena, item, &is_left_out, why);
    *s->left_out += is_left_out;
    return result == RETRY ? ITEM_LATER
           : result != OK  ? ITEM_WRONG
           : is_left_out   ? ITEM_OTHERS
                           : ITEM_OWN;
}

/* What the fact is to this sink. */
static enum item_is item_of(struct persister *p, const struct signal *fact, struct sink_item *out,
                            struct failure *why)
{
    struct stage *const s = p->state;
    const struct sink_config *const c = config_of(p);
    const struct model *const m = fact_model(fact);
    if (!m || (c->is_for_collectors && strcmp(m->name, "metric") != 0)) {
        return ITEM_OTHERS;
    }
    if (!c->is_for_collectors) {
        if (!is_wanted_model(c, m)) {
            return ITEM_OTHERS;
        }
        struct signal *const own = arena_new(&s->arena, struct signal);
        *own = signal_copy(&s->arena, fact);
        sink_item_of_fact(&s->arena, own, out);
        return encoded(s, out, why);
    }
    struct metric metric; /* its texts are copies: the reader of JSON makes one */
    if (metric_of_fact(&s->arena, fact, &metric, why) != OK) {
        return ITEM_WRONG;
    }
    const struct collector *const from = collector_of(p, metric.collector);
    if (!from && is_gone(s, metric.collector)) {
        (void)failed(why, REJECT,
                     "its collector %.*s is gone from the configuration: put it back, then `weir "
                     "dead retry`",
                     STR_ARG(metric.collector));
        return ITEM_WRONG;
    }
    *s->unknown += !from;
    if (!from || !names_this(p, from)) {
        return ITEM_OTHERS;
    }
    sink_item_of_metric(&s->arena, from, &metric, out);
    return encoded(s, out, why);
}

static bool is_refused(const struct stage *s, size_t lane, struct position at)
{
    return s->has_refused && s->refused.lane == lane && s->refused.at.at == at.at;
}

static enum outcome take_record(struct persister *p, const struct slice *slice, size_t k,
                                size_t lane, struct rejects *rejects, struct failure *f)
{
    struct stage *const s = p->state;
    const struct record *const r = &slice->record[k];
    struct pending item = {.lane = lane, .at = r->at};
    if (is_refused(s, lane, r->at)) {
        persist_reject(rejects, slice, r, &s->why);
        return OK;
    }
    switch (item_of(p, &r->signal, &item.item, f)) {
    case ITEM_WRONG: persist_reject(rejects, slice, r, f); break;
    case ITEM_LATER: return RETRY;
    case ITEM_OTHERS: break;
    case ITEM_OWN:
        item.item.lane = s->lane[lane].lane.name;
        item.item.position = r->at.at;
        s->pending = arena_more(&s->arena, s->pending, s->n, &s->room, sizeof *s->pending);
        s->pending[s->n++] = item;
        break;
    }
    return OK;
}

/* Everything up to its end was taken. */
static void pass(struct stage *s, size_t lane, struct position to)
{
    s->lane[lane].taken = to;
    s->moved_us = s->moved_us ? s->moved_us : clock_mono_us();
    if (s->has_refused && s->refused.lane == lane && s->refused.at.at < to.at) {
        s->has_refused = false;
    }
}

static enum outcome stage_take(struct persister *p, const struct batch *b, struct rejects *rejects,
                               struct failure *f)
{
    struct stage *const s = p->state;
    const size_t before = s->n;
    for (size_t i = 0; i < b->n; i++) {
        const struct slice *const slice = &b->slice[i];
        const struct sink_lane *const lane = lane_of(s, p->arena, slice->lane);
        if (!lane) { /* its cursor was asked before */
            return failed(f, STOP, "more than %d lanes: fewer intake processes are needed",
                          (int)(sizeof s->lane / sizeof *s->lane));
        }
        for (size_t k = 0; k < slice->n; k++) {
            if (take_record(p, slice, k, (size_t)(lane - s->lane), rejects, f) != OK) {
                s->n = before;
                return RETRY;
            }
        }
    }
    for (size_t i = 0; i < b->n; i++) {
        pass(s, (size_t)(lane_of(s, p->arena, b->slice[i].lane) - s->lane), b->slice[i].to);
    }
    return OK;
}

/* ---- flush ---- */

static int stage_due_ms(struct persister *p)
{
    const struct stage *const s = p->state;
    const struct sink_driver *const d = s->sink->driver;
    const int own = d->due_ms ? d->due_ms(s->sink) : -1;
    if (s->sent < s->n) {
        return 0;
    }
    if (own >= 0 || s->moved_us == 0) {
        return own;
    }
    const int64_t left = save_wait_ms(s);
    return left > 0 ? (int)left : 0;
}

/* All that is pending, as far as it goes. */
static enum outcome send_pending(struct stage *s, struct failure *f)
{
    const struct sink_driver *const d = s->sink->driver;
    enum outcome result = OK;
    while (s->sent < s->n && result == OK) {
        const size_t left = s->n - s->sent, n = left < d->items_max ? left : d->items_max;
        size_t done = 0;
        for (size_t i = 0; i < n; i++) {
            s->handed[i] = s->pending[s->sent + i].item;
        }
        result = d->send(s->sink, s->handed, n, &done, f);
        s->sent += done;
        *s->delivered += done;
    }
    return result;
}

/* How long it took, for the metrics of the admin address (serve/collected.c). */
static void observe(const struct persister *p, enum outcome sent, int64_t took_us)
{
    const char *const type = config_of(p)->type->name, *const code = sent == OK ? "OK" : "ERROR";
    ++*progress_counter(p->progress, "collector_sink_duration{%s,%s,%d}", type, code,
                        histogram_bucket(took_us));
    *progress_counter(p->progress, "collector_sink_duration{%s,%s,sum}", type,
                      code) += (uint64_t)took_us;
}

/* Delivered, all of it: nothing is remembered. */
static void forget_sent(struct stage *s)
{
    if (s->sent == s->n) {
        arena_reset(&s->arena);
        s->pending = NULL;
        s->n = s->room = s->sent = 0;
    }
}

static enum outcome stage_flush(struct persister *p, bool is_asked, struct failure *f)
{
    struct stage *const s = p->state;
    const struct sink_driver *const d = s->sink->driver;
    struct failure other;
    s->sink->retry_after_ms = 0;
    s->sink->now_us = progress_wall(p->progress).now_us;
    const int64_t begun_us = clock_mono_us();
    const bool is_some = s->sent < s->n;
    const enum outcome sent = send_pending(s, f);
    if (is_some) {
        observe(p, sent, clock_mono_us() - begun_us);
    }
    p->retry_after_ms = s->sink->retry_after_ms;
    const bool is_gathering = sent == OK && d->due_ms && !is_asked && d->due_ms(s->sink) > 0;
    if (sent == STOP || is_gathering) {
        return sent;
    }
    enum outcome kept = d->flush ? d->flush(s->sink, sent == OK ? f : &other) : OK;
    s->is_unsaved = s->is_unsaved || is_some;
    const bool may_wait = sent == OK && !is_asked && s->saved_us > 0 && save_wait_ms(s) > 0;
    if (kept == OK && !may_wait) {
        kept = settle(p, sent == OK ? f : &other);
    }
    if (sent == OK && kept == OK) {
        forget_sent(s);
        return OK;
    }
    if (sent == REJECT && kept == OK) {
        s->refused = s->pending[s->sent];
        s->why = *f;
        s->has_refused = true;
        f->cause = CAUSE_REFUSED; /* read again: take makes it a dead letter */
        return f->outcome = RETRY;
    }
    return sent != OK && sent != REJECT ? sent : kept;
}

static void stage_drop(struct persister *p)
{
    struct stage *const s = p->state;
    if (s->sink->driver->drop) {
        s->sink->driver->drop(s->sink);
    }
    arena_reset(&s->arena);
    s->pending = NULL;
    s->n = s->room = s->sent = 0;
    for (size_t i = 0; i < s->lanes_n; i++) {
        s->lane[i].taken = s->lane[i].saved;
    }
}

const unsigned sink_streams = STREAM_BIT(STREAM_STANDARD) | STREAM_BIT(STREAM_MEASURED);

const struct persister_driver *sink_persister(struct arena *a, const struct sink_config *config)
{
    struct persister_driver *const d = arena_new(a, struct persister_driver);
    *d = (struct persister_driver){.name = arena_cstr(a, config->id),
                                   .of = config,
                                   .streams = sink_streams,
                                   .read_bytes_max = READ_BYTES_MAX,
                                   .state_bytes = sizeof(struct stage),
                                   .open = stage_open,
                                   .cursor = stage_cursor,
                                   .take = stage_take,
                                   .due_ms = stage_due_ms,
                                   .flush = stage_flush,
                                   .drop = stage_drop,
                                   .close = stage_close};
    return d;
}
