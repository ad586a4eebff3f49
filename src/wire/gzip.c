#include "wire/gzip.h"

#include <limits.h>
#include <zlib.h>

enum {
    WINDOW_BITS = 15 + 16,
    /* largest window, gzip header: zlib.h, inflateInit2 */ SCRAP = 8192
};

/* One pass over all members. `out` NULL: count alone. */
static enum outcome inflate_all(z_stream *z, char *out, size_t room, size_t *size,
                                struct failure *f)
{
    unsigned char scrap[SCRAP];
    size_t done = 0;
    for (;;) {
        const size_t left = room - done;
        const size_t step = left < SCRAP ? left + 1
                                         : SCRAP; /* one more shows that it is too long */
        z->next_out = out && left >= step ? (unsigned char *)out + done : scrap;
        z->avail_out = (uInt)step;
        const int code = inflate(z, Z_NO_FLUSH);
        const size_t made = step - z->avail_out;
        if (made > left) {
            (void)failed(f, REJECT, "the body inflates to more than %zu bytes", room);
            f->cause = CAUSE_FULL;
            return REJECT;
        }
        if (out && z->next_out == scrap + made) {
            memcpy(out + done, scrap, made);
        }
        done += made;
        if (code == Z_STREAM_END && z->avail_in == 0) {
            *size = done;
            return OK;
        }
        if (code == Z_STREAM_END ? inflateReset(z) != Z_OK : code != Z_OK) {
            return failed(f, REJECT, "the body is not gzip, or was cut short: %s",
                          z->msg ? z->msg : "it ends too early");
        }
    }
}

static enum outcome inflate_text(struct str bytes, char *out, size_t room, size_t *size,
                                 struct failure *f)
{
    if (bytes.len == 0 || bytes.len > UINT_MAX) {
        return failed(f, REJECT, "the body is not gzip: it has %zu bytes", bytes.len);
    }
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)bytes.at, .avail_in = (uInt)bytes.len};
    if (inflateInit2(&z, WINDOW_BITS) != Z_OK) {
        return failed(f, RETRY, "no memory to inflate a body");
    }
    const enum outcome result = inflate_all(&z, out, room, size, f);
    (void)inflateEnd(&z);
    return result;
}

enum outcome gzip_measure(struct str bytes, size_t bytes_max, size_t *out, struct failure *f)
{
    return inflate_text(bytes, NULL, bytes_max, out, f);
}

enum outcome gzip_inflate(struct str bytes, char *out, size_t room, struct failure *f)
{
    size_t size = 0;
    return inflate_text(bytes, out, room, &size, f);
}

enum outcome gzip_deflate(struct arena *a, struct str bytes, struct str *out, struct failure *f)
{
    enum { MEMORY_LEVEL = 8 };
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)bytes.at, .avail_in = (uInt)bytes.len};
    if (bytes.len > UINT_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS,
                                             MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return failed(f, RETRY, "no memory to compress a body of %zu bytes", bytes.len);
    }
    const size_t room = deflateBound(&z, (uLong)bytes.len);
    char *const at = arena_array(a, char, room);
    z.next_out = (unsigned char *)at;
    z.avail_out = (uInt)room;
    const int code = deflate(&z, Z_FINISH);
    *out = (struct str){at, room - z.avail_out};
    (void)deflateEnd(&z);
    return code == Z_STREAM_END ? OK : failed(f, RETRY, "a body could not be compressed");
}
