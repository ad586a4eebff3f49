#include "bus/frame.h"

#include <assert.h>

#include "base/hash.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the numbers on disk are copied as is");

enum { VERSION = 1, FLAG_STEP = 1, FLAG_VOID = 1 };
enum magic { MAGIC_GROUP = 0x50524757, MAGIC_FRAME = 0x4d524657, MAGIC_SEGMENT = 0x47455357 };

/* `checksum` is of all that follows it. */
struct group_head {
    uint64_t checksum;
    uint32_t magic;
    uint8_t version, flags;
    uint16_t zero;
    uint64_t generation, position, bytes, records_before;
    int64_t time_us;
    uint32_t n, step_bytes;
};
_Static_assert(sizeof(struct group_head) == GROUP_HEAD_BYTES, "as on disk");

/* Then the origin lane's name, the signal, zeros to the next multiple of 8. Of a void frame only
 * the head counts. */
struct frame_head {
    uint64_t checksum;
    uint32_t magic, bytes, data_bytes, part, parts;
    uint8_t origin_stream, origin_name_bytes, flags, zero;
    uint64_t origin_at;
};
_Static_assert(sizeof(struct frame_head) == FRAME_HEAD_BYTES, "as on disk");

struct segment_head {
    uint64_t checksum;
    uint32_t magic, version;
    uint64_t generation, first, is_recycled;
    uint64_t zero[3];
};
_Static_assert(sizeof(struct segment_head) == SEGMENT_HEAD_BYTES, "as on disk");

/* Written ahead of the tally's names. */
struct step_head {
    uint64_t from, to, stored, dead;
    uint16_t names_n;
    uint8_t input_stream, input_name_bytes;
    uint32_t revision;
};
struct step_name {
    uint64_t n;
    uint8_t is_ignored, bytes;
    uint8_t zero[6];
};

static uint64_t seed_of(uint64_t generation, uint64_t position)
{
    /* 2^64 / golden ratio: neighbouring positions get seeds far apart */
    return generation ^ position * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t checksum_of(struct str item, uint64_t generation, uint64_t position)
{
    return hash_64(str_sub(item, sizeof(uint64_t), item.len), seed_of(generation, position));
}

static size_t padded(size_t bytes)
{
    return (bytes + ITEM_ALIGN - 1) / ITEM_ALIGN * ITEM_ALIGN;
}

/* ---- writing ---- */

static void pad(struct buf *b)
{
    static const char zeros[ITEM_ALIGN] = {0};
    buf_add(b, (struct str){zeros, padded(b->len) - b->len});
}

static size_t step_write(struct buf *b, const struct group_step *s)
{
    const size_t start = b->len;
    const struct step_head head = {.from = s->from.at,
                                   .to = s->to.at,
                                   .stored = s->tally.stored,
                                   .dead = s->tally.dead,
                                   .names_n = (uint16_t)s->tally.names_n,
                                   .input_stream = (uint8_t)s->input.stream,
                                   .input_name_bytes = (uint8_t)s->input.name.len,
                                   .revision = s->revision};
    assert(s->tally.names_n <= UINT16_MAX);
    buf_add(b, (struct str){(const char *)&head, sizeof head});
    buf_add(b, s->input.name);
    for (size_t i = 0; i < s->tally.names_n; i++) {
        const struct tally_name *const name = &s->tally.name[i];
        const struct str text = str_sub(name->name, 0, UINT8_MAX);
        const struct step_name one = {
            .n = name->n, .is_ignored = name->is_ignored, .bytes = (uint8_t)text.len};
        buf_add(b, (struct str){(const char *)&one, sizeof one});
        buf_add(b, text);
    }
    return b->len - start;
}

static void frame_write(struct buf *b, const struct record *r)
{
    const size_t start = b->len;
    char *const room = buf_take(b, FRAME_HEAD_BYTES);
    struct frame_head head = {.magic = MAGIC_FRAME,
                              .part = r->origin.part,
                              .parts = r->origin.parts,
                              .origin_stream = (uint8_t)r->origin.lane.stream,
                              .origin_name_bytes = (uint8_t)r->origin.lane.name.len,
                              .origin_at = r->origin.at.at};
    assert(r->origin.lane.name.len <= LANE_NAME_BYTES_MAX);
    buf_add(b, r->origin.lane.name);
    const size_t data_start = b->len;
    signal_write(b, &r->signal);
    head.data_bytes = (uint32_t)(b->len - data_start);
    pad(b);
    head.bytes = (uint32_t)(b->len - start);
    if (room && !buf_is_over(b)) {
        memcpy(b->at + start, &head, sizeof head);
    }
}

void group_write(struct buf *b, struct group *g, const struct group_step *step, struct record *r,
                 size_t n)
{
    assert(b->len == 0 && n <= UINT32_MAX);
    struct group_head head = {.magic = MAGIC_GROUP,
                              .version = VERSION,
                              .flags = step ? FLAG_STEP : 0,
                              .position = g->position,
                              .records_before = g->records_before,
                              .time_us = g->time_us,
                              .n = (uint32_t)n};
    (void)buf_take(b, sizeof head);
    head.step_bytes = step ? (uint32_t)step_write(b, step) : 0;
    pad(b);
    for (size_t i = 0; i < n; i++) {
        r[i].at = (struct position){g->position + b->len};
        frame_write(b, &r[i]);
    }
    head.bytes = b->len;
    g->bytes = b->len;
    g->n = (uint32_t)n;
    if (!buf_is_over(b)) {
        memcpy(b->at, &head, sizeof head);
    }
}

static void seal(char *item, size_t bytes, uint64_t generation, uint64_t position)
{
    const uint64_t checksum = checksum_of((struct str){item, bytes}, generation, position);
    memcpy(item, &checksum, sizeof checksum);
}

void group_seal(char *at, size_t bytes, uint64_t generation)
{
    struct group_head head;
    memcpy(&head, at, sizeof head);
    assert(head.magic == MAGIC_GROUP && head.bytes == bytes);
    head.generation = generation;
    memcpy(at, &head, sizeof head);
    size_t done = padded(sizeof head + head.step_bytes);
    seal(at, done, generation, head.position);
    for (uint32_t i = 0; i < head.n; i++) {
        struct frame_head frame;
        memcpy(&frame, at + done, sizeof frame);
        assert(frame.magic == MAGIC_FRAME);
        seal(at + done, frame.bytes, generation, head.position + done);
        done += frame.bytes;
    }
    assert(done == bytes);
}

void void_write(char out[FRAME_HEAD_BYTES], uint64_t bytes, uint64_t generation, uint64_t position)
{
    assert(bytes >= FRAME_HEAD_BYTES && bytes <= UINT32_MAX && bytes % ITEM_ALIGN == 0);
    const struct frame_head head = {
        .magic = MAGIC_FRAME, .bytes = (uint32_t)bytes, .flags = FLAG_VOID};
    memcpy(out, &head, sizeof head);
    seal(out, FRAME_HEAD_BYTES, generation, position);
}

void segment_head_write(char out[SEGMENT_HEAD_BYTES], uint64_t generation, uint64_t first,
                        bool is_recycled)
{
    const struct segment_head head = {.magic = MAGIC_SEGMENT,
                                      .version = VERSION,
                                      .generation = generation,
                                      .first = first,
                                      .is_recycled = is_recycled};
    memcpy(out, &head, sizeof head);
    seal(out, SEGMENT_HEAD_BYTES, 0, 0);
}

/* ---- reading ---- */

struct segment_head_found segment_head_read(struct str bytes)
{
    struct segment_head head;
    if (bytes.len < sizeof head) {
        return (struct segment_head_found){0};
    }
    memcpy(&head, bytes.at, sizeof head);
    return (struct segment_head_found){
        .is_valid = head.magic == MAGIC_SEGMENT && head.version == VERSION &&
                    head.checksum == checksum_of(str_sub(bytes, 0, sizeof head), 0, 0),
        .is_recycled = head.is_recycled != 0,
        .generation = head.generation,
        .first = head.first};
}

static struct item group_head_read(struct str bytes, uint64_t generation, uint64_t position)
{
    struct group_head head;
    if (bytes.len < sizeof head) {
        return (struct item){.kind = ITEM_SHORT, .bytes = sizeof head};
    }
    memcpy(&head, bytes.at, sizeof head);
    const size_t whole = padded(sizeof head + head.step_bytes);
    if (head.version != VERSION || head.generation != generation || head.position != position ||
        head.bytes < whole || head.bytes > INT64_MAX || head.bytes % ITEM_ALIGN != 0) {
        return (struct item){.kind = ITEM_BAD};
    }
    if (bytes.len < whole) {
        return (struct item){.kind = ITEM_SHORT, .bytes = whole};
    }
    if (head.checksum != checksum_of(str_sub(bytes, 0, whole), generation, position)) {
        return (struct item){.kind = ITEM_BAD};
    }
    return (struct item){.kind = ITEM_GROUP,
                         .bytes = whole,
                         .group = {.generation = generation,
                                   .position = position,
                                   .bytes = head.bytes,
                                   .records_before = head.records_before,
                                   .time_us = head.time_us,
                                   .n = head.n,
                                   .step = str_sub(bytes, sizeof head, head.step_bytes)}};
}

static struct item frame_read(struct str bytes, uint64_t generation, uint64_t position)
{
    struct frame_head head;
    if (bytes.len < sizeof head) {
        return (struct item){.kind = ITEM_SHORT, .bytes = sizeof head};
    }
    memcpy(&head, bytes.at, sizeof head);
    const bool is_void = head.flags & FLAG_VOID;
    const uint64_t inside = sizeof head + (uint64_t)head.origin_name_bytes +
                            (uint64_t)head.data_bytes;
    if (head.bytes < inside || head.bytes % ITEM_ALIGN != 0 || head.origin_stream >= STREAM_N) {
        return (struct item){.kind = ITEM_BAD};
    }
    const size_t summed = is_void ? sizeof head : head.bytes;
    if (bytes.len < summed) {
        return (struct item){.kind = ITEM_SHORT, .bytes = summed};
    }
    if (head.checksum != checksum_of(str_sub(bytes, 0, summed), generation, position)) {
        return (struct item){.kind = ITEM_BAD};
    }
    const struct str name = str_sub(bytes, sizeof head, head.origin_name_bytes);
    return (struct item){
        .kind = is_void ? ITEM_VOID : ITEM_FRAME,
        .bytes = head.bytes,
        .data = str_sub(bytes, sizeof head + name.len, head.data_bytes),
        .origin = {.lane = {.stream = (enum stream)head.origin_stream, .name = name},
                   .at = {head.origin_at},
                   .part = head.part,
                   .parts = head.parts}};
}

bool item_may_begin(const char *at, bool only_groups)
{
    uint32_t magic = 0;
    memcpy(&magic, at + sizeof(uint64_t), sizeof magic);
    return magic == MAGIC_GROUP || (magic == MAGIC_FRAME && !only_groups);
}

struct item item_read(struct str bytes, uint64_t generation, uint64_t position)
{
    uint32_t magic = 0;
    if (bytes.len < FRAME_HEAD_BYTES) {
        return (struct item){.kind = ITEM_SHORT, .bytes = FRAME_HEAD_BYTES};
    }
    memcpy(&magic, bytes.at + sizeof(uint64_t), sizeof magic);
    return magic == MAGIC_GROUP   ? group_head_read(bytes, generation, position)
           : magic == MAGIC_FRAME ? frame_read(bytes, generation, position)
                                  : (struct item){.kind = ITEM_BAD};
}

bool group_is_whole(struct str bytes, uint64_t generation, uint64_t position, struct group *out)
{
    struct item item = item_read(bytes, generation, position);
    if (item.kind != ITEM_GROUP || item.group.bytes > bytes.len) {
        return false;
    }
    const struct group g = item.group;
    uint64_t done = item.bytes;
    while (done < g.bytes) {
        item = item_read(str_sub(bytes, done, g.bytes - done), generation, position + done);
        if (item.kind != ITEM_FRAME && item.kind != ITEM_VOID) {
            return false;
        }
        done += item.bytes;
    }
    *out = g;
    return done == g.bytes;
}

static struct str take(struct str *bytes, size_t n)
{
    const struct str taken = str_sub(*bytes, 0, n);
    *bytes = str_sub(*bytes, taken.len, bytes->len);
    return taken;
}

bool group_step_read(struct arena *a, struct str step, struct group_step *out)
{
    struct step_head head;
    *out = (struct group_step){0};
    if (step.len < sizeof head) {
        return false;
    }
    memcpy(&head, take(&step, sizeof head).at, sizeof head);
    if (head.input_stream >= STREAM_N || head.input_name_bytes > step.len) {
        return false;
    }
    out->input = (struct lane){(enum stream)head.input_stream,
                               arena_str(a, take(&step, head.input_name_bytes))};
    out->from = (struct position){head.from};
    out->to = (struct position){head.to};
    out->revision = head.revision;
    out->tally = (struct tally){.stored = head.stored, .dead = head.dead};
    out->tally.name = arena_array(a, struct tally_name, head.names_n);
    for (uint16_t i = 0; i < head.names_n; i++) {
        struct step_name one;
        if (step.len < sizeof one) {
            return false;
        }
        memcpy(&one, take(&step, sizeof one).at, sizeof one);
        if (one.bytes > step.len) {
            return false;
        }
        out->tally.name[out->tally.names_n++] = (struct tally_name){
            .is_ignored = one.is_ignored == 1,
            .name = arena_str(a, take(&step, one.bytes)),
            .n = one.n};
    }
    return true;
}

bool group_generation(struct str bytes, uint64_t position, uint64_t *generation)
{
    struct group_head head;
    if (bytes.len < sizeof head) {
        return false;
    }
    memcpy(&head, bytes.at, sizeof head);
    *generation = head.generation;
    return item_read(bytes, head.generation, position).kind == ITEM_GROUP;
}

uint64_t group_begun(struct str bytes, uint64_t generation, uint64_t position)
{
    struct group_head head = {0};
    memcpy(&head, bytes.len ? bytes.at : "", bytes.len < sizeof head ? bytes.len : sizeof head);
    const bool is_ours = head.magic == MAGIC_GROUP && head.generation == generation &&
                         (head.position == position || bytes.len < sizeof head);
    return is_ours && head.bytes == 0 ? bytes.len : is_ours ? head.bytes : 0;
}
