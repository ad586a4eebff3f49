/* Kafka by librdkafka: idempotent, acknowledged by all replicas in sync. What was handed to it and
 * is not acknowledged yet is remembered, so that brokers that are away for a while get each record
 * once.
 *   source  CloudEvents 1.0.2, Kafka protocol binding, section 3.2 (binary) */
#include <stdio.h>

#include "base/asked.h"
#include "base/hash.h"
#include "persist/sink/sink.h"
#include "wire/kafka.h"

enum {
    ITEMS_MAX = 1000,
    SLOTS_MAX = 2 * ITEMS_MAX,
    ROUND_BYTES_MAX = 64 << 20, /* handed over at once                              */
    ANSWER_MS = 10 * 1000,      /* for all of a round; then the same is asked again */
    STOP_MS = 3 * 1000,         /* … when a stop is asked for                       */
    METADATA_MS = 10 * 1000,
    TURN_MS = 100,
    VALUES_MAX = 24,
    NAME_BYTES_MAX = 40,
    ERROR_BYTES = 300
};

enum slot_state { SLOT_FREE, SLOT_FLYING, SLOT_THERE, SLOT_FAILED };

/* A record that librdkafka has, or had. */
struct slot {
    enum slot_state state;
    uint64_t id;
    rd_kafka_resp_err_t error;
};

struct kafka_sink {
    const struct kafka *lib;
    rd_kafka_t *producer;
    struct slot *slot; /* SLOTS_MAX of them */
    struct slot **of;  /* of the items in hand */
    size_t used_n, flying_n, next;
    const char *topic;
    char error[ERROR_BYTES]; /* that it told last, and since when nothing was acknowledged: the same
                              * again it keeps to itself */
};

/* ---- what librdkafka tells ---- */

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *to)
{
    struct kafka_sink *const k = to;
    struct slot *const slot = message->_private;
    (void)producer;
    slot->state = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? SLOT_THERE : SLOT_FAILED;
    slot->error = message->err;
    k->flying_n--;
}

static void on_error(rd_kafka_t *producer, int code, const char *why, void *to)
{
    struct kafka_sink *const k = to;
    (void)producer;
    (void)code;
    (void)snprintf(k->error, sizeof k->error, "%s", why);
}

static void on_log(const rd_kafka_t *producer, int level, const char *place, const char *text)
{
    (void)producer;
    (void)level;
    (void)place;
    (void)text; /* what matters comes as an error */
}

/* ---- the producer ---- */

static enum outcome set(const struct kafka_sink *k, rd_kafka_conf_t *conf, const char *name,
                        const char *value, struct failure *f)
{
    char why[ERROR_BYTES];
    return k->lib->conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK
               ? OK
               : failed(f, STOP, "librdkafka: %s", why);
}

static enum outcome configure(struct sink *s, rd_kafka_conf_t *conf, struct failure *f)
{
    static const char *const settings[][2] = {{"enable.idempotence", "true"},
                                              {"acks", "all"},
                                              {"linger.ms", "1"},
                                              {"client.id", "weir"},
                                              {"message.timeout.ms", "0"}};
    struct kafka_sink *const k = s->state;
    const struct kafka_options *const o = s->options;
    struct buf brokers;
    enum outcome result = OK;
    buf_init(&brokers, s->arena, 1 << 20);
    for (size_t i = 0; i < o->brokers.n; i++) {
        buf_add(&brokers, i > 0 ? S(",") : S(""));
        buf_add(&brokers, o->brokers.at[i]);
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings && result == OK; i++) {
        result = set(k, conf, settings[i][0], settings[i][1], f);
    }
    if (result == OK) {
        result = set(k, conf, "bootstrap.servers", arena_cstr(s->arena, buf_str(&brokers)), f);
    }
    for (size_t i = 0; i < o->options.n && result == OK; i++) {
        const struct text_pair *const own = &o->options.at[i];
        result = set(k, conf, arena_cstr(s->arena, own->key), arena_cstr(s->arena, own->value), f);
    }
    k->lib->conf_set_dr_msg_cb(conf, on_report);
    k->lib->conf_set_error_cb(conf, on_error);
    k->lib->conf_set_log_cb(conf, on_log);
    k->lib->conf_set_opaque(conf, k);
    return result;
}

static enum outcome producer_open(struct sink *s, struct failure *f)
{
    struct kafka_sink *const k = s->state;
    char why[ERROR_BYTES];
    rd_kafka_conf_t *const conf = k->lib->conf_new();
    const enum outcome result = configure(s, conf, f);
    if (result != OK) {
        k->lib->conf_destroy(conf);
        return result;
    }
    k->producer = k->lib->new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!k->producer) {
        k->lib->conf_destroy(conf);
        return failed(f, STOP, "librdkafka: %s", why);
    }
    return OK;
}

static void producer_close(struct kafka_sink *k)
{
    if (k->producer) {
        (void)k->lib->purge(k->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)k->lib->poll(k->producer, 0);
        k->lib->destroy(k->producer);
        k->producer = NULL;
    }
}

/* A producer asks for a topic in a way that makes it: so it is looked for among all there are. */
static enum outcome find_topic(struct kafka_sink *k, struct failure *f)
{
    const struct rd_kafka_metadata *all = NULL;
    const rd_kafka_resp_err_t error = k->lib->metadata(k->producer, 1, NULL, &all, METADATA_MS);
    (void)k->lib->poll(k->producer, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return failed(f, RETRY, "Kafka: %s%s%s", k->lib->err2str(error), k->error[0] ? "; " : "",
                      k->error);
    }
    bool is_there = false;
    for (int i = 0; i < all->topic_cnt; i++) {
        is_there = is_there || strcmp(all->topics[i].topic, k->topic) == 0;
    }
    k->lib->metadata_destroy(all);
    return is_there ? OK
                    : failed(f, RETRY,
                             "Kafka: there is no topic %s: make it, or set "
                             "allow_auto_topic_creation",
                             k->topic);
}

static enum outcome kafka_open(struct sink *s, struct failure *f)
{
    struct kafka_sink *const k = s->state;
    const struct kafka_options *const o = s->options;
    k->topic = arena_cstr(s->arena, o->topic);
    k->slot = arena_array(s->arena, struct slot, SLOTS_MAX);
    k->of = arena_array(s->arena, struct slot *, ITEMS_MAX);
    enum outcome result = kafka_load(&k->lib, f);
    if (result == OK) {
        result = producer_open(s, f);
    }
    return result == OK && !o->may_create_topic ? find_topic(k, f) : result;
}

static void kafka_close(struct sink *s)
{
    struct kafka_sink *const k = s->state;
    if (k) {
        producer_close(k);
    }
}

/* ---- one record ---- */

struct values {
    rd_kafka_vu_t at[VALUES_MAX];
    size_t n;
    struct arena *arena;
};

static void add_bytes(struct values *v, rd_kafka_vtype_t type, struct str bytes)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): it only reads them, and says no const */
    void *const at = (void *)(uintptr_t)bytes.at;
    v->at[v->n++] = (rd_kafka_vu_t){.vtype = type, .u.mem = {.ptr = at, .size = bytes.len}};
}

static void add_header(struct values *v, const char *name, struct str value)
{
    if (value.len > 0) {
        v->at[v->n++] = (rd_kafka_vu_t){
            .vtype = RD_KAFKA_VTYPE_HEADER,
            .u.header = {.name = name, .val = value.at, .size = (ssize_t)value.len}};
    }
}

static void add_event(struct values *v, const struct sink_item *item)
{
    const struct signal *const s = item->fact;
    add_header(v, "ce_specversion", S("1.0"));
    add_header(v, "ce_id", s->id);
    add_header(v, "ce_source", s->source);
    add_header(v, "ce_type", s->type);
    add_header(v, "ce_subject", s->subject);
    add_header(v, "ce_partitionkey", s->partitionkey);
    if (s->time_us != TIME_NONE) {
        char *const text = arena_array(v->arena, char, CLOCK_TEXT_BYTES);
        (void)clock_text(s->time_us, text);
        add_header(v, "ce_time", str_of(text));
    }
}

static rd_kafka_resp_err_t produce(struct kafka_sink *k, const struct sink_item *item,
                                   struct slot *slot, struct arena *scratch)
{
    struct values v = {.arena = scratch};
    const bool is_event = item->fact && !item->metric && !item->is_made;
    v.at[v.n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = k->topic};
    v.at[v.n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    v.at[v.n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = slot};
    add_bytes(&v, RD_KAFKA_VTYPE_KEY, item->key);
    add_bytes(&v, RD_KAFKA_VTYPE_VALUE, is_event ? item->fact->data : item->body);
    add_header(&v, "content-type", is_event ? S("application/json") : item->type);
    add_header(&v, "model", item->model);
    if (is_event) {
        add_event(&v, item);
    }
    rd_kafka_error_t *const error = k->lib->produceva(k->producer, v.at, v.n);
    const rd_kafka_resp_err_t code = error ? k->lib->error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error) {
        k->lib->error_destroy(error);
    }
    return code;
}

/* ---- many ---- */

static uint64_t id_of(const struct sink_item *item)
{
    return hash_64(item->lane.len > 0 ? item->lane : item->key, item->position);
}

/* What an earlier call left in flight. */
static struct slot *slot_of(struct kafka_sink *k, uint64_t id)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (k->slot[i].state != SLOT_FREE && k->slot[i].id == id) {
            return &k->slot[i];
        }
    }
    return NULL;
}

/* NULL: all are in flight. What does not come again (a lane that is another's now) makes room. */
static struct slot *slot_free(struct kafka_sink *k)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *const slot = &k->slot[k->next++ % SLOTS_MAX];
        if (slot->state == SLOT_FREE) {
            return slot;
        }
    }
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (k->slot[i].state != SLOT_FLYING) {
            return &k->slot[i];
        }
    }
    return NULL;
}

static void slot_drop(struct kafka_sink *k, struct slot *slot)
{
    slot->state = SLOT_FREE;
    k->used_n--;
}

/* Hand over those that it does not have; how many of the items it then has, in *n. */
static void hand_over(struct kafka_sink *k, const struct sink_item *item, size_t *n)
{
    struct arena scratch;
    size_t bytes = 0, i = 0;
    const bool has_older = k->used_n > 0;
    arena_init(&scratch, ROUND_BYTES_MAX);
    for (; i < *n && bytes < ROUND_BYTES_MAX; i++) {
        const uint64_t id = id_of(&item[i]);
        struct slot *slot = has_older ? slot_of(k, id) : NULL;
        k->of[i] = slot;
        if (slot && slot->state != SLOT_FAILED) {
            continue;
        }
        slot = slot ? slot : slot_free(k);
        if (!slot) {
            break;
        }
        k->of[i] = slot;
        k->used_n += slot->state == SLOT_FREE;
        *slot = (struct slot){.state = SLOT_FLYING, .id = id};
        const rd_kafka_resp_err_t error = produce(k, &item[i], slot, &scratch);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            slot_drop(k, slot);
            break;
        }
        k->flying_n += error == RD_KAFKA_RESP_ERR_NO_ERROR;
        slot->state = error == RD_KAFKA_RESP_ERR_NO_ERROR ? SLOT_FLYING : SLOT_FAILED;
        slot->error = error;
        bytes += item[i].body.len;
    }
    *n = i;
    arena_close(&scratch);
}

static enum outcome tell(const struct kafka_sink *k, const struct slot *slot, struct failure *f)
{
    const rd_kafka_resp_err_t e = slot->error;
    const bool is_never = e == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                          e == RD_KAFKA_RESP_ERR_INVALID_MSG ||
                          e == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
                          e == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
                          e == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
                          e == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
    const bool is_forbidden = e == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                              e == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    return failed(f,
                  is_never       ? REJECT
                  : is_forbidden ? STOP
                                 : RETRY,
                  "Kafka, topic %s: %s", k->topic, k->lib->err2str(e));
}

/* Those from the front that are there are done with; what the first of the others says is told. */
static enum outcome settle(struct kafka_sink *k, size_t n, size_t *done, struct failure *f)
{
    for (*done = 0; *done < n; ++*done) {
        struct slot *const slot = k->of[*done];
        if (slot->state == SLOT_FLYING) {
            return failed(f, RETRY, "Kafka, topic %s: no acknowledgement in time%s%s", k->topic,
                          k->error[0] ? ": " : "", k->error);
        }
        if (slot->state == SLOT_FAILED) {
            const enum outcome result = tell(k, slot, f);
            slot_drop(k, slot);
            return result;
        }
        slot_drop(k, slot);
        k->error[0] = 0;
    }
    return OK;
}

/* Until all that flies has landed, or the time is up; who is asked to stop has less of it. */
static void await(const struct kafka_sink *k, int64_t end_us)
{
    int64_t stop_us = INT64_MAX;
    while (k->flying_n > 0 && clock_mono_us() < end_us && clock_mono_us() < stop_us) {
        (void)k->lib->poll(k->producer, TURN_MS);
        if (asked_to_stop() && stop_us == INT64_MAX) {
            stop_us = clock_mono_us() + STOP_MS * 1000LL;
        }
    }
}

static enum outcome kafka_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                               struct failure *f)
{
    struct kafka_sink *const k = s->state;
    char why[ERROR_BYTES];
    *done = 0;
    if (k->producer &&
        k->lib->fatal_error(k->producer, why, sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        producer_close(k); /* what it had has failed, and was told so */
    }
    if (!k->producer) {
        const enum outcome result = producer_open(s, f);
        if (result != OK) {
            return result;
        }
    }
    while (*done < n) {
        size_t round = n - *done, settled = 0;
        const int64_t end_us = clock_mono_us() + ANSWER_MS * 1000LL;
        hand_over(k, item + *done, &round);
        await(k, end_us);
        const enum outcome result = round > 0
                                        ? settle(k, round, &settled, f)
                                        : failed(f, RETRY, "Kafka: librdkafka's queue is full");
        *done += settled;
        if (result != OK) {
            return result;
        }
    }
    return OK;
}

const struct sink_driver sink_kafka = {.name = "kafka",
                                       .state_bytes = sizeof(struct kafka_sink),
                                       .items_max = ITEMS_MAX,
                                       .open = kafka_open,
                                       .send = kafka_send,
                                       .close = kafka_close};
