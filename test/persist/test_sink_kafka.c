/* Against the brokers that librdkafka plays itself; those of Apache are in test/interop. */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

#include "folder.h"
#include "persist/sink/sink.h"
#include "test.h"

/* ---- librdkafka, for the brokers and the consumer ---- */

#define FUNCTIONS(X)                                                                               \
    X(conf_new)                                                                                    \
    X(conf_set)                                                                                    \
    X(new)                                                                                         \
    X(destroy)                                                                                     \
    X(mock_cluster_new)                                                                            \
    X(mock_cluster_destroy)                                                                        \
    X(mock_cluster_bootstraps)                                                                     \
    X(mock_topic_create)                                                                           \
    X(mock_push_request_errors)                                                                    \
    X(mock_broker_set_rtt)                                                                         \
    X(assign)                                                                                      \
    X(consumer_poll)                                                                               \
    X(consumer_close)                                                                              \
    X(message_destroy)                                                                             \
    X(message_headers)                                                                             \
    X(header_get_all)                                                                              \
    X(topic_partition_list_new)                                                                    \
    X(topic_partition_list_add)                                                                    \
    X(topic_partition_list_destroy)

static struct {
#define POINTER(name) __typeof__(&rd_kafka_##name) name;
    FUNCTIONS(POINTER)
#undef POINTER
} lib;

static bool lib_load(void)
{
    void *const handle = dlopen("librdkafka.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        return false;
    }
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *const at = dlsym(handle, "rd_kafka_" #name);                                         \
        memcpy(&lib.name, &at, sizeof at);                                                         \
    } while (0);
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    return true;
}

enum { PRODUCE = 0, WAIT_MS = 20000 }; /* the key of Produce in Kafka's protocol */

static rd_kafka_t *host;
static rd_kafka_mock_cluster_t *brokers;

static void brokers_start(void)
{
    char why[200];
    rd_kafka_conf_t *const conf = lib.conf_new();
    assert_int_equal(lib.conf_set(conf, "log_level", "0", why, sizeof why), RD_KAFKA_CONF_OK);
    host = lib.new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(host);
    brokers = lib.mock_cluster_new(host, 1);
    assert_non_null(brokers);
}

/* ---- what arrived ---- */

struct got {
    struct str key, value, headers;
};
static struct got got[3000];
static size_t got_n;
static struct arena arena;

static struct str headers_of(const rd_kafka_message_t *m)
{
    struct buf b;
    rd_kafka_headers_t *headers = NULL;
    const char *name = NULL;
    const void *value = NULL;
    size_t size = 0;
    buf_init(&b, &arena, 1 << 16);
    if (lib.message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (size_t i = 0;
             lib.header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
             i++) {
            buf_printf(&b, "%s=%.*s;", name, (int)size, (const char *)value);
        }
    }
    return buf_str(&b);
}

/* All of partition 0, until nothing more comes. */
static void consume(void)
{
    char why[200];
    rd_kafka_conf_t *const conf = lib.conf_new();
    (void)lib.conf_set(conf, "bootstrap.servers", lib.mock_cluster_bootstraps(brokers), why,
                       sizeof why);
    (void)lib.conf_set(conf, "group.id", "test", why, sizeof why);
    (void)lib.conf_set(conf, "auto.offset.reset", "earliest", why, sizeof why);
    (void)lib.conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    (void)lib.conf_set(conf, "log_level", "0", why, sizeof why);
    rd_kafka_t *const consumer = lib.new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *const list = lib.topic_partition_list_new(1);
    lib.topic_partition_list_add(list, "topic", 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    (void)lib.assign(consumer, list);
    lib.topic_partition_list_destroy(list);
    for (bool is_end = false; !is_end;) {
        rd_kafka_message_t *const m = lib.consumer_poll(consumer, WAIT_MS);
        is_end = !m || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        if (m && m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            got[got_n++] = (struct got){arena_str(&arena, (struct str){m->key, m->key_len}),
                                        arena_str(&arena, (struct str){m->payload, m->len}),
                                        headers_of(m)};
        }
        if (m) {
            lib.message_destroy(m);
        }
    }
    (void)lib.consumer_close(consumer);
    lib.destroy(consumer);
}

/* ---- the sink ---- */

static struct kafka_options options;
static const struct section_type type = {.name = "kafka", .driver = &sink_kafka};
static struct sink_config config;
static struct sink *sink;
static struct str address;
static struct text_pair extra[4];

static int up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 30);
    got_n = 0;
    sink = NULL;
    host = NULL;
    if (!lib.new && !lib_load()) {
        return 0;
    }
    brokers_start();
    (void)lib.mock_topic_create(brokers, "topic", 1, 1);
    address = str_of(lib.mock_cluster_bootstraps(brokers));
    extra[0] = (struct text_pair){STR("retry.backoff.ms"), STR("20")};
    extra[1] = (struct text_pair){STR("reconnect.backoff.max.ms"), STR("100")};
    options = (struct kafka_options){
        .brokers = {&address, 1}, .topic = S("topic"), .options = {extra, 2}};
    config = (struct sink_config){.name = S("k"), .type = &type, .options = &options};
    return 0;
}

static int down(void **state)
{
    (void)state;
    sink_close(sink);
    if (host) {
        lib.mock_cluster_destroy(brokers);
        lib.destroy(host);
    }
    arena_close(&arena);
    return 0;
}

static struct failure f;

static void start(void)
{
    if (!host) {
        skip_because("no librdkafka here");
    }
    if (sink_open(&arena, &config, S(""), &sink, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

static struct sink_item items[2000];
static const struct metric some;

static struct sink_item *make(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct sink_item){.key = arena_printf(&arena, "key%zu", i),
                                      .model = S("metric"),
                                      .body = arena_printf(&arena, "{\"n\":%zu}", i),
                                      .type = S("application/json"),
                                      .lane = S("collect"),
                                      .position = 10 + 3 * i,
                                      .metric = &some};
    }
    return items;
}

/* As the loop of all persisters does, without its pauses. */
static void give(const struct sink_item *item, size_t n)
{
    for (size_t at = 0, done = 0; at < n; at += done) {
        const enum outcome result = sink->driver->send(sink, item + at, n - at, &done, &f);
        if (result != OK && result != RETRY) {
            fail_msg("%s", f.text);
        }
    }
}

static void check_each_once(size_t n)
{
    consume();
    assert_int_equal(got_n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(str_eq(got[i].key, items[i].key));
        assert_true(str_eq(got[i].value, items[i].body));
    }
}

/* ---- the tests ---- */

static void records_arrive_in_order_with_key_and_headers(void **state)
{
    (void)state;
    start();
    give(make(1000), 1000);
    check_each_once(1000);
    assert_str(got[0].headers, "content-type=application/json;model=metric;");
}

static void a_model_is_a_cloudevent_in_binary_mode(void **state)
{
    const struct signal fact = {.id = S("i"),
                                .source = S("/s"),
                                .type = S("t"),
                                .subject = S("u"),
                                .time_us = 0,
                                .data = S("{\"a\":1}")};
    const struct sink_item item = {.key = S("i"),
                                   .model = S("change"),
                                   .body = S("{whole}"),
                                   .type = S("application/cloudevents+json"),
                                   .lane = S("l"),
                                   .fact = &fact};
    (void)state;
    start();
    give(&item, 1);
    consume();
    assert_int_equal(got_n, 1);
    assert_str(got[0].value, "{\"a\":1}");
    assert_str(got[0].headers,
               "content-type=application/json;model=change;ce_specversion=1.0;ce_id=i;ce_source=/s;"
               "ce_type=t;ce_subject=u;ce_time=1970-01-01T00:00:00.000000Z;");
}

static void what_a_program_made_of_a_fact_is_no_cloudevent(void **state)
{
    const struct signal fact = {.id = S("i"), .source = S("/s"), .type = S("t"), .data = S("{}")};
    const struct sink_item item = {.key = S("i"),
                                   .model = S("change"),
                                   .body = S("{\"made\":1}"),
                                   .type = S("application/json"),
                                   .is_made = true,
                                   .lane = S("l"),
                                   .fact = &fact};
    (void)state;
    start();
    give(&item, 1);
    consume();
    assert_int_equal(got_n, 1);
    assert_str(got[0].value, "{\"made\":1}");
    assert_str(got[0].headers, "content-type=application/json;model=change;");
}

static void what_the_broker_calls_too_large_is_refused_and_the_rest_is_there_once(void **state)
{
    size_t done = 0;
    (void)state;
    extra[2] = (struct text_pair){STR("message.max.bytes"), STR("2000")};
    options.options.n = 3;
    start();
    make(6);
    char *const large = arena_array(&arena, char, 5000);
    memset(large, 'x', 5000);
    items[3].body = (struct str){large, 5000};
    assert_int_equal(sink->driver->send(sink, items, 6, &done, &f), REJECT);
    assert_int_equal(done, 3);
    give(items + 4, 2); /* read again behind the dead letter */
    consume();
    assert_int_equal(got_n, 5);
}

static void a_connection_that_breaks_before_the_acknowledgement_doubles_nothing(void **state)
{
    (void)state;
    start();
    lib.mock_push_request_errors(brokers, PRODUCE, 2, RD_KAFKA_RESP_ERR__TRANSPORT,
                                 RD_KAFKA_RESP_ERR__TRANSPORT);
    give(make(200), 200);
    check_each_once(200);
}

static void passing_errors_and_delays_double_nothing(void **state)
{
    (void)state;
    start();
    lib.mock_push_request_errors(brokers, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                 RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                 RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    assert_int_equal(lib.mock_broker_set_rtt(brokers, 1, 50), 0);
    give(make(300), 300);
    check_each_once(300);
}

static void a_missing_right_is_a_matter_of_the_set_up(void **state)
{
    size_t done = 0;
    (void)state;
    start();
    lib.mock_push_request_errors(brokers, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(sink->driver->send(sink, make(1), 1, &done, &f), STOP);
    assert_int_equal(done, 0);
}

static void a_topic_that_is_not_there_is_not_made_unasked(void **state)
{
    (void)state;
    if (!host) {
        skip_because("no librdkafka here");
    }
    options.topic = S("other");
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), RETRY);
    assert_non_null(strstr(f.text, "allow_auto_topic_creation"));
    sink_close(sink);
    options.may_create_topic = true;
    start();
    give(make(3), 3);
}

static void a_setting_that_librdkafka_does_not_know_is_told(void **state)
{
    (void)state;
    extra[1] = (struct text_pair){STR("sasl.nonsense"), STR("1")};
    assert_int_equal(sink_open(&arena, &config, S(""), &sink, &f), STOP);
    assert_non_null(strstr(f.text, "sasl.nonsense"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_arrive_in_order_with_key_and_headers),
        TEST(a_model_is_a_cloudevent_in_binary_mode),
        TEST(what_a_program_made_of_a_fact_is_no_cloudevent),
        TEST(what_the_broker_calls_too_large_is_refused_and_the_rest_is_there_once),
        TEST(a_connection_that_breaks_before_the_acknowledgement_doubles_nothing),
        TEST(passing_errors_and_delays_double_nothing),
        TEST(a_missing_right_is_a_matter_of_the_set_up),
        TEST(a_topic_that_is_not_there_is_not_made_unasked),
        TEST(a_setting_that_librdkafka_does_not_know_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
