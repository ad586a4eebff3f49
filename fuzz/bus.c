/* bus.c - a segment of any bytes: recovery ends, serves no record that was not written, and a
 * second recovery finds nothing more to do. The input says what is done to a segment of known
 * records: pairs of place and byte, and where it is cut. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bus/frame.h"
#include "bus/lane_dir.h"
#include "bus/recover.h"
#include "bus/scan.h"
#include "fuzz.h"

enum {
    MEMORY_BYTES_MAX = 64 << 20,
    GROUPS = 6,
    GROUP = 3,
    SEGMENT_BYTES = 8192,
    GENERATION = 0x5eed,
    EDIT_BYTES = 3
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct record record_of(struct arena *a, int number)
{
    return (struct record){
        .signal = {.id = arena_printf(a, "id-%d", number),
                   .source = S("/agents/fuzz"),
                   .type = S("t"),
                   .time_us = TIME_NONE,
                   .received_us = number,
                   .data = arena_printf(a, "{\"number\":%d}", number)},
        .origin = {.lane = {STREAM_RAW, S("intake-0")}, .at = {(uint64_t)number}, .part = 1}};
}

/* A segment with GROUPS groups; the last one is a step. Returns where it ends. */
static uint64_t make_segment(struct arena *a, char *file)
{
    uint64_t end = 0;
    segment_head_write(file, GENERATION, 0, false);
    for (int i = 0; i < GROUPS; i++) {
        struct record r[GROUP];
        struct buf b;
        struct group g = {.position = end, .records_before = (uint64_t)i * GROUP};
        const struct group_step step = {.input = {STREAM_RAW, S("intake-0")}, .to = {7}};
        for (int k = 0; k < GROUP; k++) {
            r[k] = record_of(a, i * GROUP + k);
        }
        buf_init(&b, a, SEGMENT_BYTES);
        group_write(&b, &g, i == GROUPS - 1 ? &step : NULL, r, GROUP);
        group_seal(b.at, b.len, GENERATION);
        must(SEGMENT_HEAD_BYTES + end + b.len < SEGMENT_BYTES);
        memcpy(file + SEGMENT_HEAD_BYTES + end, b.at, b.len);
        end += b.len;
    }
    return end;
}

/* Every frame that a walk over the recovered segment serves is one of those that were written. */
static void check_records(struct arena *a, const char *path, const struct lane_tail *t)
{
    struct scan s;
    struct failure f;
    int64_t last = -1;
    must(scan_open(a, path, 0, &s, &f) == OK);
    for (uint64_t at = 0; at < t->end;) {
        const struct item item = scan_item(&s, at, t->end);
        must(item.kind != ITEM_BAD && item.kind != ITEM_SHORT);
        if (item.kind == ITEM_FRAME) {
            struct signal got;
            must(signal_read(item.data, &got, &f) == OK);
            const struct record right = record_of(a, (int)got.received_us);
            must(got.received_us > last && got.received_us < GROUPS * GROUP);
            must(str_eq(got.id, right.signal.id) && str_eq(got.data, right.signal.data));
            must(item.origin.at.at == (uint64_t)got.received_us);
            last = got.received_us;
        }
        at += item.bytes;
    }
}

static void count(void *to, const struct finding *finding)
{
    must(finding->bytes > 0);
    ++*(int *)to;
}

static void recover_twice(struct arena *a, const char *dir, const char *path,
                          struct lane_page *page)
{
    struct lane_dir lane = {.lane = {STREAM_RAW, S("intake-0")}, .path = dir, .page = page};
    struct lane_tail t;
    struct lane_tail again;
    struct failure f;
    int found = 0;
    must(lane_recover(a, &lane, true, (struct finding_to){count, &found}, &t, &f) == OK);
    if (t.has_segment) {
        check_records(a, path, &t);
    }
    found = 0;
    must(lane_recover(a, &lane, true, (struct finding_to){count, &found}, &again, &f) == OK);
    must(found == 0 && !again.is_mended && (!t.has_segment || again.end == t.end));
    must(again.has_group == t.has_group && again.last.position == t.last.position);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st, (void)flag, (void)where;
    return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct failure f;
    char dir[] = "/dev/shm/weir-fuzz-XXXXXX";
    struct lane_page page = {.begin = 0};
    arena_init(&a, MEMORY_BYTES_MAX);
    char *const file = arena_alloc(&a, SEGMENT_BYTES, 1);
    const uint64_t end = make_segment(&a, file);
    const size_t cut = size > 0 ? SEGMENT_BYTES - (size_t)data[0] * 16 : SEGMENT_BYTES;
    page.mark = size > 1 && data[1] % 2 ? end : 0; /* was all of it acknowledged? */
    for (size_t i = 2; i + EDIT_BYTES <= size; i += EDIT_BYTES) {
        file[(size_t)(data[i] << 8 | data[i + 1]) % SEGMENT_BYTES] = (char)data[i + 2];
    }
    must(mkdtemp(dir) != NULL);
    const char *const path = arena_printf(&a, "%s/%020d.seg", dir, 0).at;
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    must(fd >= 0 && file_write_at(fd, (struct str){file, cut}, 0, &f) == OK);
    close(fd);
    must(file_replace(arena_printf(&a, "%s/lane.page", dir).at, S(""), 0600, &f) ==
         OK); /* a lock */
    recover_twice(&a, dir, path, &page);
    must(nftw(dir, remove_one, 4, FTW_DEPTH | FTW_PHYS) == 0);
    arena_close(&a);
    return 0;
}
