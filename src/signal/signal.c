#include "signal/signal.h"

/* On disk: one byte VERSION, then members: tag byte, length as LEB128, bytes; times are 8 bytes
 * little endian. A tag is never reused. */
enum { VERSION = 1, TIME_BYTES = 8 };

enum tag {
    TAG_ID = 1,
    TAG_SOURCE,
    TAG_TYPE,
    TAG_SUBJECT,
    TAG_DATACONTENTTYPE,
    TAG_PARTITIONKEY,
    TAG_TIME,
    TAG_AGENT,
    TAG_RECEIVED,
    TAG_HEADERS,
    TAG_STAGE,
    TAG_REASON,
    TAG_POINTER,
    TAG_RETRY_OF,
    TAG_DATA, /* written last */
    TAG_FIRST,
    TAG_END
};

/* Where a tag's text stands in struct signal, or NULL for times and unknown tags. */
static struct str *text_of(struct signal *s, unsigned tag)
{
    struct str *const texts[] = {
        [TAG_ID] = &s->id,
        [TAG_SOURCE] = &s->source,
        [TAG_TYPE] = &s->type,
        [TAG_SUBJECT] = &s->subject,
        [TAG_DATACONTENTTYPE] = &s->datacontenttype,
        [TAG_PARTITIONKEY] = &s->partitionkey,
        [TAG_AGENT] = &s->agent,
        [TAG_HEADERS] = &s->headers,
        [TAG_STAGE] = &s->stage,
        [TAG_REASON] = &s->reason,
        [TAG_POINTER] = &s->pointer,
        [TAG_RETRY_OF] = &s->retry_of,
        [TAG_DATA] = &s->data,
        [TAG_FIRST] = &s->first,
    };
    return tag < sizeof texts / sizeof *texts ? texts[tag] : NULL;
}

static int64_t *time_of(struct signal *s, unsigned tag)
{
    return tag == TAG_TIME ? &s->time_us : tag == TAG_RECEIVED ? &s->received_us : NULL;
}

static void put_member(struct buf *b, unsigned tag, struct str bytes)
{
    buf_add_byte(b, (char)tag);
    size_t left = bytes.len;
    while (left >= 0x80) {
        buf_add_byte(b, (char)(0x80 | (left & 0x7F)));
        left >>= 7;
    }
    buf_add_byte(b, (char)left);
    buf_add(b, bytes);
}

static void write_member(struct buf *b, struct signal *s, unsigned tag)
{
    const int64_t *const time = time_of(s, tag);
    const struct str *const text = text_of(s, tag);
    if (time && *time != TIME_NONE) {
        char bytes[TIME_BYTES];
        for (size_t i = 0; i < TIME_BYTES; i++) {
            bytes[i] = (char)((uint64_t)*time >> (8 * i));
        }
        put_member(b, tag, (struct str){bytes, TIME_BYTES});
    } else if (text && text->len) {
        put_member(b, tag, *text);
    }
}

void signal_write(struct buf *b, const struct signal *s)
{
    struct signal copy = *s;
    buf_add_byte(b, VERSION);
    for (unsigned tag = TAG_ID; tag < TAG_END; tag++) {
        if (tag != TAG_DATA) {
            write_member(b, &copy, tag);
        }
    }
    write_member(b, &copy, TAG_DATA);
}

struct signal signal_copy(struct arena *a, const struct signal *s)
{
    struct signal copy = *s;
    for (unsigned tag = TAG_ID; tag < TAG_END; tag++) {
        struct str *const text = text_of(&copy, tag);
        if (text && text->len) {
            *text = arena_str(a, *text);
        }
    }
    return copy;
}

/* LEB128; false when it does not end or exceeds what is left. */
static bool read_len(struct str *bytes, size_t *len)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (bytes->len == 0) {
            return false;
        }
        const unsigned char c = (unsigned char)bytes->at[0];
        *bytes = str_sub(*bytes, 1, bytes->len);
        sum |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) {
            *len = (size_t)sum;
            return sum <= bytes->len;
        }
    }
    return false;
}

static int64_t time_in(struct str bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < TIME_BYTES; i++) {
        sum |= (uint64_t)(unsigned char)bytes.at[i] << (8 * i);
    }
    return (int64_t)sum;
}

enum outcome signal_read(struct str bytes, struct signal *out, struct failure *f)
{
    *out = (struct signal){.time_us = TIME_NONE, .received_us = TIME_NONE};
    if (bytes.len == 0 || bytes.at[0] != VERSION) {
        return failed(f, REJECT, "not a signal of version %d", VERSION);
    }
    bytes = str_sub(bytes, 1, bytes.len);
    while (bytes.len > 0) {
        size_t len = 0;
        const unsigned tag = (unsigned char)bytes.at[0];
        bytes = str_sub(bytes, 1, bytes.len);
        if (!read_len(&bytes, &len)) {
            return failed(f, REJECT, "signal: member %u ends beyond the record", tag);
        }
        struct str *const text = text_of(out, tag);
        int64_t *const time = time_of(out, tag);
        if (time && len != TIME_BYTES) {
            return failed(f, REJECT, "signal: time member %u has %zu bytes", tag, len);
        }
        if (time) {
            *time = time_in(bytes);
        } else if (text) {
            *text = str_sub(bytes, 0, len);
        }
        bytes = str_sub(bytes, len, bytes.len);
    }
    return OK;
}
