/* bus.c - records appended to the embedded bus, group by group, beside pwrite and fdatasync of the
 * same bytes in a preallocated file; records read back beside pread of the same bytes; steps. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/os.h"
#include "bus/driver.h"
#include "folder.h"

/* As the intake's: 12 KB webhooks, 64 of them ready in one turn. */
enum {
    RECORD_BYTES = 12 * 1024,
    GROUP = 64,
    READ_BYTES = 1 << 20,
    SEGMENT_BYTES = 64 << 20,
    TURNS = 16
};
#define KEEP_BYTES (UINT64_C(256) << 20)
#define TURN_US INT64_C(150000)
#define DISK_BYTES (UINT64_C(3) << 30)

static void must(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        fprintf(stderr, "%s\n", f->text);
        exit(1);
    }
}

/* What was done in how long: the sum of many short turns, so that both sides of a comparison see
 * the same machine. */
struct rate {
    uint64_t n;
    int64_t us;
};

static double per_s(struct rate r)
{
    return (double)r.n * 1e6 / (double)r.us;
}

static void print(const char *name, struct rate r, const char *beside, struct rate b)
{
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"records/s\",\"beside\":\"%s\","
           "\"beside_value\":%.0f,\"ratio\":%.3f}\n",
           name, per_s(r), beside, per_s(b), per_s(r) / per_s(b));
}

static struct record *make_group(struct arena *a)
{
    struct record *const r = arena_array(a, struct record, GROUP);
    for (int i = 0; i < GROUP; i++) {
        char *const data = arena_alloc(a, RECORD_BYTES, 1);
        os_random(data, RECORD_BYTES);
        r[i].signal = (struct signal){.id = S("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
                                      .source = S("/agents/github"),
                                      .type = S("com.github.push"),
                                      .agent = S("github"),
                                      .time_us = TIME_NONE,
                                      .received_us = clock_now_us(),
                                      .data = {data, RECORD_BYTES}};
    }
    return r;
}

/* A file of SEGMENT_BYTES whose blocks are there, and were written before or not. */
static int bare_open(struct record *r, bool is_written)
{
    struct failure f;
    const int fd = open(folder_path("bare"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(os_allocate(fd, SEGMENT_BYTES, &f), &f);
    for (off_t at = 0; is_written && at + RECORD_BYTES <= SEGMENT_BYTES; at += RECORD_BYTES) {
        must(file_write_at(fd, r[0].signal.data, at, &f), &f);
    }
    must(file_sync(fd, "bare", &f), &f);
    return fd;
}

/* One turn of the same bytes, written from the same memory. */
static void bare_turn(int fd, struct record *r, off_t *at, struct rate *rate)
{
    struct failure f;
    const off_t group = (off_t)GROUP * RECORD_BYTES;
    const int64_t start_us = clock_mono_us();
    while (clock_mono_us() - start_us < TURN_US) {
        *at = *at + group > SEGMENT_BYTES ? 0 : *at;
        for (int i = 0; i < GROUP; i++) {
            must(file_write_at(fd, r[i].signal.data, *at, &f), &f);
            *at += RECORD_BYTES;
        }
        must(file_sync(fd, "bare", &f), &f);
        rate->n += GROUP;
    }
    rate->us += clock_mono_us() - start_us;
}

/* One turn of appends; then what is beyond `keep` bytes is trimmed, so that segments come round. */
static void append_turn(struct bus *b, struct arena *a, struct record *r, uint64_t keep,
                        struct rate *rate)
{
    struct failure f;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    const int64_t start_us = clock_mono_us();
    while (clock_mono_us() - start_us < TURN_US) {
        must(bus_append(b, lane, r, GROUP, &f), &f);
        rate->n += GROUP;
    }
    rate->us += clock_mono_us() - start_us;
    struct lane_ends *ends = NULL;
    size_t ends_n = 0;
    must(bus_ends(b, a, STREAM_RAW, &ends, &ends_n, &f), &f);
    const uint64_t end = ends->end.at;
    must(bus_trim(b, lane, (struct position){end > keep ? end - keep : 0}, &f), &f);
}

static void append_beside_bare(struct bus *b, struct arena *a, struct record *r, bool is_recycled)
{
    struct rate bus = {0};
    struct rate bare = {0};
    off_t at = 0;
    int fd = bare_open(r, is_recycled);
    for (int turn = 0; turn < TURNS; turn++) {
        if (!is_recycled && turn % 4 == 0) { /* blocks that nobody wrote yet */
            close(fd);
            fd = bare_open(r, false);
            at = 0;
        }
        bare_turn(fd, r, &at, &bare);
        append_turn(b, a, r, is_recycled ? KEEP_BYTES : UINT64_MAX, &bus);
    }
    close(fd);
    unlink(folder_path("bare"));
    print(is_recycled ? "bus: append, 64 records of 12 KB a group, recycled segments"
                      : "bus: append, 64 records of 12 KB a group, new segments",
          bus,
          is_recycled ? "pwrite and fdatasync, file written before"
                      : "pwrite and fdatasync, preallocated file",
          bare);
}

static struct rate read_all(struct bus *b, struct arena *a)
{
    struct failure f;
    struct reader *r = NULL;
    struct lane_ends *ends = NULL;
    size_t ends_n = 0;
    must(bus_ends(b, a, STREAM_RAW, &ends, &ends_n, &f), &f);
    const struct lane_ends lane = *ends;
    uint64_t n = 0;
    const int64_t start_us = clock_mono_us();
    must(reader_join(b, STREAM_BIT(STREAM_RAW), S("bench"), CURSOR_SINK, &r, &f), &f);
    for (;;) {
        struct batch batch = {.arena = a};
        must(reader_read(r, READ_BYTES, 0, &batch, &f), &f);
        if (batch.n == 0 && batch.gained_n == 0) {
            break;
        }
        if (batch.gained_n) {
            must(reader_seek(r, lane.lane, lane.begin, &f), &f);
        }
        for (size_t i = 0; i < batch.n; i++) {
            n += batch.slice[i].n;
        }
        arena_reset(a);
    }
    const struct rate rate = {n, clock_mono_us() - start_us};
    reader_leave(r);
    return rate;
}

/* Bytes of the page cache copied in the same pieces. */
static struct rate read_bare(const char *path, struct arena *a)
{
    const int fd = open(path, O_RDONLY);
    uint64_t bytes = 0;
    const int64_t start_us = clock_mono_us();
    for (int round = 0; round < 20; round++) {
        for (off_t at = 0; at + READ_BYTES <= SEGMENT_BYTES; at += READ_BYTES) {
            char *const to = arena_grow(a, NULL, 0, READ_BYTES);
            bytes += pread(fd, to, READ_BYTES, at) == READ_BYTES ? READ_BYTES : 0;
            arena_reset(a);
        }
    }
    close(fd);
    return (struct rate){bytes / RECORD_BYTES, clock_mono_us() - start_us};
}

static void ignore(void *to, const struct finding *finding)
{
    (void)to, (void)finding;
}

static struct rate recover(struct config_bus *config)
{
    struct failure f;
    const struct finding_to report = {ignore, NULL};
    const int64_t start_us = clock_mono_us();
    must(bus_recover_driver(&bus_embedded, config, report, &f), &f);
    return (struct rate){1, clock_mono_us() - start_us};
}

/* A file that the page cache holds. */
static const char *make_copy(struct record *r)
{
    struct failure f;
    const int fd = open(folder_path("copy"), O_RDWR | O_CREAT, 0600);
    for (off_t at = 0; at < SEGMENT_BYTES; at += RECORD_BYTES) {
        must(file_write_at(fd, r[0].signal.data, at, &f), &f);
    }
    close(fd);
    return folder_path("copy");
}

static void measure(struct config_bus *config, struct arena *a, struct arena *batch)
{
    struct failure f;
    struct bus *b = NULL;
    struct record *const r = make_group(a);
    must(bus_open_driver(a, &bus_embedded, config, &b, &f), &f);
    append_beside_bare(b, a, r, false);
    append_beside_bare(b, a, r, true);
    print("bus: read, batches of 1 MiB", read_all(b, batch), "pread of the page cache",
          read_bare(make_copy(r), batch));
    bus_close(b);
    printf("{\"name\":\"bus: recover a lane of 256 MiB, last segment 64 MiB\",\"value\":%.1f,"
           "\"unit\":\"ms\"}\n",
           (double)recover(config).us / 1e3);
}

int main(void)
{
    struct arena a;
    struct arena batch;
    if (!folder_make()) {
        return 1;
    }
    arena_init(&a, SIZE_MAX / 2);
    struct config_bus config = {.path = arena_str(&a, str_of(folder_path("bus"))),
                                .segment_bytes = SEGMENT_BYTES,
                                .disk_bytes_max = DISK_BYTES};
    arena_init(&batch, SIZE_MAX / 2);
    measure(&config, &a, &batch);
    arena_close(&batch);
    arena_close(&a);
    folder_drop();
    return 0;
}
