/* Kill at every failpoint, fail at every one that can, at a random time each: what was acknowledged
 * is there, each once, and the image of a lane is the lane. The work is done by this program
 * itself, started anew with the argument `work`. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/driver.h"
#include "bus/frame.h"
#include "bus/log.h"
#include "folder.h"
#include "test.h"

enum {
    RECORDS = 240,
    ROOM = 300,
    GROUP = 4,
    RECORD_BYTES = 700,
    SEGMENT_BYTES = 16 * 1024,
    READ_BYTES = 6000,
    DEAD_EVERY = 7,
    TRIES_MAX = 50,
    NAMES_MAX = 64
};

/* ---- the work: append, step, trim, from wherever it was left ---- */

static void ignore(void *to, const struct finding *finding)
{
    (void)to;
    assert_int_equal(finding->kind, FINDING_TORN); /* a kill damages nothing */
}

/* Retry is the stages' business in life; here it is this loop's. */
static bool again(enum outcome result, int *tries)
{
    return result == RETRY && ++*tries < TRIES_MAX;
}

static void must(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        fprintf(stderr, "%s: %s\n", outcome_name(result), f->text);
        exit(3);
    }
}

/* Numbers from `next` on, the group's first repeated until it is taken; told to the ack file. */
static void append_group(struct log_bus *l, uint64_t next, int acks)
{
    int tries = 0;
    enum outcome result = OK;
    do {
        result = log_append(l, next, GROUP, RECORD_BYTES);
    } while (again(result, &tries));
    must(result, &l->f);
    const uint64_t upto = next + GROUP;
    must(file_write(acks, (struct str){(const char *)&upto, sizeof upto}, &l->f), &l->f);
}

static enum outcome step(struct log_bus *l, struct reader *r, struct batch *b)
{
    const struct slice *const s = b->slice;
    struct record *const fact = arena_array(b->arena, struct record, s->n);
    struct record *const letter = arena_array(b->arena, struct record, s->n);
    struct output out[2] = {
        {.lane = lane_output(b->arena, S("transform"), s->lane), .record = fact},
        {.lane = lane_dead(b->arena, S("transform"), s->lane), .record = letter}};
    for (size_t i = 0; i < s->n; i++) {
        const bool is_dead = s->record[i].signal.received_us % DEAD_EVERY == 0;
        struct output *const o = &out[is_dead];
        o->record[o->n] = s->record[i];
        o->record[o->n++].origin = (struct origin){s->lane, s->record[i].at, 1, 1};
    }
    return reader_step(r, b, out, 2, NULL, &l->f);
}

/* Transform all that is there. */
static void transform_all(struct log_bus *l, struct reader *r)
{
    struct arena a;
    int tries = 0;
    arena_init(&a, (size_t)1 << 28);
    for (;;) {
        struct batch b = {.arena = &a};
        must(reader_read(r, READ_BYTES, 0, &b, &l->f), &l->f);
        if (b.n == 0 && b.gained_n == 0) {
            break;
        }
        const enum outcome result = b.n ? step(l, r, &b) : OK;
        if (!again(result, &tries)) {
            must(result, &l->f);
        }
        arena_reset(&a);
    }
    arena_close(&a);
}

static void trim(struct log_bus *l)
{
    static const enum stream streams[] = {STREAM_RAW, STREAM_STANDARD};
    for (size_t k = 0; k < 2; k++) {
        struct lane_ends *ends = NULL;
        size_t n = 0;
        must(bus_ends(l->bus, &l->arena, streams[k], &ends, &n, &l->f), &l->f);
        for (size_t i = 0; i < n; i++) {
            const uint64_t end =
                ends[i].end.at; /* a test may calculate: keep about the last half */
            must(bus_trim(l->bus, ends[i].lane, (struct position){end - end / 8}, &l->f), &l->f);
        }
    }
}

static uint64_t raw_count(struct log_bus *l)
{
    uint64_t numbers[ROOM];
    size_t n = 0;
    must(log_read(l, raw_lane("intake-0"), numbers, ROOM, &n), &l->f);
    return n ? numbers[n - 1] + 1 : 0;
}

static int work(const char *acks_path, bool is_trimming)
{
    struct log_bus l;
    struct reader *r = NULL;
    const int acks = open(acks_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    log_init(&l, SEGMENT_BYTES);
    l.config.path = S("bus"); /* in the working folder */
    const struct finding_to nobody = {.found = ignore};
    must(bus_recover_driver(&bus_embedded, &l.config, nobody, &l.f), &l.f);
    must(bus_open_driver(&l.arena, &bus_embedded, &l.config, &l.bus, &l.f), &l.f);
    must(reader_join(l.bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l.f), &l.f);
    uint64_t next = raw_count(&l);
    while (next < RECORDS) {
        append_group(&l, next, acks);
        next = raw_count(&l);
        if (next % (3 * GROUP) == 0) {
            transform_all(&l, r);
        }
        if (is_trimming && next % (20 * GROUP) == 0) {
            trim(&l);
        }
    }
    transform_all(&l, r);
    reader_leave(r);
    log_drop(&l);
    close(acks);
    return 0;
}

/* ---- the test ---- */

static const char *program;
static unsigned seed; /* of the times at which it strikes */

/* Run the work with a failpoint set; its wait status. */
static int run_work(const char *failpoint, const char *list, const char *mode)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s", folder_path(""));
    const pid_t child = fork();
    if (child == 0) {
        setenv("WEIR_FAILPOINT", failpoint, 1);
        if (list) {
            setenv("WEIR_FAILPOINT_LIST", list, 1);
        }
        execl(program, program, mode, folder, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static uint64_t acknowledged(void)
{
    uint64_t upto = 0;
    uint64_t last = 0;
    const int fd = open(folder_path("acks"), O_RDONLY);
    while (fd >= 0 && read(fd, &upto, sizeof upto) == sizeof upto) {
        last = upto;
    }
    if (fd >= 0) {
        close(fd);
    }
    return last;
}

/* Strictly rising, each number right, gapless from the first that is kept. */
static void assert_rising(const uint64_t *numbers, size_t n, bool from_zero)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], i ? numbers[i - 1] + 1 : from_zero ? 0 : numbers[0]);
    }
}

/* Fact lane and dead lane together are each number once, up to `most`. */
static void assert_image(struct log_bus *l, uint64_t most, bool is_whole, bool is_trimmed)
{
    uint64_t facts[ROOM];
    uint64_t letters[ROOM];
    size_t facts_n = 0;
    size_t letters_n = 0;
    const struct lane raw = raw_lane("intake-0");
    const struct lane out = lane_output(&l->arena, S("transform"), raw);
    const struct lane dead = lane_dead(&l->arena, S("transform"), raw);
    assert_int_equal(log_read(l, out, facts, ROOM, &facts_n), OK);
    assert_int_equal(log_read(l, dead, letters, ROOM, &letters_n), OK);
    for (size_t i = 0; i < letters_n; i++) {
        assert_int_equal(letters[i], i * DEAD_EVERY); /* never trimmed here: all, each once */
    }
    uint64_t expected = is_trimmed && facts_n ? facts[0] : 1;
    for (size_t i = 0; i < facts_n; i++) {
        expected += expected % DEAD_EVERY == 0;
        assert_int_equal(facts[i], expected);
        expected++;
    }
    assert_true(expected <= most + 1);
    if (is_whole) {
        assert_true(facts[facts_n - 1] == most - 1 || letters[letters_n - 1] == most - 1);
    }
}

static void check(bool is_whole, bool is_trimmed)
{
    struct log_bus l;
    uint64_t numbers[ROOM];
    size_t n = 0;
    log_init(&l, SEGMENT_BYTES);
    const struct finding_to report = {ignore, NULL};
    assert_int_equal(bus_recover_driver(&bus_embedded, &l.config, report, &l.f), OK);
    log_open(&l);
    assert_int_equal(log_read(&l, raw_lane("intake-0"), numbers, ROOM, &n), OK);
    assert_rising(numbers, n, !is_trimmed);
    const uint64_t upto = n ? numbers[n - 1] + 1 : 0;
    assert_true(upto >= acknowledged());
    assert_int_equal(upto % GROUP, 0); /* a group is there or it is not */
    assert_image(&l, upto, is_whole, is_trimmed);
    log_drop(&l);
}

/* Leave the folder as a kill between write and sync does, the group that was written torn: what the
 * recovery that follows has to do. */
static void leave_torn(const char *mode)
{
    struct log_bus l;
    struct lane_ends *ends = NULL;
    size_t n = 0;
    size_t last = 0;
    (void)run_work("bus.append.written:40:kill", NULL, mode);
    log_init(&l, SEGMENT_BYTES);
    log_open(&l);
    assert_int_equal(bus_ends(l.bus, &l.arena, STREAM_RAW, &ends, &n, &l.f), OK);
    while (log_segment(&l, raw_lane("intake-0"), last + 1)) {
        last++;
    }
    const char *const path = log_segment(&l, raw_lane("intake-0"), last);
    const struct str name = str_sub(str_of(path), strlen(path) - strlen("00000000000000000000.seg"),
                                    20);
    uint64_t first = 0;
    assert_true(str_to_u64(name, &first));
    const int fd = open(path, O_WRONLY);
    const off_t at = (off_t)(SEGMENT_HEAD_BYTES + ends->end.at - first + GROUP_HEAD_BYTES + 50);
    assert_int_equal(file_write_at(fd, S("torn"), at, &l.f), OK);
    close(fd);
    log_drop(&l);
}

static void one_round(const char *name, unsigned count, const char *action, const char *mode)
{
    char failpoint[256];
    const bool is_trimmed = strcmp(mode, "trim") == 0;
    assert_non_null(folder_make_fast());
    snprintf(failpoint, sizeof failpoint, "%s:%u:%s", name, count, action);
    if (strstr(name, ".recover.")) {
        leave_torn(mode);
    }
    int status = run_work(failpoint, NULL, mode);
    if (strcmp(action, "kill") == 0) {
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check(false, is_trimmed);
        status = run_work("", NULL, mode);
    }
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        fail_msg("%s: the work ended with status %d", failpoint, status);
    }
    check(true, is_trimmed);
    folder_drop();
}

/* The names of the places that the work reaches, and how often. */
struct places {
    char name[NAMES_MAX][64];
    unsigned count[NAMES_MAX];
    size_t n;
};

/* is_torn: those of recovery, after a torn write; else all the others. */
static void list_places(struct places *p, const char *mode, bool is_torn)
{
    char line[64];
    assert_non_null(folder_make_fast());
    if (is_torn) {
        leave_torn(mode);
    }
    assert_int_equal(run_work("", folder_path("list"), mode), 0);
    check(true, strcmp(mode, "trim") == 0);
    FILE *const list = fopen(folder_path("list"), "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        size_t i = 0;
        line[strcspn(line, "\n")] = '\0';
        if (!strstr(line, ".recover.") == is_torn) {
            continue;
        }
        while (i < p->n && strcmp(p->name[i], line) != 0) {
            i++;
        }
        assert_true(i < NAMES_MAX);
        if (i == p->n) {
            snprintf(p->name[p->n++], sizeof p->name[0], "%s", line);
        }
        p->count[i]++;
    }
    fclose(list);
    folder_drop();
}

static void at_every_place(const char *mode)
{
    struct places p = {.n = 0};
    list_places(&p, mode, false);
    list_places(&p, mode, true);
#ifdef WEIR_FAILPOINTS
    assert_true(p.n > 12);
#else
    skip_because("this build has no failpoints");
#endif
    for (size_t i = 0; i < p.n; i++) {
        const bool can_fail = strstr(p.name[i], ".fail") || strstr(p.name[i], ".allocate");
        one_round(p.name[i], 1 + (unsigned)rand_r(&seed) % p.count[i], "kill", mode);
        if (can_fail) {
            one_round(p.name[i], 1 + (unsigned)rand_r(&seed) % p.count[i], "fail", mode);
        }
    }
}

static void killed_anywhere_nothing_acknowledged_is_lost_and_nothing_doubled(void **state)
{
    (void)state;
    at_every_place("work");
}

static void killed_while_segments_are_trimmed_and_recycled_it_is_the_same(void **state)
{
    (void)state;
    at_every_place("trim");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere_nothing_acknowledged_is_lost_and_nothing_doubled),
        cmocka_unit_test(killed_while_segments_are_trimmed_and_recycled_it_is_the_same),
    };
    program = argv[0];
    if (argc == 3) {
        return chdir(argv[2]) == 0 ? work("acks", strcmp(argv[1], "trim") == 0) : 4;
    }
    const char *const given = getenv("WEIR_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clock_mono_us();
    printf("WEIR_SEED=%u\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
