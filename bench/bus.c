/* bus.c - records appended to the embedded bus, group by group, beside pwrite and fdatasync of the
 * same bytes in a preallocated file; records read back beside pread of the same bytes; steps. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/os.h"
#include "bus/upkeep.h"
#include "folder.h"

/* As the intake's: 12 KB webhooks, 64 of them ready in one turn. */
enum { RECORD_BYTES = 12 * 1024, GROUP = 64, READ_BYTES = 1 << 20, SEGMENT_BYTES = 64 << 20 };
#define SPAN_US INT64_C(3000000)
#define DISK_BYTES (UINT64_C(3) << 30)

static void must(enum outcome result, const struct failure *f)
{
    if (result != OK) {
        fprintf(stderr, "%s\n", f->text);
        exit(1);
    }
}

struct rate {
    double per_s;
    uint64_t n;
};

static struct rate rate_since(int64_t start_us, uint64_t n)
{
    return (struct rate){(double)n * 1e6 / (double)(clock_mono_us() - start_us), n};
}

static void print(const char *name, struct rate r, const char *beside, struct rate b)
{
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"records/s\",\"beside\":\"%s\","
           "\"beside_value\":%.0f,\"ratio\":%.3f}\n",
           name, r.per_s, beside, b.per_s, r.per_s / b.per_s);
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

/* The same bytes, from the same memory, in a file whose blocks are there and were written before
 * (is_written) or not. */
static struct rate bare(struct record *r, bool is_written, bool has_sync)
{
    struct failure f;
    const int fd = open(folder_path("bare"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const off_t group = (off_t)GROUP * RECORD_BYTES;
    const off_t file = (off_t)SEGMENT_BYTES / group * group;
    uint64_t n = 0;
    must(os_allocate(fd, SEGMENT_BYTES, &f), &f);
    for (off_t at = 0; is_written && at < file; at += RECORD_BYTES) {
        must(file_write_at(fd, r[0].signal.data, at, &f), &f);
    }
    must(file_sync(fd, "bare", &f), &f);
    const int64_t start_us = clock_mono_us();
    for (off_t at = 0; clock_mono_us() - start_us < SPAN_US; at = (at + group) % file) {
        for (int i = 0; i < GROUP; i++) {
            must(file_write_at(fd, r[i].signal.data, at + (off_t)i * RECORD_BYTES, &f), &f);
        }
        if (has_sync) {
            must(file_sync(fd, "bare", &f), &f);
        }
        n += GROUP;
    }
    const struct rate rate = rate_since(start_us, n);
    close(fd);
    unlink(folder_path("bare"));
    return rate;
}

/* Append for a while; what is over the budget of the disk is trimmed, so that segments come round.
 */
static struct rate append_for(struct bus *b, struct arena *a, struct record *r, uint64_t keep)
{
    struct failure f;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    const int64_t start_us = clock_mono_us();
    uint64_t n = 0;
    while (clock_mono_us() - start_us < SPAN_US) {
        must(bus_append(b, lane, r, GROUP, &f), &f);
        n += GROUP;
        if (keep && n % (GROUP * 32) == 0) {
            struct lane_ends *ends = NULL;
            size_t ends_n = 0;
            must(bus_ends(b, a, STREAM_RAW, &ends, &ends_n, &f), &f);
            const uint64_t end = ends->end.at;
            must(bus_trim(b, lane, (struct position){end > keep ? end - keep : 0}, &f), &f);
        }
    }
    return rate_since(start_us, n);
}

static struct rate read_all(struct bus *b, struct arena *a)
{
    struct failure f;
    struct reader *r = NULL;
    uint64_t n = 0;
    const int64_t start_us = clock_mono_us();
    must(reader_join(b, STREAM_BIT(STREAM_RAW), S("bench"), CURSOR_BUS, &r, &f), &f);
    for (;;) {
        struct batch batch = {.arena = a};
        must(reader_read(r, READ_BYTES, 0, &batch, &f), &f);
        if (batch.n == 0 && batch.gained_n == 0) {
            break;
        }
        for (size_t i = 0; i < batch.n; i++) {
            n += batch.slice[i].n;
        }
        arena_reset(a);
    }
    const struct rate rate = rate_since(start_us, n);
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
    return rate_since(start_us, bytes / RECORD_BYTES);
}

static void ignore(void *to, const struct finding *finding)
{
    (void)to, (void)finding;
}

static struct rate recover(struct config_bus *config, uint64_t bytes)
{
    struct failure f;
    const struct finding_to report = {ignore, NULL};
    const int64_t start_us = clock_mono_us();
    must(bus_recover(config, report, &f), &f);
    return rate_since(start_us, bytes / RECORD_BYTES);
}

static void measure(struct config_bus *config, struct arena *a, struct arena *batch)
{
    struct failure f;
    struct bus *b = NULL;
    struct record *const r = make_group(a);
    const struct rate new_file = bare(r, false, true);
    const struct rate old_file = bare(r, true, true);
    must(bus_open(a, config->type, config, &b, &f), &f);
    const struct rate growing = append_for(b, a, r, 0);
    const struct rate again = read_all(b, batch);
    char path[600];
    snprintf(path, sizeof path, "%s", folder_path("bus/raw/intake-0/00000000000000000000.seg"));
    print("bus: append, 64 records of 12 KB a group, growing", growing,
          "pwrite and fdatasync, preallocated file", new_file);
    const struct rate recycled = append_for(b, a, r, UINT64_C(256) << 20);
    print("bus: append, 64 records of 12 KB a group, recycled", recycled,
          "pwrite and fdatasync, file written before", old_file);
    snprintf(path, sizeof path, "%s", folder_path("copy"));
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    for (off_t at = 0; at < SEGMENT_BYTES; at += RECORD_BYTES) {
        must(file_write_at(fd, r[0].signal.data, at, &f), &f);
    }
    close(fd);
    print("bus: read, batches of 1 MiB", again, "pread of the page cache", read_bare(path, batch));
    bus_close(b);
    const struct rate start = recover(config, SEGMENT_BYTES);
    printf("{\"name\":\"bus: recover a lane whose last segment has 64 MiB\",\"value\":%.1f,"
           "\"unit\":\"ms\"}\n",
           (double)start.n / start.per_s * 1e3);
}

int main(void)
{
    struct arena a;
    struct arena batch;
    if (!folder_make()) {
        return 1;
    }
    struct config_bus config = {.type = S("embedded"),
                                .path = str_of(folder_path("bus")),
                                .segment_bytes = SEGMENT_BYTES,
                                .disk_bytes_max = DISK_BYTES};
    arena_init(&a, SIZE_MAX / 2);
    arena_init(&batch, SIZE_MAX / 2);
    measure(&config, &a, &batch);
    arena_close(&batch);
    arena_close(&a);
    folder_drop();
    return 0;
}
