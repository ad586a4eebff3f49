/* Which dead letters are open: each once, whatever order they were buried in. */
#include "bus/dead.h"

#include <stdlib.h>

#include "bus/memory.h"
#include "test.h"

enum { LETTERS_MAX = 4096 };

struct fixture {
    struct arena arena;
    struct bus *bus;
    struct lane lane;
    struct str listed[LETTERS_MAX];
    size_t n;
    struct failure f;
};

static int set_up(void **state)
{
    struct fixture *const x = calloc(1, sizeof *x);
    arena_init(&x->arena, 64 << 20);
    x->lane = lane_dead(&x->arena, S("lake"), (struct lane){STREAM_STANDARD, S("intake-0")});
    *state = x;
    return bus_open_driver(&x->arena, &bus_memory, NULL, &x->bus, &x->f) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *const x = *state;
    bus_close(x->bus);
    arena_close(&x->arena);
    free(x);
    return 0;
}

static struct str name_of(struct fixture *x, uint64_t at, uint32_t part)
{
    return arena_printf(&x->arena, "%llu.%u", (unsigned long long)at, part);
}

/* A letter of what stood at `at` in the lane that its stage reads; its position. */
static struct position bury(struct fixture *x, uint64_t at, uint32_t part)
{
    struct record r = {.signal = {.id = name_of(x, at, part),
                                  .source = S("s"),
                                  .type = S("t"),
                                  .stage = S("lake"),
                                  .reason = S("refused"),
                                  .data = S("{}")},
                       .origin = {{STREAM_STANDARD, S("intake-0")}, {at}, part, 64}};
    assert_int_equal(bus_append(x->bus, x->lane, &r, 1, &x->f), OK);
    return r.at;
}

static void drop(struct fixture *x, struct position at)
{
    struct record r = {.signal = {.id = S("drop"),
                                  .source = S("weir"),
                                  .type = str_of(dead_drop_type),
                                  .retry_of = position_text(&x->arena, x->lane, at),
                                  .data = S("{}")}};
    assert_int_equal(bus_append(x->bus, dead_retry_lane(), &r, 1, &x->f), OK);
}

static bool note(void *to, const struct dead_letter *letter)
{
    struct fixture *const x = to;
    assert_true(x->n < LETTERS_MAX);
    x->listed[x->n++] = arena_str(&x->arena, letter->signal->id);
    return true;
}

static void list(struct fixture *x)
{
    x->n = 0;
    assert_int_equal(dead_each(x->bus, (struct dead_visit){.letter = note, .to = x}, &x->f), OK);
}

/* A flush finds what it refuses table by table, and may bury part 31 before part 12. */
static void what_was_buried_out_of_order_is_listed_and_what_came_twice_once(void **state)
{
    static const char *const expected[] = {"9.31", "9.12", "4.31", "9.1"};
    struct fixture *const x = *state;
    (void)bury(x, 9, 31);
    (void)bury(x, 9, 12);
    (void)bury(x, 9, 31); /* a crash before the cursor moved: all of it again */
    (void)bury(x, 9, 12);
    (void)bury(x, 4, 31);
    const struct position closed = bury(x, 4, 12);
    drop(x, closed);
    (void)bury(x, 4, 12);
    (void)bury(x, 9, 1);
    list(x);
    assert_int_equal(x->n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < x->n; i++) {
        assert_true(str_eq(x->listed[i], str_of(expected[i])));
    }
}

static void of_many_letters_in_any_order_each_is_listed_once(void **state)
{
    enum { PARTS = 5, ORIGINS = 600, STEP = 251 }; /* no common factor: every origin is met */
    struct fixture *const x = *state;
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < ORIGINS; i++) {
            for (uint32_t part = PARTS; part > 0; part--) {
                (void)bury(x, (i * STEP % ORIGINS) << 32, part);
            }
        }
    }
    list(x);
    assert_int_equal(x->n, ORIGINS * PARTS);
    uint64_t count = 0;
    assert_int_equal(dead_count(x->bus, &count, &x->f), OK);
    assert_int_equal(count, ORIGINS * PARTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_buried_out_of_order_is_listed_and_what_came_twice_once),
        TEST(of_many_letters_in_any_order_each_is_listed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
