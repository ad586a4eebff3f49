/* Dead letters are closed by groups, and what was closed before is read once. */
#include "collector/letters.h"

#include <stdlib.h>

#include "bus/driver.h"
#include "bus/memory.h"
#include "folder.h"
#include "test.h"

enum { LETTERS = 200, LARGE_BYTES = LETTERS_BYTES / 2 };

static struct bus_driver driver; /* the memory bus, which counts what is read of raw/retry */
static size_t read_n, appends_n;
static struct arena arena;
static struct bus *bus;
static struct progress *page;
static struct letters letters;
static struct failure f;

static enum outcome count_look(struct bus *b, struct slice *slice, size_t bytes_max,
                               struct arena *a, struct failure *why)
{
    const bool is_retry = lane_eq(slice->lane, dead_retry_lane());
    const enum outcome result = bus_memory.look(b, slice, bytes_max, a, why);
    read_n += result == OK && is_retry ? slice->n : 0;
    return result;
}

static enum outcome count_append(struct bus *b, struct lane lane, struct record *r, size_t n,
                                 struct failure *why)
{
    appends_n++;
    return bus_memory.append(b, lane, r, n, why);
}

static int begin(void **state)
{
    (void)state;
    driver = bus_memory;
    driver.look = count_look;
    driver.append = count_append;
    arena_init(&arena, (size_t)1 << 30);
    assert_int_equal(bus_open_driver(&arena, &driver, NULL, &bus, &f), OK);
    assert_int_equal(bus_lane_make(bus, dead_retry_lane(), &f), OK);
    assert_int_equal(progress_open(&arena, str_of(folder_make()), S("collect"), &page, &f), OK);
    letters = (struct letters){bus, page, dead_closed_new(&arena, bus)};
    return 0;
}

static int end(void **state)
{
    (void)state;
    progress_close(page);
    bus_close(bus);
    arena_close(&arena);
    folder_drop();
    return 0;
}

/* A letter's id as the text of a list has it. */
static struct str bury(struct str data)
{
    const struct lane lane = lane_dead(&arena, S("lake"),
                                       (struct lane){STREAM_STANDARD, S("intake-0")});
    static uint64_t origin = 0;
    struct record r = {.signal = {.id = S("s"),
                                  .source = S("s"),
                                  .type = S("t"),
                                  .stage = S("lake"),
                                  .reason = S("refused"),
                                  .data = data},
                       .origin = {{STREAM_STANDARD, S("intake-0")}, {++origin}, 0, 1}};
    assert_int_equal(bus_append(bus, lane, &r, 1, &f), OK);
    const struct str id = position_text(&arena, lane, r.at);
    return arena_printf(&arena, "\"%.*s\"", STR_ARG(id));
}

static enum outcome close_list(struct str list, struct letters_done *done)
{
    yyjson_doc *doc = NULL;
    assert_int_equal(json_read(&arena, list, &doc, &f), OK);
    appends_n = 0;
    return letters_close(&letters, yyjson_doc_get_root(doc), LETTERS_RETRY, done, &f);
}

/* One of these, or several: `"a","b"`. */
static struct str list_of(struct str ids)
{
    return arena_printf(&arena, "[%.*s]", STR_ARG(ids));
}

static uint64_t open_n(void)
{
    uint64_t n = 0;
    assert_int_equal(dead_count(bus, &n, &f), OK);
    return n;
}

static void what_was_closed_before_is_read_once_and_not_for_each_letter(void **state)
{
    (void)state;
    struct str id[LETTERS];
    struct letters_done done;
    for (size_t i = 0; i < LETTERS; i++) {
        id[i] = bury(S("{}"));
    }
    read_n = 0;
    for (size_t i = 0; i < LETTERS; i++) {
        assert_int_equal(close_list(list_of(id[i]), &done), OK);
        assert_int_equal(done.n, 1);
    }
    assert_in_range(read_n, LETTERS - 1, LETTERS);
    assert_int_equal(open_n(), 0);
}

static void a_list_is_closed_by_one_group_and_each_letter_once(void **state)
{
    (void)state;
    struct letters_done done;
    const struct str one = bury(S("{}")), two = bury(S("{}"));
    const struct str both = arena_printf(&arena, "%.*s,%.*s,%.*s", STR_ARG(one), STR_ARG(two),
                                         STR_ARG(one));
    assert_int_equal(close_list(list_of(both), &done), REJECT);
    assert_non_null(strstr(f.text, "no open dead letter"));
    assert_int_equal(appends_n, 1);
    assert_int_equal(done.n, 2);
    assert_int_equal(done.looked, 3);
    assert_int_equal(close_list(list_of(one), &done), REJECT);
    assert_int_equal(done.n, 0);
    assert_int_equal(done.looked, 1);
}

static void a_group_has_a_size_and_the_rest_is_left_to_the_next(void **state)
{
    (void)state;
    struct letters_done done;
    char *const data = arena_array(&arena, char, LARGE_BYTES);
    memset(data, ' ', LARGE_BYTES);
    data[0] = '1';
    struct str all = bury((struct str){data, LARGE_BYTES});
    for (int i = 0; i < 2; i++) {
        const struct str id = bury((struct str){data, LARGE_BYTES});
        all = arena_printf(&arena, "%.*s,%.*s", STR_ARG(all), STR_ARG(id));
    }
    assert_int_equal(close_list(list_of(all), &done), OK);
    assert_int_equal(done.n, 2);
    assert_int_equal(done.looked, 2);
    assert_int_equal(open_n(), 1);
}

static void one_that_the_bus_refuses_keeps_none_of_the_others(void **state)
{
    (void)state;
    struct letters_done done;
    const struct str small = bury(S("{}")), more = bury(S("[]"));
    const struct str large = bury(S("\"0123456789012345678901234567890123456789\""));
    const struct str all = arena_printf(&arena, "%.*s,%.*s,%.*s", STR_ARG(small), STR_ARG(large),
                                        STR_ARG(more));
    const struct signal like = {.id = S("s"),
                                .source = S("s"),
                                .type = S("t"),
                                .stage = S("lake"),
                                .retry_of = S("dead/lake-standard-intake-0:0000000000"),
                                .data = S("{}")};
    driver.record_bytes_max = bus_bytes_bound(&like);
    assert_int_equal(close_list(list_of(all), &done), REJECT);
    assert_non_null(strstr(f.text, "bus takes"));
    assert_int_equal(done.n, 2);
    assert_int_equal(done.looked, 3);
    assert_int_equal(open_n(), 1);
    assert_int_equal(close_list(list_of(large), &done), REJECT);
    assert_non_null(strstr(f.text, "bus takes")); /* it is open as before */
}

static void of_very_many_none_is_kept_for_the_next_request(void **state)
{
    (void)state;
    enum { MANY = (1 << 17) + 1, AT_ONCE = 1024 };
    static struct record r[AT_ONCE];
    struct letters_done done;
    const struct str id = bury(S("{}"));
    for (uint64_t at = 1; at <= MANY; at += AT_ONCE) {
        struct arena a;
        arena_init(&a, 1 << 20);
        for (uint64_t i = 0; i < AT_ONCE; i++) {
            r[i] = (struct record){.signal = {.id = S("s"), .source = S("s"), .type = S("t")}};
            r[i].signal.retry_of = arena_printf(&a, "dead/gone:%llu", (unsigned long long)(at + i));
        }
        assert_int_equal(bus_append(bus, dead_retry_lane(), r, AT_ONCE, &f), OK);
        arena_close(&a);
    }
    for (int i = 0; i < 2; i++) {
        read_n = 0;
        assert_int_equal(close_list(list_of(id), &done), i == 0 ? OK : REJECT);
        assert_in_range(read_n, MANY, SIZE_MAX);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_was_closed_before_is_read_once_and_not_for_each_letter),
        TEST(a_list_is_closed_by_one_group_and_each_letter_once),
        TEST(a_group_has_a_size_and_the_rest_is_left_to_the_next),
        TEST(one_that_the_bus_refuses_keeps_none_of_the_others),
        TEST(of_very_many_none_is_kept_for_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
