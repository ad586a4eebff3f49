/* Replaying a Delta log. Lines are read one action at a time; what weir does not know in an action
 * it does not need, but a protocol above its own stops it. */
#include "persist/lake/delta.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "persist/lake/seal.h"
#include "wire/json.h"

enum {
    SCRATCH_BYTES_MAX = 1 << 30,
    READER_VERSION = 1,
    WRITER_VERSION = 2,
    CHECKPOINT_EVERY = 100,
    VERSION_DIGITS = 20
};

static const struct str snapshot_prefix = STR(".weir-");

struct str delta_name(const struct delta *l, struct arena *a, int64_t version, const char *suffix)
{
    return arena_printf(a, "%.*s/_delta_log/%020" PRId64 "%s", STR_ARG(l->table), version, suffix);
}

struct str delta_snapshot_name(const struct delta *l, struct arena *a, int64_t version)
{
    return arena_printf(a, "%.*s/_delta_log/%.*s%020" PRId64 ".json", STR_ARG(l->table),
                        STR_ARG(snapshot_prefix), version);
}

int64_t delta_version_of(struct str key)
{
    uint64_t version;
    size_t slash = key.len;
    while (slash > 0 && key.at[slash - 1] != '/') {
        slash--;
    }
    const size_t from = slash + (str_starts(str_sub(key, slash, key.len), snapshot_prefix)
                                     ? snapshot_prefix.len
                                     : 0);
    const struct str digits = str_sub(key, from, VERSION_DIGITS);
    return digits.len == VERSION_DIGITS && str_to_u64(digits, &version) && version <= INT64_MAX
               ? (int64_t)version
               : -1;
}

void delta_schema_tag(struct str schema, char out[8])
{
    char hex[16];
    hex_u64(hash_64(schema, 0), hex);
    memcpy(out, hex, 8);
}

/* ---- files by path ---- */

static size_t slot_of(const struct delta *l, struct str path)
{
    size_t i = hash_64(path, 0) & (l->slots_n - 1);
    while (l->slot[i] && !str_eq(l->file[l->slot[i] - 1].path, path)) {
        i = (i + 1) & (l->slots_n - 1);
    }
    return i;
}

struct delta_file *delta_find(const struct delta *l, struct str path)
{
    const uint32_t index = l->slots_n ? l->slot[slot_of(l, path)] : 0;
    return index ? &l->file[index - 1] : NULL;
}

static void grow_files(struct delta *l)
{
    l->file = arena_more(l->arena, l->file, l->files_n, &l->files_room, sizeof *l->file);
    l->slots_n = l->files_room * 2;
    l->slot = arena_array(l->arena, uint32_t, l->slots_n);
    for (size_t i = 0; i < l->files_n; i++) {
        l->slot[slot_of(l, l->file[i].path)] = (uint32_t)(i + 1);
    }
}

/* The entry of this path, made when there is none. */
static struct delta_file *file_of(struct delta *l, struct str path)
{
    struct delta_file *const known = delta_find(l, path);
    if (known) {
        return known;
    }
    if (l->files_n == l->files_room) {
        grow_files(l);
    }
    struct delta_file *const file = &l->file[l->files_n++];
    *file = (struct delta_file){.path = arena_str(l->arena, path)};
    l->slot[slot_of(l, file->path)] = (uint32_t)l->files_n;
    return file;
}

/* Percent-decoded, as RFC 2396 escapes it in the log. */
static struct str decoded(struct arena *a, struct str path)
{
    char *const out = arena_alloc(a, path.len + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char byte;
        if (path.at[i] == '%' && hex_read(str_sub(path, i + 1, 2), &byte, 1)) {
            out[n++] = (char)byte;
            i += 2;
        } else {
            out[n++] = path.at[i];
        }
    }
    return (struct str){out, n};
}

/* ---- actions ---- */

static int64_t number_of(yyjson_val *object, struct str key, int64_t otherwise)
{
    yyjson_val *const v = json_get(object, key);
    return yyjson_is_int(v) ? yyjson_get_sint(v) : otherwise;
}

static struct str text_of(struct delta *l, yyjson_val *object, struct str key)
{
    return arena_str(l->arena, json_text(json_get(object, key)));
}

static int64_t rows_of(struct arena *scratch, struct str stats)
{
    yyjson_doc *doc;
    struct failure ignored; /* statistics are optional: without them the rows are unknown */
    return stats.len > 0 && json_read(scratch, stats, &doc, &ignored) == OK
               ? number_of(yyjson_doc_get_root(doc), S("numRecords"), -1)
               : -1;
}

static void replay_add(struct delta *l, struct arena *scratch, yyjson_val *add, struct str line)
{
    yyjson_val *const values = json_get(add, S("partitionValues"));
    yyjson_val *const tags = json_get(add, S("tags"));
    const struct str year = json_text(json_get(values, S("year")));
    const struct str month = json_text(json_get(values, S("month")));
    const struct str day = json_text(json_get(values, S("day")));
    struct delta_file *const file = file_of(l,
                                            decoded(scratch, json_text(json_get(add, S("path")))));
    file->line = arena_str(l->arena, line);
    file->day = arena_printf(l->arena, "%.*s/%.*s/%.*s", STR_ARG(year), STR_ARG(month),
                             STR_ARG(day));
    file->checksum = text_of(l, tags, S("weir.xxh3"));
    file->schema = text_of(l, tags, S("weir.schema"));
    file->bytes = number_of(add, S("size"), 0);
    file->modified_ms = number_of(add, S("modificationTime"), 0);
    file->rows = rows_of(scratch, json_text(json_get(add, S("stats"))));
    file->removed_ms = 0;
    file->is_gone = false;
}

static void replay_remove(struct delta *l, struct arena *scratch, yyjson_val *gone)
{
    struct delta_file *const file = file_of(l,
                                            decoded(scratch, json_text(json_get(gone, S("path")))));
    const int64_t ms = number_of(gone, S("deletionTimestamp"), 1);
    file->removed_ms = ms > 0 ? ms : 1;
}

static void replay_txn(struct delta *l, yyjson_val *txn)
{
    const struct str app = json_text(json_get(txn, S("appId")));
    const int64_t version = number_of(txn, S("version"), 0);
    for (size_t i = 0; i < l->txns_n; i++) {
        if (str_eq(l->txn[i].app, app)) {
            l->txn[i].version = version;
            return;
        }
    }
    l->txn = arena_more(l->arena, l->txn, l->txns_n, &l->txns_room, sizeof *l->txn);
    l->txn[l->txns_n++] = (struct delta_txn){arena_str(l->arena, app), version};
}

static enum outcome check_protocol(const struct delta *l, yyjson_val *protocol, struct failure *f)
{
    const int64_t reader = number_of(protocol, S("minReaderVersion"), 0);
    const int64_t writer = number_of(protocol, S("minWriterVersion"), 0);
    return reader <= READER_VERSION && writer <= WRITER_VERSION
               ? OK
               : failed(f, STOP,
                        "table %.*s of the lake asks for Delta reader version %" PRId64
                        ", writer version %" PRId64 "; this weir knows %d and %d: another program "
                        "upgraded it, or use a newer weir",
                        STR_ARG(l->table), reader, writer, READER_VERSION, WRITER_VERSION);
}

static enum outcome replay_line(struct delta *l, struct arena *scratch, struct str line,
                                struct failure *f)
{
    yyjson_doc *doc;
    yyjson_val *action;
    const enum outcome result = json_read(scratch, line, &doc, f);
    if (result != OK) {
        return result;
    }
    yyjson_val *const root = yyjson_doc_get_root(doc);
    if ((action = json_get(root, S("add")))) {
        replay_add(l, scratch, action, line);
    } else if ((action = json_get(root, S("remove")))) {
        replay_remove(l, scratch, action);
    } else if ((action = json_get(root, S("txn")))) {
        replay_txn(l, action);
    } else if ((action = json_get(root, S("metaData")))) {
        l->metadata = arena_str(l->arena, line);
        l->id = text_of(l, action, S("id"));
        l->schema = text_of(l, action, S("schemaString"));
        yyjson_val *const configuration = json_get(action, S("configuration"));
        l->configuration = configuration ? json_write(l->arena, configuration) : S("");
        l->begins = text_of(l, configuration, S(DELTA_BEGINS));
        l->bounded = text_of(l, configuration, S(DELTA_BOUNDED));
        l->created_ms = number_of(action, S("createdTime"), 0);
    } else if ((action = json_get(root, S("protocol")))) {
        return check_protocol(l, action, f);
    }
    return OK;
}

static enum outcome replay(struct delta *l, struct str text, struct str name, struct failure *f)
{
    struct arena scratch;
    enum outcome result = OK;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    for (size_t number = 1; result == OK && text.len > 0; number++) {
        struct failure why;
        const struct str line = str_cut(text, '\n', &text);
        result = line.len > 0 ? replay_line(l, &scratch, line, &why) : OK;
        if (result == STOP) {
            *f = why;
        } else if (result != OK) {
            result = failed(f, STOP, "%.*s, line %zu is no action of a Delta log: %s",
                            STR_ARG(name), number, why.text);
        }
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    return result;
}

/* ---- the table ---- */

/* Version of `_last_checkpoint`, -1 without one. */
static enum outcome last_checkpoint(const struct delta *l, int64_t *out, struct failure *f)
{
    struct arena scratch;
    struct str text;
    yyjson_doc *doc;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    const struct str name = arena_printf(&scratch, "%.*s/_delta_log/_last_checkpoint",
                                         STR_ARG(l->table));
    enum outcome result = l->files->driver->get(l->files, &scratch, name, &text, f);
    *out = -1;
    if (result == OK && text.at) {
        result = json_read(&scratch, text, &doc, f) == OK
                     ? OK
                     : failed(f, STOP, "%.*s is damaged: remove it, the log is whole without it",
                              STR_ARG(name));
        *out = result == OK ? number_of(yyjson_doc_get_root(doc), S("version"), -1) : -1;
    }
    arena_close(&scratch);
    return result;
}

/* Replay a snapshot or a commit; *was_there says whether it was. */
static enum outcome replay_key(struct delta *l, struct str key, bool *was_there, struct failure *f)
{
    struct arena scratch;
    struct str text;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    enum outcome result = l->files->driver->get(l->files, &scratch, key, &text, f);
    *was_there = result == OK && text.at;
    if (*was_there) {
        result = seal_demand(&scratch, key, text, f);
    }
    if (*was_there && result == OK) {
        result = replay(l, text, key, f);
    }
    arena_close(&scratch);
    return result;
}

enum outcome delta_update(struct delta *l, struct failure *f)
{
    bool was_there = true;
    enum outcome result = OK;
    while (result == OK && was_there) {
        struct arena scratch;
        arena_init(&scratch, SCRATCH_BYTES_MAX);
        const struct str key = delta_name(l, &scratch, l->version + 1, ".json");
        result = replay_key(l, key, &was_there, f);
        l->version += result == OK && was_there;
        arena_close(&scratch);
    }
    return result;
}

/* The highest version that anything in the log is named by, -1 when it is empty. */
static enum outcome newest_named(const struct delta *l, int64_t *out, struct failure *f)
{
    struct arena scratch;
    struct files_list list;
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    const struct str folder = arena_printf(&scratch, "%.*s/_delta_log", STR_ARG(l->table));
    const enum outcome result = l->files->driver->list(l->files, &scratch, folder, &list, f);
    *out = -1;
    for (size_t i = 0; result == OK && i < list.n; i++) {
        const int64_t version = delta_version_of(list.at[i].key);
        *out = version > *out ? version : *out;
    }
    arena_close(&scratch);
    return result;
}

enum outcome delta_open(struct arena *a, const struct files *files, struct str table,
                        struct delta *out, struct failure *f)
{
    bool was_there = false;
    int64_t checkpoint;
    int64_t newest;
    *out = (struct delta){
        .files = files, .table = arena_str(a, table), .arena = a, .version = -1, .checkpoint = -1};
    /* before the log is read to its end: what is named later was not there yet */
    enum outcome result = newest_named(out, &newest, f);
    if (result == OK) {
        result = last_checkpoint(out, &checkpoint, f);
    }
    if (result == OK && checkpoint >= 0) {
        result = replay_key(out, delta_snapshot_name(out, a, checkpoint), &was_there, f);
        out->checkpoint = checkpoint;
        out->version = was_there ? checkpoint : -1;
    }
    if (result == OK) {
        result = delta_update(out, f);
    }
    if (result == OK && checkpoint > out->version) {
        result = failed(f, STOP,
                        "table %.*s of the lake: commits before %" PRId64 " are gone and weir's "
                        "snapshot with them: restore _delta_log from a copy",
                        STR_ARG(table), checkpoint);
    }
    if (result == OK && newest > out->version) {
        result = failed(f, STOP,
                        "%.*s/_delta_log lacks commit %" PRId64 ", and has %" PRId64
                        ": what came behind it is not seen: restore it from a copy",
                        STR_ARG(table), out->version + 1, newest);
    }
    return result;
}

bool delta_wants_checkpoint(const struct delta *l)
{
    return l->version >= (l->checkpoint > 0 ? l->checkpoint : 0) + CHECKPOINT_EVERY;
}

int64_t delta_txn(const struct delta *l, struct str app)
{
    for (size_t i = 0; i < l->txns_n; i++) {
        if (str_eq(l->txn[i].app, app)) {
            return l->txn[i].version;
        }
    }
    return -1;
}

enum outcome delta_is_there(const struct delta *l, struct failure *f)
{
    struct arena scratch;
    struct str text = S("");
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    const struct str key = delta_name(l, &scratch, l->version, ".json");
    enum outcome result = l->files->driver->get(l->files, &scratch, key, &text, f);
    if (result == OK && !text.at) {
        result = failed(f, STOP,
                        "%.*s is gone under a running weir: put the table's folder back as it was",
                        STR_ARG(key));
    }
    arena_close(&scratch);
    return result;
}

/* ---- commit ---- */

static enum outcome check_expected(const struct delta *l, const struct delta_commit *c,
                                   struct failure *f)
{
    if (c->is_first && l->version >= 0) {
        const enum outcome result = failed(
            f, RETRY, "table %.*s of the lake: another writer made it", STR_ARG(l->table));
        f->cause = CAUSE_FENCED;
        return result;
    }
    for (size_t i = 0; i < c->moves_n; i++) {
        const int64_t now = delta_txn(l, c->move[i].app);
        if (now != c->move[i].from) {
            const enum outcome result = failed(
                f, RETRY,
                "table %.*s of the lake: another writer moved %.*s from %" PRId64 " to %" PRId64,
                STR_ARG(l->table), STR_ARG(c->move[i].app), c->move[i].from, now);
            f->cause = CAUSE_FENCED;
            return result;
        }
    }
    for (size_t i = 0; i < c->removed_n; i++) {
        const struct delta_file *const file = delta_find(l, c->removed[i]);
        if (!file || file->removed_ms) {
            const enum outcome result = failed(
                f, RETRY, "table %.*s of the lake: another writer removed %.*s", STR_ARG(l->table),
                STR_ARG(c->removed[i]));
            f->cause = CAUSE_FENCED;
            return result;
        }
    }
    return OK;
}

static void write_commit(const struct delta_commit *c, struct buf *out)
{
    const int64_t now_ms = clock_now_us() / 1000;
    buf_printf(out,
               "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":\"%s\","
               "\"operationParameters\":{},\"engineInfo\":\"weir\",",
               now_ms, c->operation);
    seal_add(out);
    buf_add(out, S("}}\n"));
    buf_add(out, buf_str(&c->actions));
    for (size_t i = 0; i < c->moves_n; i++) {
        buf_printf(out, "{\"txn\":{\"appId\":");
        buf_add_json(out, c->move[i].app);
        buf_printf(out, ",\"version\":%" PRId64 ",\"lastUpdated\":%" PRId64 "}}\n", c->move[i].to,
                   now_ms);
    }
    seal_close(out);
}

/* After the link: a number that was free because its commit was cleaned away is not the next one.
 */
static enum outcome check_is_newest(const struct delta *l, struct str key, struct failure *f)
{
    int64_t checkpoint;
    const enum outcome result = last_checkpoint(l, &checkpoint, f);
    if (result != OK || checkpoint <= l->version + 1) {
        return result;
    }
    const enum outcome removed = l->files->driver->remove(l->files, key, f);
    return removed != OK ? removed
                         : failed(f, RETRY,
                                  "table %.*s of the lake went on to version %" PRId64
                                  " unnoticed: it is read anew",
                                  STR_ARG(l->table), checkpoint);
}

enum outcome delta_commit(struct delta *l, const struct delta_commit *c, struct failure *f)
{
    struct arena scratch;
    struct buf text;
    enum outcome result = check_expected(l, c, f);
    arena_init(&scratch, SCRATCH_BYTES_MAX);
    buf_init(&text, &scratch, SCRATCH_BYTES_MAX / 2);
    write_commit(c, &text);
    while (result == OK) {
        const struct str key = delta_name(l, &scratch, l->version + 1, ".json");
        result = l->files->driver->put_if_absent(l->files, key, buf_str(&text), f);
        if (result == OK) {
            result = check_is_newest(l, key, f);
            break;
        }
        if (f->cause != CAUSE_FENCED) {
            break;
        }
        result = delta_update(l, f); /* lost the race: see what won, then the next number */
        if (result == OK) {
            result = check_expected(l, c, f);
        }
    }
    if (result == OK) {
        result = replay(l, buf_str(&text), S("the commit just made"), f);
        l->version++;
    }
    arena_close(&scratch);
    return result;
}

/* ---- snapshot ---- */

void delta_snapshot(const struct delta *l, int64_t since_ms, struct buf *out)
{
    buf_printf(out, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d}}\n",
               READER_VERSION, WRITER_VERSION);
    buf_add(out, l->metadata);
    buf_add_byte(out, '\n');
    for (size_t i = 0; i < l->txns_n; i++) {
        buf_add(out, S("{\"txn\":{\"appId\":"));
        buf_add_json(out, l->txn[i].app);
        buf_printf(out, ",\"version\":%" PRId64 "}}\n", l->txn[i].version);
    }
    for (size_t i = 0; i < l->files_n; i++) {
        const struct delta_file *const file = &l->file[i];
        if (!file->removed_ms) {
            buf_add(out, file->line);
            buf_add_byte(out, '\n');
        } else if (file->removed_ms >= since_ms) {
            delta_add_remove(out, file->path, file->removed_ms, false);
        }
    }
}

void delta_add_remove(struct buf *out, struct str path, int64_t now_ms, bool is_change)
{
    buf_add(out, S("{\"remove\":{\"path\":"));
    buf_add_json(out, path);
    buf_printf(out, ",\"deletionTimestamp\":%" PRId64 ",\"dataChange\":%s}}\n", now_ms,
               is_change ? "true" : "false");
}
