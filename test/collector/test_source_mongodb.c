#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <mongoc/mongoc.h>

#include "base/asked.h"
#include "collector/asking.h"
#include "collector/lean.h"
#include "config/sources.h"
#include "service.h"

static struct arena arena;

static void ask_as(const char *uri, const char *collection, const char *agg,
                   const struct collector *c, struct rows_of *out)
{
    const struct mongodb_options o = {.uri = str_of(uri),
                                      .database = S("test"),
                                      .collection = str_of(collection),
                                      .agg = str_of(agg)};
    struct source_ask ask = ask_of(&arena, c, &o);
    ask.bookmark = S("7");
    rows_of(&source_mongodb, &ask, out);
}

static void ask(const char *collection, const char *agg, struct rows_of *out)
{
    ask_as(service_url("mongodb"), collection, agg, &ask_tick, out);
}

static void the_users_of_the_examples_are_counted(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask("users",
        "[{\"$group\": {\"_id\": \"$account\", \"value\": {\"$sum\": 1}}}, {\"$sort\": {\"_id\": "
        "1}}, {\"$addFields\": {\"account\": {\"$toString\": \"$_id\"}}}, {\"$project\": {\"_id\": "
        "0}}]",
        &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#2,account=amazon\nvalue=#3,account=google\n");
    ask("users", "[{\"$match\": {\"account\": \"nobody\"}}]", &got);
    assert_int_equal(got.outcome, OK);
    assert_int_equal(got.n, 0);
    (void)state;
}

static void types_are_exact_in_both_forms_of_extended_json(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask("types", "[{\"$project\": {\"_id\": 0}}]", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "i=#1,l=#9007199254740993,d=#0.1,w=#2,x=#-1.50,n=~,b=?true,"
                                  "t=@1970-01-01T00:00:00.500000Z,s=ä\",o=5f0000000000000000000001,"
                                  "k={ \"a\" : 1 },a=[ 1, \"x\" ],f=#nan\n");
    ask("types",
        "[{\"$match\": {\"l\": {\"$numberLong\": \"9007199254740993\"}, \"t\": {\"$date\": "
        "{\"$numberLong\": \"500\"}}}}, {\"$project\": {\"_id\": {\"$numberInt\": \"0\"}, "
        "\"value\": "
        "\"$i\"}}]",
        &got);
    assert_string_equal(got.text, "value=#1\n");
    (void)state;
}

static void a_window_and_a_bookmark_stand_in_the_pipeline(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask_as(service_url("mongodb"), "types",
           "[{\"$match\": {\"t\": {\"$gte\": {\"$date\": \"{{.Start}}\"}, \"$lt\": {\"$date\": "
           "\"{{.End}}\"}}}}, {\"$project\": {\"_id\": 0, \"value\": \"$i\"}}]",
           &ask_window, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1\n");
    ask("types",
        "[{\"$match\": {\"i\": {\"$gt\": {{.Bookmark}}}}}, {\"$project\": {\"_id\": 0, \"value\": "
        "\"$i\"}}]",
        &got);
    assert_string_equal(got.text, "");
    assert_int_equal(got.outcome, OK);
    (void)state;
}

static void a_date_goes_on_as_a_bookmark(void **state)
{
    static const struct {
        const char *bookmark, *rows;
    } cases[] = {{"1970-01-01T00:00:00.499000Z", "value=#1\n"},
                 {"1970-01-01T00:00:00.500000Z", ""},
                 {"1970-01-01T00:00:00.000000Z", "value=#1\n"}};
    NEEDS_SERVICES();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        const struct mongodb_options o = {
            .uri = str_of(service_url("mongodb")),
            .database = S("test"),
            .collection = S("types"),
            .agg = S("[{\"$match\": {\"t\": {\"$gt\": {\"$date\": \"{{.Bookmark}}\"}}}}, "
                     "{\"$project\": {\"_id\": 0, \"value\": \"$i\"}}]")};
        struct source_ask ask = ask_of(&arena, &ask_growing, &o);
        ask.bookmark = str_of(cases[i].bookmark);
        ask.bookmark_kind = CELL_TIME;
        rows_of(&source_mongodb, &ask, &got);
        assert_string_equal(got.why.text, "");
        assert_string_equal(got.text, cases[i].rows);
    }
    (void)state;
}

/* What a user of the source is called is no part of the question. */
static void a_text_as_a_bookmark_cannot_change_the_pipeline(void **state)
{
    static const char *const bookmarks[] = {
        "O\"Brien", "Z\"}}},{\"$addFields\":{\"i\":42}},{\"$match\":{\"name\":{\"$ne\":\""};
    NEEDS_SERVICES();
    for (size_t i = 0; i < sizeof bookmarks / sizeof *bookmarks; i++) {
        struct rows_of got;
        const struct mongodb_options o = {
            .uri = str_of(service_url("mongodb")),
            .database = S("test"),
            .collection = S("types"),
            .agg = S("[{\"$match\": {\"name\": {\"$gt\": \"{{.Bookmark}}\"}}}, "
                     "{\"$project\": {\"_id\": 0, \"value\": \"$i\"}}]")};
        struct source_ask ask = ask_of(&arena, &ask_growing, &o);
        ask.bookmark = str_of(bookmarks[i]);
        rows_of(&source_mongodb, &ask, &got);
        assert_string_equal(got.why.text, "");
        assert_string_equal(got.text, "");
    }
    (void)state;
}

static void failures_say_what_helps(void **state)
{
    NEEDS_SERVICES();
    const struct {
        const char *uri, *agg, *why;
        enum outcome outcome;
    } cases[] = {
        {NULL, "[{", "ensure that aggregate is valid json: ", REJECT},
        {NULL, "{\"$match\": {}}", "no array", REJECT},
        {NULL, "[7]", "no object", REJECT},
        {NULL, "[{\"$nothing\": 1}]", "$nothing", REJECT},
        {NULL, "[{\"$match\": {}}, {\"$out\": \"mine\"}]", "would write ($out)", REJECT},
        {NULL, "[{\"$merge\": {\"into\": \"mine\"}}]", "would write ($merge)", REJECT},
        {"mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500", "[]", "127.0.0.1:1", RETRY},
        {"mongodb://a:secret@@127.0.0.1", "[]", "uri: ", STOP},
        {"mysql://a:secret@127.0.0.1", "[]", "uri: ", STOP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        ask_as(cases[i].uri ? cases[i].uri : service_url("mongodb"), "users", cases[i].agg,
               &ask_tick, &got);
        static const char *const secrets[] = {"secret", NULL};
        assert_came(cases[i].agg, &got, cases[i].outcome, cases[i].why, secrets);
    }
    (void)state;
}

static pid_t begin(const char *uri, int *fd)
{
    static struct mongodb_options o;
    o = (struct mongodb_options){.uri = str_of(uri),
                                 .database = S("test"),
                                 .collection = S("many"),
                                 .agg = S("[]")}; /* each _id is a tag of its own */
    return run_begin(&source_mongodb, &o, fd);
}

static void many_documents_take_no_more_memory_than_a_few(void **state)
{
    int fd = -1;
    NEEDS_SERVICES();
    const pid_t pid = begin(service_url("mongodb"), &fd);
    (void)assert_lean(pid, fd, "{\"done\":{\"rows\":20000,\"metrics\":20000");
    (void)state;
}

static void a_run_that_waits_is_ended_by_a_stop(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* never answers */
    int fd = -1;
    NEEDS_SERVICES();
    assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(silent, 1), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &len), 0);
    const pid_t pid = begin(
        arena_printf(
            &arena,
            "mongodb://127.0.0.1:%d/?connectTimeoutMS=120000&serverSelectionTimeoutMS=120000",
            ntohs(at.sin_port))
            .at,
        &fd);
    const int met = accept4(silent, NULL, NULL, SOCK_CLOEXEC);
    assert_true(met >= 0);
    assert_stops(pid, fd);
    (void)close(met);
    (void)close(silent);
    (void)state;
}

static void put(mongoc_client_t *client, const char *collection, const char *json)
{
    bson_error_t e;
    bson_t *const document = bson_new_from_json((const uint8_t *)json, -1, &e);
    mongoc_collection_t *const to = mongoc_client_get_collection(client, "test", collection);
    if (!document || !mongoc_collection_insert_one(to, document, NULL, NULL, &e)) {
        fail_msg("%s: %s", json, e.message);
    }
    mongoc_collection_destroy(to);
    bson_destroy(document);
}

static void put_many(mongoc_client_t *client, int n)
{
    bson_error_t e;
    mongoc_collection_t *const to = mongoc_client_get_collection(client, "test", "many");
    mongoc_bulk_operation_t *const all = mongoc_collection_create_bulk_operation_with_opts(to,
                                                                                           NULL);
    for (int i = 0; i < n; i++) {
        bson_t *const document = BCON_NEW("value", BCON_INT32(i), "customer", BCON_UTF8("google"));
        mongoc_bulk_operation_insert(all, document);
        bson_destroy(document);
    }
    assert_true(mongoc_bulk_operation_execute(all, NULL, &e) != 0);
    mongoc_bulk_operation_destroy(all);
    mongoc_collection_destroy(to);
}

static void fill(void)
{
    static const char *const accounts[] = {"amazon", "google", "amazon", "google", "google"};
    mongoc_init();
    mongoc_client_t *const client = mongoc_client_new(service_url("mongodb"));
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        put(client, "users", arena_printf(&arena, "{\"account\":\"%s\"}", accounts[i]).at);
    }
    put(client, "types",
        "{\"i\":1,\"l\":{\"$numberLong\":\"9007199254740993\"},\"d\":0.1,\"w\":{\"$numberDouble\":"
        "\"2\"},\"x\":{\"$numberDecimal\":\"-1.50\"},\"n\":null,\"b\":true,\"t\":{\"$date\":{"
        "\"$numberLong\":\"500\"}},\"s\":\"ä\\\"\",\"o\":{\"$oid\":\"5f0000000000000000000001\"},"
        "\"k\":{\"a\":1},\"a\":[1,\"x\"],\"f\":{\"$numberDouble\":\"NaN\"}}");
    put_many(client, 20000);
    mongoc_client_destroy(client);
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    asked_install(NULL, NULL);
    if (services_start("mongodb")) {
        fill();
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    services_stop();
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_users_of_the_examples_are_counted),
        cmocka_unit_test(types_are_exact_in_both_forms_of_extended_json),
        cmocka_unit_test(a_window_and_a_bookmark_stand_in_the_pipeline),
        cmocka_unit_test(a_date_goes_on_as_a_bookmark),
        cmocka_unit_test(a_text_as_a_bookmark_cannot_change_the_pipeline),
        cmocka_unit_test(failures_say_what_helps),
        cmocka_unit_test(many_documents_take_no_more_memory_than_a_few),
        cmocka_unit_test(a_run_that_waits_is_ended_by_a_stop),
    };
    return cmocka_run_group_tests(all, start, stop);
}
