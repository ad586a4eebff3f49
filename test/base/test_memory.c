/* The arena, hashes, files and the log: what owns bytes or moves them out of the process. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"
#include "folder.h"
#include "refused.h"
#include "test.h"

/* ---- arena ---- */

static void allocations_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena a;
    unsigned char *seen[500];
    arena_init(&a, 64 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 500; i++) {
            seen[i] = arena_alloc(&a, 1, i + 1);
            assert_int_equal((uintptr_t)seen[i] % 16, 0);
            for (size_t k = 0; k <= i; k++) {
                assert_int_equal(seen[i][k], 0);
            }
            memset(seen[i], (int)(i % 255 + 1), i + 1);
        }
        for (size_t i = 0; i < 500; i++) {
            assert_int_equal(seen[i][0], i % 255 + 1);
            assert_int_equal(seen[i][i], i % 255 + 1);
        }
        arena_reset(&a);
    }
    arena_close(&a);
    assert_int_equal(a.held_bytes, 0);
}

static void the_ceiling_holds_and_try_says_so(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_null(arena_try(&a, 1, 2 << 20));
    assert_null(arena_try(&a, SIZE_MAX / 2, 4)); /* the product overflows */
    assert_null(arena_try(&a, 1, SIZE_MAX));
    size_t n = 0;
    while (arena_try(&a, 1, 10000)) {
        n++;
    }
    assert_in_range(n, 90, 105);
    assert_true(a.held_bytes <= 1 << 20);
    arena_reset(&a);
    assert_non_null(arena_try(&a, 1, 10000));
    arena_close(&a);
}

static void over_the_ceiling_alloc_ends_the_process_with_a_message(void **state)
{
    (void)state;
    char said[300] = "";
    int status = 0;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct arena a;
        dup2(ends[1], STDERR_FILENO);
        arena_init(&a, 1000);
        arena_alloc(&a, 1, 5000);
        _exit(0);
    }
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    close(ends[0]);
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 70);
    assert_non_null(strstr(said, "out of memory: 5000 more bytes"));
}

static void grow_keeps_what_was_there(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 << 20);
    char *at = arena_grow(&a, NULL, 0, 10);
    memcpy(at, "0123456789", 10);
    char *const same = arena_grow(&a, at, 10, 20); /* the newest: in place */
    assert_ptr_equal(same, at);
    char *const other = arena_alloc(&a, 1, 8);
    memcpy(other, "otherone", 8);
    char *const moved = arena_grow(&a, same, 20, 300000);
    assert_ptr_not_equal(moved, same);
    assert_memory_equal(moved, "0123456789", 10);
    assert_memory_equal(other, "otherone", 8);
    arena_close(&a);
}

enum { IS_NULL = 1, IS_THERE = 2 };

static int grow_new(void *arena)
{
    return arena_grow(arena, NULL, 0, 100000) ? IS_THERE : IS_NULL;
}

static int grow_alone(void *arena)
{
    refuse_block(2);
    char *const at = arena_grow(arena, NULL, 0, 100000);
    return arena_grow(arena, at, 100000, 900000) ? IS_THERE : IS_NULL;
}

static int grow_beyond(void *arena)
{
    return arena_grow(arena, NULL, 0, 2 << 20) ? IS_THERE : IS_NULL;
}

static int try_to_grow(void *arena)
{
    return arena_try_grow(arena, NULL, 0, 100000) ? IS_THERE : IS_NULL;
}

static void a_growth_without_memory_ends_the_process_and_is_not_taken_for_too_big(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(without_block(1, grow_new, &a), NO_MEMORY);
    assert_int_equal(without_block(1, grow_alone, &a), NO_MEMORY);
    assert_int_equal(without_block(1, grow_beyond, &a), IS_NULL);
    assert_int_equal(without_block(1, try_to_grow, &a), IS_NULL);
    assert_int_equal(without_block(0, grow_new, &a), IS_THERE);
}

/* The second time the C library takes it from its own heap, and would keep it below what is still
 * in use: the peak of one large body, for as long as nothing else comes. */
static void what_was_freed_is_given_back_before_a_wait(void **state)
{
    enum { LARGE_BYTES = 24 << 20, ROUNDS = 3 };
    struct arena large, small;
    struct os_usage before, freed, after;
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip_because("the address sanitizer keeps what is freed");
#endif
    arena_init(&large, (size_t)1 << 30);
    arena_init(&small, 1 << 20);
    assert_true(os_usage(getpid(), &before));
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&large);
        (void)arena_alloc(&large, 1, LARGE_BYTES); /* zeroed: every page of it is used */
    }
    (void)arena_alloc(&small, 1, 1000);
    arena_reset(&large);
    assert_true(os_usage(getpid(), &freed));
    assert_true(freed.rss_bytes > before.rss_bytes + LARGE_BYTES / 2); /* or there is no test */
    arena_give_back();
    assert_true(os_usage(getpid(), &after));
    assert_true(after.rss_bytes < before.rss_bytes + LARGE_BYTES / 4);
    arena_close(&small);
    arena_close(&large);
}

static void an_array_grows_by_doubling_and_keeps_its_elements(void **state)
{
    (void)state;
    struct arena a;
    size_t n = 0;
    size_t room = 0;
    int *at = NULL;
    arena_init(&a, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        at = arena_more(&a, at, n, &room, sizeof *at);
        at[n++] = i;
        assert_true(n <= room);
    }
    assert_int_equal(room, 1024);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(at[i], i);
    }
    arena_close(&a);
}

static char order[8];
static size_t order_n;
static char names[] = "a\0b\0c";
static void note(void *thing)
{
    order[order_n++] = *(const char *)thing;
}

static void deferred_things_are_dropped_once_last_one_first(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    order[0] = '\0';
    arena_defer(&a, note, names + 0);
    arena_defer(&a, note, names + 2);
    arena_reset(&a);
    assert_string_equal(order, "ba");
    arena_defer(&a, note, names + 4);
    arena_close(&a);
    assert_string_equal(order, "bac");
}

/* ---- hashes ---- */

static void digests_are_those_of_their_specifications(void **state)
{
    (void)state;
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    hash_sha256(S("abc"), digest); /* FIPS 180-2, appendix B.1 */
    hex_write(digest, sizeof digest, hex);
    assert_memory_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                        64);
    /* GitHub's documentation, "Validating webhook deliveries", and RFC 4231 test case 2 */
    hash_hmac_sha256(S("It's a Secret to Everybody"), S("Hello, World!"), digest);
    hex_write(digest, sizeof digest, hex);
    assert_memory_equal(hex, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                        64);
    hash_hmac_sha256(S("Jefe"), S("what do ya want for nothing?"), digest);
    hex_write(digest, sizeof digest, hex);
    assert_memory_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                        64);
    char long_key[131]; /* longer than a block: RFC 4231 test case 6 */
    memset(long_key, 0xAA, sizeof long_key);
    hash_hmac_sha256((struct str){long_key, sizeof long_key},
                     S("Test Using Larger Than Block-Size Key - Hash Key First"), digest);
    hex_write(digest, sizeof digest, hex);
    assert_memory_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                        64);
    /* xxHash 0.8: XXH3 of the empty text, XXH128 of it */
    char wide[32];
    assert_true(hash_64(S(""), 0) == UINT64_C(0x2d06800538d394c2));
    hash_128_hex(S(""), wide);
    assert_memory_equal(wide, "99aa06d3014798d86001c324468d497f", 32);
    assert_true(hash_64(S("a"), 1) != hash_64(S("a"), 2));
}

static void hex_goes_both_ways_and_refuses_what_is_none(void **state)
{
    (void)state;
    unsigned char bytes[4];
    char hex[8];
    assert_true(hex_read(S("00fFa9C3"), bytes, 4));
    hex_write(bytes, 4, hex);
    assert_memory_equal(hex, "00ffa9c3", 8);
    assert_false(hex_read(S("00ffa9c"), bytes, 4));
    assert_false(hex_read(S("00ffa9c33"), bytes, 4));
    assert_false(hex_read(S("00ffa9cg"), bytes, 4));
    assert_true(hash_eq_secret(S("abc"), S("abc")));
    assert_false(hash_eq_secret(S("abc"), S("abd")));
    assert_false(hash_eq_secret(S("abc"), S("abcd")));
}

/* ---- files ---- */

static int make_home(void **state)
{
    (void)state;
    return folder_make() ? 0 : -1;
}

static int drop_home(void **state)
{
    (void)state;
    folder_drop();
    return 0;
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    struct arena a;
    struct failure f = {0};
    struct str text;
    struct stat st;
    arena_init(&a, 64 << 20);
    assert_int_equal(file_replace(folder_path("x"), S("first"), 0600, &f), OK);
    assert_int_equal(stat(folder_path("x"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    const struct rlimit none = {3, RLIM_INFINITY}; /* a write beyond 3 bytes fails with EFBIG */
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(file_replace(folder_path("x"), S("second"), 0600, &f), RETRY);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    assert_non_null(strstr(f.text, "File too large"));
    assert_int_equal(file_read(&a, folder_path("x"), 100, &text, &f), OK);
    assert_true(str_eq(text, S("first")));
    assert_int_equal(access(folder_path("x.new"), F_OK), -1);
    arena_close(&a);
}

static void reading_has_a_limit_and_takes_files_of_any_kind(void **state)
{
    (void)state;
    struct arena a;
    struct failure f = {0};
    struct str text;
    arena_init(&a, 64 << 20);
    char *const large = arena_alloc(&a, 1, 300000);
    memset(large, 'x', 300000);
    assert_int_equal(file_replace(folder_path("l"), (struct str){large, 300000}, 0600, &f), OK);
    assert_int_equal(file_read(&a, folder_path("l"), 300000, &text, &f), OK);
    assert_int_equal(text.len, 300000);
    assert_int_equal(file_read(&a, folder_path("l"), 299999, &text, &f), STOP);
    assert_non_null(strstr(f.text, "more than 299999 bytes"));
    assert_int_equal(file_read(&a, "/proc/self/status", 1 << 20, &text, &f), OK);
    assert_true(text.len > 100);
    assert_int_equal(file_read(&a, folder_path("none"), 100, &text, &f), STOP);
    assert_non_null(strstr(f.text, "No such file"));
    assert_int_equal(file_read(&a, folder_path("."), 100, &text, &f), STOP);
    arena_close(&a);
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    struct failure f = {0};
    struct stat st;
    assert_int_equal(file_make_dirs(folder_path("a/b/c"), &f), OK);
    assert_int_equal(file_make_dirs(folder_path("a/d/e/"), &f), OK);
    assert_int_equal(file_make_dirs(folder_path("a/b/c"), &f), OK);
    assert_int_equal(file_make_dirs(folder_path("a/d/e/"), &f), OK);
    assert_int_equal(stat(folder_path("a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(file_replace(folder_path("file"), S(""), 0600, &f), OK);
    assert_int_equal(file_make_dirs(folder_path("file/d"), &f), STOP);
    assert_int_equal(file_make_dirs(folder_path("file"), &f), STOP);
    assert_non_null(strstr(f.text, "is not a folder"));
    assert_int_equal(file_make_dirs("/proc/nowhere", &f), STOP);
}

static void paths_stand_beside_the_file_that_names_them(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_string_equal(file_beside(&a, S("/etc/weir/weir.yaml"), S("x")).at, "/etc/weir/x");
    assert_string_equal(file_beside(&a, S("weir.yaml"), S("x")).at, "x");
    assert_string_equal(file_beside(&a, S("/etc/weir/weir.yaml"), S("/x")).at, "/x");
    arena_close(&a);
}

/* ---- log ---- */

/* What one event writes to stderr. */
static void logged(char *out, size_t room, enum log_level level, const struct log_field *fields)
{
    int ends[2];
    const int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_line(level, "it happened", fields);
    dup2(saved, STDERR_FILENO);
    close(ends[1]);
    close(saved);
    const ssize_t n = read(ends[0], out, room - 1);
    out[n > 0 ? n : 0] = '\0';
    close(ends[0]);
}

static void an_event_is_one_line_in_either_format(void **state)
{
    (void)state;
    char line[8192];
    const struct log_field fields[] = {
        log_c("plain", "x"), log_c("spaced", "a \"b\"\n"), log_n("n", -3), {0}};
    clock_set(INT64_C(1522949460000000));
    log_set_stage("intake");
    logged(line, sizeof line, LOG_WARN, fields);
    assert_string_equal(line, "time=2018-04-05T17:31:00.000000Z level=warn stage=intake "
                              "event=\"it happened\" plain=x spaced=\"a \\\"b\\\"\\n\" n=-3\n");
    log_set_json(true);
    logged(line, sizeof line, LOG_WARN, fields);
    assert_string_equal(
        line,
        "{\"time\":\"2018-04-05T17:31:00.000000Z\",\"level\":\"warn\",\"stage\":\"intake\","
        "\"event\":\"it happened\",\"plain\":\"x\",\"spaced\":\"a \\\"b\\\"\\n\",\"n\":-3}\n");
    log_set_json(false);
    logged(line, sizeof line, LOG_DEBUG, fields);
    assert_string_equal(line, "");
    char wide[6000];
    memset(wide, 'w', sizeof wide);
    const struct str many = {wide, sizeof wide};
    const struct log_field too_much[] = {log_s("a", many), log_s("b", many), log_s("c", many), {0}};
    logged(line, sizeof line, LOG_ERROR, too_much);
    assert_in_range(strlen(line), 1500, 4001);
    assert_int_equal(line[strlen(line) - 1], '\n');
    clock_set(TIME_NONE);
}

static void a_reset_keeps_a_block_as_large_as_it_is_told(void **state)
{
    enum { LARGE = 3 << 20 };
    struct arena a;
    (void)state;
    arena_init(&a, (size_t)64 << 20);
    (void)arena_alloc(&a, LARGE, 1);
    arena_reset(&a);
    assert_int_equal(a.held_bytes, 0);
    a.keep_bytes = (size_t)4 << 20;
    (void)arena_alloc(&a, LARGE, 1);
    arena_reset(&a);
    assert_in_range(a.held_bytes, LARGE, a.keep_bytes);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_keeps_a_block_as_large_as_it_is_told),
        cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
        cmocka_unit_test(the_ceiling_holds_and_try_says_so),
        cmocka_unit_test(over_the_ceiling_alloc_ends_the_process_with_a_message),
        cmocka_unit_test(grow_keeps_what_was_there),
        cmocka_unit_test(a_growth_without_memory_ends_the_process_and_is_not_taken_for_too_big),
        cmocka_unit_test(what_was_freed_is_given_back_before_a_wait),
        cmocka_unit_test(an_array_grows_by_doubling_and_keeps_its_elements),
        cmocka_unit_test(deferred_things_are_dropped_once_last_one_first),
        cmocka_unit_test(digests_are_those_of_their_specifications),
        cmocka_unit_test(hex_goes_both_ways_and_refuses_what_is_none),
        cmocka_unit_test_setup_teardown(a_file_is_replaced_whole_or_not_at_all, make_home,
                                        drop_home),
        cmocka_unit_test_setup_teardown(reading_has_a_limit_and_takes_files_of_any_kind, make_home,
                                        drop_home),
        cmocka_unit_test_setup_teardown(folders_are_made_with_their_parents, make_home, drop_home),
        cmocka_unit_test(paths_stand_beside_the_file_that_names_them),
        cmocka_unit_test(an_event_is_one_line_in_either_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
