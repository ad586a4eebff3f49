#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bus/lane.h"

static void a_position_is_read_back_from_its_text(void **state)
{
    struct arena a;
    struct lane lane;
    struct position at;
    (void)state;
    arena_init(&a, 1 << 20);
    const struct lane lanes[] = {{STREAM_RAW, S("intake-0")}, {STREAM_DEAD, S("lake-standard-3")}};
    const uint64_t positions[] = {0, 4096, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 3; k++) {
            const struct position one = {positions[k]};
            assert_true(position_parse(position_text(&a, lanes[i], one), &lane, &at));
            assert_true(lane_eq(lane, lanes[i]));
            assert_int_equal(at.at, one.at);
        }
    }
    assert_true(
        str_eq(position_text(&a, lanes[0], (struct position){4096}), S("raw/intake-0:4096")));
    arena_close(&a);
}

static void what_is_no_position_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "raw",
                                        "raw/intake-0",
                                        "raw/intake-0:",
                                        "raw/:1",
                                        "rare/intake-0:1",
                                        "raw/A:1",
                                        "raw/a:-1",
                                        "raw/a:1x",
                                        "/intake-0:1",
                                        "raw/a_b:1",
                                        "raw/a:1:2",
                                        "raw/../a:1",
                                        "raw/a:9223372036854775808"};
    struct lane lane;
    struct position at;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(position_parse(str_of(texts[i]), &lane, &at));
    }
}

static void outputs_belong_to_their_input_lane(void **state)
{
    struct arena a;
    (void)state;
    arena_init(&a, 1 << 20);
    const struct lane raw = {STREAM_RAW, S("collect")};
    const struct lane standard = {STREAM_STANDARD, S("collect")};
    const struct lane measured = {STREAM_MEASURED, S("collect")};
    const struct lane dead = {STREAM_DEAD, S("http-standard-collect")};
    assert_true(lane_eq(lane_output(&a, S("transform"), raw), standard));
    assert_true(lane_eq(lane_output(&a, S("measure"), standard), measured));
    assert_true(lane_eq(lane_output(&a, S("http"), standard), dead));
    assert_true(lane_eq(lane_dead(&a, S("http"), standard), dead));
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_read_back_from_its_text),
        cmocka_unit_test(what_is_no_position_is_refused),
        cmocka_unit_test(outputs_belong_to_their_input_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
