#include "transform/repetitions.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/hash.h"
#include "test.h"
#include "transform/bucket.h"

enum { DAY = 86400 };
#define NOW_US (INT64_C(1764000000) * 1000000)

struct fixture {
    struct arena arena;
    char dir[64];
    struct config_keep keep;
    struct repetitions *r;
};

static void open_index(struct fixture *x, const char *bus)
{
    struct failure f;
    assert_int_equal(repetitions_open(&x->arena, str_of(x->dir), str_of(bus), &x->keep, &x->r, &f),
                     OK);
}

static void reopen(struct fixture *x, const char *bus)
{
    repetitions_close(x->r);
    open_index(x, bus);
}

static int set_up(void **state)
{
    struct fixture *const x = calloc(1, sizeof *x);
    arena_init(&x->arena, 64 << 20);
    memcpy(x->dir, "/tmp/weir-test-XXXXXX", sizeof "/tmp/weir-test-XXXXXX");
    x->keep = (struct config_keep){.keep_ms = 7 * DAY * INT64_C(1000), .disk_bytes_max = 64 << 20};
    if (!mkdtemp(x->dir) || rmdir(x->dir) != 0) { /* the index makes its folder */
        return -1;
    }
    open_index(x, "bus");
    *state = x;
    return 0;
}

/* Paths of the folder's files with this ending; returns how many. */
static size_t files(const struct fixture *x, const char *ending, char path[16][400])
{
    size_t n = 0;
    DIR *const d = opendir(x->dir);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (str_ends(str_of(e->d_name), str_of(ending)) && n < 16 && e->d_name[0] != '.') {
            snprintf(path[n++], 400, "%s/%s", x->dir, e->d_name);
        }
    }
    closedir(d);
    return n;
}

static void take_all_away(struct fixture *x)
{
    char path[16][400];
    repetitions_close(x->r);
    for (size_t n = files(x, "", path); n > 0; n = files(x, "", path)) {
        for (size_t i = 0; i < n; i++) {
            unlink(path[i]);
        }
    }
}

static int tear_down(void **state)
{
    struct fixture *const x = *state;
    take_all_away(x);
    rmdir(x->dir);
    arena_close(&x->arena);
    free(x);
    return 0;
}

/* Good until the next one. */
static struct signal signal_named(unsigned id)
{
    static char text[24];
    snprintf(text, sizeof text, "id-%u", id);
    return (struct signal){.agent = S("github"), .source = S("/agents/github"), .id = str_of(text)};
}

static struct sighting seen(uint64_t at, uint64_t body)
{
    return (struct sighting){.lane = {STREAM_RAW, S("intake-0")}, .at = {at}, .body = body};
}

static enum known find(struct fixture *x, unsigned id, uint64_t at, uint64_t body)
{
    const struct signal s = signal_named(id);
    const struct sighting here = seen(at, body);
    return repetitions_find(x->r, &s, &here);
}

/* Received then, by what the clock says now. */
static enum outcome put_by_clock(struct fixture *x, unsigned id, int64_t received_us,
                                 const struct wall_time *wall)
{
    struct failure f;
    const struct signal s = signal_named(id);
    const struct sighting here = seen(id, 7);
    repetitions_clock(x->r, wall);
    return repetitions_put(x->r, &s, &here, received_us, &f);
}

static enum outcome put(struct fixture *x, unsigned id, uint64_t at, int64_t now_us)
{
    struct failure f;
    const struct signal s = signal_named(id);
    const struct sighting here = seen(at, 7);
    repetitions_clock(x->r, &(struct wall_time){.now_us = now_us});
    return repetitions_put(x->r, &s, &here, now_us, &f);
}

static void an_identity_is_known_by_position_and_body(void **state)
{
    struct fixture *const x = *state;
    assert_int_equal(find(x, 1, 10, 7), KNOWN_NOT);
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    assert_int_equal(find(x, 1, 10, 7), KNOWN_HERE);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_REPETITION);
    assert_int_equal(find(x, 1, 20, 8), KNOWN_CONFLICT);
    assert_int_equal(find(x, 2, 10, 7), KNOWN_NOT);
    const struct signal s = signal_named(1);
    const struct sighting elsewhere = {.lane = {STREAM_RAW, S("intake-1")}, .at = {10}, .body = 7};
    assert_int_equal(repetitions_find(x->r, &s, &elsewhere), KNOWN_REPETITION);
}

static void texts_cannot_move_between_members(void **state)
{
    struct fixture *const x = *state;
    struct failure f;
    const struct signal one = {.agent = S("a"), .source = S("b"), .id = S("cd")};
    const struct signal two = {.agent = S("a"), .source = S("bc"), .id = S("d")};
    const struct sighting here = seen(1, 1);
    repetitions_clock(x->r, &(struct wall_time){.now_us = NOW_US});
    assert_int_equal(repetitions_put(x->r, &one, &here, NOW_US, &f), OK);
    assert_int_equal(repetitions_find(x->r, &two, &here), KNOWN_NOT);
}

static void one_id_of_two_agents_or_of_two_sources_is_two_events(void **state)
{
    struct fixture *const x = *state;
    const struct signal s = signal_named(1);
    struct signal other_agent = s, other_source = s;
    other_agent.agent = S("github-2");
    other_source.source = S("/agents/github-2");
    const struct sighting here = seen(20, 7);
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    assert_int_equal(repetitions_find(x->r, &s, &here), KNOWN_REPETITION);
    assert_int_equal(repetitions_find(x->r, &other_agent, &here), KNOWN_NOT);
    assert_int_equal(repetitions_find(x->r, &other_source, &here), KNOWN_NOT);
}

static void drop_takes_out_only_what_points_here(void **state)
{
    struct fixture *const x = *state;
    struct failure f;
    const struct signal s = signal_named(1);
    const struct sighting first = seen(10, 7);
    const struct sighting second = seen(20, 7);
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    assert_int_equal(repetitions_drop(x->r, &s, &second, NOW_US, &f), OK);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_REPETITION);
    struct sighting elsewhere = first; /* the same position, but of another lane */
    elsewhere.lane.name = S("intake-1");
    assert_int_equal(repetitions_drop(x->r, &s, &elsewhere, NOW_US, &f), OK);
    assert_int_equal(find(x, 1, 10, 7), KNOWN_HERE);
    assert_int_equal(repetitions_drop(x->r, &s, &first, NOW_US, &f), OK);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    reopen(x, "bus");
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    assert_int_equal(put(x, 1, 20, NOW_US), OK);
    assert_int_equal(find(x, 1, 30, 7), KNOWN_REPETITION);
}

/* Far more entries than the first table holds, over several buckets, beside a plain array. */
static void it_agrees_with_an_array_through_growth_and_reopening(void **state)
{
    struct fixture *const x = *state;
    enum { N = 20000, IDS = 6000 };
    static uint64_t at[IDS];
    unsigned random = 12345;
    memset(at, 0, sizeof at);
    for (unsigned i = 1; i <= N; i++) {
        random = random * 1103515245 + 12345;
        const unsigned id = random >> 8 & 0xFFFF ? (random >> 8) % IDS : 0;
        assert_int_equal(find(x, id, i, 7), at[id] ? KNOWN_REPETITION : KNOWN_NOT);
        assert_int_equal(put(x, id, i, NOW_US + i * (4 * DAY_US / N)), OK);
        at[id] = i;
        if (i % 7000 == 0) {
            reopen(x, "bus");
        }
    }
    char path[16][400];
    assert_in_range(files(x, ".log", path), 3, 6);
    for (unsigned id = 0; id < IDS; id++) {
        assert_int_equal(find(x, id, at[id] ? at[id] : 1, 7), at[id] ? KNOWN_HERE : KNOWN_NOT);
    }
}

static void what_is_older_than_keep_is_forgotten(void **state)
{
    struct fixture *const x = *state;
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    for (unsigned day = 1; day <= 7; day++) {
        assert_int_equal(put(x, 100 + day, day, NOW_US + day * DAY_US), OK);
        assert_int_equal(find(x, 1, 20, 7), KNOWN_REPETITION);
    }
    assert_int_equal(put(x, 200, 9, NOW_US + 9 * DAY_US), OK);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    assert_int_equal(find(x, 107, 20, 7), KNOWN_REPETITION);
    assert_int_equal(repetitions_size(x->r).forgotten, 0);
}

static void the_budget_holds_and_what_it_drops_is_counted(void **state)
{
    struct fixture *const x = *state;
    x->keep.disk_bytes_max = 4 << 20;
    reopen(x, "bus");
    for (unsigned i = 1; i <= 60000; i++) {
        assert_int_equal(put(x, i, i, NOW_US), OK);
        assert_true(repetitions_size(x->r).bytes <=
                    6 << 20); /* the bucket being written may double once */
    }
    assert_true(repetitions_size(x->r).forgotten > 0 || repetitions_size(x->r).entries < 60000);
    assert_int_equal(find(x, 60000, 1, 7), KNOWN_REPETITION);
    assert_int_equal(find(x, 1, 2, 7), KNOWN_NOT);
}

static void it_says_from_when_on_it_knows(void **state)
{
    struct fixture *const x = *state;
    assert_true(repetitions_size(x->r).since_us == TIME_NONE);
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    assert_int_equal(put(x, 2, 20, NOW_US + 2 * DAY_US), OK);
    assert_true(repetitions_size(x->r).since_us == NOW_US);
    x->keep.disk_bytes_max = 1; /* nothing fits: the bucket being written stays alone */
    reopen(x, "bus");
    assert_int_equal(put(x, 3, 30, NOW_US + 3 * DAY_US), OK);
    assert_int_equal(repetitions_size(x->r).forgotten, 2);
    assert_true(repetitions_size(x->r).since_us == NOW_US + 3 * DAY_US);
}

/* The logs that a power cut would leave: those that the folder named when it was synced last. */
static const struct fixture *watched;
static char lasting[16][400];
static size_t lasting_n;

int fsync(int fd)
{
    struct stat st;
    struct stat dir;
    if (watched && fstat(fd, &st) == 0 && stat(watched->dir, &dir) == 0 &&
        st.st_ino == dir.st_ino && st.st_dev == dir.st_dev) {
        lasting_n = files(watched, ".log", lasting);
    }
    return (int)syscall(SYS_fsync, fd);
}

static void a_bucket_that_is_new_lasts_before_any_output_does(void **state)
{
    struct fixture *const x = *state;
    struct failure f;
    watched = x;
    lasting_n = 0;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(put(x, i, i, NOW_US + i * (2 * DAY_US)), OK);
        assert_int_equal(repetitions_sync(x->r, &f), OK);
        assert_int_equal(repetitions_size(x->r).buckets, i + 1);
        assert_int_equal(lasting_n, i + 1);
    }
    watched = NULL;
}

/* A sync is of the newest bucket alone, so what stands in the one before must be on the disk when
 * the next one begins. */
static void a_bucket_is_synced_before_the_next_one_begins(void **state)
{
    struct fixture *const x = *state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    assert_int_equal(setenv("WEIR_FAILPOINT", "repetitions.sync.fails:1:fail", 1), 0);
    failpoint_reset();
    assert_int_equal(put(x, 2, 20, NOW_US + 2 * DAY_US), RETRY);
    assert_int_equal(put(x, 2, 20, NOW_US + 2 * DAY_US), OK);
    (void)unsetenv("WEIR_FAILPOINT");
    failpoint_reset();
    assert_int_equal(find(x, 1, 10, 7), KNOWN_HERE);
    assert_int_equal(find(x, 2, 20, 7), KNOWN_HERE);
}

/* One signal's time, or a clock that is doubted, says of no other signal that it is old. */
static void a_clock_that_is_wrong_for_a_moment_forgets_nothing(void **state)
{
    struct fixture *const x = *state;
    const int64_t wrong_us = NOW_US + 100 * DAY_US;
    assert_int_equal(put(x, 1, 1, NOW_US), OK);
    assert_int_equal(put(x, 2, 2, NOW_US + 2 * DAY_US), OK);
    const struct wall_time doubted = {.now_us = TIME_NONE};
    const struct wall_time right = {.now_us = NOW_US + 2 * DAY_US};
    assert_int_equal(put_by_clock(x, 3, wrong_us, &doubted), OK);
    assert_int_equal(put_by_clock(x, 4, wrong_us, &right), OK); /* it waited in the stream */
    assert_int_equal(put_by_clock(x, 5, NOW_US - 100 * DAY_US, &right), OK);
    for (unsigned id = 1; id <= 5; id++) {
        assert_int_equal(find(x, id, 20, 7), KNOWN_REPETITION);
    }
    assert_int_equal(put(x, 6, 6, NOW_US + 10 * DAY_US), OK); /* all goes on as before */
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    assert_int_equal(find(x, 4, 20, 7), KNOWN_REPETITION);
    assert_int_equal(repetitions_size(x->r).forgotten, 0);
}

static void an_index_that_begins_while_the_clock_is_doubted_forgets_in_its_time(void **state)
{
    struct fixture *const x = *state;
    const struct wall_time doubted = {.now_us = TIME_NONE};
    assert_int_equal(put_by_clock(x, 1, NOW_US + 100 * DAY_US, &doubted), OK);
    assert_int_equal(put(x, 2, 2, NOW_US), OK);
    assert_int_equal(put(x, 3, 3, NOW_US + 6 * DAY_US), OK);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_REPETITION);
    assert_int_equal(put(x, 4, 4, NOW_US + 9 * DAY_US), OK);
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    assert_int_equal(find(x, 3, 20, 7), KNOWN_REPETITION);
}

static void what_goes_since_the_clock_went_ahead_is_counted(void **state)
{
    struct fixture *const x = *state;
    const int64_t jump_us = 100 * DAY_US;
    for (unsigned day = 0; day <= 9; day++) { /* the first bucket goes in its time */
        assert_int_equal(put(x, day, day, NOW_US + day * DAY_US), OK);
    }
    assert_int_equal(repetitions_size(x->r).buckets, 9);
    const int64_t now_us = NOW_US + 9 * DAY_US + HOUR_US + jump_us; /* so would the second one */
    const struct wall_time believed = {.now_us = now_us, .jump_us = jump_us};
    assert_int_equal(put_by_clock(x, 100, now_us, &believed), OK);
    assert_int_equal(repetitions_size(x->r).buckets, 2);
    assert_int_equal(repetitions_size(x->r).forgotten, 7);
    for (unsigned day = 1; day < 10; day++) {
        assert_int_equal(put(x, 100 + day, 1, now_us + day * DAY_US), OK);
    }
    assert_int_equal(repetitions_size(x->r).forgotten, 7); /* those had their time */
}

/* It stands in the page cache, and nobody knows whether on the disk. */
static void what_a_killed_process_noted_is_synced_before_the_next_output(void **state)
{
    struct fixture *const x = *state;
    struct failure f;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    reopen(x, "bus");
    assert_int_equal(find(x, 1, 10, 7), KNOWN_HERE);
    assert_int_equal(setenv("WEIR_FAILPOINT", "repetitions.sync.fails:1:fail", 1), 0);
    failpoint_reset();
    assert_int_equal(repetitions_sync(x->r, &f), RETRY);
    assert_int_equal(repetitions_sync(x->r, &f), OK);
    (void)unsetenv("WEIR_FAILPOINT");
    failpoint_reset();
}

/* ---- a sync that fails ---- */

static size_t stores;

/* The page is stored to: let it, once. */
static void note_store(int number, siginfo_t *info, void *context)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)number;
    (void)context;
    if (mprotect((void *)((uintptr_t)info->si_addr / page * page), page, PROT_READ | PROT_WRITE) !=
        0) {
        _exit(1);
    }
    stores++;
}

/* The kernel takes the pages for clean then, and a second sync would write nothing. */
static void entries_are_stored_anew_after_a_sync_that_failed(void **state)
{
    const struct fixture *const x = *state;
    enum { ENTRIES = 200, PAGES = 3 };
    struct bucket b;
    struct failure f;
    struct sigaction before;
    const struct sigaction note = {.sa_sigaction = note_store, .sa_flags = SA_SIGINFO};
    size_t cut_n = 0;
    struct arena a;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    arena_init(&a, 1 << 20);
    assert_int_equal(bucket_open(&b, &a, x->dir, 1, &cut_n, &f), OK);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(bucket_put(&b, (struct bucket_entry){.id = {i, i + 1}}, &f), OK);
    }
    assert_int_equal(setenv("WEIR_FAILPOINT", "repetitions.sync.fails:1:fail", 1), 0);
    failpoint_reset();
    assert_int_equal(bucket_sync(&b, &f), RETRY);
    (void)unsetenv("WEIR_FAILPOINT");
    failpoint_reset();
    assert_int_equal(sigaction(SIGSEGV, &note, &before), 0);
    assert_int_equal(mprotect(b.entry, b.entries_room * sizeof *b.entry, PROT_READ), 0);
    stores = 0;
    assert_int_equal(bucket_sync(&b, &f), OK);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    assert_int_equal(stores, PAGES);
    bucket_close(&b);
    arena_close(&a);
}

static void another_bus_means_nothing_here(void **state)
{
    struct fixture *const x = *state;
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    reopen(x, "other bus");
    assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    assert_true(repetitions_size(x->r).is_foreign);
}

static void an_index_whose_meta_is_damaged_or_gone_says_that_it_begins_anew(void **state)
{
    struct fixture *const x = *state;
    char path[400];
    (void)snprintf(path, sizeof path, "%s/meta", x->dir);
    assert_false(repetitions_size(x->r).is_meta_lost);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(put(x, 1, 10, NOW_US), OK);
        repetitions_close(x->r);
        FILE *const to = fopen(path, "wb");
        assert_non_null(to);
        assert_int_equal(fclose(to), 0);
        assert_int_equal(i ? unlink(path) : 0, 0);
        open_index(x, "bus");
        assert_true(repetitions_size(x->r).is_meta_lost);
        assert_int_equal(find(x, 1, 20, 7), KNOWN_NOT);
    }
    reopen(x, "bus");
    assert_false(repetitions_size(x->r).is_meta_lost);
}

/* A disk that fails while it is opened is asked again: what is known is not given up for that. */
static void a_meta_that_cannot_be_read_now_loses_nothing(void **state)
{
    struct fixture *const x = *state;
    struct failure f;
    char path[400], kept[400];
    (void)snprintf(path, sizeof path, "%s/meta", x->dir);
    (void)snprintf(kept, sizeof kept, "%s/kept", x->dir);
    assert_int_equal(put(x, 1, 10, NOW_US), OK);
    repetitions_close(x->r);
    assert_int_equal(rename(path, kept), 0);
    assert_int_equal(symlink("meta", path), 0); /* ELOOP */
    assert_int_equal(repetitions_open(&x->arena, str_of(x->dir), S("bus"), &x->keep, &x->r, &f),
                     RETRY);
    assert_int_equal(rename(kept, path), 0);
    open_index(x, "bus");
    assert_false(repetitions_size(x->r).is_meta_lost);
    assert_int_not_equal(find(x, 1, 20, 7), KNOWN_NOT);
}

static void flip(const char *path, off_t offset)
{
    unsigned char c = 0;
    const int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &c, 1, offset), 1);
    c ^= 0x55;
    assert_int_equal(pwrite(fd, &c, 1, offset), 1);
    close(fd);
}

/* After a reboot the table may hold anything; its boot id tells, and the log makes it anew. */
static void a_table_of_another_boot_is_made_anew(void **state)
{
    struct fixture *const x = *state;
    char path[16][400];
    for (unsigned i = 1; i <= 500; i++) {
        assert_int_equal(put(x, i, i, NOW_US), OK);
    }
    repetitions_close(x->r);
    assert_int_equal(files(x, ".table", path), 1);
    flip(path[0], 3);
    for (off_t at = 64; at < 16000; at += 8) {
        flip(path[0], at);
    }
    open_index(x, "bus");
    for (unsigned i = 1; i <= 500; i++) {
        assert_int_equal(find(x, i, i, 7), KNOWN_HERE);
    }
}

struct told {
    char text[1024]; /* the last one */
    size_t n;
};

static void tell(void *to, struct str what)
{
    struct told *const t = to;
    assert_true(what.len < sizeof t->text);
    memcpy(t->text, what.at, what.len);
    t->text[what.len] = '\0';
    t->n++;
}

/* What verify says; until it is asked again. */
static const struct told *verified(struct fixture *x)
{
    static struct told t;
    struct failure f;
    const struct repetitions_to to = {tell, &t};
    t = (struct told){.n = 0};
    assert_int_equal(repetitions_verify(&x->arena, str_of(x->dir), S("bus"), true, &to, &f), OK);
    return &t;
}

static size_t damaged_entries(struct fixture *x)
{
    const struct told *const t = verified(x);
    const char *const at = strstr(t->text, ".log: ");
    assert_int_equal(t->n, at ? 1 : 0);
    return at ? strtoul(at + 6, NULL, 10) : 0;
}

static void what_rots_is_told_and_forgotten_alone(void **state)
{
    struct fixture *const x = *state;
    char path[16][400];
    char table[16][400];
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(put(x, i, i, NOW_US), OK);
    }
    assert_int_equal(damaged_entries(x), 0); /* in use, too */
    repetitions_close(x->r);
    assert_int_equal(files(x, ".log", path), 1);
    flip(path[0], 48 * 9 + 20);
    assert_int_equal(damaged_entries(x), 1); /* the table counted it, so it was whole */
    assert_int_equal(files(x, ".table", table), 1);
    unlink(table[0]);
    assert_int_equal(damaged_entries(x), 0); /* the last one may be in the middle of its writing */
    flip(path[0], 48 * 9 + 20);
    flip(path[0], 48 * 8 + 20);
    assert_int_equal(damaged_entries(x), 1);
    open_index(x, "bus");
    assert_int_equal(repetitions_size(x->r).torn, 1);
    assert_int_equal(damaged_entries(x), 0); /* blank now */
    assert_int_equal(find(x, 8, 1, 7), KNOWN_REPETITION);
    assert_int_equal(find(x, 9, 1, 7), KNOWN_NOT);
    assert_int_equal(find(x, 10, 1, 7), KNOWN_REPETITION);
    assert_int_equal(find(x, 10, 10, 7), KNOWN_HERE);
    assert_int_equal(put(x, 9, 90, NOW_US), OK);
    reopen(x, "bus");
    assert_int_equal(find(x, 9, 90, 7), KNOWN_HERE);
}

static void write_noise(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 0; at < st.st_size; at++) {
        const unsigned char c = (unsigned char)(1 + at % 251);
        assert_int_equal(pwrite(fd, &c, 1, at), 1);
    }
    assert_int_equal(close(fd), 0);
}

static void cut_to_half(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
}

static void take_away(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

/* Verify counts what is no more, and so does the next start, which begins the log anew. */
static void a_log_that_is_destroyed_cut_or_gone_is_told(void **state)
{
    static const struct {
        void (*destroy)(const char *path);
        size_t lost_n;
    } cases[] = {{write_noise, 800}, {cut_to_half, 800 - 512}, {take_away, 800}};
    struct fixture *const x = *state;
    char path[16][400];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned id = 1; id <= 800; id++) {
            assert_int_equal(put(x, id, id, NOW_US), OK);
        }
        assert_int_equal(verified(x)->n, 0);
        repetitions_close(x->r);
        assert_int_equal(verified(x)->n, 0);
        assert_int_equal(files(x, ".log", path), 1);
        cases[i].destroy(path[0]);
        assert_int_equal(damaged_entries(x), cases[i].lost_n);
        open_index(x, "bus");
        assert_int_equal(repetitions_size(x->r).torn, cases[i].lost_n);
        assert_int_equal(find(x, 800, 1, 7), KNOWN_NOT);
        assert_int_equal(verified(x)->n, 0);
        reopen(x, "bus");
        assert_int_equal(repetitions_size(x->r).torn, 0);
        take_all_away(x);
        open_index(x, "bus");
    }
}

/* Without a table of this boot a single bad entry at the end may be one that was being written. */
static void noise_without_a_table_is_told(void **state)
{
    struct fixture *const x = *state;
    char path[16][400];
    assert_int_equal(put(x, 1, 1, NOW_US), OK);
    repetitions_close(x->r);
    assert_int_equal(files(x, ".table", path), 1);
    unlink(path[0]);
    assert_int_equal(files(x, ".log", path), 1);
    write_noise(path[0]);
    assert_int_equal(damaged_entries(x), 1024); /* the room of a first log */
    open_index(x, "bus");
}

static void a_meta_that_is_not_its_own_is_told(void **state)
{
    struct fixture *const x = *state;
    char path[16][400];
    assert_int_equal(put(x, 1, 1, NOW_US), OK);
    assert_int_equal(files(x, "meta", path), 1);
    assert_int_equal(verified(x)->n, 0);
    write_noise(path[0]);
    assert_non_null(strstr(verified(x)->text, "meta is damaged"));
    unlink(path[0]);
    assert_non_null(strstr(verified(x)->text, "meta is gone"));
    reopen(x, "other bus");
    assert_non_null(strstr(verified(x)->text, "meta names other streams"));
    take_all_away(x);
    assert_non_null(strstr(verified(x)->text, "meta is gone"));
    open_index(x, "bus");
    assert_true(repetitions_size(x->r).is_meta_lost);
    assert_int_equal(verified(x)->n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_identity_is_known_by_position_and_body),
        TEST(a_bucket_that_is_new_lasts_before_any_output_does),
        TEST(texts_cannot_move_between_members),
        TEST(one_id_of_two_agents_or_of_two_sources_is_two_events),
        TEST(drop_takes_out_only_what_points_here),
        TEST(it_agrees_with_an_array_through_growth_and_reopening),
        TEST(what_is_older_than_keep_is_forgotten),
        TEST(the_budget_holds_and_what_it_drops_is_counted),
        TEST(it_says_from_when_on_it_knows),
        TEST(a_bucket_is_synced_before_the_next_one_begins),
        TEST(a_clock_that_is_wrong_for_a_moment_forgets_nothing),
        TEST(an_index_that_begins_while_the_clock_is_doubted_forgets_in_its_time),
        TEST(what_goes_since_the_clock_went_ahead_is_counted),
        TEST(what_a_killed_process_noted_is_synced_before_the_next_output),
        TEST(entries_are_stored_anew_after_a_sync_that_failed),
        TEST(another_bus_means_nothing_here),
        TEST(a_table_of_another_boot_is_made_anew),
        TEST(an_index_whose_meta_is_damaged_or_gone_says_that_it_begins_anew),
        TEST(a_meta_that_cannot_be_read_now_loses_nothing),
        TEST(what_rots_is_told_and_forgotten_alone),
        TEST(a_log_that_is_destroyed_cut_or_gone_is_told),
        TEST(noise_without_a_table_is_told),
        TEST(a_meta_that_is_not_its_own_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
