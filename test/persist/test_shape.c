#include "persist/sink/shape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test.h"

static const struct str key = STR("0123456789abcdef0123456789abcdef");
static struct metric_tag tags[] = {{STR("customer"), STR("google")}, {STR("env"), STR("prod")}};

static struct metric sample(void)
{
    struct metric m = {.collector = S("c"),
                       .name = S("core.users.total"),
                       .type = S("COUNT"),
                       .value = 3,
                       .tag = tags,
                       .tags_n = 2,
                       .window_end_us = TIME_NONE,
                       .window_start_us = TIME_NONE,
                       .scheduled_us = TIME_NONE};
    assert_true(clock_parse(S("2023-12-28T01:00:19.422540Z"), &m.at_us));
    return m;
}

static void check(enum record_shape shape, const struct metric *m, const char *want)
{
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 16);
    shape_write(&b, shape, key, m);
    buf_add_byte(&b, '\0');
    assert_string_equal(buf_str(&b).at, want);
    arena_close(&a);
}

static void each_dialect_keeps_its_record(void **state)
{
    struct metric m = sample();
    (void)state;
    check(SHAPE_V2, &m,
          "{\"uuid\":\"01234567-89ab-8def-8123-456789abcdef\",\"name\":\"core.users.total\","
          "\"value\":3,\"type\":\"COUNT\","
          "\"tags\":{\"customer\":\"google\",\"env\":\"prod\"},\"time\":\"2023-12-28T01:00:19."
          "42254Z\"}");
    m.grain_us = DAY_US; /* the run began before midnight, the row came after it */
    assert_true(clock_parse(S("2023-12-27T23:59:59Z"), &m.scheduled_us));
    check(SHAPE_V3, &m,
          "{\"uuid\":\"01234567-89ab-8def-8123-456789abcdef\",\"name\":\"core.users.total\","
          "\"value\":3,\"type\":\"COUNT\","
          "\"tags\":{\"customer\":\"google\",\"env\":\"prod\"},\"timestamp\":\"2023-12-28T01:00:19."
          "42254Z\","
          "\"grain_datetime\":\"2023-12-27T00:00:00Z\"}");
    check(SHAPE_V4, &m,
          "{\"uuid\":\"01234567-89ab-8def-8123-456789abcdef\",\"name\":\"core.users.total\","
          "\"value\":3,\"type\":\"COUNT\","
          "\"tags\":{\"customer\":\"google\",\"env\":\"prod\"},\"timestamp\":\"2023-12-28T01:00:19."
          "42254Z\",\"window\":null}");
    assert_true(clock_parse(S("2023-12-27T00:00:00Z"), &m.window_start_us));
    check(SHAPE_V5, &m,
          "{\"name\":\"core.users.total\",\"tag.customer\":\"google\",\"tag.env\":\"prod\","
          "\"timestamp\":\"2023-12-28T01:00:19.42254Z\",\"type\":\"COUNT\",\"uuid\":\"01234567-"
          "89ab-8def-8123-456789abcdef\","
          "\"value\":3,\"window\":\"2023-12-27T00:00:00Z\"}");
    m.tags_n = 0;
    m.body = S("INSERT INTO t SELECT 1");
    check(SHAPE_V4, &m, "INSERT INTO t SELECT 1");
}

static void numbers_are_written_as_go_writes_them(void **state)
{
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {3, "3"},
                 {-1.5, "-1.5"},
                 {0.1, "0.1"},
                 {1e-6, "0.000001"},
                 {1e-7, "1e-7"},
                 {1.5e-9, "1.5e-9"},
                 {1e20, "100000000000000000000"},
                 {1e21, "1e+21"},
                 {-1.25e22, "-1.25e+22"},
                 {123456789.125, "123456789.125"},
                 {100, "100"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {9007199254740993.0, "9007199254740992"},
                 {0.30000000000000004, "0.30000000000000004"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena a;
        struct metric m = {.value = cases[i].number, .at_us = 0, .window_start_us = TIME_NONE};
        arena_init(&a, 1 << 20);
        check(SHAPE_V5, &m,
              arena_printf(
                  &a,
                  "{\"name\":\"\",\"timestamp\":\"1970-01-01T00:00:00Z\",\"type\":\"\",\"uuid\":"
                  "\"01234567-89ab-8def-8123-456789abcdef\",\"value\":%s,\"window\":null}",
                  cases[i].text)
                  .at);
        arena_close(&a);
    }
}

/* Digits of what is written, without zeros at either end. */
static size_t digits_of(const char *text)
{
    size_t n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        const bool is_digit = *text >= '0' && *text <= '9';
        zeros = *text == '0' ? zeros + (n > 0) : is_digit ? 0 : zeros;
        n += is_digit && (n > 0 || *text != '0');
    }
    return n - zeros;
}

static void numbers_read_back_as_they_were_and_none_could_be_shorter(void **state)
{
    enum { NUMBERS = 20000 };
    struct arena a;
    struct buf b;
    uint64_t seed = 7;
    (void)state;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 10);
    for (size_t i = 0; i < NUMBERS; i++) {
        double number = 0;
        char shortest[64] = "";
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        memcpy(&number, &seed, sizeof number);
        number = i % 3 == 0   ? (double)(int64_t)(seed >> 20) / 64
                 : i % 3 == 1 ? (double)((int64_t)seed >> 30) / 1e6
                              : number;
        if (!isfinite(number)) {
            continue;
        }
        for (int precision = 0; precision < 17; precision++) {
            (void)snprintf(shortest, sizeof shortest, "%.*e", precision, number);
            const double back = strtod(shortest, NULL);
            if (memcmp(&back, &number, sizeof back) == 0) {
                break;
            }
        }
        buf_reset(&b);
        shape_write_number(&b, number);
        buf_add_byte(&b, '\0');
        const double read = strtod(buf_str(&b).at, NULL);
        assert_memory_equal(&read, &number, sizeof read);
        assert_int_equal(digits_of(buf_str(&b).at), digits_of(shortest));
    }
    arena_close(&a);
}

static void texts_are_escaped_as_go_escapes_them(void **state)
{
    struct metric_tag odd[] = {
        {STR("a<b>&\"\\"),
         STR("\n\r\t\x01\x1f\b\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xc3\xa9\x7f/")}};
    struct metric m = {
        .value = 1, .at_us = 0, .window_start_us = TIME_NONE, .tag = odd, .tags_n = 1};
    (void)state;
    check(SHAPE_V5, &m,
          "{\"name\":\"\",\"tag.a\\u003cb\\u003e\\u0026\\\"\\\\\":"
          "\"\\n\\r\\t\\u0001\\u001f\\u0008\\u2028\\u2029\xe2\x80\xaa\xc3\xa9\x7f/\","
          "\"timestamp\":\"1970-01-01T00:00:00Z\",\"type\":\"\",\"uuid\":\"01234567-89ab-8def-8123-"
          "456789abcdef\",\"value\":1,\"window\":null}");
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(each_dialect_keeps_its_record),
        cmocka_unit_test(numbers_are_written_as_go_writes_them),
        cmocka_unit_test(numbers_read_back_as_they_were_and_none_could_be_shorter),
        cmocka_unit_test(texts_are_escaped_as_go_escapes_them),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
