#include <assert.h>

#include "bus/driver.h"

/* What a member adds to its text: tag and LEB128 length (signal.c); and all that is not text. */
enum { MEMBER_BYTES = 11, TIMES_BYTES = 64 };

static enum outcome open_as(struct arena *a, const struct bus *kind, struct bus **out,
                            struct failure *f)
{
    struct bus *const b = arena_new(a, struct bus);
    *b = *kind;
    b->arena = a;
    b->state = arena_alloc(a, 1, b->driver->state_bytes);
    const enum outcome result = b->driver->open(b, f);
    if (result != OK) {
        b->driver->close(b);
        return result;
    }
    *out = b;
    return OK;
}

enum outcome bus_recover_driver(const struct bus_driver *driver, const void *options,
                                struct finding_to report, struct failure *f)
{
    return driver->recover(options, report, f);
}

enum outcome bus_recover(const struct config_bus *config, struct finding_to report,
                         struct failure *f)
{
    return bus_recover_driver(config->type->driver, config, report, f);
}

enum outcome bus_open_driver(struct arena *a, const struct bus_driver *driver, const void *options,
                             struct bus **out, struct failure *f)
{
    return open_as(a, &(struct bus){.driver = driver, .options = options}, out, f);
}

enum outcome bus_open(struct arena *a, const struct config_bus *config, struct bus **out,
                      struct failure *f)
{
    return bus_open_driver(a, config->type->driver, config, out, f);
}

enum outcome bus_visit(struct arena *a, const struct config_bus *config, struct bus **out,
                       struct failure *f)
{
    const struct bus kind = {.driver = config->type->driver, .options = config, .is_visited = true};
    return open_as(a, &kind, out, f);
}

void bus_close(struct bus *b)
{
    b->driver->close(b);
}

struct str bus_id(const struct bus *b)
{
    return (struct str){b->id, BUS_ID_BYTES};
}

/* Names are the program's own, made of checked configuration: a wrong one is a defect. */
static void check_lane(struct lane lane)
{
    assert(lane.stream < STREAM_N && lane_name_is_valid(lane.name));
}

size_t bus_bytes_bound(const struct signal *s)
{
    const struct str texts[] = {
        s->id,      s->source, s->type,   s->subject, s->datacontenttype, s->partitionkey, s->agent,
        s->headers, s->stage,  s->reason, s->pointer, s->retry_of,        s->first,        s->data};
    size_t sum = TIMES_BYTES;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        sum += texts[i].len + MEMBER_BYTES;
    }
    return sum;
}

static enum outcome check_sizes(const struct bus *b, const struct record *r, size_t n,
                                struct failure *f)
{
    for (size_t i = 0; i < n; i++) {
        const size_t bytes = bus_bytes_bound(&r[i].signal);
        if (bytes > b->driver->record_bytes_max) {
            (void)failed(f, REJECT, "the signal has %zu bytes, the %s bus takes %zu", bytes,
                         b->driver->name, b->driver->record_bytes_max);
            f->record = i;
            return REJECT;
        }
    }
    return OK;
}

enum outcome bus_lane_make(struct bus *b, struct lane lane, struct failure *f)
{
    check_lane(lane);
    return b->driver->lane_make(b, lane, f);
}

enum outcome bus_append(struct bus *b, struct lane lane, struct record *r, size_t n,
                        struct failure *f)
{
    check_lane(lane);
    assert(lane.stream == STREAM_RAW || lane.stream == STREAM_DEAD);
    const enum outcome result = check_sizes(b, r, n, f);
    return result != OK || n == 0 ? result : b->driver->append(b, lane, r, n, f);
}

enum outcome bus_append_begin(struct bus *b, struct lane lane, struct record *r, size_t n,
                              struct failure *f)
{
    check_lane(lane);
    assert(lane.stream == STREAM_RAW && n > 0);
    const enum outcome result = check_sizes(b, r, n, f);
    if (result != OK) {
        return result;
    }
    return b->driver->append_begin ? b->driver->append_begin(b, lane, r, n, f)
                                   : b->driver->append(b, lane, r, n, f);
}

enum outcome bus_append_end(struct bus *b, struct lane lane, struct failure *f)
{
    check_lane(lane);
    return b->driver->append_end ? b->driver->append_end(b, lane, f) : OK;
}

enum outcome bus_ends(struct bus *b, struct arena *a, enum stream stream, struct lane_ends **out,
                      size_t *n, struct failure *f)
{
    assert(stream < STREAM_N);
    return b->driver->ends(b, a, stream, out, n, f);
}

static enum outcome look(struct bus *b, const struct slice *what, size_t bytes_max,
                         struct batch *out, struct failure *f)
{
    struct arena *const a = out->arena;
    check_lane(what->lane);
    *out = (struct batch){.arena = a, .slice = arena_new(a, struct slice)};
    *out->slice = *what;
    const enum outcome result = b->driver->look(b, out->slice, bytes_max, a, f);
    assert(result != OK || out->slice->to.at >= what->from.at);
    out->n = result == OK && out->slice->to.at > what->from.at;
    return result;
}

enum outcome bus_look(struct bus *b, struct span what, size_t bytes_max, struct batch *out,
                      struct failure *f)
{
    const struct slice slice = {.lane = what.lane, .from = what.from, .to = what.to};
    return look(b, &slice, bytes_max, out, f);
}

enum outcome bus_find(struct bus *b, struct lane lane, struct position at, struct batch *out,
                      struct failure *f)
{
    const struct slice slice = {.lane = lane, .from = at, .to = {at.at + 1}, .is_guess = true};
    const enum outcome result = look(b, &slice, 1, out, f);
    if (result == OK && out->n > 0) {
        const struct slice *const s = out->slice;
        out->n = s->n > 0 && s->record[0].at.at == at.at;
    }
    return result;
}

enum outcome bus_passed(struct bus *b, struct lane lane, struct position at, struct failure *f)
{
    check_lane(lane);
    return b->driver->passed(b, lane, at, f);
}

enum outcome bus_trim(struct bus *b, struct lane lane, struct position keep_from, struct failure *f)
{
    check_lane(lane);
    return b->driver->trim(b, lane, keep_from, f);
}

enum outcome bus_older(struct bus *b, struct lane lane, int64_t time_us, struct position *out,
                       struct failure *f)
{
    check_lane(lane);
    return b->driver->older(b, lane, time_us, out, f);
}

enum outcome bus_oldest(struct bus *b, struct lane lane, struct position *out, int64_t *time_us,
                        struct failure *f)
{
    check_lane(lane);
    return b->driver->oldest(b, lane, out, time_us, f);
}

enum outcome bus_size(struct bus *b, struct lane lane, struct bus_size *out, struct failure *f)
{
    check_lane(lane);
    return b->driver->size(b, lane, out, f);
}

uint64_t bus_lag(struct bus *b, struct lane lane, struct position at)
{
    check_lane(lane);
    return b->driver->lag(b, lane, at);
}

enum outcome bus_mend(struct bus *b, struct finding_to report, struct failure *f)
{
    return b->driver->mend(b, report, f);
}

enum outcome bus_verify(struct bus *b, struct finding_to report, struct failure *f)
{
    return b->driver->verify(b, report, f);
}

enum outcome bus_copy(struct bus *b, enum stream stream, struct copy_to to, struct failure *f)
{
    assert(stream < STREAM_N);
    return b->driver->copy ? b->driver->copy(b, stream, to, f)
                           : failed(f, STOP,
                                    "the %s bus keeps no files to copy: copy it by its own "
                                    "means",
                                    b->driver->name);
}

/* ---- a reader ---- */

enum outcome reader_join(struct bus *b, unsigned streams, struct str stage, enum cursor_kind cursor,
                         struct reader **out, struct failure *f)
{
    assert(streams && streams < STREAM_BIT(STREAM_N) && lane_name_is_valid(stage));
    struct reader *const r = arena_new(b->arena, struct reader);
    *r = (struct reader){.bus = b,
                         .state = arena_alloc(b->arena, 1, b->driver->reader_state_bytes),
                         .streams = streams,
                         .stage = arena_str(b->arena, stage),
                         .cursor = cursor};
    const enum outcome result = b->driver->reader->join(r, f);
    if (result != OK) {
        b->driver->reader->leave(r);
        return result;
    }
    *out = r;
    return OK;
}

enum outcome reader_read(struct reader *r, size_t bytes_max, int wait_ms, struct batch *out,
                         struct failure *f)
{
    *out = (struct batch){.arena = out->arena};
    assert(out->arena);
    return r->bus->driver->reader->read(r, bytes_max, wait_ms, out, f);
}

/* Each output goes to one of the two lanes that belong to its slice. */
static void check_step(struct reader *r, const struct batch *in, const struct output *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(out[i].slice < in->n);
        const struct lane input = in->slice[out[i].slice].lane;
        assert(lane_eq(out[i].lane, lane_output(in->arena, r->stage, input)) ||
               lane_eq(out[i].lane, lane_dead(in->arena, r->stage, input)));
    }
}

enum outcome reader_step(struct reader *r, const struct batch *in, const struct output *out,
                         size_t n, const struct tally *tally, struct failure *f)
{
    assert(r->cursor == CURSOR_BUS);
    check_step(r, in, out, n);
    for (size_t i = 0; i < n; i++) {
        const enum outcome result = check_sizes(r->bus, out[i].record, out[i].n, f);
        if (result != OK) {
            return result;
        }
    }
    const struct step step = {.in = in, .out = out, .n = n, .tally = tally};
    return r->bus->driver->reader->step(r, &step, f);
}

enum outcome reader_seek(struct reader *r, struct lane lane, struct position from,
                         struct failure *f)
{
    check_lane(lane);
    return r->bus->driver->reader->seek(r, lane, from, f);
}

enum outcome reader_cursor(struct reader *r, struct arena *a, struct lane input,
                           struct position *out, struct tally *tally, struct failure *f)
{
    check_lane(input);
    *out = (struct position){0};
    *tally = (struct tally){0};
    return r->bus->driver->reader->cursor(r, a, input, out, tally, f);
}

void reader_wake(struct reader *r)
{
    r->bus->driver->reader->wake(r);
}

void reader_leave(struct reader *r)
{
    r->bus->driver->reader->leave(r);
}
