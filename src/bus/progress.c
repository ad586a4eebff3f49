#include "bus/progress.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "bus/driver.h"

/* VERSION changes with the layout: pages of another weir are replaced by the one that runs. */
enum {
    TRIES = 1000,    /* a duty that died while it wrote leaves a sequence odd */
    KILLS_UNSAID = 3 /* in a row, from outside: then what it had read may have to do with it */
};
enum { MAGIC = 0x72696577, VERSION = 11 };
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "processes share these words: no lock may be in them");

/* `sequence` is odd while the duty writes the members after it: a reader that saw it odd, or
 * changed, reads again. */
struct page_cursor {
    _Atomic uint32_t sequence, stream;
    _Atomic uint64_t at, restart, lag_bytes;
    _Atomic int64_t time_us;
    _Atomic uint64_t read_to; /* not of what `sequence` guards: the duty alone looks at it */
    char lane[LANE_NAME_BYTES_MAX + 1];
};

struct page_counter {
    _Atomic uint64_t value;
    char name[PROGRESS_NAME_BYTES];
};

enum { BUS_WORDS = BUS_ID_BYTES / sizeof(uint64_t) };
enum { WHY_WORDS = PROGRESS_WHY_BYTES / sizeof(uint64_t) };
struct page_why {
    _Atomic uint32_t sequence; /* as of a cursor */
    _Atomic uint64_t text[WHY_WORDS];
};

struct page {
    _Atomic uint32_t magic, version;
    _Atomic uint32_t state;
    _Atomic uint32_t is_watched;            /* 1: the next busy turn is told, once */
    _Atomic uint32_t cursors_n, counters_n; /* moved after the name is written */
    _Atomic int64_t busy_since_us, beat_us, receiving_us;
    struct page_hand {
        _Atomic uint64_t lane, at; /* hash of its name */
        _Atomic uint32_t is_held;
    } hand;
    struct page_suspect {
        _Atomic uint64_t lane, at;
        _Atomic uint32_t deaths, kills;
    } suspect;
    _Atomic uint32_t has_died, kills; /* since a cursor moved */
    struct wall wall;                 /* the duty alone looks at it */
    _Atomic uint64_t bus[BUS_WORDS];  /* the id; zeroes: none yet */
    struct page_why why;
    struct page_cursor cursor[PROGRESS_CURSORS];
    struct page_counter counter[PROGRESS_COUNTERS];
};

struct progress {
    struct page *page;
    int tell_fd;     /* an eventfd of the orchestrator; -1: none */
    bool is_foreign; /* its cursors are of other streams than those that are asked for */
};

static void tell(const struct progress *p)
{
    const uint64_t one = 1;
    if (p->tell_fd >= 0 && write(p->tell_fd, &one, sizeof one) < 0) {
        return; /* full: it was told already */
    }
}

/* After a power cut a page holds what happened to reach the disk: names and numbers may be of
 * different moments. */
static bool is_sound(const struct page *page)
{
    bool is = page->cursors_n <= PROGRESS_CURSORS && page->counters_n <= PROGRESS_COUNTERS;
    for (uint32_t i = 0; is && i < page->cursors_n; i++) {
        const char *const lane = page->cursor[i].lane;
        const size_t len = strnlen(lane, sizeof page->cursor[i].lane);
        is = len < sizeof page->cursor[i].lane && page->cursor[i].stream < STREAM_N &&
             lane_name_is_valid((struct str){lane, len});
    }
    for (uint32_t i = 0; is && i < page->counters_n; i++) {
        const size_t len = strnlen(page->counter[i].name, PROGRESS_NAME_BYTES);
        is = len > 0 && len < PROGRESS_NAME_BYTES;
    }
    return is;
}

/* The page in an open file, emptied when it is not a sound one of this version. */
static enum outcome map_page(int fd, const char *path, struct page **out, struct failure *f)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return failed_errno(f, STOP, "read %s", path);
    }
    if (st.st_size != (off_t)sizeof(struct page) &&
        (ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)sizeof(struct page)) != 0)) {
        return failed_errno(f, STOP, "make %s", path);
    }
    struct page *const page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return failed_errno(f, STOP, "map %s", path);
    }
    const uint32_t magic = page->magic;
    if ((magic != 0 && (magic != MAGIC || page->version != VERSION)) || !is_sound(page)) {
        memset(page, 0, sizeof *page);
    }
    page->version = VERSION;
    page->magic = MAGIC;
    *out = page;
    return OK;
}

enum outcome progress_open(struct arena *a, struct str dir, struct str duty, struct progress **out,
                           struct failure *f)
{
    const struct str path = arena_printf(a, "%.*s/%.*s.page", STR_ARG(dir), STR_ARG(duty));
    struct progress *const p = arena_new(a, struct progress);
    p->tell_fd = -1;
    const int fd = open(path.at, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed_errno(f, STOP, "open %s", path.at);
    }
    const enum outcome result = map_page(fd, path.at, &p->page, f);
    close(fd); /* the mapping stays */
    *out = result == OK ? p : NULL;
    return result;
}

/* Whether the cursors of the page stand in lanes of these streams. */
static bool is_of(const struct page *page, struct str bus_id)
{
    uint64_t word[BUS_WORDS];
    for (size_t i = 0; i < BUS_WORDS; i++) {
        word[i] = page->bus[i];
    }
    return str_eq((struct str){(const char *)word, sizeof word}, bus_id);
}

void progress_join(struct progress *p, struct str bus_id)
{
    struct page *const page = p->page;
    uint64_t word[BUS_WORDS];
    assert(bus_id.len == sizeof word);
    if (is_of(page, bus_id)) {
        return;
    }
    memcpy(word, bus_id.at, sizeof word);
    page->cursors_n = 0;
    memset(page->cursor, 0, sizeof page->cursor);
    page->hand.is_held = 0;
    page->suspect.deaths = 0;
    page->suspect.kills = 0;
    page->has_died = 0;
    page->kills = 0;
    for (size_t i = 0; i < BUS_WORDS; i++) {
        page->bus[i] = word[i];
    }
}

bool progress_peek(struct arena *a, struct str dir, struct str duty, struct str bus_id,
                   struct progress **out)
{
    const struct str path = arena_printf(a, "%.*s/%.*s.page", STR_ARG(dir), STR_ARG(duty));
    const int fd = open(path.at, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return false;
    }
    void *at = MAP_FAILED;
    if (fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(struct page)) {
        at = mmap(NULL, sizeof(struct page), PROT_READ, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (at == MAP_FAILED) {
        return false;
    }
    struct progress *const p = arena_new(a, struct progress);
    *p = (struct progress){.page = at, .tell_fd = -1};
    if (p->page->magic != MAGIC || p->page->version != VERSION || !is_sound(p->page)) {
        progress_close(p);
        return false;
    }
    p->is_foreign = bus_id.len > 0 && !is_of(p->page, bus_id);
    *out = p;
    return true;
}

void progress_tell(struct progress *p, int event_fd)
{
    p->tell_fd = event_fd;
}

void progress_watch(struct progress *p)
{
    p->page->is_watched = 1;
}

void progress_close(struct progress *p)
{
    munmap(p->page, sizeof *p->page);
    p->page = NULL;
}

static void set_why(struct page_why *why, struct str text)
{
    uint64_t word[WHY_WORDS] = {0};
    char *const to = (char *)word;
    const struct str kept = text.len < PROGRESS_WHY_BYTES
                                ? text
                                : str_whole(str_sub(text, 0, PROGRESS_WHY_BYTES - 1));
    for (size_t i = 0; i < kept.len; i++) {
        to[i] = (unsigned char)kept.at[i] < ' ' ? ' ' : kept.at[i];
    }
    const uint32_t sequence = why->sequence | 1U;
    why->sequence = sequence;
    for (size_t i = 0; i < WHY_WORDS; i++) {
        why->text[i] = word[i];
    }
    why->sequence = sequence + 1;
}

void progress_trouble(struct progress *p, enum duty_state state, const struct failure *why)
{
    set_why(&p->page->why, str_of(why->text));
    progress_state(p, state);
}

void progress_why(const struct progress *p, char out[PROGRESS_WHY_BYTES])
{
    const struct page_why *const why = &p->page->why;
    uint64_t word[WHY_WORDS];
    for (int try = 0; try < TRIES; try++) {
        const uint32_t before = why->sequence;
        for (size_t i = 0; i < WHY_WORDS; i++) {
            word[i] = why->text[i];
        }
        if (before == why->sequence && before % 2 == 0) {
            break;
        }
    }
    memcpy(out, word, sizeof word);
    out[PROGRESS_WHY_BYTES - 1] = '\0'; /* whatever was on the page */
}

void progress_state(struct progress *p, enum duty_state state)
{
    if (p->page->state != (uint32_t)state) {
        if (state == DUTY_RUNNING &&
            atomic_load_explicit(&p->page->why.text[0], memory_order_relaxed)) {
            set_why(&p->page->why, S(""));
        }
        p->page->state = (uint32_t)state;
        tell(p);
    }
}

enum duty_state progress_state_is(const struct progress *p)
{
    const uint32_t state = p->page->state;
    return state <= DUTY_STOPPED ? (enum duty_state)state : DUTY_STOPPED;
}

void progress_beat(struct progress *p, bool is_busy)
{
    const int64_t now_us = clock_mono_us();
    p->page->busy_since_us = is_busy ? now_us : 0;
    p->page->beat_us = now_us;
    if (is_busy && atomic_load_explicit(&p->page->is_watched, memory_order_relaxed) &&
        atomic_exchange(&p->page->is_watched, 0)) {
        tell(p);
    }
}

int64_t progress_busy_since_us(const struct progress *p)
{
    return p->page->busy_since_us;
}

int64_t progress_beat_us(const struct progress *p)
{
    return p->page->beat_us;
}

void progress_receiving(struct progress *p, int64_t since_us)
{
    p->page->receiving_us = since_us;
}

int64_t progress_receiving_us(const struct progress *p)
{
    return p->page->receiving_us;
}

struct wall_time progress_wall(struct progress *p)
{
    return wall_look(&p->page->wall, clock_now_us(), clock_mono_us());
}

static uint64_t lane_hash(struct lane lane)
{
    return hash_64(lane.name, (uint64_t)lane.stream);
}

void progress_hand_died(struct progress *p, bool is_killed)
{
    const struct page_hand *const hand = &p->page->hand;
    struct page_suspect *const suspect = &p->page->suspect;
    p->page->kills += is_killed;
    if (!is_killed || p->page->kills >= KILLS_UNSAID) {
        p->page->has_died = 1;
    }
    if (!hand->is_held) {
        return;
    }
    if (suspect->lane != hand->lane || suspect->at != hand->at) {
        suspect->deaths = suspect->kills = 0;
    }
    suspect->deaths += !is_killed;
    suspect->kills += is_killed;
    suspect->lane = hand->lane;
    suspect->at = hand->at;
    progress_hand_done(p);
}

struct hand_past progress_hand(struct progress *p, struct lane lane, struct position at)
{
    struct page_hand *const hand = &p->page->hand;
    const struct page_suspect *const suspect = &p->page->suspect;
    hand->lane = lane_hash(lane);
    hand->at = at.at;
    hand->is_held = 1;
    const bool is_suspect = suspect->lane == hand->lane && suspect->at == hand->at;
    return is_suspect ? (struct hand_past){.deaths = suspect->deaths, .kills = suspect->kills}
                      : (struct hand_past){0};
}

void progress_hand_done(struct progress *p)
{
    p->page->hand.is_held = 0;
}

static struct page_counter *counter_find(struct page *page, const char *name, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(page->counter[i].name, name) == 0) {
            return &page->counter[i];
        }
    }
    return NULL;
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

_Atomic uint64_t *progress_counter(struct progress *p, const char *format, ...)
{
    struct page *const page = p->page;
    char name[PROGRESS_NAME_BYTES];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    assert(len > 0);
    const uint32_t n = at_most(page->counters_n, PROGRESS_COUNTERS);
    struct page_counter *c = counter_find(page, name, n);
    if (!c && n + 1 >= PROGRESS_COUNTERS) { /* the last one is kept for all that have no room */
        memcpy(name, "other", sizeof "other");
        c = counter_find(page, name, n);
    }
    if (!c) {
        c = &page->counter[n];
        memcpy(c->name, name, sizeof name);
        page->counters_n = n + 1;
    }
    return &c->value;
}

static struct page_cursor *cursor_find(struct page *page, struct lane lane)
{
    const uint32_t n = at_most(page->cursors_n, PROGRESS_CURSORS);
    for (uint32_t i = 0; i < n; i++) {
        struct page_cursor *const c = &page->cursor[i];
        if (c->stream == (uint32_t)lane.stream && str_eq(str_of(c->lane), lane.name)) {
            return c;
        }
    }
    return NULL;
}

void progress_cursor(struct progress *p, struct lane lane, struct position at,
                     struct position restart, uint64_t lag_bytes, int64_t time_us)
{
    struct page *const page = p->page;
    struct page_cursor *c = cursor_find(page, lane);
    const uint32_t n = page->cursors_n;
    const bool is_new = !c;
    if (is_new) {
        assert(n < PROGRESS_CURSORS && lane.name.len <= LANE_NAME_BYTES_MAX);
        c = &page->cursor[n];
        memcpy(c->lane, lane.name.at, lane.name.len);
        c->lane[lane.name.len] = '\0';
        c->stream = (uint32_t)lane.stream;
    }
    if (c->at != at.at) {
        page->kills = 0;
    }
    const uint32_t sequence = c->sequence | 1U; /* odd also after a death in between */
    c->sequence = sequence;
    c->at = at.at;
    c->restart = restart.at;
    c->lag_bytes = lag_bytes;
    c->time_us = time_us;
    c->sequence = sequence + 1;
    if (is_new) {
        page->cursors_n = n + 1;
    }
}

void progress_read(struct progress *p, struct lane lane, struct position to)
{
    struct page_cursor *const c = cursor_find(p->page, lane);
    if (c && (to.at == 0 || to.at > c->read_to)) {
        c->read_to = to.at;
    }
}

bool progress_is_careful(struct progress *p)
{
    struct page *const page = p->page;
    const uint32_t n = page->has_died ? at_most(page->cursors_n, PROGRESS_CURSORS) : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (page->cursor[i].at < page->cursor[i].read_to) {
            return true;
        }
    }
    page->has_died = 0;
    return false;
}

void progress_careful_done(struct progress *p)
{
    for (uint32_t i = 0; i < at_most(p->page->cursors_n, PROGRESS_CURSORS); i++) {
        p->page->cursor[i].read_to = 0;
    }
    p->page->has_died = 0;
}

bool progress_cursor_at(const struct progress *p, size_t i, struct progress_cursor *out)
{
    const struct page *const page = p->page;
    if (p->is_foreign || i >= at_most(page->cursors_n, PROGRESS_CURSORS)) {
        return false;
    }
    const struct page_cursor *const c = &page->cursor[i];
    for (int try = 0; try < TRIES; try++) {
        const uint32_t before = c->sequence;
        out->stream = c->stream < STREAM_N ? (enum stream)c->stream : STREAM_RAW;
        memcpy(out->lane, c->lane, sizeof out->lane);
        out->lane[LANE_NAME_BYTES_MAX] = '\0';
        out->at = (struct position){c->at};
        out->restart = (struct position){c->restart};
        out->lag_bytes = c->lag_bytes;
        out->time_us = c->time_us;
        if (before == c->sequence && before % 2 == 0) {
            return true;
        }
    }
    return true; /* each word is whole, and a position that only grows may be the older one */
}

bool progress_counter_at(const struct progress *p, size_t i, const char **name, uint64_t *value)
{
    if (i >= at_most(p->page->counters_n, PROGRESS_COUNTERS)) {
        return false;
    }
    *name = p->page->counter[i].name;
    *value = p->page->counter[i].value;
    return true;
}
