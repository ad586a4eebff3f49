/* No memory at the nth block that an arena takes, for every n: a message, nothing acknowledged
 * lost, and the next process goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "bus/log.h"
#include "folder.h"
#include "refused.h"

enum {
    SEGMENT = 64 * 1024,
    RECORDS = 4,
    BYTES = 20 * 1024, /* a group takes several blocks */
    NUMBERS_MAX = 4096,
    ROUNDS = 60, /* far more blocks than one process takes: the last ones are whole */
    SAID_SO = 3
};

/* Shared with the children: what they were told is durable. */
struct told {
    _Atomic uint64_t next;
    _Atomic bool is_unknown; /* the last append failed: some of it may be there */
};

static int said(const struct failure *f)
{
    return f->text[0] ? SAID_SO : 4;
}

struct work {
    struct log_bus *bus;
    struct told *told;
};

/* Everything that a process does with a bus, once. */
static int work(void *to)
{
    struct log_bus *const l = ((struct work *)to)->bus;
    struct told *const told = ((struct work *)to)->told;
    struct arena a;
    struct reader *r = NULL;
    const struct finding_to nobody = {.found = NULL};
    arena_init(&a, 1 << 26);
    if (bus_recover_driver(&bus_embedded, &l->config, nobody, &l->f) != OK ||
        bus_open_driver(&l->arena, &bus_embedded, &l->config, &l->bus, &l->f) != OK) {
        return said(&l->f);
    }
    told->is_unknown = true;
    if (log_append(l, told->next, RECORDS, BYTES) != OK) {
        return said(&l->f);
    }
    told->next += RECORDS;
    told->is_unknown = false;
    if (reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l->f) != OK) {
        return said(&l->f);
    }
    struct batch b = {.arena = &a};
    do {
        arena_reset(&a);
        b = (struct batch){.arena = &a};
        if (reader_read(r, SIZE_MAX / 4, 0, &b, &l->f) != OK) {
            return said(&l->f);
        }
    } while (b.n == 0 && b.gained_n > 0);
    if (b.n == 1) {
        const struct output out = {
            {STREAM_STANDARD, S("intake-0")}, 0, b.slice->record, b.slice->n};
        if (reader_step(r, &b, &out, 1, NULL, &l->f) != OK) {
            return said(&l->f);
        }
    }
    return 0;
}

/* Every number below told->next is in the lane once and in order; behind it, what was unknown. */
static void check(struct log_bus *l, struct told *told, struct lane lane, bool is_behind)
{
    static uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_read(l, lane, numbers, NUMBERS_MAX, &n), OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], i);
    }
    assert_true(is_behind ? n <= told->next : n == told->next || told->is_unknown);
    if (!is_behind) {
        told->next = n;
        told->is_unknown = false;
    }
}

static void a_process_without_memory_loses_nothing_and_the_next_goes_on(void **state)
{
    struct log_bus l;
    int status = -1, out_of = 0;
    (void)state;
    assert_non_null(folder_make_fast());
    struct told *const told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    log_init(&l, SEGMENT);
    for (unsigned n = 1; n <= ROUNDS; n++) {
        status = without_block(n, work, &(struct work){&l, told});
        if (!(status == 0 || status == NO_MEMORY || status == SAID_SO)) {
            fail_msg("round %u ended with status %d", n, status);
        }
        out_of += status == NO_MEMORY;
        log_recover(&l);
        assert_int_equal(l.found.n, 0);
        check(&l, told, raw_lane("intake-0"), false);
        check(&l, told, (struct lane){STREAM_STANDARD, S("intake-0")}, true);
        log_close(&l);
    }
    assert_int_equal(status, 0);
    assert_true(out_of >= 3);
    log_open(&l);
    check(&l, told, (struct lane){STREAM_STANDARD, S("intake-0")}, true);
    log_drop(&l);
    (void)munmap(told, sizeof *told);
    folder_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_without_memory_loses_nothing_and_the_next_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
