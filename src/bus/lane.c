#include "bus/lane.h"

#include <assert.h>
#include <inttypes.h>

static const struct str stream_names[STREAM_N] = {
    [STREAM_RAW] = STR("raw"),
    [STREAM_STANDARD] = STR("standard"),
    [STREAM_MEASURED] = STR("measured"),
    [STREAM_DEAD] = STR("dead"),
};

const char *stream_name(enum stream s)
{
    assert(s < STREAM_N);
    return stream_names[s].at;
}

bool lane_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return name.len > 0 && name.len <= LANE_NAME_BYTES_MAX;
}

bool lane_eq(struct lane a, struct lane b)
{
    return a.stream == b.stream && str_eq(a.name, b.name);
}

struct lane lane_output(struct arena *a, struct str stage, struct lane input)
{
    if (str_eq(stage, S("transform"))) {
        return (struct lane){STREAM_STANDARD, arena_str(a, input.name)};
    }
    if (str_eq(stage, S("measure"))) {
        return (struct lane){STREAM_MEASURED, arena_str(a, input.name)};
    }
    return lane_dead(a, stage, input);
}

struct lane lane_dead(struct arena *a, struct str stage, struct lane input)
{
    const struct str name = arena_printf(a, "%.*s-%s-%.*s", STR_ARG(stage),
                                         stream_name(input.stream), STR_ARG(input.name));
    return (struct lane){STREAM_DEAD, name};
}

struct str position_text(struct arena *a, struct lane lane, struct position at)
{
    return arena_printf(a, "%s/%.*s:%" PRIu64, stream_name(lane.stream), STR_ARG(lane.name), at.at);
}

bool position_parse(struct str text, struct lane *lane, struct position *at)
{
    struct str rest = {NULL, 0};
    const struct str stream = str_cut(text, '/', &rest);
    lane->name = str_cut(rest, ':', &rest);
    for (unsigned s = 0; s < STREAM_N; s++) {
        if (str_eq(stream, stream_names[s])) {
            lane->stream = (enum stream)s;
            return lane_name_is_valid(lane->name) && str_to_u64(rest, &at->at) &&
                   at->at <= INT64_MAX;
        }
    }
    return false;
}
