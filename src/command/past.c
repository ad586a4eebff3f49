#include "command/past.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "bus/dead.h"

/* A body that is no text stands as base64 in attributes (persist/lake/rows.c). */
const char past_columns[] =
    "lane, position, source, id, partitionkey, event, headers, body, agent, received_at, "
    "CASE WHEN body IS NULL THEN trim(string_split(attributes_by[1], chr(31))[3], '\"') END, bus";

enum { LANE, POSITION, SOURCE, ID, PARTITION, EVENT, HEADERS, BODY, AGENT, RECEIVED, BASE64, BUS };

static struct str text_at(struct arena *a, struct duck_result *r, size_t column)
{
    return duck_is_null(r, column) ? S("") : arena_str(a, duck_text(r, column));
}

static enum outcome decode(struct arena *a, struct str text, struct str *out, struct failure *f)
{
    unsigned char *const bytes = arena_array(a, unsigned char, text.len + 1);
    const int n = EVP_DecodeBlock(bytes, (const unsigned char *)text.at, (int)text.len);
    size_t padding = 0;
    if (n < 0) {
        return failed(f, STOP, "a raw body in the lake is no base64: `weir verify` looks at it");
    }
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=') {
        padding++;
    }
    *out = (struct str){(const char *)bytes, (size_t)n - padding};
    return OK;
}

enum outcome past_read(struct arena *a, struct duck_result *r, struct past *out, struct failure *f)
{
    *out = (struct past){.bus = text_at(a, r, BUS),
                         .lane = text_at(a, r, LANE),
                         .position = (uint64_t)duck_i64(r, POSITION)};
    out->at = arena_printf(a, "%.*s:%" PRIu64, STR_ARG(out->lane), out->position);
    out->signal = (struct signal){
        .id = text_at(a, r, ID),
        .source = text_at(a, r, SOURCE),
        .type = text_at(a, r, EVENT),
        .partitionkey = text_at(a, r, PARTITION),
        .time_us = TIME_NONE,
        .agent = text_at(a, r, AGENT),
        .received_us = duck_is_null(r, RECEIVED) ? TIME_NONE : duck_i64(r, RECEIVED),
        .headers = text_at(a, r, HEADERS),
        .data = text_at(a, r, BODY),
    };
    return duck_is_null(r, BASE64) ? OK : decode(a, text_at(a, r, BASE64), &out->signal.data, f);
}

bool past_is_drop(const struct past *p)
{
    return str_eq(p->signal.type, str_of(dead_drop_type));
}

bool past_is_passed(const struct past *p)
{
    return dead_closed_as(p->signal.type).len > 0 ||
           (str_eq(p->lane, dead_retry_lane().name) && str_starts(p->signal.type, S("weir.fact.")));
}
