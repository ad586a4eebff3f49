#include "persist/lake/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"

/* What is flushed is compacted soon, then at zstd's own level: 20 % less time now. */
#define FRESH "COMPRESSION zstd, COMPRESSION_LEVEL 1"

enum { SQL_BYTES_MAX = 16 << 20, FILE_BYTES_MAX = 1 << 30, TREE_FILES_OPEN = 16, TRIES_MAX = 8 };

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    (void)remove(path); /* what stays is removed at the next start */
    return 0;
}

void stage_remove_tree(const char *path)
{
    (void)nftw(path, remove_one, TREE_FILES_OPEN, FTW_DEPTH | FTW_PHYS);
}

/* The file in a stage's folder that its process holds, and nobody once that has died. */
static const char *lock_of(struct arena *a, struct str folder)
{
    return arena_printf(a, "%.*s/.lock", STR_ARG(folder)).at;
}

/* Make the folder and hold it. *fd < 0: another took it for one that was left behind, before it was
 * held. */
static enum outcome make(const struct stage *s, int *fd, struct failure *f)
{
    const char *const lock = lock_of(s->arena, s->folder);
    const enum outcome result = file_make_dirs(s->folder.at, f);
    *fd = result == OK ? open(lock, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (result != OK || (*fd < 0 && errno == ENOENT)) {
        return result;
    }
    if (*fd < 0 || flock(*fd, LOCK_EX) != 0) {
        return failed_errno(f, RETRY, "hold %s", lock);
    }
    if (access(lock, F_OK) != 0) {
        close(*fd); /* nothing was written */
        *fd = -1;
    }
    return OK;
}

enum outcome stage_open(struct stage *s, struct arena *a, struct duck *d, const struct delta *log,
                        struct failure *f)
{
    enum outcome result = OK;
    *s = (struct stage){.arena = a, .duck = d, .log = log, .fd = -1};
    for (int i = 0; i < TRIES_MAX && result == OK && s->fd < 0; i++) {
        char unique[FILES_UNIQUE_BYTES];
        files_unique(unique);
        const struct str key = arena_printf(a, "%.*s/.stage-%s", STR_ARG(log->table), unique);
        s->folder = log->files->driver->scratch(log->files, a, key);
        result = make(s, &s->fd, f);
    }
    if (result == OK && s->fd < 0) {
        result = failed(f, RETRY, "%s is removed by others whenever it is made", s->folder.at);
    }
    if (result != OK) {
        stage_close(s);
    }
    return result;
}

void stage_close(struct stage *s)
{
    if (s->folder.at) {
        stage_remove_tree(s->folder.at);
    }
    if (s->fd >= 0) {
        close(s->fd); /* nothing was written */
        s->fd = -1;
    }
}

void stage_sweep(struct arena *a, struct str folder)
{
    const int fd = open(lock_of(a, folder), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        (void)rmdir(arena_cstr(a, folder)); /* whoever died before it was held has left it empty */
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        stage_remove_tree(arena_cstr(a, folder));
    }
    close(fd); /* nothing was written */
}

enum outcome stage_write(struct stage *s, struct str select, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY (SELECT *, strftime(fact_at, '%Y') AS year, "
                    "strftime(fact_at, '%m') AS month, strftime(fact_at, '%d') AS day FROM ("));
    buf_add(&sql, select);
    buf_add(&sql, S(")) TO "));
    duck_add_literal(&sql, s->folder);
    buf_add(&sql, S(" (FORMAT parquet, " FRESH ", PARTITION_BY (year, month, day), "
                    "OVERWRITE_OR_IGNORE)"));
    buf_add_byte(&sql, '\0');
    return duck_run(s->duck, buf_str(&sql).at, f);
}

/* COPY (select) into the one file of a day's folder. */
static enum outcome copy_to(struct stage *s, struct str select, struct str day, const char *how,
                            struct failure *f)
{
    struct buf sql;
    const struct str folder = arena_printf(s->arena, "%.*s/%.*s", STR_ARG(s->folder), STR_ARG(day));
    const enum outcome result = file_make_dirs(folder.at, f);
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY ("));
    buf_add(&sql, select);
    buf_add(&sql, S(") TO "));
    duck_add_literal(&sql, arena_printf(s->arena, "%.*s/0.parquet", STR_ARG(folder)));
    buf_printf(&sql, " (FORMAT parquet, %s)", how);
    buf_add_byte(&sql, '\0');
    return result == OK ? duck_run(s->duck, buf_str(&sql).at, f) : result;
}

enum outcome stage_write_day(struct stage *s, struct str select, int64_t day, struct failure *f)
{
    char text[CLOCK_TEXT_BYTES];
    struct buf sql;
    (void)clock_text(day * DAY_US, text);
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT * REPLACE (CASE WHEN fact_at >= make_timestamptz(%" PRId64 ") AND "
               "fact_at < make_timestamptz(%" PRId64 ") THEN fact_at ELSE "
               "error('a row of another day than %.10s') END AS fact_at) FROM (",
               day * DAY_US, (day + 1) * DAY_US, text);
    buf_add(&sql, select);
    buf_add_byte(&sql, ')');
    const struct str folder = arena_printf(s->arena, "year=%.4s/month=%.2s/day=%.2s", text,
                                           text + 5, text + 8);
    return copy_to(s, buf_str(&sql), folder, FRESH, f);
}

enum outcome stage_rewrite(struct stage *s, struct str select, struct str folder, size_t group_rows,
                           struct failure *f)
{
    const struct str how = arena_printf(s->arena, "COMPRESSION zstd, ROW_GROUP_SIZE %zu",
                                        group_rows);
    return copy_to(s, select, folder, how.at, f);
}

/* What the log says of a file besides its name. */
struct made {
    struct str path;   /* absolute, below the stage's folder */
    struct str folder; /* year=2026/month=03/day=07          */
    int64_t rows, bounds[6];
    bool has_bounds[6];
};

static const char *const bounded[] = {"fact_at", "received_at", "revised_at"}; /* STAGE_BOUNDED */
enum { BOUNDED = 3, TEXT_LEN = sizeof "9999-12-31T23:59:59.999999Z" - 1 };

static void add_bounds(struct buf *b, const struct made *m, bool is_least)
{
    const char *sign = "";
    for (size_t i = 0; i < BOUNDED; i++) {
        const size_t at = i + (is_least ? 0 : BOUNDED);
        char text[CLOCK_TEXT_BYTES];
        if (!m->has_bounds[at]) {
            continue;
        }
        /* the protocol keeps milliseconds: round outwards, so that no row lies beyond */
        int64_t ms = m->bounds[at] / 1000 - (m->bounds[at] % 1000 < 0);
        ms += !is_least && ms * 1000 < m->bounds[at];
        const size_t len = clock_text(ms * 1000, text);
        if (len > TEXT_LEN) {
            continue; /* rounded up to the year 10000, which no reader can parse */
        }
        buf_printf(b, "%s\"%s\":\"%.*sZ\"", sign, bounded[i], (int)len - 4, text);
        sign = ",";
    }
}

static struct str stats_of(struct arena *a, const struct made *m)
{
    struct buf b;
    buf_init(&b, a, 4096);
    buf_printf(&b, "{\"numRecords\":%" PRId64 ",\"minValues\":{", m->rows);
    add_bounds(&b, m, true);
    buf_add(&b, S("},\"maxValues\":{"));
    add_bounds(&b, m, false);
    buf_add(&b, S("},\"nullCount\":{\"fact_id\":0,\"fact_at\":0}}"));
    return buf_str(&b);
}

/* `year=2026` gives 2026. */
static struct str value_of(struct str *folder)
{
    struct str part = str_cut(*folder, '/', folder);
    (void)str_cut(part, '=', &part);
    return part;
}

struct put {
    struct str path; /* below the table's folder */
    struct str checksum;
    size_t bytes;
    bool is_change;
};

static void add_action(struct stage *s, const struct made *m, const struct put *p,
                       struct buf *actions)
{
    static const char *const names[] = {"year", "month", "day"};
    struct str folder = m->folder;
    char schema[8];
    delta_schema_tag(s->log->schema, schema);
    buf_add(actions, S("{\"add\":{\"path\":"));
    buf_add_json(actions, p->path);
    buf_add(actions, S(",\"partitionValues\":{"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_printf(actions, "%s\"%s\":", i ? "," : "", names[i]);
        buf_add_json(actions, value_of(&folder));
    }
    buf_printf(actions,
               "},\"size\":%zu,\"modificationTime\":%" PRId64 ",\"dataChange\":%s,\"stats\":",
               p->bytes, clock_now_us() / 1000, p->is_change ? "true" : "false");
    buf_add_json(actions, stats_of(s->arena, m));
    buf_printf(actions, ",\"tags\":{\"weir.xxh3\":\"%.*s\",\"weir.schema\":\"%.8s\"}}}\n",
               STR_ARG(p->checksum), schema);
}

static enum outcome put_one(struct stage *s, const struct made *m, struct str prefix,
                            bool is_change, struct buf *actions, struct failure *f)
{
    struct arena content;
    struct str bytes;
    char hash[32];
    arena_init(&content, FILE_BYTES_MAX + (64 << 10));
    enum outcome result = file_read(&content, m->path.at, FILE_BYTES_MAX, &bytes, f);
    if (result == OK) {
        hash_128_hex(bytes, hash);
        const struct put p = {
            .path = arena_printf(s->arena, "%.*s/%.*s-%.8s.parquet", STR_ARG(m->folder),
                                 STR_ARG(prefix), hash),
            .checksum = {hash, sizeof hash},
            .bytes = bytes.len,
            .is_change = is_change,
        };
        const struct str key = arena_printf(s->arena, "%.*s/%.*s", STR_ARG(s->log->table),
                                            STR_ARG(p.path));
        result = s->log->files->driver->put_file(s->log->files, key, m->path.at, f);
        add_action(s, m, &p, actions);
    }
    arena_close(&content);
    return result;
}

static struct made read_made(struct stage *s, struct duck_result *r)
{
    struct made m = {.path = arena_str(s->arena, duck_text(r, 0)), .rows = duck_i64(r, 1)};
    const struct str below = str_sub(m.path, s->folder.len + 1, m.path.len);
    size_t slash = below.len;
    while (slash > 0 && below.at[slash - 1] != '/') {
        slash--;
    }
    m.folder = str_sub(below, 0, slash ? slash - 1 : 0);
    for (size_t i = 0; i < sizeof m.bounds / sizeof *m.bounds; i++) {
        m.has_bounds[i] = !duck_is_null(r, 2 + i);
        m.bounds[i] = m.has_bounds[i] ? duck_i64(r, 2 + i) : 0;
    }
    return m;
}

enum outcome stage_put(struct stage *s, struct str prefix, bool is_change, struct buf *actions,
                       struct failure *f)
{
    struct buf sql;
    struct duck_result r;
    const struct str folder = duck_pattern(s->arena, s->folder);
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT filename, count(*)"));
    for (size_t i = 0; i < sizeof bounded / sizeof *bounded; i++) {
        buf_printf(&sql, ", min(%s)", bounded[i]);
    }
    for (size_t i = 0; i < sizeof bounded / sizeof *bounded; i++) {
        buf_printf(&sql, ", max(%s)", bounded[i]);
    }
    buf_add(&sql, S(" FROM read_parquet("));
    duck_add_literal(&sql, arena_printf(s->arena, "%.*s/*/*/*/*.parquet", STR_ARG(folder)));
    buf_add(&sql, S(", hive_partitioning = false, filename = true) GROUP BY filename "
                    "ORDER BY filename"));
    buf_add_byte(&sql, '\0');
    enum outcome result = duck_query(s->duck, buf_str(&sql).at, &r, f);
    while (result == OK && duck_next(&r)) {
        const struct made m = read_made(s, &r);
        result = put_one(s, &m, prefix, is_change, actions, f);
    }
    duck_result_close(&r);
    return result;
}
