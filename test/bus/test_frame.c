#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bus/frame.h"
#include "bus/log.h"

enum { GENERATION = 7, POSITION = 4096 };

static enum item_kind kind_at(struct str bytes, uint64_t generation, uint64_t position)
{
    return item_read(bytes, generation, position).kind;
}

/* What a recycled file still holds: right in itself, but of another place or another life. */
static void an_item_is_valid_at_its_position_and_in_its_generation_alone(void **state)
{
    struct arena a;
    struct buf b;
    char hole[FRAME_HEAD_BYTES];
    (void)state;
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 16);
    struct record r = log_record(&a, 1, 40);
    struct group g = {.position = POSITION};
    group_write(&b, &g, NULL, &r, 1);
    group_seal(b.at, b.len, GENERATION);
    void_write(hole, sizeof hole, GENERATION, POSITION);
    const uint64_t frame_at = r.at.at - POSITION;
    const struct {
        struct str bytes;
        uint64_t position;
        enum item_kind kind;
    } items[] = {{str_sub(buf_str(&b), 0, frame_at), POSITION, ITEM_GROUP},
                 {str_sub(buf_str(&b), frame_at, b.len), r.at.at, ITEM_FRAME},
                 {{hole, sizeof hole}, POSITION, ITEM_VOID}};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const struct str bytes = items[i].bytes;
        const uint64_t at = items[i].position;
        assert_int_equal(kind_at(bytes, GENERATION, at), items[i].kind);
        assert_int_equal(kind_at(bytes, GENERATION, at + ITEM_ALIGN), ITEM_BAD);
        assert_int_equal(kind_at(bytes, GENERATION + 1, at), ITEM_BAD);
    }
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_valid_at_its_position_and_in_its_generation_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
