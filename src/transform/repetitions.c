#include "transform/repetitions.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "transform/bucket.h"

enum {
    BUCKETS_MAX = 64,
    BUCKETS_A_KEEP = 7, /* so 7 days are 7 buckets of a day, and an eighth that is being written */
    SECRET_BYTES = 16,
    META_BYTES_MAX = 4096
};

struct repetitions {
    struct arena *arena;
    struct str dir, bus_id;
    uint64_t secret[2];
    int64_t keep_us;
    size_t bytes_max;
    struct bucket bucket[BUCKETS_MAX]; /* oldest first */
    size_t n;
    uint64_t forgotten, torn;
    int64_t now_us;             /* TIME_NONE: nobody knows, so nothing is too old  */
    int64_t jump_us, jumped_us; /* how far the clock went ahead last, and to where */
    bool is_new;                /* there was no folder */
    bool is_meta_lost; /* it was there, but what its entries are hashed under is damaged or gone */
    bool is_foreign;   /* there were entries of other streams                                    */
};

/* ---- the folder ---- */

/* `meta` says whose positions these are and under which secret identities were hashed. */
static struct str meta_of(struct arena *a, struct str bus_id, const uint64_t secret[2])
{
    char hex[32];
    hex_u64(secret[0], hex);
    hex_u64(secret[1], hex + 16);
    return arena_printf(a, "weir-repetitions 1\nbus %.*s\nsecret %.32s\n", STR_ARG(bus_id), hex);
}

static bool meta_parse(struct arena *a, struct str text, struct str bus_id, uint64_t secret[2])
{
    unsigned char bytes[SECRET_BYTES];
    if (text.len < 33 || !hex_read(str_sub(text, text.len - 33, 32), bytes, SECRET_BYTES)) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        secret[i] = 0;
        for (size_t k = 0; k < 8; k++) {
            secret[i] = secret[i] << 8 | bytes[8 * i + k];
        }
    }
    return str_eq(text, meta_of(a, bus_id, secret));
}

/* A disk that fails for a moment has lost nothing: what has the size of one can be read later.
 *   returns OK its text, or what stands in its place | RETRY */
static enum outcome meta_text(struct arena *a, const char *path, struct str *out, struct failure *f)
{
    struct stat st;
    *out = S("");
    if (file_read(a, path, META_BYTES_MAX, out, f) == OK) {
        return OK;
    }
    const bool is_lost = stat(path, &st) == 0 ? st.st_size > META_BYTES_MAX : errno == ENOENT;
    f->outcome = is_lost ? OK : RETRY;
    return f->outcome;
}

/* It is whole in form, and of other streams. */
static bool is_of_others(struct arena *a, const char *path, struct str bus_id)
{
    struct str text;
    struct str rest;
    struct failure unread;
    if (file_read(a, path, META_BYTES_MAX, &text, &unread) != OK) {
        return false;
    }
    const bool is_ours = str_eq(str_cut(text, '\n', &rest), S("weir-repetitions 1"));
    const struct str bus = str_cut(rest, '\n', &rest);
    return is_ours && str_starts(bus, S("bus ")) && !str_eq(str_sub(bus, 4, bus.len), bus_id);
}

struct starts {
    int64_t at[BUCKETS_MAX]; /* oldest first */
    size_t n;
};

/* The oldest BUCKETS_MAX of all that are offered, each once. */
static void starts_offer(struct starts *s, int64_t at)
{
    size_t i = s->n;
    while (i > 0 && s->at[i - 1] > at) {
        i--;
    }
    if (i == BUCKETS_MAX || (i > 0 && s->at[i - 1] == at)) {
        return;
    }
    s->n -= s->n == BUCKETS_MAX;
    memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof s->at[i]);
    s->at[i] = at;
    s->n++;
}

/* Start times of buckets in the folder, the oldest of those after `after_us`; of one whose log is
 * gone, too. A folder lists its names in any order, and may hold more than the index does: those
 * of a weir that was killed before it took away what it had forgotten. */
static enum outcome list_starts(const char *dir, int64_t after_us, struct starts *out,
                                struct failure *f)
{
    DIR *const d = opendir(dir);
    if (!d) {
        return failed_errno(f, STOP, "read folder %s", dir);
    }
    out->n = 0;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        struct str suffix;
        uint64_t at = 0;
        if (str_to_u64(str_cut(str_of(e->d_name), '.', &suffix), &at) && at <= INT64_MAX &&
            (int64_t)at > after_us && (str_eq(suffix, S("log")) || str_eq(suffix, S("table")))) {
            starts_offer(out, (int64_t)at);
        }
    }
    closedir(d);
    return OK;
}

struct start_visit {
    enum outcome (*visit)(void *to, int64_t start_us, struct failure *f);
    void *to;
};

/* All of them, oldest first, however many there are. */
static enum outcome each_start(const char *dir, const struct start_visit *v, struct failure *f)
{
    struct starts s = {.n = BUCKETS_MAX};
    int64_t after_us = -1;
    enum outcome result = OK;
    while (result == OK && s.n == BUCKETS_MAX) {
        result = list_starts(dir, after_us, &s, f);
        for (size_t i = 0; i < s.n && result == OK; i++) {
            result = v->visit(v->to, s.at[i], f);
            after_us = s.at[i];
        }
    }
    return result;
}

/* ---- buckets ---- */

static void forget_oldest(struct repetitions *r)
{
    bucket_forget(&r->bucket[0]);
    r->n--;
    memmove(&r->bucket[0], &r->bucket[1], r->n * sizeof r->bucket[0]);
}

static enum outcome bucket_add(struct repetitions *r, int64_t start_us, struct failure *f)
{
    size_t cut_n = 0;
    if (r->n == BUCKETS_MAX) {
        forget_oldest(r);
        r->forgotten++;
    }
    const enum outcome result = bucket_open(&r->bucket[r->n], r->arena, r->dir.at, start_us, &cut_n,
                                            f);
    r->n += result == OK;
    r->torn += result == OK ? cut_n : 0;
    return result;
}

static uint64_t bytes_of(const struct repetitions *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        sum += bucket_bytes(&r->bucket[i]);
    }
    return sum;
}

/* What is received lies before now_us: a signal's own time may be of a clock that was wrong. While
 * nobody knows, no time passes. */
static int64_t age_clock_us(const struct repetitions *r, int64_t received_us)
{
    if (r->now_us == TIME_NONE) {
        return r->n ? r->bucket[r->n - 1].start_us : 0;
    }
    return received_us < r->now_us ? received_us : r->now_us;
}

/* The oldest bucket would still be young enough, had the clock not jumped. */
static bool is_early(const struct repetitions *r, int64_t now_us)
{
    const int64_t end_us = r->bucket[1].start_us;
    return end_us < r->jumped_us - r->jump_us && end_us >= now_us - r->jump_us - r->keep_us;
}

static void forget_old(struct repetitions *r, int64_t now_us)
{
    while (r->n > 1 && r->bucket[1].start_us < now_us - r->keep_us) {
        r->forgotten += is_early(r, now_us);
        forget_oldest(r);
    }
    while (r->n > 1 && bytes_of(r) > r->bytes_max) {
        forget_oldest(r);
        r->forgotten++;
    }
}

/* The bucket that takes what is received then: the newest, or a new one when that has had its time
 * or its share. Old ones are forgotten here, and nowhere else, so an idle index needs no timer. */
static enum outcome bucket_for(struct repetitions *r, int64_t received_us, struct bucket **out,
                               struct failure *f)
{
    const int64_t now_us = age_clock_us(r, received_us);
    struct bucket *const newest = r->n ? &r->bucket[r->n - 1] : NULL;
    const bool is_done = newest && (now_us - newest->start_us >= r->keep_us / BUCKETS_A_KEEP ||
                                    bucket_bytes(newest) > r->bytes_max / (BUCKETS_A_KEEP + 1));
    if (!newest || is_done) {
        const int64_t after = newest ? newest->start_us + 1 : 0;
        enum outcome result = newest ? bucket_sync(newest, f) : OK;
        result = result == OK ? bucket_add(r, now_us > after ? now_us : after, f) : result;
        if (result != OK) {
            return result;
        }
        forget_old(r, now_us);
    }
    *out = &r->bucket[r->n - 1];
    return OK;
}

/* ---- the index ---- */

static enum outcome open_bucket(void *to, int64_t start_us, struct failure *f)
{
    return bucket_add(to, start_us, f);
}

static enum outcome forget_bucket(void *to, int64_t start_us, struct failure *f)
{
    struct repetitions *const r = to;
    const enum outcome result = bucket_add(r, start_us, f);
    if (result == OK) {
        forget_oldest(r);
    }
    return result;
}

static enum outcome open_meta(struct repetitions *r, struct arena *a, bool was_there,
                              struct failure *f)
{
    const char *const path = arena_printf(a, "%.*s/meta", STR_ARG(r->dir)).at;
    struct str text;
    enum outcome result = meta_text(a, path, &text, f);
    if (result != OK || meta_parse(a, text, r->bus_id, r->secret)) {
        return result;
    }
    /* New, or of other streams whose positions mean nothing here: begin empty, under a new secret.
     */
    result = each_start(r->dir.at, &(struct start_visit){forget_bucket, r}, f);
    r->is_foreign = is_of_others(a, path, r->bus_id);
    r->is_meta_lost = was_there && !r->is_foreign;
    r->is_new = !was_there;
    if (result == OK && getrandom(r->secret, sizeof r->secret, 0) != (ssize_t)sizeof r->secret) {
        result = failed_errno(f, RETRY, "random bytes for %s", path);
    }
    return result == OK ? file_replace(path, meta_of(a, r->bus_id, r->secret), 0600, f) : result;
}

enum outcome repetitions_open(struct arena *a, struct str dir, struct str bus_id,
                              const struct config_keep *keep, struct repetitions **out,
                              struct failure *f)
{
    struct repetitions *const r = arena_new(a, struct repetitions);
    *r = (struct repetitions){
        .arena = a,
        .dir = arena_str(a, dir),
        .bus_id = arena_str(a, bus_id),
        .keep_us = keep->keep_ms > INT64_MAX / 1000 ? INT64_MAX : keep->keep_ms * 1000,
        .bytes_max = keep->disk_bytes_max,
        .now_us = TIME_NONE,
    };
    const bool was_there = access(r->dir.at, F_OK) == 0;
    enum outcome result = file_make_dirs(r->dir.at, f);
    result = result == OK ? open_meta(r, a, was_there, f) : result;
    result = result == OK ? each_start(r->dir.at, &(struct start_visit){open_bucket, r}, f)
                          : result;
    if (result != OK) {
        repetitions_close(r);
        return result;
    }
    *out = r;
    return OK;
}

void repetitions_close(struct repetitions *r)
{
    for (size_t i = 0; i < r->n; i++) {
        bucket_close(&r->bucket[i]);
    }
    r->n = 0;
}

void repetitions_clock(struct repetitions *r, const struct wall_time *wall)
{
    r->now_us = wall->now_us;
    if (wall->jump_us > 0) {
        r->jump_us = wall->jump_us;
        r->jumped_us = wall->now_us;
    }
}

static void identity_of(const struct repetitions *r, const struct signal *s, uint64_t id[2])
{
    /* Chained, so that no text can be moved from one member to the next; seeded, so that nobody
     * outside can make two identities meet. */
    for (size_t i = 0; i < 2; i++) {
        uint64_t h = hash_64(s->agent, r->secret[i]);
        h = hash_64(s->source, h ^ r->secret[i]);
        id[i] = hash_64(s->id, h ^ r->secret[i]);
    }
}

static uint64_t lane_hash(struct lane lane)
{
    return hash_64(lane.name, (uint64_t)lane.stream);
}

static const struct bucket_entry *entry_of(const struct repetitions *r, const uint64_t id[2])
{
    for (size_t i = r->n; i > 0; i--) {
        const struct bucket_entry *const e = bucket_find(&r->bucket[i - 1], id);
        if (e) {
            return e->position & BUCKET_TAKEN_OUT ? NULL : e;
        }
    }
    return NULL;
}

enum known repetitions_find(const struct repetitions *r, const struct signal *s,
                            const struct sighting *here)
{
    uint64_t id[2];
    identity_of(r, s, id);
    const struct bucket_entry *const e = entry_of(r, id);
    if (!e) {
        return KNOWN_NOT;
    }
    if (e->position == here->at.at && e->lane == lane_hash(here->lane)) {
        return KNOWN_HERE;
    }
    return e->body == here->body ? KNOWN_REPETITION : KNOWN_CONFLICT;
}

static enum outcome put(struct repetitions *r, const uint64_t id[2], const struct sighting *here,
                        uint64_t mark, int64_t received_us, struct failure *f)
{
    struct bucket *b = NULL;
    assert(here->at.at < BUCKET_TAKEN_OUT);
    const enum outcome result = bucket_for(r, received_us, &b, f);
    const struct bucket_entry e = {.id = {id[0], id[1]},
                                   .lane = lane_hash(here->lane),
                                   .position = here->at.at | mark,
                                   .body = here->body};
    return result == OK ? bucket_put(b, e, f) : result;
}

enum outcome repetitions_put(struct repetitions *r, const struct signal *s,
                             const struct sighting *here, int64_t received_us, struct failure *f)
{
    uint64_t id[2];
    identity_of(r, s, id);
    return put(r, id, here, 0, received_us, f);
}

enum outcome repetitions_drop(struct repetitions *r, const struct signal *s,
                              const struct sighting *here, int64_t received_us, struct failure *f)
{
    uint64_t id[2];
    identity_of(r, s, id);
    const struct bucket_entry *const e = entry_of(r, id);
    if (!e || e->position != here->at.at || e->lane != lane_hash(here->lane)) {
        return OK;
    }
    return put(r, id, here, BUCKET_TAKEN_OUT, received_us, f);
}

enum outcome repetitions_sync(struct repetitions *r, struct failure *f)
{
    return r->n ? bucket_sync(&r->bucket[r->n - 1], f) : OK;
}

static const char *fault_of_meta(struct arena *a, const char *path, struct str bus_id)
{
    uint64_t secret[2];
    struct failure unread;
    struct str text = S("");
    if (access(path, F_OK) != 0) {
        return "is gone";
    }
    if (is_of_others(a, path, bus_id)) {
        return "names other streams";
    }
    return file_read(a, path, META_BYTES_MAX, &text, &unread) == OK &&
                   meta_parse(a, text, bus_id, secret)
               ? NULL
               : "is damaged";
}

static void tell_anew(struct arena *a, const struct repetitions_to *to, const char *path,
                      const char *fault)
{
    to->found(to->to, arena_printf(a,
                                   "%s %s: the index begins anew at the next start, and earlier "
                                   "deliveries are processed again if they come again (the same "
                                   "facts, which fold)",
                                   path, fault));
}

struct verifying {
    struct arena *arena;
    const char *folder;
    const struct repetitions_to *to;
};

static enum outcome verify_bucket(void *to, int64_t start_us, struct failure *f)
{
    const struct verifying *const v = to;
    size_t damaged_n = 0;
    const enum outcome result = bucket_damage(v->arena, v->folder, start_us, &damaged_n, f);
    if (damaged_n > 0) {
        v->to->found(v->to->to,
                     arena_printf(v->arena,
                                  "%s: %zu entries are damaged or gone: if these deliveries come "
                                  "again, they are processed again (the same facts, which fold)",
                                  bucket_log_path(v->arena, v->folder, start_us), damaged_n));
    }
    return result;
}

enum outcome repetitions_verify(struct arena *a, struct str dir, struct str bus_id, bool was_filled,
                                const struct repetitions_to *to, struct failure *f)
{
    const char *const folder = arena_cstr(a, dir);
    if (access(folder, F_OK) != 0) {
        if (was_filled) {
            tell_anew(a, to, folder, "is gone");
        }
        return OK;
    }
    const char *const meta = arena_printf(a, "%s/meta", folder).at;
    const char *const fault = bus_id.len > 0 ? fault_of_meta(a, meta, bus_id) : NULL;
    if (fault) {
        tell_anew(a, to, meta, fault);
    }
    struct verifying v = {a, folder, to};
    return each_start(folder, &(struct start_visit){verify_bucket, &v}, f);
}

struct repetitions_size repetitions_size(const struct repetitions *r)
{
    struct repetitions_size sum = {.bytes = bytes_of(r),
                                   .buckets = r->n,
                                   .forgotten = r->forgotten,
                                   .since_us = r->n ? r->bucket[0].start_us : TIME_NONE,
                                   .torn = r->torn,
                                   .is_meta_lost = r->is_meta_lost,
                                   .is_new = r->is_new,
                                   .is_foreign = r->is_foreign};
    for (size_t i = 0; i < r->n; i++) {
        sum.entries += r->bucket[i].entries_n;
    }
    return sum;
}
