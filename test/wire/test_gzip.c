/* Inflating: several members, exact limits, and what is cut or foreign. */
#include "wire/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { PLAIN_BYTES = 20000, PACKED_BYTES_MAX = 30000 };

static size_t pack(const char *plain, size_t n, char *out)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)plain, .avail_in = (uInt)n};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = PACKED_BYTES_MAX;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t len = z.total_out;
    (void)deflateEnd(&z);
    return len;
}

/* Bytes that compress a little, the same in each run. */
static void fill(char *plain)
{
    uint32_t dice = 1;
    for (size_t i = 0; i < PLAIN_BYTES; i++) {
        dice = dice * 1664525 + 1013904223;
        plain[i] = (char)('a' + (dice >> 24) % 20);
    }
}

static void every_length_comes_back_and_one_less_is_too_small(void **state)
{
    static char plain[PLAIN_BYTES];
    static char packed[PACKED_BYTES_MAX];
    static char back[PLAIN_BYTES];
    (void)state;
    fill(plain);
    for (size_t n = 0; n <= PLAIN_BYTES; n = n < 20 ? n + 1 : n * 2 - 7) {
        struct failure f;
        size_t size = 1;
        const struct str text = {packed, pack(plain, n, packed)};
        assert_int_equal(gzip_measure(text, n, &size, &f), OK);
        assert_int_equal(size, n);
        assert_int_equal(gzip_inflate(text, back, n, &f), OK);
        assert_memory_equal(back, plain, n);
        if (n > 0) {
            assert_int_equal(gzip_measure(text, n - 1, &size, &f), REJECT);
            assert_int_equal(f.cause, CAUSE_FULL);
        }
    }
}

static void several_members_are_one_text(void **state)
{
    static char plain[PLAIN_BYTES];
    static char packed[2 * PACKED_BYTES_MAX];
    static char back[PLAIN_BYTES];
    struct failure f;
    size_t size = 0;
    (void)state;
    fill(plain);
    const size_t first = pack(plain, 9000, packed);
    const size_t second = pack(plain + 9000, 11000, packed + first);
    const struct str text = {packed, first + second};
    assert_int_equal(gzip_measure(text, PLAIN_BYTES, &size, &f), OK);
    assert_int_equal(size, PLAIN_BYTES);
    assert_int_equal(gzip_inflate(text, back, size, &f), OK);
    assert_memory_equal(back, plain, PLAIN_BYTES);
}

static void what_is_cut_anywhere_is_refused(void **state)
{
    static char plain[PLAIN_BYTES];
    static char packed[PACKED_BYTES_MAX];
    (void)state;
    fill(plain);
    const size_t len = pack(plain, 300, packed);
    for (size_t n = 0; n < len; n++) {
        struct failure f;
        size_t size = 0;
        assert_int_equal(gzip_measure((struct str){packed, n}, PLAIN_BYTES, &size, &f), REJECT);
        assert_int_equal(f.cause, CAUSE_OTHER);
    }
    packed[len] = 'x'; /* and so is what follows the end */
    struct failure f;
    size_t size = 0;
    assert_int_equal(gzip_measure((struct str){packed, len + 1}, PLAIN_BYTES, &size, &f), REJECT);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_length_comes_back_and_one_less_is_too_small),
        cmocka_unit_test(several_members_are_one_text),
        cmocka_unit_test(what_is_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
